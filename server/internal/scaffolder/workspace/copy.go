package workspace

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Limits bound what is brought into a workspace at once.
type Limits struct {
	Files int
	Bytes int64
	// Ratio is how many times larger than its packed form the content of an archive may be, 0 = any.
	Ratio int64
}

// DefaultLimits are for trees and archives that templates fetch.
func DefaultLimits() Limits { return Limits{Files: 10_000, Bytes: 512 << 20, Ratio: 100} }

// CopyTree copies all in the folder source into the folder to, over files that are there. Links are copied as links when
// they lead to a place within source; skipped names those that do not, which are left out. Pipes and devices are left
// out too.
func (d *Dir) CopyTree(source *Dir, to string, limits Limits) (skipped []string, err error) {
	target, err := d.Resolve(to)
	if err != nil {
		return nil, err
	}
	final, err := d.follow(target)
	if err != nil {
		return nil, err
	}
	if _, inside := within(source.real, filepath.Join(d.real, final)); inside {
		return nil, apierror.Inputf("a folder cannot be copied into itself, to %s", to)
	}
	if err := d.MkdirAll(target); err != nil {
		return nil, err
	}
	count := budget{Limits: limits}
	err = source.walk(".", func(name string, entry fs.DirEntry) error {
		if err := count.file(name); err != nil {
			return err
		}
		ok, err := d.copyEntry(source, name, entry, path.Join(target, name), &count)
		if err == nil && !ok {
			skipped = append(skipped, name)
			if entry.IsDir() {
				return fs.SkipDir
			}
		}
		return err
	})
	return skipped, err
}

// CopyFile copies one file or link of source to the name to.
func (d *Dir) CopyFile(source *Dir, from, to string) (copied bool, err error) {
	info, err := source.Lstat(from)
	if err != nil {
		return false, err
	}
	at, err := source.clean(from)
	if err != nil {
		return false, err
	}
	count := budget{Limits: DefaultLimits()}
	return d.copyEntry(source, at, fs.FileInfoToDirEntry(info), to, &count)
}

func (d *Dir) copyEntry(source *Dir, name string, entry fs.DirEntry, to string, count *budget) (bool, error) {
	switch kind := entry.Type(); {
	case kind.IsDir():
		return true, d.MkdirAll(to)
	case kind&fs.ModeSymlink != 0:
		return d.copyLink(source, name, to)
	case !kind.IsRegular():
		return false, nil
	}
	f, err := source.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, explain("read", name, err)
	}
	return true, d.write(to, info.Mode(), func(w io.Writer) error {
		_, err := io.Copy(w, count.reader(f, name))
		return err
	})
}

func (d *Dir) copyLink(source *Dir, name, to string) (bool, error) {
	if _, err := source.follow(name); err != nil {
		return false, nil //nolint:nilerr // it leads out of source or nowhere
	}
	target, err := source.root.Readlink(name)
	if err != nil {
		return false, explain("read link", name, err)
	}
	return d.link(target, to)
}

// link makes a symbolic link when that does not lead out of the folder from its new place, over a file that is there.
func (d *Dir) link(target, to string) (bool, error) {
	at, err := d.clean(to)
	if err != nil {
		return false, err
	}
	parent, err := d.follow(path.Dir(at))
	if err != nil {
		return false, err
	}
	if path.IsAbs(target) || strings.ContainsRune(target, 0) || len(target) > maxName {
		return false, nil
	}
	if _, err := d.follow(parent + "/" + target); err != nil {
		return false, nil //nolint:nilerr // it would lead out of the folder
	}
	if err := d.root.MkdirAll(parent, 0o755); err != nil {
		return false, explain("make folder", path.Dir(to), err)
	}
	place := path.Join(parent, path.Base(at))
	if info, err := d.root.Lstat(place); err == nil {
		if info.IsDir() {
			return false, apierror.Inputf("%s is a folder, and cannot become a link", to)
		}
		if err := d.root.Remove(place); err != nil {
			return false, explain("replace", to, err)
		}
	}
	return true, explain("link", to, d.root.Symlink(target, place))
}

// budget counts what was brought in so far.
type budget struct {
	Limits
	files int
	bytes int64
}

func (b *budget) file(name string) error {
	if b.files++; b.files > b.Files {
		return apierror.Inputf("there are more than %d files and folders, at %s", b.Files, name)
	}
	return nil
}

// reader fails once more was read through it and its like than the limit allows.
func (b *budget) reader(r io.Reader, name string) io.Reader { return &bounded{r, b, name} }

type bounded struct {
	r    io.Reader
	b    *budget
	name string
}

func (r *bounded) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.b.bytes += int64(n); r.b.bytes > r.b.Bytes {
		return 0, apierror.Inputf("the content is larger than the limit of %s, at %s", mebibytes(r.b.Bytes), r.name)
	}
	return n, err
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
