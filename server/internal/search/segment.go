package search

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// doc is an indexed document. It never changes.
type doc struct {
	key     string
	version uint64
	Document
}

type (
	docID  uint32 // position in segment.docs
	termID uint32 // position in segment.terms
)

// noTerm stands in the forward list for a token that is not indexed.
const noTerm = ^termID(0)

// segment is an immutable inverted index of some documents.
//
// The inverted side says in which documents a term occurs in a field, the forward side which terms a document has, token
// by token; highlighting walks the forward side, so no positions are kept.
type segment struct {
	fields int
	docs   []*doc   // by key
	terms  []string // sorted
	// postings of term t in field f are docs at [postingsFrom[t*fields+f], postingsFrom[t*fields+f+1]), ascending; a
	// document stands there once per occurrence.
	postings     []docID
	postingsFrom []uint32
	// df is the number of (document, field) pairs that have the term.
	df []uint32
	// forward tokens of document d in field f are at [forwardFrom[d*fields+f], forwardFrom[d*fields+f+1]).
	forward     []termID
	forwardFrom []uint32
	// lengths counts the indexed tokens of document d in field f, at d*fields+f.
	lengths []uint32

	shapes shapes
}

// newSegment indexes docs, which it sorts.
func newSegment(fields int, docs []*doc) *segment {
	slices.SortFunc(docs, func(a, b *doc) int { return strings.Compare(a.key, b.key) })
	s := &segment{fields: fields, docs: docs, lengths: make([]uint32, len(docs)*fields)}
	s.tokenize()
	s.invert()
	s.shapes = newShapes(typables(s.terms))
	return s
}

// tokenize fills the forward side and the sorted terms.
func (s *segment) tokenize() {
	known := map[string]termID{} // token as written -> term, noTerm for stop words
	stems := map[string]termID{}
	var names []string
	s.forwardFrom = append(make([]uint32, 0, len(s.docs)*s.fields+1), 0)
	for d, doc := range s.docs {
		for f, text := range doc.Values {
			for token := range spans(text) {
				written := text[token.from:token.to]
				id, ok := known[written]
				if !ok {
					id = intern(stems, &names, strings.ToLower(written))
					known[written] = id
				}
				s.forward = append(s.forward, id)
				if id != noTerm {
					s.lengths[d*s.fields+f]++
				}
			}
			s.forwardFrom = append(s.forwardFrom, uint32(len(s.forward)))
		}
	}
	s.forward = slices.Clip(s.forward)
	s.sortTerms(names)
}

func intern(stems map[string]termID, names *[]string, token string) termID {
	if isStopWord(token) {
		return noTerm
	}
	term := stem(token)
	id, ok := stems[term]
	if !ok {
		id = termID(len(*names))
		term = strings.Clone(term) // tokens may share the document's text
		stems[term] = id
		*names = append(*names, term)
	}
	return id
}

// sortTerms renumbers the terms by their order.
func (s *segment) sortTerms(names []string) {
	order := make([]termID, len(names))
	for i := range order {
		order[i] = termID(i)
	}
	slices.SortFunc(order, func(a, b termID) int { return strings.Compare(names[a], names[b]) })
	renumbered := make([]termID, len(names))
	s.terms = make([]string, len(names))
	for rank, id := range order {
		s.terms[rank] = names[id]
		renumbered[id] = termID(rank)
	}
	for i, id := range s.forward {
		if id != noTerm {
			s.forward[i] = renumbered[id]
		}
	}
}

// invert is a counting sort of the forward side by term and field.
func (s *segment) invert() {
	from := make([]uint32, len(s.terms)*s.fields+1)
	s.eachOccurrence(func(_ docID, f int, id termID) { from[int(id)*s.fields+f+1]++ })
	for i := 1; i < len(from); i++ {
		from[i] += from[i-1]
	}
	next := slices.Clone(from)
	s.postings = make([]docID, from[len(from)-1])
	s.df = make([]uint32, len(s.terms))
	s.eachOccurrence(func(d docID, f int, id termID) {
		bucket := int(id)*s.fields + f
		at := next[bucket]
		if at == from[bucket] || s.postings[at-1] != d {
			s.df[id]++
		}
		s.postings[at] = d
		next[bucket]++
	})
	s.postingsFrom = from
}

// eachOccurrence calls fn for every indexed token, in the order of documents.
func (s *segment) eachOccurrence(fn func(d docID, field int, id termID)) {
	for d := range s.docs {
		for f := range s.fields {
			i := d*s.fields + f
			for _, id := range s.forward[s.forwardFrom[i]:s.forwardFrom[i+1]] {
				if id != noTerm {
					fn(docID(d), f, id)
				}
			}
		}
	}
}

func (s *segment) postingsOf(t termID, field int) []docID {
	i := int(t)*s.fields + field
	return s.postings[s.postingsFrom[i]:s.postingsFrom[i+1]]
}

func (s *segment) lengthsOf(d docID) []uint32 {
	return s.lengths[int(d)*s.fields : (int(d)+1)*s.fields]
}

// find is the term with exactly that text.
func (s *segment) find(term string) (termID, bool) {
	i, ok := slices.BinarySearch(s.terms, term)
	return termID(i), ok
}

// withPrefix is the range of terms that begin with prefix.
func (s *segment) withPrefix(prefix string) (from, to termID) {
	lo, _ := slices.BinarySearch(s.terms, prefix)
	n, _ := slices.BinarySearchFunc(s.terms[lo:], prefix, func(term, p string) int {
		if strings.HasPrefix(term, p) {
			return -1
		}
		return 1
	})
	return termID(lo), termID(lo + n)
}

// shapes finds terms within some edits of a token without walking the terms: an edit changes the length by at most one,
// and adds and removes at most one letter each from the set of letters, so terms are kept by length with their letters
// as a bit mask, and nearly all are dismissed by two bit operations.
type shapes struct {
	masks    []uint64
	ids      []termID
	byLength []uint32 // first position of each length; one past the longest at the end
}

func newShapes(terms []string) shapes {
	longest := 0
	lengths := make([]int, len(terms))
	for i, t := range terms {
		lengths[i] = utf8.RuneCountInString(t)
		longest = max(longest, lengths[i])
	}
	sh := shapes{masks: make([]uint64, len(terms)), ids: make([]termID, len(terms)), byLength: make([]uint32, longest+2)}
	for _, n := range lengths {
		sh.byLength[n+1]++
	}
	for i := 1; i < len(sh.byLength); i++ {
		sh.byLength[i] += sh.byLength[i-1]
	}
	next := slices.Clone(sh.byLength)
	for i, t := range terms {
		at := next[lengths[i]]
		next[lengths[i]]++
		sh.masks[at], sh.ids[at] = letters(t), termID(i)
	}
	return sh
}

// near yields the terms that may be within that many edits of token, and a few that are not.
func (sh *shapes) near(token []rune, edits int, yield func(termID)) {
	mask := letters(string(token))
	longest := len(sh.byLength) - 2
	lo, hi := max(len(token)-edits, 0), min(len(token)+edits, longest)
	if lo > hi {
		return
	}
	for i := sh.byLength[lo]; i < sh.byLength[hi+1]; i++ {
		m := sh.masks[i]
		if bits.OnesCount64(m&^mask) <= edits && bits.OnesCount64(mask&^m) <= edits {
			yield(sh.ids[i])
		}
	}
}

// letters is the set of letters of a term; letters beyond a-z and 0-9 share bits.
func letters(term string) uint64 {
	var m uint64
	for _, r := range term {
		switch {
		case r >= 'a' && r <= 'z':
			m |= 1 << (r - 'a')
		case r >= '0' && r <= '9':
			m |= 1 << (26 + r - '0')
		default:
			m |= 1 << (36 + uint32(r)%28)
		}
	}
	return m
}
