package index

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"unsafe"
)

// term is one value of a key, as written, with the documents that have it. Two terms whose originals differ only in
// case have the same value.
type term struct {
	value    string  // lower case
	original *string // as [packCase] packs it; nil when it equals value
	docs     posting
}

// label is the value as written.
func (t *term) label() string {
	if t.original != nil {
		return unpackCase(t.value, *t.original)
	}
	return t.value
}

// packedCase marks a list of places of capitals. No text begins with it.
const packedCase = 0xFF

// packCase is what has to be kept of original beside value: the places of its capitals where that is shorter, which it
// is for titles and descriptions.
func packCase(value, original string) string {
	if len(value) != len(original) || len(value) > 256 {
		return strings.ToValidUTF8(original, "\uFFFD")
	}
	var room [64]byte
	places := append(room[:0], packedCase)
	for i := range len(value) {
		if value[i] == original[i] {
			continue
		}
		if original[i] < 'A' || original[i] > 'Z' || 2*len(places) >= len(original) {
			return original
		}
		places = append(places, byte(i))
	}
	return string(places)
}

func unpackCase(value, packed string) string {
	if packed[0] != packedCase {
		return packed
	}
	original := []byte(value)
	for _, place := range []byte(packed[1:]) {
		original[place] -= 'a' - 'A'
	}
	return string(original)
}

// terms is a persistent sorted list of terms: a root of short sorted pages, of which an edit copies those it touches.
// A page is short because a batch of new entities touches one page per value of a unique key.
type terms struct {
	pages [][]term // none empty
	count int
}

const (
	termPageMax = 32
	termPageMin = 8
)

// seek is the place of the first term with a value of at least value.
func (t *terms) seek(value string) (page, i int) {
	page, _ = slices.BinarySearchFunc(t.pages, value, func(p []term, v string) int {
		return strings.Compare(p[0].value, v)
	})
	// The page before begins with a smaller value, but may end with this one.
	if page > 0 {
		before := t.pages[page-1]
		i, _ = slices.BinarySearchFunc(before, value, func(x term, v string) int { return strings.Compare(x.value, v) })
		if i < len(before) {
			return page - 1, i
		}
	}
	return page, 0
}

// from iterates in order, starting with the first term whose value is at least value.
func (t *terms) from(value string) iter.Seq[*term] {
	return func(yield func(*term) bool) {
		page, i := t.seek(value)
		for ; page < len(t.pages); page, i = page+1, 0 {
			for p := t.pages[page]; i < len(p); i++ {
				if !yield(&p[i]) {
					return
				}
			}
		}
	}
}

// all iterates in order.
func (t *terms) all() iter.Seq[*term] {
	return func(yield func(*term) bool) {
		for _, p := range t.pages {
			for i := range p {
				if !yield(&p[i]) {
					return
				}
			}
		}
	}
}

// withValue iterates over the spellings of one value.
func (t *terms) withValue(value string) iter.Seq[*term] {
	return func(yield func(*term) bool) {
		for x := range t.from(value) {
			if x.value != value || !yield(x) {
				return
			}
		}
	}
}

// termEdit is what a batch does to one term.
type termEdit struct {
	value, original string
	add, del        []uint32
	first           [1]uint32 // where add begins: most values come with one document
}

func (e *termEdit) idle() bool { return len(e.add) == 0 && len(e.del) == 0 }

func (e *termEdit) compare(t *term) int {
	if c := strings.Compare(e.value, t.value); c != 0 {
		return c
	}
	return strings.Compare(e.original, t.label())
}

// edited is the list after edits, which it sorts. It looks at the pages that the edits fall into and no others.
func (t *terms) edited(edits []*termEdit) terms {
	slices.SortFunc(edits, func(a, b *termEdit) int {
		return cmp.Or(strings.Compare(a.value, b.value), strings.Compare(a.original, b.original))
	})
	w := termWriter{pages: make([][]term, 0, len(t.pages)+len(edits)/termPageMin+1), count: t.count, text: texts{expected: len(edits)}}
	pages := t.pages
	for len(edits) > 0 && len(pages) > 0 {
		after, _ := slices.BinarySearchFunc(pages, edits[0], func(p []term, e *termEdit) int { return pageBefore(e, p) })
		at := max(after-1, 0)
		w.keep(pages[:at])
		n := len(edits)
		if at+1 < len(pages) {
			n = 1
			for n < len(edits) && edits[n].compare(&pages[at+1][0]) < 0 {
				n++
			}
		}
		w.merge(pages[at], edits[:n])
		pages, edits = pages[at+1:], edits[n:]
	}
	w.keep(pages)
	w.merge(nil, edits)
	w.flush()
	return terms{pages: w.pages, count: w.count}
}

// pageBefore orders pages around an edit: those that begin at or before it come first.
func pageBefore(e *termEdit, p []term) int {
	if e.compare(&p[0]) >= 0 {
		return -1
	}
	return 1
}

// termWriter collects pages in order.
type termWriter struct {
	pages [][]term
	open  []term // the page being filled
	count int
	text  texts
}

// keep passes pages through unchanged; if the open one is so short that it needs a neighbour, the first of them is it.
func (w *termWriter) keep(pages [][]term) {
	if len(pages) > 0 && len(w.open) > 0 && len(w.open) < termPageMin {
		w.put(pages[0]...)
		pages = pages[1:]
	}
	if len(pages) > 0 {
		w.flush()
		w.pages = append(w.pages, pages...)
	}
}

func (w *termWriter) merge(page []term, edits []*termEdit) {
	for _, e := range edits {
		i, found := slices.BinarySearchFunc(page, e, func(t term, e *termEdit) int { return -e.compare(&t) })
		w.put(page[:i]...)
		page = page[i:]
		if !found {
			w.create(e)
			continue
		}
		t := page[0]
		page = page[1:]
		if docs, ok := t.docs.edited(true, e.add, e.del); ok {
			t.docs = docs
			w.put(t)
		} else {
			w.count--
		}
	}
	w.put(page...)
}

// create copies the strings: those of an edit are views of a document that will be replaced one day.
func (w *termWriter) create(e *termEdit) {
	docs, ok := posting{}.edited(false, e.add, nil)
	if !ok {
		return
	}
	t := term{value: w.text.copy(e.value), docs: docs}
	if e.original != e.value {
		original := w.text.copy(packCase(e.value, e.original))
		t.original = &original
	}
	w.count++
	w.put(t)
}

// texts copies strings into shared pieces of memory, which takes less room and less of the collector's time than one
// piece each. A piece lives as long as one of its strings.
type texts struct {
	piece    []byte
	expected int // strings to come, roughly
}

const textPiece = 4096

func (t *texts) copy(s string) string {
	if len(s) > cap(t.piece)-len(t.piece) {
		t.piece = make([]byte, 0, max(len(s), min(textPiece, 32*t.expected)))
	}
	start := len(t.piece)
	t.piece = append(t.piece, s...)
	return unsafe.String(unsafe.SliceData(t.piece[start:]), len(s)) //nolint:gosec // a piece only grows behind what was handed out
}

func (w *termWriter) put(ts ...term) {
	if w.open == nil {
		w.open = make([]term, 0, termPageMax)
	}
	for len(ts) > 0 {
		n := min(len(ts), termPageMax-len(w.open))
		w.open = append(w.open, ts[:n]...)
		ts = ts[n:]
		if len(w.open) == termPageMax {
			const part = termPageMax * 2 / 3
			w.pages = append(w.pages, slices.Clone(w.open[:part]))
			w.open = append(w.open[:0], w.open[part:]...)
		}
	}
}

func (w *termWriter) flush() {
	if len(w.open) > 0 {
		w.pages = append(w.pages, slices.Clone(w.open))
		w.open = w.open[:0]
	}
}
