package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Rotation asks for a new key in place of one.
type Rotation struct {
	Credential string
	// Grace is how long the old key goes on; nil = as the rules say.
	Grace          *time.Duration
	TTL            time.Duration // of the new key; 0 = as the old one had, within the rules
	By             string
	IdempotencyKey string // "" = each call rotates
}

// Rotate makes a new key beside one that works. The old one ends when the grace is over, which begins with [Engine.Told].
func (e *Engine) Rotate(ctx context.Context, r Rotation) (Issued, error) {
	old, err := e.Credential(ctx, r.Credential)
	if err != nil {
		return Issued{}, err
	}
	if was, replayed, err := e.replayedRotation(ctx, r); err != nil || replayed {
		return was, err
	}
	if err := e.rotatable(ctx, old); err != nil {
		return Issued{}, err
	}
	a, err := e.App(ctx, old.App)
	if err != nil {
		return Issued{}, err
	}
	g, err := a.usable(old.Gateway, old.API)
	if err != nil {
		return Issued{}, err
	}
	c := Credential{App: old.App, Gateway: old.Gateway, API: old.API, Plan: g.Plan, Label: old.Label, CreatedBy: r.By, Replaces: old.ID}
	if c.Grace, err = e.grace(r.Grace); err != nil {
		return Issued{}, err
	}
	asked := r.TTL
	if asked == 0 && !old.Expires.IsZero() {
		asked = old.Expires.Sub(old.Created)
	}
	ttl, err := e.lifetime(asked, g)
	if err != nil {
		return Issued{}, err
	}
	if ttl > 0 {
		c.Expires = e.now().Add(ttl)
	}
	return e.issue(ctx, c, r.IdempotencyKey, r)
}

// replayedRotation answers a repetition: the old key is not rotatable any more, which must not matter then.
func (e *Engine) replayedRotation(ctx context.Context, r Rotation) (Issued, bool, error) {
	id, replayed, err := e.recall(ctx, r.By, r.IdempotencyKey, "key", r)
	if err != nil || !replayed {
		return Issued{}, false, err
	}
	was, err := e.Credential(ctx, id)
	if missing(err) {
		return Issued{}, false, nil // the call before ended early
	}
	issued, err := replay(was, err)
	return issued, true, err
}

func (e *Engine) rotatable(ctx context.Context, c Credential) error {
	if err := e.free(c); err != nil {
		return err
	}
	switch {
	case c.State == Retiring:
		return apierror.Conflictf("credential %s was rotated already, and ends on %s", c.ID, c.Retires.Format(time.RFC3339))
	case c.State != Active && c.State != Suspended:
		return apierror.Conflictf("credential %s is %s, and cannot be rotated", c.ID, c.State)
	case c.Replaces == "":
		return nil
	}
	former, err := e.Credential(ctx, c.Replaces)
	if err == nil && former.Slot != "" && former.State.Alive() {
		return apierror.Conflictf("credential %s: the other slot is that of credential %s until %s: revoke it first",
			c.ID, former.ID, former.Retires.Format(time.RFC3339))
	}
	if missing(err) {
		return nil
	}
	return err
}

func (e *Engine) grace(asked *time.Duration) (time.Duration, error) {
	rules := e.o.Rules
	switch {
	case asked == nil:
		return rules.Grace, nil
	case *asked < 0:
		return 0, apierror.Inputf("grace: %s is less than nothing", *asked)
	case rules.MaxGrace > 0 && *asked > rules.MaxGrace:
		return 0, apierror.Inputf("grace: %s is longer than %s", *asked, rules.MaxGrace)
	}
	return *asked, nil
}

// retire begins the grace of the key that another replaces, or ends it at once where there is none. A key that has ended
// meanwhile stays as it is.
func (e *Engine) retire(ctx context.Context, next Credential) error {
	d, err := e.driver(next.Gateway)
	if err != nil {
		return err
	}
	_, slots := d.(driver.SlotRotator)
	until := e.now().Add(next.Grace)
	if err := e.index(ctx, dueKey(until, next.Replaces)); err != nil {
		return err
	}
	old, err := e.credentials.update(ctx, next.Replaces, func(c *Credential) error {
		if c.State.ended() || c.State == Retiring {
			return nil // it was done before an interruption
		}
		c.State, c.Retires, c.ReplacedBy, c.Reason = Retiring, until, next.ID, "rotated"
		if slots {
			c.Slot = next.Key
		}
		return nil
	})
	if err != nil || next.Grace > 0 || old.State.ended() {
		return err
	}
	_, err = e.Revoke(ctx, old.ID, Ending{By: next.CreatedBy, Reason: "rotated"})
	if errors.Is(err, sdk.ErrServiceUnavailable) || errors.Is(err, sdk.ErrConflict) {
		return nil // it is left to recovery, or to the reaper
	}
	return err
}
