package cataloginfo

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// decoder turns a syntax tree into values. The parser has made sure that what the tree stands for is not too large.
type decoder struct {
	*source
	doc   *Document
	bytes int
	path  []string // keys from the root
}

func (d *decoder) decode() (any, *ReadError) {
	if d.doc.root == nil {
		return nil, nil
	}
	return d.value(d.doc.root)
}

func (d *decoder) value(n *node) (any, *ReadError) {
	switch n.kind {
	case aliasNode:
		return d.value(n.target)
	case mapNode:
		return d.mapping(n)
	case listNode:
		return d.list(n)
	}
	switch v := n.scalarValue().(type) {
	case string:
		return v, d.account(n, v)
	case float64:
		return jsonNumber(v), nil
	default:
		return v, nil
	}
}

func (d *decoder) mapping(n *node) (any, *ReadError) {
	m := make(map[string]any, len(n.children)/2)
	seen := newKeySet(len(n.children) / 2)
	for i := 0; i+1 < len(n.children); i += 2 {
		k := n.children[i]
		if k.kind == scalarNode && !seen.add(k.scalarValue()) {
			return nil, d.nodeError(k, "syntax", "Map keys must be unique")
		}
		key := k.keyText()
		if err := d.account(k, key); err != nil {
			return nil, err
		}
		d.path = append(d.path, key)
		v, err := d.value(n.children[i+1])
		if err != nil {
			return nil, err
		}
		m[key] = v
		d.path = d.path[:len(d.path)-1]
	}
	return m, nil
}

func (d *decoder) list(n *node) (any, *ReadError) {
	list := make([]any, len(n.children))
	for i, x := range n.children {
		d.path = append(d.path, strconv.Itoa(i))
		v, err := d.value(x)
		if err != nil {
			return nil, err
		}
		list[i] = v
		d.path = d.path[:len(d.path)-1]
	}
	return list, nil
}

// account counts text towards the limits of a value and of the whole document.
func (d *decoder) account(n *node, text string) *ReadError {
	definition := len(d.path) == 2 && d.path[0] == "spec" && d.path[1] == "definition"
	if exceeds(len(text), d.limits.ValueBytes) && !definition {
		return d.nodeError(n, "valuebytes", "the value of %s has %d bytes, the limit is %d",
			d.pointer(), len(text), d.limits.ValueBytes)
	}
	if d.bytes += len(text); exceeds(d.bytes, d.limits.EntityBytes) {
		return d.nodeError(d.doc.root, "entitybytes", "the document has more than %d bytes of text", d.limits.EntityBytes)
	}
	return nil
}

func (d *decoder) pointer() string {
	if len(d.path) == 0 {
		return "the document"
	}
	return strings.Join(d.path, ".")
}

func (d *decoder) nodeError(n *node, rule, format string, args ...any) *ReadError {
	return d.errorAtOffset(n.offset, rule, format, args...)
}

// scalarValue applies tags and quotes: quoted text stays text, a tag asks for its type and is ignored when the text does
// not have that form or the tag is not one of the core schema.
func (n *node) scalarValue() any {
	if n.tag == "" {
		if n.style != plainStyle {
			return n.value
		}
		return jsvalue.Plain(n.value)
	}
	switch v := jsvalue.Plain(n.value).(type) {
	case nil:
		if n.tag == tagPrefix+"null" {
			return nil
		}
	case bool:
		if n.tag == tagPrefix+"bool" {
			return v
		}
	case float64:
		isFloat := isFloatText(n.value)
		if n.tag == tagPrefix+"int" && !isFloat || n.tag == tagPrefix+"float" && isFloat {
			return v
		}
	}
	return n.value
}

// isFloatText tells the texts of floats from those of integers.
func isFloatText(s string) bool {
	return !strings.HasPrefix(s, "0x") && !strings.HasPrefix(s, "0o") && strings.ContainsAny(s, ".eE")
}

// keyText is the text that a key becomes in JSON.
func (n *node) keyText() string {
	r := n.resolved()
	if r.kind != scalarNode {
		return r.flowText()
	}
	v := r.scalarValue()
	if v == nil {
		return ""
	}
	return scriptText(v)
}

// jsonNumber is what JSON makes of a number: infinite values and NaN become null, as in the reference, and -0 is 0.
func jsonNumber(f float64) any {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	if f == 0 {
		return 0.0
	}
	return f
}

// keySet finds duplicate keys. Keys are equal when their values are, type included: 1 and "1" are two keys of which the
// later wins.
type keySet struct {
	few  []any
	many map[any]struct{}
}

func newKeySet(n int) *keySet {
	if n > 16 {
		return &keySet{many: make(map[any]struct{}, n)}
	}
	return &keySet{few: make([]any, 0, n)}
}

func (s *keySet) add(v any) bool {
	if s.many != nil {
		_, dup := s.many[v]
		s.many[v] = struct{}{}
		return !dup
	}
	if slices.Contains(s.few, v) {
		return false
	}
	s.few = append(s.few, v)
	return true
}
