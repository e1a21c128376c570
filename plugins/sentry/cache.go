package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// budget is how many bytes are kept; the plugin has 256 MiB for everything.
	budget = 32 << 20
	// breather is how long a failure is taken for granted: viewers of a page must not wait for each other's retries.
	breather = 5 * time.Second
	// loadTime is for one answer with all of its pages. It is below the host's limit of a request.
	loadTime = 25 * time.Second
)

// cache keeps answers. Of many who ask for the same at once, one asks Sentry. An answer is shown for the time fresh; for
// the time keep it is shown, with its age, if a newer one cannot be had.
type cache struct {
	fresh, keep time.Duration
	now         func() time.Time

	mu      sync.Mutex
	entries map[string]*entry
	size    int
}

type entry struct {
	value  any
	size   int
	at     time.Time // of the value; zero = there is none
	old    bool      // something is known to have changed since
	failed time.Time // of the last failure, if it came after the value
	err    error
	flight chan struct{} // closed when what is under way has ended; nil = nothing is
}

// reading is an answer and how old it is.
type reading[T any] struct {
	value T
	at    time.Time
	// stale is why there is nothing newer, nil = the answer is as fresh as it should be.
	stale error
}

func newCache(fresh, keep time.Duration, now func() time.Time) *cache {
	return &cache{fresh: fresh, keep: keep, now: now, entries: map[string]*entry{}}
}

// read answers from the cache or by load, which also tells how many bytes its value takes.
func read[T any](ctx context.Context, c *cache, key string, load func(context.Context) (T, int, error)) (reading[T], error) {
	for {
		c.mu.Lock()
		e := c.entries[key]
		if e == nil {
			e = &entry{}
			c.entries[key] = e
		}
		if e.settled(c.now(), c.fresh) {
			value, at, err := e.value, e.at, e.err
			c.mu.Unlock()
			return answerOf[T](c, value, at, err)
		}
		if e.flight == nil {
			e.flight = make(chan struct{})
			go run(context.WithoutCancel(ctx), c, e, load)
		}
		flight := e.flight
		c.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			return reading[T]{}, ctx.Err()
		}
	}
}

// settled: the entry can be answered from as it is.
func (e *entry) settled(now time.Time, fresh time.Duration) bool {
	if e.flight != nil {
		return false
	}
	return e.err != nil && now.Sub(e.failed) < breather || e.err == nil && !e.at.IsZero() && !e.old && now.Sub(e.at) < max(fresh, breather)
}

func answerOf[T any](c *cache, value any, at time.Time, err error) (reading[T], error) {
	v, _ := value.(T)
	switch {
	case err == nil:
		return reading[T]{value: v, at: at}, nil
	case errors.Is(err, sdk.ErrServiceUnavailable) && !at.IsZero() && c.now().Sub(at) < c.keep:
		return reading[T]{value: v, at: at, stale: err}, nil
	}
	return reading[T]{}, err
}

// run loads for everybody who waits, so it does not end with the one who came first.
func run[T any](ctx context.Context, c *cache, e *entry, load func(context.Context) (T, int, error)) {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	value, size, err := guarded(ctx, load)
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.err = err; err == nil {
		c.size += size - e.size
		e.value, e.size, e.at, e.old = value, size, c.now(), false
	} else {
		e.failed = c.now()
	}
	close(e.flight)
	e.flight = nil
	c.shrink(e)
}

// maxEntries bounds the bookkeeping: keys hold queries of viewers.
const maxEntries = 5000

// shrink drops the oldest answers until the rest fits; what is under way, and the newest, stays.
func (c *cache) shrink(newest *entry) {
	for c.size > budget || len(c.entries) > maxEntries {
		key, oldest := "", (*entry)(nil)
		for k, e := range c.entries {
			if e != newest && e.flight == nil && (oldest == nil || e.last().Before(oldest.last())) {
				key, oldest = k, e
			}
		}
		if oldest == nil {
			return
		}
		c.size -= oldest.size
		delete(c.entries, key)
	}
}

func (e *entry) last() time.Time {
	if e.failed.After(e.at) {
		return e.failed
	}
	return e.at
}

// forget has the answers whose keys have a prefix asked for again; they stay as what is shown when that fails.
func (c *cache) forget(prefix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if strings.HasPrefix(key, prefix) {
			e.old = true
		}
	}
}

// guarded turns a panic into an error: it would end the process, since nobody above recovers in this goroutine.
func guarded[T any](ctx context.Context, load func(context.Context) (T, int, error)) (value T, size int, err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			slog.ErrorContext(ctx, "an answer of Sentry was too much", "panic", wrong, "stack", string(debug.Stack()))
			err = apierror.New(apierror.ServiceUnavailable, "an answer of Sentry could not be worked on; the log of the plugin has more")
		}
	}()
	return load(ctx)
}
