package search

import (
	"context"
	"math"
	"sync"
)

// The parameters of the BM25 ranking.
const (
	saturation = 1.2
	lengthBias = 0.75
)

// scratch is the memory of one evaluation, reused between queries.
type scratch struct {
	scores  []float64
	matched bitset
}

type scratchPool struct{ pool sync.Pool }

func (p *scratchPool) get(size int) *scratch {
	s, _ := p.pool.Get().(*scratch)
	if s == nil || len(s.scores) < size {
		return &scratch{scores: make([]float64, size+size/4), matched: newBitset(size + size/4)}
	}
	return s
}

// put cleans s; only what matched was written to.
func (p *scratchPool) put(s *scratch) {
	for at, w := range s.matched {
		if w != 0 {
			clear(s.scores[at*64 : min(at*64+64, len(s.scores))])
			s.matched[at] = 0
		}
	}
	p.pool.Put(s)
}

// score adds up the documents that match any term. The ranking is that of the reference: for each field, the BM25
// vector of the document times the unit vector of the query.
func (x *expansion) score(ctx context.Context, sc *scratch) error {
	s := x.snapshot
	norms := make([]float64, s.fields)
	for _, w := range x.terms {
		for f := range norms {
			norms[f] += w.in(f) * w.in(f)
		}
	}
	for n, w := range x.terms {
		if n%64 == 63 && ctx.Err() != nil {
			return ctx.Err()
		}
		idf := math.Log1p(math.Abs((float64(s.docs-w.df) + 0.5) / (float64(w.df) + 0.5)))
		for f := range norms {
			weight := w.in(f)
			if weight == 0 {
				continue
			}
			factor := idf * weight / math.Sqrt(norms[f])
			perToken := lengthBias * float64(s.docs) / max(float64(s.tokens[f]), 1)
			for i, id := range w.ids {
				if id != noTerm {
					s.segments[i].addScores(sc, id, f, factor, perToken)
				}
			}
		}
	}
	return nil
}

func (v *segmentView) addScores(sc *scratch, t termID, field int, factor, perToken float64) {
	list := v.postingsOf(t, field)
	for i := 0; i < len(list); {
		d, from := list[i], i
		for i < len(list) && list[i] == d {
			i++
		}
		if v.isDead(d) {
			continue
		}
		tf := float64(i - from)
		length := float64(v.lengths[int(d)*v.fields+field])
		at := v.base + int(d)
		sc.scores[at] += factor * (saturation + 1) * tf / (saturation*(1-lengthBias+perToken*length) + tf)
		sc.matched.add(at)
	}
}

// having is the set of documents that have the term in the field, dead ones included.
func (s *snapshot) having(field int, term string) bitset {
	set := newBitset(s.size())
	for i := range s.segments {
		v := &s.segments[i]
		if id, ok := v.find(term); ok {
			for _, d := range v.postingsOf(id, field) {
				set.add(v.base + int(d))
			}
		}
	}
	return set
}

// addGroup matches documents that have all terms of the group.
func (s *snapshot) addGroup(sc *scratch, g fieldGroup) {
	set := s.having(g.field, g.terms[0])
	for _, t := range g.terms[1:] {
		set.intersect(s.having(g.field, t))
	}
	for i := range s.segments {
		v := &s.segments[i]
		for d := range v.docs {
			if at := v.base + d; set.has(at) && !v.isDead(docID(d)) {
				sc.matched.add(at)
				sc.scores[at] += filterWeight
			}
		}
	}
}

func (s *snapshot) addAll(sc *scratch) {
	for i := range s.segments {
		v := &s.segments[i]
		for d := range v.docs {
			if !v.isDead(docID(d)) {
				sc.matched.add(v.base + d)
			}
		}
	}
}

// found is the outcome of one type.
type found struct {
	total int
	best  []match // in order, at most as many as were asked for
	terms *expansion
}

// find evaluates p. visible, if not nil, hides documents by their resource ref. Only the first n matches are kept.
func (s *snapshot) find(ctx context.Context, p *plan, visible func(string) bool, n int, pool *scratchPool) (found, error) {
	sc := pool.get(s.size())
	defer pool.put(sc)
	x := expand(s, p)
	if p.matchesAll() {
		s.addAll(sc)
	} else if err := x.score(ctx, sc); err != nil {
		return found{}, err
	}
	for _, g := range p.groups {
		s.addGroup(sc, g)
	}
	keep := sc.matched
	if len(p.required) > 0 {
		keep = newBitset(s.size())
		copy(keep, sc.matched)
	}
	for _, r := range p.required {
		keep.intersect(s.having(r.field, r.term))
	}
	res := found{terms: x}
	top := ranking{limit: n}
	for i := range s.segments {
		v := &s.segments[i]
		keep.between(v.base, v.base+len(v.docs), func(at int) {
			m := match{segment: v, id: docID(at - v.base)}
			if visible != nil && !visible(m.doc().ResourceRef) {
				return
			}
			m.score = sc.scores[at]
			res.total++
			top.offer(m)
		})
	}
	res.best = top.sorted()
	return res, nil
}
