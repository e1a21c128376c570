package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

// Why a run was cancelled, as its last error says it.
var (
	errInterrupted = errors.New("interrupted: the plugin or its host stopped; it is due again")
	errLost        = errors.New("given up: the database could not be told in time that the run goes on")
)

// tryStart claims a task and runs it on a goroutine that Run waits for.
func (s *Scheduler) tryStart(ctx context.Context, n name, t Task) {
	look, done := context.WithTimeout(ctx, storePatience)
	defer done()
	now := s.now()
	ticket, err := s.table.claim(look, n, now)
	if err != nil {
		s.complain(ctx, "a task could not be claimed", fmt.Errorf("plugin %s, task %q: %w", n.plugin, n.task, err))
		return
	}
	if ticket == "" {
		return
	}
	running, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.running[n] = cancel
	s.cancelVanished(n.plugin) // it may have gone while it was being claimed
	s.mu.Unlock()
	s.runs.Go(func() {
		s.run(running, cancel, run{n, t, ticket, now.Add(leaseTime)})
		cancel(nil)
		s.mu.Lock()
		delete(s.running, n)
		s.mu.Unlock()
		s.nudge()
	})
}

// run is one that this host has the ticket of.
type run struct {
	name
	task       Task
	ticket     string
	leaseUntil time.Time
}

func (s *Scheduler) run(ctx context.Context, cancel context.CancelCauseFunc, r run) {
	beat, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.keepAlive(beat, cancel, r)
	}()
	timed, release := context.WithTimeoutCause(ctx, r.task.timeout(), fmt.Errorf("given up after %s", r.task.timeout()))
	err := s.protect(timed, r.name)
	if err != nil && timed.Err() != nil {
		err = s.reason(ctx, timed)
	}
	release()
	stop()
	<-ended
	s.finish(context.WithoutCancel(ctx), r, err)
}

// reason is why the run's context ended; the end of the scheduler is an interruption.
func (s *Scheduler) reason(ctx, timed context.Context) error {
	if cause := context.Cause(timed); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	return context.Cause(timed)
}

// protect makes a panic of the runner the end of one run.
func (s *Scheduler) protect(ctx context.Context, n name) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "a task's runner panicked", "plugin", string(n.plugin), "task", n.task, "panic", v, "stack", string(debug.Stack()))
			err = errors.New("internal error of the host; its log has more")
		}
	}()
	return s.runner.RunTask(ctx, n.plugin, n.task)
}

// keepAlive renews the lease. It cancels the run when the ticket is somebody else's, and while there is still time when
// the database does not answer: no two hosts run a task at once.
func (s *Scheduler) keepAlive(ctx context.Context, cancel context.CancelCauseFunc, r run) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		until := s.now().Add(leaseTime)
		look, done := context.WithTimeout(ctx, storePatience)
		held, err := s.table.renew(look, r.name, r.ticket, until)
		done()
		switch {
		case err == nil && held:
			r.leaseUntil = until
		case err == nil, !s.now().Add(renewEvery).Before(r.leaseUntil.Add(-leaseMargin)): // the next try would be too late
			if ctx.Err() == nil {
				cancel(errLost)
			}
			return
		}
	}
}

// maxFailure is how much of an error is kept.
const maxFailure = 1024

// finish writes how a run ended. What was interrupted is due again at once, for whichever host is there.
func (s *Scheduler) finish(ctx context.Context, r run, failure error) {
	now := s.now()
	next, text := now, ""
	if !errors.Is(failure, errInterrupted) {
		var err error
		if next, err = r.task.after(now); err != nil { // it was checked when the task was set
			next = now.Add(DefaultTimeout)
		}
	}
	if failure != nil {
		text = strings.ReplaceAll(excerpt.Of(failure.Error(), maxFailure), "\x00", "")
		s.log.WarnContext(ctx, "a task failed", "plugin", string(r.plugin), "task", r.name.task, "error", text)
	}
	look, done := context.WithTimeout(ctx, storePatience)
	defer done()
	if _, err := s.table.finish(look, r.name, r.ticket, now, next, text); err != nil {
		s.log.WarnContext(ctx, "the end of a task could not be written down; it will run again", "plugin", string(r.plugin), "task", r.name.task, "error", err)
	}
}
