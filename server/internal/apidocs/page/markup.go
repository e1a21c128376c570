package page

import (
	"html"
	"strings"

	"github.com/callboard/callboard/server/internal/weblink"
)

// markup writes elements. Names of elements and attributes are constants of this package; values are escaped.
type markup struct {
	strings.Builder

	read int // bytes of Markdown so far
}

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
		m.WriteString(html.EscapeString(printable(attributes[i+1], false)))
		m.WriteByte('"')
	}
	m.WriteByte('>')
}

func (m *markup) close(element string) {
	m.WriteString("</")
	m.WriteString(element)
	m.WriteByte('>')
}

func (m *markup) text(s string) { m.WriteString(html.EscapeString(printable(s, false))) }

// element is a whole element with text.
func (m *markup) element(element, text string, attributes ...string) {
	m.open(element, attributes...)
	m.text(text)
	m.close(element)
}

// code is text with its lines, which can be scrolled by keyboard.
func (m *markup) code(text, label string) {
	m.open("pre", "tabindex", "0", "role", "group", "aria-label", label)
	m.open("code")
	m.WriteString(html.EscapeString(printable(text, true)))
	m.close("code")
	m.close("pre")
}

// outside is a link out of the pages, or its text where the address is none to follow.
func (m *markup) outside(address, text string) {
	if text == "" {
		text = address
	}
	if !followable(address) {
		m.text(text)
		return
	}
	m.element("a", text, "href", address, "rel", "noopener noreferrer nofollow")
}

// followable holds for whole addresses of the web. Relative ones would lead into the host's own pages.
func followable(address string) bool {
	scheme := weblink.Scheme(address)
	return (scheme == "https" || scheme == "http") && weblink.Check(address) == nil
}

// printable drops what HTML cannot hold and what turns the direction of the text around it: code that reads otherwise
// than it runs. lines keeps line breaks.
func printable(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			if lines {
				return r
			}
			return ' '
		case r < ' ', r >= 0x7f && r <= 0x9f, r == 0x200e, r == 0x200f, r == 0xfffe, r == 0xffff,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}
