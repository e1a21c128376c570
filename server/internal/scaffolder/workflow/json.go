package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// Values stay JSON texts here, so that the order of keys, which templates see and authors choose, is kept.

func member(key string, value json.RawMessage) jsvalue.Member {
	return jsvalue.Member{Key: key, Value: value}
}

const unlimited = math.MaxInt

// entries are members in the order in which JavaScript has them, which is theirs but for names that are numbers: these come
// first, by size. Of two of one name the last one counts.
func entries(composite json.RawMessage, limit int) ([]jsvalue.Member, error) {
	all, err := jsvalue.Members(composite, limit)
	if err != nil || jsvalue.First(composite) == '[' {
		return all, err
	}
	place := make(map[string]int, len(all))
	unique := all[:0]
	for _, m := range all {
		at, known := place[m.Key]
		if !known {
			at, place[m.Key] = len(unique), len(unique)
			unique = append(unique, m)
		}
		unique[at] = m
	}
	slices.SortStableFunc(unique, func(x, y jsvalue.Member) int { return jsvalue.CompareKeys(x.Key, y.Key) })
	return unique, nil
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

// marshal writes what is sure to be JSON.
func marshal(value any) json.RawMessage {
	text, _ := jsvalue.JSON(value)
	return text
}

// text is the string that value is, or its JSON.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

func isString(value json.RawMessage) bool { return jsvalue.First(value) == '"' }
func isComposite(value json.RawMessage) bool {
	return jsvalue.First(value) == '[' || jsvalue.First(value) == '{'
}

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
