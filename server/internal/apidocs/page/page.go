// Package page draws descriptions of APIs as HTML: the index of a document, one operation, one schema. Pages work without
// JavaScript and hold no script and no style of their own; what they are written in is a fixed list of elements and
// attributes, and every text of a document is escaped or, where it is Markdown, sanitised.
package page

import (
	_ "embed"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/apidocs/tree"
	"github.com/callboard/callboard/server/internal/markdown"
)

// Stylesheet is what pages and fragments are shown with.
//
//go:embed docs.css
var Stylesheet string

// Options say where pages are.
type Options struct {
	// Base is the address of the document's pages: the index is there, operations and schemas are below.
	Base string
	// Style is the address of the style sheet, for whole pages.
	Style string
	// Fragment asks for the part alone, to be put into another page.
	Fragment bool
	// Level is that of the first heading, 1 to 4; 0 = 1 on a page and 2 in a fragment.
	Level int
	// Search is what the index is narrowed to.
	Search string
	// Try is what an operation can be tried with, nil = it cannot. It is for fragments: pages run no script.
	Try *Try
}

// writer writes one page.
type writer struct {
	markup

	o   Options
	doc *spec.Document
}

// draw makes a page or a fragment of what inside writes.
func draw(doc *spec.Document, o Options, what, title string, inside func(*writer)) string {
	if o.Level == 0 {
		o.Level = 1
		if o.Fragment {
			o.Level = 2
		}
	}
	w := &writer{o: o, doc: doc}
	if o.Fragment {
		w.open("div", "class", "cb-docs", "data-cb-docs", what)
		inside(w)
		w.close("div")
		return w.String()
	}
	w.head()
	w.element("title", title)
	w.open("link", "rel", "stylesheet", "href", o.Style)
	w.close("head")
	w.open("body", "class", "cb-docs-page")
	w.open("main", "class", "cb-docs", "data-cb-docs", what)
	inside(w)
	w.close("main")
	w.close("body")
	w.close("html")
	return w.String()
}

// heading is a heading that many levels below the first one.
func (w *writer) heading(below int, text string) {
	if strings.TrimSpace(markdown.Printable(text, false)) == "" {
		text = "Without a name"
	}
	w.element("h"+strconv.Itoa(min(6, w.o.Level+below)), text)
}

func (w *writer) operationAddress(id string) string {
	return w.o.Base + "/operations/" + url.PathEscape(id)
}

func (w *writer) schemaAddress(id tree.Pointer) string {
	return w.o.Base + "/schemas/" + url.PathEscape(string(id))
}

// way is the line above a page that leads back to the index.
func (w *writer) way(group string) {
	w.open("nav", "class", "cb-docs-way", "aria-label", "Where this page is")
	w.element("a", w.doc.Title, "href", w.o.Base, "data-cb-index", "1")
	if group != "" {
		w.text(" › " + group)
	}
	w.close("nav")
}

func (w *writer) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	w.open("ul", "class", "cb-docs-notes")
	for _, n := range notes {
		w.element("li", n)
	}
	w.close("ul")
}

func (w *writer) description(text string) {
	if text == "" {
		return
	}
	w.open("div", "class", "cb-docs-text")
	w.markdown(text)
	w.close("div")
}

// verbs have a colour of their own.
var verbs = map[string]string{"GET": "get", "HEAD": "get", "OPTIONS": "get", "QUERY": "get", "POST": "post", "PUT": "put", "PATCH": "put", "DELETE": "delete",
	"SEND": "post", "PUBLISH": "post", "RECEIVE": "get", "SUBSCRIBE": "get", "query": "get", "mutation": "post", "subscription": "get"}

func (w *writer) verb(verb string) {
	class := "cb-docs-verb"
	if colour := verbs[verb]; colour != "" {
		class += " cb-docs-" + colour
	}
	w.element("span", verb, "class", class)
}

func (w *writer) tag(text string) {
	w.text(" ")
	w.element("span", text, "class", "cb-docs-tag")
}
