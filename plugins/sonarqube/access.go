package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// entity reads an entity as the caller: what the caller may not see is not found.
func (q *plugin) entity(ctx context.Context, caller sdk.Caller, kind, namespace, name string) (sdk.Entity, error) {
	named := kind + ":" + namespace + "/" + name
	e, err := q.host.Catalog.As(caller).Entity(ctx, named)
	if errors.Is(err, sdk.ErrNotFound) || errors.Is(err, sdk.ErrInput) { // a name that no entity can have
		return nil, apierror.NotFoundf("Entity %s not found", named)
	}
	return e, err
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
	of := sdk.Query{Filters: filters, Fields: []string{"metadata.annotations"}, Limit: 100}
	for e, err := range q.host.Catalog.As(caller).Query(ctx, of) {
		if err != nil {
			return false, err
		}
		// The catalog compares without case, SonarQube does not.
		if slices.Contains(p.spellings(), strings.TrimSpace(e.Annotation(projectAnnotation))) {
			return true, nil
		}
	}
	return false, nil
}
