package events

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Subscription is a subscriber that is being served.
type Subscription struct {
	Subscriber

	bus    *Bus
	cancel context.CancelFunc
	done   chan struct{}
	queue  *queue
}

// Close ends the subscription and waits until its handler has returned; it may be called again. A handler must not close
// its own subscription.
func (s *Subscription) Close() {
	s.cancel()
	s.bus.remove(s)
	<-s.done
}

// firstPause is how long a failed delivery waits; each further wait is twice as long.
const firstPause = time.Second

func (s *Subscription) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.queue.ready:
		}
		for ctx.Err() == nil {
			batch, lost := s.queue.pop()
			if lost > 0 {
				s.bus.log.WarnContext(ctx, "a subscriber is slower than its events: the oldest were dropped", "subscriber", s.ID, "events", lost)
			}
			if len(batch) == 0 {
				break
			}
			s.deliver(ctx, batch)
		}
	}
}

func (s *Subscription) deliver(ctx context.Context, batch []Event) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := s.attempt(ctx, batch)
		if err == nil || ctx.Err() != nil {
			return
		}
		if attempt == s.Attempts {
			s.bus.log.WarnContext(ctx, "events could not be delivered and are dropped", "subscriber", s.ID, "topic", batch[0].Topic,
				"events", len(batch), "attempts", attempt, "error", err)
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause *= 2
	}
}

func (s *Subscription) attempt(ctx context.Context, batch []Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return s.Deliver(ctx, batch)
}

// Limits of one subscription. A batch fits into a message of the plugin protocol.
const (
	maxQueued      = 1024
	maxQueuedBytes = 4 << 20
	maxBatch       = 100
	maxBatchBytes  = 240 << 10
)

// queue holds the newest events that fit.
type queue struct {
	ready chan struct{} // holds one token when there may be something

	mu     sync.Mutex
	events []Event
	bytes  int
	lost   int
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) push(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	q.bytes += e.size()
	drop := 0
	for len(q.events)-drop > 1 && (len(q.events)-drop > maxQueued || q.bytes > maxQueuedBytes) {
		q.bytes -= q.events[drop].size()
		drop++
	}
	clear(q.events[:drop])
	q.events = q.events[drop:]
	q.lost += drop
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// pop takes the next batch, at least one event if there is any, and tells how many were lost since the last one.
func (q *queue) pop() (batch []Event, lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost, q.lost = q.lost, 0
	size := 0
	for _, e := range q.events {
		if len(batch) == maxBatch || (len(batch) > 0 && size+e.size() > maxBatchBytes) {
			break
		}
		size += e.size()
		batch = append(batch, e)
	}
	clear(q.events[:len(batch)])
	q.events = q.events[len(batch):]
	q.bytes -= size
	return batch, lost
}
