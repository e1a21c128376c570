package workspace

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is what is outside: it must never be seen, and never be changed.
const canary = "canary-7f3a"

// world is a workspace and what is beside it.
type world struct {
	*Dir
	t       testing.TB
	parent  string
	outside string
	before  string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	parent := t.TempDir()
	w := &world{t: t, parent: parent, outside: filepath.Join(parent, "outside")}
	w.must(os.MkdirAll(filepath.Join(w.outside, "sub"), 0o755))
	w.must(os.WriteFile(filepath.Join(w.outside, "secret"), []byte(canary), 0o600))
	w.must(os.WriteFile(filepath.Join(w.outside, "sub", "secret"), []byte(canary), 0o600))
	w.must(os.WriteFile(filepath.Join(parent, "ws-neighbour"), []byte(canary), 0o600)) // begins with the workspace's name
	dir, err := Create(filepath.Join(parent, "ws"))
	w.must(err)
	w.Dir, w.before = dir, w.tree()
	t.Cleanup(func() { _ = dir.Close() })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put makes files as a program in the workspace would; "-> x" makes a link to x, a slash at the end a folder.
func (w *world) put(files map[string]string) {
	w.t.Helper()
	for name, content := range files {
		at := filepath.Join(w.Name(), name)
		w.must(os.MkdirAll(filepath.Dir(at), 0o755))
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			w.must(os.Symlink(strings.ReplaceAll(target, "OUTSIDE", w.outside), at))
		} else if strings.HasSuffix(name, "/") {
			w.must(os.MkdirAll(at, 0o755))
		} else {
			w.must(os.WriteFile(at, []byte(content), 0o644))
		}
	}
}

// tree is all that is outside of the workspace, as a text.
func (w *world) tree() string {
	w.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(w.parent, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == filepath.Join(w.parent, "ws") {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %s", strings.TrimPrefix(name, w.parent), info.Mode())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %x", sha256.Sum256(data))
		}
		out.WriteByte('\n')
		return nil
	})
	w.must(err)
	return out.String()
}

// unharmed fails the test when anything outside was changed, or seen in one of those texts.
func (w *world) unharmed(seen ...[]byte) {
	w.t.Helper()
	if after := w.tree(); after != w.before {
		w.t.Fatalf("what is outside was changed:\n%s\nit was\n%s", after, w.before)
	}
	for _, data := range seen {
		if bytes.Contains(data, []byte(canary)) {
			w.t.Fatal("what is outside was read")
		}
	}
}

// packedEntry is one entry of an archive.
type packedEntry struct {
	name, content string
	kind          byte // of tar; 0 = a file
	target        string
	mode          int64
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, entries ...packedEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Linkname: e.target, Typeflag: e.kind, Size: int64(len(e.content)), Mode: e.mode}
		if header.Mode == 0 {
			header.Mode = 0o644
		}
		if e.kind == 0 {
			header.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(header); err != nil {
			t.Skipf("no tar archive can say that: %v", err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
