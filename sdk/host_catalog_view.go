package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// CatalogView is the catalog as one caller may see it. Routes that answer something of an entity read it through this view,
// so that the permission policy decides who gets to know.
type CatalogView struct {
	catalog Catalog
	caller  Caller
}

// As is the catalog with a caller's rights: a user's own, by the token that came with the request; those of this plugin for
// a service. Needs catalog: [read], plugins: [catalog] and onBehalfOf.
func (c Catalog) As(caller Caller) CatalogView { return CatalogView{c, caller} }

// Entity answers one entity by ref, "component:default/shop"; [ErrNotFound] when there is none that the caller may read.
func (v CatalogView) Entity(ctx context.Context, ref string) (Entity, error) {
	if v.caller.IsService() {
		return v.catalog.Entity(ctx, ref)
	}
	r, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return nil, apierror.Inputf("entity %q: %v", ref, err)
	}
	var e Entity
	path := "/entities/by-name/" + url.PathEscape(r.Kind) + "/" + url.PathEscape(r.Namespace) + "/" + url.PathEscape(r.Name)
	if err := v.ask(ctx, path, &e); err != nil {
		return nil, fmt.Errorf("entity %s: %w", r, err)
	}
	return e, nil
}

// viewPage is how many entities are read at a time; it is also the catalog's own page.
const viewPage = 200

// Query streams the entities that the caller may read, a page at a time.
func (v CatalogView) Query(ctx context.Context, q Query) iter.Seq2[Entity, error] {
	if v.caller.IsService() {
		return v.catalog.Query(ctx, q)
	}
	return func(yield func(Entity, error) bool) {
		values := url.Values{"filter": q.Filters, "limit": {strconv.Itoa(viewPage)}}
		for _, f := range q.Fields {
			values.Add("fields", f)
		}
		for left := q.Limit; ; left -= viewPage {
			if q.Limit > 0 {
				values.Set("limit", strconv.Itoa(min(left, viewPage)))
			}
			var page struct {
				Items    []Entity
				PageInfo struct{ NextCursor string }
			}
			if err := v.ask(ctx, "/entities/by-query?"+values.Encode(), &page); err != nil {
				yield(nil, fmt.Errorf("catalog: %w", err))
				return
			}
			for _, e := range page.Items {
				if !yield(e, nil) {
					return
				}
			}
			if page.PageInfo.NextCursor == "" || q.Limit > 0 && left <= viewPage {
				return
			}
			values.Del("filter") // the cursor holds it
			values.Set("cursor", page.PageInfo.NextCursor)
		}
	}
}

func (v CatalogView) ask(ctx context.Context, path string, into any) error {
	req, err := v.request(ctx, path)
	if err != nil {
		return err
	}
	res, err := v.catalog.host.HTTP.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("does not answer: %w: %w", err, ErrServiceUnavailable)
	}
	defer res.Body.Close()
	if err := viewStatus(res.StatusCode); err != nil {
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
		return err
	}
	d := json.NewDecoder(res.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("its answer cannot be read: %w: %w", err, ErrServiceUnavailable)
	}
	return nil
}

// request carries the token of the caller, made out for the catalog.
func (v CatalogView) request(ctx context.Context, path string) (*http.Request, error) {
	switch {
	case !v.caller.IsUser():
		return nil, fmt.Errorf("nobody is signed in: %w", ErrAuthentication)
	case v.caller.UserToken() == "":
		return nil, fmt.Errorf("the plugin may not read for users: needs.onBehalfOf is not approved: %w", ErrNotAllowed)
	}
	host := v.catalog.host
	at, err := host.Discovery.BaseURL(ctx, "catalog")
	if err != nil {
		return nil, err
	}
	token, err := host.Auth.Token(ctx, "catalog", v.caller.UserToken())
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Internal+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	return req, nil
}

func viewStatus(status int) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusNotFound:
		return fmt.Errorf("not found, or the caller may not read it: %w", ErrNotFound)
	case http.StatusBadRequest:
		return fmt.Errorf("is not asked for in a way that the catalog understands: %w", ErrInput)
	case http.StatusUnauthorized:
		return fmt.Errorf("the caller is not accepted: %w", ErrAuthentication)
	case http.StatusForbidden:
		return fmt.Errorf("the caller may not read it: %w", ErrNotAllowed)
	}
	return fmt.Errorf("answers %d: %w", status, ErrServiceUnavailable)
}
