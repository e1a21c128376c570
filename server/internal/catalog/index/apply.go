package index

import (
	"maps"
	"slices"
	"strings"
)

// with is the snapshot after changes, or s itself when they change nothing.
func (s *Snapshot) with(changes []Change) (*Snapshot, error) {
	changes = lastPerUID(changes)
	l := newLoader(len(changes))
	for len(changes) > 0 {
		n := min(len(changes), max(applyChunk, s.count/8))
		after, err := s.withChunk(l, changes[:n])
		if err != nil {
			return nil, err
		}
		s, changes = after, changes[n:]
	}
	return s, nil
}

// applyChunk bounds the memory that a large batch takes beside the index. Chunks grow with the index, so that loading
// n entities copies O(n) in all.
const applyChunk = 8 << 10

// lastPerUID keeps the last change of each uid: the states in between are never visible.
func lastPerUID(changes []Change) []Change {
	last := make(map[string]int, len(changes))
	for i := range changes {
		last[changes[i].UID] = i
	}
	if len(last) == len(changes) {
		return changes
	}
	kept := make([]Change, 0, len(last))
	for i := range changes {
		if last[changes[i].UID] == i {
			kept = append(kept, changes[i])
		}
	}
	return kept
}

// edit collects what a chunk changes.
type edit struct {
	*Snapshot
	before     *Snapshot
	ownedPages []bool
	refs, uids *tableEdit
	moved      bool // some ref came or went
	// freed numbers are not given out by the same edit: a document that comes in the place of one that goes would
	// cancel out in the keys, whose orders are by uid.
	freed []uint32
}

func (s *Snapshot) withChunk(l *loader, changes []Change) (*Snapshot, error) {
	if err := l.flatten(s, changes); err != nil {
		return nil, err
	}
	after := *s
	after.docs = slices.Clone(s.docs)
	after.live = s.live.Clone()
	after.free = slices.Clone(s.free)
	e := &edit{Snapshot: &after, before: s, ownedPages: make([]bool, len(after.docs))}
	e.refs = s.byRef.edit(func(n uint32) uint64 { return e.hash(string(e.known(n).Ref)) })
	e.uids = s.byUID.edit(func(n uint32) uint64 { return e.hash(strings.ToLower(e.known(n).UID)) })
	for i := range changes {
		l.rows[i].doc = e.change(&changes[i])
	}
	after.free = append(after.free, e.freed...)
	after.byRef, after.byUID = e.refs.table, e.uids.table
	after.refs = s.refs
	if e.moved {
		after.refs = new(refOrder)
	}
	e.put(l.editKeys(s))
	return &after, nil
}

// known is a document of this edit or, when it was removed by it, of the snapshot before.
func (e *edit) known(n uint32) *Doc {
	if d := e.doc(n); d != nil {
		return d
	}
	return e.before.doc(n)
}

// change applies one change and returns the number of its document.
func (e *edit) change(c *Change) uint32 {
	e.seq = max(e.seq, c.Seq)
	n, exists := e.uids.find(e.hash(strings.ToLower(c.UID)), func(n uint32) bool { return strings.EqualFold(e.known(n).UID, c.UID) })
	switch {
	case !exists && c.Doc == nil:
		return 0 // without rows
	case !exists:
		n = e.number()
		e.setDoc(n, c.Doc)
		e.uids.insert(n)
		e.refs.insert(n)
		e.live.Add(n)
		e.count++
		e.moved = true
	case c.Doc == nil:
		e.refs.remove(n)
		e.uids.remove(n)
		e.setDoc(n, nil)
		e.live.Remove(n)
		e.freed = append(e.freed, n)
		e.count--
		e.moved = true
	case e.doc(n).Ref == c.Doc.Ref:
		e.setDoc(n, c.Doc)
	default:
		e.refs.remove(n)
		e.setDoc(n, c.Doc)
		e.refs.insert(n)
		e.moved = true
	}
	return n
}

func (e *edit) number() uint32 {
	if i := len(e.free) - 1; i >= 0 {
		n := e.free[i]
		e.free = e.free[:i]
		return n
	}
	n := e.next
	e.next++
	return n
}

func (e *edit) setDoc(n uint32, d *Doc) {
	p := n / docPageSize
	for int(p) >= len(e.docs) {
		e.docs, e.ownedPages = append(e.docs, new(docPage)), append(e.ownedPages, true)
	}
	if !e.ownedPages[p] {
		page := *e.docs[p]
		e.docs[p], e.ownedPages[p] = &page, true
	}
	e.docs[p][n%docPageSize] = d
}

// put takes over the new versions of the keys that changed.
func (e *edit) put(changed []keyVersion) {
	var copied [keyShards]bool
	for _, v := range changed {
		shard := e.shard(v.name)
		if !copied[shard] {
			e.keys[shard], copied[shard] = maps.Clone(e.keys[shard]), true
			if e.keys[shard] == nil {
				e.keys[shard] = map[string]*key{}
			}
		}
		if v.key == nil {
			delete(e.keys[shard], v.name)
			continue
		}
		e.keys[shard][v.key.name] = v.key
	}
}
