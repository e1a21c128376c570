package ledger

import (
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// What a filter, and all rules together, may have.
const (
	maxTerms = 50_000
	maxDepth = 8
)

// check counts the terms of a filter into n, and finds dimensions that there are not.
func (f *Filter) check(depth int, n *int) error {
	if depth > maxDepth {
		return apierror.Inputf("filter: it is more than %d levels deep", maxDepth)
	}
	for _, t := range f.All {
		if !t.Dimension.Valid() {
			return apierror.Inputf("filter: there is no dimension %q", excerpt.Short(string(t.Dimension)))
		}
		*n += 1 + len(t.Values)
	}
	for i := range f.Any {
		*n++
		if err := f.Any[i].check(depth+1, n); err != nil {
			return err
		}
	}
	if *n > maxTerms {
		return apierror.Inputf("filter: it has more than %d terms and values", maxTerms)
	}
	return nil
}

// lookup finds a dimension's values: a view's, and ByRule.
type lookup func(Dimension) (*values, error)

// selection is a filter for one segment, with its terms looked up for every text.
type selection struct {
	terms []selected
	any   []selection
}

type selected struct {
	values *values
	match  []bool
}

// selecting looks a filter's terms up.
func (f *Filter) selecting(find lookup) (selection, error) {
	var s selection
	for i := range f.All {
		v, err := find(f.All[i].Dimension)
		if err != nil {
			return s, err
		}
		s.terms = append(s.terms, selected{v, f.All[i].matching(v)})
	}
	for i := range f.Any {
		inner, err := f.Any[i].selecting(find)
		if err != nil {
			return s, err
		}
		s.any = append(s.any, inner)
	}
	return s, nil
}

func (s *selection) holds(series int) bool {
	for i := range s.terms {
		if !s.terms[i].match[s.terms[i].values.code(series)] {
			return false
		}
	}
	for i := range s.any {
		if s.any[i].holds(series) {
			return true
		}
	}
	return len(s.any) == 0
}

// usesRules reports whether a term is about ByRule.
func (f *Filter) usesRules() bool {
	for _, t := range f.All {
		if t.Dimension == ByRule {
			return true
		}
	}
	for i := range f.Any {
		if f.Any[i].usesRules() {
			return true
		}
	}
	return false
}
