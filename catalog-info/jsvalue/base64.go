package jsvalue

import (
	"encoding/base64"
	"strings"
)

// DecodeBase64 decodes as Node's Buffer does: either alphabet, with or without padding, at which it ends, and what is no
// part of them is passed over.
func DecodeBase64(text string) []byte {
	text, _, _ = strings.Cut(text, "=")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '+', r == '/':
			return r
		}
		return -1
	}, text)
	if len(text)%4 == 1 {
		text = text[:len(text)-1] // six bits are no byte
	}
	data, _ := base64.RawStdEncoding.DecodeString(text) // every text of this alphabet decodes
	return data
}
