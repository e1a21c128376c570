package insight

import (
	"cmp"
	"context"
	"slices"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// Allocation is all charges of a time by the entities that they belong to.
type Allocation struct {
	Currency string
	Total    money.Amount
	// Accounts are the entities with charges, the most expensive first. With Unallocated they add up to Total exactly.
	Accounts    []Account
	Unallocated money.Amount
	Result      ledger.Result
}

// Account is what the charges of one entity add up to.
type Account struct {
	Ref    string
	Amount money.Amount
}

// Allocate gives each charge to one entity, or to none.
func (c *Costs) Allocate(ctx context.Context, d *Directory, q ledger.Query) (Allocation, error) {
	rules, err := c.rules(ctx, d, q.From, q.To, func(ref string) string { return ref })
	if err != nil {
		return Allocation{}, err
	}
	q.Rules, q.GroupBy, q.Granularity, q.Limit = rules, []ledger.Dimension{ledger.ByRule}, ledger.Total, 0
	res, err := c.Ledger.Query(ctx, q)
	if err != nil {
		return Allocation{}, err
	}
	a := Allocation{Currency: res.Currency, Total: res.Total, Result: res}
	for _, s := range res.Series {
		if ref := s.Keys[ledger.ByRule]; ref != "" {
			a.Accounts = append(a.Accounts, Account{ref, s.Total})
			continue
		}
		a.Unallocated = a.Unallocated.Add(s.Total)
	}
	sortAccounts(a.Accounts)
	return a, nil
}

func sortAccounts(list []Account) {
	slices.SortFunc(list, func(a, b Account) int {
		return cmp.Or(b.Amount.Cmp(a.Amount), cmp.Compare(a.Ref, b.Ref))
	})
}

// Shares are what each entity of a scope costs; they add up to what the scope costs.
func (c *Costs) Shares(ctx context.Context, s Scope, q ledger.Query) ([]Account, error) {
	in := setOf(s.Refs)
	rules, err := c.rules(ctx, s.Directory, q.From, q.To, func(ref string) string {
		if in[ref] {
			return ref
		}
		return others
	})
	if err != nil {
		return nil, err
	}
	q.Rules, q.GroupBy, q.Granularity, q.Limit = rules, []ledger.Dimension{ledger.ByRule}, ledger.Total, 0
	q.Filter = narrowed(q.Filter, ledger.Is(ledger.ByRule, s.Refs...))
	res, err := c.Ledger.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	var out []Account
	for _, found := range res.Series {
		out = append(out, Account{found.Keys[ledger.ByRule], found.Total})
	}
	sortAccounts(out)
	return out, nil
}

// Accounts are the entities that have charges of the days that a summary looks at.
func (c *Costs) Accounts(ctx context.Context, d *Directory, q ledger.Query) (map[string]bool, error) {
	today := c.today()
	q.To = max(q.To, today+1)
	q.From = min(q.From, today-lookBack)
	if q.From <= 0 {
		q.From = today - lookBack
	}
	rules, err := c.rules(ctx, d, q.From, q.To, func(ref string) string { return ref })
	if err != nil {
		return nil, err
	}
	q.Rules, q.GroupBy, q.Granularity, q.Limit = rules, []ledger.Dimension{ledger.ByRule, ledger.Currency}, ledger.Total, 0
	q.Currency = "" // whose charges are in another currency has charges as well
	res, err := c.Ledger.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, s := range res.Series {
		found[s.Keys[ledger.ByRule]] = true
	}
	return found, nil
}

// Part is what one service costs one entity, in one currency.
type Part struct {
	Ref, Service, Currency string
	Amount                 money.Amount
}

// Breakdown is what each service costs each entity, by ref, the most expensive first. It does not add anything up, and so
// takes charges of any currency.
func (c *Costs) Breakdown(ctx context.Context, d *Directory, q ledger.Query) ([]Part, error) {
	rules, err := c.rules(ctx, d, q.From, q.To, func(ref string) string { return ref })
	if err != nil {
		return nil, err
	}
	q.Rules, q.GroupBy, q.Granularity, q.Limit = rules, []ledger.Dimension{ledger.ByRule, ledger.Service, ledger.Currency}, ledger.Total, 0
	q.Filter = narrowed(q.Filter, ledger.IsNot(ledger.ByRule, ""))
	res, err := c.Ledger.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]Part, len(res.Series))
	for i, s := range res.Series {
		out[i] = Part{s.Keys[ledger.ByRule], s.Keys[ledger.Service], s.Keys[ledger.Currency], s.Total}
	}
	slices.SortStableFunc(out, func(a, b Part) int { return cmp.Or(cmp.Compare(a.Ref, b.Ref), b.Amount.Cmp(a.Amount)) })
	return out, nil
}
