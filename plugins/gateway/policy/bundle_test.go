package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
)

const refuses = header + `deny contains data.words.no if true`

func write(t *testing.T, dir string, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		name := filepath.Join(dir, pairs[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(pairs[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func symlink(t *testing.T, old, name string) {
	t.Helper()
	if err := os.Symlink(old, name); err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, path, want string) {
	t.Helper()
	p, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Decide(t.Context(), request(nil))
	if err != nil || len(d.Critical) != 1 || d.Critical[0].Message != want {
		t.Errorf("decided %+v, %v, want %q", d, err, want)
	}
}

func TestOpen_ReadsAFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "rules/deep/p.rego", refuses, "words/data.json", `{"no": "not today"}`, "README.md", "x",
		".manifest", `{"roots": [""]}`, ".git/config.rego", "broken", "p_test.rego", "package other\nbroken if {")
	says(t, dir, "not today")
}

// Kubernetes mounts a ConfigMap as links to a folder that it replaces as a whole.
func TestOpen_FollowsLinksWithinTheFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "..2026_11_28/p.rego", refuses, "..2026_11_28/data.json", `{"words": {"no": "not today"}}`)
	symlink(t, "..2026_11_28", filepath.Join(dir, "..data"))
	symlink(t, "..data/p.rego", filepath.Join(dir, "p.rego"))
	symlink(t, "..data/data.json", filepath.Join(dir, "data.json"))
	says(t, dir, "not today")
}

func TestOpen_ReadsNothingOutsideOfTheFolder(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, "secret.rego", refuses)
	for name, target := range map[string]string{"absolute": filepath.Join(outside, "secret.rego"), "relative": "../../../../../../../../etc/hostname", "a folder": outside} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			symlink(t, target, filepath.Join(dir, "p.rego"))
			if _, err := Open(dir); !errors.Is(err, sdk.ErrInput) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpen_SaysThatThereIsNone(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "none.tar.gz")} {
		if _, err := Open(path); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "none") {
			t.Errorf("got %v", err)
		}
	}
}

// archive makes a .tar.gz; a header's name and its text alternate.
func archive(t testing.TB, entries ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	for i := 0; i+1 < len(entries); i += 2 {
		h, text := entries[i].(tar.Header), entries[i+1].(string)
		h.Size, h.Mode = int64(len(text)), 0o600
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestOpen_ReadsAnArchive(t *testing.T) {
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	packed := archive(t, tar.Header{Name: "./", Typeflag: tar.TypeDir}, "", tar.Header{Name: "./rules/p.rego"}, refuses,
		tar.Header{Name: "/data.json"}, `{"words": {"no": "not today"}}`, tar.Header{Name: ".manifest"}, "{}", tar.Header{Name: "a.txt"}, "x")
	if err := os.WriteFile(name, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, name, "not today")
}

func TestReadArchive_KeepsToItsBounds(t *testing.T) {
	small := bounds{files: 5, file: 1000, all: 3000}
	bomb := []any{tar.Header{Name: "x.bin"}, strings.Repeat("x", 4*small.all)}
	many, large := []any{}, []any{}
	for i := range small.files + 1 {
		many = append(many, tar.Header{Name: fmt.Sprint(i, ".rego")}, "x")
		large = append(large, tar.Header{Name: fmt.Sprint(i, ".rego")}, strings.Repeat("x", small.file))
	}
	for name, c := range map[string]struct {
		packed []byte
		want   string
	}{
		"no archive":        {[]byte("PK is no gzip"), "gzip: invalid header"},
		"cut off":           {archive(t, tar.Header{Name: "p.rego"}, refuses)[:60], "unexpected EOF"},
		"out of the folder": {archive(t, tar.Header{Name: "../p.rego"}, refuses), "is no path below the archive"},
		"a link":            {archive(t, tar.Header{Name: "p.rego", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""), "p.rego is no regular file"},
		"twice":             {archive(t, tar.Header{Name: "p.rego"}, refuses, tar.Header{Name: "./p.rego"}, refuses), "p.rego is there twice"},
		"a bomb":            {archive(t, bomb...), "unpacks to four times"},
		"too many files":    {archive(t, many...), "more than 5 files"},
		"too large":         {archive(t, large...), "bytes together"},
		"a large file":      {archive(t, tar.Header{Name: "p.rego"}, strings.Repeat("x", small.file+1)), "p.rego has more than"},
		"YAML":              {archive(t, tar.Header{Name: "data.yml"}, "a: 1"), "write it as data.json"},
	} {
		t.Run(name, func(t *testing.T) {
			r := reading{bundle{}, small, 0}
			if err := r.unpack(bytes.NewReader(c.packed)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if len(r.bundle) > small.files {
				t.Errorf("%d files were kept", len(r.bundle))
			}
		})
	}
}

func TestLoadFiles_TakesTextsOfSettings(t *testing.T) {
	p, err := LoadFiles(map[string]string{"p.rego": refuses, "words/data.json": `{"no": "not today"}`, "p_test.rego": "package other"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Decide(t.Context(), request(nil))
	if err != nil || len(d.Critical) != 1 || d.Critical[0].Message != "not today" {
		t.Errorf("decided %+v, %v", d, err)
	}
	for name, want := range map[string]string{
		"p.txt": "neither", "data.yaml": "neither", "../p.rego": "neither", "/p.rego": "neither", "": "neither", "large.rego": "has more than", "broken.rego": "broken.rego:1: rego_parse_error",
	} {
		files := map[string]string{"good.rego": refuses, name: "package x y"}
		if name == "large.rego" {
			files[name] = strings.Repeat("#", usual.file+1)
		}
		if _, err := LoadFiles(files); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func TestReadme_HasRulesThatPassTheirTests(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```rego\n")
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of Rego, want rules and tests", len(blocks)-1)
	}
	rules, _, _ := strings.Cut(blocks[1], "```")
	tests, _, _ := strings.Cut(blocks[2], "```")
	results, err := Test(t.Context(), files("p.rego", rules, "p_test.rego", tests))
	if err != nil || len(results) != 1 || results[0].Err != nil {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestOpen_SaysThatAnArchiveIsNone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "bundle.tgz")
	if err := os.WriteFile(name, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "policy: archive") {
		t.Errorf("got %v", err)
	}
}

func FuzzReadArchive_NeverPanics(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "p.rego"}, refuses))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(_ *testing.T, packed []byte) {
		b, err := readArchive(bytes.NewReader(packed))
		if err == nil {
			_, _ = compile(b)
		}
	})
}
