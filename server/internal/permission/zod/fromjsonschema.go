package zod

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// FromJSONSchema is the schema that the library would have rendered as that JSON Schema, for descriptions that exist in
// that form alone. It knows the keywords that the library writes; any other shape is an error, so that nothing is
// promised that is not checked. As in the library, members that are not described are ignored.
func FromJSONSchema(document json.RawMessage) (Schema, error) {
	root, err := Decode(document)
	if err != nil {
		return nil, fmt.Errorf("read a JSON Schema: %w", err)
	}
	c := &compiler{root: root, made: map[string]Schema{}}
	s, err := c.compile(root, "#")
	if err != nil {
		return nil, err
	}
	for pointer := range c.wanted {
		if c.made[pointer] == nil {
			return nil, fmt.Errorf("JSON Schema: nothing is at %s", pointer)
		}
	}
	return s, nil
}

// compiler keeps what was made at each place, so that references find it.
type compiler struct {
	root   any
	made   map[string]Schema
	wanted map[string]bool
}

func (c *compiler) compile(node any, at string) (Schema, error) {
	_, m, ok := Members(node)
	if !ok {
		return nil, fmt.Errorf("JSON Schema: %s is not an object", at)
	}
	s, err := c.choose(m, at)
	if err != nil {
		return nil, err
	}
	c.made[at] = s
	return s, nil
}

func (c *compiler) choose(m map[string]any, at string) (Schema, error) {
	if pointer, ok := m["$ref"].(string); ok {
		return c.reference(pointer), nil
	}
	if options, ok := m["anyOf"].([]any); ok {
		return c.union(options, at+"/anyOf")
	}
	switch t := m["type"].(type) {
	case nil:
		if m["not"] != nil {
			return Never(), nil
		}
		return Unknown(), nil
	case []any:
		return c.types(t, at)
	case string:
		return c.typed(t, m, at)
	}
	return nil, fmt.Errorf("JSON Schema: %s has a type that is neither a text nor a list", at)
}

func (c *compiler) reference(pointer string) Schema {
	if c.wanted == nil {
		c.wanted = map[string]bool{}
	}
	c.wanted[pointer] = true
	return Lazy(func() Schema { return c.made[pointer] })
}

func (c *compiler) union(nodes []any, at string) (Schema, error) {
	options := make([]Schema, len(nodes))
	for i, node := range nodes {
		var err error
		if options[i], err = c.compile(node, fmt.Sprintf("%s/%d", at, i)); err != nil {
			return nil, err
		}
	}
	return Union(options...), nil
}

func (c *compiler) types(names []any, at string) (Schema, error) {
	options := make([]Schema, len(names))
	for i, name := range names {
		text, _ := name.(string)
		var err error
		if options[i], err = c.typed(text, nil, at); err != nil {
			return nil, err
		}
	}
	return Union(options...), nil
}

func (c *compiler) typed(name string, m map[string]any, at string) (Schema, error) {
	switch name {
	case "string":
		return text(m), nil
	case "number", "integer":
		return numeric(name == "integer", m), nil
	case "boolean":
		return Boolean(), nil
	case "null":
		return Null(), nil
	case "array":
		return c.array(m, at)
	case "object":
		return c.object(m, at)
	}
	return nil, fmt.Errorf("JSON Schema: %s has the unknown type %q", at, name)
}

func text(m map[string]any) Schema {
	if list, ok := m["enum"].([]any); ok {
		options := make([]string, len(list))
		for i, o := range list {
			options[i], _ = o.(string)
		}
		return Enum(options...)
	}
	least, _ := m["minLength"].(float64)
	return refinedString{least: int(least), url: m["format"] == "uri"}
}

func numeric(whole bool, m map[string]any) Schema {
	s := refinedNumber{whole: whole}
	for _, bound := range []struct {
		keyword   string
		exclusive bool
		to        **bounded
	}{{"exclusiveMinimum", true, &s.least}, {"minimum", false, &s.least}, {"maximum", false, &s.most}} {
		if v, ok := m[bound.keyword].(float64); ok {
			*bound.to = &bounded{v, bound.exclusive}
		}
	}
	return s
}

func (c *compiler) array(m map[string]any, at string) (Schema, error) {
	element := Unknown()
	if m["items"] != nil {
		var err error
		if element, err = c.compile(m["items"], at+"/items"); err != nil {
			return nil, err
		}
	}
	if least, _ := m["minItems"].(float64); least == 1 {
		return NonEmpty(element), nil
	}
	return Array(element, ""), nil
}

func (c *compiler) object(m map[string]any, at string) (Schema, error) {
	if _, isSchema := m["additionalProperties"].(*ObjectValue); isSchema {
		return c.record(m, at)
	}
	names, properties, _ := Members(m["properties"])
	required := map[string]bool{}
	list, _ := m["required"].([]any)
	for _, name := range list {
		text, _ := name.(string)
		required[text] = true
	}
	fields := make([]Field, len(names))
	for i, name := range names {
		s, err := c.compile(properties[name], at+"/properties/"+name)
		if err != nil {
			return nil, err
		}
		if !required[name] {
			s = Optional(s)
		}
		fields[i] = Field{name, s}
	}
	return Object(fields...), nil
}

func (c *compiler) record(m map[string]any, at string) (Schema, error) {
	value, err := c.compile(m["additionalProperties"], at+"/additionalProperties")
	if err != nil {
		return nil, err
	}
	key := func(string) bool { return true }
	if _, names, ok := Members(m["propertyNames"]); ok {
		pattern, _ := names["pattern"].(string)
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("JSON Schema: the pattern of %s: %w", at, err)
		}
		key = expression.MatchString
	}
	return Keyed(key, value), nil
}

type unknownSchema struct{}

// Unknown expects nothing of a value, which may be missing.
func Unknown() Schema { return unknownSchema{} }

func (unknownSchema) check(any, bool, []any) outcome { return outcome{} }
func (unknownSchema) jsonSchema() members            { return members{} }

// refinedString is a text with rules. What breaks them leaves a text usable, so it only soils the outcome.
type refinedString struct {
	least int
	url   bool
}

func (s refinedString) check(v any, present bool, path []any) outcome {
	value, ok := v.(string)
	if !ok || !present {
		return abort(invalidType("string", v, present, path))
	}
	var o outcome
	if utf8.RuneCountInString(value) < s.least {
		message := fmt.Sprintf("String must contain at least %d character(s)", s.least)
		o.issues = append(o.issues, outOfBounds("too_small", "minimum", float64(s.least), "string", true, message, path))
	}
	if s.url && !IsURL(value) {
		o.issues = append(o.issues, issue{{"validation", "url"}, {"code", "invalid_string"}, {"message", "Invalid url"}, {"path", steps(path)}})
	}
	return o
}

func (s refinedString) jsonSchema() members {
	m := members{{"type", "string"}}
	if s.least > 0 {
		m = append(m, member{"minLength", s.least})
	}
	if s.url {
		m = append(m, member{"format", "uri"})
	}
	return m
}

// IsURL reports whether a text is an absolute URL, with a host where the web's schemes need one.
func IsURL(text string) bool {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme == "" {
		return false
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss", "ftp":
		return u.Host != "" || u.Opaque != ""
	}
	return true
}

// bounded is one end of a range.
type bounded struct {
	value     float64
	exclusive bool
}

// refinedNumber is a number within a range.
type refinedNumber struct {
	whole       bool
	least, most *bounded
}

func (s refinedNumber) check(v any, present bool, path []any) outcome {
	n, ok := v.(float64)
	if !ok || !present {
		return abort(invalidType("number", v, present, path))
	}
	var o outcome
	if s.whole && n != float64(int64(n)) {
		o.issues = append(o.issues, issue{
			{"code", "invalid_type"}, {"expected", "integer"}, {"received", "float"},
			{"message", "Expected integer, received float"}, {"path", steps(path)},
		})
	}
	if b := s.least; b != nil && (n < b.value || b.exclusive && n == b.value) {
		o.issues = append(o.issues, outOfBounds("too_small", "minimum", b.value, "number", !b.exclusive, b.say("greater"), path))
	}
	if b := s.most; b != nil && (n > b.value || b.exclusive && n == b.value) {
		o.issues = append(o.issues, outOfBounds("too_big", "maximum", b.value, "number", !b.exclusive, b.say("less"), path))
	}
	return o
}

func (b *bounded) say(comparison string) string {
	if b.exclusive {
		return fmt.Sprintf("Number must be %s than %v", comparison, b.value)
	}
	return fmt.Sprintf("Number must be %s than or equal to %v", comparison, b.value)
}

func (s refinedNumber) jsonSchema() members {
	m := members{{"type", "number"}}
	if s.whole {
		m[0].value = "integer"
	}
	if b := s.least; b != nil && b.exclusive {
		m = append(m, member{"exclusiveMinimum", b.value})
	} else if b != nil {
		m = append(m, member{"minimum", b.value})
	}
	if s.most != nil {
		m = append(m, member{"maximum", s.most.value})
	}
	return m
}

func outOfBounds(code, end string, value float64, kind string, inclusive bool, message string, path []any) issue {
	return issue{
		{"code", code}, {end, value}, {"type", kind}, {"inclusive", inclusive}, {"exact", false},
		{"message", message}, {"path", steps(path)},
	}
}
