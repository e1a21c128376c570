package ledger

import (
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// ruling finds the first of many rules that a series meets. A rule is tried only where one of its anchors holds, terms of
// which at least one must, so that thousands of rules cost little more than those that come near.
type ruling struct {
	rules   []Rule
	anchors map[Dimension]map[string][]int // rules, in order
	always  []int                          // those without anchors
}

func newRuling(rules []Rule) *ruling {
	r := &ruling{rules: rules, anchors: map[Dimension]map[string][]int{}}
	for i := range rules {
		terms, ok := anchorsOf(&rules[i].Filter)
		if !ok {
			r.always = append(r.always, i)
			continue
		}
		for _, t := range terms {
			r.anchor(t, i)
		}
	}
	return r
}

func (r *ruling) anchor(t *Term, rule int) {
	byValue := r.anchors[t.Dimension]
	if byValue == nil {
		byValue = map[string][]int{}
		r.anchors[t.Dimension] = byValue
	}
	for _, value := range t.Values {
		if !slices.Contains(byValue[value], rule) {
			byValue[value] = append(byValue[value], rule)
		}
	}
}

// anchorsOf finds terms for values of which one holds whenever the filter does.
func anchorsOf(f *Filter) (terms []*Term, ok bool) {
	for i := range f.All {
		if t := &f.All[i]; !t.Not && len(t.Values) > 0 && !slices.Contains(t.Values, "") {
			return []*Term{t}, true
		}
	}
	for i := range f.Any {
		inner, ok := anchorsOf(&f.Any[i])
		if !ok {
			return nil, false
		}
		terms = append(terms, inner...)
	}
	return terms, len(terms) > 0
}

// checkRules counts the terms of rules, and finds those that cannot be.
func checkRules(rules []Rule) error {
	n := 0
	for i := range rules {
		if rules[i].Name == "" {
			return apierror.Inputf("rule %d: it has no name", i)
		}
		if rules[i].Filter.usesRules() {
			return apierror.Inputf("rule %s: a rule cannot be about rules", excerpt.Short(rules[i].Name))
		}
		if err := rules[i].Filter.check(0, &n); err != nil {
			return err
		}
	}
	return nil
}

// values tells which rule each series of a segment is of; the code of none is the number of rules.
func (r *ruling) values(series int, find lookup) (*values, error) {
	v := &values{texts: make([]string, len(r.rules)+1), codes: make([]uint32, series)}
	for i := range r.rules {
		v.texts[i] = r.rules[i].Name
	}
	near, err := r.candidates(find)
	if err != nil {
		return nil, err
	}
	compiled := make([]*lazySelection, len(r.rules))
	for s := range v.codes {
		best := len(r.rules)
		for _, list := range near.of(s) {
			if best, err = r.first(list, best, s, compiled, find); err != nil {
				return nil, err
			}
		}
		v.codes[s] = uint32(best)
	}
	return v, nil
}

// first is the first rule of a list before best that a series meets, else best.
func (r *ruling) first(list []int, best, series int, compiled []*lazySelection, find lookup) (int, error) {
	for _, rule := range list {
		if rule >= best {
			break
		}
		if compiled[rule] == nil {
			c, err := r.rules[rule].Filter.lazily(find)
			if err != nil {
				return best, err
			}
			compiled[rule] = c
		}
		if compiled[rule].holds(series) {
			return rule, nil
		}
	}
	return best, nil
}

// candidates are the rules to try, by the codes of the anchoring dimensions.
type candidates struct {
	dimensions []*values
	rules      [][][]int // by dimension and code
	always     []int
	lists      [][]int // reused
}

func (r *ruling) candidates(find lookup) (*candidates, error) {
	c := &candidates{always: r.always}
	for d, byValue := range r.anchors {
		v, err := find(d)
		if err != nil {
			return nil, err
		}
		lists := make([][]int, len(v.texts))
		for code, text := range v.texts {
			lists[code] = byValue[text]
		}
		c.dimensions, c.rules = append(c.dimensions, v), append(c.rules, lists)
	}
	return c, nil
}

func (c *candidates) of(series int) [][]int {
	c.lists = append(c.lists[:0], c.always)
	for i, v := range c.dimensions {
		if list := c.rules[i][v.code(series)]; len(list) > 0 {
			c.lists = append(c.lists, list)
		}
	}
	return c.lists
}

// lazySelection is a rule's filter, of which few series are asked: it compares texts rather than look all of them up first.
type lazySelection struct {
	terms []lazyTerm
	any   []*lazySelection
}

type lazyTerm struct {
	term   *Term
	wanted map[string]bool
	values *values
}

func (f *Filter) lazily(find lookup) (*lazySelection, error) {
	s := &lazySelection{}
	for i := range f.All {
		v, err := find(f.All[i].Dimension)
		if err != nil {
			return nil, err
		}
		s.terms = append(s.terms, lazyTerm{&f.All[i], f.All[i].set(), v})
	}
	for i := range f.Any {
		inner, err := f.Any[i].lazily(find)
		if err != nil {
			return nil, err
		}
		s.any = append(s.any, inner)
	}
	return s, nil
}

func (s *lazySelection) holds(series int) bool {
	for _, t := range s.terms {
		if !t.term.holds(t.values.of(series), t.wanted) {
			return false
		}
	}
	for _, inner := range s.any {
		if inner.holds(series) {
			return true
		}
	}
	return len(s.any) == 0
}
