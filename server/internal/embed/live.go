package embed

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

const (
	// follows is how often what other replicas revoked is looked for.
	follows = time.Second
	// every so many times all of it is read, and not only what is new: clocks of replicas differ, by less than slack if at all.
	readAll = 60
	slack   = 30 * time.Second
	// cleans is how often what has ended is forgotten, and kept how long after.
	cleans, kept = 10 * time.Minute, time.Hour
)

// ended is what was revoked, in memory because every request with a token asks. It is never changed, only replaced.
type ended struct {
	epochs   map[string]int64     // by app
	sessions map[string]time.Time // revoked ones, and when they would have ended
}

// revocations follows the tables. It is safe for concurrent use.
type revocations struct {
	now     atomic.Pointer[ended]
	writing sync.Mutex // held by who replaces now
}

func (r *revocations) holds(e *principal.Embed) bool {
	now := r.now.Load()
	_, gone := now.sessions[e.Session]
	return !gone && now.epochs[e.App] <= e.Epoch
}

func (r *revocations) epoch(app string) int64 { return r.now.Load().epochs[app] }

// merge adds what was read at a time. Epochs only grow: what this process has written may be newer than what it has read.
func (r *revocations) merge(epochs map[string]int64, sessions map[string]time.Time, at time.Time) {
	r.writing.Lock()
	defer r.writing.Unlock()
	next := &ended{epochs: map[string]int64{}, sessions: map[string]time.Time{}}
	if old := r.now.Load(); old != nil {
		maps.Copy(next.epochs, old.epochs)
		for id, ends := range old.sessions {
			if at.Before(ends) {
				next.sessions[id] = ends
			}
		}
	}
	for app, epoch := range epochs {
		next.epochs[app] = max(epoch, next.epochs[app])
	}
	maps.Copy(next.sessions, sessions)
	r.now.Store(next)
}

var (
	errRevoked = apierror.New(apierror.Authentication, "The embed token was revoked")
	errAppGone = apierror.New(apierror.Authentication, "The embed token is of an app that there is no longer")
)

// Holds implements auth.Embeds.
func (e *Engine) Holds(token *principal.Embed) error {
	if _, ok := e.Apps.Find(token.App); !ok {
		return errAppGone
	}
	if !e.live.holds(token) {
		return errRevoked
	}
	return nil
}

// load reads what was revoked since.
func (e *Engine) load(ctx context.Context, since time.Time) error {
	now := e.Now()
	rows, err := e.db.revoked(ctx, since, now)
	if err != nil {
		return err
	}
	all, err := e.db.epochs(ctx)
	if err != nil {
		return err
	}
	epochs, sessions := map[string]int64{}, map[string]time.Time{}
	for _, r := range all {
		epochs[r.App] = r.Epoch
	}
	for _, r := range rows {
		sessions[r.ID] = time.UnixMilli(r.EndsAt)
	}
	e.live.merge(epochs, sessions, now)
	return nil
}

// Run follows what other replicas revoke and forgets what has ended, until ctx ends. One call per engine.
func (e *Engine) Run(ctx context.Context) {
	follow, clean := time.NewTicker(follows), time.NewTicker(cleans)
	defer follow.Stop()
	defer clean.Stop()
	failing := false
	for n := 1; ; n++ {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-clean.C:
			err = e.db.clean(ctx, e.Now().Add(-kept))
		case <-follow.C:
			since := e.Now().Add(-slack)
			if n%readAll == 0 {
				since = time.UnixMilli(0)
			}
			err = e.load(ctx, since)
		}
		if err != nil && !failing && ctx.Err() == nil {
			e.Logger.WarnContext(ctx, "embedding: the tables cannot be read; what other replicas revoke is learned later", "error", err)
		}
		failing = err != nil
	}
}
