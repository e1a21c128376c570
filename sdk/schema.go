package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// schema is the JSON Schema of a Go type, with what is needed to tell people which member of a document is wrong.
//
// Struct tags say what a type cannot: json (the name; omitempty or omitzero make a member optional), title, desc, format,
// default, example, enum ("a,b,c"), min and max (of numbers; of the length of texts and lists), pattern, secret:"true". A member
// with a default is optional, and so is a pointer.
type schema struct {
	root   *jsonschema.Schema
	leaves map[*jsonschema.Schema]*jsonschema.Resolved
	whole  *jsonschema.Resolved
	text   string
}

const secretKey = "x-secret"

// schemaOf derives the schema of struct type t; it panics, naming what, when t has none.
func schemaOf(what string, t reflect.Type) *schema {
	if t.Kind() != reflect.Struct {
		misusef("%s: %s must be a struct, so that its JSON Schema is an object", what, t)
	}
	root, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Secret]():          {Type: "string", WriteOnly: true, Extra: map[string]any{secretKey: true}},
		reflect.TypeFor[Duration]():        {Type: "string", Pattern: durationPattern, Examples: []any{"10m", "1h30m"}},
		reflect.TypeFor[json.RawMessage](): {},
		reflect.TypeFor[time.Duration]():   {Type: "string", Extra: map[string]any{"go": "time.Duration"}},
	}})
	if err != nil {
		misusef("%s: %s has no JSON Schema: %v", what, t, err)
	}
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	decorate(what, t, root)
	s := &schema{root: root, leaves: map[*jsonschema.Schema]*jsonschema.Resolved{}}
	if s.whole, err = root.CloneSchemas().Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true}); err != nil {
		misusef("%s: a tag of %s does not fit its type: %v", what, t, err)
	}
	s.resolveLeaves(root)
	s.text = string(must(json.Marshal(root)))
	return s
}

// valueSchema is the JSON Schema of values of any type, as text; "" = any value.
func valueSchema(what string, t reflect.Type) string {
	if t == nil || t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() {
		return ""
	}
	if t.Kind() == reflect.Struct {
		return schemaOf(what, t).text
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[json.RawMessage](): {}}})
	if err != nil {
		misusef("%s: %s has no JSON Schema: %v", what, t, err)
	}
	decorate(what, t, s)
	return string(must(json.Marshal(s)))
}

// decorate adds what tags say about the members of t, and undoes "null" where Go only has an empty list or map.
func decorate(what string, t reflect.Type, s *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case s == nil:
	case t == reflect.TypeFor[time.Duration]():
		misusef("%s: JSON has no form for time.Duration that people could write; use sdk.Duration", what)
	case t.Kind() == reflect.Struct && s.Properties != nil:
		decorateStruct(what, t, s)
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && s.Items != nil:
		if slices.Contains(s.Types, "array") {
			s.Type, s.Types = "array", nil
		}
		decorate(what, t.Elem(), s.Items)
	case t.Kind() == reflect.Map && s.AdditionalProperties != nil:
		decorate(what, t.Elem(), s.AdditionalProperties)
	}
}

func decorateStruct(what string, t reflect.Type, s *jsonschema.Schema) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		member := s.Properties[name]
		if member == nil || f.Anonymous || !f.IsExported() {
			continue
		}
		decorate(what, f.Type, member)
		if err := applyTags(f.Tag, member); err != nil {
			misusef("%s: field %s.%s: %v", what, t, f.Name, err)
		}
		if f.Type.Kind() == reflect.Pointer || member.Default != nil {
			s.Required = slices.DeleteFunc(s.Required, func(r string) bool { return r == name })
		}
	}
}

func applyTags(tag reflect.StructTag, s *jsonschema.Schema) error {
	if v := tag.Get("title"); v != "" {
		s.Title = v
	}
	if v := tag.Get("desc"); v != "" {
		s.Description = v
	}
	if v := tag.Get("format"); v != "" {
		s.Format = v
	}
	if v := tag.Get("pattern"); v != "" {
		s.Pattern = v
	}
	if tag.Get("secret") == "true" {
		if !is(s, "string") {
			return fmt.Errorf("secret:%q is for texts", "true")
		}
		s.WriteOnly = true
		s.Extra = map[string]any{secretKey: true}
	}
	if v, ok := tag.Lookup("enum"); ok {
		for option := range strings.SplitSeq(v, ",") {
			literal, err := literalOf(s, option)
			if err != nil {
				return fmt.Errorf("enum: %w", err)
			}
			s.Enum = append(s.Enum, literal)
		}
	}
	if v, ok := tag.Lookup("example"); ok {
		literal, err := literalOf(s, v)
		if err != nil {
			return fmt.Errorf("example: %w", err)
		}
		s.Examples = []any{literal}
	}
	if v, ok := tag.Lookup("default"); ok {
		literal, err := literalOf(s, v)
		if err != nil {
			return fmt.Errorf("default: %w", err)
		}
		s.Default = must(json.Marshal(literal))
	}
	return applyBounds(tag, s)
}

func applyBounds(tag reflect.StructTag, s *jsonschema.Schema) error {
	for name, set := range map[string]struct {
		number        **float64
		length, items **int
	}{
		"min": {&s.Minimum, &s.MinLength, &s.MinItems},
		"max": {&s.Maximum, &s.MaxLength, &s.MaxItems},
	} {
		v, ok := tag.Lookup(name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return fmt.Errorf("%s:%q is no number", name, v)
		}
		switch {
		case is(s, "number"), is(s, "integer"):
			*set.number = &n
		case is(s, "string"):
			*set.length = new(int(n))
		case is(s, "array"):
			*set.items = new(int(n))
		default:
			return fmt.Errorf("%s is for numbers, texts and lists", name)
		}
	}
	return nil
}

func is(s *jsonschema.Schema, typ string) bool { return s.Type == typ || slices.Contains(s.Types, typ) }

// literalOf reads the text of a tag as the schema's type.
func literalOf(s *jsonschema.Schema, text string) (any, error) {
	if is(s, "string") {
		return text, nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("%q is no JSON value", text)
	}
	return v, nil
}

// resolveLeaves prepares every schema without members of its own, which are checked one by one.
func (s *schema) resolveLeaves(n *jsonschema.Schema) {
	if n == nil {
		return
	}
	for _, member := range n.Properties {
		s.resolveLeaves(member)
	}
	s.resolveLeaves(n.Items)
	s.resolveLeaves(n.AdditionalProperties)
	shallow := n.CloneSchemas()
	shallow.Properties, shallow.Required, shallow.AdditionalProperties, shallow.Items = nil, nil, nil, nil
	s.leaves[n] = must(shallow.Resolve(nil))
}
