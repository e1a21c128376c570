package catalog

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// cursor is what a page of by-query hands to its neighbours: base64 of this JSON. Clients look inside: with a member
// "query" they go on by POST. It holds values, not positions, so it outlives restarts and changes of the catalog. The
// caller's permissions are never in it.
type cursor struct {
	OrderFields []cursorOrder `json:"orderFields"`
	IsPrevious  bool          `json:"isPrevious"`
	Query       any           `json:"query,omitempty"`
	// Filter is the older form of Query, which cursors of earlier releases have.
	Filter         any         `json:"filter,omitempty"`
	FullTextFilter *cursorText `json:"fullTextFilter,omitempty"`
	// OrderFieldValues is [value, uid] of the row to go on from, or [uid] without an order.
	OrderFieldValues     []*string `json:"orderFieldValues"`
	FirstSortFieldValues []*string `json:"firstSortFieldValues,omitzero"`
	TotalItems           *float64  `json:"totalItems,omitempty"`
}

type cursorOrder struct {
	Field string `json:"field"`
	Order string `json:"order"`
}

type cursorText struct {
	Term   string   `json:"term"`
	Fields []string `json:"fields,omitzero"`
}

// cursorSchema is the shape of cursors.
func cursorSchema(predicate zod.Schema) zod.Schema {
	text := zod.String("")
	values := zod.Array(zod.Union(text, zod.Null()), "")
	var filter zod.Schema
	lazily := zod.Lazy(func() zod.Schema { return filter })
	filter = zod.Union( // nested as in the reference, which shows in messages
		zod.Union(
			zod.Union(
				zod.Object(zod.Field{Name: "key", Schema: text}, zod.Field{Name: "values", Schema: zod.Optional(zod.Array(text, ""))}),
				zod.Object(zod.Field{Name: "not", Schema: lazily}),
			),
			zod.Object(zod.Field{Name: "anyOf", Schema: zod.Array(lazily, "")}),
		),
		zod.Object(zod.Field{Name: "allOf", Schema: zod.Array(lazily, "")}),
	)
	return zod.Object(
		zod.Field{Name: "orderFields", Schema: zod.Array(zod.Object(
			zod.Field{Name: "field", Schema: text},
			zod.Field{Name: "order", Schema: zod.Enum("asc", "desc")}), "")},
		zod.Field{Name: "fullTextFilter", Schema: zod.Optional(zod.Object(
			zod.Field{Name: "term", Schema: text},
			zod.Field{Name: "fields", Schema: zod.Optional(zod.Array(text, ""))}))},
		zod.Field{Name: "orderFieldValues", Schema: values},
		zod.Field{Name: "filter", Schema: zod.Optional(filter)},
		zod.Field{Name: "isPrevious", Schema: zod.Boolean()},
		zod.Field{Name: "query", Schema: zod.Optional(predicate)},
		zod.Field{Name: "firstSortFieldValues", Schema: zod.Optional(values)},
		zod.Field{Name: "totalItems", Schema: zod.Optional(zod.Number())},
	)
}

func (a *api) decodeCursor(text string) (*cursor, error) {
	data := decodeBase64(text)
	if problem := httpx.SyntaxProblem(data); problem != "" {
		return nil, apierror.Inputf("Malformed cursor: SyntaxError: %s", problem)
	}
	shape, err := zod.Decode(data)
	if err != nil {
		return nil, apierror.Inputf("Malformed cursor: %v", err)
	}
	if e := zod.Validate(a.cursor, shape); e != nil {
		return nil, apierror.Inputf("Malformed cursor: InputError: Malformed cursor: %s", e)
	}
	c := new(cursor)
	if err := json.Unmarshal(data, c); err != nil {
		return nil, apierror.Inputf("Malformed cursor: %v", err)
	}
	_, members, _ := zod.Members(shape)
	c.Query = members["query"] // in the order of its members
	return c, nil
}

func (c *cursor) encode() string { return base64.StdEncoding.EncodeToString([]byte(jsonText(c))) }

// order is what the page is sorted by; nil = by uid. Only the first field counts.
func (c *cursor) order() *index.Order {
	if len(c.OrderFields) == 0 {
		return nil
	}
	first := c.OrderFields[0]
	return &index.Order{Key: strings.ToLower(first.Field), Desc: first.Order == "desc"}
}

// filter is everything that the cursor narrows to.
func (c *cursor) filter() (index.Filter, error) {
	f, err := predicateFilter(c.Query)
	if err != nil || c.Filter == nil {
		return f, err
	}
	old, err := predicateFilter(olderPredicate(c.Filter))
	return index.All(f, old), err
}

// olderPredicate translates {key,values}, {not}, {anyOf}, {allOf}, whose shape was checked.
func olderPredicate(filter any) any {
	f, _ := filter.(map[string]any)
	list := func(v any) []any {
		subs, _ := v.([]any)
		translated := make([]any, len(subs))
		for i, s := range subs {
			translated[i] = olderPredicate(s)
		}
		return translated
	}
	if key, ok := f["key"].(string); ok {
		values, valued := f["values"].([]any)
		switch {
		case !valued:
			return map[string]any{key: map[string]any{"$exists": true}}
		case len(values) == 1:
			return map[string]any{key: values[0]}
		}
		return map[string]any{key: map[string]any{"$in": values}}
	}
	if sub, ok := f["not"]; ok {
		return map[string]any{"$not": olderPredicate(sub)}
	}
	if subs, ok := f["anyOf"]; ok {
		return map[string]any{"$any": list(subs)}
	}
	return map[string]any{"$all": list(f["allOf"])}
}

// position is where the page goes on from; nil = at the beginning.
func (c *cursor) position() *index.Position {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	switch v := c.OrderFieldValues; len(v) {
	case 1:
		return &index.Position{UID: text(v[0])}
	case 2:
		return &index.Position{Value: text(v[0]), UID: text(v[1])}
	}
	return nil
}

// nowhere reports a position without a value: nothing comes after it, nor before it. It is what the reference hands out
// for a page without items.
func (c *cursor) nowhere() bool {
	v := c.OrderFieldValues
	return (len(v) == 1 || len(v) == 2) && v[0] == nil
}

// noValues are those of a row that is not there.
func (c *cursor) noValues() []*string {
	if len(c.OrderFields) == 0 {
		return []*string{nil}
	}
	return []*string{nil, nil}
}

// values are those of a row in the order of c.
func (c *cursor) values(it index.Item) []*string {
	if len(c.OrderFields) == 0 {
		return []*string{&it.Doc.UID}
	}
	return []*string{&it.Value, &it.Doc.UID}
}

func sameValues(a, b []*string) bool {
	return slices.EqualFunc(a, b, func(x, y *string) bool { return x == y || x != nil && y != nil && *x == *y })
}
