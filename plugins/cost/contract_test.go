package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

// contract is the OpenAPI description, made to check answers with.
type contract struct {
	routes []described
}

type described struct {
	path   *regexp.Regexp
	schema *jsonschema.Resolved // of what GET answers with 200
}

var description = sync.OnceValues(readContract)

func readContract() (*contract, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	var doc struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	c := &contract{}
	wildcard := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for path, operations := range doc.Paths {
		schema := answered(operations["get"])
		if schema == nil {
			continue
		}
		resolved, err := resolve(schema, doc.Components.Schemas)
		if err != nil {
			return nil, err
		}
		pattern := "^" + wildcard.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$"
		c.routes = append(c.routes, described{regexp.MustCompile(pattern), resolved})
	}
	return c, nil
}

// answered is the schema of an operation's answer in JSON, nil when it has none.
func answered(operation any) any {
	at := operation
	for _, name := range []string{"responses", "200", "content", "application/json", "schema"} {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	return at
}

// resolve makes a JSON Schema of one of OpenAPI 3.0.
func resolve(schema any, components map[string]any) (*jsonschema.Resolved, error) {
	all := map[string]any{"allOf": []any{plainSchema(schema)}, "$defs": plainSchema(components)}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	return s.Resolve(nil)
}

func plainSchema(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainSchema(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if name != "example" && name != "nullable" {
				out[name] = plainSchema(member)
			}
		}
		if ref, ok := v["$ref"].(string); ok {
			out["$ref"] = strings.Replace(ref, "#/components/schemas/", "#/$defs/", 1)
		}
		if v["nullable"] == true {
			return map[string]any{"anyOf": []any{out, map[string]any{"type": "null"}}}
		}
		return out
	}
	return v
}

// fits fails the test when an answer is not as the description says.
func fits(t *testing.T, path string, body []byte) {
	t.Helper()
	c, err := description()
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	if strings.HasPrefix(path, "/facades/") {
		return // described by those who defined them
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	for _, route := range c.routes {
		if route.path.MatchString(path) {
			if err := route.schema.Validate(value); err != nil {
				t.Errorf("%s is answered otherwise than openapi.yaml says: %v\n%.2000s", path, err, body)
			}
			return
		}
	}
	t.Errorf("%s is not in openapi.yaml", path)
}

func TestContract_FindsAnswersThatDiffer(t *testing.T) {
	c, err := description()
	if err != nil || len(c.routes) < 12 {
		t.Fatalf("%d routes: %v", len(c.routes), err)
	}
	for _, route := range c.routes {
		if route.path.MatchString("/v1/query") && route.schema.Validate(map[string]any{"metric": "effective"}) == nil {
			t.Error("an answer without its sums fits")
		}
	}
}
