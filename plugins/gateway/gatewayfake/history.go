package gatewayfake

import (
	"sync"
	"time"
)

// History keeps states for as long as somebody may still see them: a data plane that is told of changes late. States must
// not be changed once they are in it. It is safe for concurrent use.
type History[S any] struct {
	mu    sync.Mutex
	since []moment[S]
	delay time.Duration
}

type moment[S any] struct {
	at    time.Time
	state S
}

// Delay sets how long changes take from now on.
func (h *History[S]) Delay(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delay = d
}

// Put adds a state that holds from now on.
func (h *History[S]) Put(now time.Time, state S) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since = append(h.since, moment[S]{now, state})
	h.forget(now)
}

// Seen is the state that is seen now: the last one that is as old as the delay; while there is none, the first one.
func (h *History[S]) Seen(now time.Time) S {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(now)
	if len(h.since) == 0 {
		var none S
		return none
	}
	return h.since[0].state
}

// forget drops what nobody sees any more; h.mu is held.
func (h *History[S]) forget(now time.Time) {
	for len(h.since) > 1 && !h.since[1].at.Add(h.delay).After(now) {
		h.since = h.since[1:]
	}
}
