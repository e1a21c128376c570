package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// errEnded is what an action is told that goes on after its run.
var errEnded = errors.New("the run has ended")

// run is a task that this worker holds.
type run struct {
	claim
	engine  *Engine
	journal *journal
	folder  string
	ctx     context.Context //nolint:containedctx // it is the run's life, which others end
	stop    context.CancelCauseFunc

	mu    sync.Mutex
	lease time.Time
}

func newRun(parent context.Context, e *Engine, c claim, until time.Time) *run {
	r := &run{claim: c, engine: e, folder: filepath.Join(e.options.WorkingDirectory, c.ID), lease: until}
	r.ctx, r.stop = context.WithCancelCause(parent)
	r.journal = &journal{store: e.store, holder: c.holder, folder: r.folder, keepFiles: e.options.KeepFiles, logger: e.options.Logger,
		wake: func() { e.hub.wake(c.ID) }, lost: r.interrupt, stored: outline{any: c.files}}
	if c.cancelled {
		r.stop(workflow.ErrCancelled)
	}
	return r
}

// until is when the lease ends at the earliest.
func (r *run) until() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lease
}

func (r *run) extend(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease = until
}

// interrupt ends the run in the middle: from now on it writes nothing.
func (r *run) interrupt(cause error) {
	r.journal.end(cause)
	r.stop(cause)
}

// execute runs the task and writes down how it ended.
func (r *run) execute() {
	output, err := r.perform()
	switch ended := r.journal.ended(); {
	case errors.Is(ended, workflow.ErrLost):
		r.engine.options.Logger.Warn("a task was lost to another worker", "task", r.ID, "attempt", r.attempt)
	case ended != nil: // the host stops, or the database fails: whoever is there goes on
		r.letGo(ended)
	default:
		r.finish(output, err)
	}
	r.interrupt(errEnded)
}

// letGo leaves the task to other workers. When the host is not stopping they wait for the end of the lease, which counts as
// a loss: what fails again and again ends.
func (r *run) letGo(cause error) {
	if !errors.Is(cause, errStopping) {
		r.engine.options.Logger.Error("a task is given up: what it reached cannot be written down", "task", r.ID, "error", cause)
		return
	}
	if err := r.engine.store.release(context.WithoutCancel(r.ctx), r.holder); err != nil {
		r.engine.options.Logger.Warn("a task could not be released; its lease has to end", "task", r.ID, "error", err)
	}
}

// finish writes the end of the task, for as long as the task is the run's, and then removes its files: whoever takes over
// before its end is written needs them.
func (r *run) finish(output json.RawMessage, failure error) {
	status, body := outcome(output, failure)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := r.journal.finish(status, body, r.engine.options.Recovery && status == Failed)
		if err == nil {
			break
		}
		if errors.Is(err, workflow.ErrLost) || errors.Is(err, errStopping) || !time.Now().Before(r.until()) {
			r.engine.options.Logger.Error("the end of a task could not be written down; another worker runs it again", "task", r.ID, "error", err)
			return
		}
		time.Sleep(pause)
	}
	if err := r.removeFiles(); err != nil {
		r.engine.options.Logger.Warn("the files of a task could not be removed", "task", r.ID, "error", err)
	}
	r.engine.options.Publish(r.ctx, Topic, map[string]any{"id": r.ID, "status": status, "createdBy": orNothing(r.CreatedBy),
		"createdAt": stamp(r.CreatedAt), "lastHeartbeatAt": stamp(time.Now())})
}

// outcome is how a task ended, for the task and for its last event.
func outcome(output json.RawMessage, failure error) (Status, json.RawMessage) {
	type message struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	body := struct {
		Message string          `json:"message"`
		Output  json.RawMessage `json:"output,omitempty"`
		Error   *message        `json:"error,omitempty"`
	}{}
	status := Completed
	switch e, named := errors.AsType[*apierror.Error](failure); {
	case failure == nil:
		if body.Output = output; output == nil {
			body.Output = json.RawMessage("{}")
		}
	case named:
		status, body.Error = Failed, &message{string(e.Name), e.Message}
	default:
		status, body.Error = Failed, &message{string(apierror.Generic), failure.Error()}
	}
	body.Message = "Run completed with status: " + string(status)
	text, err := jsvalue.JSON(body)
	if err != nil {
		return outcome(nil, fmt.Errorf("the output of the task is not JSON: %w", err))
	}
	return status, text
}

// perform runs the steps.
func (r *run) perform() (output json.RawMessage, err error) {
	w := workflow.Run{TaskID: r.ID, Secrets: r.secrets, Initiator: r.initiator, Workspace: r.folder}
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(r.Spec, &w.Spec); err != nil {
		return nil, fmt.Errorf("the task's spec cannot be read: %w", err)
	}
	if r.attempt > 1 {
		if w.State, err = r.engine.store.reached(r.ctx, r.ID); err != nil {
			return nil, fmt.Errorf("what the task reached before cannot be read: %w", err)
		}
	}
	if err := r.prepareFiles(); err != nil {
		return nil, err
	}
	return r.protect(w)
}

// check refuses what cannot go on.
func (r *run) check() error {
	switch {
	case r.unusable != nil:
		return fmt.Errorf("the task cannot be run: %w", r.unusable)
	case r.losses >= r.engine.options.MaxLosses:
		return fmt.Errorf("the host was lost %d times in a row while this task ran; retry the task when the cause is known", r.losses)
	case r.takenOver && r.wiped && !r.cancelled:
		return errors.New("the host that ran this task was lost, and the secrets that were entered for it are not kept; retry the task and enter them again")
	}
	return nil
}

// prepareFiles makes the task's folder. A run that goes on finds it as the last step that ended left it; what an
// interrupted step did is gone, so that the step begins with the same files again.
func (r *run) prepareFiles() error {
	var archive []byte
	if r.files {
		var err error
		if archive, err = r.engine.store.archive(r.ctx, r.ID); err != nil {
			return fmt.Errorf("the files of the task cannot be read: %w", err)
		}
	}
	if r.files && archive == nil { // there were too many to be kept
		if _, err := os.Stat(r.folder); errors.Is(err, fs.ErrNotExist) {
			return errors.New("the files of the steps that have run are on another host, or gone; retry the task to run it from its beginning")
		}
		return nil
	}
	if err := workspace.Remove(r.folder); err != nil {
		return fmt.Errorf("empty the workspace: %w", err)
	}
	dir, err := workspace.Create(r.folder)
	if err == nil {
		err = dir.Close()
	}
	if err == nil && archive != nil {
		err = restore(r.folder, archive)
	}
	return err
}

// removeFiles takes away the task's folder and those that its steps made beside it.
func (r *run) removeFiles() error {
	err := workspace.Remove(r.folder)
	beside, _ := filepath.Glob(r.folder + "_*") // an id has no pattern in it
	for _, path := range beside {
		err = errors.Join(err, workspace.Remove(path))
	}
	return err
}

// protect makes a panic of the runner the failure of one task.
func (r *run) protect(w workflow.Run) (output json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.engine.options.Logger.Error("a task's run panicked", "task", r.ID, "panic", v, "stack", string(debug.Stack()))
			output, err = nil, errors.New("internal error of the host; its log has more")
		}
	}()
	return r.engine.options.Run(r.ctx, w, r.journal)
}
