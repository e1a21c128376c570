package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// schema is the JSON Schema of a Go type, with what is needed to tell people which member of a document is wrong.
//
// Struct tags say what a type cannot: json (the name; omitempty or omitzero make a member optional), title, desc, format,
// default, enum ("a,b,c"), min and max (of numbers; of the length of texts and lists), pattern, secret:"true". A member
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
		misuse("%s: %s must be a struct, so that its JSON Schema is an object", what, t)
	}
	root, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Secret]():          {Type: "string", WriteOnly: true, Extra: map[string]any{secretKey: true}},
		reflect.TypeFor[Duration]():        {Type: "string", Pattern: durationPattern, Examples: []any{"10m", "1h30m"}},
		reflect.TypeFor[json.RawMessage](): {},
		reflect.TypeFor[time.Duration]():   {Type: "string", Extra: map[string]any{"go": "time.Duration"}},
	}})
	if err != nil {
		misuse("%s: %s has no JSON Schema: %v", what, t, err)
	}
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	decorate(what, t, root)
	s := &schema{root: root, leaves: map[*jsonschema.Schema]*jsonschema.Resolved{}}
	if s.whole, err = root.CloneSchemas().Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true}); err != nil {
		misuse("%s: a tag of %s does not fit its type: %v", what, t, err)
	}
	s.resolveLeaves(root)
	s.text = string(must(json.Marshal(root)))
	return s
}

// decorate adds what tags say about the members of t, and undoes "null" where Go only has an empty list or map.
func decorate(what string, t reflect.Type, s *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case s == nil:
	case t == reflect.TypeFor[time.Duration]():
		misuse("%s: JSON has no form for time.Duration that people could write; use sdk.Duration", what)
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
			misuse("%s: field %s.%s: %v", what, t, f.Name, err)
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
		for _, option := range strings.Split(v, ",") {
			literal, err := literalOf(s, option)
			if err != nil {
				return fmt.Errorf("enum: %w", err)
			}
			s.Enum = append(s.Enum, literal)
		}
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

// decode checks data against the schema, fills in defaults and stores it in into, a pointer to the Go type. Diagnostics
// name each member that is wrong by its JSON Pointer, and never repeat the value of a secret.
func (s *schema) decode(data []byte, into any) []*pluginv1.Diagnostic {
	doc := map[string]any{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &doc); err != nil || doc == nil {
			return []*pluginv1.Diagnostic{problem("", "must be a JSON object")}
		}
	}
	if found := s.check(s.root, doc, "", nil); len(found) > 0 {
		return found
	}
	if err := s.fill(data, into); err != nil {
		return []*pluginv1.Diagnostic{decodeProblem(err)}
	}
	return nil
}

// fill decodes with defaults. It keeps numbers as they are written: an id beyond 2^53 must not change.
func (s *schema) fill(data []byte, into any) error {
	exact := map[string]any{}
	if len(data) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&exact); err != nil {
			return err
		}
	}
	if err := s.whole.ApplyDefaults(&exact); err != nil {
		return err
	}
	full, err := json.Marshal(exact)
	if err != nil {
		return err
	}
	return json.Unmarshal(full, into)
}

// decodeProblem leaves the text of the error out, which may quote a secret, unless it is known to name types only.
func decodeProblem(err error) *pluginv1.Diagnostic {
	if e, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // encoding/json does not wrap it
		return problem("/"+strings.ReplaceAll(e.Field, ".", "/"), "does not fit "+e.Type.String())
	}
	return problem("", "a value cannot be read into the plugin's type")
}

// check walks schema and value together.
func (s *schema) check(n *jsonschema.Schema, v any, path string, found []*pluginv1.Diagnostic) []*pluginv1.Diagnostic {
	if err := s.leaves[n].Validate(v); err != nil {
		return append(found, problem(path, sentence(n, err)))
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(n, v, path, found)
	case []any:
		for i, item := range v {
			if n.Items != nil {
				found = s.check(n.Items, item, path+"/"+strconv.Itoa(i), found)
			}
		}
	case string:
		if n.Format == "uri" {
			if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" {
				found = append(found, problem(path, "must be an absolute address such as https://example.com"))
			}
		}
	}
	return found
}

func (s *schema) checkObject(n *jsonschema.Schema, doc map[string]any, path string, found []*pluginv1.Diagnostic) []*pluginv1.Diagnostic {
	for _, name := range n.Required {
		if _, ok := doc[name]; !ok {
			found = append(found, problem(path+"/"+pointer(name), "is missing"))
		}
	}
	for _, name := range sortedKeys(doc) {
		at := path + "/" + pointer(name)
		switch member := n.Properties[name]; {
		case member != nil:
			found = s.check(member, doc[name], at, found)
		case n.AdditionalProperties == nil: // any, in a map of anything
		case n.AdditionalProperties.Not != nil: // none but the struct's
			found = append(found, problem(at, unknown(n.PropertyOrder)))
		default:
			found = s.check(n.AdditionalProperties, doc[name], at, found)
		}
	}
	return found
}

func unknown(known []string) string {
	if len(known) == 0 {
		return "is not known; there is nothing to set"
	}
	return "is not known; known are " + strings.Join(known, ", ")
}

// sentence says what a value must be. It is made of the schema, not of the validator's text, which quotes values.
func sentence(n *jsonschema.Schema, err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "type:"):
		types := n.Types
		if n.Type != "" {
			types = []string{n.Type}
		}
		return "must be of type " + strings.Join(types, " or ")
	case len(n.Enum) > 0 && strings.Contains(text, "enum:"):
		options := make([]string, len(n.Enum))
		for i, o := range n.Enum {
			options[i] = fmt.Sprint(o)
		}
		return "must be one of " + strings.Join(options, ", ")
	case n.Minimum != nil && strings.Contains(text, "minimum:"):
		return fmt.Sprintf("must be at least %v", *n.Minimum)
	case n.Maximum != nil && strings.Contains(text, "maximum:"):
		return fmt.Sprintf("must be at most %v", *n.Maximum)
	case n.MinLength != nil && strings.Contains(text, "minLength:"):
		return fmt.Sprintf("must have at least %d characters", *n.MinLength)
	case n.MaxLength != nil && strings.Contains(text, "maxLength:"):
		return fmt.Sprintf("must have at most %d characters", *n.MaxLength)
	case n.MinItems != nil && strings.Contains(text, "minItems:"):
		return fmt.Sprintf("must have at least %d entries", *n.MinItems)
	case n.MaxItems != nil && strings.Contains(text, "maxItems:"):
		return fmt.Sprintf("must have at most %d entries", *n.MaxItems)
	case n.Pattern != "":
		return "must match " + n.Pattern
	}
	return "does not fit the schema"
}

// secretsIn collects the values of members that are marked as secret.
func (s *schema) secretsIn(data []byte) []string {
	var doc any
	if json.Unmarshal(data, &doc) != nil {
		return nil
	}
	var found []string
	var walk func(n *jsonschema.Schema, v any)
	walk = func(n *jsonschema.Schema, v any) {
		if n == nil {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				if n.Properties != nil {
					walk(n.Properties[name], member)
				} else {
					walk(n.AdditionalProperties, member)
				}
			}
		case []any:
			for _, item := range v {
				walk(n.Items, item)
			}
		case string:
			if n.Extra[secretKey] == true {
				found = append(found, v)
			}
		}
	}
	walk(s.root, doc)
	return found
}

func problem(path, summary string) *pluginv1.Diagnostic {
	return &pluginv1.Diagnostic{
		Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: string(inputName), Path: path,
		Summary: strings.TrimSpace(strings.TrimPrefix(path, "/") + " " + summary),
	}
}

// pointer escapes a member's name for a JSON Pointer.
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
