package plugintest

import (
	"sync"
	"time"
)

// Clock is a time that only the test moves. That of a [Harness] starts at the beginning of 2026, UTC.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock that shows this time, for what a plugin asks beside the host.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is the present time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
