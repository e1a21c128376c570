package config

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestLoad_MergesAsTheReferenceDoes runs testdata/load. Each file holds a directory of configuration files, "args" and
// "env"; what the reference made of it ("reference", or "reference-error"), recorded from it; and what Callboard must
// make of it, notes and error texts included ("want", rewritten by -update). Values must equal the reference's unless
// the comment on top says "deviation:" and why.
func TestLoad_MergesAsTheReferenceDoes(t *testing.T) {
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(names) < 30 {
		t.Fatalf("only %d cases found: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runLoadCase(t, name) })
	}
}

func runLoadCase(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sections, dir := unpack(t, archive)
	c, err := Load(context.Background(), Options{
		Files: strings.Fields(sections["args"]), Dir: dir, Env: strings.Split(sections["env"], "\n"),
	})
	want, accepted := sections["reference"]
	if accepted != (err == nil) {
		t.Errorf("the reference says %q, Callboard: %v", sections["reference-error"]+want, err)
	}
	if err == nil && accepted && !strings.Contains(string(archive.Comment), "deviation:") {
		var reference any
		if err := json.Unmarshal([]byte(want), &reference); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reference, c.Root().Value("")); diff != "" {
			t.Errorf("reference (-) and Callboard (+) differ:\n%s", diff)
		}
	}
	golden(t, name, archive, strings.ReplaceAll(outcome(c, err), dir, "DIR"))
}

func unpack(t *testing.T, archive *txtar.Archive) (sections map[string]string, dir string) {
	t.Helper()
	dir, sections = t.TempDir(), map[string]string{}
	for _, file := range archive.Files {
		switch file.Name {
		case "args", "env", "reference", "reference-error", "want":
			sections[file.Name] = string(file.Data)
		default:
			path := filepath.Join(dir, file.Name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, file.Data, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return sections, dir
}

func outcome(c *Config, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, p := range c.Check() {
		fmt.Fprintf(&b, "# %s: %v\n", p.Severity, p)
	}
	if err := c.Print(&b, YAML, false); err != nil {
		return "error: " + err.Error() + "\n"
	}
	return b.String()
}

func golden(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	last := len(archive.Files) - 1
	if archive.Files[last].Name != "want" {
		archive.Files = append(archive.Files, txtar.File{Name: "want"})
		last++
	}
	if *update {
		archive.Files[last].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[last].Data), got); diff != "" {
		t.Errorf("want (-) and got (+) differ:\n%s", diff)
	}
}
