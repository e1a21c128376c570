package draw

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/frame"
)

// maxShown is how many rows a page shows; CSV has them all.
const maxShown = 500

// Table is an HTML table of a frame. entityPath turns an entity ref into an address of the page, "" = no link; nil = none.
func Table(f *frame.Frame, o Options, entityPath func(ref string) string) string {
	o = o.withDefaults()
	w := o.formatter()
	var m markup
	m.open("div", "class", "cb-widget")
	m.open("table")
	if f.Rows() > maxShown {
		m.element("caption", fmt.Sprintf("The first %d of %d rows", maxShown, f.Rows()))
	} else if o.Title != "" {
		m.element("caption", o.Title)
	}
	m.open("thead")
	m.open("tr")
	for _, c := range f.Columns {
		m.element("th", name(c), "scope", "col", "class", numeric(c))
	}
	m.close("tr")
	m.close("thead")
	m.open("tbody")
	if f.Rows() == 0 {
		m.open("tr")
		m.element("td", "Nothing to show", "class", "cb-none", "colspan", strconv.Itoa(max(1, len(f.Columns))))
		m.close("tr")
	}
	for row := range min(f.Rows(), maxShown) {
		m.open("tr")
		for _, c := range f.Columns {
			m.open("td", "class", numeric(c))
			m.cell(c, row, w, entityPath)
			m.close("td")
		}
		m.close("tr")
	}
	m.close("tbody")
	m.close("table")
	m.close("div")
	return m.String()
}

func numeric(c *frame.Column) string {
	if c.Type == frame.Number || c.Type == frame.Duration {
		return "cb-n"
	}
	return ""
}

func (m *markup) cell(c *frame.Column, row int, w formatter, entityPath func(string) string) {
	text := w.value(c, c.Values[row])
	if c.Type == frame.EntityRef && entityPath != nil && text != none {
		if at := entityPath(text); strings.HasPrefix(at, "/") && !strings.HasPrefix(at, "//") {
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
	m.link(address, func() { m.text(text) })
}

// List is an HTML list: the first column is the text, further ones are remarks.
func List(f *frame.Frame, o Options, entityPath func(ref string) string) string {
	o = o.withDefaults()
	w := o.formatter()
	var m markup
	m.open("div", "class", "cb-widget")
	if f.Rows() == 0 || len(f.Columns) == 0 {
		m.element("p", "Nothing to show", "class", "cb-none")
		m.close("div")
		return m.String()
	}
	m.open("ul", "class", "cb-list")
	for row := range min(f.Rows(), maxShown) {
		m.open("li")
		m.cell(f.Columns[0], row, w, entityPath)
		var remarks []string
		for _, c := range f.Columns[1:] {
			if text := w.value(c, c.Values[row]); text != none && text != "" {
				remarks = append(remarks, name(c)+": "+text)
			}
		}
		if len(remarks) > 0 {
			m.element("small", strings.Join(remarks, " · "))
		}
		m.close("li")
	}
	m.close("ul")
	m.close("div")
	return m.String()
}

// Text is a table for terminals and programs that read words.
func Text(f *frame.Frame, o Options) string {
	o = o.withDefaults()
	w := o.formatter()
	rows := [][]string{nil}
	for _, c := range f.Columns {
		rows[0] = append(rows[0], name(c))
	}
	for row := range min(f.Rows(), maxShown) {
		var cells []string
		for _, c := range f.Columns {
			cells = append(cells, cut(printable(w.value(c, c.Values[row])), 60))
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(f.Columns))
	for _, cells := range rows {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range rows {
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if numeric(f.Columns[i]) != "" {
				cell = pad + cell
			} else if i < len(cells)-1 {
				cell += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// CSV has every row, for programs: times in RFC 3339, durations in seconds, numbers as they are, no unit. Texts that a
// spreadsheet would take for a formula get an apostrophe before them.
func CSV(f *frame.Frame) string {
	var b strings.Builder
	out := csv.NewWriter(&b)
	record := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		record[i] = harmless(c.Name)
	}
	_ = out.Write(record) // a strings.Builder does not fail
	for row := range f.Rows() {
		for i, c := range f.Columns {
			record[i] = plain(c.Values[row])
		}
		_ = out.Write(record)
	}
	out.Flush()
	return b.String()
}

func plain(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case string:
		return harmless(v)
	}
	return ""
}

func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
