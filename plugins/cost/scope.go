package main

import (
	"context"
	"slices"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

// scoped is whose costs a request is about.
type scoped struct {
	insight.Scope

	// ref is the entity; "" = everybody's costs.
	ref string
	// partial: some parts of the entity have costs, and the caller may not read them.
	partial bool
}

// scope settles whose costs a question is about: those of the entity that it names, for who may read that entity, or
// everybody's, for who holds cost.read.
func (c *plugin) scope(ctx context.Context, named string, q ledger.Query) (scoped, error) {
	if named == "" {
		if err := c.need(ctx, readAll, "without it costs are answered by entity: name one by the parameter entity=kind:namespace/name"); err != nil {
			return scoped{}, err
		}
		return scoped{}, nil
	}
	e, err := c.entity(ctx, named)
	if err != nil {
		return scoped{}, err
	}
	may, err := c.keeper(ctx)
	if err != nil {
		return scoped{}, err
	}
	return c.scopeOf(ctx, e.Ref().String(), q, may)
}

// keeper keeps of refs those whose costs may count.
type keeper func(ctx context.Context, refs []string) ([]string, error)

// everyPart keeps all. It is for who may see all costs, and for what is told to the owner of the whole.
func everyPart(_ context.Context, refs []string) ([]string, error) { return refs, nil }

// keeper is that of the caller.
func (c *plugin) keeper(ctx context.Context) (keeper, error) {
	if all, err := c.may(ctx, readAll); all || err != nil {
		return everyPart, err
	}
	return c.readable, nil
}

// scopeOf is the charges of an entity, its own and those of its parts that may keeps.
func (c *plugin) scopeOf(ctx context.Context, ref string, q ledger.Query, may keeper) (scoped, error) {
	d, err := c.engine.Load().catalog.directory(ctx)
	if err != nil {
		return scoped{}, err
	}
	s := scoped{Scope: insight.Scope{Directory: d, Refs: []string{ref}}, ref: ref}
	parts := d.Parts(ref)[1:]
	if len(parts) == 0 {
		return s, nil
	}
	// Of a group with thousands of parts few have costs, and only of those it matters who may read them.
	if parts, err = c.costing(ctx, d, parts, q); err != nil {
		return scoped{}, err
	}
	kept, err := may(ctx, parts)
	if err != nil {
		return scoped{}, err
	}
	s.partial = len(kept) < len(parts)
	s.Refs = append(s.Refs, kept...)
	return s, nil
}

// costing keeps the entities that have charges at all.
func (c *plugin) costing(ctx context.Context, d *insight.Directory, refs []string, q ledger.Query) ([]string, error) {
	q.Filter = ledger.Filter{}
	accounts, err := c.costs().Accounts(ctx, d, q)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return !accounts[ref] }), nil
}

// warnings are what a reader of the answer must know about the scope.
func (s scoped) warnings() []string {
	var out []string
	if s.partial {
		out = append(out, "parts that you may not read have costs, which are not counted here")
	}
	if s.Directory != nil && s.Directory.Problems[s.ref] != "" {
		out = append(out, s.Directory.Problems[s.ref]+"; it counts as if it were not there")
	}
	return out
}
