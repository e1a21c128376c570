package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be `callboard` too, for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"callboard": main})
}

// tidy removes what the tests share when all have run.
type tidy struct{ *testing.M }

func (t tidy) Run() int {
	defer func() { _ = os.RemoveAll(built.folder) }()
	return t.M.Run()
}

// built is the program, which the tests that kill it build once.
var built struct {
	once           sync.Once
	folder, binary string
	err            error
}

// builtProgram is the path of the built program. Its folder is short and open, as those of plugins must be.
func builtProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "cbb"); built.err != nil {
			return
		}
		built.binary = filepath.Join(built.folder, "callboard")
		if built.err = os.Chmod(built.folder, 0o755); built.err == nil {
			built.err = goBuild(context.Background(), ".", ".", built.binary, "")
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.binary
}

// goBuild builds a program of a folder, as `make build` does it: what either has compiled serves both.
func goBuild(ctx context.Context, dir, pkg, out, flags string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "sqlite_fts5", "-trimpath", "-ldflags", "-s -w "+flags, "-o", out, pkg)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// The scripts tell stories of people at a terminal: what they type, and what they read. Beyond testscript's own they
// know these commands:
//
//	address NAME              set NAME to an address of this machine that nobody listens on
//	occupied NAME             set NAME to an address that is in use
//	ready ADDRESS             wait until the host there is ready
//	get ADDRESS PATH STATUS [TOKENFILE]   ask, with the token in that file
//	exitcode N command …      run a command that must end with that code
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"address": setAddress, "occupied": occupy, "ready": awaitHost, "get": get, "exitcode": exitCode,
		},
	})
}

func setAddress(ts *testscript.TestScript, _ bool, args []string) {
	ln := listen(ts)
	ts.Setenv(args[0], ln.Addr().String())
	ts.Check(ln.Close())
}

func occupy(ts *testscript.TestScript, _ bool, args []string) {
	ln := listen(ts)
	ts.Defer(func() { _ = ln.Close() })
	ts.Setenv(args[0], ln.Addr().String())
}

func listen(ts *testscript.TestScript) net.Listener {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	return ln
}

func awaitHost(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status, err := ask("http://"+args[0]+"/.backstage/health/v1/readiness", ""); err == nil && status == http.StatusOK {
			return
		}
	}
	ts.Fatalf("the host at %s is not ready after 30 s", args[0])
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	token := ""
	if len(args) > 3 {
		token = strings.TrimSpace(ts.ReadFile(args[3]))
	}
	status, err := ask("http://"+args[0]+args[1], token)
	ts.Check(err)
	if got := fmt.Sprint(status); got != args[2] {
		ts.Fatalf("GET %s: %s, want %s", args[1], got, args[2])
	}
}

func ask(url, token string) (status int, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := single.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// exitCode is needed because scripts only tell success from failure.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	code := "0"
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		code = fmt.Sprint(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if code != args[0] {
		ts.Fatalf("%s ended with %s, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// Each command of the program is told by its help, and nothing in it is longer than a terminal.
func TestHelpFitsATerminal(t *testing.T) {
	for _, args := range []string{"--help", "serve --help", "validate --help", "config --help", "config print --help", "config check --help", "token --help"} {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		p := &Program{Stdout: out, Stderr: out}
		if code := p.Run(t.Context(), strings.Fields(args)); code != 0 {
			t.Errorf("%s ends with %d", args, code)
		}
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "Usage: callboard") {
			t.Errorf("%s: %s", args, text)
		}
		for line := range strings.Lines(string(text)) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: the line %q is too long", args, line)
			}
		}
	}
}

// Everything is initialised in each process of the program: the host, each plugin's launcher, each command. The runtime tells
// what that costs, by package.
func TestStartingCostsLittleMemory(t *testing.T) {
	const most = 4 << 20
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	packages := 0
	for line := range strings.Lines(string(said)) {
		var name, at, took string
		var bytes int
		if _, err := fmt.Sscanf(line, "init %s @%s ms, %s ms clock, %d bytes", &name, &at, &took, &bytes); err != nil {
			continue
		}
		if packages++; bytes > most {
			t.Errorf("package %s allocates %d bytes when any process starts; make what is rarely needed when it is", name, bytes)
		}
	}
	if packages < 50 {
		t.Errorf("the runtime told of %d packages: %s", packages, said)
	}
}
