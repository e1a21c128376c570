package index

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
)

// Text lets through entities of which some value of some key contains the term. As in the reference's SQL, % stands for
// any text and _ for any one character, and nothing escapes them.
type Text struct {
	Term string
	Keys []string // nil: the key the query is sorted by; empty: none, so nothing passes
}

func (t Text) empty() bool { return strings.TrimSpace(t.Term) == "" }

func (t Text) keys(sorted string) []string {
	if t.Keys == nil {
		return []string{sorted}
	}
	keys := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		keys[i] = strings.ToLower(k)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// matcher decides about values, which are lower case.
func (t Text) matcher() func(value string) bool {
	term := strings.ToLower(strings.TrimSpace(t.Term))
	if !strings.ContainsAny(term, "%_") {
		return func(value string) bool { return strings.Contains(value, term) }
	}
	return func(value string) bool { return like(value, "%"+term+"%") }
}

// like is SQL's LIKE without an escape character. It needs len(value)*len(pattern) steps at worst.
func like(value, pattern string) bool {
	v, p := 0, 0
	retryV, retryP := -1, -1 // after the last %, where its text may still grow
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			p++
			retryV, retryP = v, p
			continue
		case p < len(pattern) && pattern[p] == '_':
			_, size := utf8.DecodeRuneInString(value[v:])
			v, p = v+size, p+1
			continue
		case p < len(pattern) && pattern[p] == value[v]:
			v, p = v+1, p+1
			continue
		case retryP < 0:
			return false
		}
		_, size := utf8.DecodeRuneInString(value[retryV:])
		retryV += size
		v, p = retryV, retryP
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

// withText is who has a matching value of one of keys; the bitmap is the caller's.
func (s *Snapshot) withText(keys []string, match func(value string) bool) *roaring.Bitmap {
	bits := roaring.New()
	var few []uint32
	for _, name := range keys {
		k := s.key(name)
		if k == nil {
			continue
		}
		for t := range k.terms.all() {
			if !match(t.value) {
				continue
			}
			if t.docs.many == nil {
				few = append(few, t.docs.one)
			} else {
				t.docs.addTo(bits)
			}
		}
	}
	bits.AddMany(few)
	return bits
}
