package catalog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// Every row is a catalog with one thing wrong. The problem names file, line and field; what is not wrong is loaded.
func TestBadInput_IsAProblemWithItsPlaceAndHurtsNothingElse(t *testing.T) {
	const good = "  locations:\n    - { type: file, target: good.yaml }\n    - { type: file, target: bad.yaml }\n"
	rows := map[string]struct {
		bad     string
		problem []string
		visible []string // beside component:default/good
		hidden  []string
	}{
		"broken YAML": {
			bad:     component("x") + "---\na: [\n",
			problem: []string{"/bad.yaml:", "YAML error at file:"}, hidden: []string{"component:default/x"},
		},
		"YAML bomb": {
			bad:     "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
			problem: []string{"/bad.yaml:"},
		},
		"a list instead of an object": {bad: "- a\n", problem: []string{"/bad.yaml:1:", "Expected object at root, got object"}},
		"no name": {
			bad:     "kind: Component\napiVersion: backstage.io/v1alpha1\nmetadata: {}\n" + component("x"),
			problem: []string{"/bad.yaml:1:", "metadata.name", "/metadata must have required property 'name'"}, hidden: []string{"component:default/x"},
		},
		"a missing field": {
			bad:     component("x") + "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: y }\nspec:\n  type: service\n  owner: team\n",
			problem: []string{"/bad.yaml:15:3 component:default/y spec.lifecycle", "/spec must have required property 'lifecycle'"},
			visible: []string{"component:default/x"}, hidden: []string{"component:default/y"},
		},
		"a field with a wrong form": {
			bad:     component("x") + "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: y\n  tags:\n    - fine\n    - Not Fine\nspec: { type: a, lifecycle: b, owner: c }\n",
			problem: []string{"/bad.yaml:17:7 component:default/y metadata.tags.1", "Policy check failed for component:default/y"},
			visible: []string{"component:default/x"},
		},
		"an unknown kind that the rules allow": {
			bad:     "apiVersion: backstage.io/v1alpha1\nkind: Lighthouse\nmetadata: { name: l }\n" + component("x"),
			problem: []string{"lighthouse:default/l", "No processor recognized the entity"}, visible: []string{"component:default/x"},
		},
		"a kind that the rules do not allow": {
			bad:     component("x") + "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: u }\nspec: { memberOf: [] }\n",
			problem: []string{"/bad.yaml:10:", "NotAllowedError", "is not of an allowed kind for that location"}, hidden: []string{"component:default/x"},
		},
		"the same ref twice in a file": {
			bad:     component("x", "  n: 1\n") + component("X", "  n: 2\n"),
			problem: []string{"/bad.yaml:11:", "ConflictError", "component:default/x is described twice, at line 1 and at line 11; the last one counts"},
			visible: []string{"component:default/x"},
		},
		"a file location that is a circle": {
			bad:     component("x") + locationYAML("self", "./bad.yaml", "./deeper.yaml"),
			problem: []string{"form a circle"}, visible: []string{"component:default/x", "location:default/self", "component:default/deeper"},
		},
		"a javascript: location target": {
			bad:     component("x") + "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: js }\nspec: { type: url, target: 'javascript:alert(1)' }\n",
			problem: []string{"location:default/js"}, visible: []string{"component:default/x"},
		},
		"a location of an unknown type": {
			bad:     component("x") + "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: odd }\nspec: { type: gopher, target: x }\n",
			problem: []string{"location:default/odd", `Registered locations must be of an allowed type ["url"]`}, visible: []string{"component:default/x"},
		},
		"a ref with a NUL character": {
			bad: component("x", "  dependsOn: [\"component:a\\0b\"]\n"), problem: []string{"component:default/x", "NUL character"},
			hidden: []string{"component:default/x"},
		},
		"keys that differ only in case": {
			bad:     component("x", "  a: { Key: 1, key: 2 }\n"),
			problem: []string{"component:default/x", "duplicate keys that vary only in casing"}, hidden: []string{"component:default/x"},
		},
		"a placeholder in a file": {
			bad: component("x", "  text: { $text: ./good.yaml }\n"), problem: []string{"component:default/x", "Placeholder $text could not form a URL out of"},
			hidden: []string{"component:default/x"},
		},
		"a placeholder with a file URL": {
			bad: component("x", "  text: { $text: 'file:///etc/passwd' }\n"), problem: []string{"component:default/x", "Placeholder $text"},
			hidden: []string{"component:default/x"},
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := "  rules: [{ allow: [Component, Location, Lighthouse] }]\n"
			c := newCatalog(t, storetest.SQLite(t), rules+good, map[string]string{
				"good.yaml": component("good"), "bad.yaml": row.bad, "deeper.yaml": component("deeper") + locationYAML("back", "./bad.yaml"),
			})
			c.settle()
			c.hasProblem(row.problem...)
			c.must("component:default/good")
			for _, ref := range row.visible {
				c.must(ref)
			}
			for _, ref := range row.hidden {
				c.gone(ref)
			}
			before := c.problemTexts()
			c.nextRound()
			if after := c.problemTexts(); strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Errorf("problems change from round to round:\n%s\n\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
}

func TestBadInput_FilesThatCannotBeRead(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), `
  locations:
    - { type: file, target: good.yaml }
    - { type: file, target: missing.yaml }
    - { type: file, target: folder }
    - { type: file, target: large.yaml }
    - { type: file, target: pipe }
    - { type: file, target: nothing/*.yaml, presence: optional }
    - { type: gopher, target: hole }
callboard:
  catalog: { maxFileSize: 1000000 }
`, map[string]string{"good.yaml": component("good"), "folder/x.yaml": "", "large.yaml": "a: " + strings.Repeat("x", 10<<20)},
		func(d *Deps) { makePipe(t, filepath.Join(d.Dir, "pipe")) })
	c.settle()
	c.must("component:default/good")
	c.hasProblem("/missing.yaml", "NotFoundError", "does not exist")
	c.hasProblem("/folder", "could not be read", "illegal operation on a directory")
	c.hasProblem("/pipe", "could not be read", "is not a regular file")
	c.hasProblem("/large.yaml", "has 10485763 bytes, more than the 1000000 that callboard.catalog.maxFileSize allows")
	c.hasProblem("gopher:hole", "No processor was able to handle reading of gopher:hole")
	if texts := strings.Join(c.problemTexts(), "\n"); strings.Contains(texts, "nothing") {
		t.Errorf("an optional location is a problem: %s", texts)
	}
}

func TestBadInput_AFileWithoutReadPermissionIsAProblem(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("x")}, func(d *Deps) {
		if err := os.Chmod(filepath.Join(d.Dir, "catalog.yaml"), 0); err != nil {
			t.Fatal(err)
		}
	})
	c.settle()
	c.hasProblem("/catalog.yaml", "could not be read", "permission denied")
}

func TestBadInput_MistakesInTheConfigurationNameTheirKey(t *testing.T) {
	for yaml, want := range map[string]string{
		"locations: [{ target: x }]":                                                  "type",
		"locations: [{ type: file }]":                                                 "target",
		"locations: [{ type: url, target: 'javascript:x' }]":                          "target",
		"locations: [{ type: url, target: 'https://a', presence: maybe }]":            "presence",
		"rules: [{ allow: Component }]":                                               "allow",
		"rules: [{ allow: [{ 'spec.type': x }] }]":                                    "allow",
		"rules: [{ allow: [API], locations: [{ type: url, exact: a, pattern: b }] }]": "both exact and pattern",
		"rules: [{ allow: [API], locations: [{ type: url, pattern: 'a[' }] }]":        "glob",
		"defaultLocationConflictStrategy: fight":                                      "defaultLocationConflictStrategy",
		"processingInterval: soon":                                                    "processingInterval",
	} {
		cfg := config.FromYAML("catalog:\n  " + yaml + "\n")
		if _, err := New(t.Context(), Deps{DB: storetest.SQLite(t), Config: cfg, URLs: newWeb(nil), Integrations: plainURLs{}}); err != nil {
			t.Fatal(err)
		}
		if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "catalog") {
			t.Errorf("%s: error is %v, want one that names %s", yaml, err, want)
		}
	}
}

func TestBadInput_ScriptURLsInAnnotationsAreReplaced(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": strings.Replace(component("x"), "  name: x\n",
		"  name: x\n  annotations: { backstage.io/view-url: 'javascript:alert(1)', backstage.io/edit-url: \" java\\nscript:alert(1)\" }\n", 1)})
	c.settle()
	e := c.must("component:default/x")
	for _, name := range []string{"backstage.io/view-url", "backstage.io/edit-url"} {
		if got := e.Annotation(name); got != rejectedURL {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestBadInput_RelationCyclesAndDeepGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 entities")
	}
	const depth = 10_000
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: g%d }\nspec: { type: team, parent: g%d, children: [] }\n", i, (i+1)%depth)
	}
	c := newCatalog(t, storetest.SQLite(t), allKinds+oneFile, map[string]string{"catalog.yaml": b.String()})
	c.settle()
	if got := c.Index().Snapshot().Len(); got != depth+1 {
		t.Fatalf("%d entities", got)
	}
	items, err := c.Ancestry(t.Context(), "group:default/g5000")
	if err != nil || len(items) != 2 {
		t.Errorf("ancestry has %d items, error %v", len(items), err)
	}
}

func TestBadInput_EndlessNestingOfLocationsEnds(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "  locations: [{ type: url, target: 'https://a.test/0.yaml' }]\n", nil)
	for i := range 40 {
		c.web.set(fmt.Sprintf("https://a.test/%d.yaml", i), locationYAML(fmt.Sprintf("l%d", i), fmt.Sprintf("./%d.yaml", i+1)))
	}
	c.settle()
	c.must("location:default/l20")
	c.gone("location:default/l39")
	c.hasProblem("nested more than 32 levels deep")
}

func TestBadInput_AProcessorThatPanicsFailsItsEntityAlone(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("x") + component("y")},
		func(d *Deps) { d.Processors = []Processor{panicky{}} })
	c.settle()
	c.must("component:default/y")
	c.hasProblem("component:default/x", "Processor panicky panicked: boom")
}

// A database that refuses writes for a while costs nothing but time.
func TestBadInput_ADatabaseThatTakesNoWritesIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.sqlite")
	db := openFile(t, path)
	c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("x")})
	c.settle()
	c.must("component:default/x")
	if err := db.Write(t.Context(), execAll("CREATE TRIGGER full BEFORE UPDATE ON catalog_refresh_state BEGIN SELECT RAISE(FAIL, 'disk full'); END; CREATE TRIGGER full2 BEFORE UPDATE ON catalog_meta BEGIN SELECT RAISE(FAIL, 'disk full'); END")); err != nil {
		t.Fatal(err)
	}
	c.write("catalog.yaml", component("x", "  changed: true\n"))
	c.clock.Advance(2 * 60e9)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { newLoop(c.Engine).run(ctx, false); close(done) }()
	eventually(t, func() bool { return strings.Contains(strings.Join(c.problemTexts(), "\n"), "disk full") })
	c.must("component:default/x")
	if err := db.Write(t.Context(), execAll("DROP TRIGGER full; DROP TRIGGER full2")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		c.clock.Advance(2 * 60e9)
		return c.follower.catchUp(t.Context()) == nil && c.must("component:default/x").Spec()["changed"] == true
	})
	eventually(t, func() bool { return len(c.problemTexts()) == 0 })
	cancel()
	<-done
}

func openFile(t *testing.T, path string) *store.DB {
	t.Helper()
	cfg := config.FromValue(map[string]any{"backend": map[string]any{"database": map[string]any{"client": "better-sqlite3", "connection": path}}})
	db, err := store.Open(t.Context(), cfg.Section("backend.database"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
