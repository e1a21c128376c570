package choices

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object that keeps the order of its keys: forms show their fields in it.
type object []member

type member struct {
	key   string
	value json.RawMessage
}

func readObject(data []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var o object
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.key, _ = key.(string) // the decoder refuses other keys
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		o = append(o, m)
	}
	_, err := d.Token()
	return o, err
}

func (o object) get(key string) json.RawMessage {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

func (o object) without(key string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.key == key })
}

func (o object) set(key string, value json.RawMessage) object {
	return append(o.without(key), member{key, value})
}

// offer makes the schema one of a field with these choices.
func (o object) offer(list []choice) object {
	values, names := make([]json.RawMessage, len(list)), make([]string, len(list))
	for i, c := range list {
		values[i], names[i] = c.value, c.title
	}
	enum, _ := marshal(values) // what was decoded encodes
	titles, _ := marshal(names)
	return o.set("enum", enum).set("enumNames", titles)
}

// each writes the object with what change makes of its values; a valuesRef that is left is nobody's to change.
func (o object) each(change func(member) (json.RawMessage, error)) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(m.key))
		b.WriteByte(':')
		value := m.value
		if m.key != keyword || first(value) != '{' {
			var err error
			if value, err = change(m); err != nil {
				return nil, err
			}
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func quote(text string) json.RawMessage {
	data, _ := marshal(text) // a string always marshals
	return data
}

// marshal is JSON without the escaping that is meant for HTML.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
