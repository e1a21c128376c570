package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const (
	runtimePrefix = "cb-"
	// youngAge spares folders that another host is just making.
	youngAge = time.Minute
)

// Runtime is the folder of one running host for the folders of its starts. It is locked while the host lives, so that the
// next host can tell what a dead one left behind. Paths in it are short, as unix sockets need them.
type Runtime struct {
	dir  string
	lock *os.File
	next atomic.Int64
}

// OpenRuntime removes what dead hosts left in parent, and makes a folder for this one. parent = "" is the system's folder for
// temporary files.
func OpenRuntime(parent string) (*Runtime, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := os.MkdirAll(parent, 0o711); err != nil { //nolint:gosec // plugins run as users of their own and pass through
		return nil, fmt.Errorf("make the folder for run-time files: %w", err)
	}
	if err := CleanStale(parent); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, runtimePrefix)
	if err != nil {
		return nil, fmt.Errorf("make the folder for run-time files: %w", err)
	}
	lock, err := lockFolder(dir)
	if err == nil {
		err = os.Chmod(dir, 0o711) //nolint:gosec // as above; nothing in it can be listed
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder for run-time files: %w", err), os.RemoveAll(dir))
	}
	return &Runtime{dir: dir, lock: lock}, nil
}

// Dir makes the folder for one start of a plugin. [Start] gives it to the plugin's user, and removes it in the end.
func (r *Runtime) Dir(id manifest.ID) (string, error) {
	name := string(id)
	if len(name) > 20 {
		name = name[:20]
	}
	dir := filepath.Join(r.dir, fmt.Sprintf("%s.%d", name, r.next.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the runtime folder of plugin %s: %w", id, err)
	}
	return dir, nil
}

// Close removes everything. Processes must have ended.
func (r *Runtime) Close() error {
	err := os.RemoveAll(r.dir)
	r.lock.Close()
	return err
}

// CleanStale removes the folders of hosts that ended without doing so themselves.
func CleanStale(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look for run-time files of earlier hosts: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), runtimePrefix) {
			continue
		}
		if err := removeStale(filepath.Join(parent, e.Name())); err != nil {
			return fmt.Errorf("remove run-time files of an earlier host: %w", err)
		}
	}
	return nil
}

// removeStale leaves alone what is locked, another user's, or just being made.
func removeStale(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || !ours(info) || info.Mode().Perm() == 0o700 && time.Since(info.ModTime()) < youngAge {
		return nil // gone meanwhile, or none of ours
	}
	lock, err := lockFolder(dir)
	if errors.Is(err, errLocked) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return os.RemoveAll(dir)
}

var errLocked = errors.New("another host is using it")
