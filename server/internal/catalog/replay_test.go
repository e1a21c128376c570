package catalog

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
)

// The fixtures and the recorded answers of the reference are the conformance suite's. That suite drives the whole
// program over HTTP; here the engine alone is asked for the same entities, on both databases.
const suite = "../conformance/testdata"

type replayCase struct {
	ID    string
	Steps []struct {
		Request struct {
			Path string
			Body struct{ EntityRefs []string }
		}
		Expect struct {
			Status int
			Body   any
		}
	}
}

func TestReplay_FixturesBecomeTheEntitiesOfTheReference(t *testing.T) {
	fixtures, err := filepath.Abs(filepath.Join(suite, "fixtures"))
	if err != nil {
		t.Fatal(err)
	}
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, "", nil, func(d *Deps) { replayDeps(t, d, fixtures) })
		c.settle()
		if got, want := c.Index().Snapshot().Len(), 135; got != want {
			t.Errorf("%d entities are visible, the reference has %d", got, want)
		}
		replayed := 0
		for _, rc := range readCases(t, "catalog.ingested") {
			for _, step := range rc.Steps {
				ref, ok := strings.CutPrefix(step.Request.Path, "/api/catalog/entities/by-name/")
				if !ok || strings.ContainsAny(ref, "?$") || step.Expect.Status != 200 {
					continue
				}
				parts := strings.Split(strings.ToLower(ref), "/")
				replayed++
				got := normalised(t, c.must(parts[0]+":"+parts[1]+"/"+parts[2]), fixtures)
				if diff := cmp.Diff(step.Expect.Body, got); diff != "" {
					t.Errorf("%s: %s", rc.ID, diff)
				}
			}
		}
		if replayed < 80 {
			t.Errorf("only %d cases were replayed", replayed)
		}
		for _, rc := range readCases(t, "catalog.errors") {
			replayVisibility(t, c, rc)
		}
		c.consistent()
	})
}

// replayVisibility checks which of the entities of broken files are there at all.
func replayVisibility(t *testing.T, c *catalogTest, rc replayCase) {
	t.Helper()
	for _, step := range rc.Steps {
		body, _ := step.Expect.Body.(map[string]any)
		items, _ := body["items"].([]any)
		for i, ref := range step.Request.Body.EntityRefs {
			if strings.Contains(ref, "$") || i >= len(items) {
				continue
			}
			if got := c.get(ref) != nil; got != (items[i] != nil) {
				t.Errorf("%s: %s is visible: %v; problems:\n%s", rc.ID, ref, got, strings.Join(c.problemTexts(), "\n"))
			}
		}
	}
}

// replayDeps loads the suite's own configuration and serves its files where that configuration expects them.
func replayDeps(t *testing.T, d *Deps, fixtures string) {
	t.Helper()
	const upstream = "http://127.0.0.1:7190"
	data, err := os.ReadFile(filepath.Join(fixtures, "app-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("${FIXTURES}", fixtures, "${BASE_URL}", "http://localhost", "${PORT}", "1").Replace(string(data))
	d.Config = config.FromYAML(text)
	err = filepath.WalkDir(filepath.Join(fixtures, "web"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(fixtures, path)
		d.URLs.(*web).set(upstream+"/files/"+filepath.ToSlash(rel), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readCases(t *testing.T, area string) []replayCase {
	t.Helper()
	file, err := os.Open(filepath.Join(suite, "cases", area+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []replayCase
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var rc replayCase
		if err := json.Unmarshal(lines.Bytes(), &rc); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, rc)
	}
	if err := lines.Err(); err != nil || len(cases) == 0 {
		t.Fatalf("%s: %d cases, %v", area, len(cases), err)
	}
	return cases
}

var hexTag = regexp.MustCompile(`"etag":"[0-9a-f]{40}"`)

// normalised replaces what differs from run to run, as it was done when the cases were recorded.
func normalised(t *testing.T, e map[string]any, fixtures string) any {
	t.Helper()
	e["metadata"].(map[string]any)["uid"] = "<uid>"
	text := string(appendCanonical(nil, e))
	text = hexTag.ReplaceAllString(strings.ReplaceAll(text, fixtures, "${FIXTURES}"), `"etag":"<etag>"`)
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
