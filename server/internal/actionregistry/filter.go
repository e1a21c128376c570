package actionregistry

import (
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/callboard/callboard/server/internal/config"
)

// Settings is the section backend.actions: which actions there are.
type Settings struct {
	// sources are the features whose actions are offered; nil = not configured: each lists its own, and templates get none.
	sources []string
	// include, when there are any, must match; exclude must not.
	include, exclude []rule
}

// rule is about actions whose id matches a glob and that have the given attributes.
type rule struct {
	id         string // "" = any
	attributes []func(Attributes) bool
}

// ReadSettings reads the section backend.actions. Mistakes are reported by the configuration.
func ReadSettings(backend *config.Section) Settings {
	s := Settings{sources: backend.Strings("actions.pluginSources")}
	if s.sources == nil && backend.Has("actions.pluginSources") {
		s.sources = []string{}
	}
	s.include = readRules(backend, "actions.filter.include")
	s.exclude = readRules(backend, "actions.filter.exclude")
	return s
}

func readRules(backend *config.Section, key string) []rule {
	var rules []rule
	for _, section := range backend.Sections(key) {
		r := rule{id: section.String("id", "")}
		if !doublestar.ValidatePattern(r.id) {
			section.Problem("id", "must be a glob such as 'catalog:*'")
		}
		for name, of := range map[string]func(Attributes) bool{
			"attributes.destructive": func(a Attributes) bool { return a.Destructive },
			"attributes.idempotent":  func(a Attributes) bool { return a.Idempotent },
			"attributes.readOnly":    func(a Attributes) bool { return a.ReadOnly },
		} {
			if section.Has(name) {
				want := section.Bool(name, false)
				r.attributes = append(r.attributes, func(a Attributes) bool { return of(a) == want })
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// allow reports whether the configuration offers an action.
func (s *Settings) allow(a *Action) bool {
	if s.sources != nil && !slices.Contains(s.sources, a.Feature) {
		return false
	}
	match := func(r rule) bool { return r.match(a) }
	return !slices.ContainsFunc(s.exclude, match) && (len(s.include) == 0 || slices.ContainsFunc(s.include, match))
}

func (r rule) match(a *Action) bool {
	if r.id != "" {
		if ok, err := doublestar.Match(r.id, a.ID); !ok || err != nil {
			return false
		}
	}
	return !slices.ContainsFunc(r.attributes, func(has func(Attributes) bool) bool { return !has(a.Attributes) })
}
