package apisix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Resources of the Admin API, as far as the driver reads them.
type (
	service struct {
		ID      string                    `json:"id"`
		Name    string                    `json:"name"`
		Labels  map[string]string         `json:"labels"`
		Plugins map[string]map[string]any `json:"plugins"`
	}
	route struct {
		URI     string   `json:"uri"`
		URIs    []string `json:"uris"`
		Host    string   `json:"host"`
		Hosts   []string `json:"hosts"`
		Service string   `json:"service_id"`
	}
	consumer struct {
		Username string            `json:"username"`
		Group    string            `json:"group_id"`
		Labels   map[string]string `json:"labels"`
	}
	credential struct {
		ID      string                    `json:"id"`
		Desc    string                    `json:"desc"`
		Labels  map[string]string         `json:"labels"`
		Plugins map[string]map[string]any `json:"plugins"`
		Created int64                     `json:"create_time"`
	}
	group struct {
		Labels  map[string]string         `json:"labels"`
		Plugins map[string]map[string]any `json:"plugins"`
	}
	rule struct {
		Plugins map[string]any `json:"plugins"`
	}
)

// found is one resource as it is answered.
type found[T any] struct {
	Value *T `json:"value"`
}

// listing is a page of them. Lua writes an empty list as an object.
type listing[T any] struct {
	Total *int     `json:"total"`
	List  items[T] `json:"list"`
}

type items[T any] []found[T]

// UnmarshalJSON implements [json.Unmarshaler].
func (l *items[T]) UnmarshalJSON(data []byte) error {
	if string(bytes.TrimSpace(data)) == "{}" {
		*l = nil
		return nil
	}
	return json.Unmarshal(data, (*[]found[T])(l))
}

const (
	base     = "/apisix/admin"
	pageSize = 500
)

// get reads what is at a path. An answer without the members that it should have is none.
func (d *Driver) get(ctx context.Context, out any, segments ...string) error {
	if err := d.admin.Do(ctx, http.MethodGet, base+rest.Path(segments...), nil, nil, out); err != nil {
		return err
	}
	if o, ok := out.(interface{ empty() bool }); ok && o.empty() {
		return d.unavailable("answers something that is no resource")
	}
	return nil
}

func (f *found[T]) empty() bool   { return f.Value == nil }
func (l *listing[T]) empty() bool { return l.Total == nil }

// one reads a resource.
func one[T any](ctx context.Context, d *Driver, segments ...string) (T, error) {
	var f found[T]
	if err := d.get(ctx, &f, segments...); err != nil {
		var none T
		return none, err
	}
	return *f.Value, nil
}

// list reads a collection whole. Its pages are numbered; servers and collections that know no pages answer all at once.
func list[T any](ctx context.Context, d *Driver, segments ...string) iter.Seq2[T, error] {
	read := 0
	return rest.Pages(func(cursor string) ([]T, string, error) {
		page := 1
		if cursor != "" {
			page, _ = strconv.Atoi(cursor) // it is one of ours
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}
		var l listing[T]
		if err := d.admin.Do(ctx, http.MethodGet, base+rest.Path(segments...), query, nil, &l); err != nil {
			return nil, "", err
		}
		if l.empty() {
			return nil, "", d.unavailable("answers %s with no list", segments[0])
		}
		var values []T
		for _, f := range l.List {
			if f.Value != nil {
				values = append(values, *f.Value)
			}
		}
		if read += len(l.List); len(l.List) == 0 || read >= *l.Total {
			return values, "", nil
		}
		return values, strconv.Itoa(page + 1), nil
	})
}

// put writes a resource whole; consumers are written to their collection.
func (d *Driver) put(ctx context.Context, value map[string]any, hide []sdk.Secret, segments ...string) error {
	return d.write(ctx, rest.Request{Method: http.MethodPut, Path: base + rest.Path(segments...), Body: value, Hide: hide})
}

// patch merges members into a resource.
func (d *Driver) patch(ctx context.Context, members map[string]any, segments ...string) error {
	return d.write(ctx, rest.Request{Method: http.MethodPatch, Path: base + rest.Path(segments...), Body: members})
}

// merge is patch for what is there, put for what is not.
func (d *Driver) merge(ctx context.Context, members map[string]any, segments ...string) error {
	err := d.patch(ctx, members, segments...)
	if missing(err) {
		err = d.put(ctx, members, nil, segments...)
	}
	return err
}

func (d *Driver) write(ctx context.Context, r rest.Request) error {
	var answer found[map[string]any]
	if err := d.admin.Call(ctx, r, &answer); err != nil {
		return err
	}
	if answer.empty() {
		return d.unavailable("answers a write with something else than what was written")
	}
	return nil
}

// remove deletes a resource, or nothing if it is not there.
func (d *Driver) remove(ctx context.Context, segments ...string) error {
	var answer struct {
		Deleted any `json:"deleted"`
	}
	err := d.admin.Do(ctx, http.MethodDelete, base+rest.Path(segments...), nil, nil, &answer)
	switch {
	case missing(err):
		return nil
	case err == nil && fmt.Sprint(answer.Deleted) != "1":
		return d.unavailable("does not say that it has deleted anything")
	}
	return err
}

func (d *Driver) authorize(r *http.Request) error {
	r.Header.Set("X-API-KEY", d.options.Key.Reveal())
	return nil
}

// explain tells what APISIX has not from what is no APISIX, and names the credential.
func (d *Driver) explain(status int, body []byte) error {
	text := rest.Saying(body)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		err := d.problem(apierror.ServiceUnavailable, "does not accept the key in X-API-KEY, or calls from this address: %s", text)
		err.Cause = rest.ErrCredentials
		return err
	case status == http.StatusNotFound && text != "Key not found":
		return d.unavailable("has no Admin API at its address: %s", text)
	case status == http.StatusBadRequest && bytes.Contains(body, []byte("duplicate key found")):
		return d.problem(apierror.Conflict, "has that key already, for another consumer")
	}
	return nil
}

func (d *Driver) unavailable(format string, args ...any) error {
	return d.problem(apierror.ServiceUnavailable, format, args...)
}

func (d *Driver) problem(name apierror.Name, format string, args ...any) *apierror.Error {
	return apierror.Newf(name, "APISIX "+d.options.Name+": "+format, args...)
}

func missing(err error) bool { return errors.Is(err, sdk.ErrNotFound) }
