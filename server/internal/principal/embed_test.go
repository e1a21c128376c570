package principal

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatchAny_AStarStandsForAnyText(t *testing.T) {
	for _, c := range []struct {
		patterns string
		text     string
		want     bool
	}{
		{"*", "cost/summary", true},
		{"cost/*", "cost/summary", true},
		{"cost/*", "costs/summary", false},
		{"cost/*", "cost", false},
		{"cost/summary", "cost/summary", true},
		{"cost/summary", "cost/summary2", false},
		{"component:*", "component:default/shop", true},
		{"component:default/*", "component:other/shop", false},
		{"*/shop", "component:default/shop", true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b", "aab", true},
		{"*a*b", "aba", false},
		{"", "", true},
		{"", "a", false},
		{"a|b", "b", true},
		// what is asked for is a pattern itself
		{"cost/*", "cost/*", true},
		{"cost/*", "*", false},
		{"cost/a*", "cost/*", false},
		{"cost/*", "cost/a*", true},
	} {
		if got := MatchAny(strings.Split(c.patterns, "|"), c.text); got != c.want {
			t.Errorf("%q and %q: %v", c.patterns, c.text, got)
		}
	}
}

func TestEmbed_OfNobodyInParticularAllowsEverything(t *testing.T) {
	var none *Embed
	if !none.AllowsWidget("a/b") || !none.AllowsEntity("component:default/a") || !none.Has("export") {
		t.Error("a caller that is no embedding page is bound")
	}
	empty := &Embed{}
	if empty.AllowsWidget("a/b") || empty.AllowsEntity("component:default/a") || empty.Has("export") {
		t.Error("a token that names nothing allows something")
	}
	some := &Embed{Entities: []string{"component:default/shop"}, Features: []string{"export"}}
	if !some.AllowsEntity("Component:default/Shop") || !some.Has("export") || some.Has("forms") {
		t.Error("refs differ in case, or features are mixed up")
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"*", "a*b", "**", "cost/*", "*/*:*"} {
		f.Add(s, "cost/summary")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 50 || strings.Count(pattern, "*") > 5 {
			return
		}
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		same, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
		if err != nil || strings.ToValidUTF8(text, "") != text || strings.ToValidUTF8(pattern, "") != pattern {
			return
		}
		if match(pattern, text) != same.MatchString(text) {
			t.Errorf("%q and %q: %v", pattern, text, match(pattern, text))
		}
	})
}
