package workspace

import (
	"errors"
	"io/fs"

	"github.com/callboard/callboard/sdk/apierror"
)

// File is a file as data.
type File struct {
	Path       string
	Executable bool
	// Symlink: the content is where the link points to. Only links that point to nothing are told as such.
	Symlink bool
	Content []byte
}

// Serialise is all files below the folder base that are not git's own, with paths relative to it, as the reference tells
// them: links to what exists are left out, a link that leads out of the folder is a NotAllowedError. More than limit
// bytes in all are an InputError.
func (d *Dir) Serialise(base string, limit int64) ([]File, error) {
	sub, err := d.Sub(base)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	names, err := sub.Glob(".", []string{"**", "!.git", "!.git/**"}, GlobOptions{})
	if err != nil {
		return nil, err
	}
	var all []File
	for _, name := range names {
		f, ok, err := sub.serialise(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if limit -= int64(len(f.Content)); limit < 0 {
			return nil, apierror.Inputf("the files of the workspace are larger than they may be together, at %s", name)
		}
		all = append(all, f)
	}
	return all, nil
}

func (d *Dir) serialise(name string) (File, bool, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return File{}, false, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		_, err := d.Stat(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return File{}, false, err
		}
		target, err := d.root.Readlink(name)
		return File{Path: name, Symlink: true, Content: []byte(target)}, true, explain("read link", name, err)
	}
	if !info.Mode().IsRegular() {
		return File{}, false, nil // a socket or a pipe that a program left
	}
	data, err := d.ReadFile(name)
	return File{Path: name, Executable: info.Mode()&0o111 != 0, Content: data}, true, err
}

// Restore writes files that came as data. Links are refused.
func (d *Dir) Restore(files []File) error {
	for _, f := range files {
		if f.Symlink {
			return apierror.Inputf("%s is a link, which is not accepted here", f.Path)
		}
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := d.WriteFile(f.Path, f.Content, mode); err != nil {
			return err
		}
	}
	return nil
}
