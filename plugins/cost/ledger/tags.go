package ledger

import (
	"encoding/binary"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Tags are the tags of a charge. Sets of the same tags are equal, also by ==; the zero value is the empty set.
type Tags struct{ encoded string } // key, value, key, value… in the order of keys, each after its length

// TagsOf is the set of a map's tags. A tag without a value has the value "true" in FOCUS; here it is whatever the map says.
func TagsOf(m map[string]string) Tags {
	if len(m) == 0 {
		return Tags{}
	}
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b = appendText(b, key)
		b = appendText(b, m[key])
	}
	return Tags{string(b)}
}

// Get is the value of a tag, and whether it is there.
func (t Tags) Get(key string) (string, bool) {
	for k, v := range t.All() {
		if k == key {
			return v, true
		}
		if k > key {
			break
		}
	}
	return "", false
}

// All yields keys and values in the order of keys.
func (t Tags) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		rest := t.encoded
		for rest != "" {
			var key, value string
			if key, rest = cutText(rest); rest == "" {
				return
			}
			if value, rest = cutText(rest); !yield(key, value) {
				return
			}
		}
	}
}

// Map is the tags as a map of its own.
func (t Tags) Map() map[string]string { return maps.Collect(t.All()) }

// MarshalJSON writes an object.
func (t Tags) MarshalJSON() ([]byte, error) { return json.Marshal(t.Map()) }

// UnmarshalJSON reads an object of texts.
func (t *Tags) UnmarshalJSON(b []byte) error {
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*t = TagsOf(m)
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cutText takes a text off that appendText has put there. It takes all of what is broken.
func cutText(s string) (text, rest string) {
	var n uint64
	for i := 0; i < len(s) && i < 5; i++ {
		n |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			if end := uint64(i) + 1 + n; end <= uint64(len(s)) {
				return s[i+1 : end], s[end:]
			}
			break
		}
	}
	return s, ""
}
