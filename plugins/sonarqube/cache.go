package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// reading is a value, when it was read, and why it could not be read again since; stale is nil while it is as new as asked.
type reading[T any] struct {
	value T
	at    time.Time
	stale error
}

// cache keeps values for a while. Several callers who want the same wait for one request. When SonarQube is down, the last
// good value is served with its age; an answer that says no (401, 403, 404) is never glossed over that way.
type cache[T any] struct {
	life     time.Duration // how long a value is new
	negative time.Duration // how long an error is repeated instead of the request
	keep     time.Duration // how old a value may be served when there is no newer one
	most     int           // entries
	timeout  time.Duration // of one request
	now      func() time.Time
	running  *work

	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	value      T
	at         time.Time // zero = there is no value
	outdated   bool      // it is known that there is a newer one
	generation int       // counts how often it became outdated
	err        error
	failed     time.Time
	flight     chan struct{} // closed at the end of the request that is on its way
	used       time.Time
}

// get answers the value of a key, which load reads when it is not known. load has a deadline of its own: a caller who goes
// away does not spoil it for others.
func (c *cache[T]) get(ctx context.Context, key string, load func(context.Context) (T, error)) (reading[T], error) {
	c.mu.Lock()
	e := c.entry(key)
	if c.known(e) {
		defer c.mu.Unlock()
		return c.outcome(e)
	}
	if e.flight == nil {
		e.flight = make(chan struct{})
		c.running.do(func() { c.fly(context.WithoutCancel(ctx), e, load) })
	}
	flight := e.flight
	c.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		return reading[T]{}, gaveUp(ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome(e)
}

// gaveUp is the error of a caller who waited as long as it could.
func gaveUp(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return apierror.New(apierror.ServiceUnavailable, "SonarQube does not answer in time")
	}
	return err
}

// known reports whether there is no need to ask.
func (c *cache[T]) known(e *entry[T]) bool {
	now := c.now()
	fresh := !e.at.IsZero() && !e.outdated && now.Sub(e.at) < c.life
	return fresh || e.err != nil && now.Sub(e.failed) < c.negative
}

func (c *cache[T]) outcome(e *entry[T]) (reading[T], error) {
	if e.err != nil && (e.at.IsZero() || c.now().Sub(e.at) > c.keep) {
		return reading[T]{}, e.err
	}
	return reading[T]{e.value, e.at, e.err}, nil
}

func (c *cache[T]) fly(ctx context.Context, e *entry[T], load func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.mu.Lock()
	generation := e.generation
	c.mu.Unlock()
	value, err := guarded(ctx, load)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(e.flight)
	e.flight = nil
	if err != nil {
		e.err, e.failed = err, c.now()
		if !isOutage(err) {
			var none T
			e.value, e.at = none, time.Time{}
		}
		return
	}
	e.value, e.at, e.err = value, c.now(), nil
	e.outdated = e.generation != generation
}

// guarded makes an error of a panic: load runs in a goroutine of its own, where one would end the process.
func guarded[T any](ctx context.Context, load func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("reading from SonarQube panicked")
		}
	}()
	return load(ctx)
}

// entry finds or makes one; c.mu is held. When there are too many, the one that was not asked for the longest goes.
func (c *cache[T]) entry(key string) *entry[T] {
	e := c.entries[key]
	if e == nil {
		if len(c.entries) >= c.most {
			c.evict()
		}
		if c.entries == nil {
			c.entries = map[string]*entry[T]{}
		}
		e = &entry[T]{}
		c.entries[key] = e
	}
	e.used = c.now()
	return e
}

func (c *cache[T]) evict() {
	oldest := ""
	for key, e := range c.entries {
		if e.flight == nil && (oldest == "" || e.used.Before(c.entries[oldest].used)) {
			oldest = key
		}
	}
	delete(c.entries, oldest)
}

// outdate has what begins with prefix read again at the next call. Until then, and if that fails, it stays what it was.
func (c *cache[T]) outdate(prefix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if strings.HasPrefix(key, prefix) {
			e.outdated, e.err = true, nil
			e.generation++
		}
	}
}

// isOutage reports whether err says that SonarQube could not be asked, rather than what it answered.
func isOutage(err error) bool {
	return apierror.Has(err, apierror.ServiceUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
