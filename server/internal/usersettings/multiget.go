package usersettings

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/callboard/callboard/sdk/apierror"
)

// issue is one complaint about a multiget body, in the form of the reference's validator, which answers them with
// status 500.
type issue struct {
	Code     string `json:"code"`
	Expected string `json:"expected"`
	Received string `json:"received"`
	Path     []any  `json:"path"`
	Message  string `json:"message"`
}

// readNames reads {"items": [{"bucket": "…", "key": "…"}, …]} and collects everything that is wrong with it.
func readNames(body any) ([]Name, error) {
	var issues []issue
	expect := func(kind string, v any, given bool, path ...any) bool {
		received := "undefined"
		if given {
			received = kindOf(v)
		}
		if received == kind {
			return true
		}
		message := "Expected " + kind + ", received " + received
		if !given {
			message = "Required"
		}
		issues = append(issues, issue{"invalid_type", kind, received, append([]any{}, path...), message})
		return false
	}
	text := func(item map[string]any, member string, i int) string {
		v, given := item[member]
		expect("string", v, given, "items", i, member)
		s, _ := v.(string)
		return s
	}
	var names []Name
	if expect("object", body, true) {
		items, given := body.(map[string]any)["items"]
		if expect("array", items, given, "items") {
			for i, v := range items.([]any) {
				if expect("object", v, true, "items", i) {
					item := v.(map[string]any)
					names = append(names, Name{text(item, "bucket", i), text(item, "key", i)})
				}
			}
		}
	}
	if issues == nil {
		return names, nil
	}
	return nil, zodError(issues)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "number"
}

func zodError(issues []issue) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(issues); err != nil {
		return err
	}
	return &apierror.Error{
		Name: "ZodError", Status: http.StatusInternalServerError,
		Message: string(bytes.TrimSpace(text.Bytes())), Fields: map[string]any{"issues": issues},
	}
}
