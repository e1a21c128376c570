package conformance

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// snapshot is the state of a folder: size, mode and time of each file.
type snapshot map[string]string

// maxSnapshot bounds what is looked at in folders with very many files, such as node_modules.
const maxSnapshot = 200_000

func takeSnapshot(dir string) snapshot {
	s := snapshot{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || len(s) > maxSnapshot {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil || d.IsDir() && path == dir {
			return nil //nolint:nilerr // it went away meanwhile
		}
		if d.IsDir() { // its time changes with what is in it, which is looked at anyway
			s[path] = "folder"
			return nil
		}
		s[path] = fmt.Sprint(info.Size(), info.Mode(), info.ModTime().UnixNano())
		return nil
	})
	return s
}

// changes names the files that differ, relative to dir.
func (s snapshot) changes(now snapshot, dir string) []string {
	var changed []string
	for path, state := range now {
		if s[path] != state {
			changed = append(changed, path)
		}
	}
	for path := range s {
		if _, still := now[path]; !still {
			changed = append(changed, path)
		}
	}
	for i, path := range changed {
		if rel, err := filepath.Rel(dir, path); err == nil {
			changed[i] = rel
		}
	}
	slices.Sort(changed)
	return changed
}
