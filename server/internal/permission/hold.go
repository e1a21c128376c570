package permission

import (
	"context"
	"fmt"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
)

// Held is what an owner in another process answers of a condition and a resource.
type Held uint8

// What is held.
const (
	Fails Held = iota
	Holds
	// Missing is a resource that does not exist. It is denied whatever the criteria, as one that Load does not find.
	Missing
)

// hold answers questions by [Integration.Hold]. Questions with the same criteria are asked as one: a policy gives the
// same criteria for all resources of a request.
func (in *Integration) hold(ctx context.Context, questions []question) ([][]Result, error) {
	type group struct {
		inquiry

		refs  []string
		asked []int // indexes of questions
	}
	groups := map[string]*group{}
	var order []*group
	for i, q := range questions {
		text := q.criteria.String()
		g := groups[text]
		if g == nil {
			g = &group{inquiry: inquiry{in: in, missing: map[string]bool{}}}
			groups[text] = g
			order = append(order, g)
		}
		g.refs, g.asked = append(g.refs, q.refs...), append(g.asked, i)
	}
	answers := make([][]Result, len(questions))
	for _, g := range order {
		held, err := g.sift(ctx, questions[g.asked[0]].criteria, distinct(g.refs))
		if err != nil {
			return nil, err
		}
		allow := setOf(held)
		for _, i := range g.asked {
			answers[i] = make([]Result, len(questions[i].refs))
			for at, ref := range questions[i].refs {
				answers[i][at] = Deny
				if allow[ref] && !g.missing[ref] {
					answers[i][at] = Allow
				}
			}
		}
	}
	return answers, nil
}

// inquiry resolves criteria for many resources at once.
type inquiry struct {
	in      *Integration
	missing map[string]bool
}

// sift keeps the refs for which c holds, in their order. It agrees with [Criteria.Resolve]: each condition costs one call,
// and is asked about the refs that reach it alone. Missing ones may be kept; see q.missing.
func (q *inquiry) sift(ctx context.Context, c *Criteria, refs []string) ([]string, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	switch {
	case len(c.AllOf) > 0:
		for i := range c.AllOf {
			var err error
			if refs, err = q.sift(ctx, &c.AllOf[i], refs); err != nil {
				return nil, err
			}
		}
		return refs, nil
	case len(c.AnyOf) > 0:
		open := refs
		for i := range c.AnyOf {
			held, err := q.sift(ctx, &c.AnyOf[i], open)
			if err != nil {
				return nil, err
			}
			open = without(open, held)
		}
		return without(refs, open), nil
	case c.Not != nil:
		held, err := q.sift(ctx, c.Not, refs)
		return without(refs, held), err
	case c.Condition != nil:
		return q.ask(ctx, c.Condition, refs)
	}
	return nil, c.wellFormed()
}

func (q *inquiry) ask(ctx context.Context, cond *Condition, refs []string) (held []string, err error) {
	rule := q.in.rule(cond.Rule)
	if rule == nil {
		return nil, q.in.noRule(cond)
	}
	if err := rule.check(cond.Params); err != nil {
		return nil, err
	}
	answers, err := q.in.Hold(ctx, cond, refs)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(refs) {
		return nil, fmt.Errorf("rule %s: %d answers for %d resources", cond.Rule, len(answers), len(refs))
	}
	for i, ref := range refs {
		switch answers[i] {
		case Holds:
			held = append(held, ref)
		case Missing:
			q.missing[ref] = true
		case Fails:
		}
	}
	return held, nil
}

func (in *Integration) noRule(cond *Condition) error {
	return apierror.Newf(apierror.Generic, "Permission rule '%s' does not exist for resource type '%s'", cond.Rule, in.ResourceType)
}

func distinct(refs []string) []string {
	seen := make(map[string]bool, len(refs))
	return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool {
		again := seen[ref]
		seen[ref] = true
		return again
	})
}

func without(refs, gone []string) []string {
	if len(gone) == 0 {
		return refs
	}
	set := setOf(gone)
	return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return set[ref] })
}

func setOf(refs []string) map[string]bool {
	set := make(map[string]bool, len(refs))
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}
