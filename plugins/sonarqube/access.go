package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// maxCatalogAnswer bounds an entity, which the catalog itself holds to 1 MiB, and a short list of annotations.
const maxCatalogAnswer = 4 << 20

// entity reads an entity as the caller: what the caller may not see is not found.
func (q *plugin) entity(ctx context.Context, caller sdk.Caller, kind, namespace, name string) (sdk.Entity, error) {
	named := kind + ":" + namespace + "/" + name
	var e sdk.Entity
	var err error
	if caller.IsService() {
		e, err = q.host.Catalog.Entity(ctx, strings.ToLower(kind)+":"+namespace+"/"+name)
	} else {
		path := "/entities/by-name/" + url.PathEscape(kind) + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
		err = q.askCatalog(ctx, caller, path, &e)
	}
	switch {
	case errors.Is(err, sdk.ErrNotFound), errors.Is(err, sdk.ErrInput): // a name that no entity can have
		return nil, apierror.NotFoundf("Entity %s not found", named)
	case err != nil:
		return nil, fmt.Errorf("entity %s: %w", named, err)
	}
	return e, nil
}

// mayRead reports whether the caller may read any entity that names the project.
func (q *plugin) mayRead(ctx context.Context, caller sdk.Caller, p project) (bool, error) {
	if strings.Contains(p.key, ",") {
		return false, nil // no key of a project, and of another meaning to the catalog
	}
	var filters []string
	for _, value := range p.spellings() {
		filters = append(filters, "metadata.annotations."+projectAnnotation+"="+value)
	}
	const fields = "metadata.annotations"
	var found []sdk.Entity
	if caller.IsService() {
		for e, err := range q.host.Catalog.Query(ctx, sdk.Query{Filters: filters, Fields: []string{fields}, Limit: 100}) {
			if err != nil {
				return false, err
			}
			found = append(found, e)
		}
	} else {
		query := url.Values{"filter": filters, "fields": {fields}, "limit": {"100"}}
		if err := q.askCatalog(ctx, caller, "/entities?"+query.Encode(), &found); err != nil {
			return false, err
		}
	}
	// The catalog compares without case, SonarQube does not.
	return slices.ContainsFunc(found, func(e sdk.Entity) bool {
		return slices.Contains(p.spellings(), strings.TrimSpace(e.Annotation(projectAnnotation)))
	}), nil
}

// askCatalog calls the catalog in the name of the user who calls.
func (q *plugin) askCatalog(ctx context.Context, caller sdk.Caller, path string, into any) error {
	if caller.UserToken() == "" {
		return apierror.New(apierror.NotAllowed, "only users and services may see projects, and the plugin must be approved with onBehalfOf")
	}
	at, err := q.host.Discovery.BaseURL(ctx, "catalog")
	if err != nil {
		return err
	}
	token, err := q.host.Auth.Token(ctx, "catalog", caller.UserToken())
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Internal+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	res, err := q.host.HTTP.Do(req)
	if err != nil {
		return apierror.Newf(apierror.ServiceUnavailable, "the catalog does not answer: %v", err)
	}
	defer res.Body.Close()
	return readCatalog(res, into)
}

func readCatalog(res *http.Response, into any) error {
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return sdk.ErrNotFound
	case http.StatusBadRequest:
		return sdk.ErrInput
	case http.StatusUnauthorized:
		return apierror.New(apierror.Authentication, "the catalog does not accept the caller")
	case http.StatusForbidden:
		return apierror.New(apierror.NotAllowed, "the catalog may not be read")
	default:
		return apierror.Newf(apierror.ServiceUnavailable, "the catalog answers %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxCatalogAnswer)).Decode(into); err != nil {
		return apierror.Newf(apierror.ServiceUnavailable, "the catalog's answer cannot be read: %v", err)
	}
	return nil
}
