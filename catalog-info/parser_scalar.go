package cataloginfo

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// continues reports whether the line at i belongs to a scalar inside of a collection at column n: it is empty, or
// indented deeper. Tabs do not count as indentation.
func (p *parser) continues(i, n int) bool {
	k := p.spaces(i)
	if i+k < len(p.text) && p.atBreak(i+k) {
		return true
	}
	return k > n && i+k < len(p.text)
}

// plain reads text without quotes, over several lines where it goes on. A key ends at its ":".
func (p *parser) plain(n int, pr properties, inFlow bool) *node {
	start := p.pos
	p.checkPlainStart()
	end, multiline := start, false
	i, line := start, p.lineStart
	resume := line
scan:
	for i < len(p.text) {
		c := p.text[i]
		switch {
		case c == ':' && (p.emptyAt(i+1) || inFlow && isFlowByte(p.text[i+1])):
			break scan
		case inFlow && isFlowByte(c):
			break scan
		case p.atBreak(i):
			line = i + 1 + btoi(c == '\r')
			if i = p.continuation(line, n); i < 0 {
				break scan
			}
		case isBlank(c):
			i++
			if i < len(p.text) && p.text[i] == '#' {
				break scan
			}
		default:
			i++
			if line != resume {
				resume, multiline = line, true
			}
			end = i
		}
	}
	text := string(p.text[start:end])
	p.pos, p.lineStart = end, resume
	if multiline {
		text = foldPlain(text)
	}
	return p.scalar(start, pr, plainStyle, text)
}

// continuation is where the text goes on in the line at i, -1 when that line is no part of it.
func (p *parser) continuation(i, n int) int {
	if !p.continues(i, n) {
		return -1
	}
	for i < len(p.text) && isBlank(p.text[i]) {
		i++
	}
	if i < len(p.text) && p.text[i] == '#' {
		return -1
	}
	return i
}

func (p *parser) checkPlainStart() {
	what := ""
	switch c := p.text[p.pos]; c {
	case ',':
		what = "flow indicator character ,"
	case '%':
		what = "directive indicator character %"
	case '|', '>':
		what = "block scalar indicator " + string(c)
	case '@', '`':
		what = "reserved character " + string(c)
	case ']', '}':
		p.failf(p.pos, "Unexpected %c", c)
	}
	if what != "" {
		p.failf(p.pos, "Plain value cannot start with %s", what)
	}
}

func isFlowByte(c byte) bool {
	return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// foldPlain joins lines: one break becomes a space, more become one less.
func foldPlain(text string) string {
	var out strings.Builder
	empty := -1
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Trim(strings.TrimSuffix(line, "\r"), " \t")
		switch {
		case empty < 0:
			empty = 0
		case line == "":
			empty++
			continue
		case empty == 0:
			out.WriteByte(' ')
		default:
			out.WriteString(strings.Repeat("\n", empty))
			empty = 0
		}
		out.WriteString(line)
	}
	return out.String()
}

// quoted reads text in single or double quotes.
func (p *parser) quoted(n int, pr properties) *node {
	start, quote := p.pos, p.text[p.pos]
	end := p.closingQuote(start, quote)
	for i := start; i < end; i++ {
		if p.text[i] != '\n' {
			continue
		}
		if !p.continues(i+1, n) {
			p.failf(i, "Missing closing %cquote", quote)
		}
		p.lineStart = i + 1
	}
	p.pos = end + 1
	inner := p.text[start+1 : end]
	if quote == '\'' {
		text := string(inner)
		if bytes.IndexByte(inner, '\n') >= 0 {
			text = foldQuoted(text)
		}
		return p.scalar(start, pr, singleQuoted, strings.ReplaceAll(text, "''", "'"))
	}
	if !bytes.ContainsAny(inner, "\\\n") {
		return p.scalar(start, pr, doubleQuoted, string(inner))
	}
	return p.scalar(start, pr, doubleQuoted, p.unescape(start+1, end))
}

func (p *parser) closingQuote(start int, quote byte) int {
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && quote == '\'' && i+1 < len(p.text) && p.text[i+1] == '\'':
			i++
		case c == quote:
			return i
		}
	}
	p.failf(start, "Missing closing %cquote", quote)
	return -1
}

// foldQuoted is like foldPlain, but blanks at both ends of the text are part of it.
func foldQuoted(text string) string {
	first := strings.IndexByte(text, '\n')
	last := strings.LastIndexByte(text, '\n')
	head := strings.TrimRight(strings.TrimSuffix(text[:first], "\r"), " \t")
	tail := strings.TrimLeft(text[last+1:], " \t")
	// Marks that are no blanks hold the place of the ends while the lines are folded.
	folded := foldPlain("x" + text[first:last+1] + "x")
	return head + folded[1:len(folded)-1] + tail
}

// unescape reads the inside of double quotes.
func (p *parser) unescape(i, end int) string {
	out := make([]byte, 0, end-i)
	for i < end {
		c := p.text[i]
		switch {
		case c == '\\':
			i = p.escape(i, end, &out)
		case isBlank(c) || p.atBreak(i):
			i = p.foldBlanks(i, end, &out)
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out)
}

// foldBlanks drops blanks at line ends and folds breaks; blanks within a line stay.
func (p *parser) foldBlanks(i, end int, out *[]byte) int {
	start, breaks := i, 0
	for i < end && (isBlank(p.text[i]) || p.atBreak(i)) {
		if p.text[i] == '\n' {
			breaks++
		}
		i++
	}
	switch breaks {
	case 0:
		*out = append(*out, p.text[start:i]...)
	case 1:
		*out = append(*out, ' ')
	default:
		*out = append(*out, strings.Repeat("\n", breaks-1)...)
	}
	return i
}

// escapes are the escapes of one character.
const (
	escapeNames  = "0abefnrtv \"/\\\tN_LP"
	escapeValues = "\x00\a\b\x1b\f\n\r\t\v \"/\\\t\u0085\u00a0\u2028\u2029"
)

// escape reads the escape at i and returns where it ends.
func (p *parser) escape(i, end int, out *[]byte) int {
	next := p.text[i+1]
	switch next {
	case 'x':
		return p.codePoint(i, end, 2, out)
	case 'u':
		return p.codePoint(i, end, 4, out)
	case 'U':
		return p.codePoint(i, end, 8, out)
	case '\n', '\r':
		if p.atBreak(i + 1) {
			i += 2 + btoi(next == '\r')
			for i < end && isBlank(p.text[i]) {
				i++
			}
			return i
		}
	}
	k := strings.IndexByte(escapeNames, next)
	if k < 0 {
		p.failf(i, "Invalid escape sequence \\%c", next)
	}
	*out = utf8.AppendRune(*out, []rune(escapeValues)[k])
	return i + 2
}

// codePoint reads a hexadecimal escape, two of them when they are a surrogate pair. Half a pair is not a character.
func (p *parser) codePoint(i, end, digits int, out *[]byte) int {
	code, ok := p.hex(i+2, end, digits)
	if !ok || code > utf8.MaxRune {
		p.failf(i, "Invalid escape sequence %s", p.text[i:min(i+2+digits, end)])
	}
	i += 2 + digits
	r := rune(code)
	if utf16.IsSurrogate(r) && i+1 < end && p.text[i] == '\\' && p.text[i+1] == 'u' {
		if low, ok := p.hex(i+2, end, 4); ok {
			if pair := utf16.DecodeRune(r, rune(low)); pair != utf8.RuneError {
				r, i = pair, i+6
			}
		}
	}
	*out = utf8.AppendRune(*out, r)
	return i
}

func (p *parser) hex(i, end, digits int) (uint64, bool) {
	if i+digits > end {
		return 0, false
	}
	text := string(p.text[i : i+digits])
	if strings.ContainsAny(text, "+-_") {
		return 0, false
	}
	code, err := strconv.ParseUint(text, 16, 32)
	return code, err == nil
}
