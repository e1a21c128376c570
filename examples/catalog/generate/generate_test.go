package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func generate(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := run(append(args, "-out", dir), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSameSeedGivesTheSameBytes(t *testing.T) {
	first, second := generate(t, "-n", "500", "-seed", "7"), generate(t, "-n", "500", "-seed", "7")
	for _, file := range []string{"single.yaml", "manifest.json", "many/root.yaml", "many/part-00003/location.yaml"} {
		if read(t, first, file) != read(t, second, file) {
			t.Errorf("%s differs between two runs", file)
		}
	}
	if read(t, first, "single.yaml") == read(t, generate(t, "-n", "500", "-seed", "8"), "single.yaml") {
		t.Error("another seed gave the same catalog")
	}
}

func TestManifestCountsWhatIsInTheFiles(t *testing.T) {
	dir := generate(t, "-n", "1000")
	var manifest struct {
		N      int
		Kinds  map[string]int
		Owners []struct {
			Name  string
			Count int
		}
	}
	if err := json.Unmarshal([]byte(read(t, dir, "manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	single := read(t, dir, "single.yaml")
	total := 0
	for kind, want := range manifest.Kinds {
		got := strings.Count("\n"+single, "\nkind: "+kind+"\n")
		if got != want {
			t.Errorf("%d entities of kind %s, manifest says %d", got, kind, want)
		}
		total += want
	}
	if total != 1000 || manifest.N != 1000 {
		t.Errorf("%d entities, n = %d, want 1000", total, manifest.N)
	}
	busiest := manifest.Owners[0]
	owner := strings.TrimPrefix(busiest.Name, "group:default/")
	if got := strings.Count(single, "\n  owner: "+owner+"\n"); got != busiest.Count || got < 20 {
		t.Errorf("%s owns %d entities, manifest says %d; the busiest team should own many", owner, got, busiest.Count)
	}
}

func TestManyFilesHoldTheSameDocumentsAsTheSingleOne(t *testing.T) {
	dir := generate(t, "-n", "250")
	files, err := filepath.Glob(filepath.Join(dir, "many", "part-*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]bool{}
	for document := range strings.SplitSeq(read(t, dir, "single.yaml"), "---\n") {
		documents[document] = true
	}
	entities := 0
	for _, file := range files {
		if filepath.Base(file) == "location.yaml" {
			continue
		}
		entities++
		if !documents[read(t, file)] {
			t.Errorf("%s is not in single.yaml", file)
		}
	}
	if entities != 250 {
		t.Errorf("%d files, want 250", entities)
	}
	if got := strings.Count(read(t, dir, "many", "root.yaml"), "/location.yaml"); got != 3 {
		t.Errorf("root.yaml has %d Locations, want 3", got)
	}
}

func TestEveryReferenceResolves(t *testing.T) {
	single := read(t, generate(t, "-n", "600", "-layout", "single"), "single.yaml")
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^kind: (\w+)\nmetadata:\n  name: (\S+)$`).FindAllStringSubmatch(single, -1) {
		names[match[1]+":"+match[2]] = true
	}
	if len(names) != 600 {
		t.Fatalf("%d different names, want 600", len(names))
	}
	checked := 0
	check := func(kind, name string) {
		checked++
		if !names[kind+":"+name] {
			t.Errorf("%s %s does not exist", kind, name)
		}
	}
	for key, kind := range map[string]string{"owner": "Group", "domain": "Domain", "subdomainOf": "Domain", "parent": "Group", "system": "System", "subcomponentOf": "Component"} {
		for _, match := range regexp.MustCompile(`(?m)^  `+key+`: (\S+)$`).FindAllStringSubmatch(single, -1) {
			check(kind, match[1])
		}
	}
	for key, kind := range map[string]string{"memberOf": "Group", "providesApis": "API", "consumesApis": "API", "dependsOn": ""} {
		for _, match := range regexp.MustCompile(`(?m)^  `+key+`: \[(.*)\]$`).FindAllStringSubmatch(single, -1) {
			for ref := range strings.SplitSeq(match[1], ", ") {
				target := kind
				if prefix, name, found := strings.Cut(ref, ":"); found {
					target, ref = strings.ToUpper(prefix[:1])+prefix[1:], name
				}
				check(target, ref)
			}
		}
	}
	if checked < 1200 {
		t.Errorf("only %d references were checked", checked)
	}
}

func TestWrongFlagsAreRefusedByName(t *testing.T) {
	for _, test := range []struct{ name, args, want string }{
		{"no folder", "-n 100", "-out"},
		{"too few entities", "-n 5 -out x", "-n 5"},
		{"unknown layout", "-layout tree -out x", "-layout"},
		{"stray argument", "-out x 100", `"100"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(strings.Fields(test.args), &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that names %s", err, test.want)
			}
		})
	}
}
