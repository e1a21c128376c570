package workspace

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/callboard/callboard/sdk/apierror"
)

// GlobOptions say what a glob finds.
type GlobOptions struct {
	// Folders are found too, with a slash at their end; else files and links only.
	Folders bool
}

// Glob finds what the patterns name below the folder base, as the reference's globby does: hidden names count like others,
// a folder stands for all that is in it, "!pattern" takes away from what the other patterns find; links are found and not
// followed. Names are relative to base, each once, in the order of [Dir.Walk].
func (d *Dir) Glob(base string, patterns []string, o GlobOptions) ([]string, error) {
	set, err := d.compile(base, patterns)
	if err != nil || len(set.wanted) == 0 {
		return nil, err
	}
	at, err := d.Resolve(base)
	if err != nil {
		return nil, err
	}
	var found []string
	err = d.walk(at, func(name string, entry fs.DirEntry) error {
		rel := name
		if at != "." {
			rel = strings.TrimPrefix(name, at+"/")
		}
		switch {
		case !set.matches(rel) || entry.IsDir() && !o.Folders:
		case entry.IsDir():
			found = append(found, rel+"/")
		default:
			found = append(found, rel)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}

type globSet struct{ wanted, unwanted []string }

func (d *Dir) compile(base string, patterns []string) (globSet, error) {
	var set globSet
	for _, written := range patterns {
		p, negated := strings.CutPrefix(written, "!")
		p = path.Clean(strings.TrimPrefix(p, "./"))
		if climbs(p) {
			return set, errOutside()
		}
		if !doublestar.ValidatePattern(p) {
			return set, apierror.Inputf("%q is not a pattern of file names", written)
		}
		if info, err := d.Stat(path.Join(base, p)); err == nil && info.IsDir() {
			p = path.Join(p, "**")
		}
		if strings.HasSuffix(p, "**") {
			p += "/*" // what is in a folder, and not the folder
		}
		if negated {
			set.unwanted = append(set.unwanted, p)
		} else {
			set.wanted = append(set.wanted, p)
		}
	}
	return set, nil
}

func (s globSet) matches(name string) bool {
	return matchesAny(s.wanted, name) && !matchesAny(s.unwanted, name)
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if p == name {
			return true
		}
		if ok, err := doublestar.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
