package apim

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const apiVersion = "2024-05-01"

// list is one page of a collection.
type list[T any] struct {
	Value    []T    `json:"value"`
	NextLink string `json:"nextLink"`
}

func (d *Driver) request(method string, path []string, body any) rest.Request {
	return rest.Request{
		Method: method, Path: rest.Path(append([]string{d.options.Service}, path...)...), Query: url.Values{"api-version": {apiVersion}}, Body: body,
	}
}

func (d *Driver) get(ctx context.Context, path []string, out any) error {
	return d.tokens.Call(ctx, &d.client, d.request(http.MethodGet, path, nil), out)
}

// read is get with the ETag that a change of what is read must name.
func (d *Driver) read(ctx context.Context, path []string, out any) (etag string, err error) {
	r := d.request(http.MethodGet, path, nil)
	a, err := d.tokens.Send(ctx, &d.client, r)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return "", apierror.Newf(apierror.ServiceUnavailable, "%s answers no readable JSON to GET %s; check its address, and whether a login stands before it", d.options.Name, r.Path)
	}
	return a.Header.Get("ETag"), nil
}

// change sends a change of what had that ETag; "" = it must not be there yet, "*" = however it is by now.
func (d *Driver) change(ctx context.Context, method string, path []string, etag string, body any, hide ...sdk.Secret) error {
	r := d.request(method, path, body)
	r.Header, r.Hide = http.Header{}, hide
	if etag != "" {
		r.Header.Set("If-Match", etag)
	}
	return d.tokens.Call(ctx, &d.client, r, nil)
}

func (d *Driver) post(ctx context.Context, path []string, out any) error {
	return d.tokens.Call(ctx, &d.client, d.request(http.MethodPost, path, nil), out)
}

// all reads a collection to its end. Of the address of the next page only the query is followed: where credentials are sent
// is for settings to say, not for answers.
func all[T any](ctx context.Context, d *Driver, path []string, filter string) iter.Seq2[T, error] {
	return rest.Pages(func(next string) ([]T, string, error) {
		r := d.request(http.MethodGet, path, nil)
		if filter != "" {
			r.Query.Set("$filter", filter)
		}
		if next != "" {
			u, err := url.Parse(next)
			if err != nil {
				return nil, "", apierror.Newf(apierror.ServiceUnavailable, "%s names a next page that is no address", d.options.Name)
			}
			r.Query = u.Query()
		}
		var page list[T]
		err := d.tokens.Call(ctx, &d.client, r, &page)
		return page.Value, page.NextLink, err
	})
}

// explain tells what is missing in the service from a service that is missing: only the latter is the operator's fault.
func explain(o Options) func(int, []byte) error {
	return func(status int, body []byte) error {
		var answer struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		if status != http.StatusNotFound || json.Unmarshal(body, &answer) != nil {
			return nil //nolint:nilerr // its status says enough
		}
		switch e := answer.Error; {
		case e.Code == "SubscriptionNotFound", e.Code == "ResourceGroupNotFound", e.Code == "InvalidSubscriptionId",
			strings.Contains(e.Message, "under resource group"):
			return apierror.Newf(apierror.ServiceUnavailable, "%s: there is no such service; check subscription, resourceGroup and service: %s", o.Name, rest.Line(e.Message))
		}
		return nil
	}
}

// conflicts is how often a change is tried again that somebody else's came before.
const conflicts = 4

// retried does a read and a change of what was read until nobody comes between.
func retried(change func() error) error {
	var err error
	for range conflicts {
		if err = change(); rest.StatusOf(err) != http.StatusPreconditionFailed {
			return err
		}
	}
	return err
}

func missing(err error) bool { return errors.Is(err, sdk.ErrNotFound) }
