package principal

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Embed is what an embedding page may ask for. Its methods answer yes for nil, which is a caller that is no such page.
type Embed struct {
	// App is the embedding app of the configuration, Minter the subject that got the token for it.
	App, Minter string
	// ID names the token, Session the tokens that were refreshed from one another.
	ID, Session string
	// Epoch is the app's when the session began: raising it ends all earlier sessions.
	Epoch int64
	// Issued and Expires are the life of the token, SessionEnds is until when it may be refreshed.
	Issued, Expires, SessionEnds time.Time

	// Widgets and Entities are what may be shown: ids ("cost/summary") and entity refs in lower case, where a star stands
	// for any text ("cost/*", "component:*", "*").
	Widgets, Entities []string
	// Args are arguments that the page cannot choose.
	Args map[string]json.RawMessage
	// Origins are those of the pages that may use the token ("https://portal.example.com").
	Origins []string
	// Features are what else is allowed: "export", "forms", "tryit".
	Features []string
}

// AllowsWidget reports whether the widget with that id may be shown.
func (e *Embed) AllowsWidget(id string) bool { return e == nil || MatchAny(e.Widgets, id) }

// AllowsEntity reports whether anything may be shown of the entity with that full ref, in any case.
func (e *Embed) AllowsEntity(ref string) bool {
	return e == nil || MatchAny(e.Entities, strings.ToLower(ref))
}

// Has reports whether the page may use a feature.
func (e *Embed) Has(feature string) bool {
	return e == nil || slices.Contains(e.Features, feature)
}

// MatchAny reports whether text is what one of the patterns stands for. A pattern is a text in which each star stands for
// any text, also none. As a star in text is no more than any other sign, MatchAny(wide, narrow) of two patterns means that
// narrow allows nothing that wide does not.
func MatchAny(patterns []string, text string) bool {
	for _, p := range patterns {
		if match(p, text) {
			return true
		}
	}
	return false
}

// match goes back to the last star only, which is enough: it takes time by the product of the lengths, never more.
func match(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
