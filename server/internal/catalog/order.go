package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/entity"
)

// Stored documents have sorted keys, but for one member: the spec of a template keeps the order in which it was written,
// because forms show their fields, and logs the input of steps, in that order. The order goes with a document from the
// file into the database, and from what was read to what was made of it.

// orderedMember is the member that keeps its order.
const orderedMember = "spec"

func keepsOrder(ref entity.Canonical) bool { return kindOf(ref) == "template" }

// appendEntity is [appendCanonical] with the order of the spec; nil = sorted.
func appendEntity(dst []byte, e entity.Entity, order *cataloginfo.Order) []byte {
	if order == nil {
		return appendCanonical(dst, e)
	}
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(e)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		if key == orderedMember {
			dst = appendOrdered(dst, e[key], order)
		} else {
			dst = appendCanonical(dst, e[key])
		}
	}
	return append(dst, '}')
}

// appendOrdered writes keys in their order, and those that it does not know behind them, sorted.
func appendOrdered(dst []byte, v any, order *cataloginfo.Order) []byte {
	if order == nil {
		return appendCanonical(dst, v)
	}
	switch v := v.(type) {
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range orderedKeys(v, order.Keys) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendOrdered(append(appendString(dst, key), ':'), v[key], order.Inside[key])
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendOrdered(dst, item, order.Inside[strconv.Itoa(i)])
		}
		return append(dst, ']')
	}
	return appendCanonical(dst, v)
}

func orderedKeys(m map[string]any, order []string) []string {
	keys := make([]string, 0, len(m))
	known := make(map[string]bool, len(order))
	for _, key := range order {
		if _, ok := m[key]; ok && !known[key] {
			keys = append(keys, key)
		}
		known[key] = true
	}
	written := len(keys)
	for key := range m {
		if !known[key] {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys[written:])
	return keys
}

// orderOf is the order in which the spec of a stored document is written.
func orderOf(document []byte) *cataloginfo.Order {
	members, err := membersOf(document)
	if err != nil {
		return nil
	}
	return readOrder(json.NewDecoder(bytes.NewReader(valueOf(members, orderedMember))))
}

// readOrder reads one value. A document that ends too early has the order of what is there.
func readOrder(d *json.Decoder) *cataloginfo.Order {
	t, err := d.Token()
	if err != nil {
		return nil
	}
	order := &cataloginfo.Order{Inside: map[string]*cataloginfo.Order{}}
	switch t {
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			order.Inside[strconv.Itoa(i)] = readOrder(d)
		}
	case json.Delim('{'):
		for d.More() {
			t, err := d.Token()
			key, ok := t.(string)
			if err != nil || !ok {
				return order
			}
			order.Keys = append(order.Keys, key)
			order.Inside[key] = readOrder(d)
		}
	default:
		return nil
	}
	_, _ = d.Token() // the end of the list or object
	return order
}
