package relay

import (
	"context"
	"sync/atomic"
	"time"
)

// bulkhead lets a bounded number of requests in and a bounded number wait a bounded time.
type bulkhead struct {
	places  chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

func newBulkhead(places, queue int, wait time.Duration) *bulkhead {
	return &bulkhead{places: make(chan struct{}, places), queue: int64(queue), wait: wait}
}

// enter reports whether there was a place; who is in must leave. The error is ctx's.
func (b *bulkhead) enter(ctx context.Context) (bool, error) {
	if b.tryEnter() {
		return true, nil
	}
	if b.waiting.Add(1) > b.queue {
		b.waiting.Add(-1)
		return false, nil
	}
	defer b.waiting.Add(-1)
	patience := time.NewTimer(b.wait)
	defer patience.Stop()
	select {
	case b.places <- struct{}{}:
		return true, nil
	case <-patience.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (b *bulkhead) tryEnter() bool {
	select {
	case b.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (b *bulkhead) leave() { <-b.places }

func (b *bulkhead) inside() int { return len(b.places) }
