package draw

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FormSpec is a form that is filled in.
type FormSpec struct {
	// ID begins the ids of the form's elements: letters, digits and dashes. Forms of one page need different ones.
	ID string
	// Action is the path that the form is sent to.
	Action string
	// Description is above the fields.
	Description string
	// Button is what the button says that sends it.
	Button string
	// Schema is the JSON Schema of what is filled in, an object; nil = nothing is, there is a button alone.
	Schema json.RawMessage
	// Hidden travels with it, by name and value.
	Hidden [][2]string
	// Values are what is filled in at first, by field.
	Values map[string]any
	// Choices are what fields can be, beside an enum of the schema.
	Choices map[string][]Choice
	// Errors are what is wrong, by field, "" = the form as a whole.
	Errors map[string]string
}

// Choice is one value of a field.
type Choice struct{ Value, Label string }

// Form is a form that works without a script, wherever a browser may send it: labels and errors are tied to their fields,
// and what is wrong is told first, with links to where.
func Form(s FormSpec, o Options) (string, error) {
	schema, err := readSchema(s.Schema)
	if err != nil {
		return "", err
	}
	f := &form{spec: s, words: lexiconOf(o.Language)}
	for i, p := range schema.Properties {
		f.fields = append(f.fields, field{property: p, id: s.ID + "-" + strconv.Itoa(i+1), required: slices.Contains(schema.Required, p.name),
			control: p.about.control(s.Choices[p.name] != nil), wrong: s.Errors[p.name]})
	}
	f.open("form", "class", "cb-form", "id", s.ID, "method", "post", "action", s.Action, "accept-charset", "utf-8")
	if s.Description != "" {
		f.element("p", s.Description, "class", "cb-about")
	}
	f.summary()
	for _, h := range s.Hidden {
		f.open("input", "type", "hidden", "name", h[0], "value", h[1])
	}
	for _, one := range f.fields {
		f.field(one)
	}
	f.open("p", "class", "cb-send")
	f.element("button", s.Button, "type", "submit", "class", "cb-button cb-primary")
	f.close("p")
	f.close("form")
	return f.String(), nil
}

// form is a form while it is written.
type form struct {
	markup

	spec   FormSpec
	words  lexicon
	fields []field
}

// field is one field of it.
type field struct {
	property

	id       string
	required bool
	control  control
	wrong    string
}

func (f field) label() string {
	if f.about.Title != "" {
		return f.about.Title
	}
	return f.name
}

// summary is told at once to who does not see the page. It takes the focus when a script shows it.
func (f *form) summary() {
	if len(f.spec.Errors) == 0 {
		return
	}
	f.open("div", "class", "cb-wrong", "role", "alert", "tabindex", "-1")
	f.element("strong", f.words.ask(askProblems))
	if text, there := f.spec.Errors[""]; there {
		f.element("p", cmp.Or(text, f.words.ask(askFailed)))
	}
	left := maps.Clone(f.spec.Errors)
	delete(left, "")
	if len(left) > 0 {
		f.wrongFields(left)
	}
	f.close("div")
}

// wrongFields lead to where something is wrong.
func (f *form) wrongFields(left map[string]string) {
	f.open("ul")
	for _, one := range f.fields {
		if one.wrong == "" {
			continue
		}
		delete(left, one.name)
		f.open("li")
		f.element("a", one.label()+": "+one.wrong, "href", "#"+one.id)
		f.close("li")
	}
	for _, name := range slices.Sorted(maps.Keys(left)) { // of no field of this form
		f.element("li", name+": "+left[name])
	}
	f.close("ul")
}

func (f *form) field(one field) {
	if one.control == checksControl {
		f.checks(one)
		return
	}
	class := "cb-field"
	if one.control == checkControl {
		class += " cb-check"
	}
	f.open("div", "class", class)
	if one.control == checkControl {
		f.fill(one)
		f.label(one)
		f.notes(one)
	} else {
		f.label(one)
		f.notes(one)
		f.fill(one)
	}
	f.close("div")
}

func (f *form) label(one field) {
	f.open("label", "for", one.id)
	f.labelText(one)
	f.close("label")
}

func (f *form) labelText(one field) {
	f.text(one.label())
	if one.required {
		f.raw(" ")
		f.element("span", "("+f.words.ask(askRequired)+")", "class", "cb-required")
	}
}

// notes are the description and what is wrong, which the field is described by.
func (f *form) notes(one field) {
	if hint := one.hint(f.words); hint != "" {
		f.element("span", hint, "class", "cb-hint", "id", one.id+"-hint")
	}
	if one.wrong != "" {
		f.element("strong", one.wrong, "class", "cb-error", "id", one.id+"-error")
	}
}

func (f field) hint(l lexicon) string {
	hint := f.about.Description
	if f.control == listControl {
		hint = strings.TrimSpace(hint + " (" + l.ask(askLines) + ")")
	}
	return hint
}
