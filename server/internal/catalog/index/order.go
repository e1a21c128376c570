package index

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// order is everybody who has a value of a key, in the order (value, uid). A document with several values stands in it
// several times. It is derived from one version of a key when it is first asked for.
type order struct {
	terms   []*term // in order
	entries []entry
	// The entries of document n are entries[i] for i in place[start[n]:start[n+1]].
	start, place []uint32
}

type entry struct{ term, doc uint32 }

// lazyOrder builds an order once, however many readers ask.
type lazyOrder struct {
	once  sync.Once
	ready atomic.Pointer[order]
}

// orderOf is the order of k, one of the keys of s; nil gives an empty order. Documents of other snapshots that share
// this version of k have the same numbers, so the order serves them as well.
func (s *Snapshot) orderOf(k *key) *order {
	if k == nil {
		return new(order)
	}
	if o := k.order.ready.Load(); o != nil {
		return o
	}
	k.order.once.Do(func() { k.order.ready.Store(s.buildOrder(k)) })
	return k.order.ready.Load()
}

// uidOrder has every document once.
func (s *Snapshot) uidOrder() *order { return s.orderOf(s.key(uidKey)) }

// buildOrder sorts nothing: the terms are in order already, and within one value the documents are dealt out in the
// order of their uids.
func (s *Snapshot) buildOrder(k *key) *order {
	o := &order{terms: make([]*term, 0, k.terms.count), start: make([]uint32, s.next+1)}
	for t := range k.terms.all() {
		o.terms = append(o.terms, t)
		t.docs.each(func(n uint32) { o.start[n]++ })
	}
	// start becomes the end of each document's range, and its beginning when the range is filled from behind.
	total := uint32(0)
	for n, c := range o.start {
		total += c
		o.start[n] = total
	}
	termsOf := make([]uint32, total)
	for i, term := range slices.Backward(o.terms) {
		term.docs.each(func(n uint32) {
			o.start[n]--
			termsOf[o.start[n]] = uint32(i)
		})
	}
	o.deal(s, k, termsOf)
	return o
}

// deal puts the entries in their places. termsOf is parallel to place.
func (o *order) deal(s *Snapshot, k *key, termsOf []uint32) {
	o.entries = make([]entry, len(termsOf))
	o.place = make([]uint32, len(termsOf))
	groupOf, free := o.groups()
	put := func(n uint32) {
		for j := o.start[n]; j < o.start[n+1]; j++ {
			t := termsOf[j]
			p := free[groupOf[t]]
			free[groupOf[t]]++
			o.entries[p] = entry{term: t, doc: n}
			o.place[j] = p
		}
	}
	if k.name == uidKey {
		for _, t := range o.terms {
			t.docs.each(put)
		}
		return
	}
	for _, e := range s.uidOrder().entries {
		put(e.doc)
	}
}

// groups gives all spellings of a value one group, and each group the place where its entries begin.
func (o *order) groups() (groupOf, begin []uint32) {
	groupOf = make([]uint32, len(o.terms))
	total := uint32(0)
	for i, t := range o.terms {
		if i == 0 || o.terms[i-1].value != t.value {
			begin = append(begin, total)
		}
		groupOf[i] = uint32(len(begin) - 1)
		total += uint32(t.docs.count())
	}
	return groupOf, begin
}

// placesOf are the places of document n.
func (o *order) placesOf(n uint32) []uint32 {
	if int(n)+1 >= len(o.start) {
		return nil
	}
	return o.place[o.start[n]:o.start[n+1]]
}

func (o *order) value(e entry) string { return o.terms[e.term].value }

// search is the first place that is not before (value, uid).
func (o *order) search(s *Snapshot, value, uid string) int {
	i, _ := slices.BinarySearchFunc(o.entries, value, func(e entry, v string) int {
		if c := strings.Compare(o.value(e), v); c != 0 {
			return c
		}
		return strings.Compare(strings.ToLower(s.doc(e.doc).UID), uid)
	})
	return i
}

// refOrder is every document in the order of refs.
type refOrder struct {
	once  sync.Once
	ready atomic.Pointer[[]uint32]
}

func (s *Snapshot) refOrder() []uint32 {
	s.refs.once.Do(func() {
		docs := s.live.ToArray()
		s.sortByRef(docs)
		s.refs.ready.Store(&docs)
	})
	return *s.refs.ready.Load()
}

func (s *Snapshot) sortByRef(docs []uint32) {
	slices.SortFunc(docs, func(a, b uint32) int { return strings.Compare(string(s.doc(a).Ref), string(s.doc(b).Ref)) })
}

// warm derives again what readers of the snapshot before used, so that they do not wait for it.
func (s *Snapshot) warm(before *Snapshot) {
	for shard := range s.keys {
		for name, k := range s.keys[shard] {
			old := before.keys[shard][name]
			if old != nil && old != k && old.order.ready.Load() != nil {
				s.orderOf(k)
			}
		}
	}
}
