package index

import (
	"math"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// List asks for entities by offset.
type List struct {
	Filter Filter
	// Orders are all used, ties by uid ascending; keys match in lower case only. Entities without a value come last,
	// whatever the direction. No order is the order of refs.
	Orders []Order
	Offset int
	Limit  int // 0 = no limit
}

// List answers l; more says whether entities follow.
func (s *Snapshot) List(l List) (docs []*Doc, more bool) {
	want := math.MaxInt
	if l.Limit > 0 {
		want = l.Limit + 1
	}
	hits := s.eval(l.Filter).bits
	take := taker{snapshot: s, skip: l.Offset, want: want}
	switch len(l.Orders) {
	case 0:
		s.listByRef(hits, &take)
	case 1:
		s.listByOne(hits, l.Orders[0], &take)
	default:
		s.listByMany(hits, l.Orders, &take)
	}
	if l.Limit > 0 && len(take.docs) > l.Limit {
		return take.docs[:l.Limit], true
	}
	return take.docs, false
}

// taker collects a window of what it is offered.
type taker struct {
	snapshot   *Snapshot
	skip, want int
	docs       []*Doc
}

// full tells the source to stop.
func (t *taker) full() bool { return len(t.docs) >= t.want }

func (t *taker) offer(n uint32) {
	if t.skip > 0 {
		t.skip--
		return
	}
	t.docs = append(t.docs, t.snapshot.doc(n))
}

// fewHits is the number of hits that are sorted on the spot rather than by deriving the order of everything.
const fewHits = 2000

func (s *Snapshot) listByRef(hits *roaring.Bitmap, take *taker) {
	if hits.GetCardinality() <= fewHits {
		docs := hits.ToArray()
		s.sortByRef(docs)
		for _, n := range docs {
			if take.full() {
				return
			}
			take.offer(n)
		}
		return
	}
	for _, n := range s.refOrder() {
		if take.full() {
			return
		}
		if hits.Contains(n) {
			take.offer(n)
		}
	}
}

func (s *Snapshot) listByOne(hits *roaring.Bitmap, by Order, take *taker) {
	k := s.key(by.Key)
	o := s.orderOf(k)
	// Values go in the direction asked for, uids within one value always up.
	for lo, hi := o.group(0, by.Desc); lo < hi; {
		for _, e := range o.entries[lo:hi] {
			if take.full() {
				return
			}
			if hits.Contains(e.doc) {
				take.offer(e.doc)
			}
		}
		if by.Desc {
			lo, hi = o.group(len(o.entries)-lo, true)
		} else {
			lo, hi = o.group(hi, false)
		}
	}
	for _, e := range s.uidOrder().entries {
		if take.full() {
			return
		}
		if hits.Contains(e.doc) && len(o.placesOf(e.doc)) == 0 {
			take.offer(e.doc)
		}
	}
}

// group is the range of entries with one value, after done entries from the beginning, or from the end when down.
func (o *order) group(done int, down bool) (lo, hi int) {
	if done >= len(o.entries) {
		return 0, 0
	}
	if down {
		hi = len(o.entries) - done
		lo = hi - 1
		for lo > 0 && o.value(o.entries[lo-1]) == o.value(o.entries[hi-1]) {
			lo--
		}
		return lo, hi
	}
	lo, hi = done, done+1
	for hi < len(o.entries) && o.value(o.entries[hi]) == o.value(o.entries[lo]) {
		hi++
	}
	return lo, hi
}

// combination is an entity with one value of each order.
type combination struct {
	doc    uint32
	values []orderValue
}

type orderValue struct {
	text  string
	lacks bool
}

// maxCombinations bounds how often one entity can appear when it has many values of several keys.
const maxCombinations = 64

// listByMany sorts every combination of values of every hit, as a join does.
func (s *Snapshot) listByMany(hits *roaring.Bitmap, by []Order, take *taker) {
	orders := make([]*order, len(by))
	for i, b := range by {
		orders[i] = s.orderOf(s.key(b.Key))
	}
	var all []combination
	for _, e := range s.uidOrder().entries {
		if hits.Contains(e.doc) {
			all = append(all, combinations(e.doc, orders)...)
		}
	}
	slices.SortStableFunc(all, func(a, b combination) int { return a.compare(b, by) })
	for _, c := range all {
		if take.full() {
			return
		}
		take.offer(c.doc)
	}
}

func combinations(doc uint32, orders []*order) []combination {
	all := []combination{{doc: doc}}
	for _, o := range orders {
		values := []orderValue{}
		for _, p := range o.placesOf(doc) {
			values = append(values, orderValue{text: o.value(o.entries[p])})
		}
		if len(values) == 0 {
			values = append(values, orderValue{lacks: true})
		}
		var next []combination
		for _, c := range all {
			for _, v := range values {
				next = append(next, combination{doc, append(slices.Clip(c.values), v)})
			}
		}
		all = next[:min(len(next), maxCombinations)]
	}
	return all
}

func (c combination) compare(other combination, by []Order) int {
	for i := range by {
		a, b := c.values[i], other.values[i]
		switch {
		case a.lacks && b.lacks:
			continue
		case a.lacks:
			return 1
		case b.lacks:
			return -1
		}
		order := strings.Compare(a.text, b.text)
		if by[i].Desc {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
