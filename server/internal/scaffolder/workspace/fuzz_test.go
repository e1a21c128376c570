package workspace

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzWorkspaceFS plays a program of operations whose names, links and archive entries are the input's lines, and looks
// whether anything outside was changed or seen.
func FuzzWorkspaceFS(f *testing.F) {
	for _, seed := range []string{
		"l a ../outside\nw a/secret\nr a/secret", "l a b\nl b ..\nm a/outside/new\nd b", "a ../outside/secret\nx a OUTSIDE\na a/secret", "l d .\nl a d/..\nl x a/../outside\nc x\ng **\ns x",
		"w f\nn f ../x\nn ../outside f", "l a OUTSIDE/secret\nr a\nc a\np .\ns .", "m d\nx d/l ../../outside\na d/l/secret\nt d/l", "l a /proc/self/root\nr a/etc/passwd\nt .", "l a a\nr a\nd a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, program string) {
		lines := strings.Split(program, "\n")
		if len(lines) > 30 || len(program) > 2000 {
			t.Skip()
		}
		w := newWorld(t)
		var seen [][]byte
		for _, line := range lines {
			seen = append(seen, w.play(line)...)
		}
		w.unharmed(seen...)
	})
}

// play does one operation: a letter and one or two names.
func (w *world) play(line string) (seen [][]byte) {
	operation, rest, _ := strings.Cut(line, " ")
	one, two, _ := strings.Cut(strings.ReplaceAll(rest, "OUTSIDE", w.outside), " ")
	switch operation {
	case "l": // a program makes a link, wherever it can within the workspace
		w.plant(two, one)
	case "w":
		_ = w.WriteFile(one, []byte("changed"), 0o777)
	case "r":
		data, _ := w.ReadFile(one)
		seen = append(seen, data)
	case "m":
		_ = w.MkdirAll(one)
	case "d":
		_ = w.RemoveAll(one)
	case "n":
		_ = w.Rename(one, two, true)
	case "c":
		_, _ = w.CopyFile(w.Dir, one, "copied")
	case "t":
		if part, err := w.Sub("d"); err == nil {
			_, _ = w.CopyTree(part, one, Limits{Files: 100, Bytes: 1 << 16})
			_ = part.Close()
		}
	case "g":
		_, _ = w.Glob(one, []string{two}, GlobOptions{Folders: true})
	case "s":
		files, _ := w.Serialise(one, 1<<16)
		for _, file := range files {
			seen = append(seen, file.Content)
		}
	case "p":
		if at, err := w.Path(one); err == nil {
			seen = append(seen, readAsProgramsDo(at)...)
		}
	case "a":
		_, _ = w.ExtractTar(bytes.NewReader(tarOf(w.t, packedEntry{name: one, content: "changed"})), ExtractOptions{Limits: DefaultLimits()})
	case "x":
		_, _ = w.ExtractTar(bytes.NewReader(tarOf(w.t, packedEntry{name: one, kind: tar.TypeSymlink, target: two}, packedEntry{name: one + "/secret", content: "changed"})), ExtractOptions{Limits: DefaultLimits()})
	}
	return seen
}

// plant makes a link by the system's own means, but not outside of the workspace, which no program of ours would.
func (w *world) plant(target, name string) {
	at := filepath.Join(w.Name(), filepath.Clean("/"+name))
	parent, err := filepath.EvalSymlinks(filepath.Dir(at))
	if err == nil && (parent == w.real || strings.HasPrefix(parent, w.real+"/")) {
		_ = os.Symlink(target, filepath.Join(parent, filepath.Base(at)))
	}
}

// readAsProgramsDo follows all links below a path that a program was given.
func readAsProgramsDo(at string) (seen [][]byte) {
	_ = filepath.WalkDir(at, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // programs go on
		}
		if actual, err := filepath.EvalSymlinks(name); err == nil {
			if info, err := os.Stat(actual); err == nil && info.Mode().IsRegular() {
				data, _ := os.ReadFile(actual)
				seen = append(seen, data)
			}
			entries, _ := os.ReadDir(actual)
			for _, below := range entries {
				data, _ := os.ReadFile(filepath.Join(actual, below.Name()))
				seen = append(seen, data)
			}
		}
		return nil
	})
	return seen
}
