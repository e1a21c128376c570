package catalog

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// The predicate language: {"<key>": <primitive> | {"$exists"|"$in"|"$hasPrefix"|"$contains": …}, …}, or $all, $any, $not
// alone. Its shape is checked first, with the reference's messages, then its meaning.

// predicateSchema is the shape of predicates.
func predicateSchema() zod.Schema {
	primitive := zod.Union(zod.String(""), zod.Number(), zod.Boolean())
	var predicate, value zod.Schema
	lazily := zod.Lazy(func() zod.Schema { return predicate })
	value = zod.Union(
		primitive,
		zod.Object(zod.Field{Name: "$exists", Schema: zod.Boolean()}),
		zod.Object(zod.Field{Name: "$in", Schema: zod.Array(primitive, "")}),
		zod.Object(zod.Field{Name: "$contains", Schema: lazily}),
		zod.Object(zod.Field{Name: "$hasPrefix", Schema: zod.String("")}),
	)
	predicate = zod.Union(
		zod.Union(zod.Keyed(plainKey, value), zod.Keyed(operatorKey, zod.Never())),
		primitive,
		zod.Strict(zod.Field{Name: "$all", Schema: zod.Array(lazily, "")}),
		zod.Strict(zod.Field{Name: "$any", Schema: zod.Array(lazily, "")}),
		zod.Strict(zod.Field{Name: "$not", Schema: lazily}),
	)
	return predicate
}

func plainKey(k string) bool {
	return !strings.HasPrefix(k, "$") && !strings.ContainsAny(k, lineBreaks)
}

// lineBreaks are what a dot of the reference's patterns does not match.
const lineBreaks = "\n\r\u2028\u2029"

func operatorKey(k string) bool { return strings.HasPrefix(k, "$") }

// readPredicate reads the member "query" of a request; without one, everything passes.
func (a *api) readPredicate(raw json.RawMessage) (filter index.Filter, err error) {
	predicate, err := a.checkShape(raw)
	if err != nil {
		return filter, err
	}
	return predicateFilter(predicate)
}

// readShape checks the shape alone, and that it is no bare value; nil = no predicate.
func (a *api) readShape(raw json.RawMessage) (predicate any, err error) {
	predicate, err = a.checkShape(raw)
	if _, _, isObject := zod.Members(predicate); err == nil && raw != nil && !isObject {
		return nil, apierror.Inputf("Query must be an object")
	}
	return predicate, err
}

func (a *api) checkShape(raw json.RawMessage) (predicate any, err error) {
	if raw == nil {
		return nil, nil
	}
	if predicate, err = zod.Decode(raw); err != nil {
		return nil, apierror.Inputf("Invalid query: %v", err)
	}
	if e := zod.Validate(a.predicate, predicate); e != nil {
		return nil, apierror.Inputf("Invalid query: %s", e.Sentence())
	}
	return predicate, nil
}

// predicateFilter is the meaning of a predicate whose shape is right. nil is everything.
func predicateFilter(predicate any) (index.Filter, error) {
	if predicate == nil {
		return index.Filter{}, nil
	}
	names, p, ok := zod.Members(predicate)
	if !ok {
		return index.Filter{}, apierror.Inputf("Invalid filter predicate: top-level primitive values are not supported. Wrap the value in a field expression, e.g. { \"kind\": %s }", jsonText(predicate))
	}
	if sub, ok := p["$not"]; ok {
		f, err := predicateFilter(sub)
		return index.Not(f), err
	}
	for operator, combine := range map[string]func(...index.Filter) index.Filter{"$all": index.All, "$any": index.Any} {
		if subs, ok := p[operator]; ok {
			filters, err := predicateFilters(operator, subs)
			return combine(filters...), err
		}
	}
	all := make([]index.Filter, 0, len(p))
	for _, key := range names {
		f, err := fieldFilter(key, p[key])
		if err != nil {
			return index.Filter{}, err
		}
		all = append(all, f)
	}
	return index.All(all...), nil
}

func predicateFilters(operator string, subs any) ([]index.Filter, error) {
	list, ok := subs.([]any)
	if text, isText := subs.(string); isText { // of a filter parameter: the reference goes through its characters
		if text == "" {
			return nil, nil
		}
		first, _ := utf8.DecodeRuneInString(text)
		return predicateFilters(operator, []any{string(first)})
	}
	if !ok {
		return nil, apierror.Inputf("Invalid filter predicate: %s needs a list, got %s", operator, jsonText(subs))
	}
	filters := make([]index.Filter, len(list))
	for i, sub := range list {
		var err error
		if filters[i], err = predicateFilter(sub); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

// fieldFilter is the condition on one key. Of several operators the first in this order counts, as in the reference.
func fieldFilter(key string, value any) (index.Filter, error) {
	if text, ok := primitiveText(value); ok {
		return index.In(key, text), nil
	}
	_, condition, _ := zod.Members(value)
	if exists, ok := condition["$exists"].(bool); ok {
		if exists {
			return index.Exists(key), nil
		}
		return index.Not(index.Exists(key)), nil
	}
	if list, ok := condition["$in"].([]any); ok {
		texts := make([]string, 0, len(list))
		for _, v := range list {
			text, _ := primitiveText(v)
			texts = append(texts, text)
		}
		return index.In(key, texts...), nil
	}
	if target, ok := condition["$contains"]; ok {
		return containsFilter(strings.ToLower(key), target)
	}
	if prefix, ok := condition["$hasPrefix"].(string); ok {
		return index.HasPrefix(key, prefix), nil
	}
	return index.Filter{}, apierror.Inputf("Invalid filter predicate value for field \"%s\": expected a primitive value, $exists, $in, $hasPrefix, or $contains operator, but got %s", strings.ToLower(key), jsonText(value))
}

func containsFilter(key string, target any) (index.Filter, error) {
	if text, ok := primitiveText(target); ok {
		return index.In(key, text), nil
	}
	switch _, _, isObject := zod.Members(target); {
	case !isObject:
		return index.Filter{}, apierror.Inputf("Unsupported $contains target for field \"%s\": %s", key, jsonText(target))
	case key != "relations":
		return index.Filter{}, apierror.Inputf("Object form of $contains is not supported for field \"%s\"", key)
	}
	return relationFilter(target)
}

// relationFilter asks for a relation of a type, optionally to one of some targets.
func relationFilter(target any) (index.Filter, error) {
	names, wanted, _ := zod.Members(target)
	var relation string
	var targets []string
	seen := map[string]bool{}
	for _, name := range names {
		member := strings.ToLower(name)
		if seen[member] && (member == "type" || member == "targetref") {
			return index.Filter{}, apierror.Inputf("Duplicate key \"%s\" in $contains for \"relations\"", name)
		}
		seen[member] = true
		var err error
		switch member {
		case "type":
			text, ok := wanted[name].(string)
			if !ok {
				return index.Filter{}, errRelationType
			}
			relation = text
		case "targetref":
			targets, err = relationTargets(wanted[name])
		default:
			err = apierror.Inputf("Unsupported key \"%s\" in $contains for \"relations\". Only \"type\" and \"targetRef\" are supported", name)
		}
		if err != nil {
			return index.Filter{}, err
		}
	}
	if relation == "" {
		return index.Filter{}, errRelationType
	}
	if targets == nil {
		return index.Exists("relations." + relation), nil
	}
	return index.In("relations."+relation, targets...), nil
}

var errRelationType = apierror.Inputf("The $contains operator for \"relations\" requires a \"type\" string property")

func relationTargets(v any) ([]string, error) {
	if text, ok := v.(string); ok {
		return []string{text}, nil
	}
	_, object, _ := zod.Members(v)
	list, ok := object["$in"].([]any)
	if _, isExists := object["$exists"].(bool); ok && !isExists { // other members do not count
		if len(list) == 0 {
			return nil, apierror.Inputf("Empty \"$in\" array for $contains on \"relations\" is not allowed")
		}
		targets := make([]string, 0, len(list))
		for _, e := range list {
			if text, isText := e.(string); isText {
				targets = append(targets, text)
			}
		}
		if len(targets) == len(list) {
			return targets, nil
		}
	}
	return nil, apierror.Inputf("Unsupported value in $contains for \"relations\": expected a string or { \"$in\": [strings] }, but got %s", jsonText(v))
}

// primitiveText is a primitive as it is searched for.
func primitiveText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return index.NumberText(v), true
	}
	return "", false
}

// jsonText shows a value in a message.
func jsonText(v any) string {
	text, _ := jsvalue.JSON(v)
	return string(text)
}
