package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// A stored document is canonical JSON. Stitching changes a handful of its members, so it works on the bytes: decoding
// and encoding all of a document for that was the largest cost of ingestion.

// member is one member of an object, both sides as they are written.
type member struct{ key, value []byte }

var errNotObject = errors.New("a stored document is not an object")

// membersOf splits an object. The members are views of data, in the order of data.
func membersOf(data []byte) ([]member, error) {
	if len(data) < 2 || data[0] != '{' {
		return nil, errNotObject
	}
	list := make([]member, 0, 16)
	if data[1] == '}' {
		return list, nil
	}
	for at := 1; ; at++ {
		colon := endOfValue(data, at)
		end := endOfValue(data, colon+1)
		if end >= len(data) || data[at] != '"' || data[colon] != ':' {
			return nil, errNotObject
		}
		list = append(list, member{data[at:colon], data[colon+1 : end]})
		switch data[end] {
		case '}':
			return list, nil
		case ',':
			at = end
		default:
			return nil, errNotObject
		}
	}
}

// endOfValue is where the value at that place ends; len(data) when it does not.
func endOfValue(data []byte, at int) int {
	for depth := 0; at < len(data); at++ {
		switch data[at] {
		case '"':
			at = endOfString(data, at) - 1
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return min(at+1+depth, len(data)) // below zero it closes what is around the value
			}
		case ',', ':':
			if depth == 0 {
				return at
			}
		}
	}
	return len(data)
}

// endOfString is behind the closing quote of the string at that place.
func endOfString(data []byte, at int) int {
	for at++; at < len(data); {
		n := bytes.IndexByte(data[at:], '"')
		if n < 0 {
			break
		}
		quote := at + n
		slashes := 0
		for data[quote-1-slashes] == '\\' {
			slashes++ // stops at the opening quote at the latest
		}
		at = quote + 1
		if slashes%2 == 0 {
			return at
		}
	}
	return len(data)
}

// valueOf is the value of a key that needs no escapes, nil when there is none.
func valueOf(list []member, key string) []byte {
	for _, m := range list {
		if len(m.key) == len(key)+2 && string(m.key[1:len(m.key)-1]) == key {
			return m.value
		}
	}
	return nil
}

// withValue sets a member and keeps the order canonical.
func withValue(list []member, key string, value []byte) []member {
	at, found := slices.BinarySearchFunc(list, key, func(m member, key string) int { return strings.Compare(textOf(m.key), key) })
	if found {
		list[at].value = value
		return list
	}
	return slices.Insert(list, at, member{appendString(nil, key), value})
}

// textOf is the text of a JSON string, "" for any other value.
func textOf(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

func appendMembers(dst []byte, list []member) []byte {
	dst = append(dst, '{')
	for i, m := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, m.key...), ':'), m.value...)
	}
	return append(dst, '}')
}
