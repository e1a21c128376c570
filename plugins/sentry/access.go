package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// catalog is the catalog as a caller sees it: it answers what the permission policy lets that caller read.
type catalog struct{ host *sdk.Host }

const longestEntity = 2 << 20

// entity answers one entity, if the caller may read it.
func (c catalog) entity(ctx context.Context, kind, namespace, name string) (sdk.Entity, error) {
	var e sdk.Entity
	path := "/entities/by-name/" + url.PathEscape(kind) + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
	return e, c.get(ctx, path, &e)
}

// readable is the project, spelt as in the annotation of an entity that the caller may read; an error if there is none.
func (c catalog) readable(ctx context.Context, d *directory, p project) (project, error) {
	q := url.Values{"filter": d.filters(p), "fields": {"kind,metadata.name,metadata.namespace,metadata.annotations"}, "limit": {"20"}}
	var found struct{ Items []sdk.Entity }
	if err := c.get(ctx, "/entities/by-query?"+q.Encode(), &found); err != nil {
		return p, err
	}
	for _, e := range found.Items {
		if of, err := d.of(e); err == nil && of.same(p) {
			return of, nil
		}
	}
	return p, apierror.NotAllowedf("no entity that you may read has the annotation %s: %s", annotation, p)
}

func (c catalog) get(ctx context.Context, path string, into any) error {
	req, err := c.request(ctx, path)
	if err != nil {
		return err
	}
	res, err := c.host.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return apierror.Newf(apierror.ServiceUnavailable, "the catalog cannot be asked whether you may see this: %s", plain(err.Error()))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, longestEntity))
	switch {
	case err != nil:
	case res.StatusCode == http.StatusOK:
		err = json.Unmarshal(body, into)
	case res.StatusCode == http.StatusNotFound:
		return apierror.New(apierror.NotFound, "the catalog has no such entity, or you may not read it")
	case res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized:
		return apierror.New(apierror.NotAllowed, "you may not read this entity")
	default:
		return apierror.Newf(apierror.ServiceUnavailable, "the catalog answers %d", res.StatusCode)
	}
	if err != nil {
		return apierror.Newf(apierror.ServiceUnavailable, "the answer of the catalog cannot be read: %s", plain(err.Error()))
	}
	return nil
}

// request asks for a user with that user's token; a service, which has none, is answered what this plugin may read.
func (c catalog) request(ctx context.Context, path string) (*http.Request, error) {
	caller := sdk.Principal(ctx)
	switch {
	case caller.Type == "none":
		return nil, apierror.New(apierror.Authentication, "nobody is signed in")
	case caller.IsUser() && caller.UserToken() == "":
		return nil, apierror.New(apierror.NotAllowed, "the plugin sentry cannot ask the catalog for you: onBehalfOf is not approved")
	}
	return toPlugin(ctx, c.host, http.MethodGet, "catalog", path, caller.UserToken(), nil)
}

// toPlugin is a request to another plugin, for a user or for this plugin itself.
func toPlugin(ctx context.Context, host *sdk.Host, method, plugin, path, userToken string, body io.Reader) (*http.Request, error) {
	at, err := host.Discovery.BaseURL(ctx, plugin)
	if err != nil {
		return nil, err
	}
	token, err := host.Auth.Token(ctx, plugin, userToken)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, at.Internal+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	return req, nil
}
