package hostsvc

import (
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// TaskFiles lends the folders of scaffolder tasks to plugins, each to one plugin for one run of a step. It implements
// [Workspaces]. Safe for concurrent use.
type TaskFiles struct {
	mu   sync.Mutex
	lent map[string]*loan
}

// NewTaskFiles is one that has lent nothing.
func NewTaskFiles() *TaskFiles { return &TaskFiles{lent: map[string]*loan{}} }

// loan is a folder in the hands of a plugin.
type loan struct {
	plugin manifest.ID
	dir    *workspace.Dir

	mu      sync.RWMutex // held for reading while the folder is used
	ended   bool
	written int64 // guarded by count
	count   sync.Mutex
}

// Limits of one loan.
const (
	maxTaskFiles  = 100_000  // that are looked at for a list
	maxTaskWrites = 64 << 20 // bytes that are written
	maxFilePart   = 192 << 10
	maxListPart   = 192 << 10 // of one page, with room for what is said about each file
	listedFile    = 32
)

// Lend gives a plugin the folder until end is called, which waits for calls that run and then ends the use of the folder.
// The handle cannot be guessed, and is good for that plugin alone.
func (t *TaskFiles) Lend(plugin manifest.ID, folder string) (handle string, end func(), err error) {
	dir, err := workspace.Open(folder)
	if err != nil {
		return "", nil, err
	}
	handle, l := rand.Text(), &loan{plugin: plugin, dir: dir}
	t.mu.Lock()
	t.lent[handle] = l
	t.mu.Unlock()
	return handle, func() {
		t.mu.Lock()
		delete(t.lent, handle)
		t.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.ended {
			l.ended = true
			_ = l.dir.Close() // nothing was written through it
		}
	}, nil
}

var errNoWorkspace = apierror.NotFoundf("There is no such workspace, or the step that it was shared for has ended")

// use finds a plugin's loan; done gives it back.
func (t *TaskFiles) use(plugin manifest.ID, handle string) (l *loan, done func(), err error) {
	t.mu.Lock()
	l = t.lent[handle]
	t.mu.Unlock()
	if l == nil || l.plugin != plugin {
		return nil, nil, errNoWorkspace
	}
	l.mu.RLock()
	if l.ended {
		l.mu.RUnlock()
		return nil, nil, errNoWorkspace
	}
	return l, l.mu.RUnlock, nil
}

// List implements [Workspaces].
func (t *TaskFiles) List(plugin manifest.ID, handle, folder, after string) (files []TaskFile, more bool, err error) {
	l, done, err := t.use(plugin, handle)
	if err != nil {
		return nil, false, err
	}
	defer done()
	seen := 0
	err = l.dir.Walk(folder, func(name string, entry fs.DirEntry) error {
		if !entry.Type().IsRegular() {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if seen++; seen > maxTaskFiles {
			return apierror.Inputf("the workspace holds more than %d files, too many to list: list its folders", maxTaskFiles)
		}
		if name > after {
			files = append(files, TaskFile{Path: name, Size: info.Size(), Executable: executable(info)})
		}
		return nil
	})
	if err != nil {
		return nil, false, named("list", folder, err)
	}
	slices.SortFunc(files, func(a, b TaskFile) int { return cmp.Compare(a.Path, b.Path) })
	size := 0
	for i, f := range files {
		if size += len(f.Path) + listedFile; size > maxListPart && i > 0 {
			return files[:i], true, nil
		}
	}
	return files, false, nil
}

func executable(info fs.FileInfo) bool { return info.Mode()&0o100 != 0 }

// Read implements [Workspaces].
func (t *TaskFiles) Read(plugin manifest.ID, handle, path string, offset int64) (FilePart, error) {
	l, done, err := t.use(plugin, handle)
	if err != nil {
		return FilePart{}, err
	}
	defer done()
	f, err := l.dir.Open(path)
	if err != nil {
		return FilePart{}, named("read", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return FilePart{}, named("read", path, err)
	}
	part := FilePart{Data: make([]byte, max(0, min(maxFilePart, info.Size()-offset))), Size: info.Size(), Executable: executable(info)}
	n, err := f.ReadAt(part.Data, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	part.Data = part.Data[:n]
	return part, named("read", path, err)
}

// Write implements [Workspaces].
func (t *TaskFiles) Write(plugin manifest.ID, handle string, w FileWrite) error {
	l, done, err := t.use(plugin, handle)
	if err != nil {
		return err
	}
	defer done()
	if err := l.spend(len(w.Data)); err != nil {
		return err
	}
	if w.Append {
		return named("write", w.Path, l.dir.AppendFile(w.Path, w.Data))
	}
	mode := fs.FileMode(0o644)
	if w.Executable {
		mode = 0o755
	}
	// A file that is replaced keeps its permissions unless it is made anew.
	if info, err := l.dir.Lstat(w.Path); err == nil && info.Mode().IsRegular() && executable(info) != w.Executable {
		if err := l.dir.RemoveAll(w.Path); err != nil {
			return named("write", w.Path, err)
		}
	}
	return named("write", w.Path, l.dir.WriteFile(w.Path, w.Data, mode))
}

// spend counts what is written. A message costs something even when it is empty.
func (l *loan) spend(n int) error {
	const least = 1 << 10
	l.count.Lock()
	defer l.count.Unlock()
	if l.written += int64(max(n, least)); l.written > maxTaskWrites {
		return apierror.NotAllowedf("A step of a plugin may write at most %d MiB into the workspace", maxTaskWrites>>20)
	}
	return nil
}

// Remove implements [Workspaces].
func (t *TaskFiles) Remove(plugin manifest.ID, handle, path string) error {
	l, done, err := t.use(plugin, handle)
	if err != nil {
		return err
	}
	defer done()
	return named("remove", path, l.dir.RemoveAll(path))
}

// named gives errors of the file system a name, so that plugins are told of what is theirs. Their texts are about names in
// the workspace alone.
func named(operation, path string, err error) error {
	switch _, hasName := errors.AsType[*apierror.Error](err); {
	case err == nil || hasName:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return apierror.NotFoundf("There is no %s in the workspace", path)
	}
	return apierror.Inputf("%s cannot be done with %s: %s", operation, path, reason(err))
}

// reason is the text of an error without the host's paths.
func reason(err error) string {
	text := err.Error()
	if _, last, found := strings.Cut(text, ": "); found {
		return last
	}
	return text
}

var _ Workspaces = (*TaskFiles)(nil)
