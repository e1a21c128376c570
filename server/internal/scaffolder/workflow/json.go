package workflow

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Values stay JSON texts here, so that the order of keys, which templates see and authors choose, is kept.

// member is a member of an object, or an item of an array under its index.
type member struct {
	key   string
	value json.RawMessage
}

const unlimited = math.MaxInt

// members are those of an object or array, in its order. More than limit are an error.
func members(composite json.RawMessage, limit int) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(composite))
	open, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	var all []member
	for decoder.More() {
		if len(all) == limit {
			return nil, fmt.Errorf("has more than %d items", limit)
		}
		m := member{key: strconv.Itoa(len(all))}
		if open == json.Delim('{') {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			m.key, _ = key.(string)
		}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// entries are members in the order in which JavaScript has them, which is theirs but for names that are numbers: these come
// first, by size. Of two of one name the last one counts.
func entries(composite json.RawMessage, limit int) ([]member, error) {
	all, err := members(composite, limit)
	if err != nil || first(composite) == '[' {
		return all, err
	}
	place := make(map[string]int, len(all))
	unique := all[:0]
	for _, m := range all {
		at, known := place[m.key]
		if !known {
			at, place[m.key] = len(unique), len(unique)
			unique = append(unique, m)
		}
		unique[at] = m
	}
	slices.SortStableFunc(unique, func(x, y member) int { return cmp.Compare(index(x.key), index(y.key)) })
	return unique, nil
}

// index is the number that key is, or one beyond all that count as such.
func index(key string) uint64 {
	number, err := strconv.ParseUint(key, 10, 32)
	if err != nil || number == math.MaxUint32 || strconv.FormatUint(number, 10) != key {
		return math.MaxUint32
	}
	return number
}

// object is the JSON of an object with those members.
func object(all ...member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, quote(m.key)...)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

func array(items []json.RawMessage) json.RawMessage {
	return append(append([]byte{'['}, bytes.Join(asBytes(items), []byte{','})...), ']')
}

func asBytes(items []json.RawMessage) [][]byte {
	all := make([][]byte, len(items))
	for i, item := range items {
		all[i] = item
	}
	return all
}

// marshal writes what is sure to be JSON, as JavaScript would.
func marshal(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func quote(text string) json.RawMessage { return marshal(text) }

// text is the string that value is, or its JSON.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

func first(value json.RawMessage) byte {
	if value = bytes.TrimLeft(value, " \t\r\n"); len(value) > 0 {
		return value[0]
	}
	return 0
}

func isString(value json.RawMessage) bool    { return first(value) == '"' }
func isComposite(value json.RawMessage) bool { return first(value) == '[' || first(value) == '{' }

// shown is a value as the log shows it: what JavaScript makes of it in a text, with objects left out.
func shown(value json.RawMessage) string {
	var out strings.Builder
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	token, err := decoder.Token()
	if err != nil {
		return ""
	}
	if token == nil {
		return "null"
	}
	_ = show(&out, decoder, token)
	return out.String()
}

func show(out *strings.Builder, decoder *json.Decoder, token json.Token) error {
	switch t := token.(type) {
	case nil: // within an array it is an empty text
	case json.Delim:
		if t == '{' {
			out.WriteString("[object Object]")
			return leave(decoder)
		}
		for i := 0; decoder.More(); i++ {
			if i > 0 {
				out.WriteByte(',')
			}
			item, err := decoder.Token()
			if err != nil {
				return err
			}
			if err := show(out, decoder, item); err != nil {
				return err
			}
		}
		_, err := decoder.Token()
		return err
	default:
		fmt.Fprint(out, t)
	}
	return nil
}

// leave reads up to the end of the object that was entered.
func leave(decoder *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
