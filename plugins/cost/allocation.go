package main

import (
	"context"
	"net/http"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// allocated is all charges of a time by whose they are. Its accounts add up to Total exactly, for each reader.
type allocated struct {
	Metric   ledger.Metric `json:"metric"`
	Currency string        `json:"currency,omitempty"`
	From     ledger.Day    `json:"from"`
	To       ledger.Day    `json:"to"`
	// Scope is "all", or "readable" for who may not see all costs: then there are only entities that the caller may read.
	Scope string `json:"scope"`
	// Precedence is how a charge that several rules match finds its one account.
	Precedence []string     `json:"precedence"`
	Total      money.Amount `json:"total"`
	Accounts   []part       `json:"accounts"`
	// Unallocated are the charges of no entity; nil with the scope readable.
	Unallocated *share `json:"unallocated,omitempty"`
	Meta        meta   `json:"meta"`
}

type share struct {
	Amount money.Amount `json:"amount"`
	Share  string       `json:"share,omitempty"`
}

// allocation answers what each entity costs, and what nobody's costs are.
func (c *plugin) allocation(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "metric", "from", "to", "filter", "currency")
	if err != nil {
		return nil, err
	}
	q, err := p.common()
	if err != nil {
		return nil, err
	}
	complete, _, err := c.complete(r.Context())
	if err != nil {
		return nil, err
	}
	if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
		return nil, err
	}
	all, err := c.may(r.Context(), readAll)
	if err != nil {
		return nil, err
	}
	return c.allocate(r.Context(), q, all)
}

func (c *plugin) allocate(ctx context.Context, q ledger.Query, all bool) (*allocated, error) {
	d, err := c.engine.Load().catalog.directory(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.costs().Allocate(ctx, d, q)
	if err != nil {
		return nil, err
	}
	out := &allocated{
		Metric: q.Metric, Currency: found.Currency, From: q.From, To: q.To, Scope: "all", Precedence: precedence(d), Total: found.Total,
		Accounts: []part{}, Meta: c.meta(found.Result.LastCompleteDay, found.Result.Sources),
	}
	if all {
		out.Unallocated = &share{found.Unallocated, insight.Ratio(found.Unallocated, found.Total)}
	} else if err := c.keepReadable(ctx, &found); err != nil {
		return nil, err
	} else {
		out.Scope, out.Total = "readable", found.Total
	}
	for _, a := range found.Accounts {
		out.Accounts = append(out.Accounts, part{a.Ref, d.Title(a.Ref), a.Amount, insight.Ratio(a.Amount, out.Total)})
	}
	return out, nil
}

// keepReadable takes away what the caller may not read: entities, and with them the sum of everything.
func (c *plugin) keepReadable(ctx context.Context, a *insight.Allocation) error {
	refs := make([]string, len(a.Accounts))
	amounts := make(map[string]money.Amount, len(a.Accounts))
	for i, account := range a.Accounts {
		refs[i], amounts[account.Ref] = account.Ref, account.Amount
	}
	kept, err := c.readable(ctx, refs)
	a.Accounts, a.Total = nil, money.Amount{}
	for _, ref := range kept {
		a.Accounts = append(a.Accounts, insight.Account{Ref: ref, Amount: amounts[ref]})
		a.Total = a.Total.Add(amounts[ref])
	}
	return err
}

func precedence(d *insight.Directory) []string {
	out := []string{"annotations of entities: the claim that names more dimensions first, then the lower ref"}
	for _, dimension := range d.Assignments() {
		out = append(out, "the dimension "+string(dimension)+", where it names an entity")
	}
	return out
}
