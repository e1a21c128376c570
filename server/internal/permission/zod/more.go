package zod

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

type typeSchema struct{ name string }

// Number expects a number.
func Number() Schema { return typeSchema{"number"} }

// Boolean expects true or false.
func Boolean() Schema { return typeSchema{"boolean"} }

// Null expects null.
func Null() Schema { return typeSchema{"null"} }

func (s typeSchema) check(v any, present bool, path []any) outcome {
	if typeName(v, present) == s.name {
		return outcome{}
	}
	return abort(invalidType(s.name, v, present, path))
}

func (s typeSchema) jsonSchema() members { return members{{"type", s.name}} }

type neverSchema struct{}

// Never expects nothing: no value is right.
func Never() Schema { return neverSchema{} }

func (neverSchema) check(v any, present bool, path []any) outcome {
	return abort(invalidType("never", v, present, path))
}

func (neverSchema) jsonSchema() members { return members{{"not", members{}}} }

type enumSchema struct{ options []string }

// Enum expects one of some texts.
func Enum(options ...string) Schema { return enumSchema{options} }

func (s enumSchema) check(v any, present bool, path []any) outcome {
	text, ok := v.(string)
	if !ok || !present {
		expected := "'" + strings.Join(s.options, "' | '") + "'"
		i := invalidType(expected, v, present, path)
		return abort(append(issue{i[1], i[2], i[0]}, i[3:]...)) // the library's own order
	}
	if slices.Contains(s.options, text) {
		return outcome{}
	}
	message := fmt.Sprintf("Invalid enum value. Expected '%s', received '%s'", strings.Join(s.options, "' | '"), text)
	return abort(issue{{"received", text}, {"code", "invalid_enum_value"}, {"options", s.options}, {"path", steps(path)}, {"message", message}})
}

func (s enumSchema) jsonSchema() members {
	return members{{"type", "string"}, {"enum", s.options}}
}

type keyedSchema struct {
	key   func(string) bool
	value Schema
}

// Keyed expects an object of which every key passes and every value is as expected. Keys are checked in the order of [Members].
func Keyed(key func(string) bool, value Schema) Schema { return keyedSchema{key, value} }

func (s keyedSchema) check(v any, present bool, path []any) outcome {
	names, object, ok := Members(v)
	if !ok || !present {
		return abort(invalidType("object", v, present, path))
	}
	var o outcome
	for _, name := range names {
		if len(o.issues) >= maxIssues {
			break
		}
		at := extend(path, name)
		if !s.key(name) {
			o.add(outcome{issues: []issue{{{"validation", "regex"}, {"code", "invalid_string"}, {"message", "Invalid"}, {"path", steps(at)}}}})
		}
		o.add(s.value.check(object[name], true, at))
	}
	return o
}

func (s keyedSchema) jsonSchema() members {
	return members{{"type", "object"}, {"additionalProperties", s.value.jsonSchema()}}
}

type strictSchema struct{ objectSchema }

// Strict expects an object with those members and no others.
func Strict(fields ...Field) Schema { return strictSchema{objectSchema{fields}} }

func (s strictSchema) check(v any, present bool, path []any) outcome {
	o := s.objectSchema.check(v, present, path)
	names, _, _ := Members(v)
	var unknown []string
	for _, name := range names {
		if !slices.ContainsFunc(s.fields, func(f Field) bool { return f.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return o
	}
	message := "Unrecognized key(s) in object: '" + strings.Join(unknown, "', '") + "'"
	o.add(outcome{issues: []issue{{{"code", "unrecognized_keys"}, {"keys", unknown}, {"path", steps(path)}, {"message", message}}}})
	return o
}

// Sentence words the issues for people, as the companion library "zod-validation-error" does.
func (e *Error) Sentence() string {
	return "Validation error: " + sentence(e.issues)
}

func sentence(issues []issue) string {
	parts := make([]string, len(issues))
	for i, one := range issues {
		parts[i] = one.sentence()
	}
	return strings.Join(parts, "; ")
}

func (m members) sentence() string {
	if errs, ok := m.get("unionErrors").([]members); ok {
		var options []string
		for _, e := range errs {
			issues, _ := e.get("issues").([]issue)
			if s := sentence(issues); !slices.Contains(options, s) {
				options = append(options, s)
			}
		}
		return strings.Join(options, ", or ")
	}
	message, _ := m.get("message").(string)
	path, _ := m.get("path").([]any)
	if len(path) == 0 {
		return message
	}
	if i, ok := path[0].(int); ok && len(path) == 1 {
		return message + " at index " + strconv.Itoa(i)
	}
	return message + ` at "` + joinPath(path) + `"`
}

func (m members) get(name string) any {
	for _, e := range m {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

func joinPath(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if len(path) > 1 && (strings.Contains(s, `"`) || !strings.ContainsFunc(s, startsName)) {
				b.WriteString(`["` + strings.ReplaceAll(s, `"`, `\"`) + `"]`)
				continue
			}
			if s == "" {
				s = `""`
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

// startsName reports whether a name in JavaScript may start with r. The library looks for one anywhere.
func startsName(r rune) bool {
	return r == '$' || r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Other_ID_Start, r)
}
