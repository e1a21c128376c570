package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDuration_ReadsWhatTheReferenceReads compares with testdata/durations.json, recorded from the reference. It lets
// negative durations through, which Callboard refuses.
func TestDuration_ReadsWhatTheReferenceReads(t *testing.T) {
	text, err := os.ReadFile("testdata/durations.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ In, MS any }
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 50 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, tc := range cases {
		c := FromValue(map[string]any{"d": tc.In})
		const def = -time.Nanosecond
		got := c.Root().Duration("d", def)
		ms, valid := tc.MS.(float64)
		if valid = valid && ms >= 0; valid != (c.Err() == nil) {
			t.Errorf("%v: want %v, got error %v", tc.In, tc.MS, c.Err())
			continue
		}
		want := def
		if valid {
			want = time.Duration(ms * float64(time.Millisecond))
		}
		if got != want {
			t.Errorf("%v: got %v, want %v", tc.In, got, want)
		}
	}
}

func TestDuration_RefusesWhatDoesNotFit(t *testing.T) {
	for _, in := range []any{"300 years", "P99999999Y", map[string]any{"hours": 1e300}, "P200YT999999999999999999H"} {
		c := FromValue(map[string]any{"d": in})
		if got := c.Root().Duration("d", time.Hour); got != time.Hour || c.Err() == nil {
			t.Errorf("%v: got %v, error %v", in, got, c.Err())
		}
	}
}

func TestSection_CoercesAsTheReferenceDoes(t *testing.T) {
	numbers := map[any]float64{"1": 1, " 12 ": 12, "0x10": 16, "0o17": 15, "0b11": 3, "1e3": 1000, "-5": -5, "+5": 5,
		".5": .5, "5.": 5, 1: 1, 1.5: 1.5}
	for in, want := range numbers {
		c := FromValue(map[string]any{"k": in})
		if got := c.Root().Float("k", -999); got != want || c.Err() != nil {
			t.Errorf("Float(%q) = %v, %v", in, got, c.Err())
		}
	}
	for _, in := range []any{"Infinity", "1_000", "x", "", "0x", "0x_1", true, []any{1}, map[string]any{"a": 1}} {
		c := FromValue(map[string]any{"k": in})
		if got := c.Root().Float("k", -999); got != -999 || c.Err() == nil {
			t.Errorf("Float(%q) = %v without an error", in, got)
		}
	}
	for want, inputs := range map[bool][]any{
		true:  {"y", "YES", " true ", "1", "on", 1, true},
		false: {"n", "No", "false", "0", "OFF", 0, false},
	} {
		for _, in := range inputs {
			c := FromValue(map[string]any{"k": in})
			if got := c.Root().Bool("k", !want); got != want || c.Err() != nil {
				t.Errorf("Bool(%q) = %v, %v", in, got, c.Err())
			}
		}
	}
	for _, in := range []any{"x", "", "2", 2, []any{true}} {
		c := FromValue(map[string]any{"k": in})
		if c.Root().Bool("k", true); c.Err() == nil {
			t.Errorf("Bool(%q) without an error", in)
		}
	}
	for _, in := range []any{"", 1, true, []any{"a"}, map[string]any{}} {
		c := FromValue(map[string]any{"k": in})
		if got := c.Root().String("k", "def"); got != "def" || c.Err() == nil {
			t.Errorf("String(%q) = %q, %v", in, got, c.Err())
		}
	}
}

func TestSection_FindsDottedPathsAndKeysWithDots(t *testing.T) {
	c := FromYAML(`
backend: {listen: {port: 7007}, gone: null}
proxy:
  endpoints:
    /a.b/c: {target: http://a}
hosts: [{name: one}, {name: two}]
single: one
several: [one, two]
`)
	root := c.Root()
	for _, check := range []struct{ got, want any }{
		{root.Int("backend.listen.port", 0), 7007},
		{c.Section("backend.listen").Path(), "backend.listen"},
		{root.Section("proxy.endpoints").Section("/a.b/c").String("target", ""), "http://a"},
		{root.Has("backend.gone"), false},
		{root.Has("backend.listen"), true},
		{root.Has("nothing.at.all"), false},
		{root.Section("nothing").Section("at").String("all", "def"), "def"},
		{root.Sections("hosts")[1].String("name", ""), "two"},
		{root.Sections("hosts")[1].Path(), "hosts[1]"},
		{root.Strings("single"), []string{"one"}},
		{root.Strings("several"), []string{"one", "two"}},
		{root.Keys(), []string{"backend", "proxy", "hosts", "single", "several"}},
		{root.Section("backend").Keys(), []string{"listen"}},
		{root.Value("backend.listen"), map[string]any{"port": 7007.0}},
		{root.Position("backend.listen").String(), "yaml:2"},
	} {
		if diff := cmp.Diff(check.want, check.got); diff != "" {
			t.Error(diff)
		}
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestErr_NamesFileLineAndKeyOfEveryProblemOnce(t *testing.T) {
	c := FromYAML("a:\n  port: many\n  list: [x, 5]\n  on: maybe\nb: text\nkeys:\n  - {secret: 77}\n  - plain\n")
	root := c.Root()
	for range 2 {
		root.Int("a.port", 1)
		root.Strings("a.list")
		root.Bool("a.on", true)
		root.String("b.c", "")
		root.Sections("keys")[0].String("secret", "")
		root.Section("a").Problem("missing", "is needed when port is set")
	}
	want := `yaml:1: a.missing: is needed when port is set
yaml:2: a.port: must be a number, got string "many"
yaml:3: a.list[1]: must be a string that is not empty, got number; put it in quotes
yaml:4: a.on: must be true or false, got string "maybe"
yaml:5: b: must be an object, got string "text"
yaml:7: keys[0].secret: must be a string, got number; put it in quotes
yaml:8: keys[1]: must be an object, got string "plain"`
	if diff := cmp.Diff(want, c.Err().Error()); diff != "" {
		t.Error(diff)
	}
}

func TestErr_NeverShowsSecretValues(t *testing.T) {
	c := FromYAML("x: {apiKey: canary-1, url: 'postgres://u:canary-2@h/d', plain: {token: canary-3}}")
	c.Root().Int("x.apiKey", 0)
	c.Root().Bool("x.url", false)
	c.Root().Section("x.plain.token")
	if text := c.Err().Error(); strings.Contains(text, "canary") {
		t.Error(text)
	}
}
