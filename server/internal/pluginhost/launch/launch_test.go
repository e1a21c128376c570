//go:build linux

package launch_test

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// site is a host's folders for one test. Paths are short, for sockets, and open to others, for plugins' own users.
type site struct {
	dir, program string
	runtime      *launch.Runtime
	log          *logBuffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbt") // t.TempDir is too long for sockets, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &site{dir: dir, program: filepath.Join(dir, "code", "plugin"), log: &logBuffer{}}
	for _, path := range []string{dir, filepath.Join(dir, "code"), filepath.Join(dir, "data")} {
		if err := errorsOf(os.MkdirAll(path, 0o755), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, s.program)
	if s.runtime, err = launch.OpenRuntime(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.runtime.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func (s *site) spec(t *testing.T, mode string) launch.Spec {
	t.Helper()
	dir, err := s.runtime.Dir("hello")
	if err != nil {
		t.Fatal(err)
	}
	return launch.Spec{
		ID: "hello", Version: "1.0.0", Argv: []string{s.program, "test-plugin", mode}, Dir: filepath.Join(s.dir, "code"), RuntimeDir: dir,
		DataDir: filepath.Join(s.dir, "data", "hello"), Policy: sandbox.Policy{Level: sandbox.Auto}, Logger: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Redact: func(text string) string { return strings.ReplaceAll(text, "hunter2", "***") },
		Limits: manifest.Limits{},
	}
}

func start(t *testing.T, s launch.Spec) *launch.Process {
	t.Helper()
	p, err := launch.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		<-p.Exited()
	})
	return p
}

type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits for a text that must come.
func (b *logBuffer) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(b.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log never said %q:\n%s", text, b.String())
		}
	}
}

func TestStart_RunsAPluginThatServesAndStopsItWhenAsked(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "ok")
	var spawned int
	spec.Spawned = func(pid int, _ uint32) { spawned = pid }
	p := start(t, spec)
	if p.PID() != spawned {
		t.Errorf("spawned %d, runs as %d", spawned, p.PID())
	}
	t.Logf("report: %+v", p.Report())
	if err := p.Stop(t.Context(), 2*time.Second); err != nil {
		t.Error(err)
	}
	if p.ExitReason() != "stopped by the host" {
		t.Errorf("reason: %s", p.ExitReason())
	}
	if _, err := os.Stat(spec.RuntimeDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the runtime folder is still there: %v", err)
	}
}
