//go:build linux

package launch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
)

func TestStart_SaysWhyAPluginDidNotStart(t *testing.T) {
	for mode, want := range map[string]struct {
		stage        launch.Stage
		reason, hint string
	}{
		"noise":     {launch.StageHandshake, `the plugin printed "Hello from my plugin" before the handshake`, "log to stderr instead"},
		"endless":   {launch.StageHandshake, "its first line on stdout is longer than 4096 bytes", "log to stderr instead"},
		"exit":      {launch.StageHandshake, "it ended before the handshake: exit status 3", ""},
		"panic":     {launch.StageHandshake, "it ended before the handshake: exit status 2: panic: out of cheese", ""},
		"silent":    {launch.StageHandshake, "it did not shake hands within 10s", "flush"},
		"protocol":  {launch.StageHandshake, "it speaks plugin protocol 7, and this host speaks 1", "install a version"},
		"netrpc":    {launch.StageHandshake, "it does not speak gRPC", "|grpc"},
		"elsewhere": {launch.StageHandshake, `it announced the address "unix /run/docker.sock", and must listen on `, "listen on $CALLBOARD_RUNTIME_DIR/rpc.sock"},
		"unserved":  {launch.StageConnect, "it shook hands, but does not answer on rpc.sock", "listen on the socket before"},
		"link":      {launch.StageConnect, "it is not a socket", ""},
		"no-health": {launch.StageConnect, "it does not serve grpc.health.v1.Health", "register the health service"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel() // some are waited for
			s := newSite(t)
			spec := s.spec(t, mode)
			spec.HandshakeTimeout = time.Minute
			switch mode {
			case "silent", "unserved", "endless", "link": // until then
				spec.HandshakeTimeout = 10 * time.Second
			}
			e := startFails(t, spec)
			if e.Stage != want.stage || !strings.Contains(e.Reason, want.reason) || !strings.Contains(e.Hint, want.hint) {
				t.Errorf("stage %s, reason %q, hint %q", e.Stage, e.Reason, e.Hint)
			}
			if late := errors.Is(e, context.DeadlineExceeded); late != (mode == "silent") {
				t.Errorf("%v, and it is told as late: %v", e, late)
			}
			if mode == "exit" && !strings.Contains(e.Error(), "settings are wrong") {
				t.Errorf("the error does not tell the last line on stderr: %v", e)
			}
			if _, err := os.Stat(spec.RuntimeDir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the runtime folder is still there: %v", err)
			}
		})
	}
}

func TestStart_SaysWhatIsWrongWithTheProgram(t *testing.T) {
	s := newSite(t)
	code := filepath.Join(s.dir, "code")
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(code, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	elf, err := os.ReadFile(s.program)
	if err != nil {
		t.Fatal(err)
	}
	foreign := []byte(string(elf[:4096]))
	foreign[18], foreign[19] = 0xf3, 0 // e_machine: RISC-V
	for name, c := range map[string]struct {
		argv         []string
		stage        launch.Stage
		reason, hint string
	}{
		"missing":        {[]string{filepath.Join(code, "none")}, launch.StagePrepare, "cannot be opened", "build the plugin first"},
		"not executable": {[]string{write("text", "hello", 0o644)}, launch.StagePrepare, "is not executable", "chmod +x"},
		"folder":         {[]string{code + "/."}, launch.StagePrepare, "is not a regular file", ""},
		"no format":      {[]string{write("noise", "hello", 0o755)}, launch.StageExec, "is not one for this system", "build it for"},
		"architecture":   {[]string{write("foreign", string(foreign), 0o755)}, launch.StageExec, "is built for riscv64, and this machine is", "build it for"},
		"no interpreter": {[]string{write("script", "#!/usr/bin/nonesuch\n", 0o755)}, launch.StageExec, "needs /usr/bin/nonesuch, which is not there", ""},
		"unknown name":   {[]string{"nonesuch7", "plugin.py"}, launch.StagePrepare, `the interpreter "nonesuch7" is not in /usr/bin, /bin`, "install it"},
		"nothing":        {nil, launch.StagePrepare, "there is no command to run", ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec := s.spec(t, "")
			spec.Argv = c.argv
			e := startFails(t, spec)
			if e.Stage != c.stage || !strings.Contains(e.Reason, c.reason) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("stage %s, reason %q, hint %q", e.Stage, e.Reason, e.Hint)
			}
		})
	}
}

func TestStart_EndsWhenItIsCancelledAndLeavesNothing(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "silent")
	ctx, cancel := context.WithCancel(t.Context())
	spec.Spawned = func(int, uint32) { cancel() }
	_, err := launch.Start(ctx, spec)
	e, ok := errors.AsType[*launch.StartError](err)
	if !ok || !errors.Is(err, context.Canceled) && !strings.Contains(e.Reason, "launcher") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(spec.RuntimeDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the runtime folder is still there: %v", err)
	}
}

func TestStart_RefusesPathsThatNoSocketCanHave(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "ok")
	spec.RuntimeDir = filepath.Join(s.dir, strings.Repeat("x", 100))
	if e := startFails(t, spec); e.Stage != launch.StagePrepare || !strings.Contains(e.Reason, "too long for a unix socket") {
		t.Errorf("%v", e)
	}
}

func startFails(t *testing.T, s launch.Spec) *launch.StartError {
	t.Helper()
	p, err := launch.Start(t.Context(), s)
	if err == nil {
		p.Kill()
		<-p.Exited()
		t.Fatal("it started")
	}
	e, ok := errors.AsType[*launch.StartError](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	if e.Plugin != s.ID {
		t.Errorf("the error is about plugin %q", e.Plugin)
	}
	return e
}
