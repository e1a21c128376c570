package catalog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestLocations_AreRegisteredReadMovedAndRemoved(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := newCatalog(t, db, "", nil)
		c.web.set("https://a.test/x.yaml", component("a"))
		c.web.set("https://a.test/y.yaml", component("b"))
		x := LocationSpec{Type: "url", Target: "https://a.test/x.yaml"}
		made, err := c.CreateLocation(ctx, x, "")
		if err != nil || made.EntityRef != locationEntityRef(x.location()) || made.ID == "" {
			t.Fatalf("made %v, error %v", made, err)
		}
		c.settle()
		if got := c.must("component:default/a").Annotation("backstage.io/view-url"); got != x.Target {
			t.Errorf("view-url is %q", got)
		}
		if _, err := c.CreateLocation(ctx, x, ""); !says(err, "ConflictError: Location url:https://a.test/x.yaml already exists") {
			t.Errorf("error is %v", err)
		}
		if again, err := c.CreateLocation(ctx, x, RefreshOnConflict); err != nil || again != made {
			t.Errorf("again %v, error %v", again, err)
		}
		if list, err := c.Locations(ctx); err != nil || len(list) != 1 || list[0] != made {
			t.Errorf("list %v, error %v", list, err)
		}
		if got, err := c.LocationByEntity(ctx, entity.Ref{Kind: "Component", Name: "A"}); err != nil || got != made {
			t.Errorf("by entity %v, error %v", got, err)
		}
		if _, err := c.LocationByEntity(ctx, entity.Ref{Kind: "Component", Name: "nope"}); !says(err, "NotFoundError: found no entity for ref component:default/nope") {
			t.Errorf("error is %v", err)
		}
		moved, err := c.UpdateLocation(ctx, made.ID, LocationSpec{Type: "url", Target: "https://a.test/y.yaml"})
		if err != nil || moved.EntityRef != made.EntityRef || moved.Target != "https://a.test/y.yaml" {
			t.Errorf("moved %v, error %v", moved, err)
		}
		c.settle()
		c.must("component:default/b")
		c.gone("component:default/a")
		if _, err := c.UpdateLocation(ctx, "nope", x); !says(err, "NotFoundError: Found no location with ID nope") {
			t.Errorf("error is %v", err)
		}
		other, err := c.CreateLocation(ctx, x, RejectConflict)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateLocation(ctx, made.ID, x); !says(err, "ConflictError: Location url:https://a.test/x.yaml already exists") {
			t.Errorf("error is %v", err)
		}
		c.open() // registered locations survive a restart with their names
		c.settle()
		c.must(made.EntityRef)
		if err := c.DeleteLocation(ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		c.gone("component:default/b") // at once, not after processing
		c.must(other.EntityRef)
		if err := c.DeleteLocation(ctx, made.ID); !says(err, "NotFoundError: Found no location with ID "+made.ID) {
			t.Errorf("error is %v", err)
		}
		c.consistent()
	})
}

func says(err error, text string) bool { return err != nil && err.Error() == text }

func TestLocations_OfOtherTypesThanURLAreRefused(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "", nil)
	for _, spec := range []LocationSpec{{Type: "file", Target: "/etc/passwd"}, {Type: "", Target: "x"}, {Type: "github", Target: "x"}} {
		const want = `InputError: Registered locations must be of an allowed type ["url"]`
		if _, err := c.CreateLocation(t.Context(), spec, ""); !says(err, want) {
			t.Errorf("create %v: %v", spec, err)
		}
		if _, err := c.UpdateLocation(t.Context(), "id", spec); !says(err, want) {
			t.Errorf("update %v: %v", spec, err)
		}
		if _, err := c.DryRunLocation(t.Context(), spec); !says(err, want) {
			t.Errorf("dry run %v: %v", spec, err)
		}
	}
	for _, target := range []string{"javascript:alert(1)", "a\x00b", strings.Repeat("x", 10_000)} {
		if _, err := c.CreateLocation(t.Context(), LocationSpec{Type: "url", Target: target}, ""); err == nil {
			t.Errorf("%.20q is accepted", target)
		}
	}
}

func TestLocations_CannotBeChangedInReadOnlyMode(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "  readonly: true\n", nil)
	c.web.set("https://a.test/x.yaml", component("a"))
	spec := LocationSpec{Type: "url", Target: "https://a.test/x.yaml"}
	const want = "NotAllowedError: This operation not allowed in readonly mode"
	if _, err := c.CreateLocation(t.Context(), spec, ""); !says(err, want) {
		t.Error(err)
	}
	if _, err := c.UpdateLocation(t.Context(), "id", spec); !says(err, want) {
		t.Error(err)
	}
	if err := c.DeleteLocation(t.Context(), "id"); !says(err, want) {
		t.Error(err)
	}
	if _, err := c.DryRunLocation(t.Context(), spec); err != nil {
		t.Error(err)
	}
}

func TestLocations_DryRunProcessesTheTreeAndWritesNothing(t *testing.T) {
	db := storetest.SQLite(t)
	c := newCatalog(t, db, "", nil)
	c.web.set("https://a.test/root.yaml", locationYAML("root", "./x.yaml"))
	c.web.set("https://a.test/x.yaml", component("a"))
	before := dump(t, db)
	root := LocationSpec{Type: "url", Target: "https://a.test/root.yaml"}
	run, err := c.DryRunLocation(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, e := range run.Entities {
		refs = append(refs, e.Ref().String())
	}
	if diff := cmp.Diff([]string{locationEntityRef(root.location()), "location:default/root", "component:default/a"}, refs); diff != "" || run.Exists {
		t.Errorf("exists %v: %s", run.Exists, diff)
	}
	if run.Location.ID != "url:https://a.test/root.yaml" {
		t.Errorf("location %v", run.Location)
	}
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("it wrote: %s", diff)
	}
	for text, want := range map[string]string{
		"":      "InputError: NotFoundError: Unable to read url, no matching files found for https://a.test/bad.yaml",
		"- a\n": "InputError: Error: Expected object at root, got object",
		"apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: u }\nspec: { memberOf: [] }\n": "InputError: NotAllowedError: Entity user:default/u at url:https://a.test/bad.yaml, originated at url:https://a.test/bad.yaml, is not of an allowed kind for that location",
		locationYAML("a", "./bad2.yaml") + locationYAML("b", "./bad2.yaml"):                              "InputError: Duplicate nested entity: component:default/a",
	} {
		c.web.set("https://a.test/bad.yaml", text)
		c.web.set("https://a.test/bad2.yaml", component("a"))
		if _, err := c.DryRunLocation(t.Context(), LocationSpec{Type: "url", Target: "https://a.test/bad.yaml"}); !says(err, want) {
			t.Errorf("error is %v\nwant     %s", err, want)
		}
	}
}

// The types that a location may have hold for every Location on the way, not only for the first: nothing that comes from
// a URL can make the host read its own files.
func TestLocationRulesEveryHop(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, "  locations: [{ type: url, target: 'https://a.test/root.yaml' }]\n", map[string]string{"secret.yaml": component("secret")})
		secret := filepath.Join(c.dir, "secret.yaml")
		file := func(name string) string {
			return "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: " + name +
				"\n  annotations: { backstage.io/managed-by-location: 'file:" + secret + "', backstage.io/managed-by-origin-location: 'file:" + secret +
				"' }\nspec: { type: file, target: '" + secret + "' }\n"
		}
		c.web.set("https://a.test/root.yaml", locationYAML("hop1", "./hop1.yaml")+file("direct"))
		c.web.set("https://a.test/hop1.yaml", locationYAML("hop2", "./hop2.yaml")+locationYAML("asurl", "file://"+secret, secret)+file("second")+
			component("text", "  stolen: { $text: 'file://"+secret+"' }\n")+component("yaml", "  stolen: { $yaml: '"+secret+"' }\n"))
		c.web.set("https://a.test/hop2.yaml", file("third"))
		c.settle()
		for _, ref := range []string{"location:default/direct", "location:default/second", "location:default/third"} {
			c.hasProblem(ref, `Registered locations must be of an allowed type ["url"]`)
		}
		c.hasProblem("location:default/asurl", "no matching files found for https://a.test/hop1.yaml"+secret)
		for _, ref := range []string{"component:default/secret", "component:default/text", "component:default/yaml"} {
			c.gone(ref)
		}
		for _, doc := range c.refs() {
			if strings.Contains(doc, "secret") {
				t.Errorf("%s is in the catalog", doc)
			}
		}
		problems, err := c.ValidateEntity(t.Context(), decoded(t, `{"apiVersion":"backstage.io/v1alpha1","kind":"Location","metadata":{"name":"x","annotations":{
			"backstage.io/managed-by-location":"file:/x","backstage.io/managed-by-origin-location":"file:/x"}},"spec":{"type":"file","target":"`+secret+`"}}`), "url:https://a.test/v.yaml")
		if err != nil || len(problems) != 1 || !strings.Contains(problems[0].Error(), "allowed type") {
			t.Errorf("validation reads files: %v, %v", problems, err)
		}
	})
}

func TestRules_DecideByTheOriginOfAnEntity(t *testing.T) {
	rs := readRules(config.FromYAML(`
rules:
  - allow: [Component, location]
  - allow: [{ kind: Resource, 'spec.type': Secret-Vault }, API]
    locations: [{ type: url, pattern: 'https://git.test/*/catalog/**' }]
  - allow: [System]
    locations: [{ type: url, exact: 'https://git.test/one.yaml' }]
locations:
  - { type: file, target: org.yaml, rules: [{ allow: [User] }] }
`).Root(), "/etc/portal")
	rows := []struct {
		kind, specType, origin string
		want                   bool
	}{
		{"Component", "", "url:https://anywhere", true},
		{"LOCATION", "", "file:/x", true},
		{"API", "", "url:https://git.test/org/catalog/deep/api.yaml", true},
		{"API", "", "url:https://GIT.test/Org/catalog/.hidden/api.yaml", true},
		{"API", "", "url:https://git.test/org/other/api.yaml", false},
		{"API", "", "file:https://git.test/org/catalog/api.yaml", false},
		{"Resource", "secret-vault", "url:https://git.test/org/catalog/r.yaml", true},
		{"Resource", "database", "url:https://git.test/org/catalog/r.yaml", false},
		{"System", "", "url:https://git.test/one.yaml", true},
		{"System", "", "url:https://git.test/two.yaml", false},
		{"User", "", "file:/etc/portal/org.yaml", true},
		{"User", "", "url:/etc/portal/org.yaml", false},
		{"Template", "", "url:https://git.test/one.yaml", false},
	}
	for _, row := range rows {
		origin, err := entity.ParseLocation(row.origin)
		if err != nil {
			t.Fatal(err)
		}
		e := entity.Entity{"kind": row.kind, "spec": map[string]any{"type": row.specType}}
		if got := rs.allow(e, origin); got != row.want {
			t.Errorf("%s of type %q from %s: allowed is %v", row.kind, row.specType, row.origin, got)
		}
	}
	byDefault := readRules(config.FromYAML("a: 1").Root(), "/")
	for kind, want := range map[string]bool{"Component": true, "API": true, "Location": true, "User": false, "Template": false} {
		if got := byDefault.allow(entity.Entity{"kind": kind}, entity.Location{Type: "url", Target: "x"}); got != want {
			t.Errorf("by default %s is allowed: %v", kind, got)
		}
	}
}

func TestFiles_GlobsAndBracesMatchWhatTheReferenceMatches(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yaml", "c.yml", ".hidden.yaml", "sub/d.yaml", "sub/.git/e.yaml", "sub/deep/f.yaml", "we[i]rd.yaml", "n1", "n2", "n3", "x{r}"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]string{
		"*.yaml": "a.yaml b.yaml we[i]rd.yaml", "{a,c}.*": "a.yaml c.yml", "**/*.yaml": "a.yaml b.yaml sub/d.yaml sub/deep/f.yaml we[i]rd.yaml",
		"sub": "sub", "s*": "sub", "n{1..2}": "n1 n2", "n{3..1..2}": "n1 n3", "x{r}": "x{r}", "?{1,{r}}": "n1 x{r}", "*{r}": "x{r}", "n\\*": "", "none.yaml": "", "[a.yaml": "", "[ab].yaml": "a.yaml b.yaml", "./sub/../a.yaml": "a.yaml",
	} {
		paths, err := matchFiles(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range paths {
			paths[i] = strings.TrimPrefix(p, dir+"/")
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("%s matches %q, want %q", pattern, got, want)
		}
	}
}

func TestBraces_ExpandAsInAShell(t *testing.T) {
	for pattern, want := range map[string]string{
		"a": "a", "{a,b}": "a b", "x{a,}y": "xay xy", "{a,{b,c}d}e": "ae bde cde", "{1..3}": "1 2 3", "{03..1}": "03 02 01", "{-1..1}": "-1 0 1",
		"{a..e..2}": "a c e", "{a}": "{a}", "{}": "{}", "${a,b}": "${a,b}", "{a,b": "{a,b", "{a..3}": "{a..3}", "{{a,b}}": "{a} {b}", "{1..2}{x,y}": "1x 1y 2x 2y",
	} {
		if got := strings.Join(expandBraces(pattern), " "); got != want {
			t.Errorf("%s stands for %q, want %q", pattern, got, want)
		}
	}
	if n := len(expandBraces("{1..999999999}{1..999999999}")); n > 2*maxGlobs {
		t.Errorf("%d patterns", n)
	}
}

func TestPlaceholders_AreReplacedFromURLsOfTheSameRepository(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "  locations: [{ type: url, target: 'https://git.test/org/repo/catalog.yaml' }]\n", nil)
	c.web.set("https://git.test/org/repo/catalog.yaml", component("a", `  text: { $text: ./text.txt }
  json: { $json: ./data.json }
  yaml: { $yaml: /data.yaml }
  list: [{ $text: ./text.txt }, plain]
  other: { $text: ./text.txt, second: key }
  unknown: { $openapi: ./text.txt }
`)+component("b", "  text: { $text: https://git.test/org/private/secret }\n")+component("c", "  text: { $text: [x] }\n")+
		component("d", "  yaml: { $yaml: ./two.yaml }\n")+component("e", "  json: { $json: ./text.txt }\n"))
	c.web.set("https://git.test/org/repo/text.txt", "some text\n")
	c.web.set("https://git.test/org/repo/data.json", `{"a":[1,{"$text":"./text.txt"}]}`)
	c.web.set("https://git.test/org/repo/data.yaml", "b: yes\n")
	c.web.set("https://git.test/org/repo/two.yaml", "a: 1\n---\nb: 2\n")
	c.settle()
	spec := c.must("component:default/a").Spec()
	want := decoded(t, `{"text":"some text\n","json":{"a":[1,{"$text":"./text.txt"}]},"yaml":{"b":"yes"},"list":["some text\n","plain"],
		"other":{"$text":"./text.txt","second":"key"},"unknown":{"$openapi":"./text.txt"}}`)
	for key, value := range want {
		if diff := cmp.Diff(value, spec[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	c.hasProblem("component:default/b", "could not form a URL out of", "Placeholder may only reference files from the same repository as the entity")
	c.hasProblem("component:default/c", "Placeholder $text expected a string value parameter, in the form of an absolute URL or a relative path")
	c.hasProblem("component:default/d", "expected to find exactly one document of data at ./two.yaml, found 2")
	c.hasProblem("component:default/e", "Placeholder $json failed to parse JSON data at ./text.txt, SyntaxError:")
	c.web.set("https://git.test/org/repo/text.txt", "other text\n")
	c.nextRound()
	if got := c.must("component:default/a").Spec()["text"]; got != "other text\n" {
		t.Errorf("a changed placeholder does not show: %q", got)
	}
}

func TestValidateEntity_AnswersWithTheReferencesErrors(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "", nil)
	rows := []struct{ doc, location, want string }{
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"v"},"spec":{"type":"a","lifecycle":"b","owner":"c"}}`, "url:x", ""},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"v"},"spec":{"type":"a","owner":"c"}}`, "url:x",
			"InputError: Processor BuiltinKindsEntityProcessor threw an error while validating the entity component:default/v; caused by TypeError: /spec must have required property 'lifecycle' - missingProperty: lifecycle"},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"v"},"spec":{"type":"a","lifecycle":"b","owner":"group:"}}`, "url:x",
			`InputError: Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by TypeError: Entity reference "group:" was not on the form [<kind>:][<namespace>/]<name>`},
		{`{"kind":"Component"}`, "url:x", "TypeError: <root> must have required property"},
		{`{"apiVersion":"x/v1","kind":"Component","metadata":{"name":"v"}}`, "url:x", "InputError: No processor recognized the entity component:default/v as valid, possibly caused by a foreign kind or apiVersion"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v"}}`, "file:/x", "TypeError: Invalid location ref file:/x, only 'url:<target>' is supported, e.g. url:https://host/path"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v"}}`, "x", "TypeError: Unable to parse location ref 'x', expected '<type>:<target>', e.g. 'url:https://host/path'"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v","annotations":5}}`, "url:x", "InputError: No processor recognized the entity b:default/v as valid, possibly caused by a foreign kind or apiVersion"},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"System","metadata":{"name":"v","annotations":"text"},"spec":{"owner":"c"}}`, "url:x", ""},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"System","metadata":{"name":"v","annotations":[5]},"spec":{"owner":"c"}}`, "url:x",
			"InputError: Policy check failed for system:default/v; caused by Error: Malformed envelope, /metadata/annotations/0 must be string"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v","annotations":{"backstage.io/managed-by-location":""}}}`, "url:x",
			"InputError: Entity 'b:default/v' does not have the annotation backstage.io/managed-by-location"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v","annotations":{"backstage.io/managed-by-origin-location":"junk"}}}`, "url:x",
			"TypeError: Unable to parse location ref 'junk', expected '<type>:<target>', e.g. 'url:https://host/path'"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v","annotations":{"backstage.io/managed-by-location":["x",{"a":1}]}}}`, "url:x",
			"TypeError: Unable to parse location ref 'x,[object Object]', unexpected argument object"},
		{`{"apiVersion":"a","kind":"b","metadata":{"name":"v","annotations":{"backstage.io/managed-by-location":true}}}`, "url:x",
			"TypeError: Unable to parse location ref 'true', unexpected argument boolean"},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Resource","metadata":{"name":"v"},"spec":{"type":"a","owner":"c","dependencyOf":{"kind":"group","name":"g"}}}`, "url:x", ""},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Resource","metadata":{"name":"v"},"spec":{"type":"a","owner":"c","dependencyOf":false}}`, "url:x", ""},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Resource","metadata":{"name":"v"},"spec":{"type":"a","owner":"c","dependencyOf":[["a"]]}}`, "url:x",
			`InputError: Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by Error: Entity reference ["a"] had missing or empty kind (e.g. did not start with "component:" or similar)`},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Resource","metadata":{"name":"v"},"spec":{"type":"a","owner":"c","dependencyOf":[null]}}`, "url:x",
			"InputError: Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by Error: Entity reference must not be empty"},
		{`{"apiVersion":"backstage.io/v1alpha1","kind":"Resource","metadata":{"name":"v"},"spec":{"type":"a","owner":"c","dependencyOf":[{"kind":"group"}]}}`, "url:x",
			`InputError: Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by Error: Entity reference {"kind":"group"} had missing or empty name`},
	}
	for _, row := range rows {
		problems, err := c.ValidateEntity(context.Background(), decoded(t, row.doc), row.location)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if len(problems) > 0 {
			got = problems[0].Error()
		}
		if row.want == "" && got != "" || !strings.HasPrefix(got, row.want) {
			t.Errorf("%s\ngot  %s\nwant %s", row.doc, got, row.want)
		}
	}
}

func decoded(t *testing.T, text string) entity.Entity {
	t.Helper()
	e, err := decodeEntity(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
