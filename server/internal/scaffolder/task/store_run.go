package task

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// appendLog stores log entries of a run.
func (s *Store) appendLog(ctx context.Context, h holder, entries []entry) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error { return s.appendHeld(ctx, tx, h, entries) })
}

// saveState stores what a run has reached, together with the entries before it. files is the workspace after a step that
// ended well, nil = it is as it was.
func (s *Store) saveState(ctx context.Context, h holder, entries []entry, r record, files *snapshot) error {
	return s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.appendHeld(ctx, tx, h, entries); err != nil {
			return err
		}
		if r.State != nil && r.State.Status == workflow.Completed {
			if _, err := s.exec(ctx, tx, "UPDATE scaffolder_tasks SET losses = 0 WHERE id = ?", h.task); err != nil {
				return err
			}
		}
		if files != nil {
			if err := s.putFiles(ctx, tx, h.task, files); err != nil {
				return err
			}
		}
		return s.putState(ctx, tx, h.task, r)
	})
}

func (s *Store) putState(ctx context.Context, tx bun.Tx, id string, r record) error {
	plain, err := jsvalue.JSON(r)
	if err != nil {
		return fmt.Errorf("the state of step %s: %w", r.Step, err)
	}
	slot := slotOf(id, r)
	_, err = s.exec(ctx, tx, `INSERT INTO scaffolder_task_state (task_id, slot, sealed) VALUES (?, ?, ?)
		ON CONFLICT (task_id, slot) DO UPDATE SET sealed = EXCLUDED.sealed`, id, slot, s.sealer.Seal(plain, placeOfState(id, slot)))
	return err
}

// record is what a row of state holds, sealed: a step's state, or a checkpoint's value.
type record struct {
	Step  string              `json:"step"`
	Key   string              `json:"key,omitempty"`
	State *workflow.StepState `json:"state,omitempty"`
	Value json.RawMessage     `json:"value,omitempty"`
}

func (r record) kind() string {
	if r.State != nil {
		return "step"
	}
	return "checkpoint"
}

// slotOf names the row of a step or checkpoint without telling it: keys of checkpoints may be made of secrets.
func slotOf(id string, r record) string {
	h := sha256.New()
	for _, part := range []string{id, r.kind(), r.Step, r.Key} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func placeOfState(id, slot string) string { return "state " + slot + " of task " + id }

// reached is what earlier runs have reached.
func (s *Store) reached(ctx context.Context, id string) (workflow.State, error) {
	return s.state(ctx, s.db.Read(), id)
}

func (s *Store) state(ctx context.Context, db bun.IDB, id string) (workflow.State, error) {
	state := workflow.State{Steps: map[string]workflow.StepState{}, Checkpoints: map[string]map[string]json.RawMessage{}}
	err := s.each(ctx, db, func(rows *sql.Rows) error {
		var slot string
		var sealed []byte
		if err := rows.Scan(&slot, &sealed); err != nil {
			return err
		}
		plain, err := s.sealer.Open(sealed, placeOfState(id, slot))
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(plain, &r); err != nil {
			return err
		}
		if r.State != nil {
			state.Steps[r.Step] = *r.State
			return nil
		}
		if state.Checkpoints[r.Step] == nil {
			state.Checkpoints[r.Step] = map[string]json.RawMessage{}
		}
		state.Checkpoints[r.Step][r.Key] = r.Value
		return nil
	}, "SELECT slot, sealed FROM scaffolder_task_state WHERE task_id = ?", id)
	return state, err
}

// finish ends a task, together with the entries before its end. Its files are kept for a retry that goes on from them.
func (s *Store) finish(ctx context.Context, h holder, status Status, entries []entry, keepFiles bool) error {
	return s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.appendHeld(ctx, tx, h, entries); err != nil {
			return err
		}
		if _, err := s.exec(ctx, tx, `UPDATE scaffolder_tasks SET status = ?, secrets = NULL, worker = '', lease_until = 0, ended_at = NOW(),
			losses = 0 WHERE id = ?`, string(status), h.task); err != nil || keepFiles {
			return err
		}
		return s.putFiles(ctx, tx, h.task, &snapshot{})
	})
}
