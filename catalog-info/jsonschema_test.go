package cataloginfo

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/callboard/callboard/sdk/entity"
)

func compileOne(t testing.TB, text string) *schema {
	t.Helper()
	set := newSchemaSet()
	id, err := set.add([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema_FirstViolationReadsAsInTheReference(t *testing.T) {
	for _, c := range []struct{ schema, value, want string }{
		{`"type":"string"`, `5`, "<root> must be string - type: string"},
		{`"type":["string","boolean"]`, `5`, "<root> must be string,boolean - type: string,boolean"},
		{`"type":"integer"`, `1.5`, "<root> must be integer - type: integer"},
		{`"type":"string","minLength":2`, `"é"`, "<root> must NOT have fewer than 2 characters - limit: 2"},
		{`"maxLength":1`, `"éé"`, "<root> must NOT have more than 1 characters - limit: 1"},
		{`"pattern":"^a$"`, `"b"`, `<root> must match pattern "^a$" - pattern: ^a$`},
		{`"enum":["a",1,null]`, `"b"`, "<root> must be equal to one of the allowed values - allowedValues: a,1,"},
		{`"const":{"a":1}`, `{"a":2}`, "<root> must be equal to constant - allowedValue: [object Object]"},
		{`"minimum":2`, `1`, "<root> must be >= 2 - comparison: >=, limit: 2"},
		{`"maximum":2.5`, `3`, "<root> must be <= 2.5 - comparison: <=, limit: 2.5"},
		{`"exclusiveMinimum":2`, `2`, "<root> must be > 2 - comparison: >, limit: 2"},
		{`"exclusiveMaximum":2`, `2`, "<root> must be < 2 - comparison: <, limit: 2"},
		{`"multipleOf":3`, `4`, "<root> must be multiple of 3 - multipleOf: 3"},
		{`"minItems":1`, `[]`, "<root> must NOT have fewer than 1 items - limit: 1"},
		{`"maxItems":1`, `[1,2]`, "<root> must NOT have more than 1 items - limit: 1"},
		{`"uniqueItems":true`, `[1,2,1]`, "<root> must NOT have duplicate items (items ## 0 and 2 are identical) - i: 2, j: 0"},
		{`"minProperties":1`, `{}`, "<root> must NOT have fewer than 1 properties - limit: 1"},
		{`"maxProperties":0`, `{"a":1}`, "<root> must NOT have more than 0 properties - limit: 0"},
		{`"required":["b","a"]`, `{}`, "<root> must have required property 'b' - missingProperty: b"},
		{`"properties":{"a/b~":{"type":"null"}}`, `{"a/b~":1}`, "/a~1b~0 must be null - type: null"},
		{`"additionalProperties":false,"properties":{"a":{}}`, `{"c":1,"b":1}`, "<root> must NOT have additional properties - additionalProperty: b"},
		{`"additionalProperties":{"type":"string"},"patternProperties":{"^x":{}}`, `{"x":1,"y":1}`, "/y must be string - type: string"},
		{`"items":{"type":"string"}`, `["a",1]`, "/1 must be string - type: string"},
		{`"not":{"type":"string"}`, `"a"`, "<root> must NOT be valid - "},
		{`"anyOf":[{"type":"string"},{"type":"null"}]`, `1`, "<root> must be string - type: string"},
		{`"oneOf":[{},{"type":"string"}]`, `"a"`, "<root> must match exactly one schema in oneOf - passingSchemas: 0,1"},
		{`"if":{"type":"string"},"then":{"minLength":3},"else":false`, `"a"`, "<root> must NOT have fewer than 3 characters - limit: 3"},
		{`"if":{"type":"string"},"else":false`, `1`, "<root> boolean schema is false - "},
		// The order: types first unless a keyword of the type is there, then text, then lists of values, then members.
		{`"type":"string","enum":["a"],"minLength":2`, `"b"`, "<root> must NOT have fewer than 2 characters - limit: 2"},
		{`"type":"string","enum":["a"]`, `1`, "<root> must be string - type: string"},
		{`"properties":{"a":{"type":"string"}},"required":["b"]`, `{"a":1}`, "<root> must have required property 'b' - missingProperty: b"},
		{`"properties":{"a":{"type":"string"}},"allOf":[{"required":["b"]}]`, `{"a":1}`, "<root> must have required property 'b' - missingProperty: b"},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		bad := compileOne(t, `{"$id":"X",`+c.schema+`}`).validate(v)
		if len(bad) == 0 || bad[0].String() != c.want {
			t.Errorf("%s of %s:\n got %v\nwant %s", c.schema, c.value, bad, c.want)
		}
	}
}

func TestNewKinds_RefusesSchemasThatPromiseMoreThanIsChecked(t *testing.T) {
	for schema, want := range map[string]string{
		`{"$id":"X","propertyNames":{}}`:                      `keyword "propertyNames" is not supported`,
		`{"$id":"X","properties":{"a":{"contains":{}}}}`:      `X#/properties/a: keyword "contains"`,
		`{"type":"object"}`:                                   "has no $id",
		`[]`:                                                  "is not an object",
		`{"$id":"X","type":"text"}`:                           `unknown type "text"`,
		`{"$id":"X","$ref":"Nope"}`:                           `names no known schema`,
		`{"$id":"X","$ref":"#/definitions/nope"}`:             "leads nowhere",
		`{"$id":"X","properties":{"a":{"pattern":"("}}}`:      "error parsing regexp",
		`{"$id":"X","properties":{"a":{"minLength":"many"}}}`: "must be a number",
	} {
		if _, err := NewKinds("P", []byte(schema)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", schema, err, want)
		}
	}
}

func TestRegistry_TakesKindsOfAPlugin(t *testing.T) {
	kinds, err := NewKinds("DashboardProcessor", []byte(`{"$id":"Dashboard","allOf":[{"$ref":"Entity"},{"type":"object","required":["spec"],
		"properties":{"apiVersion":{"enum":["example.com/v1"]},"kind":{"enum":["Dashboard"]},
		"spec":{"type":"object","required":["panels"],"properties":{"panels":{"type":"integer","minimum":1}}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	registry := append(DefaultRegistry(), kinds)
	e := entity.Entity{"apiVersion": "example.com/v1", "kind": "Dashboard", "metadata": map[string]any{"name": "a"}, "spec": map[string]any{"panels": 0.0}}
	_, err = registry.Check(e)
	want := "InputError: Processor DashboardProcessor threw an error while validating the entity dashboard:default/a; " +
		"caused by TypeError: /spec/panels must be >= 1 - comparison: >=, limit: 1"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	e.Spec()["panels"] = 2.0
	if _, err := registry.Check(e); err != nil {
		t.Error(err)
	}
	if got := kinds.All()[0]; got.Name != "Dashboard" || len(got.APIVersions) != 1 {
		t.Errorf("got %+v", got)
	}
}

// A JSON Schema library is the judge of what is valid; only order and words are our own.
func TestKinds_AgreeWithAJSONSchemaLibraryOnWhatIsValid(t *testing.T) {
	judge := jsonschema.NewCompiler()
	names := []string{"EntityEnvelope", "EntityMeta", "Entity", "Component", "API", "Resource", "System", "Domain", "Group", "User", "Location", "Template"}
	for _, name := range names {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaFile(name)))
		if err != nil {
			t.Fatal(err)
		}
		doc.(map[string]any)["$id"] = "https://schema.test/" + name
		if err := judge.AddResource("https://schema.test/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	set, err := baseSchemas()
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[bool]int{}
	for _, name := range names {
		if _, err := set.add(schemaFile(name)); err != nil {
			t.Fatal(err)
		}
		library, err := judge.Compile("https://schema.test/" + name)
		if err != nil {
			t.Fatal(err)
		}
		own, err := set.compile(name)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			v := drawEntity(t, name)
			want := library.Validate(v) == nil
			verdicts[want]++
			if got := own.validate(v); (len(got) == 0) != want {
				t.Fatalf("%s of %v: the library says %v, we say %v", name, v, want, got)
			}
		})
	}
	// A tenth of each, because -short draws fewer.
	if total := verdicts[true] + verdicts[false]; min(verdicts[true], verdicts[false]) < total/10 {
		t.Errorf("the entities drawn are too much alike: %v", verdicts)
	}
}

// drawEntity makes something near to an entity of that kind: valid values first, odd ones now and then.
func drawEntity(t *rapid.T, kind string) any {
	odd := []any{nil, "", "x", 5.0, true, []any{}, []any{""}, []any{"a"}, []any{1.0}, map[string]any{}, map[string]any{"a": 1.0}}
	value := func(label string, good any) any {
		if rapid.IntRange(0, 79).Draw(t, label+"?") != 41 {
			return good
		}
		return rapid.SampledFrom(odd).Draw(t, label)
	}
	apiVersion := "backstage.io/v1alpha1"
	if kind == "Template" {
		apiVersion = "scaffolder.backstage.io/v1beta3"
	}
	text, list := []any{"a"}, []any{"a", "b"}
	object := func(label string, fields map[string]any) map[string]any {
		m := map[string]any{}
		for _, k := range sortedKeys(fields) {
			if rapid.IntRange(0, 79).Draw(t, label+k+"!") != 41 {
				m[k] = value(label+k, fields[k])
			}
		}
		return m
	}
	spec := object("spec.", map[string]any{
		"type": "a", "lifecycle": "b", "owner": "c", "definition": "d", "children": list, "memberOf": text, "dependsOn": list,
		"profile": object("profile.", map[string]any{"email": "a", "displayName": "b"}), "presence": "optional", "target": "./a",
		"steps":      []any{object("step.", map[string]any{"action": "a", "if": true, "input": map[string]any{}})},
		"parameters": []any{map[string]any{"title": "a"}},
		"output":     object("output.", map[string]any{"links": []any{map[string]any{"url": "a"}}, "other": "x"}),
	})
	meta := object("metadata.", map[string]any{
		"name": "a", "namespace": "b", "labels": map[string]any{"a": "b"}, "tags": text,
		"links": []any{object("link.", map[string]any{"url": "a", "title": "b", "extra": 1.0})},
	})
	e := object("", map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": meta, "spec": spec,
		"relations": []any{object("relation.", map[string]any{"type": "ownedBy", "targetRef": "a"})},
		"status":    map[string]any{"items": []any{object("item.", map[string]any{"type": "a", "level": "info", "message": "m"})}},
	})
	if rapid.IntRange(0, 79).Draw(t, "extra") == 41 {
		e["extra"] = 1.0
	}
	return e
}
