package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestFrontend_ShowsWhatTheReferenceShows compares with outcomes recorded from the reference, in testdata/frontend.
func TestFrontend_ShowsWhatTheReferenceShows(t *testing.T) {
	names, err := filepath.Glob("testdata/frontend/*.txtar")
	if err != nil || len(names) < 3 {
		t.Fatalf("only %d cases found: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			for _, file := range archive.Files {
				files[file.Name] = file.Data
			}
			schema, err := ParseSchema(files["schema.json"])
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Data           any
				DeprecatedKeys []DeprecatedKey
			}
			if err := json.Unmarshal(files["reference"], &want); err != nil {
				t.Fatal(err)
			}
			got := FromYAML(string(files["config.yaml"])).Frontend(schema)
			if diff := cmp.Diff(want.Data, got.Root().Value("")); diff != "" {
				t.Errorf("reference (-) and Callboard (+) differ:\n%s", diff)
			}
			if diff := cmp.Diff(append([]DeprecatedKey{}, want.DeprecatedKeys...), append([]DeprecatedKey{}, got.Deprecated...)); diff != "" {
				t.Error(diff)
			}
			if text, _ := json.Marshal(got.Root().Value("")); strings.Contains(string(text), "canary") {
				t.Errorf("a hidden value is shown: %s", text)
			}
		})
	}
}

func TestFrontend_SecretWinsWherePackagesDisagree(t *testing.T) {
	schema, err := ParseSchema([]byte(`{"backstageConfigSchemaVersion": 1, "schemas": [
		{"packageName": "a", "value": {"properties": {"x": {"visibility": "frontend"}, "deep": {"deepVisibility": "secret", "properties": {"y": {"visibility": "frontend"}}}}}},
		{"packageName": "b", "value": {"properties": {"x": {"visibility": "secret"}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := FromYAML("x: canary\ndeep: {y: canary}").Frontend(schema)
	if keys := got.Root().Keys(); len(keys) != 0 {
		t.Errorf("shown: %v", got.Root().Value(""))
	}
}

func TestBuiltinSchema_ShowsStockKeysAndHidesTheRest(t *testing.T) {
	c := FromYAML(`
app: {title: T, baseUrl: http://a, extensions: [x, {y: {config: {z: 1}}}], secret: canary, support: {url: http://s, items: [{title: t, links: [{url: http://l, title: l, x: canary}]}]}}
organization: {name: Org}
backend: {baseUrl: http://b, database: {connection: canary}, auth: {keys: [{secret: canary}]}, listen: canary}
auth: {environment: development, providers: {github: {development: {clientSecret: canary}}}, session: {secret: canary}}
integrations: {github: [{host: github.com, token: canary, apps: [{privateKey: canary}]}]}
permission: {enabled: true}
proxy: {endpoints: {/x: {headers: {Authorization: canary}}}}
techdocs: {builder: local, publisher: {awsS3: {credentials: {secretAccessKey: canary}}}, sanitizer: {allowedIframeHosts: [h]}}
catalog: {import: {entityFilename: f}, locations: [{target: canary}]}
custom: canary
`)
	want := map[string]any{
		"app": map[string]any{"title": "T", "baseUrl": "http://a", "extensions": []any{"x", map[string]any{"y": map[string]any{"config": map[string]any{"z": 1.0}}}},
			"support": map[string]any{"url": "http://s", "items": []any{map[string]any{"title": "t", "links": []any{map[string]any{"url": "http://l", "title": "l"}}}}}},
		"organization": map[string]any{"name": "Org"},
		"backend":      map[string]any{"baseUrl": "http://b"},
		"auth":         map[string]any{"environment": "development"},
		"integrations": map[string]any{"github": []any{map[string]any{"host": "github.com"}}},
		"permission":   map[string]any{"enabled": true},
		"techdocs":     map[string]any{"builder": "local", "sanitizer": map[string]any{"allowedIframeHosts": []any{"h"}}},
		"catalog":      map[string]any{"import": map[string]any{"entityFilename": "f"}},
	}
	if diff := cmp.Diff(want, c.Frontend(BuiltinSchema()).Root().Value("")); diff != "" {
		t.Error(diff)
	}
}

func TestParseSchema_RefusesOtherFiles(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"backstageConfigSchemaVersion": 2}`, `{"backstageConfigSchemaVersion": 1, "schemas": [{"value": 5}]}`, `{"backstageConfigSchemaVersion": 1, "schemas": [{"packageName": "x"}]}`} {
		if _, err := ParseSchema([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzParseSchema(f *testing.F) {
	text, err := os.ReadFile("testdata/frontend/deep.txtar")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(txtar.Parse(text).Files[0].Data))
	f.Add(`{"backstageConfigSchemaVersion": 1, "schemas": [{"value": {"$ref": "#/definitions/a", "definitions": {"a": {"anyOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/a"}]}}}}]}`)
	c := FromYAML("app: {title: x, list: [1, {a: b}]}")
	f.Fuzz(func(_ *testing.T, text string) {
		if s, err := ParseSchema([]byte(text)); err == nil {
			c.Frontend(s)
		}
	})
}
