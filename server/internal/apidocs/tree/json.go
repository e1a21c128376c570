package tree

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads JSON. Texts without escapes are parts of the input, which lives as long as the tree: most of a large
// document is not copied. Items are gathered on a stack and cut to size when their list or object ends.
type parser struct {
	in    string
	at    int
	nodes int
	keys  []string
	items []Value
}

func parseJSON(text string) (*Value, error) {
	p := &parser{in: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.at < len(p.in) {
		return nil, p.fail("nothing but blanks may follow the document")
	}
	return &v, nil
}

// fail names the place by line and column, from 1.
func (p *parser) fail(what string) error {
	before := p.in[:min(p.at, len(p.in))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("line %d, column %d: %s", line, column, what)
}

func (p *parser) blanks() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	p.nodes++
	switch {
	case depth > MostDepth:
		return Value{}, fmt.Errorf("%w: values are nested deeper than %d", ErrTooLarge, MostDepth)
	case p.nodes > MostNodes:
		return Value{}, fmt.Errorf("%w: it has more than %d values", ErrTooLarge, MostNodes)
	}
	p.blanks()
	switch p.peek() {
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case '"':
		text, err := p.text()
		return Value{kind: String, text: text}, err
	case 't':
		return p.word("true", Bool)
	case 'f':
		return p.word("false", Bool)
	case 'n':
		return p.word("null", Null)
	default:
		return p.number()
	}
}

func (p *parser) word(word string, kind Kind) (Value, error) {
	if !strings.HasPrefix(p.in[p.at:], word) {
		return Value{}, p.fail("a value is expected")
	}
	p.at += len(word)
	return Value{kind: kind, text: word}, nil
}

func (p *parser) number() (Value, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	whole := p.digits()
	ok := whole > 0 && (whole == 1 || p.in[p.at-whole] != '0')
	if ok && p.peek() == '.' {
		p.at++
		ok = p.digits() > 0
	}
	if ok && p.peek()|0x20 == 'e' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		ok = p.digits() > 0
	}
	if !ok {
		p.at = start
		return Value{}, p.fail("a value is expected")
	}
	return Value{kind: Number, text: p.in[start:p.at]}, nil
}

func (p *parser) digits() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at - start
}

func (p *parser) list(depth int) (Value, error) {
	base := len(p.items)
	p.at++
	for first := true; ; first = false {
		if p.blanks(); p.peek() == ']' && first {
			break
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		p.items = append(p.items, v)
		if p.blanks(); p.peek() != ',' {
			break
		}
		p.at++
	}
	if p.peek() != ']' {
		return Value{}, p.fail(`"," or "]" is expected`)
	}
	p.at++
	return Value{kind: List, items: p.cut(base)}, nil
}

func (p *parser) object(depth int) (Value, error) {
	base, keys := len(p.items), len(p.keys)
	p.at++
	for first := true; ; first = false {
		if p.blanks(); p.peek() == '}' && first {
			break
		}
		if err := p.member(depth); err != nil {
			return Value{}, err
		}
		if p.blanks(); p.peek() != ',' {
			break
		}
		p.at++
	}
	if p.peek() != '}' {
		return Value{}, p.fail(`"," or "}" is expected`)
	}
	p.at++
	names := slices.Clone(p.keys[keys:])
	p.keys = p.keys[:keys]
	return object(names, p.cut(base)), nil
}

func (p *parser) member(depth int) error {
	if p.peek() != '"' {
		return p.fail("the name of a member is expected")
	}
	key, err := p.text()
	if err != nil {
		return err
	}
	if p.blanks(); p.peek() != ':' {
		return p.fail(`":" is expected`)
	}
	p.at++
	v, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	p.keys, p.items = append(p.keys, key), append(p.items, v)
	return nil
}

func (p *parser) cut(base int) []Value {
	items := slices.Clone(p.items[base:])
	p.items = p.items[:base]
	return items
}

// text reads a string that begins at the cursor.
func (p *parser) text() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '"':
			p.at++
			return p.in[start : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("a text must not hold a control character")
		}
		p.at++
	}
	return "", p.fail("a text does not end")
}

// escaped goes on with a string of which the part from start to the cursor is plain.
func (p *parser) escaped(start int) (string, error) {
	b := []byte(p.in[start:p.at])
	for p.at < len(p.in) {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			return string(b), nil
		case c < ' ':
			p.at--
			return "", p.fail("a text must not hold a control character")
		case c != '\\':
			b = append(b, c)
		default:
			r, ok := p.escape()
			if !ok {
				return "", p.fail("not an escape sequence of JSON")
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", p.fail("a text does not end")
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash. Half of a surrogate pair becomes U+FFFD, as in encoding/json.
func (p *parser) escape() (rune, bool) {
	c := p.peek()
	p.at++
	if c != 'u' {
		r, ok := escapes[c]
		return r, ok
	}
	r, ok := p.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if strings.HasPrefix(p.in[p.at:], `\u`) {
		back := p.at
		p.at += 2
		low, ok := p.hex()
		if !ok {
			return 0, false
		}
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, true
		}
		p.at = back
	}
	return utf8.RuneError, true
}

func (p *parser) hex() (rune, bool) {
	if p.at+4 > len(p.in) {
		return 0, false
	}
	digits := p.in[p.at : p.at+4]
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil || digits[0] == '+' {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}
