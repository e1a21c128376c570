package conformance

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object that keeps its order. Bodies are sent in the order in which they were recorded, because what a
// template logs of its values has it too.
type object []member

type member struct {
	key   string
	value any
}

func (o object) get(key string) any {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(stable(m.key) + ":" + stable(m.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON implements [json.Unmarshaler]: the body of the request keeps its order.
func (s *Step) UnmarshalJSON(data []byte) error {
	type plain Step // without this method
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	request, _ := s.Request.(map[string]any)
	if _, object := request["body"].(map[string]any); !object {
		return nil
	}
	var parts struct {
		Request struct{ Body json.RawMessage }
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	body, err := readOrdered(json.NewDecoder(bytes.NewReader(parts.Request.Body)))
	request["body"] = body
	return err
}

// readOrdered reads one value; objects become [object].
func readOrdered(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := readOrdered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := readOrdered(d)
			if err != nil {
				return nil, err
			}
			text, _ := key.(string)
			o = append(o, member{text, value})
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil
}
