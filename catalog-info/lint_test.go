package cataloginfo

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/<name>, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, run with -update and look at the change:\n%s", path, got)
	}
}

func TestLint_TellsFileLineFieldRuleAndWhatToDo(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(files) < 20 {
		t.Fatal(err, len(files))
	}
	var report strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range Lint(DefaultRegistry(), DefaultLimits(), File{Name: filepath.Base(name), Data: data}) {
			report.WriteString(d.String() + "\n")
		}
	}
	golden(t, "lint.txt", report.String())
}

func TestLint_FindsTheSameEntityInTwoFiles(t *testing.T) {
	text := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: %s }\nspec: { type: a, lifecycle: b, owner: c }\n"
	found := Lint(DefaultRegistry(), DefaultLimits(),
		File{"a.yaml", []byte(strings.Replace(text, "%s", "pay", 1))},
		File{"b.yaml", []byte(strings.Replace(text, "%s", "Pay", 1))})
	if len(found) != 1 || found[0].Rule != "duplicate" || found[0].File != "b.yaml" || found[0].Line != 3 ||
		!strings.Contains(found[0].Message, "a.yaml:3") {
		t.Errorf("got %v", found)
	}
}

func TestLint_HasNothingAgainstPlaceholders(t *testing.T) {
	text := "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: { name: a }\n" +
		"spec: { type: openapi, lifecycle: b, owner: c, definition: { $text: ./api.yaml } }\n"
	if found := Lint(DefaultRegistry(), DefaultLimits(), File{"a.yaml", []byte(text)}); len(found) > 0 {
		t.Errorf("got %v", found)
	}
}
