package cataloginfo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// keyword compiles one keyword into its check; nil = nothing to check.
func (c *compiler) keyword(name string, arg any, o *object, where string) (check, error) {
	switch name {
	case "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf":
		return c.numeric(name, arg, where)
	case "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties":
		return c.size(name, arg, where)
	case "pattern":
		return c.pattern(arg, where)
	case "const", "enum":
		return c.oneOfValues(name, arg, where)
	case "not":
		return c.not(arg, where)
	case "anyOf", "oneOf", "allOf":
		return c.combination(name, arg, where)
	case "if":
		return c.condition(arg, o, where)
	case "uniqueItems":
		return c.unique(arg), nil
	case "items":
		return c.items(arg, where)
	case "required":
		return c.required(arg, where)
	case "additionalProperties":
		return c.additional(arg, o, where)
	case "properties":
		return c.properties(arg, where)
	case "patternProperties":
		return c.patternProperties(arg, where)
	}
	return nil, fmt.Errorf("%s%s: keyword is not supported", c.id, where)
}

func (c *compiler) number(arg any, where string) (float64, error) {
	n, ok := arg.(float64)
	if !ok {
		return 0, fmt.Errorf("%s%s must be a number", c.id, where)
	}
	return n, nil
}

func (c *compiler) numeric(name string, arg any, where string) (check, error) {
	limit, err := c.number(arg, where)
	if err != nil {
		return nil, err
	}
	op, ok := "", func(float64) bool { return true }
	switch name {
	case "maximum":
		op, ok = "<=", func(f float64) bool { return f <= limit }
	case "minimum":
		op, ok = ">=", func(f float64) bool { return f >= limit }
	case "exclusiveMaximum":
		op, ok = "<", func(f float64) bool { return f < limit }
	case "exclusiveMinimum":
		op, ok = ">", func(f float64) bool { return f > limit }
	}
	message := "must be " + op + " " + jsvalue.Number(limit)
	params := "comparison: " + op + ", limit: " + jsvalue.Number(limit)
	if name == "multipleOf" {
		message, params = "must be multiple of "+jsvalue.Number(limit), "multipleOf: "+jsvalue.Number(limit)
		ok = func(f float64) bool { q := f / limit; return q == math.Trunc(q) }
	}
	return func(r *report, v any) {
		if f, _ := asNumber(v); !ok(f) {
			r.add(name, message, params)
		}
	}, nil
}

func (c *compiler) size(name string, arg any, where string) (check, error) {
	n, err := c.number(arg, where)
	if err != nil {
		return nil, err
	}
	limit, atLeast := int(n), strings.HasPrefix(name, "min")
	unit := map[string]string{"Length": "characters", "Items": "items", "Properties": "properties"}[name[3:]]
	message := fmt.Sprintf("must NOT have more than %d %s", limit, unit)
	if atLeast {
		message = fmt.Sprintf("must NOT have fewer than %d %s", limit, unit)
	}
	params := "limit: " + strconv.Itoa(limit)
	return func(r *report, v any) {
		var size int
		switch v := v.(type) {
		case string:
			size = utf8.RuneCountInString(v)
		case []any:
			size = len(v)
		default:
			size = len(asObject(v))
		}
		if atLeast && size < limit || !atLeast && size > limit {
			r.add(name, message, params)
		}
	}, nil
}

func (c *compiler) pattern(arg any, where string) (check, error) {
	re, err := compilePattern(arg, c.id+where)
	if err != nil {
		return nil, err
	}
	return func(r *report, v any) {
		if text, _ := v.(string); !re.MatchString(text) {
			r.add("pattern", `must match pattern "`+re.String()+`"`, "pattern: "+re.String())
		}
	}, nil
}

func (c *compiler) oneOfValues(name string, arg any, where string) (check, error) {
	message, params, allowed := "must be equal to constant", "allowedValue: "+scriptText(arg), []any{plain(arg)}
	if name == "enum" {
		list, ok := arg.([]any)
		if !ok {
			return nil, fmt.Errorf("%s%s must be a list", c.id, where)
		}
		allowed, _ = plain(list).([]any)
		message, params = "must be equal to one of the allowed values", "allowedValues: "+scriptText(arg)
	}
	return func(r *report, v any) {
		if !slices.ContainsFunc(allowed, func(x any) bool { return equalJSON(x, v) }) {
			r.add(name, message, params)
		}
	}, nil
}

func equalJSON(a, b any) bool {
	if x, ok := asNumber(a); ok {
		y, ok := asNumber(b)
		return ok && x == y
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return ok && s == t
	}
	return reflect.DeepEqual(a, b)
}

func (c *compiler) not(arg any, where string) (check, error) {
	s, err := c.sub(arg, where)
	if err != nil {
		return nil, err
	}
	return func(r *report, v any) {
		if len(s.validate(v)) == 0 {
			r.add("not", "must NOT be valid", "")
		}
	}, nil
}

// combination keeps the alternatives' own violations before its own, as AJV does, which is why a value that fits no
// alternative is told what the first one expected.
func (c *compiler) combination(name string, arg any, where string) (check, error) {
	subs, err := c.subs(arg, where)
	if err != nil {
		return nil, err
	}
	if name == "allOf" {
		return func(r *report, v any) {
			for _, s := range subs {
				s.check(r, v)
			}
		}, nil
	}
	return func(r *report, v any) {
		before := len(r.violations)
		var passing []string
		for i, s := range subs {
			mark := len(r.violations)
			s.check(r, v)
			if len(r.violations) > mark {
				continue
			}
			passing = append(passing, strconv.Itoa(i))
			if name == "anyOf" || len(passing) > 1 {
				break
			}
		}
		switch {
		case len(passing) == 1 || len(passing) > 0 && name == "anyOf":
			r.violations = r.violations[:before]
		case name == "anyOf":
			r.add(name, "must match a schema in anyOf", "")
		case len(passing) == 0:
			r.add(name, "must match exactly one schema in oneOf", "passingSchemas: null")
		default:
			r.add(name, "must match exactly one schema in oneOf", "passingSchemas: "+strings.Join(passing, ","))
		}
	}, nil
}

func (c *compiler) condition(arg any, o *object, where string) (check, error) {
	cond, err := c.sub(arg, where)
	if err != nil {
		return nil, err
	}
	branches := map[string]*schema{}
	for _, name := range []string{"then", "else"} {
		if branch, ok := o.get(name); ok {
			if branches[name], err = c.sub(branch, strings.TrimSuffix(where, "if")+name); err != nil {
				return nil, err
			}
		}
	}
	return func(r *report, v any) {
		name := "else"
		if len(cond.validate(v)) == 0 {
			name = "then"
		}
		branch, mark := branches[name], len(r.violations)
		if branch == nil {
			return
		}
		if branch.check(r, v); len(r.violations) > mark {
			r.add("if", `must match "`+name+`" schema`, "failingKeyword: "+name)
		}
	}, nil
}

func (c *compiler) unique(arg any) check {
	if on, _ := arg.(bool); !on {
		return nil
	}
	return func(r *report, v any) {
		seen := map[string]int{}
		list, _ := v.([]any)
		for i, x := range list {
			text, err := json.Marshal(x)
			if err != nil {
				continue
			}
			if j, dup := seen[string(text)]; dup {
				r.add("uniqueItems",
					fmt.Sprintf("must NOT have duplicate items (items ## %d and %d are identical)", j, i),
					fmt.Sprintf("i: %d, j: %d", i, j))
				return
			}
			seen[string(text)] = i
		}
	}
}

func (c *compiler) items(arg any, where string) (check, error) {
	s, err := c.sub(arg, where)
	if err != nil {
		return nil, err
	}
	return func(r *report, v any) {
		list, _ := v.([]any)
		for i, x := range list {
			r.below(s, segment{index: i}, x)
		}
	}, nil
}

func (c *compiler) required(arg any, where string) (check, error) {
	list, ok := arg.([]any)
	if !ok {
		return nil, fmt.Errorf("%s%s must be a list of names", c.id, where)
	}
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = scriptText(x)
	}
	return func(r *report, v any) {
		o := asObject(v)
		for _, name := range names {
			if _, ok := o[name]; !ok {
				r.add("required", "must have required property '"+name+"'", "missingProperty: "+name)
			}
		}
	}, nil
}

func (c *compiler) additional(arg any, o *object, where string) (check, error) {
	if allowed, isBool := arg.(bool); isBool && allowed {
		return nil, nil
	}
	declared := map[string]bool{}
	if props, ok := o.values["properties"].(*object); ok {
		for _, k := range props.keys {
			declared[k] = true
		}
	}
	var patterns []*regexp.Regexp
	if props, ok := o.values["patternProperties"].(*object); ok {
		for _, k := range props.keys {
			re, err := compilePattern(k, c.id+where)
			if err != nil {
				return nil, err
			}
			patterns = append(patterns, re)
		}
	}
	var sub *schema
	if _, isBool := arg.(bool); !isBool {
		s, err := c.sub(arg, where)
		if err != nil {
			return nil, err
		}
		sub = s
	}
	return func(r *report, v any) {
		o := asObject(v)
		r.eachKey(o, func(k string) {
			if declared[k] || slices.ContainsFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(k) }) {
				return
			}
			if sub == nil {
				r.add("additionalProperties", "must NOT have additional properties", "additionalProperty: "+k)
				return
			}
			r.below(sub, segment{key: k, index: -1}, o[k])
		})
	}, nil
}

func (c *compiler) properties(arg any, where string) (check, error) {
	props, ok := arg.(*object)
	if !ok {
		return nil, fmt.Errorf("%s%s must be an object", c.id, where)
	}
	schemas := make([]*schema, len(props.keys))
	for i, k := range props.keys {
		s, err := c.sub(props.values[k], where+"/"+k)
		if err != nil {
			return nil, err
		}
		schemas[i] = s
	}
	return func(r *report, v any) {
		o := asObject(v)
		for i, k := range props.keys {
			if x, ok := o[k]; ok {
				r.below(schemas[i], segment{key: k, index: -1}, x)
			}
		}
	}, nil
}

func (c *compiler) patternProperties(arg any, where string) (check, error) {
	props, ok := arg.(*object)
	if !ok {
		return nil, fmt.Errorf("%s%s must be an object", c.id, where)
	}
	type rule struct {
		re *regexp.Regexp
		s  *schema
	}
	rules := make([]rule, len(props.keys))
	for i, k := range props.keys {
		re, err := compilePattern(k, c.id+where)
		if err != nil {
			return nil, err
		}
		s, err := c.sub(props.values[k], where+"/"+k)
		if err != nil {
			return nil, err
		}
		rules[i] = rule{re, s}
	}
	return func(r *report, v any) {
		o := asObject(v)
		for _, rule := range rules {
			r.eachKey(o, func(k string) {
				if rule.re.MatchString(k) {
					r.below(rule.s, segment{key: k, index: -1}, o[k])
				}
			})
		}
	}, nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
