package zod

import (
	"bytes"
	"encoding/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
)

// member and members are an object whose members keep their order.
type member struct {
	name  string
	value any
}

type members []member

// issue is one thing that is wrong, as the library serialises it.
type issue = members

// MarshalJSON implements [json.Marshaler].
func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(e.name))
		b.WriteByte(':')
		b.Write(encode(e.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode writes JSON without escaping HTML. The values are made of JSON, so it cannot fail.
func encode(v any) []byte {
	text, err := jsvalue.JSON(v)
	if err != nil {
		return []byte("null")
	}
	return text
}

// Error is everything that is wrong with a value.
type Error struct{ issues []issue }

// Error is the issues as indented JSON: the library's own message.
func (e *Error) Error() string {
	var b bytes.Buffer
	if err := json.Indent(&b, encode(e.issues), "", "  "); err != nil {
		return "[]"
	}
	return b.String()
}

// Input is the error that answers a request with such a value.
func (e *Error) Input() *apierror.Error { return apierror.New(apierror.Input, e.Error()) }

// Because is an InputError that is caused by e: the cause is serialised with its issues.
func (e *Error) Because(message string) *apierror.Error {
	return &apierror.Error{Name: apierror.Input, Message: message + "; caused by " + e.Error(), Cause: e.Named()}
}

// Named is e under the library's own name, with its issues.
func (e *Error) Named() *apierror.Error {
	return &apierror.Error{Name: "ZodError", Message: e.Error(), Fields: map[string]any{"issues": e.issues}}
}

// JSONSchema renders s as JSON Schema draft 7.
func JSONSchema(s Schema) json.RawMessage {
	return encode(append(s.jsonSchema(), member{"$schema", "http://json-schema.org/draft-07/schema#"}))
}

func invalidType(expected string, v any, present bool, path []any) issue {
	received := typeName(v, present)
	message := "Expected " + expected + ", received " + received
	if !present {
		message = "Required"
	}
	return issue{{"code", "invalid_type"}, {"expected", expected}, {"received", received}, {"path", steps(path)}, {"message", message}}
}

func tooSmall(path []any) issue {
	return issue{
		{"code", "too_small"}, {"minimum", 1}, {"type", "array"}, {"inclusive", true}, {"exact", false},
		{"message", "Array must contain at least 1 element(s)"}, {"path", steps(path)},
	}
}

// steps is never null.
func steps(path []any) []any {
	if path == nil {
		return []any{}
	}
	return path
}

func typeName(v any, present bool) string {
	if !present {
		return "undefined"
	}
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any, *ObjectValue:
		return "object"
	}
	return "number"
}
