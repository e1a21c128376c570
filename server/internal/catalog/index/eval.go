package index

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/callboard/callboard/sdk/entity"
)

// set is the outcome of an evaluation: a bitmap that belongs to the index and must not be changed, unless own.
type set struct {
	bits *roaring.Bitmap
	own  bool
}

func (s set) count() int { return int(s.bits.GetCardinality()) }

// Matches says whether the entity with that ref exists and passes f, without building sets.
func (s *Snapshot) Matches(ref entity.Canonical, f Filter) bool {
	n, ok := s.numberOf(ref)
	return ok && s.matches(n, f)
}

// matches decides for one document.
func (s *Snapshot) matches(n uint32, f Filter) bool {
	switch f.op {
	case opAll:
		return !slices.ContainsFunc(f.subs, func(sub Filter) bool { return !s.matches(n, sub) })
	case opAny:
		return slices.ContainsFunc(f.subs, func(sub Filter) bool { return s.matches(n, sub) })
	case opNot:
		return !s.matches(n, f.subs[0])
	}
	k := s.key(f.key)
	if k == nil || !k.exists.contains(n) {
		return false
	}
	if f.op == opExists {
		return true
	}
	for t := range k.selected(f) {
		if t.docs.contains(n) {
			return true
		}
	}
	return false
}

// selected iterates over the terms that a leaf filter asks for.
func (k *key) selected(f Filter) func(yield func(*term) bool) {
	return func(yield func(*term) bool) {
		if f.op == opPrefix {
			for t := range k.terms.from(f.values[0]) {
				if len(t.value) < len(f.values[0]) || t.value[:len(f.values[0])] != f.values[0] || !yield(t) {
					return
				}
			}
			return
		}
		for _, v := range f.values {
			for t := range k.terms.withValue(v) {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// eval is the set of documents that pass f.
func (s *Snapshot) eval(f Filter) set {
	switch f.op {
	case opAll:
		return s.evalAll(f.subs)
	case opAny:
		return s.evalAny(f.subs)
	case opNot:
		return set{bits: roaring.AndNot(s.live, s.eval(f.subs[0]).bits), own: true}
	}
	k := s.key(f.key)
	if k == nil {
		return set{bits: roaring.New(), own: true}
	}
	if f.op == opExists {
		return k.exists.set()
	}
	return k.union(f)
}

// union is who has one of the selected terms. One term alone is taken as it is.
func (k *key) union(f Filter) set {
	var large []*roaring.Bitmap
	var rest []uint32
	for t := range k.selected(f) {
		if t.docs.many != nil && t.docs.many.bits != nil {
			large = append(large, t.docs.many.bits)
			continue
		}
		t.docs.each(func(n uint32) { rest = append(rest, n) })
	}
	if len(large) == 1 && len(rest) == 0 {
		return set{bits: large[0]}
	}
	bits := roaring.FastOr(large...)
	bits.AddMany(rest)
	return set{bits: bits, own: true}
}

// evalAll intersects, the smallest sets first; negations are taken out of what is left.
func (s *Snapshot) evalAll(subs []Filter) set {
	sets := make([]set, 0, len(subs))
	for _, f := range subs {
		if f.op == opNot {
			continue
		}
		x := s.eval(f)
		if x.bits.IsEmpty() {
			return x
		}
		sets = append(sets, x)
	}
	out := set{bits: s.live}
	if len(sets) > 0 {
		slices.SortFunc(sets, func(a, b set) int { return cmp.Compare(a.count(), b.count()) })
		out = sets[0]
		for _, x := range sets[1:] {
			out = out.and(x)
		}
	}
	for _, f := range subs {
		if f.op == opNot {
			out = out.andNot(s.eval(f.subs[0]))
		}
	}
	return out
}

func (s set) and(x set) set {
	if s.own {
		s.bits.And(x.bits)
		return s
	}
	return set{bits: roaring.And(s.bits, x.bits), own: true}
}

func (s set) andNot(x set) set {
	if s.own {
		s.bits.AndNot(x.bits)
		return s
	}
	return set{bits: roaring.AndNot(s.bits, x.bits), own: true}
}

func (s *Snapshot) evalAny(subs []Filter) set {
	bits := make([]*roaring.Bitmap, len(subs))
	for i, f := range subs {
		bits[i] = s.eval(f).bits
	}
	return set{bits: roaring.FastOr(bits...), own: true}
}
