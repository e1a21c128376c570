package search

import "math/bits"

// bitset is a set of small numbers of a fixed range.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (b bitset) add(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func (b bitset) union(o bitset) {
	for i, w := range o {
		b[i] |= w
	}
}

func (b bitset) intersect(o bitset) {
	for i, w := range o {
		b[i] &= w
	}
}

// between calls fn with the members from lo up to but not including hi, in ascending order.
func (b bitset) between(lo, hi int, fn func(i int)) {
	for at := lo >> 6; at<<6 < hi; at++ {
		w := b[at]
		if at == lo>>6 {
			w &= ^uint64(0) << (lo & 63)
		}
		if hi-at<<6 < 64 {
			w &= 1<<(hi&63) - 1
		}
		for ; w != 0; w &= w - 1 {
			fn(at<<6 + bits.TrailingZeros64(w))
		}
	}
}
