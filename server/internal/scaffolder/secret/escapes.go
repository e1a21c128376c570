package secret

import "unicode/utf8"

// unescaper reads text as if nothing were quoted, however often it is: backslashes are nothing, with the letter of a break
// they are a blank, and with the number of a character that one. Its zero value is at the beginning.
type unescaper struct {
	quoted bool // the last bytes were backslashes
	from   int  // where they, or the number, begin
	digits int  // of a number that are still to come
	number rune
	text   [utf8.UTFMax]byte
}

// next takes the byte at offset. It gives what that amounts to, mostly the byte itself, and where it begins.
func (u *unescaper) next(c byte, offset int) (text []byte, from int) {
	if u.digits > 0 {
		if value, ok := hexDigit(c); ok {
			return u.digit(value)
		}
		u.digits = 0 // it was no number
	}
	switch {
	case c == '\\':
		if !u.quoted {
			u.quoted, u.from = true, offset
		}
		return nil, u.from
	case !u.quoted:
		u.text[0] = c
		return u.text[:1], offset
	}
	u.quoted = false
	switch c {
	case 'n', 'r', 't':
		return nil, u.from
	case 'u':
		u.digits, u.number = 4, 0
		return nil, u.from
	}
	u.text[0] = c
	return u.text[:1], u.from
}

// within reports whether what follows may belong to an escape.
func (u *unescaper) within() bool { return u.quoted || u.digits > 0 }

func (u *unescaper) digit(value byte) (text []byte, from int) {
	u.number = u.number<<4 | rune(value)
	if u.digits--; u.digits > 0 {
		return nil, u.from
	}
	return utf8.AppendRune(u.text[:0], u.number), u.from // halves of characters become the same in patterns
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10, true
	}
	return 0, false
}

// unescaped is a text as an unescaper reads it.
func unescaped(text string) string {
	var u unescaper
	all := make([]byte, 0, len(text))
	for i := range len(text) {
		part, _ := u.next(text[i], i)
		all = append(all, part...)
	}
	return string(all)
}
