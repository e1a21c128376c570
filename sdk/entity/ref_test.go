package entity

import (
	"strings"
	"testing"
)

func TestParseRef_ReadsTheGrammarOfTheReference(t *testing.T) {
	defaults := Defaults{Kind: "Group", Namespace: "team"}
	for in, want := range map[string]string{
		"a": "group:team/a", "component:a": "component:team/a", "Component:NS/A": "component:ns/a", "ns/a": "group:ns/a",
		"a/b:c": "group:a/b:c", "k:a/b/c": "k:a/b/c", "k:a:b": "k:team/a:b", "k:n/a:b": "k:n/a:b",
	} {
		r, err := ParseRef(in, defaults)
		if err != nil || r.String() != want || string(r.Canonical()) != want {
			t.Errorf("%q: got %s, %v, want %s", in, r, err, want)
		}
	}
	for in, want := range map[string]string{
		"":   "Error: Entity reference must not be empty",
		":a": `TypeError: Entity reference ":a" was not on the form [<kind>:][<namespace>/]<name>`,
		"k:": `TypeError: Entity reference "k:" was not on the form [<kind>:][<namespace>/]<name>`,
		"/a": `TypeError: Entity reference "/a" was not on the form [<kind>:][<namespace>/]<name>`,
		"a/": `TypeError: Entity reference "a/" was not on the form [<kind>:][<namespace>/]<name>`,
	} {
		if _, err := ParseRef(in, defaults); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
	_, err := ParseRef(`a"<b`, Defaults{})
	want := `Error: Entity reference "a\"<b" had missing or empty kind (e.g. did not start with "component:" or similar)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"a", "k:n/a", ":", "/", "a/b:c", "k::", "k:n//", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s, Defaults{Kind: "component"})
		if err != nil {
			return
		}
		if r.Kind == "" || r.Namespace == "" || r.Name == "" {
			t.Fatalf("%q gives %+v", s, r)
		}
		// What was parsed reads back as the same entity, unless its namespace swallowed what would separate it again.
		again, err := ParseRef(r.String(), Defaults{})
		if err != nil || again.String() != strings.ToLower(r.String()) {
			t.Fatalf("%q: %s reads back as %s, %v", s, r, again, err)
		}
	})
}

func TestParseLocation_RefusesWhatTheReferenceRefuses(t *testing.T) {
	for in, want := range map[string]Location{
		"url:https://a.b/c":  {"url", "https://a.b/c"},
		" file : /x.yaml ":   {"file", "/x.yaml"},
		"bootstrap:a:b":      {"bootstrap", "a:b"},
		"url:javascripts://": {"url", "javascripts://"},
	} {
		if got, err := ParseLocation(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
	unparsable := "TypeError: Unable to parse location ref '%s', expected '<type>:<target>', e.g. 'url:https://host/path'"
	for in, want := range map[string]string{
		"": unparsable, "x": unparsable, ":x": unparsable, "url:": unparsable, "url: ": unparsable,
		"https://a.b":              "TypeError: Invalid location ref '%s', please prefix it with 'url:', e.g. 'url:%s'",
		"url:javascript:x":         "TypeError: Invalid location ref '%s', target is a javascript: URL",
		"url:\x01 JavaScript:x":    "TypeError: Invalid location ref '%s', target is a javascript: URL",
		"url:j\na\rv\tascript\t:x": "TypeError: Invalid location ref '%s', target is a javascript: URL",
	} {
		want = strings.ReplaceAll(want, "%s", in)
		if _, err := ParseLocation(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}
