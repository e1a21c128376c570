package manifest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// rule is a manifest, as a change to a good one, and what the parser says of it.
type rule struct {
	name, from, to string
	// want is in the error; "" = the manifest is good.
	want string
	// beyond marks rules that a JSON Schema cannot say: there the schema takes what the parser refuses.
	beyond bool
}

var rules = []rule{
	{name: "good"},
	{name: "only what must be", from: sentry, to: small},
	{name: "command", from: "run: { linux-amd64: ./sentry, linux-arm64: ./sentry-arm64 }", to: "run: {command: [python3, plugin.py, --all]}"},
	{name: "own program with arguments", from: "run: { linux-amd64: ./sentry, linux-arm64: ./sentry-arm64 }", to: "run: {command: [./bin/start, '']}", want: "plugin.yaml:8: plugin sentry: run.command[1]: must be a text of 1 to 4096 bytes"},
	{name: "format", from: "callboard.dev/v1", to: "callboard.dev/v2", want: `plugin.yaml:2: plugin sentry: apiVersion: must be "callboard.dev/v1"`},
	{name: "unknown key", from: "provides:", to: "provide:", want: `plugin.yaml:9: plugin sentry: unknown key "provide"; did you mean "provides"?`},
	{name: "unknown key below", from: "egress:", to: "egres:", want: `plugin.yaml:18: plugin sentry: needs: unknown key "egres"; did you mean "egress"?`},
	{name: "unknown key far from all", from: "onBehalfOf:", to: "superuser:", want: `needs: unknown key "superuser"; known are catalog, scaffolder, egress, storage, secrets, plugins, events, onBehalfOf, permission, limits`},
	{name: "key twice", from: "title: Sentry", to: "title: Sentry\ntitle: Sentry", want: "plugin.yaml:6: plugin sentry: title: stands here twice", beyond: true},
	{name: "missing", from: "version: 1.4.0\n", to: "", want: "plugin.yaml:2: plugin sentry: version: is missing"},
	{name: "id in capitals", from: "id: sentry", to: "id: Sentry", want: "plugin.yaml:3: id: must be 1 to 50 lower-case letters"},
	{name: "id of the host", from: "id: sentry", to: "id: mcp-actions", want: `plugin.yaml:3: id: "mcp-actions" is a name of the host itself`},
	{name: "id too long", from: "id: sentry", to: "id: s" + strings.Repeat("x", 50), want: "id: must be 1 to 50"},
	{name: "number for text", from: "title: Sentry", to: "title: 12", want: "title: must be a text; put it in quotes"},
	{name: "short version", from: "version: 1.4.0", to: "version: '1.4'", want: `version: must be a semantic version such as "1.4.0"`},
	{name: "version with v", from: "version: 1.4.0", to: "version: v1.4.0", want: "version: must be a semantic version"},
	{name: "version of a release candidate", from: "version: 1.4.0", to: "version: 1.4.0-rc.1+build.5"},
	{name: "title of two lines", from: "title: Sentry", to: `title: "a\nb"`, want: "title: must be one line"},
	{name: "no range", from: ">=1 <3", to: "new_er", want: `protocol: must be a range of versions`},
	{name: "no range that looks like one", from: ">=1 <3", to: ">= <", want: `protocol: must be a range of versions`, beyond: true},
	{name: "both ways to run", from: "linux-amd64: ./sentry", to: "command: [./sentry]", want: `run: must have either "command" or binaries`},
	{name: "no way to run", from: "linux-amd64: ./sentry, linux-arm64: ./sentry-arm64", to: "", want: `run: must have "command", or a binary`},
	{name: "no words", from: "linux-amd64: ./sentry, linux-arm64: ./sentry-arm64", to: "command: []", want: `run.command: must have at least one word`},
	{name: "unknown platform key", from: "linux-amd64:", to: "Linux:", want: `run: unknown key "Linux"`},
	{name: "shell", from: "linux-amd64: ./sentry, linux-arm64: ./sentry-arm64", to: "command: ['sh -c x']", want: "run.command[0]: must be the name of an interpreter"},
	{name: "absolute program", from: "linux-amd64: ./sentry, linux-arm64: ./sentry-arm64", to: "command: [/bin/sh]", want: "run.command[0]: must be a path inside the plugin's folder, not an absolute one"},
	{name: "program outside", from: "./sentry,", to: "../sentry,", want: `run.linux-amd64: must be a path inside the plugin's folder; ".." leads out of it`},
	{name: "program outside by the middle", from: "./sentry,", to: "a/../../sentry,", want: `".." leads out of it`},
	{name: "program with backslash", from: "./sentry,", to: `'..\sentry',`, want: "must be a path with forward slashes"},
	{name: "folder for file", from: "config: settings.schema.json", to: "config: ./", want: "config: must name a file"},
	{name: "absolute config", from: "config: settings.schema.json", to: "config: /etc/passwd", want: "config: must be a path inside the plugin's folder, not an absolute one"},
	{name: "route without slash", from: "[/webhook]", to: "[webhook]", want: `provides.http.unauthenticated[0]: "webhook": must be a path that begins with a slash`},
	{name: "route with escape", from: "[/webhook]", to: "['/web%2fhook']", want: "without escapes"},
	{name: "route with pattern", from: "[/webhook]", to: "['/web*']", want: "without escapes, asterisks"},
	{name: "route with dots", from: "[/webhook]", to: "[/a/../b]", want: "must not have empty or dot segments"},
	{name: "route with empty segment", from: "[/webhook]", to: "[/a//b]", want: "must not have empty or dot segments"},
	{name: "route with slash at the end", from: "[/webhook]", to: "[/a/]", want: "or end with a slash"},
	{name: "every route", from: "[/webhook]", to: "[/]"},
	{name: "route with hidden segment", from: "[/webhook]", to: "[/.well-known/x..y]"},
	{name: "name with blank", from: "[open-issues]", to: "['open issues']", want: `provides.widgets[0]: "open issues": must be a name`},
	{name: "name twice", from: "[open-issues]", to: "[a, a]", want: `provides.widgets[1]: "a" stands here twice`},
	{name: "text for list", from: "[open-issues]", to: "open-issues", want: "provides.widgets: must be a list"},
	{name: "list for object", from: "requires: { callboard: \">=0.9\" }", to: "requires: []", want: "requires: must be an object"},
	{name: "unknown catalog need", from: "catalog: [read]", to: "catalog: [write]", want: "needs.catalog[0]: \"write\": must be one of read, write-own, refresh"},
	{name: "unknown scaffolder need", from: "catalog: [read]", to: "scaffolder: [tasks]", want: "needs.scaffolder[0]: \"tasks\": must be one of workspace"},
	{name: "scaffolder need", from: "catalog: [read]", to: "scaffolder: [workspace]"},
	{name: "filters", from: "actions: [sentry:release:create]", to: "filters: [dsn, projectSlug_2]"},
	{name: "filter that is no name of the language", from: "actions: [sentry:release:create]", to: "filters: ['sentry:dsn']", want: "provides.scaffolder.filters[0]: \"sentry:dsn\": must be a name of the template language"},
	{name: "filter too long", from: "actions: [sentry:release:create]", to: "filters: [a" + strings.Repeat("b", 64) + "]", want: "must be a name of the template language"},
	{name: "egress without scheme", from: "https://*.sentry.io:443", to: "*.sentry.io", want: `needs.egress[0]: "*.sentry.io": must begin with https:// or http://`},
	{name: "egress to everywhere", from: "https://*.sentry.io:443", to: "https://*", want: "needs.egress[0]"},
	{name: "egress to a top-level domain", from: "https://*.sentry.io:443", to: "https://*.io", want: `must have at least two labels after "*."`},
	{name: "egress with asterisk inside", from: "https://*.sentry.io:443", to: "https://a.*.io", want: "no other asterisk"},
	{name: "egress with path", from: "https://*.sentry.io:443", to: "https://sentry.io/api", want: "must end after the host and port"},
	{name: "egress with user", from: "https://*.sentry.io:443", to: "https://a@sentry.io", want: "must end after the host and port"},
	{name: "egress to port 0", from: "https://*.sentry.io:443", to: "https://sentry.io:0", want: "must have a port from 1 to 65535"},
	{name: "egress to port 70000", from: "https://*.sentry.io:443", to: "https://sentry.io:70000", want: "must have a port from 1 to 65535", beyond: true},
	{name: "egress to an address", from: "https://*.sentry.io:443", to: "http://10.0.0.7:8080"},
	{name: "egress to an address of version 6", from: "https://*.sentry.io:443", to: "http://[fd00::1]:8080"},
	{name: "egress to half an address", from: "https://*.sentry.io:443", to: "http://127.1", want: "must write an address in its usual form", beyond: true},
	{name: "size without unit", from: "kv: 10MiB", to: "kv: 1024"},
	{name: "size with unknown unit", from: "kv: 10MiB", to: "kv: 10 parsecs", want: `needs.storage.kv: must be a size such as "10MiB"`},
	{name: "negative size", from: "kv: 10MiB", to: "kv: -1", want: `needs.storage.kv: must be a size`},
	{name: "too little memory", from: "memory: 256MiB", to: "memory: 1MiB", want: "needs.limits.memory: must be at least 16MiB", beyond: true},
	{name: "no processor", from: "cpu: 0.5", to: "cpu: 0", want: "needs.limits.cpu: must be a number from 0.01 to 1024"},
	{name: "not a number", from: "cpu: 0.5", to: "cpu: .nan", want: "needs.limits.cpu: must be a number from"},
	{name: "half a process", from: "processes: 32", to: "processes: 0.5", want: "needs.limits.processes: must be a whole number"},
	{name: "no process", from: "processes: 32", to: "processes: 0", want: "needs.limits.processes: must be a whole number from 1"},
	{name: "duration without unit", from: "requestTimeout: 30s", to: "requestTimeout: '30'", want: "needs.limits.requestTimeout: must be a duration"},
	{name: "duration of a day", from: "requestTimeout: 30s", to: "requestTimeout: 24h", want: "at most 1h", beyond: true},
	{name: "text for boolean", from: "onBehalfOf: true", to: "onBehalfOf: 'true'", want: "needs.onBehalfOf: must be true or false"},
	{name: "alias", from: "title: Sentry", to: "title: &t Sentry", want: "anchors and aliases are not part of the format", beyond: true},
	{name: "events", from: "permissions:", to: "events: {topics: [catalog.entity.changed]}\n  tasks: [sweep]\n  permissionRules: [IS_TEAM_PROJECT]\n  permissions:"},
	{name: "more needs", from: "secrets: [token]", to: "secrets: [token]\n  permission: true\n  plugins: [catalog]\n  events: {publish: [sentry.issue]}"},
}

const small = "\napiVersion: callboard.dev/v1\nid: sentry\nversion: 0.1.0\ntitle: S\nrun: {linux-amd64: s}\n"

func TestParse_SaysWhichRuleIsBrokenAndWhere(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			_, err := manifest.Parse("plugin.yaml", []byte(r.text(t)))
			if (r.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), r.want) {
				t.Errorf("got %v, want %q", err, r.want)
			}
		})
	}
}

// The published schema takes what the parser takes, and refuses what it refuses, but for the rules that no schema can say.
func TestSchema_MeansWhatTheParserMeans(t *testing.T) {
	schema := compiled(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			var doc any
			if err := yaml.Unmarshal([]byte(r.text(t)), &doc); err != nil && !r.beyond {
				t.Fatal(err)
			}
			good := r.want == "" || r.beyond
			if err := schema.Validate(plainJSON(doc)); good != (err == nil) && doc != nil {
				t.Errorf("good = %v, and the schema says %v", good, err)
			}
		})
	}
}

// Every object of the schema has exactly the keys that the parser knows.
func TestSchema_HasTheKeysOfTheParser(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal([]byte(manifest.Schema()), &root); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, open, close string }{
		{"", "", ""},
		{"requires", "requires: {", "}"},
		{"provides", "provides: {", "}"},
		{"provides.http", "provides: {http: {", "}}"},
		{"provides.catalog", "provides: {catalog: {", "}}"},
		{"provides.scaffolder", "provides: {scaffolder: {", "}}"},
		{"provides.search", "provides: {search: {", "}}"},
		{"provides.events", "provides: {events: {", "}}"},
		{"needs", "needs: {", "}"},
		{"needs.storage", "needs: {storage: {", "}}"},
		{"needs.events", "needs: {events: {", "}}"},
		{"needs.limits", "needs: {limits: {", "}}"},
	} {
		_, err := manifest.Parse("plugin.yaml", []byte(small+c.open+"qqqqqqqqqqqqqqqqqqqqqqqq: 1"+c.close))
		_, known, found := strings.Cut(fmt.Sprint(err), "known are ")
		if !found {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, want := keysAt(t, root, c.name), strings.Split(known, ", "); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: the schema has %v, the parser %v", c.name, got, want)
		}
	}
	if got := root["properties"].(map[string]any)["id"].(map[string]any)["not"].(map[string]any)["enum"].([]any); len(got) != len(manifest.Reserved()) {
		t.Errorf("reserved ids: %v", got)
	}
}

func (r rule) text(t *testing.T) string {
	t.Helper()
	if !strings.Contains(sentry, r.from) {
		t.Fatalf("%q is not in the manifest", r.from)
	}
	return strings.Replace(sentry, r.from, r.to, 1)
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(manifest.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plugin.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("plugin.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// plainJSON is v with the numbers of JSON; what JSON has no number for is null.
func plainJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil
	}
	return out
}

func keysAt(t *testing.T, schema map[string]any, at string) []string {
	t.Helper()
	for _, key := range strings.FieldsFunc(at, func(r rune) bool { return r == '.' }) {
		schema = schema["properties"].(map[string]any)[key].(map[string]any)
	}
	keys := []string{}
	for key := range schema["properties"].(map[string]any) {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func FuzzParse(f *testing.F) {
	for _, r := range rules {
		f.Add([]byte(strings.Replace(sentry, r.from, r.to, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Parse("plugin.yaml", data)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err != nil {
			return
		}
		if m.ID.Check() != nil || len(m.Needs.Beyond(m.Needs)) != 0 {
			t.Errorf("%+v", m)
		}
		// Needs survive the lock file.
		text, err := yaml.Marshal(m.Needs)
		if err != nil {
			t.Fatal(err)
		}
		var n yaml.Node
		if err := yaml.Unmarshal(text, &n); err != nil {
			t.Fatal(err)
		}
		if _, err := manifest.DecodeNeeds("lock", "needs", n.Content[0]); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	})
}
