package embed

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// database is the feature's tables.
type database struct{ db *store.DB }

type sessionRow struct {
	bun.BaseModel `bun:"table:embed_sessions"`
	ID            string `bun:"id,pk"`
	App           string `bun:"app"`
	Minter        string `bun:"minter"`
	Viewer        string `bun:"viewer"`
	CreatedAt     int64  `bun:"created_at"`
	EndsAt        int64  `bun:"ends_at"`
	RevokedAt     *int64 `bun:"revoked_at"`
}

type epochRow struct {
	bun.BaseModel `bun:"table:embed_epochs"`
	App           string `bun:"app,pk"`
	Epoch         int64  `bun:"epoch"`
}

func (d database) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return d.db.Migrate(ctx, "embed", files)
}

func (d database) insert(ctx context.Context, row any) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
}

func (d database) session(ctx context.Context, id string) (*sessionRow, error) {
	var row sessionRow
	return found(&row, d.db.Read().NewSelect().Model(&row).Where("id = ?", id).Scan(ctx))
}

// revoke ends a session, which stays as it is when it has ended before.
func (d database) revoke(ctx context.Context, id string, now time.Time) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*sessionRow)(nil)).Set("revoked_at = ?", now.UnixMilli()).
			Where("id = ?", id).Where("revoked_at IS NULL").Exec(ctx)
		return err
	})
}

// revoked lists sessions that were revoked at since or later, and would not have ended at now.
func (d database) revoked(ctx context.Context, since, now time.Time) (rows []sessionRow, err error) {
	err = d.db.Read().NewSelect().Model(&rows).Where("revoked_at >= ?", since.UnixMilli()).Where("ends_at > ?", now.UnixMilli()).Scan(ctx)
	return rows, err
}

func (d database) epochs(ctx context.Context) (rows []epochRow, err error) {
	err = d.db.Read().NewSelect().Model(&rows).Scan(ctx)
	return rows, err
}

// advance begins the next epoch of an app.
func (d database) advance(ctx context.Context, app string) (epoch int64, err error) {
	err = d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		row := &epochRow{App: app, Epoch: 1}
		return tx.NewInsert().Model(row).On("CONFLICT (app) DO UPDATE").Set("epoch = ?TableAlias.epoch + 1").
			Returning("epoch").Scan(ctx, &epoch)
	})
	return epoch, err
}

// clean forgets what ended before.
func (d database) clean(ctx context.Context, before time.Time) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*sessionRow)(nil)).Where("ends_at < ?", before.UnixMilli()).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewDelete().Model((*capabilityRow)(nil)).Where("expires_at < ?", before.UnixMilli()).Exec(ctx)
		return err
	})
}
