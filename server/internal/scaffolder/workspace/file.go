package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/callboard/callboard/sdk/apierror"
)

// MaxFile is the size of the largest file that is read into memory as a whole.
const MaxFile = 64 << 20

// Open opens a regular file for reading. Links within the folder are followed; pipes and devices are refused, not waited for.
func (d *Dir) Open(rel string) (*os.File, error) {
	at, err := d.Resolve(rel)
	if err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain("read", rel, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = apierror.Inputf("%s is not a regular file", rel)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile reads a regular file of at most [MaxFile] bytes.
func (d *Dir) ReadFile(rel string) ([]byte, error) {
	f, err := d.Open(rel)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, explain("read", rel, err)
	}
	data := []byte{}
	if info.Size() <= MaxFile {
		if data, err = io.ReadAll(io.LimitReader(f, MaxFile+1)); err != nil {
			return nil, explain("read", rel, err)
		}
	}
	if info.Size() > MaxFile || len(data) > MaxFile { // it may grow
		return nil, apierror.Inputf("%s is larger than the limit of %d bytes for reading a file", rel, MaxFile)
	}
	return data, nil
}

// WriteFile replaces a file's content, or makes the file with the permissions of mode, and its parents. Bits beyond the permissions
// (setuid and the like) are dropped.
func (d *Dir) WriteFile(rel string, data []byte, mode fs.FileMode) error {
	return d.write(rel, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func (d *Dir) write(rel string, mode fs.FileMode, content func(io.Writer) error) error {
	at, err := d.Resolve(rel)
	if err != nil {
		return err
	}
	if err := d.root.MkdirAll(path.Dir(at), 0o755); err != nil {
		return explain("make folder", path.Dir(rel), err)
	}
	f, err := d.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, mode.Perm())
	if err != nil {
		return explain("write", rel, err)
	}
	err = content(f)
	return explain("write", rel, cmp.Or(err, f.Close()))
}

// MkdirAll makes a folder and its parents.
func (d *Dir) MkdirAll(rel string) error {
	at, err := d.Resolve(rel)
	if err != nil {
		return err
	}
	return explain("make folder", rel, d.root.MkdirAll(at, 0o755))
}

// RemoveAll removes a file, a link or a folder with all in it. A missing name is no error; the folder itself is refused.
func (d *Dir) RemoveAll(rel string) error {
	at, err := d.Resolve(rel)
	if err != nil {
		return err
	}
	if at == "." {
		return apierror.Inputf("the workspace itself cannot be removed, name what is in it")
	}
	return explain("remove", rel, d.root.RemoveAll(at))
}

// Rename moves a file or folder and makes the parents of its new place. An existing to is replaced with overwrite, else
// it is an error.
func (d *Dir) Rename(from, to string, overwrite bool) error {
	source, err := d.Resolve(from)
	if err != nil {
		return err
	}
	target, err := d.Resolve(to)
	if err != nil {
		return err
	}
	if _, err := d.root.Lstat(source); err != nil {
		return explain("rename", from, err)
	}
	switch {
	case source == target:
		return nil
	case source == ".":
		return apierror.Inputf("the workspace itself cannot be renamed")
	case strings.HasPrefix(target, source+"/"):
		return apierror.New(apierror.Generic, fmt.Sprintf("Cannot move '%s' to a subdirectory of itself, '%s'.", from, to))
	case target == "." || strings.HasPrefix(source, target+"/"):
		return apierror.New(apierror.Generic, fmt.Sprintf("Cannot move '%s' over the folder that it is in, '%s'.", from, to))
	}
	if _, err := d.root.Lstat(target); err == nil {
		if !overwrite {
			return apierror.New(apierror.Generic, "dest already exists.")
		}
		if err := d.root.RemoveAll(target); err != nil {
			return explain("replace", to, err)
		}
	}
	if err := d.root.MkdirAll(path.Dir(target), 0o755); err != nil {
		return explain("make folder", path.Dir(to), err)
	}
	return explain("rename", from, d.root.Rename(source, target))
}

// Stat describes what a name leads to.
func (d *Dir) Stat(rel string) (fs.FileInfo, error) {
	at, err := d.Resolve(rel)
	if err != nil {
		return nil, err
	}
	info, err := d.root.Stat(at)
	return info, explain("find", rel, err)
}

// Lstat is [Dir.Stat] that does not follow a link at the end of the name.
func (d *Dir) Lstat(rel string) (fs.FileInfo, error) {
	at, err := d.clean(rel)
	if err != nil {
		return nil, err
	}
	info, err := d.root.Lstat(at)
	return info, explain("find", rel, err)
}

// Exists reports whether a name leads to something.
func (d *Dir) Exists(rel string) (bool, error) {
	_, err := d.Stat(rel)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil, err
}

// ReadDir lists a folder by name.
func (d *Dir) ReadDir(rel string) ([]fs.DirEntry, error) {
	at, err := d.Resolve(rel)
	if err != nil {
		return nil, err
	}
	return d.list(at)
}

func (d *Dir) list(at string) ([]fs.DirEntry, error) {
	f, err := d.root.OpenFile(at, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, explain("list", at, err)
	}
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, explain("list", at, cmp.Or(err, f.Close()))
}

// Walk visits all that is below the folder rel, folders before what is in them, by name. Links are visited, not
// followed. Names are relative to the workspace. visit may answer [fs.SkipDir] for a folder, and [fs.SkipAll].
func (d *Dir) Walk(rel string, visit func(name string, entry fs.DirEntry) error) error {
	at, err := d.Resolve(rel)
	if err != nil {
		return err
	}
	return d.walk(at, visit)
}

// walk does not use fs.WalkDir, which refuses folders whose names are not UTF-8.
func (d *Dir) walk(at string, visit func(name string, entry fs.DirEntry) error) error {
	err := d.descend(at, visit)
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

func (d *Dir) descend(at string, visit func(name string, entry fs.DirEntry) error) error {
	entries, err := d.list(at)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(at, entry.Name())
		err := visit(name, entry)
		if err == nil && entry.IsDir() {
			err = d.descend(name, visit)
		} else if errors.Is(err, fs.SkipDir) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
