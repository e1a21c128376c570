package search

import (
	"cmp"
	"slices"
	"strings"
)

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
