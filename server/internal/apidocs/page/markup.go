package page

import (
	"html"
	"strings"

	"github.com/callboard/callboard/server/internal/markdown"
)

// markup writes elements. Names of elements and attributes are constants of this package; values are escaped.
type markup struct {
	strings.Builder

	texts markdown.Budget
}

// open writes a start tag; attributes are name and value by turns. A value of "" leaves its attribute out.
func (m *markup) open(element string, attributes ...string) {
	m.WriteByte('<')
	m.WriteString(element)
	m.attributes(attributes...)
	m.WriteByte('>')
}

func (m *markup) attributes(attributes ...string) {
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		m.WriteByte(' ')
		m.WriteString(attributes[i])
		m.WriteString(`="`)
		m.WriteString(html.EscapeString(markdown.Printable(attributes[i+1], false)))
		m.WriteByte('"')
	}
}

func (m *markup) close(element string) {
	m.WriteString("</")
	m.WriteString(element)
	m.WriteByte('>')
}

func (m *markup) text(s string) { m.WriteString(html.EscapeString(markdown.Printable(s, false))) }

// element is a whole element with text.
func (m *markup) element(element, text string, attributes ...string) {
	m.open(element, attributes...)
	m.text(text)
	m.close(element)
}

// head opens a page and what it says about itself, as far as all pages say the same.
func (m *markup) head() {
	m.WriteString("<!DOCTYPE html>\n")
	m.open("html", "lang", "en")
	m.open("head")
	m.open("meta", "charset", "utf-8")
	m.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
}

// code is text with its lines, which can be scrolled by keyboard, and whose parts are told apart.
func (m *markup) code(text, label, language string) {
	m.open("pre", "tabindex", "0", "role", "group", "aria-label", label)
	m.open("code")
	m.WriteString(m.texts.Code(text, language))
	m.close("code")
	m.close("pre")
}

// lines is text with its line breaks.
func (m *markup) lines(s string) { m.WriteString(html.EscapeString(markdown.Printable(s, true))) }

// outside is a link out of the pages, or its text where the address is none to follow.
func (m *markup) outside(address, text string) {
	if text == "" {
		text = address
	}
	if !markdown.Followable(address) {
		m.text(text)
		return
	}
	m.element("a", text, "href", address, "rel", "noopener noreferrer nofollow")
}

// markdown writes a description.
func (m *markup) markdown(text string) { m.WriteString(m.texts.Description(text)) }
