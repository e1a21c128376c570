package catalog

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// unstitched reads part of the stitch queue outside any transaction: the tickets tell later whether it was all read
// before anything else changed.
func (d database) unstitched(ctx context.Context, limit int) ([]unstitched, error) {
	db := d.db.Read()
	var queue []unstitched
	err := each(ctx, db, func(rows *sql.Rows) error {
		var u unstitched
		err := rows.Scan(&u.ref, &u.ticket, &u.id, &u.processed, &u.errors, &u.previousHash)
		u.orphan = true
		queue = append(queue, u)
		return err
	}, `SELECT q.entity_ref, q.ticket, coalesce(s.entity_id, ''), coalesce(s.processed_entity, ''), coalesce(s.errors, ''), coalesce(f.hash, '')
		FROM (SELECT entity_ref, ticket FROM catalog_stitch_queue LIMIT ?) AS q
		LEFT JOIN catalog_refresh_state AS s ON s.entity_ref = q.entity_ref
		LEFT JOIN catalog_final_entities AS f ON f.entity_id = s.entity_id`, limit)
	if err != nil || len(queue) == 0 {
		return nil, err
	}
	byRef := make(map[entity.Canonical]*unstitched, len(queue))
	refs := make([]entity.Canonical, 0, len(queue))
	for i := range queue {
		if queue[i].processed != "" {
			byRef[queue[i].ref] = &queue[i]
			refs = append(refs, queue[i].ref)
		}
	}
	if err := queryIn(ctx, db, refs, "SELECT DISTINCT target_entity_ref FROM catalog_references WHERE target_entity_ref IN (?)", func(rows *sql.Rows) error {
		var ref entity.Canonical
		if err := rows.Scan(&ref); err != nil {
			return err
		}
		byRef[ref].orphan = false
		return nil
	}); err != nil {
		return nil, err
	}
	err = queryIn(ctx, db, refs, "SELECT source_entity_ref, type, target_entity_ref FROM catalog_relations WHERE source_entity_ref IN (?)", func(rows *sql.Rows) error {
		var ref entity.Canonical
		var r entity.Relation
		if err := rows.Scan(&ref, &r.Type, &r.TargetRef); err != nil {
			return err
		}
		byRef[ref].relations = append(byRef[ref].relations, r)
		return nil
	})
	for _, u := range byRef {
		u.relations = sortRelations(u.relations)
	}
	return queue, err
}

// published is what one transaction has made visible: all changes behind before, in the order of the log. The log is not
// read for them, so they must not be used when their number shows a gap.
type published struct {
	before, last int64
	changes      []index.Change
}

// publish stores final entities whose tickets are still the ones that they were made for, and logs the changes.
func (d database) publish(ctx context.Context, now int64, done []stitched) (published, []problemChange, error) {
	var changes []problemChange
	var out published
	err := d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		out = published{}
		tickets := make([][]any, len(done))
		for i, s := range done {
			tickets[i] = []any{string(s.ref), s.ticket}
		}
		current, err := queryRows(ctx, tx, "DELETE FROM catalog_stitch_queue WHERE (entity_ref, ticket) IN (VALUES ", tickets, ") RETURNING entity_ref")
		if err != nil {
			return err
		}
		valid := make(map[string]bool, len(current))
		for _, ref := range current {
			valid[ref] = true
		}
		var finals, log [][]any
		problems := map[string][]Problem{}
		for _, s := range done {
			if !valid[string(s.ref)] || s.id == "" || s.processed == "" {
				continue
			}
			problems[string(s.ref)] = s.describe()
			if s.final != "" {
				finals = append(finals, []any{s.id, string(s.ref), s.final, s.hash})
				log = append(log, []any{s.id, "u"})
				doc := &index.Doc{UID: s.id, Ref: s.ref, JSON: []byte(s.final)}
				out.changes = append(out.changes, index.Change{UID: s.id, Doc: doc})
			}
		}
		if err := execRows(ctx, tx, "INSERT INTO catalog_final_entities (entity_id, entity_ref, final_entity, hash) VALUES ", finals,
			" ON CONFLICT (entity_id) DO UPDATE SET final_entity = excluded.final_entity, hash = excluded.hash"); err != nil {
			return err
		}
		if out.before, err = newestSeq(ctx, tx); err != nil {
			return err
		}
		if err := execRows(ctx, tx, "INSERT INTO catalog_changelog (entity_id, op) VALUES ", log, ""); err != nil {
			return err
		}
		if out.last, err = newestSeq(ctx, tx); err != nil {
			return err
		}
		b := &batch{tx: tx, now: now}
		changes, err = b.replaceProblems(ctx, stitchStage, problems)
		return err
	})
	for i := range out.changes {
		out.changes[i].Seq = out.before + int64(i) + 1
	}
	return out, changes, err
}

// newestSeq is the number of the newest change. Under the writer lock nobody adds one meanwhile.
func newestSeq(ctx context.Context, tx bun.Tx) (seq int64, err error) {
	err = each(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&seq) }, "SELECT coalesce(max(seq), 0) FROM catalog_changelog")
	return seq, err
}

// lastSeq is the number of the newest change, and the oldest that is still in the log (0 = the log is empty).
func (d database) lastSeq(ctx context.Context) (last, oldest int64, err error) {
	err = each(ctx, d.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&last, &oldest) },
		"SELECT coalesce((SELECT max(seq) FROM catalog_changelog), 0), coalesce((SELECT min(seq) FROM catalog_changelog), 0)")
	return last, oldest, err
}

// changes reads the log after seq, with the entities as they are now. A deleted one has no document.
func (d database) changes(ctx context.Context, seq int64, limit int) ([]index.Change, error) {
	var list []index.Change
	err := each(ctx, d.db.Read(), func(rows *sql.Rows) error {
		var c index.Change
		var ref, final sql.NullString
		if err := rows.Scan(&c.Seq, &c.UID, &ref, &final); err != nil {
			return err
		}
		if final.Valid {
			c.Doc = &index.Doc{UID: c.UID, Ref: entity.Canonical(ref.String), JSON: []byte(final.String)}
		}
		list = append(list, c)
		return nil
	}, `SELECT c.seq, c.entity_id, f.entity_ref, f.final_entity FROM catalog_changelog AS c
		LEFT JOIN catalog_final_entities AS f ON f.entity_id = c.entity_id WHERE c.seq > ? ORDER BY c.seq LIMIT ?`, seq, limit)
	return list, err
}

// load reads every final entity, in chunks. seq is what they are at least as new as.
func (d database) load(ctx context.Context, seq int64, chunk int, apply func([]index.Change) error) error {
	list := make([]index.Change, 0, chunk)
	err := each(ctx, d.db.Read(), func(rows *sql.Rows) error {
		doc := &index.Doc{}
		if err := rows.Scan(&doc.UID, &doc.Ref, &doc.JSON); err != nil {
			return err
		}
		list = append(list, index.Change{Seq: seq, UID: doc.UID, Doc: doc})
		if len(list) < chunk {
			return nil
		}
		err := apply(list)
		list = make([]index.Change, 0, chunk)
		return err
	}, "SELECT entity_id, entity_ref, final_entity FROM catalog_final_entities")
	if err == nil && len(list) > 0 {
		err = apply(list)
	}
	return err
}

// pruneLog forgets all but the newest changes: who is further behind loads everything.
func (d database) pruneLog(ctx context.Context, keep int64) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return execute(ctx, tx, "DELETE FROM catalog_changelog WHERE seq <= (SELECT coalesce(max(seq), 0) FROM catalog_changelog) - ?", keep)
	})
}
