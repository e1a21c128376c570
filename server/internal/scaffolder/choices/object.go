package choices

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// object is a JSON object that keeps the order of its keys: forms show their fields in it.
type object []jsvalue.Member

func readObject(data []byte) (object, error) { return jsvalue.Members(data, math.MaxInt) }

func (o object) get(key string) json.RawMessage {
	for _, m := range o {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

func (o object) without(key string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m jsvalue.Member) bool { return m.Key == key })
}

func (o object) set(key string, value json.RawMessage) object {
	return append(o.without(key), jsvalue.Member{Key: key, Value: value})
}

// offer makes the schema one of a field with these choices.
func (o object) offer(list []choice) object {
	values, names := make([]json.RawMessage, len(list)), make([]string, len(list))
	for i, c := range list {
		values[i], names[i] = c.value, c.title
	}
	enum, _ := jsvalue.JSON(values) // what was decoded encodes
	titles, _ := jsvalue.JSON(names)
	return o.set("enum", enum).set("enumNames", titles)
}

// each is the JSON of the object with what change makes of its values; a valuesRef that is left is nobody's to change.
func (o object) each(change func(jsvalue.Member) (json.RawMessage, error)) (json.RawMessage, error) {
	all := slices.Clone(o)
	for i, m := range all {
		if m.Key == keyword && jsvalue.First(m.Value) == '{' {
			continue
		}
		var err error
		if all[i].Value, err = change(m); err != nil {
			return nil, err
		}
	}
	return jsvalue.Object(all...), nil
}
