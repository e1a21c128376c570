package apigee

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func (d *Driver) call(ctx context.Context, r rest.Request, out any) error {
	if d.tokens == nil {
		return d.client.Call(ctx, r, out)
	}
	return d.tokens.Call(ctx, &d.client, r, out)
}

func (d *Driver) get(ctx context.Context, out any, path ...string) error {
	return d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path(path...)}, out)
}

// list is a list of the Apigee API that tells its items as a whole. The list of a developer's apps is none: it does so for
// the first page only.
type list[T any] struct {
	path   string
	query  url.Values // that says how many a page has
	member string     // of a page that has the items
	key    func(T) string
}

// all reads a list to its end, of which a page begins with the item that the former one ended with. A page may be shorter
// than it could be: the end is where nothing new comes.
func all[T any](ctx context.Context, d *Driver, l list[T]) iter.Seq2[T, error] {
	return rest.Pages(func(last string) ([]T, string, error) {
		query := maps.Clone(l.query)
		query.Set("expand", "true")
		if last != "" {
			query.Set("startKey", last)
		}
		var page map[string][]T
		if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: l.path, Query: query}, &page); err != nil {
			return nil, "", err
		}
		items := page[l.member]
		if len(items) > 0 && last != "" && l.key(items[0]) == last {
			items = items[1:]
		}
		if len(items) == 0 {
			return nil, "", nil
		}
		return items, l.key(items[len(items)-1]), nil
	})
}

func missing(err error) bool     { return errors.Is(err, sdk.ErrNotFound) }
func conflicting(err error) bool { return errors.Is(err, sdk.ErrConflict) }

// number is an integer of 64 bits, which Google writes as text; what is none is 0.
type number int64

func (n *number) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	if err == nil {
		*n = number(value)
	}
	return nil
}

// attribute is a name and a value that apps and keys carry.
type attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type attributes []attribute

func (a attributes) get(name string) string {
	for _, one := range a {
		if one.Name == name {
			return one.Value
		}
	}
	return ""
}

// with has another value of one attribute; "" = not the attribute at all.
func (a attributes) with(name, value string) attributes {
	changed := attributes{}
	for _, one := range a {
		if one.Name != name {
			changed = append(changed, one)
		}
	}
	if value != "" {
		changed = append(changed, attribute{name, value})
	}
	return changed
}
