package cataloginfo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// schemaSet compiles schemas that refer to each other by $id, and by fragments of themselves.
type schemaSet struct {
	documents map[string]*object
	compiled  map[string]*schema
}

func newSchemaSet() *schemaSet {
	return &schemaSet{documents: map[string]*object{}, compiled: map[string]*schema{}}
}

// add makes a schema known by its $id, and returns the id.
func (set *schemaSet) add(data []byte) (string, error) {
	v, err := parseOrdered(data)
	if err != nil {
		return "", fmt.Errorf("schema is not JSON: %w", err)
	}
	doc, ok := v.(*object)
	if !ok {
		return "", errors.New("schema is not an object")
	}
	id, _ := doc.values["$id"].(string)
	if id == "" {
		return "", errors.New("schema has no $id")
	}
	set.documents[id] = doc
	return id, nil
}

// compile returns the schema that ref names: "<id>" or "<id>#/definitions/<name>".
func (set *schemaSet) compile(ref string) (*schema, error) {
	if s, ok := set.compiled[ref]; ok {
		return s, nil
	}
	id, fragment, _ := strings.Cut(ref, "#")
	doc, ok := set.documents[id]
	if !ok {
		return nil, fmt.Errorf("$ref %q names no known schema", ref)
	}
	target := doc
	for key := range strings.SplitSeq(strings.TrimPrefix(fragment, "/"), "/") {
		if fragment == "" {
			break
		}
		if target, ok = target.values[key].(*object); !ok {
			return nil, fmt.Errorf("$ref %q leads nowhere", ref)
		}
	}
	// Registered before its parts are compiled, so that a schema may refer to itself.
	s := &schema{}
	set.compiled[ref] = s
	c := &compiler{set: set, id: id}
	if err := c.fill(s, target, "#"+fragment); err != nil {
		delete(set.compiled, ref)
		return nil, err
	}
	return s, nil
}

// compiler turns one document's objects into schemas.
type compiler struct {
	set *schemaSet
	id  string
}

// keywordGroups is AJV's order of evaluation: by group, and within a group as listed here.
var keywordGroups = [...]struct {
	typ      string
	keywords []string
}{
	{"number", []string{"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"}},
	{"string", []string{"maxLength", "minLength", "pattern"}},
	{"", []string{"const", "enum", "not", "anyOf", "oneOf", "allOf", "if"}},
	{"array", []string{"maxItems", "minItems", "uniqueItems", "items"}},
	{"object", []string{"maxProperties", "minProperties", "required", "additionalProperties", "properties", "patternProperties"}},
}

func annotation(keyword string) bool {
	switch keyword {
	case "$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated", "definitions", "$defs",
		"type", "then", "else", "format", "readOnly", "writeOnly":
		return true
	}
	return strings.HasPrefix(keyword, "x-")
}

func (c *compiler) fill(s *schema, o *object, where string) error {
	if ref, ok := o.get("$ref"); ok {
		return c.fillRef(s, ref, where)
	}
	if err := s.setTypes(o, where); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, group := range keywordGroups {
		checks := s.checks(group.typ)
		for _, keyword := range group.keywords {
			known[keyword] = true
			arg, ok := o.get(keyword)
			if !ok {
				continue
			}
			check, err := c.keyword(keyword, arg, o, where+"/"+keyword)
			if err != nil {
				return err
			}
			if check != nil {
				*checks = append(*checks, check)
			}
		}
		if len(s.types) == 1 && s.types[0] == group.typ && len(*checks) > 0 {
			s.typed = group.typ
		}
	}
	for _, k := range o.keys {
		if !known[k] && !annotation(k) {
			return fmt.Errorf("%s%s: keyword %q is not supported in a kind's schema", c.id, where, k)
		}
	}
	return nil
}

func (c *compiler) fillRef(s *schema, ref any, where string) error {
	name, ok := ref.(string)
	if !ok {
		return fmt.Errorf("%s%s/$ref must be a string", c.id, where)
	}
	if strings.HasPrefix(name, "#") {
		name = c.id + name
	}
	target, err := c.set.compile(name)
	if err != nil {
		return fmt.Errorf("%s%s: %w", c.id, where, err)
	}
	s.ref = target
	return nil
}

func (s *schema) setTypes(o *object, where string) error {
	switch t := o.values["type"].(type) {
	case nil:
	case string:
		s.types = []string{t}
	case []any:
		for _, name := range t {
			s.types = append(s.types, fmt.Sprint(name))
		}
	}
	for _, t := range s.types {
		switch t {
		case "string", "boolean", "null", "array", "object", "number", "integer":
		default:
			return fmt.Errorf("%s/type: unknown type %q", where, t)
		}
	}
	return nil
}

func (s *schema) checks(typ string) *[]check {
	switch typ {
	case "number":
		return &s.number
	case "string":
		return &s.text
	case "array":
		return &s.array
	case "object":
		return &s.object
	}
	return &s.anyType
}

func (c *compiler) sub(arg any, where string) (*schema, error) {
	s := &schema{}
	switch arg := arg.(type) {
	case *object:
		return s, c.fill(s, arg, where)
	case bool:
		if !arg {
			s.anyType = []check{func(r *report, _ any) {
				r.add("false schema", "boolean schema is false", "")
			}}
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s%s must be a schema", c.id, where)
}

func (c *compiler) subs(arg any, where string) ([]*schema, error) {
	list, ok := arg.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("%s%s must be a list of schemas", c.id, where)
	}
	out := make([]*schema, len(list))
	for i, x := range list {
		s, err := c.sub(x, where+"/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func compilePattern(arg any, where string) (*regexp.Regexp, error) {
	text, ok := arg.(string)
	if !ok {
		return nil, fmt.Errorf("%s must be a string", where)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return re, nil
}
