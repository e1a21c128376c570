package index

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// posting is an immutable, non-empty set of document numbers. Most values of most keys belong to one document or a
// handful, where a bitmap would cost twenty times its contents; so there are three forms.
type posting struct {
	one  uint32
	many *postingMany // nil: the set is {one}
}

type postingMany struct {
	ids  []uint32 // sorted; nil when bits is set
	bits *roaring.Bitmap
}

// smallPosting is the size up to which a sorted list is smaller and quicker than a bitmap.
const smallPosting = 16

func (p posting) count() int {
	switch {
	case p.many == nil:
		return 1
	case p.many.bits == nil:
		return len(p.many.ids)
	}
	return int(p.many.bits.GetCardinality())
}

func (p posting) contains(doc uint32) bool {
	switch {
	case p.many == nil:
		return p.one == doc
	case p.many.bits == nil:
		_, found := slices.BinarySearch(p.many.ids, doc)
		return found
	}
	return p.many.bits.Contains(doc)
}

// countIn is the number of documents that are also in bits.
func (p posting) countIn(bits *roaring.Bitmap) int {
	if p.many != nil && p.many.bits != nil {
		return int(p.many.bits.AndCardinality(bits))
	}
	n := 0
	p.each(func(doc uint32) {
		if bits.Contains(doc) {
			n++
		}
	})
	return n
}

func (p posting) each(f func(doc uint32)) {
	switch {
	case p.many == nil:
		f(p.one)
	case p.many.bits == nil:
		for _, doc := range p.many.ids {
			f(doc)
		}
	default:
		var buf [256]uint32
		for it := p.many.bits.ManyIterator(); ; {
			n := it.NextMany(buf[:])
			if n == 0 {
				return
			}
			for _, doc := range buf[:n] {
				f(doc)
			}
		}
	}
}

// addTo unites the set into bits.
func (p posting) addTo(bits *roaring.Bitmap) {
	switch {
	case p.many == nil:
		bits.Add(p.one)
	case p.many.bits == nil:
		bits.AddMany(p.many.ids)
	default:
		bits.Or(p.many.bits)
	}
}

// set is the posting as a set for evaluation; see [set] for who may change it.
func (p posting) set() set {
	if p.many != nil && p.many.bits != nil {
		return set{bits: p.many.bits}
	}
	bits := roaring.New()
	p.addTo(bits)
	return set{bits: bits, own: true}
}

// edited is the posting (absent when had is false) with del taken out and add put in; ok is false when nothing is left.
func (p posting) edited(had bool, add, del []uint32) (_ posting, ok bool) {
	if had && p.many != nil && p.many.bits != nil {
		bits := p.many.bits.Clone()
		for _, doc := range del {
			bits.Remove(doc)
		}
		bits.AddMany(add)
		if n := bits.GetCardinality(); n > smallPosting/2 {
			return posting{many: &postingMany{bits: bits}}, true
		}
		return postingOf(bits.ToArray())
	}
	var ids []uint32
	if had {
		p.each(func(doc uint32) {
			if !slices.Contains(del, doc) {
				ids = append(ids, doc)
			}
		})
	}
	return postingOf(append(ids, add...))
}

// postingOf takes ownership of ids, which may be unsorted and hold repeats.
func postingOf(ids []uint32) (_ posting, ok bool) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch {
	case len(ids) == 0:
		return posting{}, false
	case len(ids) == 1:
		return posting{one: ids[0]}, true
	case len(ids) <= smallPosting:
		return posting{many: &postingMany{ids: slices.Clip(ids)}}, true
	}
	bits := roaring.New()
	bits.AddMany(ids)
	bits.RunOptimize()
	return posting{many: &postingMany{bits: bits}}, true
}
