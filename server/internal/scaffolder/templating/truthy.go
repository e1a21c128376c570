package templating

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Truthy reports whether a rendered value counts as true in conditions: like in JavaScript, but an empty array does not. Nil
// is undefined.
func Truthy(value json.RawMessage) bool {
	text := string(bytes.TrimSpace(value))
	switch text {
	case "", "null", "false", `""`:
		return false
	}
	if items, isArray := strings.CutPrefix(text, "["); isArray {
		return strings.TrimSpace(items) != "]"
	}
	number, err := strconv.ParseFloat(text, 64)
	return err != nil || number != 0
}
