package config

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lockedBuffer is a log that a test reads while the follower writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type following struct {
	*Follower
	dir     string
	log     *lockedBuffer
	changes chan *Config
}

func follow(t *testing.T, dir string) *following {
	t.Helper()
	o := Options{Dir: dir}
	c, err := Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	f := &following{dir: dir, log: &lockedBuffer{}, changes: make(chan *Config, 16)}
	f.Follower = Follow(c, o, slog.New(slog.NewTextHandler(f.log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	f.Subscribe(ctx, func(c *Config) { f.changes <- c })
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *following) next(t *testing.T) *Config {
	t.Helper()
	select {
	case c := <-f.changes:
		return c
	case <-time.After(20 * time.Second):
		t.Fatalf("no change was noticed; log: %s", f.log)
		return nil
	}
}

func TestFollower_NoticesChangesBesideAFileThatIsWrittenAllTheTime(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app-config.yaml", "a: 1")
	f := follow(t, dir)
	enough := make(chan struct{})
	var noise sync.WaitGroup
	noise.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-enough:
				return
			case <-time.After(settle / 10):
				write(t, dir, "host.log", strings.Repeat("line\n", i%100))
			}
		}
	})
	defer noise.Wait()
	defer close(enough)
	for _, want := range []string{"first", "second"} { // the first may be noticed before the watch begins
		write(t, dir, "app-config.yaml", "a: "+want)
		if got := f.next(t).Root().String("a", ""); got != want {
			t.Errorf("a = %q", got)
		}
	}
}

func TestFollower_TellsSubscribersOfChangedIncludedCreatedAndReplacedFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app-config.yaml", "a: 1\nsecret: {$file: secrets/token}")
	write(t, dir, "secrets/token", "one")
	f := follow(t, dir)

	write(t, dir, "app-config.yaml", "a: 2\nsecret: {$file: secrets/token}")
	if got := f.next(t).Root().Int("a", 0); got != 2 {
		t.Errorf("written: a = %d", got)
	}
	write(t, dir, "secrets/token", "two!")
	if got := f.next(t).Root().String("secret", ""); got != "two!" {
		t.Errorf("included: secret = %q", got)
	}
	write(t, dir, "app-config.local.yaml", "a: 33")
	if got := f.next(t).Root().Int("a", 0); got != 33 {
		t.Errorf("created: a = %d", got)
	}
	write(t, dir, "new", "a: 4\nsecret: x")
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "app-config.local.yaml")); err != nil {
		t.Fatal(err)
	}
	if got := f.next(t).Root().Int("a", 0); got != 4 {
		t.Errorf("replaced: a = %d", got)
	}
	if got := f.Current().Root().Int("a", 0); got != 4 {
		t.Errorf("current: a = %d", got)
	}
}

func TestFollower_FollowsLinksAsMountedVolumesUseThem(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "..v1/app-config.yaml", "a: 1")
	write(t, dir, "..v2/app-config.yaml", "a: 22")
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..v1", "..data")
	link("..data/app-config.yaml", "app-config.yaml")
	f := follow(t, dir)
	link("..v2", "..tmp")
	if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if got := f.next(t).Root().Int("a", 0); got != 22 {
		t.Errorf("a = %d", got)
	}
}

func TestFollower_WaitsForFilesThatAreBeingWritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app-config.yaml", "a: 1")
	f := follow(t, dir)
	write(t, dir, "app-config.yaml", "")
	time.AfterFunc(3*settle, func() { _ = os.WriteFile(filepath.Join(dir, "app-config.yaml"), []byte("a: 2"), 0o600) })
	if got := f.next(t).Root().Int("a", 0); got != 2 {
		t.Errorf("a = %d: the empty file was taken for the configuration", got)
	}
	write(t, dir, "app-config.yaml", "")
	if got := f.next(t).Root().Has("a"); got {
		t.Error("a file that stays empty is ignored for ever")
	}
}

func TestFollower_KeepsTheOldConfigurationWhenTheNewOneIsBroken(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app-config.yaml", "a: 1")
	f := follow(t, dir)
	write(t, dir, "app-config.yaml", "a: [broken")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(f.log.String(), "previous one stays"); {
		if time.Now().After(deadline) {
			t.Fatalf("the broken file was not logged: %s", f.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !strings.Contains(f.log.String(), "app-config.yaml:1") {
		t.Errorf("the log does not name the line: %s", f.log)
	}
	if got := f.Current().Root().Int("a", 0); got != 1 {
		t.Errorf("a = %d", got)
	}
	write(t, dir, "app-config.yaml", "a: 5")
	if got := f.next(t).Root().Int("a", 0); got != 5 {
		t.Errorf("after the repair a = %d", got)
	}
}
