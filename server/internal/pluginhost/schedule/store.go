package schedule

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// table is the tasks of all plugins and hosts. Each change of a run is one statement that names the run's ticket, so of
// several hosts exactly one has its way.
type table struct{ db *store.DB }

func (t table) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return t.db.Migrate(ctx, "schedule", files)
}

// name is a task among those of all plugins.
type name struct {
	plugin manifest.ID
	task   string
}

// row is what the table knows of a task.
type row struct {
	next, leaseUntil, started, ended int64
	ticket, err                      string
}

func (r row) running(now time.Time) bool { return r.ticket != "" && r.leaseUntil > now.UnixMilli() }

func (r row) due(now time.Time) bool { return r.next <= now.UnixMilli() && !r.running(now) }

// introduce makes a row for a task that is new, and brings forward one whose next time is later than its rhythm has it. A
// task whose rhythm changed follows the new one from now.
func (t table) introduce(ctx context.Context, n name, rhythm string, first, next time.Time) error {
	return t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO schedule_tasks (plugin, task, rhythm, next_start_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (plugin, task) DO UPDATE SET rhythm = EXCLUDED.rhythm,
			next_start_at = CASE WHEN schedule_tasks.rhythm <> EXCLUDED.rhythm OR schedule_tasks.next_start_at > ? THEN ? ELSE schedule_tasks.next_start_at END`,
			n.plugin, n.task, rhythm, first.UnixMilli(), next.UnixMilli(), next.UnixMilli())
		return err
	})
}

// all reads the rows of some plugins.
func (t table) all(ctx context.Context, plugins []manifest.ID) (map[name]row, error) {
	if len(plugins) == 0 {
		return nil, nil
	}
	var rows []struct {
		Plugin, Task, Ticket, Error                 string
		NextStartAt, LeaseUntil, StartedAt, EndedAt int64
	}
	err := t.db.Read().NewRaw(`SELECT plugin, task, ticket, error, next_start_at, lease_until, started_at, ended_at
		FROM schedule_tasks WHERE plugin IN (?)`, bun.List(plugins)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	found := make(map[name]row, len(rows))
	for _, r := range rows {
		found[name{manifest.ID(r.Plugin), r.Task}] = row{next: r.NextStartAt, leaseUntil: r.LeaseUntil, started: r.StartedAt, ended: r.EndedAt, ticket: r.Ticket, err: r.Error}
	}
	return found, nil
}

// claim takes a task that is due and that nobody runs; "" = somebody else was first.
func (t table) claim(ctx context.Context, n name, now time.Time) (ticket string, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewRaw(`UPDATE schedule_tasks SET ticket = ?, lease_until = ?, started_at = ?
			WHERE plugin = ? AND task = ? AND next_start_at <= ? AND (ticket = '' OR lease_until <= ?) RETURNING ticket`,
			rand.Text(), now.Add(leaseTime).UnixMilli(), now.UnixMilli(), n.plugin, n.task, now.UnixMilli(), now.UnixMilli()).Scan(ctx, &ticket)
		if errors.Is(err, sql.ErrNoRows) {
			ticket, err = "", nil
		}
		return err
	})
	return ticket, err
}

// renew keeps a run alive; false = it is not this host's any more.
func (t table) renew(ctx context.Context, n name, ticket string, until time.Time) (bool, error) {
	return t.change(ctx, "UPDATE schedule_tasks SET lease_until = ? WHERE plugin = ? AND task = ? AND ticket = ?", until.UnixMilli(), n.plugin, n.task, ticket)
}

// finish ends a run; false = it is not this host's any more.
func (t table) finish(ctx context.Context, n name, ticket string, ended, next time.Time, failure string) (bool, error) {
	return t.change(ctx, `UPDATE schedule_tasks SET ticket = '', lease_until = 0, ended_at = ?, next_start_at = ?, error = ?
		WHERE plugin = ? AND task = ? AND ticket = ?`, ended.UnixMilli(), next.UnixMilli(), failure, n.plugin, n.task, ticket)
}

// hurry makes a task due now; false = it runs, or there is none.
func (t table) hurry(ctx context.Context, n name, now time.Time) (bool, error) {
	return t.change(ctx, "UPDATE schedule_tasks SET next_start_at = ? WHERE plugin = ? AND task = ? AND (ticket = '' OR lease_until <= ?)",
		now.UnixMilli(), n.plugin, n.task, now.UnixMilli())
}

func (t table) change(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		count, err := result.RowsAffected()
		changed = count > 0
		return err
	})
	return changed, err
}
