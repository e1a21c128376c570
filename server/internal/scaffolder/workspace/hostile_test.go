package workspace

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
)

// traps are links as a hostile template, archive or program leaves them in a workspace.
var traps = map[string]string{
	"up": "-> ..", "up-slash": "-> ../", "beside": "-> ../outside", "beside-file": "-> ../outside/secret",
	"neighbour": "-> ../ws-neighbour", "absolute": "-> OUTSIDE", "absolute-file": "-> OUTSIDE/secret", "root": "-> /", "etc": "-> /etc/passwd",
	"proc": "-> /proc/self/root", "fd": "-> /proc/self/fd", "chain-1": "-> chain-2", "chain-2": "-> chain-3", "chain-3": "-> beside",
	"dangling": "-> ../outside/new", "dangling-absolute": "-> OUTSIDE/new", "winding": "-> deep/down/../../../outside",
	"deep/down/climb": "-> ../../../outside", "deep/through": "-> down/climb", "deep/down/file": "x", "self": "-> self", "loop-1": "-> loop-2", "loop-2": "-> loop-1",
	"long-way": "-> " + strings.Repeat("./", 500) + "../outside", "dotted": "-> ./.././outside", "in-and-out": "-> ../ws/../outside",
}

// hostileNames lead out of the workspace, by themselves or through traps.
func hostileNames(outside string) []string {
	names := []string{
		"..", "../", "../outside", "../outside/secret", "../ws-neighbour", "../ws/../outside/secret", "a/../../outside/secret", "./../outside/secret",
		"deep/../../outside/secret", "deep/down/../../../outside/secret", "//../outside/secret", outside, outside + "/secret", outside + "/../outside/secret", "/",
		"/etc/passwd", "/proc/self/environ", "/dev/stdin", strings.Repeat("../", 60) + "etc/passwd", "../outside/new", "....//../../outside/secret",
		"up/outside/secret", "up-slash/outside/secret", "up/ws-neighbour", "up/new", "beside/secret", "beside/sub/secret", "beside/new", "beside-file",
		"neighbour", "absolute/secret", "absolute/new", "absolute-file", "root/etc/passwd", "etc", "proc/etc/passwd", "fd/0",
		"chain-1/secret", "chain-2/new", "chain-3/sub/new", "dangling", "dangling-absolute", "winding/secret", "deep/down/climb/secret", "deep/through/secret",
		"deep/through/new", "long-way/secret", "dotted/secret", "in-and-out/secret", "deep/down/climb/sub/../secret",
		"secret\x00", "\x00../outside/secret", strings.Repeat("a/", 3000) + "x", "../" + strings.Repeat("a", 5000),
	}
	return names
}

func TestWorkspace_NoNameLeadsOut(t *testing.T) {
	w := newWorld(t)
	w.put(traps)
	names := hostileNames(w.outside)
	if len(names) < 50 {
		t.Fatalf("only %d names", len(names))
	}
	source := newWorld(t)
	source.put(map[string]string{"f": "content", "d/f": "content"})
	for _, name := range names {
		seen := w.everything(name, source.Dir)
		w.unharmed(seen...)
		for operation, err := range w.outcomes(name, source.Dir) {
			if err == nil {
				t.Errorf("%s %.80q was done", operation, name)
			} else if !apierror.Has(err, apierror.NotAllowed) && !apierror.Has(err, apierror.Input) {
				t.Errorf("%s %.80q: %v", operation, name, err)
			}
		}
		w.unharmed()
	}
}

// outcomes are the errors of what must be refused for a name that leads out.
func (w *world) outcomes(name string, source *Dir) map[string]error {
	w.put(map[string]string{"own": "own"})
	errs := map[string]error{}
	_, errs["resolve"] = w.Resolve(name)
	_, errs["path"] = w.Path(name)
	_, errs["open folder"] = w.Sub(name)
	_, errs["read"] = w.ReadFile(name)
	_, errs["list"] = w.ReadDir(name)
	_, errs["find"] = w.Stat(name)
	_, errs["copy to"] = w.CopyTree(source, name, DefaultLimits())
	_, errs["copy file to"] = w.CopyFile(source, "f", name)
	_, errs["serialise"] = w.Serialise(name, 1<<20)
	_, errs["glob in"] = w.Glob(name, []string{"**"}, GlobOptions{})
	errs["write"] = w.WriteFile(name, []byte("changed"), 0o644)
	errs["make folder"] = w.MkdirAll(name)
	errs["rename to"] = w.Rename("own", name, true)
	errs["rename from"] = w.Rename(name, "taken", true)
	errs["walk"] = w.Walk(name, func(string, os.DirEntry) error { return nil })
	errs["restore"] = w.Restore([]File{{Path: name, Content: []byte("changed")}})
	return errs
}

// everything collects what operations that may succeed show.
func (w *world) everything(name string, source *Dir) (seen [][]byte) {
	if data, err := w.ReadFile(name); err == nil {
		seen = append(seen, data)
	}
	if files, err := w.Serialise(".", 1<<20); err == nil {
		for _, f := range files {
			seen = append(seen, f.Content)
		}
	}
	if _, err := w.CopyFile(w.Dir, name, "copied"); err == nil {
		data, _ := w.ReadFile("copied")
		seen = append(seen, data)
	}
	_, _ = w.CopyTree(source, name, DefaultLimits())
	_, _ = w.ExtractTar(bytes.NewReader(tarOf(w.t, packedEntry{name: "f", content: "changed"})), ExtractOptions{To: name, Limits: DefaultLimits()})
	return seen
}

func TestWorkspace_TrapsAreRemovedNotFollowed(t *testing.T) {
	w := newWorld(t)
	w.put(traps)
	names, err := w.Glob(".", []string{"**"}, GlobOptions{})
	if err != nil || len(names) != len(traps) {
		t.Fatalf("found %d of %d: %v", len(names), len(traps), err)
	}
	if _, err := w.Path("."); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("a program was sent to traps: %v", err)
	}
	if _, err := w.Serialise(".", 1<<20); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("traps were serialised: %v", err)
	}
	other := newWorld(t)
	skipped, err := other.CopyTree(w.Dir, ".", DefaultLimits())
	if err != nil || len(skipped) < len(traps)-3 {
		t.Errorf("of %d links %d were left out: %v", len(traps), len(skipped), err)
	}
	if _, err := other.Path("."); err != nil {
		t.Errorf("a trap was copied: %v", err)
	}
	other.unharmed()
	if err := w.Destroy(); err != nil {
		t.Fatal(err)
	}
	w.unharmed()
}

func TestWorkspace_PipesAreNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.must(syscall.Mkfifo(filepath.Join(w.Name(), "pipe"), 0o644))
	if _, err := w.ReadFile("pipe"); !apierror.Has(err, apierror.Input) {
		t.Errorf("read: %v", err)
	}
	if err := w.WriteFile("pipe", []byte("x"), 0o644); err == nil {
		t.Error("written to a pipe that nobody reads")
	}
	if files, err := w.Serialise(".", 1<<20); err != nil || len(files) != 0 {
		t.Errorf("serialised %v, %v", files, err)
	}
	other := newWorld(t)
	if skipped, err := other.CopyTree(w.Dir, ".", DefaultLimits()); err != nil || fmt.Sprint(skipped) != "[pipe]" {
		t.Errorf("copied; left out %v, %v", skipped, err)
	}
}

// hostileArchives are by what they try; what none of them may do is to touch anything outside.
func hostileArchives(t testing.TB, outside string) map[string][]packedEntry {
	t.Helper()
	link := func(name, target string) packedEntry {
		return packedEntry{name: name, kind: tar.TypeSymlink, target: target}
	}
	hard := func(name, target string) packedEntry {
		return packedEntry{name: name, kind: tar.TypeLink, target: target}
	}
	file := func(name string) packedEntry { return packedEntry{name: name, content: "changed"} }
	return map[string][]packedEntry{
		"slip":                   {file("../outside/secret")},
		"slip after a good file": {file("good"), file("../outside/secret")},
		"deep slip":              {file("a/b/../../../outside/secret")},
		"slip to the neighbour":  {file("../ws-neighbour")},
		"absolute":               {file(outside + "/secret")},
		"dots only":              {file("..")},
		"folder slip":            {{name: "../new/", kind: tar.TypeDir, mode: 0o755}},
		"backslash slip":         {file(`..\outside\secret`)},
		"mixed slip":             {file(`a/..\../outside/secret`)},
		"write through a link":   {link("l", "../outside"), file("l/secret")},
		"write over a link":      {link("l", "../outside/secret"), file("l")},
		"absolute link":          {link("l", outside), file("l/secret")},
		"chain":                  {link("a", "b"), link("b", "../outside"), file("a/secret")},
		"chain in order":         {link("b", "../outside"), link("a", "b"), file("a/secret")},
		"link that becomes one":  {link("a", "d/.."), link("d", "."), link("x", "a/../outside"), file("x/secret")},
		"late folder":            {link("x", "d/../../outside"), {name: "d/", kind: tar.TypeDir, mode: 0o755}, file("x/secret")},
		"link over a folder":     {{name: "d/", kind: tar.TypeDir, mode: 0o755}, link("d", "../outside"), file("d/secret")},
		"folder over a link":     {link("d", "../outside"), {name: "d/", kind: tar.TypeDir, mode: 0o755}, file("d/secret")},
		"hard link":              {hard("h", "../outside/secret"), file("h")},
		"absolute hard link":     {hard("h", outside+"/secret"), file("h")},
		"hard link to a link":    {link("l", "../outside/secret"), hard("h", "l"), file("h")},
		"device":                 {{name: "null", kind: tar.TypeChar}, {name: "disk", kind: tar.TypeBlock}, {name: "pipe", kind: tar.TypeFifo}},
		"setuid":                 {{name: "su", content: "#!/bin/sh\n", mode: 0o6755}},
		"dot names":              {file("./././good"), file("."), {name: "./", kind: tar.TypeDir, mode: 0o755}},
		"long name":              {file(strings.Repeat("a/", 2500) + "x")},
		"long part":              {file(strings.Repeat("a", 300))},
		"file as folder":         {file("f"), file("f/g")},
		"same name twice":        {file("f"), file("f")},
		"self link":              {link("s", "s"), file("s/x")},
		"empty link":             {link("e", ""), file("e/x")},
		"link to the workspace":  {link("here", "."), file("here/../../outside/secret"), file("here/x")},
	}
}

func TestExtract_NoArchiveLeadsOut(t *testing.T) {
	for what := range hostileArchives(t, "/") {
		t.Run(what, func(t *testing.T) {
			for _, strip := range []int{0, 1} {
				w := newWorld(t)
				entries := hostileArchives(t, w.outside)[what]
				if strip == 1 {
					for i := range entries {
						entries[i].name = "around/" + entries[i].name
					}
				}
				_, err := w.ExtractTar(bytes.NewReader(tarOf(t, entries...)), ExtractOptions{Strip: strip, Limits: DefaultLimits()})
				w.unharmed()
				w.harmless()
				if strings.Contains(what, "slip") && !apierror.Has(err, apierror.Input) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// harmless fails when something in the workspace is a trap, a device, or runs as another user.
func (w *world) harmless() {
	w.t.Helper()
	if _, err := w.Path("."); err != nil {
		w.t.Errorf("left a trap: %v", err)
	}
	err := filepath.WalkDir(w.Name(), func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode()&(os.ModeSetuid|os.ModeSetgid|os.ModeDevice|os.ModeNamedPipe) != 0 {
			w.t.Errorf("%s has mode %s", name, info.Mode())
		}
		return err
	})
	w.must(err)
}

func TestExtract_BombsAreStoppedWhileTheyUnfold(t *testing.T) {
	zeros := strings.Repeat("\x00", 3<<19)
	many := make([]packedEntry, 50)
	for i := range many {
		many[i] = packedEntry{name: fmt.Sprintf("f%d", i)}
	}
	for what, c := range map[string]struct {
		entries []packedEntry
		limits  Limits
		want    string
	}{
		"ratio":         {[]packedEntry{{name: "zeros", content: zeros}}, DefaultLimits(), "more than 100 times its size"},
		"skipped ratio": {[]packedEntry{{name: "elsewhere/zeros", content: zeros}}, DefaultLimits(), "more than 100 times its size"},
		"size":          {[]packedEntry{{name: "a", content: zeros}, {name: "b", content: zeros}}, Limits{Files: 10, Bytes: 2 << 20, Ratio: 1 << 30}, "more than the limit of 2 MB"},
		"files":         {many, Limits{Files: 49, Bytes: 1 << 30, Ratio: 100}, "more than 49 files and folders"},
	} {
		o := ExtractOptions{Limits: c.limits}
		if what == "skipped ratio" {
			o.Below = "here"
		}
		w := newWorld(t)
		if _, err := w.ExtractTar(bytes.NewReader(gzipped(t, tarOf(t, c.entries...))), o); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestExtract_ABrokenArchiveIsAnInputError(t *testing.T) {
	good := gzipped(t, tarOf(t, packedEntry{name: "f", content: strings.Repeat("content", 1000)}))
	for what, data := range map[string][]byte{
		"empty gzip": {0x1f, 0x8b}, "cut": good[:len(good)/2], "cut at the end": good[:len(good)-4], "text": []byte(strings.Repeat("no archive ", 100)),
		"changed": append(append(bytes.Clone(good[:40]), 0xff, 0xff, 0xff), good[43:]...),
	} {
		if _, err := newWorld(t).ExtractTar(bytes.NewReader(data), ExtractOptions{Limits: DefaultLimits()}); !apierror.Has(err, apierror.Input) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestCopyTree_StopsAtItsLimits(t *testing.T) {
	source := newWorld(t)
	source.put(map[string]string{"a": strings.Repeat("x", 600), "b": strings.Repeat("x", 600), "c": ""})
	for _, limits := range []Limits{{Files: 2, Bytes: 1 << 20}, {Files: 10, Bytes: 1000}} {
		if _, err := newWorld(t).CopyTree(source.Dir, ".", limits); !apierror.Has(err, apierror.Input) {
			t.Errorf("%+v: %v", limits, err)
		}
	}
	if _, err := source.Serialise(".", 1000); !apierror.Has(err, apierror.Input) {
		t.Errorf("serialise: %v", err)
	}
	if errors.Is(source.RemoveAll("."), nil) || errors.Is(source.Rename(".", "x", true), nil) {
		t.Error("the workspace itself was moved or removed")
	}
}
