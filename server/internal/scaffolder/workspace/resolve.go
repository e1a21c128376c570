package workspace

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

const (
	maxName  = 4096 // bytes of a whole relative name
	maxDepth = 255  // parts of it
	maxHops  = 255  // links followed for one name
)

// Resolve is the clean relative form of a name ("." for the folder itself). A name that leads out of the folder, by
// dots, as an absolute path or by links, is a NotAllowedError; it need not exist.
func (d *Dir) Resolve(rel string) (string, error) {
	at, err := d.clean(rel)
	if err != nil {
		return "", err
	}
	_, err = d.follow(at)
	return at, err
}

// clean is [Dir.Resolve] by the letters of the name alone.
func (d *Dir) clean(rel string) (string, error) {
	switch {
	case strings.ContainsRune(rel, 0):
		return "", apierror.Inputf("the path %q must not contain a NUL character", rel)
	case len(rel) > maxName:
		return "", apierror.Inputf("a path of %d bytes is longer than the limit of %d", len(rel), maxName)
	}
	clean := path.Clean(filepath.ToSlash(rel))
	if path.IsAbs(clean) {
		inside, ok := within(d.name, clean)
		if !ok {
			inside, ok = within(d.real, clean)
		}
		if !ok {
			return "", errOutside()
		}
		clean = inside
	}
	if climbs(clean) {
		return "", errOutside()
	}
	return clean, nil
}

// within is the relative form of the absolute path name below the folder base.
func within(base, name string) (string, bool) {
	rel, err := filepath.Rel(base, name)
	if err != nil || climbs(filepath.ToSlash(rel)) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

func climbs(clean string) bool {
	return clean == ".." || strings.HasPrefix(clean, "../") || path.IsAbs(clean)
}

// follow is where a clean relative name really is once its links are followed. What does not exist stays as it is
// written, also behind a link.
func (d *Dir) follow(clean string) (string, error) {
	w := walk{levels: []level{{root: d.root}}}
	defer w.close()
	hops := 0
	for rest := clean; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		target, err := w.step(part)
		if err != nil {
			return "", err
		}
		if target == "" {
			continue
		}
		if hops++; hops > maxHops {
			return "", apierror.Inputf("the path %s goes in a circle of links", clean)
		}
		rest = strings.TrimSuffix(target, "/") + "/" + rest
	}
	return w.name(), nil
}

// walk is a way down from a folder, one open folder for each level, so that a name costs by its length and not by its
// square.
type walk struct{ levels []level }

// level is one folder on the way; root is nil for what is no folder or does not exist.
type level struct {
	name string
	root *os.Root
}

// step goes on by one part of a name. For a link it stays where it is and answers the link's target.
func (w *walk) step(part string) (link string, err error) {
	here := w.levels[len(w.levels)-1].root
	switch {
	case part == "" || part == ".":
		return "", nil
	case part == "..":
		if len(w.levels) == 1 {
			return "", errOutside()
		}
		w.pop()
		return "", nil
	case len(w.levels) > maxDepth:
		return "", apierror.Inputf("a path has more than %d parts", maxDepth)
	case here == nil:
		w.levels = append(w.levels, level{name: part})
		return "", nil
	}
	info, err := here.Lstat(part)
	next := level{name: part}
	switch {
	case err != nil:
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = here.Readlink(part); err == nil && path.IsAbs(link) {
			err = errOutside()
		}
		return link, explain("read link", part, err)
	case info.IsDir():
		if next.root, err = here.OpenRoot(part); err != nil {
			return "", explain("open folder", part, err)
		}
	}
	w.levels = append(w.levels, next)
	return "", nil //nolint:nilerr // an error of looking means that there is nothing that could lead elsewhere
}

func (w *walk) pop() {
	last := len(w.levels) - 1
	if root := w.levels[last].root; root != nil {
		_ = root.Close() // was only read through
	}
	w.levels = w.levels[:last]
}

func (w *walk) close() {
	for len(w.levels) > 1 { // the first is not ours
		w.pop()
	}
}

func (w *walk) name() string {
	parts := make([]string, 0, len(w.levels))
	for _, l := range w.levels[1:] {
		parts = append(parts, l.name)
	}
	return path.Join(".", path.Join(parts...))
}

// Path is the absolute path of an existing name, for programs, which follow links as they like: it is refused when the
// name or anything below it is a link that leads out of the folder. What a program makes of the folder afterwards is
// checked again by the next one that is given its path.
func (d *Dir) Path(rel string) (string, error) {
	at, err := d.Resolve(rel)
	if err != nil {
		return "", err
	}
	final, err := d.follow(at)
	if err != nil {
		return "", err
	}
	info, err := d.root.Lstat(final)
	if err != nil {
		return "", explain("find", rel, err)
	}
	whole := filepath.Join(d.real, filepath.FromSlash(final))
	if !info.IsDir() {
		return whole, nil
	}
	err = d.walk(final, func(name string, entry fs.DirEntry) error {
		if entry.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		if _, err := d.follow(name); apierror.Has(err, apierror.NotAllowed) {
			return apierror.NotAllowedf("%s is a link that leads out of the workspace", name)
		}
		return nil
	})
	return whole, err
}
