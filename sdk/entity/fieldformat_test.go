package entity

import (
	"regexp"
	"strings"
	"testing"
)

func TestFormats_AcceptAndRefuseWhatTheReferenceDoes(t *testing.T) {
	x63, x64 := strings.Repeat("x", 63), strings.Repeat("x", 64)
	subdomain := strings.TrimSuffix(strings.Repeat(strings.Repeat("a", 62)+".", 4), ".")
	for name, c := range map[string]struct {
		valid   func(string) bool
		yes, no []string
	}{
		"apiVersion": {ValidAPIVersion,
			[]string{"v1", "1", "backstage.io/v1alpha1", "a-b.c/V1", x63, subdomain + "/v1"},
			[]string{"", "/", "a/", "/v1", "a/b/c", "A.io/v1", "a.io/v1-x", "a_b/v1", x64, "a..b/v1", subdomain + "aaa/v1"}},
		"kind":        {ValidKind, []string{"C", "Component", "A1", x63}, []string{"", "1A", "My-Kind", "Ä", "a b", x64}},
		"name":        {ValidName, []string{"a", "9", "A.b_c-9", "a--b..c__d", x63}, []string{"", "-a", "a-", ".a", "a.", "a b", "a/b", "ä", "a\n", x64}},
		"namespace":   {ValidNamespace, []string{"default", "a-b", "a--b", "9", x63}, []string{"", "A", "a_b", "a.b", "-a", "a-", x64}},
		"label key":   {ValidLabelKey, []string{"a", "A_b", "x.io/A_b"}, []string{"", "/a", "a/", "a/b/c", "X.io/a", "a b", "x.io/é"}},
		"label value": {ValidLabelValue, []string{"", "a", "A-b_c.d"}, []string{" ", "a b", "-a", x64}},
		"tag":         {ValidTag, []string{"a", "b-c", "c++", "c#", "a:b", "+", x63}, []string{"", "A", "a b", "a--b", "-a", "a-", "a.b", x64}},
		"subdomain":   {ValidDNSSubdomain, []string{"a", "a.b", subdomain}, []string{"", ".", "a.", "a..b", "A", subdomain + ".aa"}},
		"not blank":   {notBlank, []string{"a", " a ", "\u0085"}, []string{"", " ", "\t\n", "\ufeff", "\u00a0\u2003\u3000"}},
	} {
		for _, s := range c.yes {
			if !c.valid(s) {
				t.Errorf("%s %q is refused", name, s)
			}
		}
		for _, s := range c.no {
			if c.valid(s) {
				t.Errorf("%s %q is accepted", name, s)
			}
		}
	}
}

// FuzzFormats holds the hand-written rules against the expressions that the contract states them in.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{"", "a", "a-b", "a--b", "-", "A.b", "c++", "a:b", "é", "a\n", "9", "a_"} {
		f.Add(s)
	}
	rules := []struct {
		name  string
		valid func(string) bool
		re    *regexp.Regexp
	}{
		{"kind", ValidKind, regexp.MustCompile(`^[a-zA-Z][a-z0-9A-Z]*$`)},
		{"name", ValidName, regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)},
		{"DNS label", ValidDNSLabel, regexp.MustCompile(`^[a-z0-9]+(?:\-+[a-z0-9]+)*$`)},
		{"tag", ValidTag, regexp.MustCompile(`^[a-z0-9:+#]+(\-[a-z0-9:+#]+)*$`)},
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range rules {
			want := len(s) <= MaxNameLength && r.re.MatchString(s)
			if got := r.valid(s); got != want {
				t.Errorf("%s %q: got %v, want %v", r.name, s, got, want)
			}
		}
	})
}

func TestFieldProblems_TellsAllOfThemInTheOrderOfTheReference(t *testing.T) {
	e := Entity{
		"apiVersion": "a/b/c", "kind": "9",
		"metadata": map[string]any{
			"name": "a b", "namespace": "A", "labels": map[string]any{"b c": "d e"}, "annotations": map[string]any{"x/y/z": "1"},
			"tags": []any{"ok", "Java"}, "links": []any{map[string]any{"url": "x", "title": " ", "icon": "i"}, map[string]any{}},
		},
	}
	var got []string
	for _, p := range FieldProblems(e) {
		got = append(got, p.Field+"@"+p.Pointer)
	}
	want := "apiVersion@/apiVersion kind@/kind metadata.name@/metadata/name metadata.namespace@/metadata/namespace " +
		"labels.b c@/metadata/labels/b c labels.b c@/metadata/labels/b c annotations.x/y/z@/metadata/annotations/x~1y~1z " +
		"tags.1@/metadata/tags/1 links.0.url@/metadata/links/0/url links.0.title@/metadata/links/0/title links.1.url@/metadata/links/1/url"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if err := CheckFields(Entity{"apiVersion": "v1"}); err == nil || err.Error() != "Error: kind must have a value" {
		t.Errorf("got %v", err)
	}
}
