package draw

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/frame"
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

// common are the attributes of every control.
func (f *form) common(one field) []string {
	var by []string
	if one.hint(f.words) != "" {
		by = append(by, one.id+"-hint")
	}
	a := []string{"id", one.id, "name", ArgPrefix + one.name}
	if one.wrong != "" {
		by = append(by, one.id+"-error")
		a = append(a, "aria-invalid", "true")
	}
	if one.required && (one.control != checkControl || one.about.mustBeYes()) && one.control != checksControl {
		a = append(a, "required", "required")
	}
	return append(a, "aria-describedby", strings.Join(by, " "))
}

func (f *form) fill(one field) {
	a := f.common(one)
	value := f.value(one)
	switch one.control {
	case checkControl:
		checked := ""
		if value == true {
			checked = "checked"
		}
		f.open("input", append(a, "type", "checkbox", "value", "true", "checked", checked)...)
	case selectControl:
		f.choose(one, a, valueText(value))
	case linesControl, listControl, jsonControl:
		f.area(one, a, value)
	case numberControl:
		step := "any"
		if one.about.is("integer") {
			step = "1"
		}
		f.open("input", append(a, "type", "number", "step", step, "min", one.about.Minimum.String(), "max", one.about.Maximum.String(), "value", valueText(value))...)
	default:
		f.open("input", append(append(a, one.lineAttributes()...), "value", valueText(value))...)
	}
}

// value is what a field is filled with: what was filled in before, or the default. A secret is never shown again.
func (f *form) value(one field) any {
	if one.about.WriteOnly {
		return nil
	}
	if v, ok := f.spec.Values[one.name]; ok {
		return v
	}
	return one.about.Default
}

// inputs are the kinds of input for formats, with what browsers may complete.
var inputs = map[string][2]string{
	"date": {"date", ""}, "email": {"email", "email"}, "uri": {"url", "url"}, "time": {"time", ""},
}

func (f field) lineAttributes() []string {
	kind, complete := "text", ""
	if known, ok := inputs[f.about.Format]; ok {
		kind, complete = known[0], known[1]
	}
	if f.about.WriteOnly {
		kind, complete = "password", "off"
	}
	a := []string{"type", kind, "autocomplete", complete, "minlength", positive(f.about.MinLength), "maxlength", positive(f.about.MaxLength)}
	if p := f.about.Pattern; everywhere.MatchString(p) {
		a = append(a, "pattern", anchored(p))
	}
	return a
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// everywhere are patterns that browsers read as JSON Schema does. Their newer syntax refuses some characters in classes; a
// pattern with others is checked by the host alone.
var everywhere = regexp.MustCompile(`^(?:[^\[\]\\]|\\[.dws/+*?()]|\[\^?(?:\w-\w|[\w.~ @:])+\])+$`)

// anchored: browsers hold the whole value to a pattern, JSON Schema any part of it.
func anchored(p string) string {
	if strings.HasPrefix(p, "^") && strings.HasSuffix(p, "$") {
		return p
	}
	return ".*(?:" + p + ").*"
}

// options are the values that a field can have.
func (f *form) options(one field) []Choice {
	if given := f.spec.Choices[one.name]; given != nil {
		return given
	}
	enum := one.about.Enum
	if one.control == checksControl && len(enum) == 0 {
		enum = one.about.Items.Enum
	}
	all := make([]Choice, len(enum))
	for i, v := range enum {
		all[i] = Choice{valueText(v), valueText(v)}
	}
	return all
}

func (f *form) choose(one field, attributes []string, value string) {
	f.open("select", attributes...)
	options := f.options(one)
	has := func(value string) bool {
		return slices.ContainsFunc(options, func(c Choice) bool { return c.Value == value })
	}
	if !has("") && (!one.required || !has(value)) {
		empty := f.words.ask(askChoose)
		if !one.required {
			empty = "–"
		}
		f.begun("option", nil)
		f.attribute("value", "") // open would leave an empty one out, and the text would be the value
		f.raw(">")
		f.text(empty)
		f.close("option")
	}
	for _, c := range options {
		selected := ""
		if c.Value == value {
			selected = "selected"
		}
		f.begun("option", []string{"selected", selected})
		f.attribute("value", c.Value)
		f.raw(">")
		f.text(c.Label)
		f.close("option")
	}
	f.close("select")
}

// area keeps the lines of its text, which [markup.text] would join. Browsers leave the first line break out.
func (f *form) area(one field, attributes []string, value any) {
	text := valueText(value)
	if list, ok := value.([]any); ok && one.control == listControl {
		lines := make([]string, len(list))
		for i, v := range list {
			lines[i] = valueText(v)
		}
		text = strings.Join(lines, "\n")
	}
	f.open("textarea", append(attributes, "rows", "4", "maxlength", positive(one.about.MaxLength))...)
	f.raw("\n")
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			f.raw("\n")
		}
		f.text(line)
	}
	f.close("textarea")
}

// checks are a box for each value of a list.
func (f *form) checks(one field) {
	a := f.common(one)
	f.open("fieldset", "class", "cb-field", "aria-describedby", a[len(a)-1])
	f.open("legend")
	f.labelText(one)
	f.close("legend")
	f.notes(one)
	chosen := map[string]bool{}
	if list, ok := f.value(one).([]any); ok {
		for _, v := range list {
			chosen[valueText(v)] = true
		}
	}
	for i, c := range f.options(one) {
		id, checked := one.id, ""
		if i > 0 {
			id += "-" + strconv.Itoa(i+1)
		}
		if chosen[c.Value] {
			checked = "checked"
		}
		f.open("div", "class", "cb-check")
		f.open("input", "type", "checkbox", "id", id, "name", ArgPrefix+one.name, "value", c.Value, "checked", checked)
		f.element("label", c.Label, "for", id)
		f.close("div")
	}
	f.close("fieldset")
}

// valueText is a value as it is filled in.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool, json.Number:
		return fmt.Sprint(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// Outcome is what became of a form that was sent.
type Outcome struct {
	Message string
	Frames  []*frame.Frame
	// Secret: the frames hold something that is not shown again.
	Secret bool
	// Link leads on, with a title; "" = nowhere.
	Link, LinkTitle string
}

// HTML is what the sender sees in place of the form. It is told at once to who does not see the page.
func (r Outcome) HTML(o Options, entityPath func(ref string) string) string {
	words := lexiconOf(o.Language)
	o = o.withDefaults()
	var m markup
	m.open("div", "class", "cb-outcome", "role", "status", "tabindex", "-1")
	m.element("p", r.Message)
	for _, f := range r.Frames {
		if f.Rows() == 1 {
			m.facts(f, r.Secret, o, entityPath)
			continue
		}
		m.raw(Table(f, o, entityPath))
	}
	if r.Secret {
		m.element("p", words.ask(askSecret), "class", "cb-hint")
	}
	if local(r.Link) || followable(r.Link) {
		m.open("p")
		m.element("a", r.LinkTitle, "class", "cb-button", "href", r.Link, "rel", "noopener noreferrer")
		m.close("p")
	}
	m.close("div")
	return m.String()
}

// facts are the values of one row below each other, which a small screen has room for.
func (m *markup) facts(f *frame.Frame, secret bool, o Options, entityPath func(string) string) {
	w := o.formatter()
	m.open("dl", "class", "cb-facts")
	for _, c := range f.Columns {
		m.element("dt", name(c))
		m.open("dd")
		if text, ok := c.Values[0].(string); ok && secret && c.Type == frame.String {
			m.element("code", text, "class", "cb-secret", "translate", "no")
		} else {
			m.cell(c, 0, w, entityPath)
		}
		m.close("dd")
	}
	m.close("dl")
}
