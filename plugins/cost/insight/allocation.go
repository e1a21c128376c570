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
	slices.SortFunc(a.Accounts, func(a, b Account) int {
		return cmp.Or(b.Amount.Cmp(a.Amount), cmp.Compare(a.Ref, b.Ref))
	})
	return a, nil
}
