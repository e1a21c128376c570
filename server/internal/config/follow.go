package config

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a follower waits after a change, as editors and deployments write in several steps. A file that is
// empty is most likely about to be written: it gets patience times as long before that counts as its content.
const (
	settle   = 100 * time.Millisecond
	patience = 10
)

// Follower keeps a configuration in step with its files. A version that cannot be loaded is logged and the old one
// stays.
type Follower struct {
	options Options
	log     *slog.Logger
	files   []string

	mu          sync.Mutex
	current     *Config
	subscribers []subscriber
}

type subscriber struct {
	ctx     context.Context //nolint:containedctx // its end is the end of the subscription
	changed func(*Config)
}

// Follow returns a follower that starts at c, which was loaded with the same options. Nothing happens before
// [Follower.Run].
func Follow(c *Config, o Options, log *slog.Logger) *Follower {
	return &Follower{options: o, log: log, files: c.Files(), current: c}
}

// Current is the latest configuration that could be loaded.
func (f *Follower) Current() *Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

// Subscribe calls changed with each new configuration until ctx ends. Calls come from the goroutine of Run, one after
// another: changed must be quick and must not subscribe.
func (f *Follower) Subscribe(ctx context.Context, changed func(*Config)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, subscriber{ctx, changed})
}

// Run watches until ctx ends and then returns nil; an error means that the system refused to watch. It is called once.
func (f *Follower) Run(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	defer watcher.Close()
	f.watch(watcher)

	// The first tick comes at once, for changes made between loading and watching.
	timer := time.NewTimer(0)
	defer timer.Stop()
	var w watch
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Events:
			timer.Reset(w.wait())
		case err := <-watcher.Errors:
			f.log.Warn("watching configuration files", "error", err)
			timer.Reset(w.wait())
		case <-timer.C:
			w.stirred = time.Time{}
			if again := f.look(ctx, &w); again {
				timer.Reset(settle)
			}
			f.watch(watcher)
		}
	}
}

// watch is what the goroutine of Run remembers.
type watch struct {
	seen    string    // fingerprint of what was read last
	waited  int       // for an empty file
	stirred time.Time // the first event after the last look
}

// wait is how long to let things settle after an event: a neighbour that is written all the time, such as a log, must not
// put the look off for ever.
func (w *watch) wait() time.Duration {
	if w.stirred.IsZero() {
		w.stirred = time.Now()
	}
	return max(0, min(settle, patience*settle-time.Since(w.stirred)))
}

// look reads the configuration again if one of its files changed: events also come for their neighbours. It reports
// whether to look once more after a while.
func (f *Follower) look(ctx context.Context, w *watch) (again bool) {
	now, empty := fingerprint(f.files)
	switch {
	case now == w.seen:
		return false
	case empty && w.waited < patience:
		w.waited++
		return true
	}
	next, files, err := load(ctx, f.options)
	if after, _ := fingerprint(f.files); after != now {
		return true // written while it was read
	}
	w.waited, w.seen = 0, now
	if len(files) > 0 && !slices.Equal(files, f.files) {
		// What happened to the new ones until now was not watched.
		f.files, again = files, true
	}
	f.accept(ctx, next, err)
	return again
}

// watch follows directories, not files: editors and mounted volumes replace files instead of writing them. Adding a
// directory twice does nothing.
func (f *Follower) watch(watcher *fsnotify.Watcher) {
	for _, file := range f.files {
		for _, dir := range directories(file) {
			if err := watcher.Add(dir); err != nil && !os.IsNotExist(err) {
				f.log.Warn("configuration file is not watched", "file", file, "error", err)
			}
		}
	}
}

// directories are where a file stands and where it leads to when it is a link.
func directories(file string) []string {
	dirs := []string{filepath.Dir(file)}
	if target, err := filepath.EvalSymlinks(file); err == nil && filepath.Dir(target) != dirs[0] {
		dirs = append(dirs, filepath.Dir(target))
	}
	return dirs
}

// fingerprint changes when one of the files is written, replaced, created or removed; empty tells that one has no
// content.
func fingerprint(files []string) (sum string, empty bool) {
	var b []byte
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			b = append(b, '-')
			continue
		}
		empty = empty || info.Size() == 0
		b = fmt.Appendf(b, "%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
	}
	return string(b), empty
}

// accept makes next the current configuration and tells the subscribers, or logs why that is not possible.
func (f *Follower) accept(ctx context.Context, next *Config, err error) {
	if err != nil {
		if ctx.Err() == nil {
			f.log.Error("configuration changed but cannot be used; the previous one stays", "error", err)
		}
		return
	}
	f.mu.Lock()
	changed := !next.Equal(f.current)
	f.current = next
	f.subscribers = slices.DeleteFunc(f.subscribers, func(s subscriber) bool { return s.ctx.Err() != nil })
	active := slices.Clone(f.subscribers)
	f.mu.Unlock()
	if !changed {
		return
	}
	f.log.Info("configuration changed")
	for _, s := range active {
		s.changed(next)
	}
}
