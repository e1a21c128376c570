// Package zod checks JSON-shaped values and words what is wrong exactly as version 3 of the validation library of that
// name does, which the reference uses for requests and rule parameters: clients and people read these messages. It also
// renders a schema as JSON Schema, as the permission metadata shows it.
package zod

import (
	"fmt"
	"slices"
)

// Schema is one expectation. It is immutable and safe for concurrent use.
type Schema interface {
	// check returns what is wrong with v; present is false for a missing member.
	check(v any, present bool, path []any) outcome
	jsonSchema() members
}

// maxIssues bounds an answer: one bad body must not be answered with a hundred times its size.
const maxIssues = 64

// maxDepth bounds nesting, in steps of the path: messages grow with its third power, as each level repeats the path,
// indented. A policy has three or four levels.
const maxDepth = 40

// outcome is the result of a check. Issues that leave the value usable (too few elements) only soil it: a union prefers
// an option with nothing worse.
type outcome struct {
	issues  []issue
	aborted bool
}

func (o outcome) ok() bool { return len(o.issues) == 0 }

func abort(i issue) outcome { return outcome{issues: []issue{i}, aborted: true} }

func (o *outcome) add(other outcome) {
	if room := maxIssues - len(o.issues); len(other.issues) > room {
		other.issues = other.issues[:max(room, 0)]
	}
	o.issues = append(o.issues, other.issues...)
	o.aborted = o.aborted || other.aborted
}

// Validate checks v; nil = it is as expected.
func Validate(s Schema, v any) *Error { return ValidateMember(s, v, true) }

// ValidateMember is [Validate] for a value that may be missing.
func ValidateMember(s Schema, v any, present bool) *Error {
	if o := s.check(v, present, nil); !o.ok() {
		return &Error{issues: o.issues}
	}
	return nil
}

// stringSchema is any text.
type stringSchema struct{ description string }

// String expects a text.
func String(description string) Schema { return stringSchema{description} }

func (s stringSchema) check(v any, present bool, path []any) outcome {
	if _, ok := v.(string); ok && present {
		return outcome{}
	}
	return abort(invalidType("string", v, present, path))
}

func (s stringSchema) jsonSchema() members {
	return described(members{{"type", "string"}}, s.description)
}

// arraySchema is a list.
type arraySchema struct {
	element     Schema
	nonempty    bool
	description string
}

// Array expects a list of elements.
func Array(element Schema, description string) Schema {
	return arraySchema{element: element, description: description}
}

// NonEmpty expects a list of at least one element.
func NonEmpty(element Schema) Schema { return arraySchema{element: element, nonempty: true} }

func (s arraySchema) check(v any, present bool, path []any) outcome {
	list, ok := v.([]any)
	if texts, isTexts := v.([]string); isTexts { // written in Go
		list, ok = make([]any, len(texts)), true
		for i, t := range texts {
			list[i] = t
		}
	}
	if !ok || !present {
		return abort(invalidType("array", v, present, path))
	}
	var o outcome
	if s.nonempty && len(list) == 0 {
		o.issues = append(o.issues, tooSmall(path))
	}
	for i, e := range list {
		if len(o.issues) >= maxIssues {
			break
		}
		o.add(s.element.check(e, true, extend(path, i)))
	}
	return o
}

func (s arraySchema) jsonSchema() members {
	m := members{{"type", "array"}, {"items", s.element.jsonSchema()}}
	if s.nonempty {
		m = append(m, member{"minItems", 1})
	}
	return described(m, s.description)
}

// Field is a member of an object.
type Field struct {
	Name   string
	Schema Schema
}

type objectSchema struct{ fields []Field }

// Object expects an object with those members; others are ignored.
func Object(fields ...Field) Schema { return objectSchema{fields} }

func (s objectSchema) check(v any, present bool, path []any) outcome {
	_, object, ok := Members(v)
	if !ok || !present {
		return abort(invalidType("object", v, present, path))
	}
	var o outcome
	for _, f := range s.fields {
		value, has := object[f.Name]
		o.add(f.Schema.check(value, has, extend(path, f.Name)))
	}
	return o
}

func (s objectSchema) jsonSchema() members {
	properties, required := members{}, []string{}
	for _, f := range s.fields {
		properties = append(properties, member{f.Name, f.Schema.jsonSchema()})
		if _, optional := f.Schema.(optionalSchema); !optional {
			required = append(required, f.Name)
		}
	}
	m := members{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		m = append(m, member{"required", required})
	}
	return append(m, member{"additionalProperties", false})
}

type optionalSchema struct{ Schema }

// Optional accepts that the value is missing.
func Optional(s Schema) Schema { return optionalSchema{s} }

func (s optionalSchema) check(v any, present bool, path []any) outcome {
	if !present {
		return outcome{}
	}
	return s.Schema.check(v, true, path)
}

type describedSchema struct {
	Schema
	description string
}

// Described is s with a description, for schemas whose constructors take none.
func Described(s Schema, description string) Schema { return describedSchema{s, description} }

func (s describedSchema) jsonSchema() members { return described(s.Schema.jsonSchema(), s.description) }

type recordSchema struct{}

// Record expects an object with any members.
func Record() Schema { return recordSchema{} }

func (recordSchema) check(v any, present bool, path []any) outcome {
	if typeName(v, present) == "object" {
		return outcome{}
	}
	return abort(invalidType("object", v, present, path))
}

func (recordSchema) jsonSchema() members {
	return members{{"type", "object"}, {"additionalProperties", members{}}}
}

type undefinedSchema struct{}

// Undefined expects that the value is missing.
func Undefined() Schema { return undefinedSchema{} }

func (undefinedSchema) check(v any, present bool, path []any) outcome {
	if !present {
		return outcome{}
	}
	return abort(invalidType("undefined", v, true, path))
}

func (undefinedSchema) jsonSchema() members { return members{{"not", members{}}} }

type literalSchema struct{ value string }

// Literal expects exactly that text.
func Literal(value string) Schema { return literalSchema{value} }

func (s literalSchema) check(v any, present bool, path []any) outcome {
	if v == s.value && present {
		return outcome{}
	}
	i := issue{{"code", "invalid_literal"}, {"expected", s.value}, {"path", steps(path)}, {"message", fmt.Sprintf("Invalid literal value, expected %q", s.value)}}
	if present {
		i = append(issue{{"received", v}}, i...)
	}
	return abort(i)
}

func (s literalSchema) jsonSchema() members {
	return members{{"type", "string"}, {"const", s.value}}
}

type unionSchema struct{ options []Schema }

// Union expects what one of the options expects.
func Union(options ...Schema) Schema { return unionSchema{options} }

func (s unionSchema) check(v any, present bool, path []any) outcome {
	if len(path) > maxDepth {
		return abort(issue{{"code", "custom"}, {"path", path[:8]}, {"message", fmt.Sprintf("Nested too deep, at most %d levels are allowed", maxDepth)}})
	}
	var failed []outcome
	for _, option := range s.options {
		o := option.check(v, present, path)
		if o.ok() {
			return o
		}
		failed = append(failed, o)
	}
	if i := slices.IndexFunc(failed, func(o outcome) bool { return !o.aborted }); i >= 0 {
		return failed[i]
	}
	errs := make([]members, len(failed))
	for i, o := range failed {
		errs[i] = members{{"issues", o.issues}, {"name", "ZodError"}}
	}
	return abort(issue{{"code", "invalid_union"}, {"unionErrors", errs}, {"path", steps(path)}, {"message", "Invalid input"}})
}

func (s unionSchema) jsonSchema() members {
	options := make([]members, len(s.options))
	for i, o := range s.options {
		options[i] = o.jsonSchema()
	}
	return members{{"anyOf", options}}
}

type lazySchema struct{ schema func() Schema }

// Lazy is a schema that refers to itself.
func Lazy(schema func() Schema) Schema { return lazySchema{schema} }

func (s lazySchema) check(v any, present bool, path []any) outcome {
	return s.schema().check(v, present, path)
}

func (s lazySchema) jsonSchema() members { return members{} }

// extend copies: paths end up in issues and must not share their ends.
func extend(path []any, step any) []any { return append(slices.Clip(path), step) }

func described(m members, description string) members {
	if description != "" {
		m = append(m, member{"description", description})
	}
	return m
}
