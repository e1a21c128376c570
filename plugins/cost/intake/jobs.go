package intake

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Jobs lists the latest jobs, the newest first. Those that run are as they are now.
func (i *Intake) Jobs(ctx context.Context, limit int) ([]Job, error) {
	var list []Job
	err := i.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT job FROM jobs ORDER BY started DESC, id LIMIT ?", limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text []byte
			var j Job
			if err := errors.Join(rows.Scan(&text), json.Unmarshal(text, &j)); err != nil {
				return err
			}
			list = append(list, j)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	for at := range list {
		if p := i.running(list[at].ID); p != nil {
			list[at] = p.now()
		}
	}
	return list, nil
}

// Job is one job as it is now.
func (i *Intake) Job(ctx context.Context, id string) (Job, error) {
	if p := i.running(id); p != nil {
		return p.now(), nil
	}
	var j Job
	err := i.db.Read(ctx, func(tx *sql.Tx) error {
		var text []byte
		if err := tx.QueryRowContext(ctx, "SELECT job FROM jobs WHERE id = ?", id).Scan(&text); err != nil {
			return err
		}
		return json.Unmarshal(text, &j)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return j, apierror.NotFoundf("there is no import %q", excerpt.Short(id))
	}
	if err != nil {
		return j, fmt.Errorf("read import %s: %w", excerpt.Short(id), err)
	}
	return j, nil
}

// Rejects lists rejected rows of a job that has ended, in the order of the file, from an offset on. Only the first thousand
// are kept.
func (i *Intake) Rejects(ctx context.Context, id string, offset, limit int) ([]focus.Reject, error) {
	if _, err := i.Job(ctx, id); err != nil {
		return nil, err
	}
	list := []focus.Reject{}
	err := i.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT reject FROM rejects WHERE job = ? AND number >= ? ORDER BY number LIMIT ?", id, offset, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text []byte
			var r focus.Reject
			if err := errors.Join(rows.Scan(&text), json.Unmarshal(text, &r)); err != nil {
				return err
			}
			list = append(list, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list rejects of import %s: %w", id, err)
	}
	return list, nil
}

// keep writes a job down, with its rejects when it has ended, and forgets the oldest.
func (i *Intake) keep(ctx context.Context, j *Job, rejects []focus.Reject) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return i.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO jobs (id, started, state, job) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, job = excluded.job",
			j.ID, j.Started.UnixMilli(), j.State, string(text))
		if err != nil {
			return err
		}
		for n := range rejects {
			text, err := json.Marshal(rejects[n])
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO rejects (job, number, reject) VALUES (?, ?, ?)", j.ID, n, string(text)); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY started DESC LIMIT -1 OFFSET ?)", keptJobs)
		return err
	})
}

// abandon ends the jobs that were running when the process did.
func (i *Intake) abandon(ctx context.Context) error {
	list, err := i.Jobs(ctx, keptJobs)
	if err != nil {
		return err
	}
	for at := range list {
		j := &list[at]
		if j.State != Running {
			continue
		}
		now := i.now().UTC()
		j.State, j.Ended = Failed, &now
		j.Error = "the plugin was stopped before the import ended, which has changed nothing; import again"
		if err := i.keep(ctx, j, nil); err != nil {
			return err
		}
	}
	return nil
}
