package catalog

import (
	"context"
	"database/sql"
	"slices"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/entity"
)

// result is what a round of processing has to store for one entity.
type result struct {
	item
	ok          bool
	cacheOnly   bool // the rest is stored already
	completed   string
	errors      string // serialised; "" = none
	newHash     string
	newCache    string
	polled      bool
	next        int64
	relations   []relation
	refreshKeys []string
	emitted     []emitted
	problems    []Problem
}

// emitted is a child in its stored form.
type emitted struct {
	ref         entity.Canonical
	json, hash  string
	locationKey string
	line        int
}

// conflict is an entity that another source owns.
type conflict struct {
	emitted
	source      string // the entity or the provider that emitted it
	existingKey string
}

// written is what a batch has changed, for those who watch.
type written struct {
	conflicts []conflict
	problems  []problemChange
}

// writeResults stores a batch of results: each is stored as a whole or, when its entity changed hands or content in the
// meantime, not at all.
func (d database) writeResults(ctx context.Context, now int64, results []*result) (written, error) {
	var w written
	err := d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		w = written{}
		b := &batch{tx: tx, now: now, marks: map[string]bool{}}
		if err := b.updateCaches(ctx, results); err != nil {
			return err
		}
		stored, err := b.updateStates(ctx, results)
		if err != nil {
			return err
		}
		if err := b.syncRelations(ctx, stored); err != nil {
			return err
		}
		if err := b.syncRefreshKeys(ctx, stored); err != nil {
			return err
		}
		if w.conflicts, err = b.placeChildren(ctx, stored); err != nil {
			return err
		}
		if w.problems, err = b.storeProblems(ctx, stored, w.conflicts); err != nil {
			return err
		}
		return b.flushMarks(ctx)
	})
	return w, err
}

// batch is one write transaction.
type batch struct {
	tx    bun.Tx
	now   int64
	marks map[string]bool // entities whose final form may have changed
}

func (b *batch) updateCaches(ctx context.Context, results []*result) error {
	var rows [][]any
	for _, r := range results {
		if r.cacheOnly {
			rows = append(rows, []any{r.id, r.unprocessedHash, null(r.newCache)})
		}
	}
	return execRows(ctx, b.tx, "WITH v (id, unprocessed, cache) AS (VALUES ", rows,
		") UPDATE catalog_refresh_state AS s SET cache = v.cache FROM v WHERE s.entity_id = v.id AND s.unprocessed_hash = v.unprocessed")
}

func (b *batch) updateStates(ctx context.Context, results []*result) ([]*result, error) {
	var good, bad [][]any
	for _, r := range results {
		if r.cacheOnly {
			continue
		}
		row := []any{r.id, r.unprocessedHash, null(r.locationKey), r.newHash, null(r.newCache), boolInt(r.polled), r.claimedUntil, r.next}
		if r.ok {
			good = append(good, append(row, r.completed))
		} else {
			bad = append(bad, append(row, r.errors))
		}
	}
	// The row is left alone when its content or owner is no longer what was processed: it is due again anyway.
	const where = ` FROM v WHERE s.entity_id = v.id AND s.unprocessed_hash = v.unprocessed AND (s.location_key IS NULL OR s.location_key = v.location_key)
		RETURNING entity_id`
	const set = `, result_hash = v.result_hash, cache = v.cache, polled = v.polled,
		next_update_at = CASE WHEN s.next_update_at = v.claimed THEN v.next_at ELSE s.next_update_at END`
	const with = "WITH v (id, unprocessed, location_key, result_hash, cache, polled, claimed, next_at, payload) AS (VALUES "
	ids, err := queryRows(ctx, b.tx, with, good, ") UPDATE catalog_refresh_state AS s SET processed_entity = v.payload, errors = NULL"+set+where)
	if err != nil {
		return nil, err
	}
	failed, err := queryRows(ctx, b.tx, with, bad, ") UPDATE catalog_refresh_state AS s SET errors = v.payload"+set+where)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(results))
	for _, id := range append(ids, failed...) {
		there[id] = true
	}
	stored := make([]*result, 0, len(results))
	for _, r := range results {
		if there[r.id] {
			stored = append(stored, r)
			b.marks[string(r.ref)] = true
		}
	}
	return stored, nil
}

func (b *batch) syncRelations(ctx context.Context, results []*result) error {
	type key struct {
		id string
		relation
	}
	existing, known := map[key]bool{}, []string{}
	for _, r := range results {
		if r.ok && r.known {
			known = append(known, r.id)
		}
	}
	if err := queryIn(ctx, b.tx, known, `SELECT originating_entity_id, source_entity_ref, type, target_entity_ref
		FROM catalog_relations WHERE originating_entity_id IN (?)`, func(rows *sql.Rows) error {
		var k key
		err := rows.Scan(&k.id, &k.source, &k.typ, &k.target)
		existing[k] = true
		return err
	}); err != nil {
		return err
	}
	var insert, remove [][]any
	for _, r := range results {
		if !r.ok {
			continue
		}
		for _, rel := range r.relations {
			if k := (key{r.id, rel}); existing[k] {
				delete(existing, k)
				continue
			}
			insert = append(insert, []any{r.id, rel.source, rel.typ, rel.target})
			b.marks[rel.source] = true
		}
	}
	for k := range existing {
		remove = append(remove, []any{k.id, k.source, k.typ, k.target})
		b.marks[k.source] = true
	}
	if err := execRows(ctx, b.tx, `DELETE FROM catalog_relations
		WHERE (originating_entity_id, source_entity_ref, type, target_entity_ref) IN (VALUES `, remove, ")"); err != nil {
		return err
	}
	return execRows(ctx, b.tx, "INSERT INTO catalog_relations (originating_entity_id, source_entity_ref, type, target_entity_ref) VALUES ", insert, "")
}

func (b *batch) syncRefreshKeys(ctx context.Context, results []*result) error {
	var known []string
	var insert [][]any
	for _, r := range results {
		if !r.ok {
			continue
		}
		if r.known {
			known = append(known, r.id)
		}
		for _, k := range r.refreshKeys {
			insert = append(insert, []any{r.id, storedRefreshKey(k)})
		}
	}
	if err := execIn(ctx, b.tx, "DELETE FROM catalog_refresh_keys WHERE entity_id IN (?)", known); err != nil {
		return err
	}
	return execRows(ctx, b.tx, "INSERT INTO catalog_refresh_keys (entity_id, key) VALUES ", insert, "")
}

// storedRefreshKey keeps keys at a length that any index takes.
func storedRefreshKey(k string) string {
	if len(k) <= 255 {
		return k
	}
	return k[:180] + "#" + hashOf([]byte(k))
}

// flushMarks queues everything that was marked. The order keeps concurrent transactions from waiting for each other in
// a circle.
func (b *batch) flushMarks(ctx context.Context) error {
	refs := make([]string, 0, len(b.marks))
	for ref := range b.marks {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	rows := make([][]any, len(refs))
	for i, ref := range refs {
		rows[i] = []any{ref}
	}
	return execRows(ctx, b.tx, "INSERT INTO catalog_stitch_queue (entity_ref) VALUES ", rows,
		" ON CONFLICT (entity_ref) DO UPDATE SET ticket = catalog_stitch_queue.ticket + 1")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
