package tree

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	cataloginfo "github.com/callboard/callboard/catalog-info"
)

// yamlLimits bound a document; aliases count as often as they are used.
var yamlLimits = cataloginfo.Limits{
	FileBytes: MostBytes, Documents: 1, Depth: MostDepth, Nodes: MostNodes, Aliases: 100, EntityBytes: 2 * MostBytes, ValueBytes: MostBytes,
}

// parseYAML reads one document with the catalog's parser, so that it means here what it means in the catalog.
func parseYAML(text string) (*Value, error) {
	for doc, err := range cataloginfo.ReadValues([]byte(text), "", yamlLimits) {
		if err != nil {
			if read := (*cataloginfo.ReadError)(nil); errors.As(err, &read) {
				return nil, yamlError(read)
			}
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		members, ok := doc.Value.(map[string]any)
		if !ok {
			return nil, errors.New("the document must be an object")
		}
		order := &cataloginfo.Order{Inside: map[string]*cataloginfo.Order{}}
		for k := range members {
			order.Inside[k] = doc.Order(k)
		}
		v := ordered(members, order)
		return &v, nil
	}
	return nil, errors.New("the document is empty")
}

// ordered makes a value of what the parser read. Members of which nobody knows the order stand by name.
func ordered(v any, order *cataloginfo.Order) Value {
	switch v := v.(type) {
	case nil:
		return Value{kind: Null, text: "null"}
	case bool:
		return Value{kind: Bool, text: strconv.FormatBool(v)}
	case float64:
		return Value{kind: Number, text: number(v)}
	case string:
		return Value{kind: String, text: v}
	case []any:
		items := make([]Value, len(v))
		for i, x := range v {
			items[i] = ordered(x, inside(order, strconv.Itoa(i)))
		}
		return Value{kind: List, items: items}
	case map[string]any:
		keys := keysOf(v, order)
		items := make([]Value, len(keys))
		for i, k := range keys {
			items[i] = ordered(v[k], inside(order, k))
		}
		return object(keys, items)
	default:
		return Value{kind: String, text: fmt.Sprint(v)}
	}
}

// yamlError keeps the place and drops the name of the file, which is none.
func yamlError(err *cataloginfo.ReadError) error {
	text := err.Message
	if err.Line > 0 {
		text = fmt.Sprintf("line %d, column %d: %s", err.Line, err.Column, err.Message)
	}
	switch err.Rule {
	case "syntax", "root", "encoding":
		return errors.New(text)
	default:
		return fmt.Errorf("%w: %s", ErrTooLarge, text)
	}
}

func inside(order *cataloginfo.Order, key string) *cataloginfo.Order {
	if order == nil {
		return nil
	}
	return order.Inside[key]
}

func keysOf(v map[string]any, order *cataloginfo.Order) []string {
	if order != nil && len(order.Keys) == len(v) {
		return order.Keys
	}
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func number(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "null" // JSON has no such number
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
