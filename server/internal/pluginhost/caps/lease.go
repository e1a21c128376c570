package caps

import (
	"context"
	"errors"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Lock is a lease among all hosts on one database; hostsvc's store has it.
type Lock interface {
	// Acquire takes a lock that is free, or renews the lease that holds it. It answers at once; an empty lease says that
	// somebody else has it, or that the given lease was lost.
	Acquire(ctx context.Context, plugin manifest.ID, name, lease string, ttl time.Duration) (held string, err error)
	// Release gives a lock back; a lease that was lost is no error.
	Release(ctx context.Context, plugin manifest.ID, name, lease string) error
}

const (
	leaseTime  = time.Minute
	renewAfter = leaseTime / 3
)

// lease is the right of this host to do something alone, for as long as it lives. It belongs to one goroutine.
type lease struct {
	lock   Lock // nil = always held
	plugin manifest.ID
	name   string
	id     string
	asked  time.Time
}

func newLease(lock Lock, plugin manifest.ID, name string) *lease {
	return &lease{lock: lock, plugin: plugin, name: name}
}

// held is what the last hold said.
func (l *lease) held() bool { return l.lock == nil || l.id != "" }

// hold takes or renews the lease when it is time to, and reports whether this host has it.
func (l *lease) hold(ctx context.Context) (bool, error) {
	if l.lock == nil || time.Since(l.asked) < renewAfter {
		return l.held(), nil
	}
	return l.ask(ctx)
}

func (l *lease) ask(ctx context.Context) (bool, error) {
	l.asked = time.Now()
	id, err := l.lock.Acquire(ctx, l.plugin, l.name, l.id, leaseTime)
	if err == nil {
		l.id = id
	}
	return l.held() && err == nil, err
}

var errLeaseLost = errors.New("another host has taken over")

// keep renews the lease until release is called, which must happen before the lease is used again. The context ends when
// the lease is lost.
func (l *lease) keep(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if l.lock == nil {
		return ctx, func() { cancel(nil) }
	}
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(renewAfter)
		defer tick.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-tick.C:
				if held, err := l.ask(ctx); err == nil && !held {
					cancel(errLeaseLost)
				}
			}
		}
	}()
	return ctx, func() {
		close(stopped)
		<-done
		cancel(nil)
	}
}

// release gives the lease back, so that another host need not wait for its end.
func (l *lease) release() {
	if l.lock == nil || l.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = l.lock.Release(ctx, l.plugin, l.name, l.id) // it ends by itself
	l.id, l.asked = "", time.Time{}
}
