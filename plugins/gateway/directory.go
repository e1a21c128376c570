package main

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
)

// directory is what a gateway serves. It is read again after half a minute; while the gateway is down, the last answer
// stands, with its age.
type directory struct {
	now func() time.Time

	mu    sync.Mutex
	read  listing
	tried time.Time
}

// listing is one answer.
type listing struct {
	apis  []driver.API
	plans []driver.Plan
	at    time.Time
	stale error // why it is old; nil = it is not
}

const (
	listingAge = 30 * time.Second
	// maxListed bounds what is read of a gateway. Whoever has more names APIs by annotations all the same.
	maxListed = 5000
)

// list answers from what was read lately, or reads. Callers at the same time wait for one reading.
func (i *instance) list(ctx context.Context) (listing, error) {
	d := &i.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if now.Sub(d.tried) < listingAge && !d.read.at.IsZero() {
		return d.read, nil
	}
	read, err := readListing(ctx, i.driver)
	if ctx.Err() == nil { // that a caller leaves says nothing about the gateway
		i.state.note(err)
	}
	if err == nil {
		read.at, d.read, d.tried = now, read, now
		read.at = now
		d.read = read
		return read, nil
	}
	if d.read.at.IsZero() || ctx.Err() != nil {
		return listing{}, err
	}
	d.tried, d.read.stale = now, err
	return d.read, nil
}

func readListing(ctx context.Context, d driver.Driver) (l listing, err error) {
	if l.apis, err = collected(d.APIs(ctx)); err != nil {
		return l, err
	}
	l.plans, err = collected(d.Plans(ctx))
	return l, err
}

// collected reads a stream. What a gateway does not have is empty.
func collected[T any](all iter.Seq2[T, error]) ([]T, error) {
	found := []T{}
	for v, err := range all {
		if isNotImplemented(err) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if found = append(found, v); len(found) == maxListed {
			break
		}
	}
	return found, nil
}

func isNotImplemented(err error) bool { return apierror.Has(err, apierror.NotImplemented) }

func (l listing) api(id driver.APIID) (driver.API, bool) {
	n := slices.IndexFunc(l.apis, func(a driver.API) bool { return a.ID == id })
	if n < 0 {
		return driver.API{ID: id, Name: string(id)}, false
	}
	return l.apis[n], true
}

// plansOf are the plans that an API can be had with.
func (l listing) plansOf(a driver.API) []driver.Plan {
	if len(a.Plans) == 0 {
		return l.plans
	}
	return slices.DeleteFunc(slices.Clone(l.plans), func(p driver.Plan) bool { return !slices.Contains(a.Plans, p.ID) })
}

// forget has the gateway read again.
func (i *instance) forget() {
	i.directory.mu.Lock()
	defer i.directory.mu.Unlock()
	i.directory.tried = time.Time{}
}
