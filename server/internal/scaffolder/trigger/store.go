package trigger

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// positions is how far triggers have read the change log.
type positions struct{ db *store.DB }

type positionRow struct {
	bun.BaseModel `bun:"table:scaffolder_trigger_positions,alias:p"`
	Trigger       string `bun:"trigger_id,pk"`
	Seq           int64  `bun:"seq"`
}

func (p positions) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return p.db.Migrate(ctx, "scaffolder_trigger", files)
}

func (p positions) get(ctx context.Context, trigger string) (seq int64, found bool, err error) {
	var rows []positionRow
	if err := p.db.Read().NewSelect().Model(&rows).Where("trigger_id = ?", trigger).Scan(ctx); err != nil {
		return 0, false, fmt.Errorf("position of trigger %s: %w", trigger, err)
	}
	if len(rows) == 0 {
		return 0, false, nil
	}
	return rows[0].Seq, true, nil
}

// advance moves a position forward. Replicas read the same log, so one may be ahead: it is never moved back.
func (p positions) advance(ctx context.Context, trigger string, seq int64) error {
	err := p.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&positionRow{Trigger: trigger, Seq: seq}).
			On("CONFLICT (trigger_id) DO UPDATE").Set("seq = EXCLUDED.seq").Where("p.seq < EXCLUDED.seq").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("position of trigger %s: %w", trigger, err)
	}
	return nil
}
