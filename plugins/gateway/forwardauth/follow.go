package forwardauth

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

const (
	// Poll is how often a host looks for changes of others, and so how long they take to act.
	Poll = 500 * time.Millisecond
	// Flush is how often counts are added to the store.
	Flush = 5 * time.Second

	// settled is when a write that was noted before can no longer be on its way.
	settled  = writeWithin + 3*time.Second
	noteLife = 20 * time.Second
	// wholly is how often everything is read again, in case that notes were lost with a store that was restored.
	wholly = time.Minute
)

// A note tells the other hosts which application is about to change, or has. Its key says everything, and it ends by itself.
const (
	before = "before/"
	after  = "after/"
)

func (d *Driver) note(ctx context.Context, app driver.AppID, when string) error {
	_, err := d.store.Put(ctx, d.prefix+"note/"+when+string(app)+"/"+rand.Text(), []byte{}, sdk.PutOptions{TTL: noteLife})
	if err != nil {
		return d.storeError("tell the other hosts", err)
	}
	return nil
}

// notes are those that this host has acted on.
type notes struct {
	mu    sync.Mutex
	acted map[string]noted
}

type noted struct {
	first time.Time // when it was seen
	again bool      // the application was read again after it settled
}

// begin takes what is there as seen now: what it tells of is read next.
func (n *notes) begin(ctx context.Context, d *Driver) error {
	next, _, err := n.look(ctx, d)
	if err == nil {
		n.mu.Lock()
		n.acted = next
		n.mu.Unlock()
	}
	return err
}

// look lists the notes, and the applications to read because of them.
func (n *notes) look(ctx context.Context, d *Driver) (next map[string]noted, dirty map[driver.AppID]bool, err error) {
	n.mu.Lock()
	acted := n.acted
	n.mu.Unlock()
	now, prefix := d.now(), d.prefix+"note/"
	next, dirty = map[string]noted{}, map[driver.AppID]bool{}
	for k, err := range d.store.Keys(ctx, prefix) {
		if err != nil {
			return nil, nil, d.storeError("look for changes", err)
		}
		k = strings.TrimPrefix(k, prefix)
		one, known := acted[k]
		if !known {
			one = noted{first: now}
			dirty[noteApp(k)] = true
		}
		if strings.HasPrefix(k, before) && !one.again && now.Sub(one.first) >= settled {
			one.again = true
			dirty[noteApp(k)] = true
		}
		next[k] = one
	}
	for k, one := range acted {
		if _, there := next[k]; !there && strings.HasPrefix(k, before) && !one.again {
			dirty[noteApp(k)] = true // it ended while nobody looked
		}
	}
	return next, dirty, nil
}

// noteApp is the application of a note, "before/orders/…".
func noteApp(key string) driver.AppID {
	_, rest, _ := strings.Cut(key, "/")
	app, _, _ := strings.Cut(rest, "/")
	return driver.AppID(app)
}

// follow takes what other hosts changed. When it fails, the next call sees the same notes as new.
func (d *Driver) follow(ctx context.Context) error {
	if err := d.load(ctx); err != nil {
		return err
	}
	began := d.now()
	next, dirty, err := d.notes.look(ctx, d)
	if err != nil {
		return err
	}
	for app := range dirty {
		r, err := d.read(ctx, app)
		if errors.Is(err, sdk.ErrNotFound) {
			continue // noted before its first write
		}
		if err != nil {
			return err
		}
		d.take(r)
	}
	d.notes.mu.Lock()
	d.notes.acted = next
	d.notes.mu.Unlock()
	d.seen.Store(began.UnixNano())
	return nil
}

// Run follows other hosts and adds counts to the store until ctx ends; then it adds what is left, for which it takes at most
// 5 seconds. It runs once for each driver. Without it, requests are decided for [Options.Stale] after the last call.
func (d *Driver) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() {
		read := d.now()
		d.every(ctx, Poll, "following changes", func(ctx context.Context) error {
			if d.now().Sub(read) < wholly && d.index.Load() != nil {
				return within(ctx, writeWithin, d.follow)
			}
			read = d.now()
			return within(ctx, wholly, func(ctx context.Context) error { return d.refresh(ctx) })
		})
	})
	loops.Go(func() {
		d.every(ctx, Flush, "keeping counts", func(ctx context.Context) error { return within(ctx, Flush, d.flush) })
	})
	loops.Wait()
	if err := within(context.WithoutCancel(ctx), Flush, d.flush); err != nil {
		slog.WarnContext(ctx, "what was counted last is lost", "gateway", d.name, "error", err)
	}
}

// refresh reads everything, if it was read before or not.
func (d *Driver) refresh(ctx context.Context) error {
	if d.index.Load() == nil {
		return d.load(ctx)
	}
	return d.reload(ctx)
}

func within(ctx context.Context, limit time.Duration, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return step(ctx)
}

// every calls step at once and then at an interval. It logs the first of several failures, and their end.
func (d *Driver) every(ctx context.Context, interval time.Duration, what string, step func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failing := false
	for {
		err := step(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			slog.WarnContext(ctx, what+" fails; it is tried again", "gateway", d.name, "error", err)
		} else if err == nil && failing {
			slog.InfoContext(ctx, what+" works again", "gateway", d.name)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
