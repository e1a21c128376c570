package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// maxPoints bounds what a query holds in memory at once.
const maxPoints = 4 << 20

// Query sums charges. It reads one state of the ledger, however long it takes.
//
// Charges of several currencies fail with a [MixedCurrenciesError], unless Currency is among GroupBy: then every series has
// one, and neither Result.Total nor a series for those beyond a limit exists.
func (l *Ledger) Query(ctx context.Context, q Query) (Result, error) {
	q, err := q.checked()
	if err != nil {
		return Result{}, err
	}
	var result Result
	err = l.db.Read(ctx, func(tx *sql.Tx) error {
		p, err := newPlan(ctx, tx, q)
		if err != nil {
			return err
		}
		if result, err = p.answer(); err != nil {
			return err
		}
		return p.states(&result)
	})
	if err != nil {
		return Result{}, fmt.Errorf("query costs: %w", err)
	}
	return result, nil
}

// checked is the query with what it leaves open filled in.
func (q Query) checked() (Query, error) {
	if q.Metric == "" {
		q.Metric = Effective
	}
	if q.Granularity == "" {
		q.Granularity = Total
	}
	switch {
	case !slices.Contains(metrics, q.Metric):
		return q, apierror.Inputf("metric: there is no %q; there are %v", excerpt.Short(string(q.Metric)), metrics)
	case q.Granularity != Daily && q.Granularity != Monthly && q.Granularity != Total:
		return q, apierror.Inputf("granularity: %q is none of day, month and total", excerpt.Short(string(q.Granularity)))
	case !q.From.Valid() || !q.To.Valid() || q.From >= q.To:
		return q, apierror.Inputf("days: from %s to before %s is no range of days between 1970 and 2199", q.From, q.To)
	case q.To-q.From > maxDays:
		return q, apierror.Inputf("days: a query may be about %d days, not more", maxDays)
	case q.Limit < 0 || q.Limit > MaxSeries:
		return q, apierror.Inputf("limit: it must be between 0 and %d", MaxSeries)
	case len(q.GroupBy) > 8:
		return q, apierror.Inputf("groupBy: at most 8 dimensions")
	}
	for _, d := range q.GroupBy {
		if !d.Valid() {
			return q, apierror.Inputf("groupBy: there is no dimension %q", excerpt.Short(string(d)))
		}
	}
	n := 0
	if err := q.Filter.check(0, &n); err != nil {
		return q, err
	}
	if q.Currency != "" && q.Metric != Carbon {
		q.Filter = Filter{All: []Term{Is(Currency, q.Currency)}, Any: []Filter{q.Filter}}
	}
	return q, checkRules(q.Rules)
}

// answer sums what was planned. Where points of all groups would be many, the groups are ranked by their sums of the whole
// time first, so that only those that are shown get points.
func (p *plan) answer() (Result, error) {
	every := make([]int, len(p.groups))
	for i := range every {
		every[i] = i
	}
	few := len(p.groups)*len(p.time.starts) <= maxPoints/4
	first := matrix{width: len(p.groups), time: p.time}
	if !few {
		first.time = wholeTime(p.query.From, p.query.To)
	}
	if err := p.sum(&first, every); err != nil {
		return Result{}, err
	}
	ranked, err := p.ranked(&first)
	if err != nil {
		return Result{}, err
	}
	slots, width := p.slots(ranked)
	if width*len(p.time.starts) > maxPoints {
		return Result{}, apierror.Inputf("%d series of %d points are too many: set a limit, or ask for months or fewer days", width, len(p.time.starts))
	}
	last := matrix{width: width, time: p.time}
	if few {
		last.fold(&first, slots)
	} else if err := p.sum(&last, slots); err != nil {
		return Result{}, err
	}
	return p.result(ranked, &last)
}

// ranked are the groups that have charges, by their sums, the highest first.
func (p *plan) ranked(m *matrix) ([]int, error) {
	var groups []int
	totals := make([]money.Amount, m.width)
	for g := range totals {
		if m.touched[g] {
			groups = append(groups, g)
			totals[g] = m.total(g)
		}
	}
	currencies := slices.Sorted(maps.Keys(p.currencies))
	folding := p.query.Limit > 0 && len(groups) > p.query.Limit
	if len(currencies) > 1 && (folding || !slices.Contains(p.query.GroupBy, Currency)) {
		return nil, &MixedCurrenciesError{currencies}
	}
	if p.query.Limit == 0 && len(groups) > MaxSeries {
		return nil, apierror.Inputf("the charges are of %d groups: set a limit of at most %d", len(groups), MaxSeries)
	}
	slices.SortFunc(groups, func(a, b int) int {
		return cmp.Or(totals[b].Cmp(totals[a]), slices.Compare(p.groups[a], p.groups[b]))
	})
	return groups, nil
}

// slots gives each group its place in the answer, -1 for none, and those beyond the limit one together.
func (p *plan) slots(ranked []int) (slots []int, width int) {
	slots = make([]int, len(p.groups))
	for g := range slots {
		slots[g] = -1
	}
	for place, g := range ranked {
		slots[g] = place
		if p.query.Limit > 0 {
			slots[g] = min(place, p.query.Limit)
		}
		width = max(width, slots[g]+1)
	}
	return slots, width
}

// result makes series of the sums.
func (p *plan) result(ranked []int, m *matrix) (Result, error) {
	var r Result
	for slot := range m.width {
		s := Series{Groups: 1, Total: m.total(slot)}
		if p.query.Limit > 0 && slot == p.query.Limit {
			s.Other, s.Groups = true, len(ranked)-slot
		} else {
			s.Keys = p.keys(ranked[slot])
		}
		for i, start := range m.time.starts {
			s.Points = append(s.Points, Point{start, m.sums[slot*len(m.time.starts)+i]})
		}
		if err := s.Total.Err(); err != nil {
			return r, apierror.Inputf("sum of %v: %v", s.Keys, err)
		}
		r.Series = append(r.Series, s)
	}
	if len(p.currencies) > 1 {
		return r, nil
	}
	for currency := range p.currencies {
		r.Currency = currency
	}
	for i := range r.Series {
		r.Total = r.Total.Add(r.Series[i].Total)
	}
	if err := r.Total.Err(); err != nil {
		return r, apierror.Inputf("sum of all: %v", err)
	}
	return r, nil
}

func (p *plan) keys(group int) map[Dimension]string {
	keys := make(map[Dimension]string, len(p.query.GroupBy))
	for i, d := range p.query.GroupBy {
		keys[d] = p.groups[group][i]
	}
	return keys
}
