package search

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
)

// Weights of the three ways in which a token of the query may match a term, as the reference has them.
const (
	stemWeight   = 100 // the same stem
	prefixWeight = 10  // begins with the token
	editsWeight  = 1   // within maxEdits of the token
	filterWeight = 1
)

// The parameters of the BM25 ranking.
const (
	saturation = 1.2
	lengthBias = 0.75
)

// maxPrefixTerms bounds what one token of one letter may expand to in one segment.
const maxPrefixTerms = 4096

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

// weighted is a term of the index that the query matches.
type weighted struct {
	everywhere float64   // in each field
	inField    []float64 // on top of it, by field; nil = nothing
	ids        []termID  // by segment; noTerm = not there
	df         int       // live (document, field) pairs that have it
	clause     int       // the last clause that matched it: a term of several segments is weighed once
}

func (w *weighted) in(field int) float64 {
	if w.inField == nil {
		return w.everywhere
	}
	return w.everywhere + w.inField[field]
}

// expansion is all terms that a plan matches in a snapshot.
type expansion struct {
	snapshot *snapshot
	byTerm   map[string]*weighted
	terms    []*weighted
	clause   int
}

func expand(s *snapshot, p *plan) *expansion {
	x := &expansion{snapshot: s, byTerm: map[string]*weighted{}}
	for _, t := range p.tokens {
		x.eachSegment(everyField, stemWeight*t.times, func(seg *segment, hit func(termID)) {
			if id, ok := seg.find(t.stem); ok {
				hit(id)
			}
		})
		x.eachSegment(everyField, prefixWeight*t.times, func(seg *segment, hit func(termID)) {
			from, to := seg.withPrefix(t.text)
			for id := from; id < min(to, from+maxPrefixTerms); id++ {
				hit(id)
			}
		})
		x.eachSegment(everyField, editsWeight*t.times, func(seg *segment, hit func(termID)) {
			seg.shapes.near(t.runes, maxEdits, func(id termID) {
				if withinEdits(t.runes, seg.terms[id]) {
					hit(id)
				}
			})
		})
	}
	for _, list := range [][]fieldTerm{p.required, p.optional} {
		for _, ft := range list {
			x.eachSegment(ft.field, filterWeight, func(seg *segment, hit func(termID)) {
				if id, ok := seg.find(ft.term); ok {
					hit(id)
				}
			})
		}
	}
	x.finish()
	return x
}

const everyField = -1

// eachSegment evaluates one clause of the query.
func (x *expansion) eachSegment(field int, weight float64, matches func(seg *segment, hit func(termID))) {
	x.clause++
	for i := range x.snapshot.segments {
		seg := x.snapshot.segments[i].segment
		matches(seg, func(id termID) { x.hit(i, seg, id, field, weight) })
	}
}

func (x *expansion) hit(segment int, seg *segment, id termID, field int, weight float64) {
	w := x.byTerm[seg.terms[id]]
	if w == nil {
		w = &weighted{ids: slices.Repeat([]termID{noTerm}, len(x.snapshot.segments))}
		x.byTerm[seg.terms[id]] = w
		x.terms = append(x.terms, w)
	}
	w.ids[segment] = id
	if w.clause == x.clause {
		return
	}
	w.clause = x.clause
	if field == everyField {
		w.everywhere += weight
		return
	}
	if w.inField == nil {
		w.inField = make([]float64, x.snapshot.fields)
	}
	w.inField[field] += weight
}

// finish counts documents and drops terms that only removed documents have.
func (x *expansion) finish() {
	x.terms = slices.DeleteFunc(x.terms, func(w *weighted) bool {
		for i, id := range w.ids {
			if id != noTerm {
				w.df += x.snapshot.segments[i].liveDF(id)
			}
		}
		return w.df == 0
	})
}

func (v *segmentView) liveDF(t termID) int {
	if v.nDead == 0 {
		return int(v.df[t])
	}
	n := 0
	for f := range v.fields {
		last := docID(0)
		for i, d := range v.postingsOf(t, f) {
			if (i == 0 || d != last) && !v.isDead(d) {
				n++
			}
			last = d
		}
	}
	return n
}

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

// match is one document that was found.
type match struct {
	score   float64
	segment *segmentView
	id      docID
}

func (m match) doc() *doc { return m.segment.docs[m.id] }

// compareMatches orders by rank; equal ranks by key, so that pages never overlap.
func compareMatches(a, b match) int {
	if c := cmp.Compare(b.score, a.score); c != 0 {
		return c
	}
	if a.segment == b.segment {
		return cmp.Compare(a.id, b.id)
	}
	return strings.Compare(a.doc().key, b.doc().key)
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

// ranking keeps the best of many matches in a heap whose root is the worst kept.
type ranking struct {
	limit int
	heap  []match
}

func (r *ranking) offer(m match) {
	if len(r.heap) < r.limit {
		r.heap = append(r.heap, m)
		for i := len(r.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if compareMatches(r.heap[up], r.heap[i]) >= 0 {
				break
			}
			r.heap[up], r.heap[i] = r.heap[i], r.heap[up]
			i = up
		}
		return
	}
	if r.limit == 0 || compareMatches(m, r.heap[0]) >= 0 {
		return
	}
	r.heap[0] = m
	for i := 0; ; {
		worst := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(r.heap) && compareMatches(r.heap[down], r.heap[worst]) > 0 {
				worst = down
			}
		}
		if worst == i {
			return
		}
		r.heap[i], r.heap[worst] = r.heap[worst], r.heap[i]
		i = worst
	}
}

func (r *ranking) sorted() []match {
	slices.SortFunc(r.heap, compareMatches)
	return r.heap
}
