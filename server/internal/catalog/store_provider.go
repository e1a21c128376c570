package catalog

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/entity"
)

// applyMutation stores what a provider says it has, and tells what it may not have.
func (d database) applyMutation(ctx context.Context, now int64, provider string, full bool, added []emitted, removed []entity.Canonical) ([]conflict, []problemChange, error) {
	var conflicts []conflict
	var changes []problemChange
	err := d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		b := &batch{tx: tx, now: now, marks: map[string]bool{}}
		gone, err := b.leaving(ctx, provider, full, added, removed)
		if err != nil {
			return err
		}
		if err := b.deleteTree(ctx, provider, gone); err != nil {
			return err
		}
		states, err := b.ownedBy(ctx, added)
		if err != nil {
			return err
		}
		if _, conflicts = b.placeAll(states, edgeSource{key: provider}, added); len(conflicts) > 0 {
			if err := b.releaseConflicts(ctx, provider, conflicts); err != nil {
				return err
			}
		}
		if err := b.flushChildren(ctx, states); err != nil {
			return err
		}
		problems := make([]Problem, len(conflicts))
		for i, c := range conflicts {
			problems[i] = conflictProblem(c)
		}
		if full || len(problems) > 0 {
			if changes, err = b.replaceProblems(ctx, providerStage, map[string][]Problem{provider: problems}); err != nil {
				return err
			}
		}
		return b.flushMarks(ctx)
	})
	return conflicts, changes, err
}

// leaving lists the entities that the provider gives up: what it named, what is no longer in its full set, and what it
// brings now under another location key, which is a new entity.
func (b *batch) leaving(ctx context.Context, provider string, full bool, added []emitted, removed []entity.Canonical) ([]string, error) {
	keys := make(map[string]string, len(added))
	for _, a := range added {
		keys[string(a.ref)] = a.locationKey
	}
	var gone []string
	for _, ref := range removed {
		if !full {
			gone = append(gone, string(ref))
		}
	}
	err := each(ctx, b.tx, func(rows *sql.Rows) error {
		var ref, key string
		if err := rows.Scan(&ref, &key); err != nil {
			return err
		}
		now, still := keys[ref]
		if full && !still || still && key != now {
			gone = append(gone, ref)
		}
		return nil
	}, `SELECT r.target_entity_ref, coalesce(s.location_key, '') FROM catalog_references AS r
		LEFT JOIN catalog_refresh_state AS s ON s.entity_ref = r.target_entity_ref WHERE r.source_key = ?`, provider)
	return gone, err
}

// releaseConflicts removes edges of the provider to entities that turned out to be another's.
func (b *batch) releaseConflicts(ctx context.Context, provider string, conflicts []conflict) error {
	keys := make([]string, len(conflicts))
	for i, c := range conflicts {
		keys[i] = string(c.ref)
	}
	return execIn(ctx, b.tx, "DELETE FROM catalog_references WHERE source_key = ? AND target_entity_ref IN (?)", keys, provider)
}

// providersWithEntities are the names that entities in the database belong to.
func (d database) providersWithEntities(ctx context.Context) ([]string, error) {
	return texts(ctx, d.db.Read(), "SELECT DISTINCT source_key FROM catalog_references WHERE source_key IS NOT NULL")
}

// refreshKeys schedules the entities that recorded one of the keys.
func (d database) refreshKeys(ctx context.Context, keys []string) error {
	stored := make([]string, len(keys))
	for i, k := range keys {
		stored[i] = storedRefreshKey(k)
	}
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return execIn(ctx, tx, `UPDATE catalog_refresh_state SET next_update_at = 0
			WHERE entity_id IN (SELECT entity_id FROM catalog_refresh_keys WHERE key IN (?))`, stored)
	})
}

// refresh schedules entities by ref.
func (d database) refresh(ctx context.Context, refs []string) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return execIn(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = 0 WHERE entity_ref IN (?)", refs)
	})
}

// refreshAll makes every entity go through the processors again.
func (d database) refreshAll(ctx context.Context, now int64, fingerprint string) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := execute(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ?, result_hash = CASE result_hash WHEN '' THEN '' ELSE ? END", now, reprocess); err != nil {
			return err
		}
		return setMeta(ctx, tx, "fingerprint", fingerprint)
	})
}

// takeOver makes entities that were never finished due at once: for a database that only this process works on.
func (d database) takeOver(ctx context.Context, now int64) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return execute(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ? WHERE result_hash IN ('', ?) AND next_update_at > ?", now, reprocess, now)
	})
}

// exists is the id of the entity with that ref, visible or not; "" when there is none.
func (d database) exists(ctx context.Context, ref string) (id string, err error) {
	ids, err := texts(ctx, d.db.Read(), "SELECT entity_id FROM catalog_refresh_state WHERE entity_ref = ?", ref)
	if len(ids) == 0 {
		return "", err
	}
	return ids[0], err
}
