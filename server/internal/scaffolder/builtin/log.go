package builtin

import (
	"bytes"
	"encoding/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// withValues appends values to a log message as the reference's logger does: sorted by key, without the members that the
// logger takes for its own, of which "message" continues the message.
func withValues(message string, values json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(values))
	decoder.UseNumber()
	var object map[string]any
	if decoder.Decode(&object) != nil || len(object) == 0 {
		return message
	}
	if more, ok := object["message"].(string); ok && more != "" {
		message += " " + more
	}
	for _, own := range []string{"level", "message", "splat"} {
		delete(object, own)
	}
	if len(object) == 0 {
		return message
	}
	sorted, _ := jsvalue.JSON(object) // what JSON decoding made
	return message + " " + string(sorted)
}
