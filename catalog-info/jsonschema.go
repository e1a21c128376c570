package cataloginfo

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

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
