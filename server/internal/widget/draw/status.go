package draw

import (
	"strings"

	"github.com/callboard/callboard/sdk/frame"
)

// statusOf is the status of a value: by the thresholds of numbers, by the word of texts, ok and danger of yes and no.
func statusOf(c *frame.Column, row int) frame.Status {
	switch v := c.Values[row].(type) {
	case float64:
		return c.StatusOf(v)
	case string:
		if s := frame.Status(strings.ToLower(v)); s.Known() {
			return s
		}
	}
	return ""
}

func (l lexicon) statusWord(s frame.Status) string {
	switch s {
	case frame.OK:
		return l.say(wordOK)
	case frame.Warn:
		return l.say(wordWarn)
	case frame.Danger:
		return l.say(wordDanger)
	case frame.Info:
		return l.say(wordInfo)
	}
	return ""
}

// StatusList is an HTML list with the status of each entry: the first column is the text, the second its status, as one of
// the words ok, warn, danger and info or as a number with thresholds; further ones are remarks.
func StatusList(f *frame.Frame, o Options, entityPath func(ref string) string) string {
	return list(f, o, entityPath, func(m *markup, w formatter, row int) int {
		if len(f.Columns) < 2 {
			return 1
		}
		status := statusOf(f.Columns[1], row)
		m.status(status, w)
		if f.Columns[1].Type == frame.Number { // the number says more than its status does
			return 1
		}
		return 2
	})
}

// status is a sign and a word; the sign has a form of its own for each status.
func (m *markup) status(s frame.Status, w formatter) {
	word, class := w.statusWord(s), string(s)
	if word == "" {
		word, class = w.say(wordUnknown), "unknown"
	}
	m.open("span", "class", "cb-status cb-"+class)
	m.sign(s, "")
	m.text(word)
	m.close("span")
	m.raw(" ")
}

// sign is a disc, a triangle, a square, a rhombus or a ring; word is for who does not see it, "" = it stands beside it.
func (m *markup) sign(s frame.Status, word string) {
	role, hidden := "img", ""
	if word == "" {
		role, hidden = "", "true"
	}
	m.open("svg", "class", "cb-sign cb-"+orUnknown(s), "width", "12", "height", "12", "viewBox", "0 0 12 12", "role", role, "aria-label", word, "aria-hidden", hidden)
	switch s {
	case frame.OK:
		m.circle("cb-mark", 6, 6, 5)
	case frame.Warn:
		m.begun("path", []string{"class", "cb-mark"})
		m.data([]byte("M6 1L11.5 11L.5 11Z"))
	case frame.Danger:
		m.rect("cb-mark", 1, 1, 10, 10, 0)
	case frame.Info:
		m.begun("path", []string{"class", "cb-mark"})
		m.data([]byte("M6 0L12 6L6 12L0 6Z"))
	default:
		m.begun("circle", []string{"class", "cb-line", "fill", "none", "stroke-width", "2"})
		m.number("cx", 6)
		m.number("cy", 6)
		m.number("r", 4)
		m.raw("/>")
	}
	m.close("svg")
}
