package jsvalue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// JSON is the text of v without the escapes for HTML, which encoding/json adds and JSON.stringify does not.
func JSON(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Quote is the JSON of a text.
func Quote(text string) json.RawMessage {
	data, _ := JSON(text) // a string always encodes
	return data
}

// First is the first byte of a JSON text that is no blank, which tells what it is; 0 = there is none.
func First(text json.RawMessage) byte {
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 {
		return text[0]
	}
	return 0
}

// Member is a member of an object, or an item of an array under its index.
type Member struct {
	Key   string
	Value json.RawMessage
}

// Members are those of a JSON object or array, in the order of its text. More than limit are an error.
func Members(composite json.RawMessage, limit int) ([]Member, error) {
	decoder := json.NewDecoder(bytes.NewReader(composite))
	open, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if _, composite := open.(json.Delim); !composite {
		return nil, errors.New("is neither an object nor an array")
	}
	var all []Member
	for decoder.More() {
		if len(all) == limit {
			return nil, fmt.Errorf("has more than %d items", limit)
		}
		m := Member{Key: strconv.Itoa(len(all))}
		if open == json.Delim('{') {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			m.Key, _ = key.(string)
		}
		if err := decoder.Decode(&m.Value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	_, err = decoder.Token()
	return all, err
}

// Object is the JSON of an object with those members.
func Object(all ...Member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, Quote(m.Key)...)
		out = append(out, ':')
		out = append(out, m.Value...)
	}
	return append(out, '}')
}

// CompareKeys is the order in which JavaScript has the keys of an object: those that are numbers of items of an array come
// first, by size. The others are equal here, since they stand in the order in which they were set.
func CompareKeys(a, b string) int { return cmp.Compare(keyIndex(a), keyIndex(b)) }

// keyIndex is the number that key is, or one beyond all that count as such.
func keyIndex(key string) uint64 {
	number, err := strconv.ParseUint(key, 10, 32)
	if err != nil || number == math.MaxUint32 || strconv.FormatUint(number, 10) != key {
		return math.MaxUint32
	}
	return number
}
