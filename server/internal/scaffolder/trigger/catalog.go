package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Change is an entity that was added or changed.
type Change struct {
	Seq    int64 // the number of the change, the same on every replica
	Entity json.RawMessage
}

// Catalog tells what changed.
type Catalog interface {
	// Newest is the number of the newest change.
	Newest(ctx context.Context) (int64, error)
	// Changed reads at most limit changes after the one numbered after, and gives those whose entities fit filter. last is
	// the number of the last change that was read; equal to after, there are no more.
	Changed(ctx context.Context, after int64, limit int, filter any) (changes []Change, last int64, err error)
}

const (
	pollEvery = time.Second
	readBatch = 500
	// attempts is how often a change that cannot be taken is tried, a poll apart, before it is passed over and logged.
	attempts = 5
)

// Run follows the catalog for the triggers that wait for its changes, until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	failed := map[string]int{}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for _, t := range e.Triggers {
			if t.Catalog != nil {
				e.follow(ctx, t, failed)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow takes what changed since the last time.
func (e *Engine) follow(ctx context.Context, t Trigger, failed map[string]int) {
	err := e.catchUp(ctx, t, failed[t.ID] >= attempts)
	if err == nil || ctx.Err() != nil {
		delete(failed, t.ID)
		return
	}
	failed[t.ID]++
	e.Logger.WarnContext(ctx, "a change of the catalog started no task", "trigger", t.ID, "attempt", failed[t.ID], "error", err)
}

// catchUp starts a task for each change. With skip, changes that fail are passed over.
func (e *Engine) catchUp(ctx context.Context, t Trigger, skip bool) error {
	at, found, err := e.positions.get(ctx, t.ID)
	if err != nil {
		return err
	}
	if !found {
		return e.begin(ctx, t)
	}
	for {
		changes, last, err := e.Catalog.Changed(ctx, at, readBatch, t.Catalog.Filter)
		if err != nil || last == at {
			return err
		}
		for _, c := range changes {
			if err := e.take(ctx, t, c); err != nil && !skip {
				return err
			}
			if err := e.positions.advance(ctx, t.ID, c.Seq); err != nil {
				return err
			}
		}
		if err := e.positions.advance(ctx, t.ID, last); err != nil {
			return err
		}
		at = last
	}
}

// begin makes a new trigger wait for what changes from now on.
func (e *Engine) begin(ctx context.Context, t Trigger) error {
	newest, err := e.Catalog.Newest(ctx)
	if err != nil {
		return err
	}
	return e.positions.advance(ctx, t.ID, newest)
}

func (e *Engine) take(ctx context.Context, t Trigger, c Change) error {
	_, err := e.start(ctx, t, fmt.Sprint("change ", c.Seq), map[string]any{"entity": c.Entity})
	if apierror.Has(err, apierror.Input) || apierror.Has(err, apierror.NotAllowed) {
		e.Logger.WarnContext(ctx, "a change of the catalog cannot start its template", "trigger", t.ID, "change", c.Seq, "error", err)
		return nil // it would fail the same way again
	}
	return err
}
