package task

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
)

// entry is an event that has no number yet.
type entry struct {
	kind EventType
	body json.RawMessage
	at   time.Time // zero = the database's now
}

// holder is a run's right to write: it ends when somebody else claims the task.
type holder struct {
	task    string
	worker  string
	attempt int64
}

// ofHolder selects the task as long as the run holds it.
const ofHolder = " WHERE id = ? AND worker = ? AND attempt = ? AND status = 'processing'"

// appendHeld appends events of a run; [workflow.ErrLost] when it does not hold the task any more. It locks the row.
func (s *Store) appendHeld(ctx context.Context, tx bun.Tx, h holder, entries []entry) error {
	last, err := s.number(ctx, tx, len(entries), ofHolder, h.task, h.worker, h.attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return workflow.ErrLost
	}
	if err != nil {
		return err
	}
	return s.insertEvents(ctx, tx, h.task, last, entries)
}

// append appends events whoever runs the task.
func (s *Store) append(ctx context.Context, tx bun.Tx, id string, entries ...entry) error {
	last, err := s.number(ctx, tx, len(entries), " WHERE id = ?", id)
	if err != nil {
		return err
	}
	return s.insertEvents(ctx, tx, id, last, entries)
}

// number takes n numbers and returns the last of them; [sql.ErrNoRows] when no task is selected.
func (s *Store) number(ctx context.Context, tx bun.Tx, n int, where string, args ...any) (last int64, err error) {
	err = s.one(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&last) },
		"UPDATE scaffolder_tasks SET last_event = last_event + ?"+where+" RETURNING last_event", append([]any{n}, args...)...)
	return last, err
}

// eventsPerStatement come in few lengths, so that statements are found prepared.
const eventsPerStatement = 64

func (s *Store) insertEvents(ctx context.Context, tx bun.Tx, id string, last int64, entries []entry) error {
	next := last - int64(len(entries)) + 1
	for len(entries) > 0 {
		n := min(len(entries), eventsPerStatement)
		for n&(n-1) != 0 {
			n &= n - 1 // down to a power of two
		}
		args := make([]any, 0, 5*n)
		var values strings.Builder
		for i, e := range entries[:n] {
			if i > 0 {
				values.WriteString(", ")
			}
			values.WriteString("(?, ?, ?, ?, CASE WHEN ? > 0 THEN ? ELSE NOW() END)")
			at := int64(0)
			if !e.at.IsZero() {
				at = e.at.UnixMilli()
			}
			args = append(args, id, next+int64(i), string(e.kind), string(e.body), at, at)
		}
		if _, err := s.exec(ctx, tx, "INSERT INTO scaffolder_task_events (task_id, id, type, body, created_at) VALUES "+values.String(), args...); err != nil {
			return err
		}
		next += int64(n)
		entries = entries[n:]
	}
	return nil
}

// events are those after a number, in order, with all completions in any case when withCompletions is set. Of a task that
// started over, those before are left out. newest is the number of the task's last event if there are any that are asked for.
func (s *Store) events(ctx context.Context, id string, after int64, withCompletions bool) (all []Event, newest int64, err error) {
	where := "e.id > ?"
	if withCompletions && after > 0 {
		where = "(e.id > ? OR e.type = 'completion')"
	}
	err = s.each(ctx, s.db.Read(), func(rows *sql.Rows) error {
		e := Event{TaskID: id}
		var body, strategy string
		var at int64
		err := rows.Scan(&e.ID, &e.Type, &body, &at, &strategy, &newest)
		e.Body, e.CreatedAt, e.Recoverable = json.RawMessage(body), time.UnixMilli(at), strategy == startOver
		all = append(all, e)
		return err
	}, `SELECT e.id, e.type, e.body, e.created_at, t.strategy, t.last_event FROM scaffolder_task_events AS e
		JOIN scaffolder_tasks AS t ON t.id = e.task_id WHERE e.task_id = ? AND `+where+" ORDER BY e.id", id, after)
	return sinceStartOver(all), newest, err
}

// sinceStartOver drops what is before the last beginning of a task that starts over, and that beginning too while nothing
// follows it, as the reference does.
func sinceStartOver(events []Event) []Event {
	for i, e := range slices.Backward(events) {
		if e.Type != EventRecovered {
			continue
		}
		var body recovery
		switch {
		case json.Unmarshal(e.Body, &body) != nil || body.Strategy != startOver:
			return events
		case i == len(events)-1:
			return nil
		}
		return events[i:]
	}
	return events
}

// recovery is the body of an event of type recovered.
type recovery struct {
	Strategy string `json:"recoverStrategy"`
}

func recovered(strategy string) entry {
	body, _ := jsvalue.JSON(recovery{strategy}) // a string always encodes
	return entry{kind: EventRecovered, body: body}
}

// lastStep is the id of the step that the newest event about any step is about, "" = there is none.
func (s *Store) lastStep(ctx context.Context, tx bun.Tx, id string) (step string, err error) {
	rows, err := store.Below(tx).QueryContext(ctx, "SELECT body FROM scaffolder_task_events WHERE task_id = ? ORDER BY id DESC", id)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for step == "" && rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return "", err
		}
		var e workflow.Entry
		if json.Unmarshal(body, &e) == nil {
			step = e.StepID
		}
	}
	return step, rows.Err()
}
