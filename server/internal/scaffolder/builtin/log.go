package builtin

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

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
	var out strings.Builder
	writeSorted(&out, object)
	return message + " " + out.String()
}

func writeSorted(out *strings.Builder, value any) {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			writeSorted(out, key)
			out.WriteByte(':')
			writeSorted(out, v[key])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			writeSorted(out, item)
		}
		out.WriteByte(']')
	default:
		data, _ := jsvalue.JSON(v) // what JSON decoding made
		out.Write(data)
	}
}
