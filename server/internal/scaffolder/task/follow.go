package task

import (
	"context"
	"iter"
	"time"
)

const (
	// pollEvery is how soon events are seen that another host wrote.
	pollEvery = time.Second
	// maxMisses is how many looks may fail in a row before a reader is told: a database that is replaced takes seconds.
	maxMisses = 10
)

// Follow yields the events of a task in order, in batches as they come, until ctx ends or the loop is left; the end of
// ctx is no error. It begins after the event of that number (0 = with the first), and in any case with the completion if
// there is one, as the reference does. Readers leave after an event that is the [Event.Last] one.
func (e *Engine) Follow(ctx context.Context, id string, after int64) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		if _, err := e.store.get(ctx, id); err != nil {
			if ctx.Err() == nil {
				yield(nil, err)
			}
			return
		}
		t := e.hub.join(id)
		defer e.hub.leave(id, t)
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		misses := 0
		for first := true; ; first = false {
			news := e.hub.next(t)
			events, newest, err := e.store.events(ctx, id, after, first)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				misses = 0
			case first || misses == maxMisses:
				yield(nil, err)
				return
			default:
				misses++
			}
			if len(events) > 0 {
				after = max(min(after, newest), events[len(events)-1].ID) // it may have been a number that there is not yet
				if !yield(events, nil) {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-news:
			case <-poll.C:
			}
		}
	}
}

// Events are those that Follow would begin with, without waiting.
func (e *Engine) Events(ctx context.Context, id string, after int64) ([]Event, error) {
	if _, err := e.store.get(ctx, id); err != nil {
		return nil, err
	}
	events, _, err := e.store.events(ctx, id, after, true)
	return events, err
}
