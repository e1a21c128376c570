package signin

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// scopes are what a session may do at the provider.
type scopes struct{ requested, granted, required, additional []string }

func (s scopes) all() []string {
	return slices.Concat(s.requested, s.granted, s.required, s.additional)
}

// effective is what is asked for: all of them, or what the provider makes of them, each once.
func (s scopes) effective(transform func(scopes) []string) string {
	all := s.all()
	if transform != nil {
		all = transform(s)
	}
	var once []string
	for _, scope := range all {
		if !slices.Contains(once, scope) {
			once = append(once, scope)
		}
	}
	return strings.Join(once, " ")
}

// splitScope takes blanks, commas and bars, as the reference does.
func splitScope(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,|", r) })
}

// readAdditional reads additionalScopes, a text or a list.
func readAdditional(s *config.Section) []string {
	const key = "additionalScopes"
	if text, ok := s.Value(key).(string); ok {
		return splitScope(text)
	}
	return s.Strings(key)
}
