package task

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
)

// lock takes the row's lock and reads the task's status, so that what is decided on it still holds at the commit.
func (s *Store) lock(ctx context.Context, tx bun.Tx, id string) (status Status, strategy string, err error) {
	query := "SELECT status, strategy FROM scaffolder_tasks WHERE id = ?"
	if s.db.Dialect() == store.PostgreSQL {
		query += " FOR UPDATE" // SQLite has one writer
	}
	err = s.one(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&status, &strategy) }, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = notFound(id)
	}
	return status, strategy, err
}

// cancellation is the body of an event of type cancelled. StepID is 0 before the first step, as in the reference.
type cancellation struct {
	Message string `json:"message"`
	StepID  any    `json:"stepId"`
	Status  Status `json:"status"`
}

// cancel notes the wish and wipes the secrets. Whoever runs the task ends it; one that has ended stays as it is.
func (s *Store) cancel(ctx context.Context, id string) (body json.RawMessage, err error) {
	err = s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		status, _, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		step, err := s.lastStep(ctx, tx, id)
		if err != nil {
			return err
		}
		c := cancellation{StepID: step, Status: Cancelled}
		if step == "" {
			c.StepID = 0
		}
		c.Message = fmt.Sprintf("Step %v has been cancelled.", c.StepID)
		body, _ = jsvalue.JSON(c) // texts always encode
		if err := s.append(ctx, tx, id, entry{kind: EventCancelled, body: body}); err != nil {
			return err
		}
		_, err = s.exec(ctx, tx, "UPDATE scaffolder_tasks SET secrets = NULL, cancelled = ? WHERE id = ?", !status.Ended(), id)
		return err
	})
	return body, err
}

// retry opens a task that has ended. With keepDone it goes on after the steps that ended well, if the files that they left
// are still there.
func (s *Store) retry(ctx context.Context, id string, secrets secret.Set, by *principal.Principal, keepDone bool) error {
	return s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		status, strategy, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if !status.Ended() {
			return apierror.Conflictf("Task with taskId %s cannot be retried", id)
		}
		if _, err := s.exec(ctx, tx, `UPDATE scaffolder_tasks SET status = 'open', heartbeat_at = NOW(), ended_at = NULL, initiator = ?, secrets = ?, wiped = ?,
			cancelled = ?, losses = 0 WHERE id = ?`, identityOf(by), blob(s.seal(id, secrets, by)), false, false, id); err != nil {
			return err
		}
		if keepDone {
			if keepDone, err = s.hasItsFiles(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := s.stepBack(ctx, tx, id, keepDone); err != nil {
			return err
		}
		if _, err := s.exec(ctx, tx, "DELETE FROM scaffolder_task_events WHERE task_id = ? AND type IN ('cancelled', 'completion')", id); err != nil {
			return err
		}
		return s.append(ctx, tx, id, recovered(strategy))
	})
}

// stepBack forgets the steps that are to run again: all of them, or with keepDone those that did not end well. That even
// those run that must not run twice by themselves is the user's decision. Checkpoints stay.
func (s *Store) stepBack(ctx context.Context, tx bun.Tx, id string, keepDone bool) error {
	state, err := s.state(ctx, tx, id)
	if err != nil {
		return fmt.Errorf("what task %s reached before cannot be read: %w", id, err)
	}
	for step, reached := range state.Steps {
		if keepDone && reached.Status == workflow.Completed {
			continue
		}
		slot := slotOf(id, record{Step: step, State: &reached})
		if _, err := s.exec(ctx, tx, "DELETE FROM scaffolder_task_state WHERE task_id = ? AND slot = ?", id, slot); err != nil {
			return err
		}
	}
	if keepDone {
		return nil
	}
	return s.putFiles(ctx, tx, id, &snapshot{})
}

// staleMessage is what the reference says of a task that nobody has worked on for too long.
const staleMessage = "This task was marked as stale as it exceeded its timeout"

// closeStale fails the tasks that nobody works on and whose last heartbeat is older than timeout.
func (s *Store) closeStale(ctx context.Context, timeout time.Duration) (closed []string, err error) {
	var stale []string
	err = s.each(ctx, s.db.Read(), func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		stale = append(stale, id)
		return err
	}, "SELECT id FROM scaffolder_tasks WHERE status = 'processing' AND lease_until < NOW() AND heartbeat_at <= NOW() - ?", timeout.Milliseconds())
	for _, id := range stale {
		done, failure := s.closeOne(ctx, id, timeout)
		if done {
			closed = append(closed, id)
		}
		err = errors.Join(err, failure)
	}
	return closed, err
}

func (s *Store) closeOne(ctx context.Context, id string, timeout time.Duration) (closed bool, err error) {
	hung, err := s.hungSteps(ctx, id)
	if err != nil {
		return false, err
	}
	var entries []entry
	for _, step := range hung {
		body, _ := jsvalue.JSON(workflow.Entry{Message: staleMessage, StepID: step, Status: workflow.Failed}) // texts always encode
		entries = append(entries, entry{kind: EventLog, body: body})
	}
	body, _ := jsvalue.JSON(map[string]string{"message": staleMessage})
	entries = append(entries, entry{kind: EventCompletion, body: body})
	err = s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := s.exec(ctx, tx, `UPDATE scaffolder_tasks SET status = 'failed', secrets = NULL, worker = '', ended_at = NOW()
			WHERE id = ? AND status = 'processing' AND lease_until < NOW() AND heartbeat_at <= NOW() - ?`, id, timeout.Milliseconds())
		if closed = n == 1; !closed || err != nil {
			return err
		}
		return s.append(ctx, tx, id, entries...)
	})
	return closed, err
}

// hungSteps are those that began and have not ended, in order.
func (s *Store) hungSteps(ctx context.Context, id string) (hung []string, err error) {
	events, _, err := s.events(ctx, id, 0, false)
	ended := map[string]bool{}
	var began []string
	for _, e := range events {
		var body workflow.Entry
		if e.Type != EventLog || json.Unmarshal(e.Body, &body) != nil || body.StepID == "" {
			continue
		}
		switch body.Status {
		case workflow.Processing:
			began = append(began, body.StepID)
		case workflow.Completed, workflow.Failed:
			ended[body.StepID] = true
		}
	}
	for _, step := range began {
		if !ended[step] {
			hung = append(hung, step)
			ended[step] = true
		}
	}
	return hung, err
}

// deletedAtOnce bounds one transaction.
const deletedAtOnce = 200

// deleteEnded deletes tasks that ended longer ago than age, with all that is kept of them.
func (s *Store) deleteEnded(ctx context.Context, age time.Duration) (n int64, err error) {
	for {
		var deleted int64
		err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			deleted, err = s.exec(ctx, tx, `DELETE FROM scaffolder_tasks WHERE id IN (SELECT id FROM scaffolder_tasks
				WHERE ended_at <= NOW() - ? LIMIT ?)`, age.Milliseconds(), deletedAtOnce)
			return err
		})
		if n += deleted; err != nil || deleted < deletedAtOnce {
			return n, err
		}
	}
}

// statuses are those of the ids that are tasks.
func (s *Store) statuses(ctx context.Context, ids []string) (map[string]Status, error) {
	found := map[string]Status{}
	list, args := marks(nil, ids)
	err := s.each(ctx, s.db.Read(), func(rows *sql.Rows) error {
		var id string
		var status Status
		err := rows.Scan(&id, &status)
		found[id] = status
		return err
	}, "SELECT id, status FROM scaffolder_tasks WHERE id IN ("+list+")", args...)
	return found, err
}
