package page

import (
	"cmp"
	"strconv"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Index is the first page of a document: what it is, and all operations by group.
func Index(doc *spec.Document, o Options) string {
	return draw(doc, o, "index", doc.Title, func(w *writer) {
		w.heading(0, doc.Title)
		w.about()
		if o.Search == "" {
			w.description(doc.Description)
			w.servers(doc.Servers)
			w.more(doc.Docs)
			w.people()
			w.notes(doc.Notes)
		}
		w.heading(1, "Operations")
		w.search()
		w.groups()
	})
}

func (w *writer) about() {
	w.open("p", "class", "cb-docs-about")
	w.text(w.doc.Format)
	if w.doc.Version != "" {
		w.text(" · version " + w.doc.Version)
	}
	w.text(" · " + number(w.doc.Len(), "operation") + " · ")
	w.element("a", "Definition", "href", w.o.Base+"/document")
	w.close("p")
}

// people are whom to ask, and under which terms.
func (w *writer) people() {
	c := w.doc.Contact
	parts := []func(){}
	if name := cmp.Or(c.Name, c.URL, c.Email); name != "" {
		parts = append(parts, func() {
			w.text("Contact: ")
			if c.URL == "" {
				w.text(name)
			} else {
				w.outside(c.URL, name)
			}
			if c.Email != "" && c.Email != name {
				w.text(" (" + c.Email + ")")
			}
		})
	}
	if l := w.doc.License; l.URL != "" || l.Text != "" {
		parts = append(parts, func() { w.text("License: "); w.outside(l.URL, cmp.Or(l.Text, l.URL)) })
	}
	if l := w.doc.Terms; l.URL != "" {
		parts = append(parts, func() { w.outside(l.URL, l.Text) })
	}
	if len(parts) == 0 {
		return
	}
	w.open("p", "class", "cb-docs-about")
	for i, part := range parts {
		if i > 0 {
			w.text(" · ")
		}
		part()
	}
	w.close("p")
}

func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if noun == "entry" {
		return strconv.Itoa(n) + " entries"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (w *writer) servers(servers []spec.Server) {
	if len(servers) == 0 {
		return
	}
	w.heading(1, "Servers")
	w.open("ul", "class", "cb-docs-servers")
	for _, s := range servers {
		w.open("li")
		w.element("code", s.URL)
		if s.Description != "" {
			w.text(" " + s.Description)
		}
		w.close("li")
	}
	w.close("ul")
}

// search is a form that answers with the same page, narrowed.
func (w *writer) search() {
	w.open("form", "class", "cb-docs-search", "role", "search", "action", w.o.Base, "method", "get", "data-cb-search", "1")
	w.open("label")
	w.text("Search operations ")
	w.open("input", "type", "search", "name", "q", "value", w.o.Search, "maxlength", "200")
	w.close("label")
	w.element("button", "Search", "type", "submit")
	if w.o.Search != "" {
		w.element("a", "Show all", "href", w.o.Base, "data-cb-index", "1")
	}
	w.close("form")
}

func (w *writer) groups() {
	groups := w.doc.Matching(w.o.Search)
	if len(groups) == 0 {
		w.element("p", "No operation holds all of these words.", "class", "cb-docs-none")
	}
	for i, g := range groups {
		w.WriteString("<details")
		if i == 0 || w.o.Search != "" {
			w.WriteString(" open")
		}
		w.WriteString(` class="cb-docs-group" id="`)
		w.text(g.ID)
		w.WriteString(`">`)
		w.open("summary")
		w.heading(2, g.Name)
		w.element("small", number(len(g.Operations)+len(g.Schemas), "entry"))
		w.close("summary")
		w.description(g.Description)
		w.operations(g.Operations)
		w.schemas(g.Schemas)
		w.close("details")
	}
}

func (w *writer) operations(list []*spec.Summary) {
	if len(list) == 0 {
		return
	}
	w.open("ul", "class", "cb-docs-list")
	for _, s := range list {
		w.open("li")
		w.open("a", "href", w.operationAddress(s.ID), "data-cb-operation", s.ID)
		w.verb(s.Verb)
		w.text(" ")
		w.element("code", s.Path)
		w.close("a")
		if s.Deprecated {
			w.tag("deprecated")
		}
		if s.Title != "" {
			w.text(" ")
			w.element("span", s.Title, "class", "cb-docs-title")
		}
		w.close("li")
	}
	w.close("ul")
}

func (w *writer) schemas(list []spec.SchemaLink) {
	if len(list) == 0 {
		return
	}
	w.open("ul", "class", "cb-docs-list")
	for _, s := range list {
		w.open("li")
		w.open("a", "href", w.schemaAddress(s.ID), "data-cb-schema", string(s.ID))
		w.element("code", s.Name)
		w.close("a")
		if s.Text != "" {
			w.text(" ")
			w.element("span", s.Text, "class", "cb-docs-title")
		}
		w.close("li")
	}
	w.close("ul")
}
