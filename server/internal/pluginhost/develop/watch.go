package develop

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a folder must be quiet after a change: editors save in several steps, and checkouts write many files.
const settle = 100 * time.Millisecond

// maxFolders keeps a folder that was chosen by mistake from using up the system's watches.
const maxFolders = 2000

// Watch tells of changes in dir and the folders below it, until ctx ends: one value for everything that changed since the
// last one was taken. Files in ignored (absolute paths), hidden ones, and what tools leave behind do not count.
func Watch(ctx context.Context, dir string, ignored []string) (<-chan struct{}, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	w := &watch{watcher: watcher, ignored: ignored}
	if err := w.add(dir); err != nil {
		_ = watcher.Close()
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	changes := make(chan struct{}, 1)
	go w.run(ctx, changes)
	return changes, nil
}

type watch struct {
	watcher *fsnotify.Watcher
	ignored []string
	folders int
}

func (w *watch) run(ctx context.Context, changes chan<- struct{}) {
	defer close(changes)
	defer w.watcher.Close()
	quiet := time.NewTimer(0)
	quiet.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-w.watcher.Events:
			if !ok {
				return
			}
			if !w.counts(event) {
				continue
			}
			if event.Has(fsnotify.Create) {
				_ = w.add(event.Name) // a folder, or a file that is none
			}
			quiet.Reset(settle)
		case _, ok := <-w.watcher.Errors: // an overflow: something has changed
			if !ok {
				return
			}
			quiet.Reset(settle)
		case <-quiet.C:
			select {
			case changes <- struct{}{}:
			default: // who waits is told already
			}
		}
	}
}

// add watches a folder and those below it.
func (w *watch) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir:
			return err
		case err != nil || !entry.IsDir():
			return nil //nolint:nilerr // gone meanwhile
		case path != dir && skipped(entry.Name()):
			return filepath.SkipDir
		}
		if w.folders++; w.folders > maxFolders {
			return fmt.Errorf("there are more than %d folders; is this a plugin's folder?", maxFolders)
		}
		return w.watcher.Add(path)
	})
}

func (w *watch) counts(event fsnotify.Event) bool {
	name := filepath.Base(event.Name)
	return event.Op != fsnotify.Chmod && !skipped(name) && !slices.Contains(w.ignored, event.Name) &&
		!strings.HasSuffix(name, "~") && !strings.HasSuffix(name, ".pyc") && !strings.HasSuffix(name, ".tmp") && !strings.HasSuffix(name, "-go-tmp-umask") && name != "4913" // the last is vim's trial
}

// skipped are folders and files that do not belong to the plugin.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "__pycache__"
}
