package page

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Operation is the page of one operation.
func Operation(doc *spec.Document, op *spec.Operation, o Options) string {
	title := op.Verb + " " + op.Path
	return draw(doc, o, "operation", title+" · "+doc.Title, func(w *writer) {
		w.way(op.Group)
		w.open("article", "class", "cb-docs-operation", "id", "operation-"+op.ID)
		w.heading(0, titleOf(op))
		w.open("p", "class", "cb-docs-call")
		w.verb(op.Verb)
		w.text(" ")
		w.element("code", op.Path)
		if op.Deprecated {
			w.tag("deprecated")
		}
		w.close("p")
		w.notes(op.Notes)
		w.description(op.Description)
		w.more(op.Docs)
		w.security(op.Security)
		if !slices.Equal(op.Servers, doc.Servers) { // the index names those of all operations
			w.servers(op.Servers)
		}
		w.parameters(op.Parameters, "Parameters", 1)
		w.body(op.Body)
		w.responses(op)
		w.callbacks(op.Callbacks)
		w.snippets(op.Snippets)
		w.try(op)
		w.close("article")
	})
}

func titleOf(op *spec.Operation) string {
	if op.Title != "" {
		return op.Title
	}
	return op.Verb + " " + op.Path
}

func (w *writer) more(l spec.Link) {
	if l.URL == "" {
		return
	}
	w.open("p")
	w.text("More: ")
	w.outside(l.URL, l.Text)
	w.close("p")
}

func (w *writer) security(ways []string) {
	if len(ways) == 0 {
		return
	}
	w.heading(1, "Authentication")
	w.open("ul", "class", "cb-docs-security")
	for _, text := range ways {
		w.element("li", text)
	}
	w.close("ul")
}

// parameters is a table under a heading.
func (w *writer) parameters(list []spec.Parameter, title string, below int) {
	if len(list) == 0 {
		return
	}
	w.heading(below, title)
	w.table(title, "Name", "Type", "Description")
	for _, p := range list {
		w.open("tr")
		w.open("th", "scope", "row")
		w.element("code", p.Name)
		if p.In != "" {
			w.tag(p.In)
		}
		w.flags(p.Required, p.Deprecated, false, false)
		w.close("th")
		w.open("td")
		if p.Schema != nil {
			w.typeName(p.Schema)
		}
		w.close("td")
		w.open("td")
		w.description(p.Description)
		if p.Schema != nil {
			w.details(p.Schema)
		}
		if p.Example != "" {
			w.facts([]spec.Fact{{Name: "example", Value: p.Example}})
		}
		w.close("td")
		w.close("tr")
	}
	w.endTable()
}

func (w *writer) table(caption string, columns ...string) {
	w.open("div", "class", "cb-docs-scroll", "tabindex", "0", "role", "group", "aria-label", caption)
	w.open("table")
	w.element("caption", caption)
	w.open("thead")
	w.open("tr")
	for _, c := range columns {
		w.element("th", c, "scope", "col")
	}
	w.close("tr")
	w.close("thead")
	w.open("tbody")
}

func (w *writer) endTable() {
	w.close("tbody")
	w.close("table")
	w.close("div")
}

func (w *writer) body(b *spec.Body) {
	if b == nil {
		return
	}
	title := b.Title
	if title == "" {
		title = "Body"
	}
	w.heading(1, title)
	if b.Required {
		w.open("p")
		w.element("span", "required", "class", "cb-docs-tag cb-docs-required")
		w.close("p")
	}
	w.description(b.Description)
	w.content(b.Content, 2)
}

// content shows forms of a body. Those that have the schema of the one before are named with it.
func (w *writer) content(list []spec.Media, below int) {
	for i := 0; i < len(list); i++ {
		m := list[i]
		types := []string{m.Type}
		for i+1 < len(list) && alike(m, list[i+1]) {
			i++
			types = append(types, list[i].Type)
		}
		w.open("div", "class", "cb-docs-media")
		w.heading(below, strings.Join(types, ", "))
		if m.Schema != nil {
			w.schema(m.Schema)
		}
		w.encoding(m.Encoding)
		w.examples(m.Examples)
		w.close("div")
	}
}

// encoding says how the fields of a form are written.
func (w *writer) encoding(list []spec.Encoding) {
	if len(list) == 0 {
		return
	}
	w.table("Encoding of fields", "Name", "Encoding")
	for _, e := range list {
		w.open("tr")
		w.open("th", "scope", "row")
		w.element("code", e.Field)
		w.close("th")
		w.open("td")
		w.facts(e.Facts)
		for _, h := range e.Headers {
			w.open("p")
			w.text("Header ")
			w.element("code", h.Name)
			w.close("p")
			w.description(h.Description)
		}
		w.close("td")
		w.close("tr")
	}
	w.endTable()
}

func alike(x, y spec.Media) bool {
	if x.Schema == nil || y.Schema == nil || len(x.Encoding)+len(y.Encoding) > 0 || x.Schema.ID == "" && x.Schema != y.Schema || x.Schema.ID != y.Schema.ID || len(x.Examples) != len(y.Examples) {
		return false
	}
	for i := range x.Examples {
		if x.Examples[i] != y.Examples[i] {
			return false
		}
	}
	return true
}

func (w *writer) examples(list []spec.Example) {
	for _, e := range list {
		label := strings.TrimSpace("Example " + e.Name)
		w.open("figure", "class", "cb-docs-example")
		w.open("figcaption")
		w.text(label)
		if e.Summary != "" {
			w.text(": " + e.Summary)
		}
		if e.URL != "" {
			w.text(" ")
			w.outside(e.URL, e.URL)
		}
		w.close("figcaption")
		if e.Text != "" {
			w.code(e.Text, label, languageOf(e.Text))
		}
		w.close("figure")
	}
}

// languageOf is what an example is written in, by its beginning: authors also show JSON where they describe a form.
func languageOf(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return "json"
	case strings.HasPrefix(text, "<"):
		return "xml"
	}
	return ""
}

func (w *writer) responses(op *spec.Operation) {
	if len(op.Responses) == 0 {
		return
	}
	title := "Responses"
	if op.Verb == "SEND" || op.Verb == "RECEIVE" || op.Verb == "PUBLISH" || op.Verb == "SUBSCRIBE" {
		title = "Messages"
	}
	w.heading(1, title)
	for _, r := range op.Responses {
		w.open("section", "class", "cb-docs-response")
		w.heading(2, r.Status)
		w.description(r.Description)
		w.parameters(r.Headers, "Headers of "+r.Status, 3)
		w.content(r.Content, 3)
		w.close("section")
	}
}

func (w *writer) callbacks(list []spec.Callback) {
	if len(list) == 0 {
		return
	}
	w.heading(1, "Callbacks")
	w.table("Callbacks", "Name", "Request", "Title")
	for _, c := range list {
		w.open("tr")
		w.element("th", c.Name, "scope", "row")
		w.open("td")
		w.verb(c.Verb)
		w.text(" ")
		w.element("code", c.Path)
		w.close("td")
		w.element("td", c.Title)
		w.close("tr")
	}
	w.endTable()
}

func (w *writer) snippets(list []spec.Snippet) {
	if len(list) == 0 {
		return
	}
	w.heading(1, "Code")
	for i, s := range list {
		if i == 0 {
			w.WriteString(`<details open class="cb-docs-snippet">`)
		} else {
			w.open("details", "class", "cb-docs-snippet")
		}
		w.element("summary", s.Language)
		w.code(s.Code, s.Language, s.Language)
		w.close("details")
	}
}
