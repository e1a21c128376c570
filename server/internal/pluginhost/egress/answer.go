package egress

import (
	"encoding/json"
	"net/http"
	"strings"
)

// errorNames are Backstage's, for the statuses that the proxy answers.
var errorNames = map[int]string{
	http.StatusBadRequest: "InputError", http.StatusForbidden: "NotAllowedError", http.StatusTooManyRequests: "TooManyRequestsError",
	http.StatusBadGateway: "ServiceUnavailableError", http.StatusServiceUnavailable: "ServiceUnavailableError",
}

func writeError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(errorBody(status, message)) // to a plugin that may have gone
}

func errorBody(status int, message string) []byte {
	name := errorNames[status]
	if name == "" {
		name = "Error"
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"name": name, "message": message}, "response": map[string]int{"statusCode": status}})
	return body
}

// oneLine makes a reason phrase: printable ASCII.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
