package tfplan

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Attributes are the values of a resource, before or after. They are read by paths of names and indexes:
// "root_block_device.0.volume_size".
type Attributes struct {
	values  map[string]any
	unknown map[string]any // true where a value is known after apply
	region  string
}

// State is what is known of a value.
type State int

const (
	// Absent values are null or not there: the provider's default holds.
	Absent State = iota
	// Known values are.
	Known
	// Unknown values are known after apply, or hidden because they are sensitive.
	Unknown
)

// Region is the resource's region as its provider spells it, such as "eu-west-1" or "westeurope"; "" = not known.
func (a *Attributes) Region() string { return a.region }

// Text is the value at a path as text. Objects and lists count as absent: they have no text.
func (a *Attributes) Text(path string) (string, State) {
	switch v := walk(a.values, path).(type) {
	case string:
		if v == hidden {
			return "", Unknown
		}
		return v, Known
	case json.Number:
		return v.String(), Known
	case bool:
		return strconv.FormatBool(v), Known
	}
	if a.isUnknown(path) {
		return "", Unknown
	}
	return "", Absent
}

// hidden is what the scaffolder's terraform actions write in place of sensitive values.
const hidden = "(sensitive value)"

// Len is how many blocks or elements there are at a path.
func (a *Attributes) Len(path string) int {
	list, _ := walk(a.values, path).([]any)
	return len(list)
}

// isUnknown follows the marks, which are true for a whole value or have its shape.
func (a *Attributes) isUnknown(path string) bool {
	var v any = a.unknown
	for step := range strings.SplitSeq(path, ".") {
		if v = next(v, step); v == true {
			return true
		}
	}
	return false
}

func walk(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		v = next(v, step)
	}
	return v
}

func next(v any, step string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[step]
	case []any:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}
