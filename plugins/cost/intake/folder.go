package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Folder is a directory with all that is below it. Nothing outside is read, wherever links point.
type Folder struct{ Path string }

// Name implements [Place].
func (f *Folder) Name() string { return f.Path }

// Origin implements [Place].
func (f *Folder) Origin() string { return FromFolder }

// Settles implements [Place]: a file that is being copied grows.
func (f *Folder) Settles() bool { return true }

// mostFiles bounds a place.
const mostFiles = 100_000

// List implements [Place]. Hidden files, and what is neither a file nor a folder, are left out.
func (f *Folder) List(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		root, err := os.OpenRoot(f.Path)
		if err != nil {
			yield(Object{}, fmt.Errorf("open folder: %w", err))
			return
		}
		defer root.Close()
		n := 0
		err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			if entry.Name() != "." && strings.HasPrefix(entry.Name(), ".") {
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if !entry.Type().IsRegular() {
				return nil
			}
			if n++; n > mostFiles {
				return apierror.Inputf("the folder has more than %d files", mostFiles)
			}
			return f.list(name, entry, yield)
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(Object{}, fmt.Errorf("list folder: %w", err))
		}
	}
}

var errEnough = errors.New("enough")

func (f *Folder) list(name string, entry fs.DirEntry, yield func(Object, error) bool) error {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has gone meanwhile
	}
	if err != nil {
		return err
	}
	if !yield(Object{Name: name, Size: info.Size(), Modified: info.ModTime()}, nil) {
		return errEnough
	}
	return nil
}

// Open implements [Place].
func (f *Folder) Open(_ context.Context, o Object) (io.ReadCloser, error) {
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	defer root.Close() // files that are open stay so
	file, err := root.Open(o.Name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !o.same(Object{Name: o.Name, Size: info.Size(), Modified: info.ModTime()}) {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s is changing", o.Name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

var _ Place = (*Folder)(nil)
