package index

import (
	"hash/maphash"
	"iter"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/callboard/callboard/sdk/entity"
)

// Snapshot is one state of the index. It never changes and may be used by any number of goroutines.
type Snapshot struct {
	seq  int64
	seed maphash.Seed

	docs  []*docPage // by document number
	live  *roaring.Bitmap
	next  uint32   // first number never given out
	free  []uint32 // numbers to give out again; only the next Apply reads it
	count int

	byRef, byUID table
	keys         [keyShards]map[string]*key
	refs         *refOrder // shared by snapshots with the same documents
}

// uidKey is the key that every document has, exactly once.
const uidKey = "metadata.uid"

const docPageSize = 256

type docPage [docPageSize]*Doc

// keyShards bounds what a batch copies when it changes a key: keys contain array elements, so there may be very many.
const keyShards = 256

// key is one searchable key: who has it, and its values in order.
type key struct {
	name   string
	exists posting         // everybody with a row, null ones included
	bare   *roaring.Bitmap // who has only null rows; nil = nobody
	terms  terms
	order  lazyOrder
}

func newSnapshot(seed maphash.Seed) *Snapshot {
	return &Snapshot{seed: seed, live: roaring.New(), refs: new(refOrder)}
}

// Seq is the number of the last change in the snapshot.
func (s *Snapshot) Seq() int64 { return s.seq }

// Len is the number of entities.
func (s *Snapshot) Len() int { return s.count }

// All iterates over the entities in no particular order.
func (s *Snapshot) All() iter.Seq[*Doc] {
	return func(yield func(*Doc) bool) {
		for _, page := range s.docs {
			for _, d := range page {
				if d != nil && !yield(d) {
					return
				}
			}
		}
	}
}

// ByRef finds an entity by its canonical ref; a ref in any other form finds nothing.
func (s *Snapshot) ByRef(ref entity.Canonical) *Doc {
	if n, ok := s.numberOf(ref); ok {
		return s.doc(n)
	}
	return nil
}

func (s *Snapshot) numberOf(ref entity.Canonical) (uint32, bool) {
	return s.byRef.find(s.hash(string(ref)), func(n uint32) bool { return s.doc(n).Ref == ref })
}

// ByUID finds an entity by its uid, in any case.
func (s *Snapshot) ByUID(uid string) *Doc {
	if n, ok := s.numberOfUID(uid); ok {
		return s.doc(n)
	}
	return nil
}

func (s *Snapshot) numberOfUID(uid string) (uint32, bool) {
	return s.byUID.find(s.hash(strings.ToLower(uid)), func(n uint32) bool { return strings.EqualFold(s.doc(n).UID, uid) })
}

func (s *Snapshot) doc(n uint32) *Doc { return s.docs[n/docPageSize][n%docPageSize] }

func (s *Snapshot) hash(text string) uint64 { return maphash.String(s.seed, text) }

func (s *Snapshot) key(name string) *key { return s.keys[s.shard(name)][name] }

func (s *Snapshot) shard(name string) uint64 { return s.hash(name) % keyShards }
