package develop

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWatch_TellsOfWhatBelongsToThePluginAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.go"), "package main")
	put(t, filepath.Join(dir, "node_modules", "x", "index.js"), "1")
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := Watch(ctx, dir, []string{filepath.Join(dir, "shop")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); <-drained(changes) }()
	for _, file := range []string{"shop", ".cache/plugins/x", "node_modules/x/index.js", "main.go~", "__pycache__/a.pyc"} {
		put(t, filepath.Join(dir, file), "2")
	}
	// What counts comes after them, so that the silence before it means something.
	put(t, filepath.Join(dir, "inner", "deep", "a.go"), "package deep")
	await(t, changes)
	put(t, filepath.Join(dir, "inner", "deep", "a.go"), "package deep // again")
	await(t, changes)
	if err := os.Remove(filepath.Join(dir, "main.go")); err != nil {
		t.Fatal(err)
	}
	await(t, changes)
}

func TestWatch_RefusesAFolderThatIsNotThere(t *testing.T) {
	if _, err := Watch(t.Context(), filepath.Join(t.TempDir(), "none"), nil); err == nil || !strings.Contains(err.Error(), "none") {
		t.Error(err)
	}
}

func TestBuild_TellsWhatTheCompilerSays(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "shop")
	if b := GoBuilder(dir, program); len(b.Argv) != 0 || b.Build(t.Context()).Err != nil {
		t.Errorf("a folder without Go is built: %v", b.Argv)
	}
	put(t, filepath.Join(dir, "go.mod"), "module shop\n\ngo 1.26\n")
	put(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { undefinedThing() }\n")
	b := GoBuilder(dir, program)
	if r := b.Build(t.Context()); r.Err == nil || !strings.Contains(r.Output, "undefinedThing") || !strings.Contains(r.Output, "main.go:3") {
		t.Errorf("%+v", r)
	}
	put(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	if r := b.Build(t.Context()); r.Err != nil || r.Output != "" {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(program); err != nil {
		t.Error(err)
	}
	if r := (Builder{Dir: dir, Argv: []string{"no-such-compiler"}}).Build(t.Context()); r.Err == nil || !strings.Contains(r.Output, "is not in PATH") {
		t.Errorf("%+v", r)
	}
}

func TestLoop_ABuildThatFailsChangesNothingButWhatPeopleSee(t *testing.T) {
	dir := t.TempDir()
	var told []string
	tell := func(text string) { told = append(told, text) }
	l := Loop{Builder: Builder{Dir: dir, Argv: []string{"cat", "wanted"}},
		Building: func() { tell("building") },
		Built: func(r Result) {
			if r.Err != nil {
				tell("failed")
			}
		},
		Serve:  func(context.Context) error { tell("serve"); return nil },
		Served: func(time.Duration, error) { tell("served") },
	}
	changes := make(chan struct{})
	done := make(chan struct{})
	go func() { l.Run(t.Context(), changes); close(done) }()
	changes <- struct{}{}
	changes <- struct{}{} // taken after the first turn
	put(t, filepath.Join(dir, "wanted"), "here")
	changes <- struct{}{}
	close(changes)
	<-done
	text := strings.Join(told, " ")
	if !strings.HasPrefix(text, "building failed building") || !strings.HasSuffix(text, "building serve served") {
		t.Error(text)
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(10 * time.Second):
		t.Fatal("no change was told")
	}
}

func drained(changes <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		for range changes { // emptied until it is closed
		}
		close(done)
	}()
	return done
}
