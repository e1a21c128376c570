package page

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// The types of bodies that are forms; others are texts.
const (
	partsType  = "multipart/form-data"
	fieldsType = "application/x-www-form-urlencoded"
)

// mostTried is how many fields a form offers: beyond, somebody writes a program.
const mostTried = 100

// bodies are the forms of a body that can be entered.
type bodies struct {
	types   []string
	forms   []spec.Media
	texts   bool // there are types that are no forms
	example string
}

func bodiesOf(content []spec.Media) bodies {
	var b bodies
	for _, m := range content {
		kind := kindOf(m.Type)
		form := (kind == partsType || kind == fieldsType) && len(fieldsOf(m)) > 0
		if slices.Contains(b.types, m.Type) || strings.HasPrefix(kind, "multipart/") && !form {
			continue
		}
		b.types = append(b.types, m.Type)
		if form {
			b.forms = append(b.forms, m)
			continue
		}
		b.texts = true
		if b.example == "" && len(m.Examples) > 0 {
			b.example = m.Examples[0].Text
		}
	}
	return b
}

// tryBody offers a text for all types that are one, and fields for each form; what is for the first type is seen at first.
func (w *writer) tryBody(body *spec.Body) {
	if body == nil {
		return
	}
	b := bodiesOf(body.Content)
	if len(b.types) == 0 {
		return
	}
	w.openLabel("Content type")
	w.open("select", "name", "contentType")
	for _, t := range b.types {
		w.element("option", t, "value", t)
	}
	w.closeLabel("select")
	for _, m := range b.forms {
		w.tryForm(m, m.Type == b.types[0])
	}
	if b.texts {
		w.tryText(b.example, len(b.forms) == 0 || b.forms[0].Type != b.types[0])
	}
}

func kindOf(contentType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	return strings.TrimSpace(kind)
}

func (w *writer) tryText(example string, chosen bool) {
	w.WriteString(`<div data-cb-raw="1"`)
	if !chosen {
		w.WriteString(" hidden")
	}
	w.WriteString(">")
	w.openLabel("Body")
	w.open("textarea", "name", "body", "rows", "10", "spellcheck", "false")
	w.WriteByte('\n') // the parser drops one
	w.lines(example)
	w.closeLabel("textarea")
	w.close("div")
}

// fieldsOf are the fields of a form that a caller sends.
func fieldsOf(m spec.Media) []spec.Field {
	if m.Schema == nil {
		return nil
	}
	var out []spec.Field
	for _, f := range m.Schema.Fields {
		if !f.Inner && f.Schema != nil && !f.Schema.ReadOnly && len(out) < mostTried {
			out = append(out, f)
		}
	}
	return out
}

func (w *writer) tryForm(m spec.Media, chosen bool) {
	w.WriteString("<fieldset")
	if !chosen {
		w.WriteString(" hidden disabled")
	}
	w.attributes("data-cb-form", m.Type)
	w.WriteString(">")
	w.element("legend", "Fields")
	for _, f := range fieldsOf(m) {
		w.tryField(f, kindOf(m.Type) == partsType, contentTypeOf(m, f))
	}
	w.close("fieldset")
}

// contentTypeOf is what the document says of the type of a field, which may be several with commas and stars; "" = nothing.
func contentTypeOf(m spec.Media, f spec.Field) string {
	for _, e := range m.Encoding {
		for _, fact := range e.Facts {
			if e.Field == f.Name && fact.Name == spec.FactType {
				return fact.Value
			}
		}
	}
	for _, fact := range f.Schema.Facts {
		if fact.Name == spec.FactMediaType {
			return fact.Value
		}
	}
	return ""
}

// tryField is a control for a field by what it holds: a file, a value, values, or an object as JSON.
func (w *writer) tryField(f spec.Field, parts bool, contentType string) {
	one, several := strings.CutPrefix(f.Schema.Type, "array of ")
	one = strings.TrimSuffix(one, " or null")
	plain, _, _ := strings.Cut(one, " (")
	if parts && (one == "file" || one == "string (binary)" || contentType != "" && binary(contentType)) {
		w.tryFile(f, several, contentType)
		return
	}
	if !parts || strings.ContainsAny(contentType, ",*") {
		contentType = ""
	}
	switch {
	case !slices.Contains([]string{"string", "integer", "number", "boolean", "file", "anything", "value"}, plain) && len(f.Schema.Enum) == 0:
		if parts && contentType == "" {
			contentType = "application/json"
		}
		w.tryLines(f, f.Name+" (JSON)", "data-cb-type", contentType)
	case several:
		w.tryLines(f, f.Name+" (a value on each line)", "data-cb-each", "1", "data-cb-type", contentType)
	default:
		w.openLabel(f.Name)
		w.tryControl(f.Schema, f.Required, "", "data-cb-part", f.Name, "data-cb-type", contentType)
	}
}

func binary(contentType string) bool {
	kind := kindOf(contentType)
	return !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "json") && !strings.Contains(kind, "xml")
}

func (w *writer) tryFile(f spec.Field, several bool, contentType string) {
	name := f.Name + " (file)"
	if several {
		name = f.Name + " (files)"
	}
	w.openLabel(name)
	w.WriteString("<input")
	if f.Required {
		w.WriteString(" required")
	}
	each := ""
	if several {
		each = "1"
	}
	w.attributes("type", "text", "data-cb-part", f.Name, "data-cb-file", "1", "data-cb-each", each, "data-cb-type", contentType)
	w.WriteString(">")
	w.closeLabel("")
}

func (w *writer) tryLines(f spec.Field, label string, attributes ...string) {
	w.openLabel(label)
	w.WriteString("<textarea")
	if f.Required {
		w.WriteString(" required")
	}
	w.attributes(append([]string{"data-cb-part", f.Name, "rows", "3", "spellcheck", "false"}, attributes...)...)
	w.WriteString(">")
	w.closeLabel("textarea")
}
