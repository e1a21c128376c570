package draw

import (
	"html"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// markup writes elements. Attribute names and element names are constants of this package; values are escaped.
type markup struct{ strings.Builder }

// open writes a start tag; attributes are name and value by turns. A value of "" leaves its attribute out.
func (m *markup) open(element string, attributes ...string) {
	m.WriteByte('<')
	m.WriteString(element)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		m.WriteByte(' ')
		m.WriteString(attributes[i])
		m.WriteString(`="`)
		m.WriteString(html.EscapeString(attributes[i+1]))
		m.WriteByte('"')
	}
	m.WriteByte('>')
}

func (m *markup) close(element string) {
	m.WriteString("</")
	m.WriteString(element)
	m.WriteByte('>')
}

func (m *markup) text(s string) { m.WriteString(html.EscapeString(printable(s))) }

// element is a whole element with text.
func (m *markup) element(element, text string, attributes ...string) {
	m.open(element, attributes...)
	m.text(text)
	m.close(element)
}

// link wraps what inside writes in a link, where there is one to follow.
func (m *markup) link(address string, inside func()) {
	if !followable(address) {
		inside()
		return
	}
	m.open("a", "href", address, "rel", "noopener noreferrer")
	inside()
	m.close("a")
}

// followable: frames are checked already; what a chart links to is checked where it is written as well.
func followable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// printable drops what XML cannot hold and what turns the direction of the text around it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r < ' ', r == 0x7f, r == 0xfffe, r == 0xffff, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// px writes a coordinate with at most one decimal: more cannot be seen and would make equal charts differ by rounding.
func px(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
