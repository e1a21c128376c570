package catalog

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// nothing is a predicate that nobody passes.
func nothing() any { return map[string]any{"$any": []any{}} }

// locationPredicate is a predicate, whose shape was checked, as it is meant for locations: they have four keys, none of
// them a list, and an empty $all lets nothing through.
func locationPredicate(predicate any) (any, error) {
	names, p, ok := zod.Members(predicate)
	if !ok {
		return predicate, nil
	}
	out := make(map[string]any, len(p))
	for _, key := range names {
		value := p[key]
		var err error
		switch key {
		case "$not":
			out[key], err = locationPredicate(value)
		case "$all", "$any":
			subs, _ := value.([]any)
			if len(subs) == 0 {
				return nothing(), nil
			}
			out[key], err = locationPredicates(subs)
		default:
			if !slices.Contains([]string{"id", "type", "target", "entityref"}, strings.ToLower(key)) {
				return nil, apierror.Inputf("Invalid filter predicate, expected key to be 'id', 'type', 'target', or 'entityRef', got '%s'", key)
			}
			if _, condition, _ := zod.Members(value); condition["$contains"] != nil {
				return nothing(), nil
			}
			out[key] = value
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func locationPredicates(list []any) ([]any, error) {
	out := make([]any, len(list))
	for i, sub := range list {
		var err error
		if out[i], err = locationPredicate(sub); err != nil {
			return nil, err
		}
	}
	return out, nil
}
