package httpx

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
)

// queryParam is one parameter of a specification.
type queryParam struct {
	name       string
	schema     *openapi3.Schema
	required   bool
	allowEmpty bool
	reserved   bool   // reserved characters may stand unescaped
	exploded   bool   // lists come as repeated parameters
	delimiter  string // of lists that are not exploded
	kind       string // the schema's type, "" = several or none
	open       bool   // an object that takes any member: then every parameter may be one
}

func newQueryParam(p *openapi3.Parameter) (*queryParam, error) {
	q := &queryParam{
		name: p.Name, required: p.Required, allowEmpty: p.AllowEmptyValue, reserved: p.AllowReserved,
		exploded: p.Explode == nil || *p.Explode, delimiter: ",",
	}
	switch p.Style {
	case openapi3.SerializationSpaceDelimited:
		q.delimiter = " "
	case openapi3.SerializationPipeDelimited:
		q.delimiter = "|"
	}
	if p.Schema == nil || p.Schema.Value == nil {
		return nil, fmt.Errorf("query parameter %s has no schema", p.Name)
	}
	q.schema = p.Schema.Value
	if types := q.schema.Type.Slice(); len(types) == 1 {
		q.kind = types[0]
	}
	extra := q.schema.AdditionalProperties
	q.open = q.kind == openapi3.TypeObject && (extra.Schema != nil || extra.Has != nil && *extra.Has)
	return q, nil
}

// checkQuery returns the complaints about values; unknown, empty and unescaped parameters are errors at once.
func (op *operation) checkQuery(raw string) ([]string, error) {
	values, order := parseQuery(raw)
	if err := op.checkReserved(raw); err != nil {
		return nil, err
	}
	if !op.anyQuery {
		for _, name := range order {
			p, known := op.byName[name]
			if !known {
				return nil, apierror.Inputf("Unknown query parameter '%s'", name)
			}
			if values[name] == "" && !p.allowEmpty {
				return nil, apierror.Inputf("Empty value found for query parameter '%s'", name)
			}
		}
	}
	for _, p := range op.params {
		if _, given := values[p.name]; p.required && !given {
			return []string{fmt.Sprintf("request/query must have required property '%s'", p.name)}, nil
		}
	}
	for _, p := range op.params {
		value, given := values[p.name]
		if !given || p.kind == openapi3.TypeObject && value == "" {
			continue
		}
		if wrong := violations(p.schema, p.typed(value), "request/query/"+p.name); len(wrong) > 0 {
			return wrong, nil
		}
	}
	return nil, nil
}

// checkReserved insists on escaping for the parameters that ask for it.
func (op *operation) checkReserved(raw string) error {
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		p := op.byName[name]
		if p == nil || p.reserved {
			continue
		}
		if !p.exploded {
			value = strings.ReplaceAll(value, ",", "")
		}
		value, _, _ = strings.Cut(value, "=")
		if strings.ContainsAny(value, ":/?#[]@!$&'()*+,;=") {
			return apierror.Inputf("Parameter '%s' must be url encoded. Its value may not contain reserved characters.", p.name)
		}
	}
	return nil
}

// typed turns what the query says into what the schema speaks of, where that is possible.
func (p *queryParam) typed(value any) any {
	switch text, isText := value.(string); p.kind {
	case openapi3.TypeArray:
		switch {
		case !isText:
			if _, isList := value.([]any); isList {
				return value
			}
			return []any{value}
		case p.exploded && text == "":
			return text
		case p.exploded:
			return []any{text}
		default:
			var list []any
			for part := range strings.SplitSeq(text, p.delimiter) {
				list = append(list, part)
			}
			return list
		}
	case openapi3.TypeInteger, openapi3.TypeNumber:
		if n, ok := jsvalue.ParseNumber(text); ok && isText && text != "" {
			return n
		}
	case openapi3.TypeBoolean:
		if b, err := strconv.ParseBool(text); err == nil && (text == "true" || text == "false") {
			return b
		}
	}
	return value
}

// maxQueryPairs is where the reference stops reading.
const maxQueryPairs = 1000

// parseQuery reads a query as the reference's parser does: "a=1&a=2", "a[]=1" and "a[0]=1" are lists, "a[b]=1" is an
// object, bad escapes are taken as they are. Values are string, []any or map[string]any. order is that of first
// appearance.
func parseQuery(raw string) (values map[string]any, order []string) {
	values = make(map[string]any, 8)
	pairs := 0
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if pairs++; pairs > maxQueryPairs {
			break
		}
		key, value := cutPair(pair)
		key, value = unescapeQuery(key), unescapeQuery(value)
		name, path := key, ""
		if i := strings.IndexByte(key, '['); i > 0 && strings.IndexByte(key[i:], ']') > 0 {
			name, path = key[:i], key[i:]
		}
		if name == "" {
			continue
		}
		old, seen := values[name]
		if !seen {
			order = append(order, name)
		}
		values[name] = mergeValue(old, seen, path, value)
	}
	return values, order
}

// cutPair splits at the first "=" that is not inside brackets.
func cutPair(pair string) (key, value string) {
	at := strings.Index(pair, "]=")
	if at >= 0 {
		return pair[:at+1], pair[at+2:]
	}
	key, value, _ = strings.Cut(pair, "=")
	return key, value
}

func mergeValue(old any, seen bool, path, value string) any {
	if index := strings.Trim(path, "[]"); path != "" && index != "" {
		if _, err := strconv.ParseUint(index, 10, 16); err != nil {
			object, ok := old.(map[string]any)
			if !ok {
				object = map[string]any{}
			}
			object[index] = value
			return object
		}
	}
	switch old := old.(type) {
	case []any:
		return append(old, value)
	case string:
		return []any{old, value}
	case map[string]any:
		old[value] = true
		return old
	}
	if path != "" && !seen {
		return []any{value}
	}
	return value
}

func unescapeQuery(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return strings.ReplaceAll(s, "+", " ")
}
