package search

import (
	"strconv"
	"unicode/utf8"
)

// appendJSON appends a string or a whole number as JSON. The encoder of the standard library would escape the brackets
// of highlight tags and allocate for every value of every result.
func appendJSON[T string | int](b []byte, value T) []byte {
	switch v := any(value).(type) {
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case string:
		return appendString(b, v)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[plain:i]...)
			if c >= ' ' {
				b = append(b, '\\', c)
			} else {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
			}
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[plain:i]...)
			b = append(b, "\ufffd"...)
			plain = i + 1
		}
		i += size
	}
	b = append(b, s[plain:]...)
	return append(b, '"')
}
