package draw

import (
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

// maxShown is how many rows a page shows; CSV has them all.
const maxShown = 500

// Table is an HTML table of a frame. entityPath turns an entity ref into an address of the page, "" = no link; nil = none.
func Table(f *frame.Frame, o Options, entityPath func(ref string) string) string {
	o = o.withDefaults()
	w := o.formatter()
	var m markup
	label := o.Title
	if label == "" {
		label = w.say(wordTable)
	}
	// Who cannot scroll with a pointer needs to be able to come here.
	m.open("div", "class", "cb-widget cb-scroll", "tabindex", "0", "role", "group", "aria-label", label)
	m.open("table")
	m.caption(f, o, w)
	m.head(f)
	m.open("tbody")
	if f.Rows() == 0 {
		m.open("tr")
		m.element("td", w.say(wordNothing), "class", "cb-none", "colspan", strconv.Itoa(max(1, len(f.Columns))))
		m.close("tr")
	}
	for row := range min(f.Rows(), maxShown) {
		m.row(f, row, w, entityPath)
	}
	m.close("tbody")
	m.close("table")
	m.close("div")
	return m.String()
}

func (m *markup) caption(f *frame.Frame, o Options, w formatter) {
	if f.Rows() > maxShown {
		m.element("caption", w.say(wordFirstRows, strconv.Itoa(maxShown), strconv.Itoa(f.Rows())))
		return
	}
	class := ""
	if o.QuietTitle {
		class = "cb-hidden"
	}
	if o.Title != "" {
		m.element("caption", o.Title, "class", class)
	}
}

func (m *markup) head(f *frame.Frame) {
	m.open("thead")
	m.open("tr")
	for _, c := range f.Columns {
		m.element("th", name(c), "scope", "col", "class", numeric(c))
	}
	m.close("tr")
	m.close("thead")
}

// row writes the first cell as the header of the row, so that the others are told with it.
func (m *markup) row(f *frame.Frame, row int, w formatter, entityPath func(string) string) {
	m.open("tr")
	for i, c := range f.Columns {
		element, scope := "td", ""
		if i == 0 && len(f.Columns) > 1 {
			element, scope = "th", "row"
		}
		m.open(element, "scope", scope, "class", numeric(c))
		m.cell(c, row, w, entityPath)
		m.close(element)
	}
	m.close("tr")
}

func numeric(c *frame.Column) string {
	if c.Type == frame.Number || c.Type == frame.Duration {
		return "cb-n"
	}
	return ""
}

func (m *markup) cell(c *frame.Column, row int, w formatter, entityPath func(string) string) {
	text := w.value(c, c.Values[row])
	if len(c.Thresholds) > 0 {
		if s := statusOf(c, row); s != "" {
			m.sign(s, w.statusWord(s))
			m.raw(" ")
		}
	}
	if c.Type == frame.EntityRef && entityPath != nil && text != none {
		if at := entityPath(text); local(at) {
			m.element("a", text, "href", at)
			return
		}
	}
	address := ""
	if c.Links != nil {
		address = c.Links[row]
	} else if c.Type == frame.URL && text != none {
		address = text
	}
	if t, ok := c.Values[row].(time.Time); ok {
		m.element("time", text, "datetime", t.UTC().Format(time.RFC3339))
		return
	}
	m.link(address, "", func() { m.text(text) })
}

// List is an HTML list: the first column is the text, further ones are remarks.
func List(f *frame.Frame, o Options, entityPath func(ref string) string) string {
	return list(f, o, entityPath, func(*markup, formatter, int) int { return 1 })
}

// list writes what begin writes before each entry, which answers the first column that is a remark.
func list(f *frame.Frame, o Options, entityPath func(ref string) string, begin func(m *markup, w formatter, row int) int) string {
	o = o.withDefaults()
	w := o.formatter()
	var m markup
	m.open("div", "class", "cb-widget")
	if f.Rows() == 0 || len(f.Columns) == 0 {
		m.element("p", w.say(wordNothing), "class", "cb-none")
		m.close("div")
		return m.String()
	}
	m.open("ul", "class", "cb-list", "role", "list")
	for row := range min(f.Rows(), maxShown) {
		m.open("li")
		from := begin(&m, w, row)
		m.cell(f.Columns[0], row, w, entityPath)
		m.remarks(f.Columns[min(from, len(f.Columns)):], row, w)
		m.close("li")
	}
	m.close("ul")
	if f.Rows() > maxShown {
		m.element("p", w.say(wordFirstRows, strconv.Itoa(maxShown), strconv.Itoa(f.Rows())), "class", "cb-note")
	}
	m.close("div")
	return m.String()
}

func (m *markup) remarks(columns []*frame.Column, row int, w formatter) {
	var remarks []string
	for _, c := range columns {
		if text := w.value(c, c.Values[row]); text != none && text != "" {
			remarks = append(remarks, name(c)+": "+text)
		}
	}
	if len(remarks) > 0 {
		m.element("small", strings.Join(remarks, " · "))
	}
}
