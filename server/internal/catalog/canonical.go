package catalog

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/entity"
)

// appendCanonical appends the JSON of v with sorted keys and nothing escaped that need not be: equal documents have equal
// bytes. It exists beside encoding/json because every document passes here several times on its way in, and reflection
// and HTML escaping made up a fifth of ingestion. Values that JSON lacks (NaN, channels) become null, as in JavaScript.
func appendCanonical(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case map[string]any:
		return appendObject(dst, v)
	case entity.Entity:
		return appendObject(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, item)
		}
		return append(dst, ']')
	case json.Number:
		return append(dst, v...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return appendFloat(dst, v)
	}
	return appendForeign(dst, v)
}

// appendForeign covers what only embedders produce: their own types with JSON tags.
func appendForeign(dst []byte, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return append(dst, "null"...)
	}
	generic, err := decodeJSON(data)
	if err != nil {
		return append(dst, "null"...)
	}
	return appendCanonical(dst, generic)
}

func appendObject(dst []byte, m map[string]any) []byte {
	var stack [16]string
	keys := slices.AppendSeq(stack[:0], maps.Keys(m))
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, k), ':')
		dst = appendCanonical(dst, m[k])
	}
	return append(dst, '}')
}

func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	data, _ := json.Marshal(f) // the ECMAScript form
	return append(dst, data...)
}

func appendString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if b >= 0x20 && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// decodeJSON decodes without turning large numbers into other ones.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

func decodeEntity(data string) (entity.Entity, error) {
	v, err := decodeJSON([]byte(data))
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("stored entity is %T, not an object", v)
	}
	return m, nil
}

func hashOf(data []byte) string {
	sum := sha1.Sum(data) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}
