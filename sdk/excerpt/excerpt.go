// Package excerpt bounds what messages, logs and lists repeat of a text that somebody else wrote: a value that is wrong, the
// answer of another program, a name from a file.
//
// The host, the SDK and plugins share it, so that a text is cut alike wherever it turns up.
package excerpt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mark ends what was cut.
const mark = "…"

// Short is what a message quotes of a foreign text: its first 120 bytes.
func Short(text string) string { return Of(text, 120) }

// Of is the beginning of a text in at most so many bytes, in which a cut is marked with "…". The answer is UTF-8 whatever the
// text is: what is not is U+FFFD in it. No more of the text is looked at than fits. A mark needs three bytes, so most is 3 or
// more.
func Of(text string, most int) string {
	if len(text) <= most && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	beforeMark := 0 // the length of what leaves room for the mark
	for _, r := range text {
		if b.Len()+utf8.RuneLen(r) > most {
			return b.String()[:beforeMark] + mark
		}
		b.WriteRune(r)
		if b.Len() <= most-len(mark) {
			beforeMark = b.Len()
		}
	}
	return b.String()
}

// Line is a text on one line, as [Of] bounds it: white space, control characters and what is no UTF-8 divide words, which
// one blank joins.
func Line(text string, most int) string {
	return Of(strings.Join(strings.FieldsFunc(text, dividesWords), " "), most)
}

func dividesWords(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
}
