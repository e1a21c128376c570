package page

import (
	"strconv"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Schema is the page of one schema.
func Schema(doc *spec.Document, s *spec.Schema, o Options) string {
	name := s.Name
	if name == "" {
		name = s.Title
	}
	if name == "" {
		name = s.Type
	}
	return draw(doc, o, "schema", name+" · "+doc.Title, func(w *writer) {
		w.way("")
		w.open("article", "class", "cb-docs-schema")
		w.heading(0, name)
		here := *s
		here.More = false // the page does not lead to itself
		w.schema(&here)
		w.examples(s.Examples)
		w.close("article")
	})
}

// schema shows one level: what the schema says of itself, its fields, and what it is related to.
func (w *writer) schema(s *spec.Schema) {
	w.open("p")
	w.typeName(s)
	w.flags(false, s.Deprecated, s.ReadOnly, s.WriteOnly)
	w.close("p")
	w.notes(s.Notes)
	w.details(s)
	w.fields(s)
	for _, v := range s.Variants {
		w.variant(v)
	}
}

// typeName is the type in words, as a link where there is more to see.
func (w *writer) typeName(s *spec.Schema) {
	switch {
	case s.External != "":
		w.element("span", s.Type, "class", "cb-docs-type")
		w.text(" described in ")
		w.outside(s.External, s.External)
	case s.More && s.ID != "":
		w.element("a", s.Type, "class", "cb-docs-type cb-docs-more", "href", w.schemaAddress(s.ID), "data-cb-schema", string(s.ID))
	default:
		w.element("span", s.Type, "class", "cb-docs-type")
	}
}

func (w *writer) flags(required, deprecated, readOnly, writeOnly bool) {
	if required {
		w.text(" ")
		w.element("span", "required", "class", "cb-docs-tag cb-docs-required")
	}
	if deprecated {
		w.tag("deprecated")
	}
	if readOnly {
		w.tag("read only")
	}
	if writeOnly {
		w.tag("write only")
	}
}

// details are the description, the rules and the values of a schema.
func (w *writer) details(s *spec.Schema) {
	w.description(s.Description)
	w.facts(s.Facts)
	if len(s.Enum) == 0 {
		return
	}
	w.open("p", "class", "cb-docs-enum")
	w.text("Values: ")
	for i, v := range s.Enum {
		if i > 0 {
			w.text(" ")
		}
		w.element("code", v)
	}
	if s.EnumLeft > 0 {
		w.text(" and " + strconv.Itoa(s.EnumLeft) + " more")
	}
	w.close("p")
}

func (w *writer) facts(facts []spec.Fact) {
	if len(facts) == 0 {
		return
	}
	w.open("ul", "class", "cb-docs-facts")
	for _, f := range facts {
		w.open("li")
		w.text(f.Name + ": ")
		w.element("code", f.Value)
		w.close("li")
	}
	w.close("ul")
}

func (w *writer) fields(s *spec.Schema) {
	if len(s.Fields) == 0 {
		return
	}
	caption := "Fields"
	if s.Name != "" {
		caption += " of " + s.Name
	}
	w.table(caption, "Name", "Type", "Description")
	for _, f := range s.Fields {
		w.open("tr")
		w.open("th", "scope", "row")
		w.element("code", f.Name)
		w.flags(f.Required, f.Schema.Deprecated, f.Schema.ReadOnly, f.Schema.WriteOnly)
		w.close("th")
		w.open("td")
		w.typeName(f.Schema)
		w.close("td")
		w.open("td")
		w.details(f.Schema)
		w.args(f.Args)
		w.close("td")
		w.close("tr")
	}
	w.endTable()
	if s.Left > 0 {
		w.element("p", strconv.Itoa(s.Left)+" more fields are not shown.", "class", "cb-docs-none")
	}
}

// args are the arguments of a field that is called.
func (w *writer) args(list []spec.Parameter) {
	if len(list) == 0 {
		return
	}
	w.open("ul", "class", "cb-docs-facts")
	for _, a := range list {
		w.open("li")
		w.element("code", a.Name)
		w.text(" ")
		w.typeName(a.Schema)
		w.close("li")
	}
	w.close("ul")
}

func (w *writer) variant(v spec.Variant) {
	w.open("div", "class", "cb-docs-variant")
	w.element("p", v.Relation, "class", "cb-docs-relation")
	w.open("ul")
	for _, s := range v.Schemas {
		w.open("li")
		w.typeName(s)
		w.details(s)
		w.close("li")
	}
	if v.Left > 0 {
		w.element("li", strconv.Itoa(v.Left)+" more")
	}
	w.close("ul")
	w.close("div")
}
