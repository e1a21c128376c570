package catalog

import (
	"context"
	"log/slog"
	"sync"

	"github.com/callboard/callboard/server/internal/catalog/index"
)

// follower keeps the index up to date from the change log. Any goroutine may ask it to catch up.
type follower struct {
	db    database
	index *index.Index

	log *slog.Logger

	mu  sync.Mutex
	seq int64 // the last change that is in the index

	offeredMu sync.Mutex
	offered   []published // own writes that the log need not be read for
}

const (
	// changesAtOnce bounds one step of following, and so how long a snapshot takes to build.
	changesAtOnce = 2000
	// loadChunk is how many entities the first load hands to the index at a time.
	loadChunk = 20_000
	// changesKept is how far behind a replica may be before it has to load everything.
	changesKept = 100_000
)

// catchUp applies every change that was committed before the call: who wrote something sees it afterwards.
func (f *follower) catchUp(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.applyOffered(); err != nil {
		return err
	}
	last, oldest, err := f.db.lastSeq(ctx)
	if err != nil || last == f.seq {
		return err
	}
	if last < f.seq || f.seq+1 < oldest {
		return f.reload(ctx)
	}
	for {
		changes, err := f.db.changes(ctx, f.seq, changesAtOnce)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := f.apply(changes); err != nil {
			return err
		}
		f.seq = changes[len(changes)-1].Seq
	}
}

// offer hands over what this process has just written. It never waits for the index.
func (f *follower) offer(p published) {
	if len(p.changes) == 0 || p.last-p.before != int64(len(p.changes)) {
		return
	}
	f.offeredMu.Lock()
	defer f.offeredMu.Unlock()
	f.offered = append(f.offered, p)
}

// applyOffered applies what was offered as far as it follows what the index holds; the log tells the rest.
func (f *follower) applyOffered() error {
	f.offeredMu.Lock()
	offered := f.offered
	f.offered = nil
	f.offeredMu.Unlock()
	var changes []index.Change
	for _, p := range offered {
		if p.last <= f.seq {
			continue
		}
		if p.before != f.seq+int64(len(changes)) {
			break
		}
		changes = append(changes, p.changes...)
	}
	if err := f.apply(changes); err != nil {
		return err
	}
	f.seq += int64(len(changes))
	return nil
}

// load fills the index from the database.
func (f *follower) load(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload(ctx)
}

// reload brings the index to what the database holds, whatever it was before.
func (f *follower) reload(ctx context.Context) error {
	seq, _, err := f.db.lastSeq(ctx)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for doc := range f.index.Snapshot().All() {
		gone[doc.UID] = true
	}
	if err := f.db.load(ctx, seq, loadChunk, func(changes []index.Change) error {
		for _, c := range changes {
			delete(gone, c.UID)
		}
		return f.apply(changes)
	}); err != nil {
		return err
	}
	removed := make([]index.Change, 0, len(gone))
	for uid := range gone {
		removed = append(removed, index.Change{Seq: seq, UID: uid})
	}
	f.seq = seq
	return f.apply(removed)
}

// apply hands changes to the index. One that it refuses must not keep the others out for ever: stitching has checked
// them all, so a refusal is a fault of ours, logged and passed over.
func (f *follower) apply(changes []index.Change) error {
	if len(changes) == 0 || f.index.Apply(changes) == nil {
		return nil
	}
	for i := range changes {
		if err := f.index.Apply(changes[i : i+1]); err != nil {
			f.log.Error("the index refuses an entity", "uid", changes[i].UID, "error", err)
		}
	}
	return nil
}
