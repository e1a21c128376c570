// Package index is the catalog's in-memory read model: an immutable snapshot of every visible entity behind an atomic
// pointer, with compressed sets of documents per key and value, orders that are derived once per version of a key, and
// the entities' bytes already serialised. It knows nothing of SQL or HTTP. Semantics of keys, values, filters and order:
// contract page "catalog", search index.
//
// Everything reachable from a [Snapshot] is immutable: Apply builds changed pages anew and publishes a new root, so a
// reader that holds a snapshot sees one sequence number for as long as it likes, without locks, and numbers of removed
// documents can be given to new ones at once.
package index

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/callboard/callboard/sdk/entity"
)

// Doc is one visible (stitched) entity.
type Doc struct {
	UID string
	Ref entity.Canonical
	// JSON is the final entity, compact. It is written to clients as it is and must not be changed.
	JSON []byte
}

// Change replaces or (Doc nil) removes the entity with that UID. Changes are applied in the order of the change log.
type Change struct {
	Seq int64
	UID string
	Doc *Doc
}

// Index holds the current snapshot. One goroutine applies, any number read.
type Index struct {
	current atomic.Pointer[Snapshot]
	applyMu sync.Mutex
	bodies  *bodies
}

// New returns an empty index.
func New() *Index {
	ix := &Index{bodies: newBodies(defaultBodyBytes)}
	ix.current.Store(newSnapshot(maphash.MakeSeed()))
	return ix
}

// Snapshot is the state after the last Apply. A request takes one and asks it everything.
func (ix *Index) Snapshot() *Snapshot { return ix.current.Load() }

// Apply publishes a new snapshot with all changes, or none of them when it returns an error. A document with two keys
// that differ only in case is such an error; see [Rows].
func (ix *Index) Apply(changes []Change) error {
	ix.applyMu.Lock()
	defer ix.applyMu.Unlock()
	before := ix.current.Load()
	after, err := before.with(changes)
	if err != nil || after == before {
		return err
	}
	ix.current.Store(after)
	after.warm(before)
	return nil
}
