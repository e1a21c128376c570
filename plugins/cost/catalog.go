package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/sdk"
)

// catalog keeps what the catalog says about costs. It reads all entities with the plugin's own rights, because whose a
// charge is must not depend on who asks; what is answered of it does.
type catalog struct {
	host        *sdk.Host
	now         func() time.Time
	life        time.Duration
	assignments []insight.Assignment
	began       time.Time

	reading chan struct{} // has a value while somebody reads
	current atomic.Pointer[readDirectory]
	failure atomic.Pointer[error] // of the last reading
}

type readDirectory struct {
	*insight.Directory

	until time.Time // when it is read again
}

func newCatalog(host *sdk.Host, now func() time.Time, life time.Duration, assignments []insight.Assignment) *catalog {
	return &catalog{host: host, now: now, life: life, assignments: assignments, began: now(), reading: make(chan struct{}, 1)}
}

// retryAfter is how long an older directory is used before the catalog is asked again, when it could not be read.
const retryAfter = 15 * time.Second

// A host that has just been started is still reading its catalog: what is known of it in the first minutes may be nothing, or
// half, and is used for seconds only.
const (
	settling     = 3 * time.Minute
	settlingLife = 2 * time.Second
)

// lifeNow is how long what is read now is used.
func (c *catalog) lifeNow() time.Duration {
	if c.now().Sub(c.began) < settling {
		return min(c.life, settlingLife)
	}
	return c.life
}

// directory answers what is known, and reads it again when that is too old. While the catalog cannot be read, the former
// directory holds.
func (c *catalog) directory(ctx context.Context) (*insight.Directory, error) {
	if d := c.fresh(); d != nil {
		return d, nil
	}
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d := c.fresh(); d != nil {
		return d, nil // somebody else has read it meanwhile
	}
	d, err := c.read(ctx)
	if former := c.current.Load(); err != nil && former != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "the catalog cannot be read; costs are allocated by what it said before", "error", err)
		c.failure.Store(&err)
		c.current.Store(&readDirectory{former.Directory, c.now().Add(min(retryAfter, c.life))})
		return former.Directory, nil
	}
	if err != nil {
		return nil, err
	}
	c.failure.Store(nil)
	c.current.Store(&readDirectory{d, c.now().Add(c.lifeNow())})
	return d, nil
}

func (c *catalog) fresh() *insight.Directory {
	if d := c.current.Load(); d != nil && c.now().Before(d.until) {
		return d.Directory
	}
	return nil
}

func (c *catalog) read(ctx context.Context) (*insight.Directory, error) {
	var all []sdk.Entity
	for e, err := range c.host.Catalog.Query(ctx, sdk.Query{Fields: insight.DirectoryFields}) {
		if err != nil {
			return nil, fmt.Errorf("read the catalog: %w", err)
		}
		all = append(all, e)
	}
	return insight.NewDirectory(c.assignments, all), nil
}
