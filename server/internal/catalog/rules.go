package catalog

import (
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

// rules decide which kinds a location may bring: catalog.rules and catalog.locations[].rules. They are matched against
// the origin of an entity, so that a Location in between cannot widen them.
type rules []rule

type rule struct {
	allow     []allowed
	locations []locationMatcher // nil = everywhere
}

type allowed struct{ kind, specType string } // lower case; specType "" = any

type locationMatcher struct{ typ, exact, pattern string }

// readRules reads the configuration; mistakes are kept in section. dir is where relative file targets start.
func readRules(section *config.Section, dir string) rules {
	var rs rules
	if section.Has("rules") {
		for _, s := range section.Sections("rules") {
			rs = append(rs, rule{allow: readAllowed(s), locations: readLocationMatchers(s)})
		}
	} else {
		rs = append(rs, rule{allow: []allowed{{kind: "component"}, {kind: "api"}, {kind: "location"}}})
	}
	for _, loc := range section.Sections("locations") {
		target := resolveTarget(dir, loc.String("type", ""), loc.String("target", ""))
		for _, s := range loc.Sections("rules") {
			rs = append(rs, rule{allow: readAllowed(s), locations: []locationMatcher{{typ: loc.String("type", ""), exact: target}}})
		}
	}
	return rs
}

func readAllowed(s *config.Section) []allowed {
	items, ok := s.Value("allow").([]any)
	if !ok {
		s.Problem("allow", "must be a list of kinds, or of objects with kind and spec.type")
		return nil
	}
	as := make([]allowed, 0, len(items))
	for _, item := range items {
		switch v := item.(type) {
		case string:
			as = append(as, allowed{kind: strings.ToLower(v)})
		case map[string]any:
			kind, ok := v["kind"].(string)
			specType, _ := v["spec.type"].(string)
			if !ok {
				s.Problem("allow", "every object in it must have a kind")
			}
			as = append(as, allowed{strings.ToLower(kind), strings.ToLower(specType)})
		default:
			s.Problem("allow", "must be a list of kinds, or of objects with kind and spec.type")
		}
	}
	return as
}

func readLocationMatchers(s *config.Section) []locationMatcher {
	if !s.Has("locations") {
		return nil
	}
	ms := []locationMatcher{}
	for _, l := range s.Sections("locations") {
		m := locationMatcher{typ: l.String("type", ""), exact: l.String("exact", ""), pattern: strings.ToLower(l.String("pattern", ""))}
		switch {
		case m.typ == "":
			l.Problem("type", "is required, such as url or file")
		case m.exact != "" && m.pattern != "":
			l.Problem("pattern", "a catalog rule location cannot have both exact and pattern values")
		case !doublestar.ValidatePattern(m.pattern):
			l.Problem("pattern", "is not a valid glob")
		}
		ms = append(ms, m)
	}
	return ms
}

func (rs rules) allow(e entity.Entity, origin entity.Location) bool {
	for _, r := range rs {
		if r.matchesLocation(origin) && r.matchesEntity(e) {
			return true
		}
	}
	return false
}

func (r rule) matchesLocation(origin entity.Location) bool {
	if r.locations == nil {
		return true
	}
	for _, m := range r.locations {
		if m.typ != origin.Type || m.exact != "" && m.exact != origin.Target {
			continue
		}
		if m.pattern == "" || doublestar.MatchUnvalidated(m.pattern, strings.ToLower(origin.Target)) {
			return true
		}
	}
	return false
}

func (r rule) matchesEntity(e entity.Entity) bool {
	kind := strings.ToLower(e.Kind())
	for _, a := range r.allow {
		if a.kind != kind {
			continue
		}
		specType, isText := e.Spec()["type"].(string)
		if a.specType == "" || isText && strings.ToLower(specType) == a.specType {
			return true
		}
	}
	return false
}

// resolveTarget makes the target of a configured file location absolute.
func resolveTarget(dir, typ, target string) string {
	if typ != fileLocation || target == "" {
		return target
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return filepath.Clean(target)
}
