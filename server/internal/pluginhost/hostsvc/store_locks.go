package hostsvc

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// maxLocks is how many locks a plugin may hold at a time.
const maxLocks = 1000

// Acquire implements [Locks].
func (s *Store) Acquire(ctx context.Context, plugin manifest.ID, name, lease string, ttl time.Duration) (held string, err error) {
	now := s.now()
	until := now.Add(ttl).UnixMilli()
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if lease != "" {
			held, err = one(ctx, tx, `UPDATE hostsvc_locks SET expires_at = ? WHERE plugin = ? AND name = ? AND lease = ? AND expires_at > ? RETURNING lease`,
				until, plugin, name, lease, now.UnixMilli())
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM hostsvc_locks WHERE plugin = ? AND expires_at <= ?", plugin, now.UnixMilli()); err != nil {
			return err
		}
		var count int
		if err := tx.NewRaw("SELECT count(*) FROM hostsvc_locks WHERE plugin = ?", plugin).Scan(ctx, &count); err != nil {
			return err
		}
		if count >= maxLocks {
			return apierror.NotAllowedf("plugin %s holds %d locks, which is as many as a plugin may hold", plugin, count)
		}
		// Who comes second finds the row of who came first, whatever it saw before.
		held, err = one(ctx, tx, `INSERT INTO hostsvc_locks (plugin, name, lease, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (plugin, name) DO UPDATE SET lease = EXCLUDED.lease, expires_at = EXCLUDED.expires_at
			WHERE hostsvc_locks.expires_at <= ? RETURNING lease`, plugin, name, rand.Text(), until, now.UnixMilli())
		return err
	})
	return held, err
}

// one is the text that a statement returns, "" when it touched nothing.
func one(ctx context.Context, tx bun.Tx, query string, args ...any) (string, error) {
	var text string
	err := tx.NewRaw(query, args...).Scan(ctx, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// Release implements [Locks].
func (s *Store) Release(ctx context.Context, plugin manifest.ID, name, lease string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM hostsvc_locks WHERE plugin = ? AND name = ? AND lease = ?", plugin, name, lease)
		return err
	})
}
