package catalog

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// queryValues reads a query string as the reference's parser does: "filter[]" and "filter[0]" are "filter". What does
// not decode stands for itself.
func queryValues(raw string) url.Values {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if i := strings.IndexByte(name, '['); i > 0 && strings.HasSuffix(name, "]") {
			name = name[:i]
		}
		values[name] = append(values[name], value)
	}
	return values
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// filterPredicate reads the values of the parameter "filter" into a predicate: statements of one value are ANDed, those
// of the same key are alternatives, and so are the values. nil = no filter.
func filterPredicate(values []string) (any, error) {
	var alternatives []any
	for _, value := range values {
		p, err := statementsPredicate(value)
		if err != nil {
			return nil, err
		}
		if p != nil {
			alternatives = append(alternatives, p)
		}
	}
	return oneOr("$any", alternatives), nil
}

// oneOr is nothing, the only item, or all of them under an operator.
func oneOr(operator string, items []any) any {
	switch len(items) {
	case 0:
		return nil
	case 1:
		return items[0]
	}
	return map[string]any{operator: items}
}

func statementsPredicate(text string) (any, error) {
	var keys []string
	values := map[string][]any{}
	for statement := range strings.SplitSeq(text, ",") {
		statement = strings.TrimSpace(statement)
		if statement == "" {
			continue
		}
		key, value, hasValue := strings.Cut(statement, "=")
		key = strings.TrimSpace(key)
		if key == "" {
			return nil, apierror.Inputf("Invalid filter, '%s' is not a valid statement (expected a string on the form a=b or a= or a)", statement)
		}
		if _, known := values[key]; !known {
			keys = append(keys, key)
			values[key] = nil
		}
		if hasValue {
			values[key] = append(values[key], strings.TrimSpace(value))
		}
	}
	all := make([]any, len(keys))
	for i, key := range keys {
		switch v := values[key]; len(v) {
		case 0:
			all[i] = map[string]any{key: map[string]any{"$exists": true}}
		case 1:
			all[i] = map[string]any{key: v[0]}
		default:
			all[i] = map[string]any{key: map[string]any{"$in": v}}
		}
	}
	return oneOr("$all", all), nil
}

// fieldOrders reads "orderField" parameters: "<field>[,asc|desc]".
func fieldOrders(values []string) ([]index.Order, error) {
	orders := make([]index.Order, len(values))
	for i, value := range values {
		parts := strings.Split(value, ",")
		if len(parts) > 1 && parts[1] != "asc" && parts[1] != "desc" {
			return nil, apierror.Inputf("Invalid order field order, must be asc or desc")
		}
		orders[i] = index.Order{Key: parts[0], Desc: len(parts) > 1 && parts[1] == "desc"}
	}
	return orders, nil
}

// listOrders reads "order" parameters: "<asc or desc>:<field>".
func listOrders(values []string) ([]index.Order, error) {
	if len(values) > maxOrders {
		return nil, apierror.Inputf("Too many order parameters, at most %d are allowed", maxOrders)
	}
	orders := make([]index.Order, len(values))
	for i, value := range values {
		direction, field, _ := strings.Cut(value, ":")
		if (direction != "asc" && direction != "desc") || field == "" || strings.ContainsAny(field, lineBreaks) {
			return nil, apierror.Inputf("Invalid order parameter %q, expected \"<asc or desc>:<field name>\"", value)
		}
		orders[i] = index.Order{Key: field, Desc: direction == "desc"}
	}
	return orders, nil
}

// maxOrders keeps a request from sorting by every key there is.
const maxOrders = 16

// window is the paging of GET /entities.
type window struct{ limit, offset int }

// listWindow reads limit, offset and after; paged is false when none is given, which is another way to answer.
func listWindow(q url.Values) (w window, paged bool, err error) {
	limit, hasLimit := q["limit"]
	offset, hasOffset := q["offset"]
	after, hasAfter := q["after"]
	if !hasLimit && !hasOffset && !hasAfter {
		return window{}, false, nil
	}
	if hasOffset {
		if w.offset, err = integer(offset[0]); err != nil || w.offset < 0 {
			return w, true, apierror.Inputf("Invalid offset, must be zero or greater")
		}
	}
	if hasLimit {
		if w.limit, err = integer(limit[0]); err != nil || w.limit <= 0 {
			return w, true, apierror.Inputf("Invalid limit, must be greater than zero")
		}
	}
	if hasAfter {
		err = w.read(after[0])
	}
	return w, true, err
}

func (w *window) read(after string) error {
	value, err := zod.Decode(decodeBase64(after))
	if err != nil || value == nil {
		return apierror.Inputf("Malformed after cursor, could not be parsed")
	}
	_, members, _ := zod.Members(value) // any other value has none
	if limit, ok := members["limit"]; ok {
		if w.limit, ok = wholeValue(limit); !ok {
			return apierror.Inputf("Malformed after cursor, limit was not an number")
		}
	}
	if offset, ok := members["offset"]; ok {
		if w.offset, ok = wholeValue(offset); !ok {
			return apierror.Inputf("Malformed after cursor, offset was not a number")
		}
	}
	return nil
}

// wholeValue reads a decoded number that is whole and not negative.
func wholeValue(v any) (int, bool) {
	n, ok := v.(float64)
	return int(n), ok && n >= 0 && n == float64(int(n))
}

// next is the "after" of the following page.
func (w window) next() string {
	data, _ := json.Marshal(map[string]int{"limit": w.limit, "offset": w.offset + w.limit})
	return base64.StdEncoding.EncodeToString(data)
}

// integer reads a whole number in any form that JavaScript's Number takes, as far as it fits.
func integer(s string) (int, error) {
	v, ok := jsvalue.ParseNumber(s)
	if !ok || v != float64(int(v)) {
		return 0, apierror.Inputf("%q is not a whole number", s)
	}
	return int(v), nil
}

// decodeBase64 reads what is meant as text: bytes that are none are replaced.
func decodeBase64(s string) []byte { return []byte(string([]rune(string(jsvalue.DecodeBase64(s))))) }

// splitAll splits every value at commas.
func splitAll(values []string) []string {
	var all []string
	for _, v := range values {
		all = append(all, strings.Split(v, ",")...)
	}
	return slices.Clip(all)
}
