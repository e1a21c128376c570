package spec

import (
	"fmt"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// Limits of source texts. Their parsers recurse into brackets without a bound, and a stack that overflows takes the host
// with it: brackets are counted before.
const (
	mostSource  = 4 << 20
	mostBracket = 64
)

// lexis is what a language has for texts and comments, in which brackets do not count.
type lexis struct {
	quotes      string   // each ends what it begins, on one line, with backslashes before what is meant as it is
	block       string   // begins and ends a text of many lines; "" = there is none
	line        []string // begin a comment to the end of the line
	open, close string   // around a comment of many lines; "" = there is none
}

// source checks the size and nesting of a source text.
func (l lexis) source(text string) error {
	if len(text) > mostSource {
		return fmt.Errorf("%w: it has %d bytes, %d are allowed", tree.ErrTooLarge, len(text), mostSource)
	}
	depth := 0
	for i := 0; i < len(text); {
		if n := l.skip(text[i:]); n > 0 {
			i += n
			continue
		}
		switch text[i] {
		case '{', '[', '(', '<':
			depth++
		case '}', ']', ')', '>':
			depth = max(0, depth-1)
		}
		if depth > mostBracket {
			return fmt.Errorf("%w: brackets are nested deeper than %d", tree.ErrTooLarge, mostBracket)
		}
		i++
	}
	return nil
}

// skip is how long the comment or text is that rest begins with; 0 = it begins with neither.
func (l lexis) skip(rest string) int {
	for _, begin := range l.line {
		if strings.HasPrefix(rest, begin) {
			if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
				return i
			}
			return len(rest)
		}
	}
	switch {
	case l.open != "" && strings.HasPrefix(rest, l.open):
		return through(rest, len(l.open), l.close, false)
	case l.block != "" && strings.HasPrefix(rest, l.block):
		return through(rest, len(l.block), l.block, true)
	case strings.IndexByte(l.quotes, rest[0]) >= 0:
		return through(rest, 1, rest[:1], true)
	default:
		return 0
	}
}

// through is the length of rest up to and with end, sought from an offset.
func through(rest string, from int, end string, escapes bool) int {
	for i := from; i < len(rest); i++ {
		switch {
		case strings.HasPrefix(rest[i:], end):
			return i + len(end)
		case escapes && rest[i] == '\\':
			i++
		case len(end) == 1 && (rest[i] == '\n' || rest[i] == '\r'):
			return i
		}
	}
	return len(rest)
}
