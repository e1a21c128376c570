package main

import (
	"context"
	"sync"
)

// work counts goroutines that no caller waits for, so that the plugin can end when they have.
type work struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when the last one ends; nil = nobody waits
}

// do runs f in a goroutine.
func (w *work) do(f func()) {
	w.mu.Lock()
	w.running++
	w.mu.Unlock()
	go func() {
		defer w.done()
		f()
	}()
}

func (w *work) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.running == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// wait waits until nothing runs, or ctx ends. Work may begin meanwhile, which a sync.WaitGroup forbids.
func (w *work) wait(ctx context.Context) error {
	w.mu.Lock()
	if w.running == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
