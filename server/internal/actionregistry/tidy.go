package actionregistry

import (
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// The reference takes some inputs in more than one form; what it makes of them is done here before the schema is asked.

// numbersFromTexts turns texts that are numbers into numbers: agents write both.
func numbersFromTexts(names ...string) func(members map[string]any) {
	return func(members map[string]any) {
		for _, name := range names {
			text, ok := members[name].(string)
			if !ok || strings.TrimSpace(text) == "" {
				continue
			}
			if n, ok := jsvalue.ParseNumber(text); ok {
				members[name] = n
			}
		}
	}
}

// trimmed takes the space around a text away.
func trimmed(name string) func(members map[string]any) {
	return func(members map[string]any) {
		if text, ok := members[name].(string); ok {
			members[name] = strings.TrimSpace(text)
		}
	}
}
