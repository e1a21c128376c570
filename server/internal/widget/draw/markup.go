package draw

import (
	"math"
	"net/url"
	"strconv"
	"unicode/utf8"
)

// markup writes elements. Attribute names and element names are constants of this package; values are escaped.
type markup struct {
	b []byte
	// isolated: labels stand among others of another direction, and begin in their own.
	isolated bool
}

func (m *markup) String() string { return string(m.b) }

// raw writes what is markup already.
func (m *markup) raw(s string) { m.b = append(m.b, s...) }

// open writes a start tag; attributes are name and value by turns. A value of "" leaves its attribute out.
func (m *markup) open(element string, attributes ...string) {
	m.begun(element, attributes)
	m.b = append(m.b, '>')
}

// empty writes an element without content, as XML has it; in HTML it is for elements of SVG alone.
func (m *markup) empty(element string, attributes ...string) {
	m.begun(element, attributes)
	m.b = append(m.b, "/>"...)
}

func (m *markup) begun(element string, attributes []string) {
	m.b = append(m.b, '<')
	m.b = append(m.b, element...)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			m.attribute(attributes[i], attributes[i+1])
		}
	}
}

func (m *markup) attribute(name, value string) {
	m.b = append(m.b, ' ')
	m.b = append(m.b, name...)
	m.b = append(m.b, `="`...)
	m.text(value)
	m.b = append(m.b, '"')
}

func (m *markup) number(name string, value float64) {
	m.b = append(m.b, ' ')
	m.b = append(m.b, name...)
	m.b = append(m.b, `="`...)
	m.b = appendPx(m.b, value)
	m.b = append(m.b, '"')
}

func (m *markup) close(element string) {
	m.b = append(m.b, "</"...)
	m.b = append(m.b, element...)
	m.b = append(m.b, '>')
}

// element is a whole element with text.
func (m *markup) element(element, text string, attributes ...string) {
	m.open(element, attributes...)
	m.text(text)
	m.close(element)
}

// text escapes, and drops what XML cannot hold and what turns the direction of the text around it.
func (m *markup) text(s string) {
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < utf8.RuneSelf-1 && escapes[c] == "" {
			m.b = append(m.b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r < utf8.RuneSelf && escapes[r] != "":
			m.b = append(m.b, escapes[r]...)
		case shown(r):
			m.b = utf8.AppendRune(m.b, r)
		}
	}
}

var escapes = [utf8.RuneSelf]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&#34;", '\'': "&#39;", '\t': " ", '\n': " "}

// shown reports whether a rune may stand in a text.
func shown(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return false
	}
	return true
}

// link wraps what inside writes in a link that is called name, where there is one to follow.
func (m *markup) link(address, name string, inside func()) {
	if !followable(address) {
		inside()
		return
	}
	m.open("a", "href", address, "rel", "noopener noreferrer", "aria-label", name)
	inside()
	m.close("a")
}

// followable: frames are checked already; what a chart links to is checked where it is written as well.
func followable(address string) bool {
	if address == "" {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// local reports whether an address is a path of the page's own origin.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "" && u.Host == "" && len(address) > 0 && address[0] == '/' && (len(address) == 1 || address[1] != '/' && address[1] != '\\')
}

func (m *markup) rect(class string, x, y, width, height, radius float64) {
	m.begun("rect", []string{"class", class})
	m.number("x", x)
	m.number("y", y)
	m.number("width", width)
	m.number("height", height)
	if radius > 0 {
		m.number("rx", radius)
	}
	m.b = append(m.b, "/>"...)
}

func (m *markup) line(class string, x1, y1, x2, y2 float64) {
	m.begun("line", []string{"class", class})
	m.number("x1", x1)
	m.number("y1", y1)
	m.number("x2", x2)
	m.number("y2", y2)
	m.b = append(m.b, "/>"...)
}

func (m *markup) circle(class string, x, y, radius float64) {
	m.begun("circle", []string{"class", class})
	m.number("cx", x)
	m.number("cy", y)
	m.number("r", radius)
	m.b = append(m.b, "/>"...)
}

// label is text at a place; attributes are as those of open.
func (m *markup) label(class, text string, x, y float64, anchor string, attributes ...string) {
	m.begun("text", []string{"class", class})
	m.number("x", x)
	m.number("y", y)
	if anchor != "start" && anchor != "" {
		m.attribute("text-anchor", anchor)
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		m.attribute(attributes[i], attributes[i+1])
	}
	m.b = append(m.b, '>')
	if m.isolated {
		m.raw(isolate)
	}
	m.text(text)
	if m.isolated {
		m.raw(isolateEnd)
	}
	m.close("text")
}

// What keeps the direction of a text to itself: it is that of its first letter.
const isolate, isolateEnd = "\u2068", "\u2069"

// px writes a coordinate with at most one decimal: more cannot be seen and would make equal charts differ by rounding.
func px(v float64) string { return string(appendPx(nil, v)) }

func appendPx(b []byte, v float64) []byte {
	n := int64(math.Round(math.Min(math.Max(v, -1e9), 1e9) * 10))
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/10, 10)
	if n%10 != 0 {
		b = append(b, '.', byte('0'+n%10))
	}
	return b
}

// appendPoint is a place in the data of a path.
func appendPoint(b []byte, command byte, x, y float64) []byte {
	b = appendPx(append(b, command), x)
	return appendPx(append(b, ' '), y)
}
