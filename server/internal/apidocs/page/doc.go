package page

import (
	"net/url"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/docsite"
	"github.com/callboard/callboard/server/internal/markdown"
)

// Text is a page of documentation. HTML must come from package docsite or package markdown.
type Text struct {
	Title    string
	HTML     string
	Headings []markdown.Heading
	Pages    []docsite.Entry
	// Footer says where the text comes from, "" = nothing.
	Footer string
}

// Doc draws a page of documentation: the pages of the site, what is on this one, the text.
func Doc(t Text, o Options) string {
	return draw(nil, o, "doc", t.Title, func(w *writer) {
		if len(t.Pages) > 0 {
			w.open("details", "class", "cb-docs-pages")
			w.element("summary", "Pages")
			w.open("nav", "aria-label", "Pages")
			w.entries(t.Pages)
			w.close("nav")
			w.close("details")
		}
		w.contents(t.Headings)
		w.open("article", "class", "cb-docs-article")
		if len(t.Headings) == 0 || t.Headings[0].Level != 1 {
			w.heading(0, t.Title)
		}
		w.WriteString(t.HTML)
		w.close("article")
		if t.Footer != "" {
			w.element("p", t.Footer, "class", "cb-docs-about")
		}
	})
}

// DocAddress is the address of a page of documentation.
func DocAddress(base, path string) string {
	return base + "/" + (&url.URL{Path: strings.TrimPrefix(path, "/")}).EscapedPath()
}

func (w *writer) entries(list []docsite.Entry) {
	w.open("ul")
	for _, e := range list {
		w.open("li")
		switch {
		case !e.Leads:
			w.text(e.Title)
		default:
			current := ""
			if e.Current {
				current = "page"
			}
			w.WriteString("<a")
			w.attributes("href", DocAddress(w.o.Base, e.Path), "aria-current", current)
			w.WriteString(` data-cb-doc="`) // that of the first page is empty
			w.text(e.Path)
			w.WriteString(`">`)
			w.text(e.Title)
			w.close("a")
		}
		if len(e.Below) > 0 {
			w.entries(e.Below)
		}
		w.close("li")
	}
	w.close("ul")
}

// contents is the table of what is on the page; a page with two headings needs none.
func (w *writer) contents(list []markdown.Heading) {
	if len(list) < 3 {
		return
	}
	w.open("details", "class", "cb-docs-contents")
	w.element("summary", "On this page")
	w.open("nav", "aria-label", "On this page")
	w.open("ul")
	for _, h := range list {
		if h.Level > 3 {
			continue
		}
		w.open("li", "class", "cb-docs-level"+string(rune('0'+h.Level)))
		w.element("a", h.Text, "href", "#"+h.ID)
		w.close("li")
	}
	w.close("ul")
	w.close("nav")
	w.close("details")
}
