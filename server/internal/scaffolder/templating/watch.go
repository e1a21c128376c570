package templating

import (
	"context"
	"errors"
	"sync"
	"time"

	"modernc.org/quickjs"
)

var errTimeout = errors.New("out of time")

// interruptAgain is how often a machine that is to stop is told so: it forgets an interrupt that comes just before it is
// called.
const interruptAgain = 5 * time.Millisecond

// watch ends a call when its time is over or its context ends.
type watch struct {
	vm      *quickjs.VM
	unlink  func() bool
	mu      sync.Mutex
	timer   *time.Timer
	again   *time.Timer
	started time.Time
	left    time.Duration
	cause   error
	stopped bool
}

func startWatch(ctx context.Context, vm *quickjs.VM, limit time.Duration) *watch {
	w := &watch{vm: vm, started: time.Now(), left: limit}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, func() { w.end(errTimeout) })
	w.unlink = context.AfterFunc(ctx, func() { w.end(context.Cause(ctx)) })
	return w
}

func (w *watch) end(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if w.cause == nil {
		w.cause = cause
	}
	w.vm.Interrupt()
	w.again = time.AfterFunc(interruptAgain, func() { w.end(cause) })
}

// pause stops the clock, and resume lets it run on, for what is not the template's own time.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer.Stop() {
		w.left -= time.Since(w.started)
	}
}

func (w *watch) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == nil {
		w.started = time.Now()
		w.timer.Reset(w.left)
	}
}

// stop ends watching; nothing is interrupted afterwards. It answers why the call was ended, nil = it was not.
func (w *watch) stop() error {
	w.unlink()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
	if w.again != nil {
		w.again.Stop()
	}
	return w.cause
}
