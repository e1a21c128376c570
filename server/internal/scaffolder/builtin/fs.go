package builtin

import (
	"context"
	"path"
	"path/filepath"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// fsDelete removes the files that patterns name; as in the reference a folder stands for the files in it, and what it is
// emptied of may leave it behind.
func fsDelete() action.Action {
	type input struct{ Files []string }
	return define(repeatable(dryRunnable(describe("fs:delete"))), func(ctx context.Context, in input, r *run) error {
		dir, err := r.files()
		if err != nil {
			return err
		}
		for _, pattern := range in.Files {
			at, err := dir.Resolve(pattern)
			if err != nil {
				return err
			}
			// The dot keeps a name that begins with "!" from taking away.
			names, err := dir.Glob(".", []string{"./" + at}, workspace.GlobOptions{})
			if err != nil {
				return err
			}
			if err := deleteAll(ctx, r, dir, names); err != nil {
				return err
			}
		}
		return nil
	})
}

func deleteAll(ctx context.Context, r *run, dir *workspace.Dir, names []string) error {
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := dir.RemoveAll(name); err != nil {
			return err
		}
		if err := r.info("File %s deleted successfully", filepath.Join(dir.Name(), name)); err != nil {
			return err
		}
	}
	return nil
}

type renaming struct {
	From, To  string
	Overwrite bool
}

// fsRename is repeatable although a second run does not find what the first one moved: it fails then, and harms nothing.
func fsRename() action.Action {
	type input struct{ Files []renaming }
	return define(repeatable(dryRunnable(describe("fs:rename"))), func(ctx context.Context, in input, r *run) error {
		dir, err := r.files()
		if err != nil {
			return err
		}
		for _, file := range in.Files {
			if err := ctx.Err(); err != nil {
				return err
			}
			if file.From == "" || file.To == "" {
				return apierror.Inputf("each file must have a from and to property")
			}
			if err := rename(r, dir, file); err != nil {
				return err
			}
		}
		return nil
	})
}

func rename(r *run, dir *workspace.Dir, file renaming) error {
	from, err := dir.Resolve(file.From)
	if err != nil {
		return err
	}
	to, err := dir.Resolve(file.To)
	if err != nil {
		return err
	}
	if err := dir.Rename(from, to, file.Overwrite); err != nil {
		return err
	}
	return r.info("File %s renamed to %s successfully", filepath.Join(dir.Name(), from), filepath.Join(dir.Name(), to))
}

// element is one name that fs:readdir lists.
type element struct {
	Name     string `json:"name"`
	Path     string `json:"path"`
	FullPath string `json:"fullPath"`
}

const maxElements = 10_000

func fsReadDir() action.Action {
	type input struct {
		Paths     []string
		Recursive bool
	}
	return define(repeatable(dryRunnable(describe("fs:readdir"))), func(ctx context.Context, in input, r *run) error {
		dir, err := r.files()
		if err != nil {
			return err
		}
		found := listing{files: []element{}, folders: []element{}}
		for _, name := range in.Paths {
			at, err := dir.Resolve(name)
			if err != nil {
				return err
			}
			if err := found.add(ctx, dir, at, in.Recursive); err != nil {
				return err
			}
		}
		if err := r.output("files", found.files); err != nil {
			return err
		}
		return r.output("folders", found.folders)
	})
}

type listing struct{ files, folders []element }

// add lists the folder at, level by level as Node lists.
func (l *listing) add(ctx context.Context, dir *workspace.Dir, at string, recursive bool) error {
	for todo := []string{at}; len(todo) > 0; todo = todo[1:] {
		entries, err := dir.ReadDir(todo[0])
		if err != nil {
			return err
		}
		for _, entry := range entries {
			e := element{entry.Name(), path.Join(todo[0], entry.Name()), filepath.Join(dir.Name(), todo[0], entry.Name())}
			if !entry.IsDir() {
				l.files = append(l.files, e)
				continue
			}
			l.folders = append(l.folders, e)
			if recursive {
				todo = append(todo, e.Path)
			}
		}
		if len(l.files)+len(l.folders) > maxElements {
			return apierror.Inputf("paths: there are more than %d files and folders", maxElements)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
