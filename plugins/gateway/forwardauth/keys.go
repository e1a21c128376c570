package forwardauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"iter"
	"regexp"
	"slices"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

var appID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// IssueKey implements [driver.Driver]. The key of an operation that is done already comes with its secret when the request
// brings the same one, which the hash tells.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	if r.API != "" && d.apis[r.API] == nil {
		return driver.IssuedKey{}, apierror.NotFoundf("gateway %s: there is no API %s", d.name, r.API)
	}
	if r.Operation == "" {
		return driver.IssuedKey{}, apierror.Inputf("gateway %s: a key without an operation could be made twice", d.name)
	}
	made, secret, err := newKey(r, d.now())
	if err != nil {
		return driver.IssuedKey{}, err
	}
	var issued driver.IssuedKey
	err = d.change(ctx, r.App, false, func(rec *record) error {
		if there := rec.key(made.ID); there != nil {
			issued = driver.IssuedKey{Key: there.public(r.App)}
			if subtle.ConstantTimeCompare(there.Hash, made.Hash) == 1 {
				issued.Secret = secret
			}
			return errUnchanged
		}
		if err := d.mayAdd(rec, made); err != nil {
			return err
		}
		rec.Keys = append(rec.Keys, made)
		issued = driver.IssuedKey{Key: made.public(r.App), Secret: secret}
		return nil
	})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return issued, nil
}

// mayAdd refuses a key that would never be found, or that would make another one be taken for it.
func (d *Driver) mayAdd(r *record, made key) error {
	if len(r.Keys) >= maxKeys {
		return apierror.Conflictf("gateway %s: application %s has %d keys; revoke some first", d.name, r.ID, maxKeys)
	}
	if d.index.Load().find([32]byte(made.Hash)) != nil {
		return apierror.Conflictf("gateway %s: the secret belongs to another key", d.name)
	}
	return nil
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, id driver.KeyID) error {
	err := d.change(ctx, app, false, func(r *record) error {
		if r.key(id) == nil {
			return errUnchanged
		}
		r.Keys = slices.DeleteFunc(r.Keys, func(k key) bool { return k.ID == id })
		return nil
	})
	if errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	return err
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, id driver.KeyID, suspended bool) error {
	return d.change(ctx, app, false, func(r *record) error {
		k := r.key(id)
		switch {
		case k == nil:
			return apierror.NotFoundf("gateway %s: application %s has no key %s", d.name, app, id)
		case k.Suspended == suspended:
			return errUnchanged
		}
		k.Suspended = suspended
		return nil
	})
}

// Keys implements [driver.Driver]. Expired keys are among them until somebody revokes them.
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		for r, err := range d.recordsOf(ctx, app) {
			if err != nil {
				yield(driver.Key{}, err)
				return
			}
			for n := range r.Keys {
				if !yield(r.Keys[n].public(r.ID), nil) {
					return
				}
			}
		}
	}
}

// recordsOf is one application, or all with ""; none when it is not there.
func (d *Driver) recordsOf(ctx context.Context, app driver.AppID) iter.Seq2[*record, error] {
	if app == "" {
		return d.records(ctx)
	}
	return func(yield func(*record, error) bool) {
		r, err := d.read(ctx, app)
		if !errors.Is(err, sdk.ErrNotFound) {
			yield(r, err)
		}
	}
}
