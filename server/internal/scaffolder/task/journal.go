package task

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

const (
	// flushAfter and flushEntries bound how long log entries wait to be stored together. The first after a pause hardly waits.
	flushAfter   = 100 * time.Millisecond
	flushAtOnce  = 2 * time.Millisecond
	flushEntries = 100
	// maxWaiting bounds the entries that are kept while the database fails.
	maxWaiting = 10_000
	// writePatience is how long one write may take, and savePatience how long it is tried again.
	writePatience = 20 * time.Second
	savePatience  = 20 * time.Second
)

// journal is the [workflow.Journal] of one run. Log entries are stored in batches, everything else together with the
// entries before it. Safe for concurrent use.
type journal struct {
	store     *Store
	holder    holder
	folder    string
	keepFiles int64
	logger    *slog.Logger
	wake      func()
	lost      func(cause error) // called once, when a write says that the task is somebody else's

	stored outline // of the files

	// writing is held during writes, so that they are stored in order; it is taken before mu.
	writing sync.Mutex

	mu      sync.Mutex
	waiting []entry
	flushed time.Time
	timer   *time.Timer
	err     error // why nothing is written any more
}

var _ workflow.Journal = (*journal)(nil)

// ended is why nothing is written any more, nil = it still is.
func (j *journal) ended() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// end makes all further calls fail with cause.
func (j *journal) end(cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = cause
	}
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
}

// Log implements [workflow.Journal].
func (j *journal) Log(ctx context.Context, e workflow.Entry) error {
	body, err := jsvalue.JSON(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	if j.err != nil {
		defer j.mu.Unlock()
		return j.err
	}
	j.waiting = append(j.waiting, entry{EventLog, body, time.Now()})
	full := len(j.waiting) >= flushEntries
	if !full && j.timer == nil {
		j.timer = time.AfterFunc(max(flushAtOnce, flushAfter-time.Since(j.flushed)), j.flushLater)
	}
	j.mu.Unlock()
	if full {
		return j.flush(ctx)
	}
	return nil
}

// flushLater stores what waits. What the database does not take stays for the next time.
func (j *journal) flushLater() {
	if err := j.flush(context.Background()); err == nil || j.ended() != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil && j.timer == nil && len(j.waiting) > 0 {
		j.timer = time.AfterFunc(10*flushAfter, j.flushLater)
	}
}

// flush stores what waits.
func (j *journal) flush(ctx context.Context) error {
	return j.write(ctx, func(ctx context.Context, entries []entry) error {
		if len(entries) == 0 {
			return nil
		}
		return j.store.appendLog(ctx, j.holder, entries)
	})
}

// Step implements [workflow.Journal].
func (j *journal) Step(ctx context.Context, id string, s workflow.StepState) error {
	return j.save(ctx, record{Step: id, State: &s})
}

// Checkpoint implements [workflow.Journal].
func (j *journal) Checkpoint(ctx context.Context, step, key string, value json.RawMessage) error {
	return j.save(ctx, record{Step: step, Key: key, Value: value})
}

// save tries for some time: a step whose outcome is not known may have to be parked, which a short failure of the database
// is not worth. When it fails the run ends here, so that nothing may follow.
func (j *journal) save(ctx context.Context, r record) error {
	var files *snapshot
	if r.State != nil && r.State.Status == workflow.Completed {
		files = j.changedFiles()
	}
	begun := time.Now()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := j.write(ctx, func(ctx context.Context, entries []entry) error {
			return j.store.saveState(ctx, j.holder, entries, r, files)
		})
		if err == nil {
			if files != nil {
				j.stored = files.outline()
			}
			return nil
		}
		if j.ended() != nil || time.Since(begun) > savePatience {
			j.end(err)
			return err
		}
		time.Sleep(pause)
	}
}

// changedFiles is the workspace, nil = it is as it was. Files that cannot be kept are left where they are: this host goes
// on with them, others cannot.
func (j *journal) changedFiles() *snapshot {
	now, err := takeSnapshot(j.folder, j.keepFiles)
	if err != nil {
		j.logger.Warn("the files of a task are not kept for another host", "task", j.holder.task, "error", err)
	}
	if now.outline() == j.stored {
		return nil
	}
	return now
}

// finish stores the end of the task. It may be called again when it fails.
func (j *journal) finish(status Status, body json.RawMessage, keepFiles bool) error {
	return j.write(context.Background(), func(ctx context.Context, entries []entry) error {
		return j.store.finish(ctx, j.holder, status, append(entries, entry{kind: EventCompletion, body: body}), keepFiles)
	})
}

// write stores with store all that waits. The end of the caller's context does not keep it from that: what was done is
// written down also when the run is cancelled.
func (j *journal) write(ctx context.Context, store func(ctx context.Context, entries []entry) error) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	entries, err := j.take()
	if err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), writePatience)
	err = store(patient, entries)
	cancel()
	switch {
	case err == nil:
		j.wake()
	case errors.Is(err, workflow.ErrLost):
		j.end(err)
		j.lost(err)
	default:
		j.giveBack(entries)
	}
	return err
}

// take empties what waits.
func (j *journal) take() ([]entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
	entries := j.waiting
	j.waiting, j.flushed = nil, time.Now()
	return entries, nil
}

// giveBack puts entries that could not be stored before those that came since.
func (j *journal) giveBack(entries []entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = slices.Concat(entries, j.waiting)
	if len(j.waiting) > maxWaiting && j.err == nil {
		j.err = errors.New("the database does not take the task's log")
	}
}
