package search

import "slices"

// plan is a query in terms of one type.
type plan struct {
	tokens   []planToken
	required []fieldTerm
	optional []fieldTerm
	groups   []fieldGroup
}

// planToken is one distinct token of what was typed.
type planToken struct {
	text  string
	stem  string
	runes []rune
	times float64
}

type fieldTerm struct {
	field int
	term  string
}

// fieldGroup is one value of a list filter that has several tokens: all of them must be in the field.
type fieldGroup struct {
	field int
	terms []string
}

// newPlan translates q for a type with those fields. ok is false when a filter names a field that the type does not
// have: nothing of that type can match.
func newPlan(q Query, fields []string) (p plan, ok bool) {
	for _, t := range tokens(q.Term) {
		i := slices.IndexFunc(p.tokens, func(k planToken) bool { return k.text == t })
		if i >= 0 {
			p.tokens[i].times++
			continue
		}
		p.tokens = append(p.tokens, planToken{text: t, stem: stem(t), runes: []rune(t), times: 1})
	}
	for _, f := range q.Filters {
		field := slices.Index(fields, f.Field)
		if field < 0 {
			return plan{}, false
		}
		p.filter(field, f)
	}
	return p, true
}

// filter adds a filter. One value is demanded; of several, each makes a document match by itself, as in the reference,
// where a list filter widens the result instead of narrowing it.
func (p *plan) filter(field int, f Filter) {
	for _, value := range f.Values {
		var terms []string
		for _, t := range tokens(value) {
			if !isStopWord(t) {
				terms = append(terms, stem(t))
			}
		}
		switch {
		case len(f.Values) == 1:
			for _, t := range terms {
				p.required = append(p.required, fieldTerm{field, t})
			}
		case len(terms) == 1:
			p.optional = append(p.optional, fieldTerm{field, terms[0]})
		case len(terms) > 1:
			p.groups = append(p.groups, fieldGroup{field, terms})
		}
	}
}

func (p *plan) matchesAll() bool {
	return len(p.tokens)+len(p.required)+len(p.optional)+len(p.groups) == 0
}
