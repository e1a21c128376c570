package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/callboard/callboard/sdk/apierror"
)

// Dir is an open folder. Safe for concurrent use, as far as the file system is.
type Dir struct {
	root *os.Root
	name string // absolute, as it was opened
	real string // absolute, without links
}

// Open opens the existing folder path.
func Open(path string) (*Dir, error) {
	name, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open workspace: %w", err)
	}
	actual, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, fmt.Errorf("open workspace: %w", err)
	}
	root, err := os.OpenRoot(actual)
	if err != nil {
		return nil, fmt.Errorf("open workspace: %w", err)
	}
	return &Dir{root: root, name: name, real: actual}, nil
}

// Create makes the folder path, for its owner alone, where there is none, and opens it.
func Create(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create workspace: %w", err)
	}
	return Open(path)
}

// Temporary makes a new folder beside the workspace of that path, whose name begins with the workspace's, so that
// whoever cleans up after a task that died finds it. The caller ends it with [Dir.Destroy].
func Temporary(beside string) (*Dir, error) {
	path, err := os.MkdirTemp(filepath.Dir(beside), filepath.Base(beside)+"_step-*")
	if err != nil {
		return nil, fmt.Errorf("create temporary folder: %w", err)
	}
	return Open(path)
}

// Close ends the use of the folder and leaves it as it is.
func (d *Dir) Close() error { return d.root.Close() }

// Destroy closes the folder and removes it with all that is in it.
func (d *Dir) Destroy() error {
	return cmp.Or(d.Close(), Remove(d.name))
}

// Remove takes away the folder path with all that is in it, also folders that programs left without the right to write.
// Links are removed, not followed.
func Remove(path string) error {
	err := os.RemoveAll(path)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(at string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(at, 0o700) //nolint:gosec // a folder needs x to be emptied
		}
		return nil
	})
	return os.RemoveAll(path)
}

// Name is the folder's absolute path, for messages. Programs get [Dir.Path].
func (d *Dir) Name() string { return d.name }

// Sub opens the folder rel as a workspace of its own: nothing in it leads to its parent.
func (d *Dir) Sub(rel string) (*Dir, error) {
	at, err := d.Resolve(rel)
	if err != nil {
		return nil, err
	}
	final, err := d.follow(at)
	if err != nil {
		return nil, err
	}
	root, err := d.root.OpenRoot(final)
	if err != nil {
		return nil, explain("open folder", rel, err)
	}
	return &Dir{root: root, name: filepath.Join(d.name, at), real: filepath.Join(d.real, final)}, nil
}

// FS is the folder for reading. Links that lead out of it are not followed.
func (d *Dir) FS() fs.FS { return d.root.FS() }

// errOutside is the refusal of whatever leads out of the folder, in the reference's words.
func errOutside() error {
	return apierror.NotAllowedf("Relative path is not allowed to refer to a directory outside its parent")
}

// explain tells which name an operation failed for, as the caller wrote it.
func explain(operation, rel string, err error) error {
	if err == nil {
		return nil
	}
	if escapes(err) {
		return errOutside()
	}
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s %s: %w", operation, rel, err)
}

// escapes reports the refusal of an [os.Root], which has no exported error for it.
func escapes(err error) bool {
	e, ok := errors.AsType[*fs.PathError](err)
	return ok && e.Err.Error() == "path escapes from parent"
}
