package index

import (
	"errors"
	"fmt"
)

// ReadFilter reads a filter as configuration and the catalog's clients write it: an object of keys with one value or a
// list of them, or a list of such objects of which one must fit. nil fits everything.
func ReadFilter(value any) (Filter, error) {
	if value == nil {
		return All(), nil
	}
	alternatives, isList := value.([]any)
	if !isList {
		alternatives = []any{value}
	}
	either := make([]Filter, 0, len(alternatives))
	for _, a := range alternatives {
		keys, ok := a.(map[string]any)
		if !ok {
			return All(), errors.New("must be an object of entity keys, or a list of such objects")
		}
		all := make([]Filter, 0, len(keys))
		for key, v := range keys {
			all = append(all, keyFilter(key, v))
		}
		either = append(either, All(all...))
	}
	return Any(either...), nil
}

func keyFilter(key string, v any) Filter {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	values := make([]string, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case string:
			values = append(values, v)
		case float64:
			values = append(values, NumberText(v))
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	return In(key, values...)
}
