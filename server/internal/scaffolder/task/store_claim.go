package task

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/store"
)

// claim is a task that a worker took.
type claim struct {
	Task
	holder
	initiator *principal.Principal
	secrets   secret.Set
	// unusable is why the task cannot be run by this host.
	unusable error
	// wiped: the user's secrets went with an earlier run.
	wiped bool
	// cancelled: somebody cancelled the task before it was claimed.
	cancelled bool
	// takenOver: another worker had it and did not end it.
	takenOver bool
	// losses is how many workers were lost in a row.
	losses int
	// files: earlier runs left files for this one.
	files bool
}

// claimable are open tasks, and those whose worker has not been heard of.
const claimable = "status IN ('open', 'processing') AND (status = 'open' OR lease_until < NOW())"

// hasClaimable is a cheap look before a claim, which writes.
func (s *Store) hasClaimable(ctx context.Context) (found bool, err error) {
	err = s.each(ctx, s.db.Read(), func(*sql.Rows) error { found = true; return nil },
		"SELECT 1 FROM scaffolder_tasks WHERE "+claimable+" LIMIT 1")
	return found, err
}

// claimRequest says who claims, and how.
type claimRequest struct {
	worker      string
	limit       int
	lease       time.Duration
	except      []string // ids of tasks that this worker has not let go of
	keepSecrets bool
}

// claim takes up to limit tasks, the oldest first. Secrets are opened, and then wiped unless they are kept for a takeover.
func (s *Store) claim(ctx context.Context, r claimRequest) ([]claim, error) {
	var claims []claim
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		claims = claims[:0]
		if err := s.selectClaimable(ctx, tx, r, &claims); err != nil {
			return err
		}
		for i := range claims {
			if err := s.take(ctx, tx, r, &claims[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return claims, err
}

func (s *Store) selectClaimable(ctx context.Context, tx bun.Tx, r claimRequest, claims *[]claim) error {
	query, args := "SELECT "+taskColumns+`, initiator, secrets, wiped, cancelled, attempt, lease_until, losses, files
		FROM scaffolder_tasks WHERE `+claimable, []any(nil)
	if len(r.except) > 0 {
		var ids string
		ids, args = marks(args, r.except)
		query += " AND id NOT IN (" + ids + ")"
	}
	query += " ORDER BY created_at, id LIMIT ?"
	if s.db.Dialect() == store.PostgreSQL {
		query += " FOR UPDATE SKIP LOCKED"
	}
	return s.each(ctx, tx, func(rows *sql.Rows) error {
		c, err := s.scanClaim(rows)
		*claims = append(*claims, c)
		return err
	}, query, append(args, r.limit)...)
}

func (s *Store) scanClaim(rows *sql.Rows) (claim, error) {
	var c claim
	var by string
	var sealed []byte
	var lease int64
	var err error
	if c.Task, err = scanTask(rows, &by, &sealed, &c.wiped, &c.cancelled, &c.attempt, &lease, &c.losses, &c.files); err != nil {
		return c, err
	}
	c.takenOver = c.Status == Processing
	if c.takenOver && lease > 0 { // 0 = the worker let go of it in good order
		c.losses++
	}
	c.secrets, c.unusable = s.openSecrets(c.ID, sealed)
	var id identity
	if err := json.Unmarshal([]byte(by), &id); err != nil {
		c.unusable = fmt.Errorf("read who started the task: %w", err)
	}
	c.initiator = id.principal(c.secrets[TokenSecret].Reveal())
	return c, nil
}

// take makes a selected task the worker's.
func (s *Store) take(ctx context.Context, tx bun.Tx, r claimRequest, c *claim) error {
	c.holder = holder{c.ID, r.worker, c.attempt + 1}
	strategy := strategyOf(c.Spec)
	if c.takenOver {
		if err := s.append(ctx, tx, c.ID, recovered(strategy)); err != nil {
			return err
		}
	}
	keep := r.keepSecrets || strategy == startOver
	c.Status = Processing
	entered := len(c.secrets) > 1 || len(c.secrets) == 1 && c.initiator.Token == "" // beside the token
	return s.one(ctx, tx, func(rows *sql.Rows) error {
		var beat int64
		err := rows.Scan(&beat)
		c.LastHeartbeatAt = time.UnixMilli(beat)
		return err
	}, `UPDATE scaffolder_tasks SET status = 'processing', worker = ?, attempt = ?, heartbeat_at = NOW(), lease_until = NOW() + ?, losses = ?,
		secrets = CASE WHEN ? THEN secrets END, wiped = ? WHERE id = ? RETURNING heartbeat_at`,
		r.worker, c.attempt, r.lease.Milliseconds(), c.losses, keep, c.wiped || entered && !keep, c.ID)
}

// beat is what a heartbeat learns about a task that the worker still holds.
type beat struct {
	attempt   int64
	cancelled bool
}

// heartbeat renews the leases of a worker's tasks and returns those that it still holds.
func (s *Store) heartbeat(ctx context.Context, worker string, ids []string, lease time.Duration) (map[string]beat, error) {
	var held map[string]beat
	list, args := marks([]any{lease.Milliseconds(), worker}, ids)
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		held = make(map[string]beat, len(ids))
		return s.each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			var b beat
			err := rows.Scan(&id, &b.attempt, &b.cancelled)
			held[id] = b
			return err
		}, `UPDATE scaffolder_tasks SET heartbeat_at = NOW(), lease_until = NOW() + ?
			WHERE worker = ? AND status = 'processing' AND id IN (`+list+") RETURNING id, attempt, cancelled", args...)
	})
	return held, err
}

// release lets go of a task, so that any worker takes it over at once.
func (s *Store) release(ctx context.Context, h holder) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.exec(ctx, tx, "UPDATE scaffolder_tasks SET lease_until = 0"+ofHolder, h.task, h.worker, h.attempt)
		return err
	})
}
