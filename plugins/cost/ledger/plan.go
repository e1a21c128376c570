package ledger

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// plan is a query with the group of every series that it is about.
type plan struct {
	from       *snapshot
	query      Query
	ruling     *ruling
	time       buckets
	segments   []planned
	currencies map[string]bool // of cells that were summed
	touched    map[string]bool // sources of such cells

	mu      sync.Mutex // while segments are planned
	groups  [][]string // values by GroupBy
	numbers map[string]int
}

type planned struct {
	stored

	groups   []int   // of each series, -1 for none
	currency *values // nil for carbon
}

// buckets are the times that points stand for.
type buckets struct {
	from   Day
	of     []int32 // the bucket of a day, counted from the first
	starts []Day
}

func newBuckets(g Granularity, from, to Day) buckets {
	b := buckets{from: from, of: make([]int32, to-from)}
	var month Period
	for day := from; day < to; day++ {
		begins := day == from || g == Daily
		if g == Monthly {
			m := day.Period()
			begins, month = m != month, m
		}
		if begins {
			b.starts = append(b.starts, day)
		}
		b.of[day-from] = int32(len(b.starts) - 1)
	}
	return b
}

func wholeTime(from, to Day) buckets { return newBuckets(Total, from, to) }

func newPlan(ctx context.Context, tx *sql.Tx, q Query) (*plan, error) {
	p := &plan{from: &snapshot{ctx: ctx, tx: tx}, query: q, time: newBuckets(q.Granularity, q.From, q.To),
		numbers: map[string]int{}, currencies: map[string]bool{}, touched: map[string]bool{}}
	if slices.Contains(q.GroupBy, ByRule) || q.Filter.usesRules() {
		p.ruling = newRuling(q.Rules)
	}
	segments, err := between(ctx, tx, q.From, q.To)
	if err != nil {
		return nil, err
	}
	all := make([]planned, len(segments))
	err = atOnce(ctx, len(segments), runtime.GOMAXPROCS(0), func(_, i int) (err error) {
		all[i], err = p.plan(segments[i])
		return err
	})
	p.segments = slices.DeleteFunc(all, func(s planned) bool { return s.groups == nil })
	return p, err
}

// atOnce does n things by some workers, each of which has a number.
func atOnce(ctx context.Context, n, workers int, f func(worker, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for worker := range min(n, workers) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := errors.Join(ctx.Err(), f(worker, i)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// plan finds the groups of a segment's series. They are nil when it has none.
func (p *plan) plan(seg stored) (planned, error) {
	s := planned{stored: seg}
	v := &view{from: p.from, seg: seg}
	find := p.lookup(v)
	selection, err := p.query.Filter.selecting(find)
	if err != nil {
		return s, err
	}
	var by []*values
	for _, d := range p.query.GroupBy {
		found, err := find(d)
		if err != nil {
			return s, err
		}
		by = append(by, found)
	}
	if p.query.Metric != Carbon {
		if s.currency, err = find(Currency); err != nil {
			return s, err
		}
	}
	s.groups = p.assign(seg.series, &selection, by)
	return s, nil
}

// lookup finds dimensions in a view, and what the rules say, which is worked out once.
func (p *plan) lookup(v *view) lookup {
	var ruled *values
	return func(d Dimension) (*values, error) {
		if d != ByRule {
			return v.dimension(d)
		}
		var err error
		if ruled == nil {
			ruled, err = p.ruling.values(v.seg.series, v.dimension)
		}
		return ruled, err
	}
}

// assign numbers the groups of the series that are selected. Combinations of codes are told apart first, so that texts are
// compared once for each combination.
func (p *plan) assign(series int, selection *selection, by []*values) []int {
	combined := make([]uint32, series)
	count := uint32(1)
	for _, v := range by {
		combined, count = combine(combined, count, v)
	}
	numbers := make([]int, count)
	groups := make([]int, series)
	selected := false
	for s := range groups {
		groups[s] = -1
		if !selection.holds(s) {
			continue
		}
		number := &numbers[combined[s]]
		if *number == 0 {
			*number = p.number(by, s) + 1
		}
		groups[s] = *number - 1
		selected = true
	}
	if !selected {
		return nil
	}
	return groups
}

// combine tells apart what two codes together do.
func combine(combined []uint32, count uint32, v *values) ([]uint32, uint32) {
	if v.codes == nil {
		return combined, count
	}
	if count == 1 {
		return v.codes, uint32(len(v.texts))
	}
	pairs := map[uint64]uint32{}
	result := make([]uint32, len(combined))
	for s, first := range combined {
		pair := uint64(first)<<32 | uint64(v.codes[s])
		code, known := pairs[pair]
		if !known {
			code = uint32(len(pairs))
			pairs[pair] = code
		}
		result[s] = code
	}
	return result, uint32(len(pairs))
}

func (p *plan) number(by []*values, series int) int {
	texts := make([]string, len(by))
	var key []byte
	for i, v := range by {
		texts[i] = v.of(series)
		key = appendText(key, texts[i])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n, known := p.numbers[string(key)]
	if !known {
		n = len(p.groups)
		p.numbers[string(key)] = n
		p.groups = append(p.groups, texts)
	}
	return n
}
