package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// The test binary is also the programs of the tests, under their names. They end by syscall.Exit, because the race detector
// holds back os.Exit for a second.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "terraform":
		syscall.Exit(fakeTerraform(os.Args[1:]))
	case "helm":
		syscall.Exit(fakeHelm(os.Args[1:]))
	case "ansible-playbook":
		syscall.Exit(fakeAnsible(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// impersonate is the path of a program of that name that is the test binary. A call leaves what it was given in the file
// that FAKE_CALLS names.
func impersonate(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// call is what a program was given.
type call struct {
	Args  []string
	Dir   string
	Env   map[string]string
	Files map[string]string // those that its arguments and environment name
}

// record writes the call down. Programs cannot reach the test otherwise.
func record(args []string) call {
	c := call{Args: args, Env: map[string]string{}, Files: map[string]string{}}
	c.Dir, _ = os.Getwd()
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		c.Env[name] = value
		c.readFile(value)
	}
	for _, a := range args {
		_, value, _ := strings.Cut(a, "=")
		c.readFile(strings.TrimPrefix(value, "@"))
	}
	data, _ := json.Marshal(c)
	f, err := os.OpenFile(os.Getenv("FAKE_CALLS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.Write(append(data, '\n')); err != nil {
		panic(err)
	}
	return c
}

func (c call) readFile(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 || path == os.Getenv("FAKE_CALLS") {
		return
	}
	data, _ := os.ReadFile(path)
	c.Files[filepath.Base(path)] = string(data)
}

// calls reads what record wrote.
func calls(t *testing.T, file string) []call {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []call
	for line := range strings.Lines(string(data)) {
		var c call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// offer is the actions that a configuration offers.
func offer(t *testing.T, yaml string) (map[string]action.Action, Deps) {
	t.Helper()
	sealer, err := secret.NewSealer([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	d := Deps{DataDir: t.TempDir(), Sealer: sealer, Logger: slog.New(slog.DiscardHandler)}
	return offerWith(t, yaml, d), d
}

func offerWith(t *testing.T, yaml string, d Deps) map[string]action.Action {
	t.Helper()
	cfg := config.FromYAML(yaml)
	list, err := Actions(cfg.Section(""), d)
	if err != nil || cfg.Err() != nil {
		t.Fatal(err, cfg.Err())
	}
	byID := map[string]action.Action{}
	for _, a := range list {
		byID[a.Description().ID] = a
	}
	return byID
}

// heard is what one run of an action did. Execution is one goroutine, and so is it.
type heard struct {
	log         []string
	outputs     map[string]json.RawMessage
	checkpoints map[string]json.RawMessage
	onLog       func(message string)
	onKeep      func(key string) error
}

// Log implements [action.Listener].
func (h *heard) Log(level, message string) error {
	h.log = append(h.log, level+": "+message)
	if h.onLog != nil {
		h.onLog(message)
	}
	return nil
}

// Output implements [action.Listener].
func (h *heard) Output(name string, value json.RawMessage) error {
	h.outputs[name] = value
	return nil
}

// Checkpoint implements [action.Listener].
func (h *heard) Checkpoint(key string, value json.RawMessage) error {
	if h.onKeep != nil {
		if err := h.onKeep(key); err != nil {
			return err
		}
	}
	h.checkpoints[key] = value
	return nil
}

func (h *heard) text(name string) string {
	var s string
	if json.Unmarshal(h.outputs[name], &s) != nil {
		return string(h.outputs[name])
	}
	return s
}

func (h *heard) said(part string) bool { return strings.Contains(strings.Join(h.log, "\n"), part) }

func newHeard() *heard {
	return &heard{outputs: map[string]json.RawMessage{}, checkpoints: map[string]json.RawMessage{}}
}

// perform runs an action with an input of JSON, which may hold verbs of fmt.
func perform(ctx context.Context, a action.Action, run action.Invocation, input string, args ...any) (*heard, error) {
	h := newHeard()
	run.Input = action.Input(fmt.Sprintf(input, args...))
	return h, a.Execute(ctx, run, h)
}

// workspaceWith is the folder of a task with these files.
func workspaceWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "task")
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
