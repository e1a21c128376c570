package caps

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// bulkhead lets a number of calls run and some more wait a moment, so that a slow plugin cannot hold all of the host's
// goroutines.
type bulkhead struct {
	slots    chan struct{}
	queue    int32
	waiting  atomic.Int32
	patience time.Duration
}

func newBulkhead(slots, queue int, patience time.Duration) *bulkhead {
	return &bulkhead{slots: make(chan struct{}, slots), queue: int32(queue), patience: patience}
}

// enter takes a place until leave is called.
func (b *bulkhead) enter(ctx context.Context) (leave func(), err error) {
	select {
	case b.slots <- struct{}{}:
		return b.leave, nil
	default:
	}
	if b.waiting.Add(1) > b.queue {
		b.waiting.Add(-1)
		return nil, fmt.Errorf("%d calls run and %d wait", cap(b.slots), b.queue)
	}
	defer b.waiting.Add(-1)
	timer := time.NewTimer(b.patience)
	defer timer.Stop()
	select {
	case b.slots <- struct{}{}:
		return b.leave, nil
	case <-timer.C:
		return nil, fmt.Errorf("%d calls run, none of which ended within %s", cap(b.slots), b.patience)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *bulkhead) leave() { <-b.slots }

func (b *bulkhead) running() int { return len(b.slots) }
