package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/callboard/callboard/sdk/excerpt"
)

// What one plugin may consist of. The numbers are far above what real plugins have, with the dependencies of a Node
// program among them, and keep a hostile package from filling the disk.
const (
	maxFiles     = 20_000
	maxTotal     = 1 << 30
	maxPath      = 512
	maxDepth     = 32
	maxChecksums = 8 << 20
	maxManifest  = 256 << 10
)

// IgnoreFile lists, a pattern on each line, what of an author's folder does not belong to the plugin. Names that begin
// with a dot and Python's caches never do.
const IgnoreFile = ".pluginignore"

// SumFolder hashes the files of an author's folder that belong to the plugin.
func SumFolder(ctx context.Context, root *os.Root) (Checksums, error) {
	patterns, err := ignored(root)
	if err != nil {
		return nil, err
	}
	return sum(ctx, root, func(p string) bool {
		name := path.Base(p)
		return strings.HasPrefix(name, ".") || name == "__pycache__" || slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := doublestar.Match(pattern, p)
			return err == nil && ok
		})
	})
}

// ignored reads patterns; one without a slash is about names in every folder.
func ignored(root *os.Root) ([]string, error) {
	data, err := root.ReadFile(IgnoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refusef(IgnoreFile, "cannot be read: %v", reason(err))
	}
	var patterns []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(strings.TrimSpace(line), "/")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !doublestar.ValidatePattern(line) {
			return nil, refusef(IgnoreFile, "has %q, which is not a pattern", excerpt.Short(line))
		}
		if !strings.Contains(line, "/") {
			line = "**/" + line
		}
		patterns = append(patterns, strings.TrimPrefix(line, "/"))
	}
	return patterns, nil
}

// sumAll hashes every file of a folder. Nothing but regular files may be there.
func sumAll(ctx context.Context, root *os.Root) (Checksums, error) {
	return sum(ctx, root, func(string) bool { return false })
}

func sum(ctx context.Context, root *os.Root, skip func(path string) bool) (Checksums, error) {
	var sums Checksums
	var total int64
	err := fs.WalkDir(root.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return refusef(p, "cannot be read: %v", reason(err))
		case p == ".":
			return nil
		case skip(p) && entry.IsDir():
			return fs.SkipDir
		case skip(p), entry.IsDir(), isSeal(p):
			return nil
		}
		if err := checkPath(p); err != nil {
			return refusef(wholePlugin, "has a file that cannot be packed: %v", err)
		}
		sum, size, err := sumFile(root, p)
		if err != nil {
			return err
		}
		total += size
		sums = append(sums, Sum{p, sum})
		return withinLimits(len(sums), total)
	})
	slices.SortFunc(sums, func(a, b Sum) int { return cmp.Compare(a.Path, b.Path) })
	return sums, err
}

func withinLimits(files int, total int64) error {
	if files > maxFiles {
		return refusef(wholePlugin, "has more than %d files", maxFiles)
	}
	if total > maxTotal {
		return refusef(wholePlugin, "has more than %d MiB of files", maxTotal>>20)
	}
	return nil
}

func sumFile(root *os.Root, p string) ([sha256.Size]byte, int64, error) {
	f, err := openRegular(root, p)
	if err != nil {
		return [sha256.Size]byte{}, 0, err
	}
	defer f.Close()
	return sumOpen(f, p)
}

func sumOpen(f *os.File, p string) (sum [sha256.Size]byte, size int64, err error) {
	h := sha256.New()
	if size, err = io.Copy(h, io.LimitReader(f, maxTotal+1)); err != nil {
		return sum, 0, refusef(p, "cannot be read: %v", reason(err))
	}
	return [sha256.Size]byte(h.Sum(nil)), size, nil
}

// openRegular opens a regular file that is no link. Links are refused even if they stay inside: what a path leads to must
// not depend on anything but the file with that path. The check is repeated on what was opened, because the entry may have
// been exchanged in between, and the open does not wait, because it may have been exchanged for a pipe.
func openRegular(root *os.Root, p string) (*os.File, error) {
	entry, err := root.Lstat(p)
	if err != nil {
		return nil, refusef(p, "cannot be read: %v", reason(err))
	}
	if !entry.Mode().IsRegular() {
		return nil, refusef(p, "is %s; a plugin consists of regular files", kindOf(entry.Mode()))
	}
	f, err := root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, refusef(p, "cannot be read: %v", reason(err))
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(entry, opened) {
		return nil, errors.Join(refusef(p, "was exchanged while it was read"), f.Close())
	}
	return f, nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// readSmall reads a file of the plugin that is expected to be small.
func readSmall(root *os.Root, p string, limit int64) ([]byte, error) {
	f, err := openRegular(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("is larger than %d bytes", limit)
	}
	if err != nil {
		return nil, refusef(p, "cannot be read: %v", reason(err))
	}
	return data, nil
}

// reason is an error of the file system without the path, which the caller names itself.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
