package index

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// loader turns changes into edits of keys, on all processors when there are many. It lives for one Apply.
type loader struct {
	workers []*loadWorker
	rows    []docRows // by change
}

// loadWorker is what one goroutine works with; only one at a time has it.
type loadWorker struct {
	flattener *flattener
	slabs     [][]Row // room for rows; those before slab are full
	slab      int
	edits     map[string]*keyEdit
}

// slabRows is the room of one slab.
const slabRows = 2048

// docRows are the rows of a document before and after a change. Those it has before and behind the changed ones are
// kept apart: most changes are small.
type docRows struct {
	doc      uint32
	old, new []Row
	kept     [2][]Row
}

func (r *docRows) trim() {
	n := 0
	for n < min(len(r.old), len(r.new)) && r.old[n] == r.new[n] {
		n++
	}
	r.kept[0], r.old, r.new = r.new[:n], r.old[n:], r.new[n:]
	n = 0
	for n < min(len(r.old), len(r.new)) && r.old[len(r.old)-1-n] == r.new[len(r.new)-1-n] {
		n++
	}
	r.kept[1], r.old, r.new = r.new[len(r.new)-n:], r.old[:len(r.old)-n], r.new[:len(r.new)-n]
}

// manyChanges is the size of a batch from which it is worth waking other processors.
const manyChanges = 256

func newLoader(changes int) *loader {
	n := 1
	if changes >= manyChanges {
		n = runtime.GOMAXPROCS(0)
	}
	l := &loader{workers: make([]*loadWorker, n)}
	for i := range l.workers {
		l.workers[i] = &loadWorker{flattener: newFlattener()}
	}
	return l
}

// each runs work on every worker and waits.
func (l *loader) each(work func(i int, w *loadWorker)) {
	var wg sync.WaitGroup
	for i, w := range l.workers[1:] {
		wg.Go(func() { work(i+1, w) })
	}
	work(0, l.workers[0])
	wg.Wait()
}

// flatten fills rows with both sides of every change.
func (l *loader) flatten(s *Snapshot, changes []Change) error {
	l.rows = make([]docRows, len(changes))
	errs := make([]error, len(l.workers))
	l.each(func(i int, w *loadWorker) {
		lo, hi := i*len(changes)/len(l.workers), (i+1)*len(changes)/len(l.workers)
		w.reset()
		errs[i] = w.flatten(s, changes[lo:hi], l.rows[lo:hi])
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *loadWorker) flatten(s *Snapshot, changes []Change, rows []docRows) (err error) {
	for i := range changes {
		c := &changes[i]
		old := s.ByUID(c.UID)
		if old != nil && c.Doc != nil && bytes.Equal(old.JSON, c.Doc.JSON) && old.UID == c.Doc.UID {
			continue // nothing searchable can have changed
		}
		if rows[i].old, err = w.rowsOf(old); err != nil {
			return err
		}
		if rows[i].new, err = w.rowsOf(c.Doc); err != nil {
			return err
		}
		rows[i].trim()
	}
	return nil
}

// rowsOf are the rows of d (nil: none), kept in the slab. The uid is the one that d is known by, whatever its bytes
// say: every document is in the order by uid.
func (w *loadWorker) rowsOf(d *Doc) ([]Row, error) {
	if d == nil {
		return nil, nil
	}
	rows, err := w.flattener.rows(d.JSON)
	if err != nil {
		return nil, fmt.Errorf("index entity %s: %w", d.Ref, err)
	}
	for i := range rows {
		if rows[i].Key == uidKey {
			rows[i] = Row{Key: uidKey, Value: strings.ToLower(d.UID), Original: d.UID}
		}
	}
	return w.keep(rows), nil
}

// keep copies rows to a place where they stay until the next chunk.
func (w *loadWorker) keep(rows []Row) []Row {
	for w.slab < len(w.slabs) && cap(w.slabs[w.slab])-len(w.slabs[w.slab]) < len(rows) {
		w.slab++
	}
	if w.slab == len(w.slabs) {
		w.slabs = append(w.slabs, make([]Row, 0, max(slabRows, len(rows))))
	}
	slab := &w.slabs[w.slab]
	start := len(*slab)
	*slab = append(*slab, rows...)
	return (*slab)[start:len(*slab):len(*slab)]
}

func (w *loadWorker) reset() {
	for i := range w.slabs {
		w.slabs[i] = w.slabs[i][:0]
	}
	w.slab = 0
}

// keyVersion is a key after an edit; key is nil when nobody has it any more.
type keyVersion struct {
	name string
	key  *key
}

// editKeys builds the next versions of the keys of s that the rows change. Each worker collects the edits of its share
// of the keys; then whoever is free takes the next key.
func (l *loader) editKeys(s *Snapshot) []keyVersion {
	l.each(func(i int, w *loadWorker) {
		w.edits = map[string]*keyEdit{}
		for r := range l.rows {
			w.collect(&l.rows[r], s.seed, uint64(i), uint64(len(l.workers)))
		}
	})
	var edits []*keyEdit
	for _, w := range l.workers {
		for _, k := range w.edits {
			edits = append(edits, k)
		}
		w.edits = nil
	}
	versions := make([]keyVersion, len(edits))
	var next atomic.Int64
	l.each(func(int, *loadWorker) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(edits) {
				return
			}
			k := edits[i]
			if changed, same := k.apply(s.key(k.name)); !same {
				versions[i] = keyVersion{k.name, changed}
			}
			edits[i] = nil
		}
	})
	changed := versions[:0]
	for _, v := range versions {
		if v.name != "" {
			changed = append(changed, v)
		}
	}
	return changed
}

func (w *loadWorker) collect(rows *docRows, seed maphash.Seed, share, shares uint64) {
	mine := func(r *Row) *keyEdit {
		if shares > 1 && maphash.String(seed, r.Key)%shares != share {
			return nil
		}
		k, ok := w.edits[r.Key]
		if !ok {
			k = &keyEdit{name: r.Key, terms: map[string]*termEdit{}}
			w.edits[r.Key] = k
		}
		if k.keep(rows.doc) {
			for _, kept := range rows.kept {
				k.keepAll(kept)
			}
		}
		return k
	}
	for i := range rows.old {
		if k := mine(&rows.old[i]); k != nil {
			k.lose(rows.doc, &rows.old[i])
		}
	}
	for i := range rows.new {
		if k := mine(&rows.new[i]); k != nil {
			k.gain(rows.doc, &rows.new[i])
		}
	}
}
