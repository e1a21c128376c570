package httpx

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// violations checks value with kin-openapi and words what is wrong in the manner of the reference's validator (AJV),
// whose texts clients show: "request/body/limit must be number".
//
// The validator stops at the first violation, but reports all branches of a failed oneOf or anyOf.
func violations(schema *openapi3.Schema, value any, at string) []string {
	if schema.VisitJSON(value, openapi3.FailFast(), openapi3.DisableReadOnlyValidation()) == nil {
		return nil
	}
	if found := explain(schema, value, at, 0); len(found) > 0 {
		return found
	}
	return []string{at + " must be valid"} // a rule that explain does not know
}

const maxSchemaDepth = 64

// explain asks in AJV's order: type, rules of numbers and strings, enum and combinations, rules of arrays and objects.
func explain(s *openapi3.Schema, value any, at string, depth int) []string {
	if depth > maxSchemaDepth || value == nil && s.Nullable {
		return nil
	}
	if types := s.Type.Slice(); len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return hasType(value, t) }) {
		return []string{at + " must be " + strings.Join(types, ",")}
	}
	var wrong string
	switch v := value.(type) {
	case float64:
		wrong = explainNumber(s, v)
	case string:
		wrong = explainString(s, v)
	}
	if wrong != "" {
		return []string{at + " " + wrong}
	}
	if found := explainChoice(s, value, at, depth); found != nil {
		return found
	}
	switch v := value.(type) {
	case []any:
		return explainArray(s, v, at, depth)
	case map[string]any:
		return explainObject(s, v, at, depth)
	}
	return nil
}

func hasType(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == openapi3.TypeNull
	case bool:
		return name == openapi3.TypeBoolean
	case string:
		return name == openapi3.TypeString
	case float64:
		return name == openapi3.TypeNumber || name == openapi3.TypeInteger && v == math.Trunc(v)
	case []any:
		return name == openapi3.TypeArray
	case map[string]any:
		return name == openapi3.TypeObject
	default:
		return false
	}
}

func explainNumber(s *openapi3.Schema, v float64) string {
	switch {
	case s.Max != nil && v > *s.Max:
		return "must be <= " + jsNumber(*s.Max)
	case s.Min != nil && v < *s.Min:
		return "must be >= " + jsNumber(*s.Min)
	case s.ExclusiveMax.IsTrue() && s.Max != nil && v == *s.Max:
		return "must be < " + jsNumber(*s.Max)
	case s.ExclusiveMin.IsTrue() && s.Min != nil && v == *s.Min:
		return "must be > " + jsNumber(*s.Min)
	case s.MultipleOf != nil && math.Mod(v, *s.MultipleOf) != 0:
		return "must be multiple of " + jsNumber(*s.MultipleOf)
	}
	return ""
}

func explainString(s *openapi3.Schema, v string) string {
	length := uint64(utf8.RuneCountInString(v))
	switch {
	case s.MaxLength != nil && length > *s.MaxLength:
		return fmt.Sprintf("must NOT have more than %d characters", *s.MaxLength)
	case length < s.MinLength:
		return fmt.Sprintf("must NOT have fewer than %d characters", s.MinLength)
	case len(s.Enum) > 0:
		return ""
	case s.Pattern != "" && fails(&openapi3.Schema{Type: s.Type, Pattern: s.Pattern}, v):
		return fmt.Sprintf("must match pattern %q", s.Pattern)
	case s.Format != "" && fails(&openapi3.Schema{Type: s.Type, Format: s.Format}, v):
		return fmt.Sprintf("must match format %q", s.Format)
	}
	return ""
}

func fails(s *openapi3.Schema, v any) bool { return s.VisitJSON(v, openapi3.FailFast()) != nil }

// explainChoice returns nil when all combinations hold.
func explainChoice(s *openapi3.Schema, value any, at string, depth int) []string {
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(allowed any) bool { return reflect.DeepEqual(allowed, value) }) {
		allowed := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			allowed[i] = fmt.Sprint(v)
		}
		return []string{at + " must be equal to one of the allowed values: " + strings.Join(allowed, ", ")}
	}
	if s.Not != nil && !fails(s.Not.Value, value) {
		return []string{at + " must NOT be valid"}
	}
	if found, held := explainBranches(s.AnyOf, value, at, depth); len(s.AnyOf) > 0 && held == 0 {
		return append(found, at+" must match a schema in anyOf")
	}
	if found, held := explainBranches(s.OneOf, value, at, depth); len(s.OneOf) > 0 && held != 1 {
		return append(found, at+" must match exactly one schema in oneOf")
	}
	for _, ref := range s.AllOf {
		if found := explain(ref.Value, value, at, depth+1); len(found) > 0 {
			return found
		}
	}
	return nil
}

func explainBranches(branches openapi3.SchemaRefs, value any, at string, depth int) (found []string, held int) {
	for _, ref := range branches {
		wrong := explain(ref.Value, value, at, depth+1)
		if len(wrong) == 0 {
			held++
		}
		found = append(found, wrong...)
	}
	return found, held
}

func explainArray(s *openapi3.Schema, v []any, at string, depth int) []string {
	length := uint64(len(v))
	switch {
	case s.MaxItems != nil && length > *s.MaxItems:
		return []string{fmt.Sprintf("%s must NOT have more than %d items", at, *s.MaxItems)}
	case length < s.MinItems:
		return []string{fmt.Sprintf("%s must NOT have fewer than %d items", at, s.MinItems)}
	}
	if s.Items != nil {
		for i, item := range v {
			if found := explain(s.Items.Value, item, at+"/"+strconv.Itoa(i), depth+1); len(found) > 0 {
				return found
			}
		}
	}
	if s.UniqueItems {
		for i := range v {
			for j := range i {
				if reflect.DeepEqual(v[i], v[j]) {
					return []string{fmt.Sprintf("%s must NOT have duplicate items (items ## %d and %d are identical)", at, j, i)}
				}
			}
		}
	}
	return nil
}

func explainObject(s *openapi3.Schema, v map[string]any, at string, depth int) []string {
	size := uint64(len(v))
	switch {
	case s.MaxProps != nil && size > *s.MaxProps:
		return []string{fmt.Sprintf("%s must NOT have more than %d properties", at, *s.MaxProps)}
	case size < s.MinProps:
		return []string{fmt.Sprintf("%s must NOT have fewer than %d properties", at, s.MinProps)}
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return []string{fmt.Sprintf("%s must have required property '%s'", at, name)}
		}
	}
	if found := explainExtra(s, v, at, depth); found != nil {
		return found
	}
	for _, name := range properties(s) {
		member, given := v[name]
		if ref := s.Properties[name]; given && ref != nil {
			if found := explain(ref.Value, member, at+"/"+pointerToken(name), depth+1); len(found) > 0 {
				return found
			}
		}
	}
	return nil
}

func explainExtra(s *openapi3.Schema, v map[string]any, at string, depth int) []string {
	extra := s.AdditionalProperties
	if extra.Schema == nil && (extra.Has == nil || *extra.Has) {
		return nil
	}
	names := make([]string, 0, len(v))
	for name := range v {
		if _, known := s.Properties[name]; !known {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		if extra.Schema == nil {
			return []string{at + " must NOT have additional properties"}
		}
		if found := explain(extra.Schema.Value, v[name], at+"/"+pointerToken(name), depth+1); len(found) > 0 {
			return found
		}
	}
	return nil
}

// properties lists the names in the order of the specification.
func properties(s *openapi3.Schema) []string {
	if noted, ok := s.Extensions[propertyOrder].([]any); ok {
		names := make([]string, len(noted))
		for i, n := range noted {
			names[i], _ = n.(string)
		}
		return names
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func pointerToken(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func jsNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
