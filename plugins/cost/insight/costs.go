package insight

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// Ledger is what is asked about charges.
type Ledger interface {
	// Query sums charges, see [ledger.Query].
	Query(ctx context.Context, q ledger.Query) (ledger.Result, error)
	// Values are the values that a dimension has in charges of the days from, to exclusive; at most limit.
	Values(ctx context.Context, d ledger.Dimension, from, to ledger.Day, limit int) ([]string, error)
}

// Costs answers questions about charges and the entities that they belong to. It is safe for concurrent use.
type Costs struct {
	Ledger Ledger
	Now    func() time.Time
}

// Scope is whose charges are asked about.
type Scope struct {
	// Directory says which charges are whose.
	Directory *Directory
	// Refs are the entities whose charges count; nil = all charges.
	Refs []string
}

// Everything is a scope of all charges.
func Everything(d *Directory) Scope { return Scope{Directory: d} }

const (
	// mine and others are the names of the rules of a scope's own entities, and of all other entities.
	mine   = "mine"
	others = "others"
	// mostAssigned values of all assignments together may name entities; of a bill with more of them the others are nobody's.
	mostAssigned = 20_000
)

// Query sums the charges of a scope. A charge that several entities claim counts for the first of them, as in
// [Costs.Allocate], so that sums of entities never count it twice.
func (c *Costs) Query(ctx context.Context, s Scope, q ledger.Query) (ledger.Result, error) {
	if s.Refs == nil {
		return c.Ledger.Query(ctx, q)
	}
	in := setOf(s.Refs)
	rules, err := c.rules(ctx, s.Directory, q.From, q.To, func(ref string) string {
		if in[ref] {
			return mine
		}
		return others
	})
	if err != nil {
		return ledger.Result{}, err
	}
	for len(rules) > 0 && rules[len(rules)-1].Name == others {
		rules = rules[:len(rules)-1] // whose they are does not matter any more
	}
	q.Rules = rules
	q.Filter = narrowed(q.Filter, ledger.Is(ledger.ByRule, mine))
	return c.Ledger.Query(ctx, q)
}

// narrowed is a filter with one more term.
func narrowed(f ledger.Filter, t ledger.Term) ledger.Filter { return both(f, ledger.Where(t)) }

// rules are how charges get to entities, in their order of precedence, under the names that name gives to entities.
//
// What entities claim by annotations goes first, the most precise claim before others and then by ref; after that the
// operator's assignments in their order. Charges of no rule are unallocated.
func (c *Costs) rules(ctx context.Context, d *Directory, from, to ledger.Day, name func(ref string) string) ([]ledger.Rule, error) {
	var rules []ledger.Rule
	for _, ref := range d.claimants {
		rules = append(rules, ledger.Rule{Name: name(ref), Filter: d.claims[ref].Filter})
	}
	left := mostAssigned
	for _, a := range d.assignments {
		values, err := c.Ledger.Values(ctx, a.Dimension, from, to, left)
		if err != nil {
			return nil, fmt.Errorf("values of %s: %w", a.Dimension, err)
		}
		// One rule for all values of one name: which of an assignment's rules goes first does not matter, since a charge has
		// one value.
		byName := map[string][]string{}
		var names []string
		for _, v := range values {
			ref := d.named(a, v)
			if v == "" || ref == "" {
				continue
			}
			n := name(ref)
			if left--; byName[n] == nil {
				names = append(names, n)
			}
			byName[n] = append(byName[n], v)
		}
		slices.Sort(names)
		for _, n := range names {
			rules = append(rules, ledger.Rule{Name: n, Filter: ledger.Where(ledger.Is(a.Dimension, byName[n]...))})
		}
	}
	return rules, nil
}

func (c *Costs) today() ledger.Day { return ledger.DayOf(c.Now()) }
