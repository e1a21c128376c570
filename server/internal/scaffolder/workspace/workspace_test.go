package workspace

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
)

// listed is all files and links of a workspace with their contents.
func (w *world) listed() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	w.must(w.Walk(".", func(name string, entry fs.DirEntry) error {
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(filepath.Join(w.Name(), name))
			all[name] = "-> " + target
			return err
		case entry.IsDir():
			return nil
		}
		data, err := w.ReadFile(name)
		if all[name] = string(data); info.Mode()&0o111 != 0 {
			all[name] += " (executable)"
		}
		return err
	}))
	return all
}

func (w *world) holds(want map[string]string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.listed()); diff != "" {
		w.t.Error(diff)
	}
}

func TestResolve_NamesWithinAreCleaned(t *testing.T) {
	w := newWorld(t)
	w.put(map[string]string{"d/e/f": "f", "in": "-> d/e", "d/back": "-> ../d/e", "nowhere": "-> d/new"})
	for name, want := range map[string]string{
		"": ".", ".": ".", "./": ".", "a": "a", "./a/": "a", "a//b": "a/b", "d/../a": "a", "in/f": "in/f", "d/back/f": "d/back/f", "in/../x": "x",
		"nowhere": "nowhere", w.Name(): ".", w.Name() + "/a/b": "a/b", "..a": "..a", "...": "...", "a/..b": "a/..b", `a\b`: `a\b`, "ü/\xff": "ü/\xff",
	} {
		if got, err := w.Resolve(name); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	if whole, err := w.Path("in/f"); whole != filepath.Join(w.real, "d/e/f") || err != nil {
		t.Errorf("path: %s, %v", whole, err)
	}
	if _, err := w.Path("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("path of what is not there: %v", err)
	}
}

func TestFiles_AreReadWrittenMovedAndRemoved(t *testing.T) {
	w := newWorld(t)
	w.must(w.WriteFile("a/b/run.sh", []byte("run"), 0o4755))
	w.must(w.WriteFile("a/plain", []byte("plain"), 0o644))
	w.must(w.WriteFile("a/plain", []byte("other"), 0o644))
	w.must(w.MkdirAll("a/empty"))
	w.put(map[string]string{"link": "-> a/plain"})
	w.must(w.WriteFile("link", []byte("through"), 0o644))
	w.holds(map[string]string{"a/b/run.sh": "run (executable)", "a/plain": "through", "link": "-> a/plain"})
	if info, err := w.Stat("a/b/run.sh"); err != nil || info.Mode()&fs.ModeSetuid != 0 {
		t.Errorf("mode %s, %v", info.Mode(), err)
	}

	w.must(w.Rename("a/b", "c/d", false))
	if err := w.Rename("a/plain", "c/d/run.sh", false); err == nil || err.Error() != "Error: dest already exists." {
		t.Errorf("renamed over a file: %v", err)
	}
	w.must(w.Rename("a/plain", "c/d/run.sh", true))
	w.must(w.Rename("c/d/run.sh", "c/d/run.sh", false))
	for from, to := range map[string]string{"c": "c/d/e", "missing": "x", "c/d/run.sh": "c"} {
		if err := w.Rename(from, to, true); err == nil {
			t.Errorf("%s was renamed to %s", from, to)
		}
	}
	w.holds(map[string]string{"c/d/run.sh": "through", "link": "-> a/plain"})

	w.must(w.RemoveAll("link"))
	w.must(w.RemoveAll("missing"))
	w.must(w.RemoveAll("c"))
	w.holds(map[string]string{})
	if exists, err := w.Exists("a/empty"); !exists || err != nil {
		t.Errorf("exists: %v, %v", exists, err)
	}
	for _, name := range []string{"missing", "missing/below", "a/empty/x"} {
		if exists, err := w.Exists(name); exists || err != nil {
			t.Errorf("%s exists: %v, %v", name, exists, err)
		}
	}
	if _, err := w.ReadFile("missing"); !errors.Is(err, fs.ErrNotExist) || err.Error() != "read missing: no such file or directory" {
		t.Errorf("got %v", err)
	}
	if _, err := w.ReadFile("a"); !apierror.Has(err, apierror.Input) {
		t.Errorf("a folder was read: %v", err)
	}
}

func TestReadFile_RefusesWhatIsTooLarge(t *testing.T) {
	w := newWorld(t)
	f, err := os.Create(filepath.Join(w.Name(), "large"))
	w.must(err)
	w.must(errors.Join(f.Truncate(MaxFile+1), f.Close()))
	if _, err := w.ReadFile("large"); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), "large") {
		t.Errorf("got %v", err)
	}
}

// The rows are what npm globby 11 finds with {dot: true}, and the links, which it follows or leaves out.
func TestGlob_FindsWhatTheReferenceFinds(t *testing.T) {
	w := newWorld(t)
	w.put(map[string]string{
		"a.txt": "", ".hidden": "", "d/b.txt": "", "d/.git/config": "", "d/e/c.md": "", "!odd": "", "[x]": "", "link": "-> d", "dangling": "-> gone", "empty/": "", "d/${{ n }}.txt": "",
	})
	for _, c := range []struct {
		base     string
		patterns []string
		folders  bool
		want     []string
	}{
		{".", []string{"**"}, false, []string{"!odd", ".hidden", "[x]", "a.txt", "d/${{ n }}.txt", "d/.git/config", "d/b.txt", "d/e/c.md", "dangling", "link"}},
		{".", []string{"**"}, true, []string{"!odd", ".hidden", "[x]", "a.txt", "d/", "d/${{ n }}.txt", "d/.git/", "d/.git/config", "d/b.txt", "d/e/", "d/e/c.md", "dangling", "empty/", "link"}},
		{".", []string{"*"}, false, []string{"!odd", ".hidden", "[x]", "a.txt", "dangling", "link"}},
		{".", []string{"*.txt"}, false, []string{"a.txt"}},
		{".", []string{"**/*.txt"}, false, []string{"a.txt", "d/${{ n }}.txt", "d/b.txt"}},
		{".", []string{"d"}, false, []string{"d/${{ n }}.txt", "d/.git/config", "d/b.txt", "d/e/c.md"}},
		{".", []string{"d/**"}, true, []string{"d/${{ n }}.txt", "d/.git/", "d/.git/config", "d/b.txt", "d/e/", "d/e/c.md"}},
		{".", []string{"./d/*.{md,txt}"}, false, []string{"d/${{ n }}.txt", "d/b.txt"}},
		{".", []string{"**", "!d/.git", "!*"}, false, []string{"d/${{ n }}.txt", "d/b.txt", "d/e/c.md"}},
		{".", []string{"!d"}, false, nil},
		{".", nil, false, nil},
		{".", []string{"./!odd"}, false, []string{"!odd"}},
		{".", []string{"nothing", "a.txt", "a.*"}, false, []string{"a.txt"}},
		{"d", []string{"**"}, false, []string{"${{ n }}.txt", ".git/config", "b.txt", "e/c.md"}},
		{"d", []string{"e"}, true, []string{"e/c.md"}},
		{"missing", []string{"**"}, false, nil},
	} {
		got, err := w.Glob(c.base, c.patterns, GlobOptions{Folders: c.folders})
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%q in %s: %v\n%s", c.patterns, c.base, err, diff)
		}
	}
	for pattern, name := range map[string]apierror.Name{"../*": apierror.NotAllowed, "d/../../*": apierror.NotAllowed, "/etc/*": apierror.NotAllowed, "!../x": apierror.NotAllowed, "[": apierror.Input} {
		if _, err := w.Glob(".", []string{pattern}, GlobOptions{}); !apierror.Has(err, name) {
			t.Errorf("%s: got %v", pattern, err)
		}
	}
}

func TestCopyTree_KeepsLinksAndPermissionsWithinTheTree(t *testing.T) {
	source, w := newWorld(t), newWorld(t)
	source.put(map[string]string{"a": "a", "d/b": "b", "d/up": "-> ../a", "d/gone": "-> missing", "out": "-> ../outside/secret", "empty/": ""})
	source.must(source.WriteFile("run.sh", []byte("run"), 0o755))
	w.put(map[string]string{"to/a": "old", "to/kept": "kept"})
	skipped, err := w.CopyTree(source.Dir, "to", DefaultLimits())
	if err != nil || fmt.Sprint(skipped) != "[out]" {
		t.Errorf("left out %v, %v", skipped, err)
	}
	w.holds(map[string]string{"to/a": "a", "to/d/b": "b", "to/d/up": "-> ../a", "to/d/gone": "-> missing", "to/kept": "kept", "to/run.sh": "run (executable)"})
	if exists, _ := w.Exists("to/empty"); !exists {
		t.Error("an empty folder was left out")
	}

	for _, into := range []string{".", "to", "to/d/new"} {
		if _, err := w.CopyTree(w.Dir, into, DefaultLimits()); !apierror.Has(err, apierror.Input) {
			t.Errorf("copied into itself, to %s: %v", into, err)
		}
	}

	// A folder of the source is a tree of its own: a link to its neighbour leads out of it.
	part, err := source.Sub("d")
	source.must(err)
	defer part.Close()
	if skipped, err := w.CopyTree(part, "part", DefaultLimits()); err != nil || fmt.Sprint(skipped) != "[up]" {
		t.Errorf("of the part %v was left out, %v", skipped, err)
	}
	for to, want := range map[string]bool{"one": false, "x/one": true} { // from "one" it would lead out
		if copied, err := w.CopyFile(source.Dir, "d/up", to); copied != want || err != nil {
			t.Errorf("%s: copied %v, %v", to, copied, err)
		}
	}
}

func TestSerialise_TellsFilesAsTheReferenceDoes(t *testing.T) {
	w := newWorld(t)
	w.put(map[string]string{"a": "a", "d/.dot": "dot", ".git/config": "git", "d/.git/kept": "kept", "link": "-> a", "gone": "-> missing", "bin": "\x00\xff"})
	w.must(w.WriteFile("run.sh", []byte("run"), 0o755))
	want := []File{
		{Path: "a", Content: []byte("a")}, {Path: "bin", Content: []byte("\x00\xff")}, {Path: "d/.dot", Content: []byte("dot")}, {Path: "d/.git/kept", Content: []byte("kept")},
		{Path: "gone", Symlink: true, Content: []byte("missing")}, {Path: "run.sh", Executable: true, Content: []byte("run")},
	}
	got, err := w.Serialise(".", 1<<20)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("%v\n%s", err, diff)
	}
	other := newWorld(t)
	if err := other.Restore(got); !apierror.Has(err, apierror.Input) {
		t.Errorf("a link was restored: %v", err)
	}
	other = newWorld(t)
	other.must(other.Restore([]File{want[2], want[5]}))
	other.holds(map[string]string{"d/.dot": "dot", "run.sh": "run (executable)"})
}

func TestExtract_TakesThePartThatWasAskedFor(t *testing.T) {
	entries := []packedEntry{
		{name: "pax_global_header", kind: tar.TypeXGlobalHeader},
		{name: "repo-abc/", kind: tar.TypeDir, mode: 0o755}, {name: "repo-abc/top", content: "top"}, {name: "repo-abc/skel/", kind: tar.TypeDir, mode: 0o755},
		{name: "repo-abc/skel/a", content: "a"}, {name: "repo-abc/skel/run.sh", content: "run", mode: 0o775}, {name: "repo-abc/skel/b/c", content: "c"},
		{name: "repo-abc/skel/l", kind: tar.TypeSymlink, target: "b/c"}, {name: "repo-abc/skel/out", kind: tar.TypeSymlink, target: "../x"}, {name: "repo-abc/skeleton/no", content: "no"},
	}
	want := map[string]string{"t/a": "a", "t/run.sh": "run (executable)", "t/b/c": "c", "t/l": "-> b/c"}
	o := ExtractOptions{To: "t", Strip: 1, Below: "skel", Limits: DefaultLimits()}
	for kind, extract := range map[string]func(w *world) (Extraction, error){
		"tar": func(w *world) (Extraction, error) { return w.ExtractTar(bytes.NewReader(tarOf(t, entries[1:]...)), o) },
		"gzip": func(w *world) (Extraction, error) {
			return w.ExtractTar(bytes.NewReader(gzipped(t, tarOf(t, entries[1:]...))), o)
		},
	} {
		w := newWorld(t)
		done, err := extract(w)
		if err != nil || done.Files != 3 || fmt.Sprint(done.Skipped) != "[repo-abc/skel/out]" {
			t.Errorf("%s: %+v, %v", kind, done, err)
		}
		w.holds(want)
	}
}

func TestExtract_LinksAreNotWrittenThrough(t *testing.T) {
	w := newWorld(t)
	w.put(map[string]string{"kept": "kept"})
	done, err := w.ExtractTar(bytes.NewReader(tarOf(t,
		packedEntry{name: "l", kind: tar.TypeSymlink, target: "kept"}, packedEntry{name: "l", content: "new"}, packedEntry{name: "h", kind: tar.TypeLink, target: "kept"},
	)), ExtractOptions{Limits: DefaultLimits()})
	if err != nil || fmt.Sprint(done.Skipped) != "[h]" {
		t.Errorf("%+v, %v", done, err)
	}
	w.holds(map[string]string{"kept": "kept", "l": "new"})
}

func TestTemporary_IsBesideTheWorkspaceAndGoes(t *testing.T) {
	w := newWorld(t)
	temporary, err := Temporary(w.Name())
	w.must(err)
	if !strings.HasPrefix(temporary.Name(), w.Name()+"_step-") {
		t.Errorf("it is %s", temporary.Name())
	}
	w.must(temporary.WriteFile("a/b", []byte("x"), 0o400))
	w.must(os.Chmod(filepath.Join(temporary.Name(), "a"), 0o500))
	w.must(temporary.Destroy())
	w.unharmed()
	if _, err := Open(temporary.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
