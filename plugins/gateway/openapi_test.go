package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/plugintest"
)

// Do sends a request, and holds the answer against openapi.yaml.
func (r *rig) Do(method, path string, body any, opts ...plugintest.RequestOption) *plugintest.Response {
	r.Helper()
	res := r.Harness.Do(method, path, body, opts...)
	if err := described().check(method, path, res); err != nil {
		r.Errorf("%s %s: %v\n%s", method, path, err, res.Text())
	}
	return res
}

// Get is [rig.Do] without a body.
func (r *rig) Get(path string, opts ...plugintest.RequestOption) *plugintest.Response {
	r.Helper()
	return r.Do(http.MethodGet, path, nil, opts...)
}

// description is openapi.yaml, its schemas in the form of JSON Schema.
type description struct {
	paths    []describedPath
	schemas  map[string]any
	resolved sync.Map // by path, method and status
}

type describedPath struct {
	pattern *regexp.Regexp
	methods map[string]any
}

var described = sync.OnceValue(func() *description {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	components := doc["components"].(map[string]any)
	d := &description{schemas: asSchema(components["schemas"]).(map[string]any)}
	responses := components["responses"].(map[string]any)
	for path, methods := range doc["paths"].(map[string]any) {
		pattern := regexp.MustCompile(`{[a-z]+}`).ReplaceAllStringFunc(path, func(name string) string {
			if name == "{api}" || name == "{rest}" {
				return ".+"
			}
			return "[^/]+"
		})
		for _, m := range methods.(map[string]any) {
			for status, answer := range m.(map[string]any)["responses"].(map[string]any) {
				if ref, ok := answer.(map[string]any)["$ref"].(string); ok {
					m.(map[string]any)["responses"].(map[string]any)[status] = responses[strings.TrimPrefix(ref, "#/components/responses/")]
				}
			}
		}
		d.paths = append(d.paths, describedPath{regexp.MustCompile("^" + pattern + "$"), methods.(map[string]any)})
	}
	return d
})

// asSchema turns OpenAPI 3.0's schemas into JSON Schema: refs lead to $defs, and what is nullable has any type.
func asSchema(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if ref, ok := value.(string); ok && key == "$ref" {
				value = "#/$defs/" + strings.TrimPrefix(ref, "#/components/schemas/")
			}
			out[key] = asSchema(value)
		}
		if out["nullable"] == true {
			return map[string]any{"anyOf": []any{map[string]any{"type": "null"}, without(out, "nullable")}}
		}
		if out["type"] == "object" && out["properties"] != nil && out["additionalProperties"] == nil {
			out["additionalProperties"] = false // what is answered is described
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = asSchema(v[i])
		}
		return out
	}
	return v
}

func without(m map[string]any, key string) map[string]any {
	delete(m, key)
	return m
}

// check holds an answer against what is described for it.
func (d *description) check(method, path string, res *plugintest.Response) error {
	path, _, _ = strings.Cut(path, "?")
	for _, p := range d.paths {
		m, ok := p.methods[strings.ToLower(method)].(map[string]any)
		if !ok || !p.pattern.MatchString(path) {
			continue
		}
		answer, ok := m["responses"].(map[string]any)[strconv.Itoa(res.Status)].(map[string]any)
		if !ok {
			return fmt.Errorf("status %d is not described", res.Status)
		}
		content, ok := answer["content"].(map[string]any)
		if !ok {
			return nil
		}
		return d.validate(p.pattern.String()+method+strconv.Itoa(res.Status), content["application/json"].(map[string]any)["schema"], res.Body)
	}
	return fmt.Errorf("the route is not described")
}

// validate checks a body; the schema of each answer is made once.
func (d *description) validate(name string, schema any, body []byte) error {
	known, ok := d.resolved.Load(name)
	if !ok {
		resolved, err := d.resolve(asSchema(schema).(map[string]any))
		if err != nil {
			return err
		}
		known, _ = d.resolved.LoadOrStore(name, resolved)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return known.(*jsonschema.Resolved).Validate(v)
}

func (d *description) resolve(whole map[string]any) (*jsonschema.Resolved, error) {
	whole["$defs"] = d.reached(whole, map[string]any{})
	if members, ok := whole["properties"].(map[string]any); ok && members["error"] != nil {
		delete(whole, "additionalProperties") // Backstage's form has more
	}
	text, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	return s.Resolve(nil)
}

// reached are the schemas that another refers to.
func (d *description) reached(v any, found map[string]any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if ref, ok := value.(string); ok && key == "$ref" {
				if name := strings.TrimPrefix(ref, "#/$defs/"); found[name] == nil {
					found[name] = d.schemas[name]
					d.reached(found[name], found)
				}
			}
			d.reached(value, found)
		}
	case []any:
		for _, value := range v {
			d.reached(value, found)
		}
	}
	return found
}

func TestDescription_HasEveryRoute(t *testing.T) {
	r := start(t)
	for _, route := range []string{
		"GET /v1/health", "GET /v1/gateways", "GET /v1/apis", "GET /v1/plans", "GET /v1/apps", "GET /v1/requests", "GET /facades/kong/health",
		"GET /v1/requests/none", "GET /v1/credentials/none", "GET /v1/apps/none", "GET /v1/gateways/none/drift",
	} {
		method, path, _ := strings.Cut(route, " ")
		r.Do(method, path, nil, pete)
	}
}
