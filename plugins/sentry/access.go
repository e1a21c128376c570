package main

import (
	"context"
	"net/http"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// entity answers the entity that a route names, if the caller may read it.
func (s *plugin) entity(r *http.Request) (sdk.Entity, error) {
	ref := r.PathValue("kind") + ":" + r.PathValue("namespace") + "/" + r.PathValue("name")
	return s.host.Catalog.As(sdk.Principal(r.Context())).Entity(r.Context(), ref)
}

// readable is the project, spelt as in the annotation of an entity that the caller may read; an error if there is none.
func (s *plugin) readable(ctx context.Context, d *directory, p project) (project, error) {
	q := sdk.Query{Filters: d.filters(p), Fields: []string{"kind", "metadata.name", "metadata.namespace", "metadata.annotations"}, Limit: 20}
	for e, err := range s.host.Catalog.As(sdk.Principal(ctx)).Query(ctx, q) {
		if err != nil {
			return p, err
		}
		if of, err := d.of(e); err == nil && of.same(p) {
			return of, nil
		}
	}
	return p, apierror.NotAllowedf("no entity that you may read has the annotation %s: %s", annotation, p)
}
