package pluginhost

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const sampleSchema = `{
  "type": "object",
  "required": ["url"],
  "additionalProperties": false,
  "properties": {
    "url": {"type": "string", "format": "uri"},
    "token": {"type": "string", "x-secret": true, "pattern": "^tok-"},
    "retries": {"type": "integer", "minimum": 1},
    "accounts": {"type": "array", "items": {"$ref": "#/$defs/account"}},
    "extra": {"anyOf": [{"type": "string"}, {"type": "object", "x-secret": true}]}
  },
  "$defs": {"account": {"type": "object", "properties": {"name": {"type": "string"}, "key": {"type": "string", "x-secret": true}}}}
}`

func compiled(t *testing.T, text string) *settingsSchema {
	t.Helper()
	s, err := compileSettings(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettingsSchema_NamesTheFieldAndTheRuleAndNeverTheValue(t *testing.T) {
	s := compiled(t, sampleSchema)
	for name, tc := range map[string]struct {
		values map[string]any
		want   []string
	}{
		"good":        {map[string]any{"url": "https://a.example", "token": "tok-1", "retries": 2.0}, nil},
		"missing":     {map[string]any{}, []string{"needs the member url"}},
		"unknown":     {map[string]any{"url": "https://a.example", "tokn": "canary"}, []string{"has no member tokn"}},
		"pattern":     {map[string]any{"url": "https://a.example", "token": "canary"}, []string{"/token must match the pattern ^tok-"}},
		"format":      {map[string]any{"url": "canary canary"}, []string{"/url must be a valid uri"}},
		"type":        {map[string]any{"url": "https://a.example", "retries": "canary"}, []string{"/retries must be of type integer, got string"}},
		"minimum":     {map[string]any{"url": "https://a.example", "retries": 0.0}, []string{"/retries must be at least 1"}},
		"deep":        {map[string]any{"url": "https://a.example", "accounts": []any{map[string]any{"key": 7.0}}}, []string{"/accounts/0/key must be of type string, got number"}},
		"null values": {nil, []string{"needs the member url"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, w := range s.check(tc.values) {
				got = append(got, w.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(strings.Join(got, " "), "canary") {
				t.Errorf("a value is shown: %v", got)
			}
		})
	}
}

func TestSettingsSchema_FindsSecretsWhereverTheyStand(t *testing.T) {
	s := compiled(t, sampleSchema)
	values := map[string]any{"url": "https://a.example", "token": "tok-1", "extra": map[string]any{"inner": "deep", "n": 5.0},
		"accounts": []any{map[string]any{"name": "a", "key": "k-one"}, map[string]any{"key": "k-two"}}, "tokn": "misplaced"}
	if got, want := s.secrets(values), []string{"5", "deep", "k-one", "k-two", "tok-1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	want := map[string]any{"url": "https://a.example", "token": "<secret>", "extra": "<secret>",
		"accounts": []any{map[string]any{"name": "a", "key": "<secret>"}, map[string]any{"key": "<secret>"}}, "tokn": "<secret>"}
	if diff := cmp.Diff(want, s.masked(values)); diff != "" {
		t.Error(diff)
	}
	if text, ok := s.secret(values, "token"); !ok || text != "tok-1" {
		t.Error(text, ok)
	}
	if _, ok := s.secret(values, "url"); ok {
		t.Error("a setting that is no secret was handed out as one")
	}
}

func TestSettingsSchema_RefusesWhatIsNone(t *testing.T) {
	for text, rule := range map[string]string{
		`{`:                 "is not JSON",
		`[]`:                `must be a JSON Schema with "type": "object"`,
		`{"type":"string"}`: `must be a JSON Schema with "type": "object"`,
		`{"type":"object","properties":{"a":{"type":"strnig"}}}`:                          "is not a JSON Schema",
		`{"type":"object","properties":{"a":{"$ref":"https://evil.example/s.json"}}}`:     "must not refer to other documents, such as https://evil.example/s.json",
		`{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`:              "must not refer to other documents",
		`{"type":"object","properties":{"a":{"type":"string","pattern":"(a+)+$(?<=x)"}}}`: "is not a JSON Schema",
		`{"$schema":"https://evil.example/meta","type":"object"}`:                         "must not refer to other documents",
	} {
		if _, err := compileSettings(text); err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: %v, want %s", text, err, rule)
		}
	}
}

func TestSettingsSchema_CyclesEndTheWalk(t *testing.T) {
	s := compiled(t, `{"type":"object","properties":{"next":{"$ref":"#"},"key":{"type":"string","x-secret":true}}}`)
	deep := map[string]any{"key": "last"}
	for range 100 {
		deep = map[string]any{"next": deep, "key": "k"}
	}
	if got := s.secrets(deep); !slices.Contains(got, "k") {
		t.Error(got)
	}
}

func TestOpenSettings_StaysInThePluginsFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "s.json")
	write(t, outside, `{"type":"object"}`)
	if err := os.Symlink(outside, filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "big.json"), strings.Repeat(" ", maxSchema+1))
	for file, rule := range map[string]string{"link.json": "escapes", "none.json": "no such file", "big.json": "must be a file of at most"} {
		_, err := openSettings(&manifest.Manifest{ID: "shop", Dir: dir, Config: file})
		if err == nil || !strings.Contains(err.Error(), rule) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "shop") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzSettingsSchema(f *testing.F) {
	f.Add(sampleSchema, `{"url":"https://a.example","token":"tok-1"}`)
	f.Add(`{"type":"object","properties":{"next":{"$ref":"#"}}}`, `{"next":{"next":{}}}`)
	f.Fuzz(func(_ *testing.T, schema, values string) {
		s, err := compileSettings(schema)
		if err != nil {
			return
		}
		v, err := decodeObject([]byte(values))
		if err != nil {
			return
		}
		s.check(v)
		s.masked(v)
	})
}

// decodeObject reads a JSON object with its numbers as they are written.
func decodeObject(text []byte) (map[string]any, error) {
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.UseNumber()
	var out map[string]any
	if err := in.Decode(&out); err != nil {
		return nil, err
	}
	return out, nil
}
