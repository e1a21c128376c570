package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Swept is what a sweep has done.
type Swept struct {
	Recovered int // interrupted writes that were ended
	Untold    int // keys that were revoked because nobody is known to have their secrets
	Expired   int
	Retired   int // replaced keys whose grace was over
	Waiting   int // writes that could not be ended yet
}

// Sweep ends what was begun and not ended, and keys whose time is over. One host calls it at a time; if two do, one of
// them does the work. The error says what could not be done; the rest was.
func (e *Engine) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	var troubles []error
	for mark, err := range e.suffixes(ctx, markPrefix) {
		if err == nil {
			err = e.recover(ctx, mark, &s)
		}
		if err != nil {
			s.Waiting++
			troubles = append(troubles, err)
		}
		if ctx.Err() != nil {
			return s, errors.Join(append(troubles, ctx.Err())...)
		}
	}
	return s, errors.Join(append(troubles, e.reap(ctx, &s))...)
}

// recover ends one intent, if its lease is over.
func (e *Engine) recover(ctx context.Context, mark string, s *Swept) error {
	kind, rest, _ := strings.Cut(mark, "/")
	id, intent, _ := strings.Cut(rest, "/")
	old, err := e.aged(ctx, mark)
	if err != nil || !old && kind != credentialIntents {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	switch kind {
	case appIntents:
		err = e.recoverApp(ctx, driver.AppID(id), intent, s)
	case requestIntents:
		err = e.recoverRequest(ctx, id, intent, s)
	default:
		err = e.recoverCredential(ctx, id, intent, old, s)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return nil
}

// aged reports whether a mark was left longer ago than a lease.
func (e *Engine) aged(ctx context.Context, mark string) (bool, error) {
	stored, err := e.o.KV.Get(ctx, markPrefix+mark)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	at, err := time.Parse(time.RFC3339, string(stored.Data))
	return err != nil || !e.now().Before(at.Add(leaseTime)), nil //nolint:nilerr // nobody holds a mark without a time
}

func (e *Engine) recoverApp(ctx context.Context, id driver.AppID, intent string, s *Swept) error {
	a, err := e.App(ctx, id)
	if missing(err) {
		return e.unmark(ctx, appIntents, string(id), intent)
	}
	if err != nil {
		return err
	}
	if err := e.settleApp(ctx, a, intent, ""); err != nil {
		return err
	}
	s.Recovered++
	return nil
}

func (e *Engine) recoverRequest(ctx context.Context, id, intent string, s *Swept) error {
	r, err := e.Request(ctx, id)
	if missing(err) || err == nil && r.Status != Granting {
		return e.unmark(ctx, requestIntents, id, intent)
	}
	if err != nil {
		return err
	}
	if _, err := e.grant(ctx, r, intent); err != nil && !definite(err) {
		return err
	}
	s.Recovered++
	return nil
}

func (e *Engine) recoverCredential(ctx context.Context, id, intent string, old bool, s *Swept) error {
	c, err := e.Credential(ctx, id)
	if missing(err) || err == nil && (c.Intent == nil || c.Intent.ID != intent) {
		if !old {
			return nil // it is about to begin
		}
		return e.unmark(ctx, credentialIntents, id, intent)
	}
	if err != nil || e.now().Before(c.Intent.Lease) {
		return err
	}
	if c, err = e.takeOver(ctx, c); err != nil {
		return ignoreConflict(err)
	}
	switch c.Intent.Kind {
	case Issue, Telling:
		err = e.revokeUntold(ctx, c, s)
	case Undo:
		return e.keepUndoing(ctx, c, s)
	case Settle:
		_, err = e.settle(ctx, c)
	default:
		_, err = e.carryOut(ctx, c, "")
	}
	if err == nil {
		s.Recovered++
	}
	return ignoreConflict(err)
}

// takeOver renews the lease of an intent, so that no other host does the same.
func (e *Engine) takeOver(ctx context.Context, c Credential) (Credential, error) {
	i := *c.Intent
	return e.credentials.update(ctx, c.ID, func(c *Credential) error {
		if !c.owned(i) || e.now().Before(c.Intent.Lease) {
			return apierror.Conflictf("credential %s: another host is at it", c.ID)
		}
		if c.Intent.Kind != Undo {
			c.Intent.Lease = e.now().Add(leaseTime)
		}
		return nil
	})
}

func ignoreConflict(err error) error {
	if errors.Is(err, sdk.ErrConflict) {
		return nil
	}
	return err
}

// revokeUntold gives up an issue whose secret is in nobody's hands, as far as is known.
func (e *Engine) revokeUntold(ctx context.Context, c Credential, s *Swept) error {
	reason := "interrupted before there was a key"
	if c.Intent.Kind == Telling {
		reason = "interrupted while its secret was being told; the key was revoked"
	}
	err := e.fail(ctx, c, *c.Intent, apierror.New(apierror.ServiceUnavailable, reason))
	if err == nil {
		s.Untold++
	}
	return err
}

// keepUndoing looks once more for what an issue that failed has left, and stops when the gateway can do nothing late.
func (e *Engine) keepUndoing(ctx context.Context, c Credential, s *Swept) error {
	if err := e.undo(ctx, c); err != nil {
		return err
	}
	if e.now().Before(c.Intent.Begun.Add(undoTime)) {
		return nil
	}
	_, err := e.end(ctx, c.ID, *c.Intent, func(*Credential) {})
	if err == nil {
		s.Recovered++
	}
	return ignoreConflict(err)
}

// reap ends the keys whose time is over, in the order of their times.
func (e *Engine) reap(ctx context.Context, s *Swept) error {
	var troubles []error
	now := e.now()
	for due, err := range e.suffixes(ctx, duePrefix) {
		if err != nil {
			return err
		}
		at, id, _ := strings.Cut(due, "/")
		when, err := time.Parse(sortableTime, at)
		if err == nil && when.After(now) {
			break
		}
		if err := e.reapOne(ctx, due, id, s); err != nil {
			troubles = append(troubles, fmt.Errorf("credential %s: %w", id, err))
		}
	}
	return errors.Join(troubles...)
}

func (e *Engine) reapOne(ctx context.Context, due, id string, s *Swept) error {
	c, err := e.Credential(ctx, id)
	if err != nil && !missing(err) {
		return err
	}
	at := c.due()
	switch {
	case err != nil || at.IsZero():
		return e.o.KV.Delete(ctx, duePrefix+due) // it has ended
	case at.After(e.now().Add(time.Second)):
		return e.o.KV.Delete(ctx, duePrefix+due) // another entry is for the time that it has now
	case at.After(e.now()) || c.Intent != nil:
		return nil // next time: entries are of whole seconds, and what has begun ends first
	}
	to, reason := Expired, "its time is over"
	if at.Equal(c.Retires) {
		to, reason = Revoked, "rotated"
	}
	if _, err := e.finish(ctx, id, Ending{Reason: reason}, to); err != nil {
		return ignoreConflict(err)
	}
	if to == Expired {
		s.Expired++
	} else {
		s.Retired++
	}
	slog.InfoContext(ctx, "the time of a key is over", "credential", id, "app", c.App, "gateway", c.Gateway, "reason", reason)
	return e.o.KV.Delete(ctx, duePrefix+due)
}

// Expiring answers the credentials that work and whose time is over by then, those that are replaced already left out.
func (e *Engine) Expiring(ctx context.Context, by time.Time) ([]Credential, error) {
	var found []Credential
	for due, err := range e.suffixes(ctx, duePrefix) {
		if err != nil {
			return nil, err
		}
		at, id, _ := strings.Cut(due, "/")
		if when, err := time.Parse(sortableTime, at); err == nil && when.After(by) {
			break
		}
		c, err := e.Credential(ctx, id)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if (c.State == Active || c.State == Suspended) && !c.Expires.IsZero() && !c.Expires.After(by) && c.Expires.Format(sortableTime) == at {
			found = append(found, c)
		}
	}
	return found, nil
}
