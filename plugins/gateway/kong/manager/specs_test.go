package manager

import (
	"strings"
	"testing"
)

// The definition of an API is written by whoever can write a catalog file.
func FuzzPluginsOf(f *testing.F) {
	for _, text := range []string{definition, "{}", "", "7", "- a", "x-kong-a: &a [*a]", "a: &a {x-kong-b: *a}", "x-kong-a: {name: !!binary x}", "x-kong-a: {1: 2}", "---\n---"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plugins, err := pluginsOf(api("fuzzed", text))
		if err == nil && plugins == nil {
			t.Error("no plugins are null")
		}
	})
}

func TestPluginsOf_RefusesWhatIsTooLong(t *testing.T) {
	if _, err := pluginsOf(api("long", strings.Repeat(" ", longestDefinition+1))); err == nil {
		t.Error("it was read")
	}
	if plugins, err := pluginsOf(api("none", "")); err != nil || len(plugins) != 0 {
		t.Errorf("%v %v", plugins, err)
	}
}
