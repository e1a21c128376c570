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

	reading chan struct{} // has a value while somebody reads
	current atomic.Pointer[readDirectory]
	failure atomic.Pointer[error] // of the last reading
}

type readDirectory struct {
	*insight.Directory

	at time.Time
}

func newCatalog(host *sdk.Host, now func() time.Time, life time.Duration, assignments []insight.Assignment) *catalog {
	return &catalog{host: host, now: now, life: life, assignments: assignments, reading: make(chan struct{}, 1)}
}

// retryAfter is how long an older directory is used before the catalog is asked again, when it could not be read.
const retryAfter = 15 * time.Second

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
		c.current.Store(&readDirectory{former.Directory, c.now().Add(min(retryAfter, c.life) - c.life)})
		return former.Directory, nil
	}
	if err != nil {
		return nil, err
	}
	c.failure.Store(nil)
	c.current.Store(&readDirectory{d, c.now()})
	return d, nil
}

func (c *catalog) fresh() *insight.Directory {
	if d := c.current.Load(); d != nil && c.now().Sub(d.at) < c.life {
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
