package search

import "slices"

// Weights of the three ways in which a token of the query may match a term, as the reference has them.
const (
	stemWeight   = 100 // the same stem
	prefixWeight = 10  // begins with the token
	editsWeight  = 1   // within maxEdits of the token
	filterWeight = 1
)

// maxPrefixTerms bounds what one token of one letter may expand to in one segment.
const maxPrefixTerms = 4096

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
				if near := typable(seg.terms[id]); near != "" && withinEdits(t.runes, near) {
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
