package tryit

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

// fillQuestions puts rows in the place of all that are there.
func fillQuestions(ctx context.Context, db *store.DB, rows []questionRow) error {
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*questionRow)(nil)).Where("TRUE").Exec(ctx); err != nil {
			return err
		}
		for part := range slices.Chunk(rows, 1000) {
			if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
