// Package tree holds JSON and YAML documents of strangers as values that remember the order of their members. Every method
// answers for a nil [Value] and for one of another kind, so a reader of a document asks for what it would like to find
// and gets nothing where something else stands.
package tree

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Kind is what a value is.
type Kind uint8

// The kinds; Missing is that of a nil value.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	List
	Object
)

// Value is one value of a document. It is immutable and shared by all who read the document.
type Value struct {
	kind  Kind
	text  string   // of a scalar; a number as it is written
	keys  []string // of an object, in the order of items
	items []Value
	index map[string]int // of an object with many members
}

// Limits of a document. They are the same for JSON and YAML.
const (
	MostBytes = 16 << 20
	MostDepth = 128
	MostNodes = 2_000_000
	// indexed is how many members an object has before they are looked up in a map.
	indexed = 12
)

// ErrTooLarge is wrapped by the errors of documents that exceed a limit.
var ErrTooLarge = errors.New("the document is too large")

// Parse reads a JSON or YAML document. JSON is told by its first character; what then is no JSON is read as YAML, whose
// flow style is wider.
func Parse(text string) (*Value, error) {
	if len(text) > MostBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are allowed", ErrTooLarge, len(text), MostBytes)
	}
	text = strings.ToValidUTF8(strings.TrimPrefix(text, "\ufeff"), "\ufffd")
	if start := strings.TrimLeft(text, " \t\r\n"); !strings.HasPrefix(start, "{") {
		return parseYAML(text)
	}
	v, err := parseJSON(text)
	if err == nil || errors.Is(err, ErrTooLarge) {
		return v, err
	}
	if v, yamlErr := parseYAML(text); yamlErr == nil {
		return v, nil
	}
	return nil, err
}

// Kind is what the value is.
func (v *Value) Kind() Kind {
	if v == nil {
		return Missing
	}
	return v.kind
}

// Get is a member of an object, nil when there is none.
func (v *Value) Get(key string) *Value {
	if i := v.find(key); i >= 0 {
		return &v.items[i]
	}
	return nil
}

func (v *Value) find(key string) int {
	if v.Kind() != Object {
		return -1
	}
	if v.index != nil {
		if i, ok := v.index[key]; ok {
			return i
		}
		return -1
	}
	return slices.Index(v.keys, key)
}

// Text is a string, or "" for everything else.
func (v *Value) Text() string {
	if v.Kind() != String {
		return ""
	}
	return v.text
}

// Scalar is a string, number or bool as text. A null is "null"; lists and objects have no such text.
func (v *Value) Scalar() string {
	switch v.Kind() {
	case String, Number, Bool:
		return v.text
	case Null:
		return "null"
	default:
		return ""
	}
}

// True holds for the bool true alone.
func (v *Value) True() bool { return v.Kind() == Bool && v.text == "true" }

// False holds for the bool false alone.
func (v *Value) False() bool { return v.Kind() == Bool && v.text == "false" }

// Len is how many items a list or members an object has.
func (v *Value) Len() int {
	if v == nil {
		return 0
	}
	return len(v.items)
}

// At is an item of a list, nil when there is none.
func (v *Value) At(i int) *Value {
	if v.Kind() != List || i < 0 || i >= len(v.items) {
		return nil
	}
	return &v.items[i]
}

// Items are those of a list with their places.
func (v *Value) Items() iter.Seq2[int, *Value] {
	return func(yield func(int, *Value) bool) {
		if v.Kind() != List {
			return
		}
		for i := range v.items {
			if !yield(i, &v.items[i]) {
				return
			}
		}
	}
}

// Members are those of an object, as they were written.
func (v *Value) Members() iter.Seq2[string, *Value] {
	return func(yield func(string, *Value) bool) {
		if v.Kind() != Object {
			return
		}
		for i := range v.items {
			if !yield(v.keys[i], &v.items[i]) {
				return
			}
		}
	}
}

// object makes a value of members. Of two members with one name the later counts, where the first stands.
func object(keys []string, items []Value) Value {
	v := Value{kind: Object, keys: keys, items: items}
	if len(keys) <= indexed {
		for i, k := range keys {
			if slices.Contains(keys[:i], k) {
				return withoutRepeats(keys, items)
			}
		}
		return v
	}
	v.index = make(map[string]int, len(keys))
	for i, k := range keys {
		v.index[k] = i
	}
	if len(v.index) < len(keys) {
		return withoutRepeats(keys, items)
	}
	return v
}

func withoutRepeats(keys []string, items []Value) Value {
	first := make(map[string]int, len(keys))
	var ks []string
	var vs []Value
	for i, k := range keys {
		if at, seen := first[k]; seen {
			vs[at] = items[i]
			continue
		}
		first[k] = len(ks)
		ks, vs = append(ks, k), append(vs, items[i])
	}
	v := Value{kind: Object, keys: ks, items: vs}
	if len(ks) > indexed {
		v.index = first
	}
	return v
}

// Count is how many values there are in v, v included.
func (v *Value) Count() int {
	n := 1
	for i := range v.Len() {
		n += v.items[i].Count()
	}
	return n
}
