package catalog

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/entity"
)

// known loads what is remembered of extensions.
func (d database) known(ctx context.Context) (known, error) {
	k := known{map[string]knownProvider{}, map[string]knownProcessor{}}
	err := each(ctx, d.db.Read(), func(rows *sql.Rows) error {
		var key, value string
		err := rows.Scan(&key, &value)
		k.read(key, value)
		return err
	}, "SELECT key, value FROM catalog_meta WHERE key LIKE ? OR key LIKE ?", knownProviderKey+"%", knownProcessorKey+"%")
	return k, err
}

// remember stores the difference between before and next, and makes the affected entities due.
func (d database) remember(ctx context.Context, now int64, before, next known, touched affected) error {
	old, current := before.rows(), next.rows()
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for key := range old {
			if _, still := current[key]; still {
				continue
			}
			if err := execute(ctx, tx, "DELETE FROM catalog_meta WHERE key = ?", key); err != nil {
				return err
			}
		}
		for key, value := range current {
			if old[key] == value {
				continue
			}
			if err := setMeta(ctx, tx, key, value); err != nil {
				return err
			}
		}
		return touched.schedule(ctx, tx, now)
	})
}

// schedule makes entities due without calling their results invalid: what comes out as before is not written.
func (a affected) schedule(ctx context.Context, tx bun.Tx, now int64) error {
	if a.all {
		return execute(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ? WHERE next_update_at > ?", now, now)
	}
	for kind := range a.kinds {
		// substr, not a range: the order of texts depends on the database's collation.
		if err := execute(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ? WHERE next_update_at > ? AND substr(entity_ref, 1, ?) = ?",
			now, now, len([]rune(kind))+1, kind+":"); err != nil {
			return err
		}
	}
	return nil
}

// reprocess makes entities due.
func (d database) reprocess(ctx context.Context, now int64, refs []entity.Canonical) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return execIn(ctx, tx, "UPDATE catalog_refresh_state SET next_update_at = ? WHERE next_update_at > ? AND entity_ref IN (?)", refs, now, now)
	})
}
