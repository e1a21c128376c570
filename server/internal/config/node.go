package config

import (
	"fmt"
	"math"
	"sort"
)

// Position says where a value was written. Line is 0 when the source has no lines (an environment variable).
type Position struct {
	File string
	Line int
}

func (p Position) String() string {
	switch {
	case p.File == "":
		return "configuration"
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
}

type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	listKind
	objectKind
)

// The reference's words for types, as they stand in its messages.
func (k kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// node is one value of a configuration. Nodes are immutable once built and shared between configurations.
type node struct {
	kind   kind
	flag   bool
	number float64
	text   string
	items  []*node
	keys   []string // of an object, in the order of the file
	fields map[string]*node

	at Position
	// secret marks a value that came from the environment or from a file of its own: it is never printed.
	secret bool
	// sealed marks an object that replaced something else than an object, so that it does not merge with what lies
	// below that; it makes merging associative.
	sealed bool
}

func newObject(at Position) *node { return &node{kind: objectKind, at: at, fields: map[string]*node{}} }

// set adds or replaces a field; only while the node is being built.
func (n *node) set(key string, v *node) {
	if _, ok := n.fields[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = v
}

func (n *node) field(key string) *node {
	if n == nil || n.kind != objectKind {
		return nil
	}
	return n.fields[key]
}

func (n *node) scalar() bool { return n.kind < listKind }

// value is n as encoding/json would have decoded it.
func (n *node) value() any {
	if n == nil {
		return nil
	}
	switch n.kind {
	case boolKind:
		return n.flag
	case numberKind:
		return n.number
	case stringKind:
		return n.text
	case listKind:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.value()
		}
		return out
	case objectKind:
		out := make(map[string]any, len(n.keys))
		for _, key := range n.keys {
			out[key] = n.fields[key].value()
		}
		return out
	default:
		return nil
	}
}

// equal compares values and ignores positions and the order of keys.
func (n *node) equal(o *node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.kind != o.kind || n.flag != o.flag || n.number != o.number || n.text != o.text ||
		len(n.items) != len(o.items) || len(n.keys) != len(o.keys) {
		return false
	}
	for i := range n.items {
		if !n.items[i].equal(o.items[i]) {
			return false
		}
	}
	for key, v := range n.fields {
		if w, ok := o.fields[key]; !ok || !v.equal(w) {
			return false
		}
	}
	return true
}

// nodeOf converts a JSON-shaped Go value; keys are sorted, as a Go map has no order. It panics on other types: it serves
// tests and defaults, not input.
func nodeOf(v any, at Position) *node {
	switch v := v.(type) {
	case nil:
		return &node{kind: nullKind, at: at}
	case bool:
		return &node{kind: boolKind, flag: v, at: at}
	case string:
		return &node{kind: stringKind, text: v, at: at}
	case int:
		return &node{kind: numberKind, number: float64(v), at: at}
	case int64:
		return &node{kind: numberKind, number: float64(v), at: at}
	case float64:
		return &node{kind: numberKind, number: v, at: at}
	case []string:
		n := &node{kind: listKind, at: at}
		for _, item := range v {
			n.items = append(n.items, nodeOf(item, at))
		}
		return n
	case []any:
		n := &node{kind: listKind, at: at}
		for _, item := range v {
			n.items = append(n.items, nodeOf(item, at))
		}
		return n
	case []map[string]any:
		n := &node{kind: listKind, at: at}
		for _, item := range v {
			n.items = append(n.items, nodeOf(item, at))
		}
		return n
	case map[string]any:
		n := newObject(at)
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			n.set(key, nodeOf(v[key], at))
		}
		return n
	default:
		panic(fmt.Sprintf("config: %T is not a JSON-shaped value", v))
	}
}

// whole reports whether f can be written without a fraction and survives the way to an integer and back.
func whole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) <= 1<<53 }
