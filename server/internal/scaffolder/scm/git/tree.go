package git

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// Limits of what one push may hold: it is kept in memory while it is sent.
const (
	maxFiles = 50_000
	maxBytes = 128 << 20
	maxRules = 5_000 // lines of .gitignore that one file is asked against
)

// Mode is what a file is in a repository.
type Mode string

// The modes of git.
const (
	Regular    Mode = "100644"
	Executable Mode = "100755"
	Link       Mode = "120000" // Content is where it leads to
)

// File is one file of a repository.
type File struct {
	Path    string // with slashes
	Mode    Mode
	Content []byte
}

// ReadTree reads all files in dir by name, without folders called .git and, with ignore, without what .gitignore files
// leave out. Links stay links; one that leads out of dir is refused, as are names that are git's own elsewhere.
func ReadTree(ctx context.Context, dir *workspace.Dir, ignore bool) ([]File, error) {
	r := treeReader{ctx: ctx, dir: dir, ignore: ignore}
	if err := r.folder(".", nil); err != nil {
		return nil, err
	}
	return r.files, nil
}

type treeReader struct {
	ctx    context.Context //nolint:containedctx // of one call
	dir    *workspace.Dir
	ignore bool
	files  []File
	bytes  int
}

func (r *treeReader) folder(at string, rules ignoreRules) error {
	if r.ignore {
		text, err := r.ignoreFile(at)
		if err != nil {
			return err
		}
		if rules = rules.with(at, text); len(rules) > maxRules {
			return apierror.Inputf("the .gitignore files on the way to %s have more than %d lines", at, maxRules)
		}
	}
	entries, err := r.dir.ReadDir(at)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		name := path.Join(at, entry.Name())
		if entry.Name() == ".git" || rules.ignored(name, entry.IsDir()) {
			continue
		}
		if err := r.entry(name, entry, rules); err != nil {
			return err
		}
	}
	return nil
}

// ignoreFile reads the folder's .gitignore. A link is not followed, as git does not.
func (r *treeReader) ignoreFile(at string) (string, error) {
	name := path.Join(at, ".gitignore")
	info, err := r.dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, err := r.dir.ReadFile(name)
	return string(text), err
}

func (r *treeReader) entry(name string, entry fs.DirEntry, rules ignoreRules) error {
	if err := checkPath(name, entry.Type()&fs.ModeSymlink != 0); err != nil {
		return err
	}
	switch {
	case entry.IsDir():
		return r.folder(name, rules)
	case entry.Type()&fs.ModeSymlink != 0:
		return r.link(name)
	case entry.Type().IsRegular():
		return r.file(name, entry)
	}
	return apierror.Inputf("%s cannot be published: it is neither a file nor a folder nor a link", name)
}

func (r *treeReader) link(name string) error {
	if _, err := r.dir.Resolve(name); err != nil {
		return apierror.Wrap(apierror.NotAllowed, "the link "+name+" cannot be published", err)
	}
	target, err := fs.ReadLink(r.dir.FS(), name)
	if err != nil {
		return err
	}
	return r.add(File{name, Link, []byte(target)})
}

func (r *treeReader) file(name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	content, err := r.dir.ReadFile(name)
	if err != nil {
		return err
	}
	mode := Regular
	if info.Mode()&0o111 != 0 {
		mode = Executable
	}
	return r.add(File{name, mode, content})
}

func (r *treeReader) add(f File) error {
	r.files = append(r.files, f)
	r.bytes += len(f.Content)
	if len(r.files) > maxFiles {
		return apierror.Inputf("there are more than %d files to publish", maxFiles)
	}
	if r.bytes > maxBytes {
		return apierror.Inputf("the files to publish are larger than %d bytes together", maxBytes)
	}
	return nil
}
