package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories of operators of a running host and of authors at their loop. Beyond the commands of TestStories they know
//
//	eventually PATTERN command …   run a command again and again until its output matches
//
// HELLO is the folder of a built hello-go, SOURCE of its sources with a go.mod that works anywhere.
func TestHostStories(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a plugin and runs hosts")
	}
	hello, source := helloGo(t)
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	caches := strings.Fields(string(cache))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/host",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{"HELLO": hello, "SOURCE": source, "GOCACHE": caches[0], "GOMODCACHE": caches[1],
				"GOPATH": caches[2], "GOFLAGS": "-mod=mod", "GOWORK": "off"} {
				e.Setenv(name, value)
			}
			return os.Chmod(e.WorkDir, 0o755)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"address": setAddress, "port": setPort, "ready": awaitHost, "get": get, "exitcode": exitCode, "eventually": again, "copyall": copyAll,
		},
	})
}

// helloGo builds examples/hello-go away from the repository, in a folder with a short name.
func helloGo(t *testing.T) (built, source string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbs")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	source, built = filepath.Join(dir, "source"), filepath.Join(dir, "hello-go")
	for file, into := range map[string][]string{"main.go": {source}, "go.mod": {source}, "go.sum": {source},
		"plugin.yaml": {source, built}, "openapi.yaml": {source, built}, "settings.schema.json": {source, built}} {
		text, err := os.ReadFile(filepath.Join(root, "examples", "hello-go", file))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "=> ../../sdk", "=> "+filepath.Join(root, "sdk")))
		for _, folder := range into {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, file), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(built, "hello-go"), ".")
	build.Dir, build.Env = source, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return built, source
}

func setPort(ts *testscript.TestScript, _ bool, args []string) {
	ln := listen(ts)
	_, port, _ := strings.Cut(ln.Addr().String(), ":")
	ts.Setenv(args[0], port)
	ts.Check(ln.Close())
}

func again(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	var out string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
		text, _ := cmd.CombinedOutput() // it may fail until it does not
		if out = string(text); pattern.MatchString(out) {
			return
		}
	}
	ts.Fatalf("%s does not answer %s after 60 s, but:\n%s", strings.Join(args[1:], " "), args[0], out)
}

func copyAll(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(args[0])))
}
