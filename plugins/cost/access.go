package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// The permissions. Costs of an entity need none: they are for who may read the entity, and count those of its parts that
// this caller may read.
var (
	// readAll is for all costs: sums over everything, what is unallocated, and the whole of what entities consist of.
	readAll = sdk.Permission{Name: "cost.read", Action: "read"}
	// importCharges is for bringing charges in and for taking them away.
	importCharges = sdk.Permission{Name: "cost.import", Action: "create"}
	// writeBudgets is for making, changing and removing budgets.
	writeBudgets = sdk.Permission{Name: "cost.budget.write", Action: "update"}
)

// may reports whether the caller holds a permission. Services that call for themselves hold all: who may call at all is
// the host's decision.
func (c *plugin) may(ctx context.Context, what sdk.Permission) (bool, error) {
	caller := sdk.Principal(ctx)
	switch {
	case caller.IsService():
		return true, nil
	case !caller.IsUser():
		return false, apierror.New(apierror.Authentication, "nobody is signed in")
	case caller.UserToken() == "":
		return false, apierror.New(apierror.NotAllowed, "the plugin cost may not ask for users: needs.onBehalfOf is not approved")
	}
	allowed, err := c.host.Permission.Authorize(ctx, caller.UserToken(), sdk.PermissionRequest{Permission: what})
	if err != nil {
		return false, fmt.Errorf("permission %s: %w", what.Name, err)
	}
	return allowed[0], nil
}

// need fails when the caller does not hold a permission.
func (c *plugin) need(ctx context.Context, what sdk.Permission, otherwise string) error {
	switch ok, err := c.may(ctx, what); {
	case err != nil:
		return err
	case !ok:
		return apierror.NotAllowedf("the permission %s is missing; %s", what.Name, otherwise)
	}
	return nil
}

// entity reads an entity as the caller: what the caller may not see is not found.
func (c *plugin) entity(ctx context.Context, named string) (sdk.Entity, error) {
	e, err := c.host.Catalog.As(sdk.Principal(ctx)).Entity(ctx, named)
	if errors.Is(err, sdk.ErrNotFound) || errors.Is(err, sdk.ErrInput) { // a name that no entity can have
		return nil, apierror.NotFoundf("Entity %s not found", named)
	}
	return e, err
}

// filtersAtOnce keeps the address of a question to the catalog short.
const filtersAtOnce = 40

// readable keeps of refs those that the caller may read.
func (c *plugin) readable(ctx context.Context, refs []string) ([]string, error) {
	caller := sdk.Principal(ctx)
	if caller.IsService() {
		return refs, nil
	}
	view := c.host.Catalog.As(caller)
	seen := make(map[string]bool, len(refs))
	for begin := 0; begin < len(refs); begin += filtersAtOnce {
		q := sdk.Query{Fields: []string{"kind", "metadata.name", "metadata.namespace"}}
		for _, ref := range refs[begin:min(begin+filtersAtOnce, len(refs))] {
			if f := filterOf(ref); f != "" {
				q.Filters = append(q.Filters, f)
			}
		}
		if q.Filters == nil {
			continue
		}
		for e, err := range view.Query(ctx, q) {
			if err != nil {
				return nil, fmt.Errorf("which entities the caller may read: %w", err)
			}
			seen[e.Ref().String()] = true
		}
	}
	kept := []string{}
	for _, ref := range refs {
		if seen[ref] {
			kept = append(kept, ref)
		}
	}
	return kept, nil
}

// filterOf selects one entity; "" for a ref that would mean something else in a filter.
func filterOf(ref string) string {
	r, err := entity.ParseRef(ref, entity.Defaults{})
	if err != nil || strings.ContainsAny(ref, ",=") {
		return ""
	}
	return "kind=" + r.Kind + ",metadata.namespace=" + r.Namespace + ",metadata.name=" + r.Name
}
