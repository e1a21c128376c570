package zod

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// ObjectValue is a decoded object that remembers the order of its members: checks speak of what is wrong in the order in
// which the reference, where objects are ordered, comes across it.
type ObjectValue struct {
	names   []string
	members map[string]any
}

// Decode decodes JSON; objects become [*ObjectValue].
func Decode(data []byte) (any, error) {
	if !json.Valid(data) { // which bounds nesting too
		return nil, errors.New("not valid JSON")
	}
	return decode(json.NewDecoder(bytes.NewReader(data)))
}

func decode(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decode(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		return decodeObject(d)
	}
	return t, nil
}

func decodeObject(d *json.Decoder) (any, error) {
	o := &ObjectValue{members: map[string]any{}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decode(d)
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		if _, twice := o.members[name]; !twice {
			o.names = append(o.names, name)
		}
		o.members[name] = v
	}
	_, err := d.Token()
	slices.SortStableFunc(o.names, jsvalue.CompareKeys)
	return o, err
}

// Members are the members of an object, decoded here or by encoding/json, which does not remember an order.
func Members(v any) (names []string, members map[string]any, ok bool) {
	switch v := v.(type) {
	case *ObjectValue:
		return v.names, v.members, true
	case map[string]any:
		return slices.Sorted(maps.Keys(v)), v, v != nil
	}
	return nil, nil, false
}

// MarshalJSON implements [json.Marshaler].
func (o *ObjectValue) MarshalJSON() ([]byte, error) {
	m := make(members, len(o.names))
	for i, name := range o.names {
		m[i] = member{name, o.members[name]}
	}
	return m.MarshalJSON()
}
