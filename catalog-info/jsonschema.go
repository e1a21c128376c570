package cataloginfo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/entity"
)

// schema is a compiled JSON Schema (draft 7). It exists beside the JSON Schema libraries because clients are shown the
// first error only, in the order and words of the reference's validator (AJV): groups of keywords by type, members in
// the order in which the schema lists them. A library's error tree has neither the order nor the words.
//
// Supported are the keywords that describe entity kinds; a keyword that would be ignored is refused by [compileSchema],
// so that a schema never promises what is not checked. A compiled schema is read-only and safe for concurrent use.
type schema struct {
	ref   *schema
	types []string
	// typed is the single type whose keyword group also reports the mismatch; "" = types are checked first.
	typed string

	number, text, anyType, array, object []check
}

// check reports what v violates to r.
type check func(r *report, v any)

// violation is one failed keyword, in AJV's terms.
type violation struct{ path, keyword, message, params string }

// String is the text of an error in the reference: "/spec must have … - missingProperty: type".
func (v violation) String() string { return v.where() + " " + v.message + " - " + v.params }

// where is the JSON pointer, with a word for the empty one.
func (v violation) where() string {
	if v.path == "" {
		return "<root>"
	}
	return v.path
}

// segment is one step from a value to a part of it: a member, or (key unused) an item.
type segment struct {
	key   string
	index int
}

// report collects violations in the order in which they are found, and knows the way to the value being checked; it
// becomes text only when something is wrong there.
type report struct {
	path       []segment
	violations []violation
}

func (r *report) add(keyword, message, params string) {
	var path strings.Builder
	for _, s := range r.path {
		path.WriteByte('/')
		if s.index >= 0 {
			path.WriteString(strconv.Itoa(s.index))
		} else {
			path.WriteString(entity.EscapePointer(s.key))
		}
	}
	r.violations = append(r.violations, violation{path.String(), keyword, message, params})
}

// below checks a part of the current value.
func (r *report) below(s *schema, at segment, v any) {
	r.path = append(r.path, at)
	s.check(r, v)
	r.path = r.path[:len(r.path)-1]
}

// eachKey calls f for every key: in any order while all is well, in byte order as soon as something is not. That order stands
// in for the order of the document, which an entity does not keep: of several faults the same one is always first.
func (r *report) eachKey(o map[string]any, f func(key string)) {
	before := len(r.violations)
	for k := range o {
		f(k)
	}
	if len(r.violations) == before {
		return
	}
	r.violations = r.violations[:before]
	for _, k := range sortedKeys(o) {
		f(k)
	}
}

// validate returns every violation of s by v.
func (s *schema) validate(v any) []violation {
	var r report
	s.check(&r, v)
	return r.violations
}

func (s *schema) check(r *report, v any) {
	if s.ref != nil {
		s.ref.check(r, v)
		return
	}
	if len(s.types) > 0 && s.typed == "" && !hasType(v, s.types) {
		s.wrongType(r)
	}
	s.group(r, v, "number", s.number)
	s.group(r, v, "string", s.text)
	run(s.anyType, r, v)
	s.group(r, v, "array", s.array)
	s.group(r, v, "object", s.object)
}

func (s *schema) group(r *report, v any, typ string, checks []check) {
	if len(checks) == 0 {
		return
	}
	if isType(v, typ) {
		run(checks, r, v)
	} else if s.typed == typ {
		s.wrongType(r)
	}
}

func (s *schema) wrongType(r *report) {
	names := strings.Join(s.types, ",")
	r.add("type", "must be "+names, "type: "+names)
}

func run(checks []check, r *report, v any) {
	for _, c := range checks {
		c(r, v)
	}
}

func hasType(v any, types []string) bool {
	for _, t := range types {
		if isType(v, t) {
			return true
		}
	}
	return false
}

func isType(v any, typ string) bool {
	switch typ {
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "null":
		return v == nil
	case "array":
		_, ok := v.([]any)
		return ok
	case "object":
		return asObject(v) != nil
	case "number":
		f, ok := asNumber(v)
		return ok && !math.IsInf(f, 0) && !math.IsNaN(f)
	case "integer":
		f, ok := asNumber(v)
		return ok && f == math.Trunc(f) && !math.IsInf(f, 0)
	}
	return false
}

func asObject(v any) map[string]any {
	switch m := v.(type) {
	case map[string]any:
		return m
	case entity.Entity:
		return m
	}
	return nil
}

func asNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// object is a JSON object that remembers the order of its members.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) get(key string) (any, bool) {
	v, ok := o.values[key]
	return v, ok
}

// parseOrdered reads one JSON value, with objects as *object.
func parseOrdered(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	v, err := orderedValue(dec)
	if err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("text after the JSON value, at offset %d", dec.InputOffset())
	}
	return v, nil
}

func orderedValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		o := &object{values: map[string]any{}}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := orderedValue(dec)
			if err != nil {
				return nil, err
			}
			k := key.(string)
			if _, dup := o.values[k]; !dup {
				o.keys = append(o.keys, k)
			}
			o.values[k] = v
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := orderedValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}

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
		return "", fmt.Errorf("schema is not an object")
	}
	id, _ := doc.values["$id"].(string)
	if id == "" {
		return "", fmt.Errorf("schema has no $id")
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

// plain converts an ordered value to the form entities have.
func plain(v any) any {
	switch v := v.(type) {
	case *object:
		m := make(map[string]any, len(v.keys))
		for k, x := range v.values {
			m[k] = plain(x)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = plain(x)
		}
		return list
	}
	return v
}

// scriptText is how JavaScript prints a value inside a text.
func scriptText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			if x != nil {
				parts[i] = scriptText(x)
			}
		}
		return strings.Join(parts, ",")
	case map[string]any, *object:
		return "[object Object]"
	}
	if f, ok := asNumber(v); ok {
		return scriptNumber(f)
	}
	return fmt.Sprint(v)
}

// scriptNumber is how JavaScript prints a number.
func scriptNumber(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0"
	}
	b, err := json.Marshal(f)
	if err != nil {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return string(b)
}

func codePoints(s string) int { return utf8.RuneCountInString(s) }

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
