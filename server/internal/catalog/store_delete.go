package catalog

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

// deleteEntities removes entities with everything that is theirs. Their children lose an edge, their peers a relation:
// both are queued for stitching.
func (b *batch) deleteEntities(ctx context.Context, refs []string) error {
	var ids []string
	if err := queryIn(ctx, b.tx, refs, "SELECT entity_id FROM catalog_refresh_state WHERE entity_ref IN (?)", func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}); err != nil || len(ids) == 0 {
		return err
	}
	if err := b.markQuery(ctx, ids, "SELECT DISTINCT source_entity_ref FROM catalog_relations WHERE originating_entity_id IN (?)"); err != nil {
		return err
	}
	if err := b.markQuery(ctx, refs, "SELECT DISTINCT target_entity_ref FROM catalog_references WHERE source_entity_ref IN (?)"); err != nil {
		return err
	}
	for _, statement := range []string{
		"INSERT INTO catalog_changelog (entity_id, op) SELECT entity_id, 'd' FROM catalog_final_entities WHERE entity_id IN (?)",
		"DELETE FROM catalog_final_entities WHERE entity_id IN (?)",
		"DELETE FROM catalog_relations WHERE originating_entity_id IN (?)",
		"DELETE FROM catalog_refresh_keys WHERE entity_id IN (?)",
		"DELETE FROM catalog_refresh_state WHERE entity_id IN (?)",
	} {
		if err := execIn(ctx, b.tx, statement, ids); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"DELETE FROM catalog_references WHERE source_entity_ref IN (?)",
		"DELETE FROM catalog_references WHERE target_entity_ref IN (?)",
		"DELETE FROM catalog_stitch_queue WHERE entity_ref IN (?)",
		"DELETE FROM catalog_problems WHERE entity_ref IN (?)",
	} {
		if err := execIn(ctx, b.tx, statement, refs); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		delete(b.marks, ref)
	}
	return nil
}

func (b *batch) markQuery(ctx context.Context, keys []string, query string) error {
	return queryIn(ctx, b.tx, keys, query, func(rows *sql.Rows) error {
		var ref string
		err := rows.Scan(&ref)
		b.marks[ref] = true
		return err
	})
}

// deleteTree removes what a provider no longer brings: the given roots and everything below them that no other root
// leads to. Only edges of this provider count as its own.
func (b *batch) deleteTree(ctx context.Context, provider string, roots []string) error {
	if len(roots) == 0 {
		return nil
	}
	own := map[string]bool{}
	if err := queryIn(ctx, b.tx, roots, `SELECT source_key, target_entity_ref FROM catalog_references
		WHERE source_key IS NOT NULL AND target_entity_ref IN (?)`, func(rows *sql.Rows) error {
		var key, ref string
		err := rows.Scan(&key, &ref)
		if key == provider {
			own[ref] = true
		}
		return err
	}); err != nil {
		return err
	}
	below, err := b.closure(ctx, keysOf(own), "SELECT source_entity_ref, target_entity_ref FROM catalog_references WHERE source_entity_ref IN (?)", false)
	if err != nil {
		return err
	}
	retained, err := b.rooted(ctx, provider, own, keysOf(below))
	if err != nil {
		return err
	}
	var doomed []string
	for ref := range below {
		if !retained[ref] {
			doomed = append(doomed, ref)
		}
	}
	if err := b.deleteEntities(ctx, doomed); err != nil {
		return err
	}
	for ref := range own {
		if retained[ref] {
			b.marks[ref] = true
		}
	}
	return execIn(ctx, b.tx, "DELETE FROM catalog_references WHERE source_key = ? AND target_entity_ref IN (?)", keysOf(own), provider)
}

// closure is everything that can be reached from start over the edges that query yields, start included. up follows
// edges from target to source.
func (b *batch) closure(ctx context.Context, start []string, query string, up bool) (map[string]bool, error) {
	seen := make(map[string]bool, len(start))
	for _, ref := range start {
		seen[ref] = true
	}
	for frontier := start; len(frontier) > 0; {
		var next []string
		if err := queryIn(ctx, b.tx, frontier, query, func(rows *sql.Rows) error {
			var source, target string
			if err := rows.Scan(&source, &target); err != nil {
				return err
			}
			if up {
				target = source
			}
			if !seen[target] {
				seen[target] = true
				next = append(next, target)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		frontier = next
	}
	return seen, nil
}

// rooted tells which of the entities some root still leads to when this provider gives up its own.
func (b *batch) rooted(ctx context.Context, provider string, own map[string]bool, entities []string) (map[string]bool, error) {
	above, err := b.closure(ctx, entities, `SELECT source_entity_ref, target_entity_ref FROM catalog_references
		WHERE source_entity_ref IS NOT NULL AND target_entity_ref IN (?)`, true)
	if err != nil {
		return nil, err
	}
	children := map[string][]string{}
	rooted := map[string]bool{}
	var frontier []string
	if err := queryIn(ctx, b.tx, keysOf(above), `SELECT coalesce(source_key, ''), coalesce(source_entity_ref, ''), target_entity_ref
		FROM catalog_references WHERE target_entity_ref IN (?)`, func(rows *sql.Rows) error {
		var key, source, target string
		if err := rows.Scan(&key, &source, &target); err != nil {
			return err
		}
		switch {
		case key == "":
			children[source] = append(children[source], target)
		case (key != provider || !own[target]) && !rooted[target]:
			rooted[target] = true
			frontier = append(frontier, target)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for len(frontier) > 0 {
		ref := frontier[len(frontier)-1]
		frontier = frontier[:len(frontier)-1]
		for _, c := range children[ref] {
			if !rooted[c] {
				rooted[c] = true
				frontier = append(frontier, c)
			}
		}
	}
	return rooted, nil
}

func keysOf(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	return keys
}

// deleteByID removes one entity for a caller. Its parents will emit it again if it is still theirs.
func (d database) deleteByID(ctx context.Context, now int64, id string) (deleted bool, err error) {
	err = d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		refs, err := texts(ctx, tx, "SELECT entity_ref FROM catalog_refresh_state WHERE entity_id = ?", id)
		if deleted = len(refs) > 0; err != nil || !deleted {
			return err
		}
		if err := execute(ctx, tx, `UPDATE catalog_refresh_state SET result_hash = '', next_update_at = ? WHERE entity_ref IN
			(SELECT source_entity_ref FROM catalog_references WHERE target_entity_ref = ? AND source_entity_ref IS NOT NULL)`, now, refs[0]); err != nil {
			return err
		}
		b := &batch{tx: tx, now: now, marks: map[string]bool{}}
		if err := b.deleteEntities(ctx, refs); err != nil {
			return err
		}
		return b.flushMarks(ctx)
	})
	return deleted, err
}

// deleteOrphans removes entities that nothing refers to, and then those that only they referred to.
func (d database) deleteOrphans(ctx context.Context, now int64) (count int, err error) {
	const query = `SELECT s.entity_ref FROM catalog_refresh_state AS s WHERE NOT EXISTS
		(SELECT 1 FROM catalog_references AS r WHERE r.target_entity_ref = s.entity_ref) LIMIT 1000`
	for {
		found, err := texts(ctx, d.db.Read(), query)
		if err != nil || len(found) == 0 {
			return count, err
		}
		deleted := 0
		err = d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
			orphans, err := texts(ctx, tx, query) // what was found may have been adopted
			if err != nil {
				return err
			}
			deleted = len(orphans)
			b := &batch{tx: tx, now: now, marks: map[string]bool{}}
			if err := b.deleteEntities(ctx, orphans); err != nil {
				return err
			}
			return b.flushMarks(ctx)
		})
		count += deleted
		if err != nil || deleted == 0 {
			return count, err
		}
	}
}
