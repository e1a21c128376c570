package insight_test

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// memory is a ledger that looks at every charge: slow, and obviously right.
type memory struct {
	charges  []ledger.Charge
	complete ledger.Day
	queries  []ledger.Query
}

func value(c ledger.Charge, d ledger.Dimension) string {
	if key, ok := d.TagKey(); ok {
		v, _ := c.Tags.Get(key)
		return v
	}
	return map[ledger.Dimension]string{
		ledger.Provider: c.Provider, ledger.SubAccount: c.SubAccount, ledger.SubAccountName: c.SubAccountName, ledger.Service: c.Service,
		ledger.ServiceCategory: c.ServiceCategory, ledger.Region: c.Region, ledger.BillingAccount: c.BillingAccount,
	}[d]
}

func meets(c ledger.Charge, f ledger.Filter, rule string) bool {
	for _, t := range f.All {
		v := value(c, t.Dimension)
		if t.Dimension == ledger.ByRule {
			v = rule
		}
		if slices.Contains(t.Values, v) == t.Not {
			return false
		}
	}
	return len(f.Any) == 0 || slices.ContainsFunc(f.Any, func(f ledger.Filter) bool { return meets(c, f, rule) })
}

func ruleOf(c ledger.Charge, rules []ledger.Rule) string {
	for _, r := range rules {
		if meets(c, r.Filter, "") {
			return r.Name
		}
	}
	return ""
}

func (m *memory) Query(_ context.Context, q ledger.Query) (ledger.Result, error) {
	m.queries = append(m.queries, q)
	res := ledger.Result{LastCompleteDay: m.complete}
	groups, currencies := map[string]*ledger.Series{}, map[string]bool{}
	for _, c := range m.charges {
		rule := ruleOf(c, q.Rules)
		if c.Day < q.From || c.Day >= q.To || q.Currency != "" && c.Currency != q.Currency || !meets(c, q.Filter, rule) {
			continue
		}
		currencies[c.Currency] = true
		keys, id := map[ledger.Dimension]string{}, ""
		for _, d := range q.GroupBy {
			if keys[d] = value(c, d); d == ledger.ByRule {
				keys[d] = rule
			}
			id += keys[d] + "\x00"
		}
		if groups[id] == nil {
			groups[id] = &ledger.Series{Keys: keys, Groups: 1, Points: points(q)}
		}
		amount := map[ledger.Metric]money.Amount{"": c.Effective, ledger.Effective: c.Effective, ledger.Billed: c.Billed}[q.Metric]
		add(groups[id], c.Day, q, amount)
		res.Total = res.Total.Add(amount)
	}
	if len(currencies) > 1 {
		e := &ledger.MixedCurrenciesError{}
		for c := range currencies {
			e.Currencies = append(e.Currencies, c)
		}
		slices.Sort(e.Currencies)
		return ledger.Result{}, e
	}
	for c := range currencies {
		res.Currency = c
	}
	for _, s := range groups {
		res.Series = append(res.Series, *s)
	}
	slices.SortFunc(res.Series, func(a, b ledger.Series) int { return cmp.Or(b.Total.Cmp(a.Total), strings.Compare(first(a), first(b))) })
	return limited(res, q), nil
}

func first(s ledger.Series) string {
	for _, v := range s.Keys {
		return v
	}
	return ""
}

func points(q ledger.Query) []ledger.Point {
	if q.Granularity != ledger.Daily {
		return []ledger.Point{{Day: q.From}}
	}
	out := make([]ledger.Point, q.To-q.From)
	for i := range out {
		out[i].Day = q.From + ledger.Day(i)
	}
	return out
}

func add(s *ledger.Series, day ledger.Day, q ledger.Query, amount money.Amount) {
	at := 0
	if q.Granularity == ledger.Daily {
		at = int(day - q.From)
	}
	s.Points[at].Amount = s.Points[at].Amount.Add(amount)
	s.Total = s.Total.Add(amount)
}

func limited(res ledger.Result, q ledger.Query) ledger.Result {
	if q.Limit == 0 || len(res.Series) <= q.Limit {
		return res
	}
	other := ledger.Series{Other: true, Points: points(q)}
	for _, s := range res.Series[q.Limit:] {
		other.Groups++
		other.Total = other.Total.Add(s.Total)
		for i, p := range s.Points {
			other.Points[i].Amount = other.Points[i].Amount.Add(p.Amount)
		}
	}
	res.Series = append(res.Series[:q.Limit:q.Limit], other)
	return res
}

func (m *memory) Values(_ context.Context, d ledger.Dimension, from, to ledger.Day, limit int) ([]string, error) {
	seen := map[string]bool{}
	for _, c := range m.charges {
		if c.Day >= from && c.Day < to {
			seen[value(c, d)] = true
		}
	}
	var out []string
	for v := range seen {
		out = append(out, v)
	}
	slices.Sort(out)
	return out[:min(limit, len(out))], nil
}
