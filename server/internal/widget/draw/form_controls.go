package draw

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

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
