package index

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// Facet is a value as written, with the number of entities that have it.
type Facet struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Facets counts the values of each key, which may be in any case, among the entities that pass filter. Values are in
// byte order; those that nobody has are left out.
func (s *Snapshot) Facets(filter Filter, keys []string) [][]Facet {
	var hits *roaring.Bitmap
	if !filter.IsZero() {
		hits = s.eval(filter).bits
	}
	out := make([][]Facet, len(keys))
	for i, name := range keys {
		out[i] = []Facet{}
		if k := s.key(strings.ToLower(name)); k != nil {
			out[i] = s.facet(k, hits)
		}
	}
	return out
}

func (s *Snapshot) facet(k *key, hits *roaring.Bitmap) []Facet {
	counts := s.facetCounts(k, hits)
	facets := make([]Facet, 0, min(len(counts), 1024))
	sorted := true
	i := 0
	for t := range k.terms.all() {
		if n := counts[i]; n > 0 {
			if t.original != nil {
				sorted = false
			}
			facets = append(facets, Facet{Value: t.label(), Count: int(n)})
		}
		i++
	}
	if !sorted {
		slices.SortFunc(facets, func(a, b Facet) int { return strings.Compare(a.Value, b.Value) })
	}
	return facets
}

// intersectCost is what intersecting a large bitmap costs, in steps of counting along the hits.
const intersectCost = 300

// facetCounts counts per term: along the terms while there are few, else along the hits.
func (s *Snapshot) facetCounts(k *key, hits *roaring.Bitmap) []uint32 {
	counts := make([]uint32, k.terms.count)
	if hits != nil && hits.GetCardinality() < uint64(k.terms.count)*intersectCost {
		o := s.orderOf(k)
		posting{many: &postingMany{bits: hits}}.each(func(n uint32) {
			for _, p := range o.placesOf(n) {
				counts[o.entries[p].term]++
			}
		})
		return counts
	}
	i := 0
	for t := range k.terms.all() {
		if hits == nil {
			counts[i] = uint32(t.docs.count())
		} else {
			counts[i] = uint32(t.docs.countIn(hits))
		}
		i++
	}
	return counts
}
