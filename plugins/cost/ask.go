package main

import (
	"context"
	"net/http"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/facade/costinsights"
	"github.com/callboard/callboard/plugins/cost/facade/infrawallet"
	"github.com/callboard/callboard/plugins/cost/facade/opencostapi"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
)

// facades answer frontends that were made for other backends. The host mounts each where its backend would be.
func (c *plugin) facades(p *sdk.Plugin) {
	mount := func(id string, h http.Handler) { p.Handle("/facades/"+id+"/", http.StripPrefix("/facades/"+id, h)) }
	mount("infrawallet", infrawallet.New(infrawallet.Options{
		Costs: asker{c}, Budgets: asker{c}, Store: c.host.KV, Audit: c.audit, Now: c.now,
		MayImport: func(ctx context.Context) error {
			return c.need(ctx, importCharges, "charges are brought in by who holds it")
		},
	}))
	mount("cost-insights-aws", costinsights.New(asker{c}))
	mount("opencost", opencostapi.New(opencostapi.Options{Costs: asker{c}, Upstream: c.upstream, Now: c.now}))
}

// asker answers facades in the name of whoever calls: they get what the plugin's own routes would answer.
type asker struct{ c *plugin }

// Query sums the charges of an entity, or everybody's.
func (a asker) Query(ctx context.Context, entity string, q ledger.Query) (ledger.Result, error) {
	s, err := a.c.scope(ctx, entity, q)
	if err != nil {
		return ledger.Result{}, err
	}
	return a.c.costs().Query(ctx, s.Scope, q)
}

// Values lists values of a dimension.
func (a asker) Values(ctx context.Context, d ledger.Dimension, from, to ledger.Day, limit int) ([]string, error) {
	if err := a.c.need(ctx, readAll, "values of dimensions are for who may see all costs"); err != nil {
		return nil, err
	}
	return a.c.ledger.Values(ctx, d, from, to, limit)
}

// TagKeys lists the keys of tags.
func (a asker) TagKeys(ctx context.Context, from, to ledger.Day, limit int) ([]string, error) {
	if err := a.c.need(ctx, readAll, "keys of tags are for who may see all costs"); err != nil {
		return nil, err
	}
	return a.c.ledger.TagKeys(ctx, from, to, limit)
}

// Budgets are those that the caller may know of.
func (a asker) Budgets(ctx context.Context) ([]insight.Budget, error) {
	visible, err := a.c.visibleBudgets(ctx, "")
	out := make([]insight.Budget, len(visible))
	for i, b := range visible {
		out[i] = b.Budget
	}
	return out, err
}

// PutBudget makes or replaces a budget.
func (a asker) PutBudget(ctx context.Context, b insight.Budget) error {
	_, err := a.c.writeBudget(ctx, b, "", "")
	return err
}

var (
	_ facade.Costs        = asker{}
	_ infrawallet.Budgets = asker{}
)
