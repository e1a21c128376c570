package manifest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Argv is the command line on a platform. Its first element is a path inside Dir, or the name of an interpreter, which
// has no slash. A program of the plugin must be there, be a regular file and be executable.
func (m *Manifest) Argv(goos, goarch string) ([]string, error) {
	argv, at := slices.Clone(m.Run.Command), "run.command"
	if len(argv) == 0 {
		platform := goos + "-" + goarch
		program, ok := m.Run.Binaries[platform]
		if !ok {
			have := slices.Sorted(maps.Keys(m.Run.Binaries))
			return nil, m.problemf("run", "has no binary for %s; it has %s", platform, strings.Join(have, ", "))
		}
		argv, at = []string{"./" + program}, "run."+platform
	}
	if !strings.Contains(argv[0], "/") {
		return argv, nil
	}
	if err := m.checkProgram(argv[0], at); err != nil {
		return nil, err
	}
	argv[0] = filepath.Join(m.Dir, argv[0])
	return argv, nil
}

// checkProgram goes through os.Root, so that a link out of the folder is no program of the plugin.
func (m *Manifest) checkProgram(program, at string) error {
	root, err := os.OpenRoot(m.Dir)
	if err != nil {
		return m.problemf(at, "the plugin's folder cannot be opened: %s", reason(err))
	}
	defer root.Close()
	switch info, err := root.Stat(program); {
	case err != nil:
		return m.problemf(at, "the program %q cannot be read (%s); build the plugin first", program, reason(err))
	case !info.Mode().IsRegular():
		return m.problemf(at, "%q is not a regular file", program)
	case info.Mode()&0o111 == 0:
		return m.problemf(at, "%q is not executable; run chmod +x", program)
	}
	return nil
}

func (m *Manifest) problemf(at, format string, args ...any) *Error {
	return &Error{Plugin: m.ID, File: filepath.Join(m.Dir, File), Path: at, Rule: fmt.Sprintf(format, args...)}
}
