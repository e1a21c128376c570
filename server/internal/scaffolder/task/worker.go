package task

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// errStopping is why runs end in the middle when the host stops.
var errStopping = errors.New("the host is stopping; another worker goes on with the task")

const (
	// lookEvery is how soon a task is claimed that another host made, or lost.
	lookEvery = time.Second
	// maxBeat bounds the time between heartbeats, in which other hosts' wishes to cancel are seen.
	maxBeat = time.Second
	// stopPatience is how long actions may take to return after they were told to.
	stopPatience = 5 * time.Second
	// maxBackOff bounds the pause after failures of the database.
	maxBackOff = 10 * time.Second
)

// Run claims tasks and runs them until ctx ends, and then for the grace period those that run. What has not ended then is
// left to other workers, who go on with it at once.
func (e *Engine) Run(ctx context.Context) error {
	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	var claiming, beats sync.WaitGroup
	beats.Go(func() { e.heartbeats(beating) })
	claiming.Go(func() { e.janitor(ctx) })
	if e.options.Concurrency > 0 {
		claiming.Go(func() { e.claimLoop(ctx) })
	}
	<-ctx.Done()
	claiming.Wait()
	e.drain()
	stopBeating()
	beats.Wait()
	return nil
}

// drain waits for the tasks that run, and interrupts those that take longer than the grace period.
func (e *Engine) drain() {
	ended := make(chan struct{})
	go func() {
		e.runs.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-time.After(e.options.Grace):
	}
	e.mu.Lock()
	left := slices.Collect(maps.Values(e.running))
	e.mu.Unlock()
	for _, r := range left {
		_ = r.journal.flush(r.ctx) // a failure is the run's to deal with
		r.interrupt(errStopping)
	}
	select {
	case <-ended:
	case <-time.After(stopPatience):
		e.options.Logger.Error("actions do not return although they were told to; their tasks are taken over when their lease ends", "tasks", len(left))
	}
}

func (e *Engine) claimLoop(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	pause := time.Duration(0)
	for {
		if err := e.claimAll(ctx); err != nil && ctx.Err() == nil {
			pause = min(max(2*pause, 100*time.Millisecond), maxBackOff)
			e.options.Logger.Error("tasks could not be claimed", "error", err, "again_in", pause.String())
			_ = action.Sleep(ctx, pause) // the loop sees why it ended
		} else {
			pause = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-e.nudge:
		case <-ticker.C:
		}
	}
}

// claimAll claims as many tasks as there is room for, and starts them.
func (e *Engine) claimAll(ctx context.Context) error {
	e.mu.Lock()
	held := slices.Collect(maps.Keys(e.running))
	e.mu.Unlock()
	free := e.options.Concurrency - len(held)
	if free <= 0 || ctx.Err() != nil {
		return nil //nolint:nilerr // the host stops
	}
	if found, err := e.store.hasClaimable(ctx); err != nil || !found {
		return err
	}
	asked := time.Now()
	// Not ctx: a claim that is given up in the middle may have been made.
	claims, err := e.store.claim(context.WithoutCancel(ctx),
		claimRequest{worker: e.worker, limit: free, lease: e.options.Lease, except: held, keepSecrets: e.options.Recovery})
	if err != nil {
		return err
	}
	for i := range claims {
		e.start(ctx, claims[i], asked.Add(e.options.Lease))
	}
	return nil
}

// start runs a claimed task on a goroutine that Run waits for.
func (e *Engine) start(ctx context.Context, c claim, until time.Time) {
	r := newRun(context.WithoutCancel(ctx), e, c, until)
	e.mu.Lock()
	e.running[c.ID] = r
	e.mu.Unlock()
	e.options.Publish(ctx, Topic, map[string]any{"id": c.ID, "spec": c.Spec, "status": c.Status, "createdBy": orNothing(c.CreatedBy),
		"createdAt": stamp(c.CreatedAt), "lastHeartbeatAt": stamp(c.LastHeartbeatAt)})
	if c.takenOver {
		e.hub.wake(c.ID)
		e.options.Publish(ctx, Topic, map[string]any{"taskId": c.ID, "status": EventRecovered, "body": recovery{strategyOf(c.Spec)}})
		e.options.Logger.Info("a task is taken over", "task", c.ID, "attempt", c.attempt)
	}
	e.runs.Go(func() {
		r.execute()
		e.mu.Lock()
		delete(e.running, c.ID)
		e.mu.Unlock()
		e.look()
	})
}

// heartbeats renews the leases of the tasks that run here.
func (e *Engine) heartbeats(ctx context.Context) {
	every := min(e.options.Lease/5, maxBeat)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.beat(ctx, every)
	}
}

// beat renews the leases once. A run whose task is somebody else's is told so, and one whose lease may end before the next
// beat: of two hosts that cannot reach each other, never both run a task.
func (e *Engine) beat(ctx context.Context, every time.Duration) {
	e.mu.Lock()
	runs := maps.Clone(e.running)
	e.mu.Unlock()
	if len(runs) == 0 {
		return
	}
	asked := time.Now()
	patient, cancel := context.WithTimeout(ctx, e.options.Lease/2)
	held, err := e.store.heartbeat(patient, e.worker, slices.Sorted(maps.Keys(runs)), e.options.Lease)
	cancel()
	if err != nil && ctx.Err() == nil {
		e.options.Logger.Warn("heartbeats of tasks could not be written", "tasks", len(runs), "error", err)
	}
	for id, r := range runs {
		b, ok := held[id]
		switch {
		case err != nil && time.Now().Add(every).After(r.until()), err == nil && (!ok || b.attempt != r.attempt):
			r.interrupt(workflow.ErrLost)
		case err == nil:
			r.extend(asked.Add(e.options.Lease))
			if b.cancelled {
				r.stop(workflow.ErrCancelled)
			}
		}
	}
}
