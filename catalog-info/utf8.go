package cataloginfo

import (
	"strings"
	"unicode/utf8"
)

// DecodeUTF8 reads text as the reference does: bytes that are not UTF-8 become U+FFFD, one for each longest start of a
// character that breaks off.
func DecodeUTF8(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var text strings.Builder
	text.Grow(len(data))
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			size = brokenLength(data)
		}
		text.WriteRune(r)
		data = data[size:]
	}
	return text.String()
}

// brokenLength is how many bytes at the start of data could have become one character.
func brokenLength(data []byte) int {
	// Bytes that may follow differ after some first bytes: no overlong forms, surrogates or values beyond Unicode.
	length, low, high := 1, byte(0x80), byte(0xBF)
	switch first := data[0]; {
	case first >= 0xC2 && first <= 0xDF:
		length = 2
	case first >= 0xE0 && first <= 0xEF:
		length = 3
	case first >= 0xF0 && first <= 0xF4:
		length = 4
	}
	switch data[0] {
	case 0xE0:
		low = 0xA0
	case 0xED:
		high = 0x9F
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	n := 1
	for ; n < length && n < len(data) && data[n] >= low && data[n] <= high; n++ {
		low, high = 0x80, 0xBF
	}
	return n
}
