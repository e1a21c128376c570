package search

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/callboard/callboard/server/internal/weblink"
)

// index is the searchable state of one type. Any number of goroutines read the snapshot; update is called by one.
type index struct {
	source  string // who brought the type
	typ     Type
	log     *slog.Logger
	current atomic.Pointer[snapshot]
	// end stops the goroutine that updates the index, and waits for it. Guarded by the engine.
	end func()

	// The rest belongs to the goroutine that updates.
	live       map[string]*slot
	built      bool
	generation uint64 // of the last complete update
	pass       uint64
}

// slot is where the live version of a document stands.
type slot struct {
	doc *doc
	seg *segment
	id  docID
	// seen is the last pass that met the document.
	seen uint64
}

// snapshot is what one query sees.
type snapshot struct {
	fields   int
	segments []segmentView // largest first
	docs     int           // live documents
	tokens   []int64       // indexed tokens of live documents, per field
}

// segmentView is a segment without the documents that were replaced or removed since it was built.
type segmentView struct {
	*segment
	dead  bitset // nil = none
	nDead int
	base  int // of this segment's documents among all of the snapshot
}

func newIndex(t Type, log *slog.Logger) *index {
	ix := &index{typ: t, log: log, live: map[string]*slot{}, end: func() {}}
	ix.current.Store(&snapshot{fields: len(t.Fields), tokens: make([]int64, len(t.Fields))})
	return ix
}

func (v *segmentView) isDead(d docID) bool { return v.dead != nil && v.dead.has(int(d)) }

// update publishes a new snapshot when the source has changed. On an error the index stays as it was, and the next
// update tries again.
func (ix *index) update(ctx context.Context) error {
	generation := ix.typ.Source.Generation()
	if ix.built && generation == ix.generation {
		return nil
	}
	fresh, err := ix.read(ctx)
	if err != nil {
		return fmt.Errorf("read documents of type %s: %w", ix.typ.Name, err)
	}
	ix.publish(fresh)
	ix.built, ix.generation = true, generation
	return nil
}

// read makes the documents that the index does not have, and marks those that are still there.
func (ix *index) read(ctx context.Context) ([]*doc, error) {
	var fresh []*doc
	ix.pass++
	for e, err := range ix.typ.Source.Documents(ctx) {
		if err != nil {
			return nil, err
		}
		if s := ix.live[e.Key]; s != nil && s.doc.version == e.Version {
			s.seen = ix.pass
			continue
		}
		d, ok, err := e.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		if ok && ix.acceptable(e.Key, &d) {
			fresh = append(fresh, &doc{key: e.Key, version: e.Version, Document: d})
		}
	}
	return lastOfEachKey(fresh), ctx.Err()
}

func lastOfEachKey(docs []*doc) []*doc {
	at := make(map[string]int, len(docs))
	kept := docs[:0]
	for _, d := range docs {
		if i, twice := at[d.key]; twice {
			kept[i] = d
			continue
		}
		at[d.key] = len(kept)
		kept = append(kept, d)
	}
	return kept
}

// acceptable refuses documents that would send whoever clicks them to something else than a web page.
func (ix *index) acceptable(key string, d *Document) bool {
	if len(d.Values) != len(ix.typ.Fields) {
		ix.log.Error("search document has the wrong number of values", "type", ix.typ.Name, "document", key)
		return false
	}
	location := d.Values[slices.Index(ix.typ.Fields, locationField)]
	if err := weblink.Check(location); err != nil {
		ix.log.Warn("search document left out because of its location", "type", ix.typ.Name, "document", key, "reason", err)
		return false
	}
	return true
}

// publish replaces the snapshot: fresh documents become a segment, their old versions and everything that the last pass
// did not meet are struck out, and segments are merged as needed.
func (ix *index) publish(fresh []*doc) {
	old := ix.current.Load()
	next := &snapshot{fields: old.fields, segments: slices.Clone(old.segments)}
	struck := map[*segment]bitset{}
	for _, d := range fresh {
		if s := ix.live[d.key]; s != nil {
			strike(struck, s)
		}
	}
	for key, s := range ix.live {
		if s.seen != ix.pass {
			strike(struck, s)
			delete(ix.live, key)
		}
	}
	for i := range next.segments {
		next.segments[i].strikeOut(struck[next.segments[i].segment])
	}
	if len(fresh) > 0 {
		next.segments = append(next.segments, ix.enter(fresh))
	}
	next.segments = ix.merge(next.segments)
	next.count()
	ix.current.Store(next)
}

func strike(struck map[*segment]bitset, s *slot) {
	set := struck[s.seg]
	if set == nil {
		set = newBitset(len(s.seg.docs))
		struck[s.seg] = set
	}
	set.add(int(s.id))
}

// strikeOut replaces the set of dead documents; the old set may still be read by queries.
func (v *segmentView) strikeOut(more bitset) {
	if more == nil {
		return
	}
	if v.dead != nil {
		more.union(v.dead)
	}
	v.dead, v.nDead = more, more.count()
}

// enter builds a segment and records where its documents stand.
func (ix *index) enter(docs []*doc) segmentView {
	seg := newSegment(len(ix.typ.Fields), docs)
	for id, d := range seg.docs {
		ix.live[d.key] = &slot{doc: d, seg: seg, id: docID(id), seen: ix.pass}
	}
	return segmentView{segment: seg}
}

// merge keeps the number of segments logarithmic: each is at least mergeRatio times as large as the next, and none is
// mostly dead.
func (ix *index) merge(segments []segmentView) []segmentView {
	const mergeRatio = 4
	var kept []segmentView
	for _, v := range segments {
		alive := len(v.docs) - v.nDead
		if alive == 0 {
			continue
		}
		if v.nDead > alive {
			v = ix.enter(v.alive(nil))
		}
		kept = append(kept, v)
		for n := len(kept); n > 1; n = len(kept) {
			last, before := kept[n-1], kept[n-2]
			if len(before.docs)-before.nDead >= mergeRatio*(len(last.docs)-last.nDead) {
				break
			}
			kept = append(kept[:n-2], ix.enter(last.alive(before.alive(nil))))
		}
	}
	return kept
}

func (v *segmentView) alive(docs []*doc) []*doc {
	for id, d := range v.docs {
		if !v.isDead(docID(id)) {
			docs = append(docs, d)
		}
	}
	return docs
}

// count derives the totals that ranking needs.
func (s *snapshot) count() {
	s.tokens = make([]int64, s.fields)
	base := 0
	for i := range s.segments {
		v := &s.segments[i]
		v.base = base
		base += len(v.docs)
		s.docs += len(v.docs) - v.nDead
		for d := range v.docs {
			if v.isDead(docID(d)) {
				continue
			}
			for f, n := range v.lengthsOf(docID(d)) {
				s.tokens[f] += int64(n)
			}
		}
	}
}

// size is the number of document positions, dead ones included.
func (s *snapshot) size() int {
	n := 0
	for i := range s.segments {
		n += len(s.segments[i].docs)
	}
	return n
}
