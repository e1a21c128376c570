package rest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
)

// longestLine bounds how much of a foreign text is passed on, in characters.
const longestLine = 400

// Line makes foreign text one short line.
func Line(text string) string {
	return excerpt.Line(text, longestLine)
}

// sayings are the members in which management APIs put what they say of an error.
var sayings = []string{"message", "error_msg", "error_description", "detail", "error", "Message", "errors", "reason", "title"}

// Saying is what the JSON of an error says, "" = nothing that can be read. It finds {"message": text},
// {"error": {"message": text}}, {"errors": [{"detail": text}]} and their like.
func Saying(body []byte) string {
	var said any
	if len(body) > keptBody || json.Unmarshal(body, &said) != nil {
		return ""
	}
	return Line(saying(said, 4))
}

func saying(said any, depth int) string {
	if depth == 0 {
		return ""
	}
	switch v := said.(type) {
	case string:
		return v
	case []any:
		for _, one := range v {
			if text := saying(one, depth-1); text != "" {
				return text
			}
		}
	case map[string]any:
		for _, name := range sayings {
			if text := saying(v[name], depth-1); text != "" {
				return text + fields(v["fields"])
			}
		}
	}
	return ""
}

// fields are the members that an error finds fault with: {"fields": {"name": "required field missing"}}.
func fields(said any) string {
	members, _ := said.(map[string]any)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if fault := saying(members[name], 2); fault != "" {
			text.WriteString("; " + name + ": " + fault)
		}
	}
	return text.String()
}
