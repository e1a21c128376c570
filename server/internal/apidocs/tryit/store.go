package tryit

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// questions are the requests that wait to be confirmed, in the database that all replicas have: the one that is asked and
// the one that is told the answer may be two.
type questions struct{ db *store.DB }

type questionRow struct {
	bun.BaseModel `bun:"table:apidocs_confirmations"`
	TokenHash     string `bun:"token_hash,pk"`
	Request       string `bun:"request_hash"`
	Asker         string `bun:"asker"`
	ExpiresAt     int64  `bun:"expires_at"`
}

func (q questions) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return q.db.Migrate(ctx, "apidocs", files)
}

// open keeps a question; false when there are too many. Those that have ended go first, then the oldest of who asks.
func (q questions) open(ctx context.Context, row *questionRow, now time.Time) (room bool, err error) {
	err = q.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*questionRow)(nil)).Where("expires_at <= ?", now.UnixMilli()).Exec(ctx); err != nil {
			return err
		}
		newest := tx.NewSelect().Model((*questionRow)(nil)).Column("token_hash").Where("asker = ?", row.Asker).
			Order("expires_at DESC", "token_hash").Limit(mostOpenOf - 1)
		if _, err := tx.NewDelete().Model((*questionRow)(nil)).Where("asker = ?", row.Asker).Where("token_hash NOT IN (?)", newest).Exec(ctx); err != nil {
			return err
		}
		kept, err := tx.NewSelect().Model((*questionRow)(nil)).Count(ctx)
		if room = kept < mostOpen; err != nil || !room {
			return err
		}
		_, err = tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep a request that waits to be confirmed: %w", err)
	}
	return room, nil
}

// close removes a question that is still open and about that request; false when there is none. Of several who answer at
// once the database lets one through.
func (q questions) close(ctx context.Context, tokenHash, request string, now time.Time) (closed bool, err error) {
	err = q.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		done, err := tx.NewDelete().Model((*questionRow)(nil)).Where("token_hash = ?", tokenHash).Where("request_hash = ?", request).
			Where("expires_at > ?", now.UnixMilli()).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		closed = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take the confirmation of a request: %w", err)
	}
	return closed, nil
}
