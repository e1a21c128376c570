package catalog

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/store"
)

// item is one entity that was claimed for processing.
type item struct {
	id              string
	ref             entity.Canonical
	unprocessed     string
	unprocessedHash string
	line            int
	locationKey     string
	known           bool // it was processed successfully before
	failing         bool
	resultHash      string
	cache           string
	children        int
	conflicts       int
	forced          bool
	turn            int // in the order of claiming
	claimedUntil    int64
	// references counts the edges to children that are there; fewer than children means that some were lost.
	references int
	// ancestors are the entities above a Location, nearest first.
	ancestors []entity.Canonical
}

// reprocess stands for the result of an entity that is to be stored again whatever comes out, although its document has
// not changed. It differs from every hash.
const reprocess = "-"

// finished reports whether the result that is stored is that of the document as it is.
func (it item) finished() bool { return it.resultHash != "" && it.resultHash != reprocess }

// unchanged reports whether the document is the one that the stored result was made from.
func (it item) unchanged() bool { return it.resultHash != "" }

// dueNow marks a row that somebody asked to be processed, whatever its readers remember.
const dueNow = 0

// pace is when claimed entities are due again.
type pace struct {
	polled time.Time // the result depends on something that is read
	idle   time.Time // it does not
	lease  time.Time // never processed: another process takes it over when this one dies
}

// hasDue is a cheap look before a claim, which writes.
func (d database) hasDue(ctx context.Context, now time.Time) (bool, error) {
	rows, err := texts(ctx, d.db.Read(), "SELECT entity_id FROM catalog_refresh_state WHERE next_update_at <= ? LIMIT 1", now.UnixMilli())
	return len(rows) > 0, err
}

// claim takes up to limit due entities, the longest waiting first, and moves their next time so that nobody else takes
// them. When the process dies they are due again by that time.
func (d database) claim(ctx context.Context, now time.Time, limit int, p pace) ([]item, error) {
	query := `SELECT entity_id, entity_ref, unprocessed_entity, unprocessed_hash, source_line, coalesce(location_key, ''),
		processed_entity IS NOT NULL, errors IS NOT NULL, result_hash, coalesce(cache, ''), children, conflicts, polled, next_update_at
		FROM catalog_refresh_state WHERE next_update_at <= ? ORDER BY next_update_at LIMIT ?`
	if d.db.Dialect() == store.PostgreSQL {
		query += " FOR UPDATE SKIP LOCKED"
	}
	var items []item
	err := d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		items = items[:0]
		byNext := map[int64][]string{}
		err := each(ctx, tx, func(rows *sql.Rows) error {
			var it item
			var polled int
			var due int64
			if err := rows.Scan(&it.id, &it.ref, &it.unprocessed, &it.unprocessedHash, &it.line, &it.locationKey, &it.known, &it.failing,
				&it.resultHash, &it.cache, &it.children, &it.conflicts, &polled, &due); err != nil {
				return err
			}
			it.forced, it.turn = due == dueNow, len(items)
			it.claimedUntil = p.next(it.finished(), polled != 0).UnixMilli()
			byNext[it.claimedUntil] = append(byNext[it.claimedUntil], it.id)
			items = append(items, it)
			return nil
		}, query, now.UnixMilli(), limit)
		if err != nil {
			return err
		}
		for next, ids := range byNext {
			if err := execIn(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ? WHERE entity_id IN (?)", ids, next); err != nil {
				return err
			}
		}
		return nil
	})
	return items, err
}

func (p pace) next(processed, polled bool) time.Time {
	switch {
	case !processed:
		return p.lease
	case polled:
		return p.polled
	}
	return p.idle
}

// maxLocationDepth bounds how deep Locations may name Locations; the reference gives up at the same depth when it
// refreshes.
const maxLocationDepth = 32

// placeItems fills in where in the tree the claimed entities are: what is below them and what is above.
func (d database) placeItems(ctx context.Context, items []item) error {
	parents := map[string]*item{}
	for i := range items {
		if items[i].children > 0 || isLocationRef(items[i].ref) {
			parents[string(items[i].ref)] = &items[i]
		}
	}
	if len(parents) == 0 {
		return nil
	}
	refs := make([]string, 0, len(parents))
	above := make(map[string][]*item, len(parents)) // who has this ancestor as its highest one so far
	for ref, it := range parents {
		refs = append(refs, ref)
		above[ref] = []*item{it}
	}
	if err := queryIn(ctx, d.db.Read(), refs, `SELECT source_entity_ref, count(*) FROM catalog_references
		WHERE source_entity_ref IN (?) GROUP BY source_entity_ref`, func(rows *sql.Rows) error {
		var ref string
		var n int
		if err := rows.Scan(&ref, &n); err != nil {
			return err
		}
		parents[ref].references = n
		return nil
	}); err != nil {
		return err
	}
	for depth := 0; len(refs) > 0 && depth <= maxLocationDepth; depth++ {
		up, err := d.parentsOf(ctx, refs)
		if err != nil {
			return err
		}
		next := map[string][]*item{}
		for ref, parent := range up {
			for _, it := range above[ref] {
				it.ancestors = append(it.ancestors, entity.Canonical(parent))
			}
			next[parent] = append(next[parent], above[ref]...)
		}
		refs, above = refs[:0], next
		for ref := range next {
			refs = append(refs, ref)
		}
	}
	return nil
}

// parentsOf is one parent entity for each ref that has any.
func (d database) parentsOf(ctx context.Context, refs []string) (map[string]string, error) {
	up := map[string]string{}
	err := queryIn(ctx, d.db.Read(), refs, `SELECT target_entity_ref, source_entity_ref FROM catalog_references
		WHERE target_entity_ref IN (?) AND source_entity_ref IS NOT NULL`, func(rows *sql.Rows) error {
		var target, source string
		err := rows.Scan(&target, &source)
		up[target] = source
		return err
	})
	return up, err
}
