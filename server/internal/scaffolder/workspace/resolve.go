package workspace

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

const (
	maxName = 4096 // bytes of a whole relative name
	maxHops = 255  // links followed for one name
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
	done, rest := ".", clean
	for hops := 0; rest != "." && rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, part)
		if climbs(next) {
			return "", errOutside()
		}
		info, err := d.root.Lstat(next)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || !escapes(err) {
				done = next // there is nothing that could lead elsewhere
				continue
			}
			return "", errOutside()
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if hops++; hops > maxHops {
			return "", apierror.Inputf("the path %s goes in a circle of links", clean)
		}
		target, err := d.root.Readlink(next)
		if err != nil {
			return "", explain("read link", next, err)
		}
		if path.IsAbs(target) {
			return "", errOutside()
		}
		rest = strings.TrimSuffix(target, "/") + "/" + rest
		rest = strings.Trim(rest, "/")
	}
	return done, nil
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
