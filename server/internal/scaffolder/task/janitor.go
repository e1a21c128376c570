package task

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// janitor looks after what nobody else does: at the start, and then from time to time.
func (e *Engine) janitor(ctx context.Context) {
	ticker := time.NewTicker(e.options.JanitorEvery)
	defer ticker.Stop()
	for {
		e.tidy(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (e *Engine) tidy(ctx context.Context) {
	closed, err := e.store.closeStale(ctx, e.options.Timeout)
	for _, id := range closed {
		e.options.Logger.Info("a stale task was closed", "task", id)
		e.options.Publish(ctx, Topic, map[string]any{"id": id, "status": Failed})
		e.hub.wake(id)
	}
	if err == nil && e.options.Retention > 0 {
		_, err = e.store.deleteEnded(ctx, e.options.Retention)
	}
	if err == nil {
		err = e.sweep(ctx)
	}
	if err != nil && ctx.Err() == nil {
		e.options.Logger.Warn("tasks could not be tidied up", "error", err)
	}
}

// sweep removes the folders of tasks that have ended, which hosts leave that die. The working directory may be shared:
// what does not bear the id of a task is not touched.
func (e *Engine) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(e.options.WorkingDirectory)
	if err != nil {
		return nil //nolint:nilerr // there is none yet
	}
	byTask := map[string][]string{}
	var ids []string
	for _, entry := range entries {
		id, _, _ := strings.Cut(entry.Name(), "_")
		if uuid.Validate(id) != nil || !entry.IsDir() {
			continue
		}
		if byTask[id] == nil {
			ids = append(ids, id)
		}
		byTask[id] = append(byTask[id], filepath.Join(e.options.WorkingDirectory, entry.Name()))
	}
	if len(ids) == 0 {
		return nil
	}
	statuses, err := e.store.statuses(ctx, ids[:min(len(ids), 500)])
	for id, status := range statuses {
		if !status.Ended() {
			continue
		}
		for _, path := range byTask[id] {
			if err := e.discard(id, path); err != nil {
				e.options.Logger.Warn("the files of a task could not be removed", "task", id, "error", err)
			}
		}
	}
	return err
}

// discard removes a folder of a task. It is moved away first, while no run of a retry can begin and find it.
func (e *Engine) discard(id, path string) error {
	away := filepath.Join(e.options.WorkingDirectory, id+"_ended-"+uuid.NewString())
	e.mu.Lock()
	if e.running[id] != nil {
		e.mu.Unlock()
		return nil
	}
	err := os.Rename(path, away)
	e.mu.Unlock()
	if errors.Is(err, fs.ErrNotExist) { // another host on the same disk was faster
		return nil
	}
	if err != nil {
		return err
	}
	return workspace.Remove(away)
}
