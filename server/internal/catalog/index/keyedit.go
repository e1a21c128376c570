package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// keyEdit is what a chunk changes in one key.
type keyEdit struct {
	name  string
	terms map[string]*termEdit // by original text
	slab  []termEdit           // room for more terms
	docs  []docKey
}

// docKey is what a document had of a key and what it has now.
type docKey struct {
	doc      uint32
	old, new keyRows
}

type keyRows struct{ value, null bool }

func (r keyRows) any() bool  { return r.value || r.null }
func (r keyRows) bare() bool { return r.null && !r.value }

func (r *keyRows) add(row *Row) {
	if row.Null {
		r.null = true
	} else {
		r.value = true
	}
}

// keep begins with document n and reports whether that is new: documents are edited one after another.
func (k *keyEdit) keep(n uint32) (begun bool) {
	if last := len(k.docs) - 1; last >= 0 && k.docs[last].doc == n {
		return false
	}
	k.docs = append(k.docs, docKey{doc: n})
	return true
}

// keepAll notes rows that the document had and has, as far as they are of this key.
func (k *keyEdit) keepAll(rows []Row) {
	d := &k.docs[len(k.docs)-1]
	for i := range rows {
		if rows[i].Key == k.name {
			d.old.add(&rows[i])
			d.new.add(&rows[i])
		}
	}
}

// lose and gain note rows of the document: first those it had, then those it has. Rows that come back cancel out.
func (k *keyEdit) lose(n uint32, r *Row) {
	k.docs[len(k.docs)-1].old.add(r)
	if !r.Null {
		t := k.term(r)
		t.del = append(t.del, n)
	}
}

func (k *keyEdit) gain(n uint32, r *Row) {
	k.docs[len(k.docs)-1].new.add(r)
	if r.Null {
		return
	}
	t := k.term(r)
	if last := len(t.del) - 1; last >= 0 && t.del[last] == n {
		t.del = t.del[:last]
	} else {
		t.add = append(t.add, n)
	}
}

func (k *keyEdit) term(r *Row) *termEdit {
	if t, ok := k.terms[r.Original]; ok {
		return t
	}
	if len(k.slab) == cap(k.slab) {
		k.slab = make([]termEdit, 0, min(2*cap(k.slab)+1, 256))
	}
	k.slab = append(k.slab, termEdit{value: r.Value, original: r.Original})
	t := &k.slab[len(k.slab)-1]
	t.add = t.first[:0]
	k.terms[r.Original] = t
	return t
}

// apply is the next version of old (nil: none); nil when nobody has the key any more.
func (k *keyEdit) apply(old *key) (_ *key, same bool) {
	edits := make([]*termEdit, 0, len(k.terms))
	for _, t := range k.terms {
		if !t.idle() {
			edits = append(edits, t)
		}
	}
	had := old != nil
	if !had {
		old = &key{name: strings.Clone(k.name)}
	}
	next := &key{name: old.name, exists: old.exists, bare: old.bare, terms: old.terms}
	had, moved := next.editDocs(k, had)
	switch {
	case len(edits) == 0 && !moved:
		return old, true
	case !had:
		return nil, false
	}
	if len(edits) > 0 {
		next.terms = old.terms.edited(edits)
	}
	return next, false
}

// editDocs changes who has the key at all, and who has it only as null.
func (next *key) editDocs(k *keyEdit, had bool) (has, moved bool) {
	var add, del, addBare, delBare []uint32
	for _, d := range k.docs {
		add, del = sortOut(add, del, d.doc, d.old.any(), d.new.any())
		addBare, delBare = sortOut(addBare, delBare, d.doc, d.old.bare(), d.new.bare())
	}
	if len(add)+len(del) > 0 {
		next.exists, had = next.exists.edited(had, add, del)
	}
	if len(addBare)+len(delBare) > 0 {
		bare := roaring.New()
		if next.bare != nil {
			bare = next.bare.Clone()
		}
		for _, n := range delBare {
			bare.Remove(n)
		}
		bare.AddMany(addBare)
		if next.bare = bare; bare.IsEmpty() {
			next.bare = nil
		}
	}
	return had, len(add)+len(del)+len(addBare)+len(delBare) > 0
}

func sortOut(add, del []uint32, n uint32, before, after bool) (_, _ []uint32) {
	switch {
	case after && !before:
		add = append(add, n)
	case before && !after:
		del = append(del, n)
	}
	return add, del
}
