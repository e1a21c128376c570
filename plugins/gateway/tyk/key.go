package tyk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// The id of a key is its operation; that of a key which others made is a part of a hash, since Tyk may call it by the key.
const foreign = "x-"

func foreignID(p place) driver.KeyID {
	sum := sha256.Sum256([]byte(p.ID.Reveal()))
	return driver.KeyID(foreign + hex.EncodeToString(sum[:12]))
}

// IssueKey implements [driver.Driver]. A key opens every API that its application has a plan for.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	if err := r.Check(d.options.Now()); err != nil {
		return driver.IssuedKey{}, err
	}
	defer d.lock(r.App)()
	a, err := d.application(ctx, r.App)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if k, made := a.Keys[r.Operation]; made {
		return d.again(ctx, r, k.place())
	}
	if slices.Contains(a.Begun, r.Operation) {
		switch found, err := d.interrupted(ctx, r); {
		case err != nil:
			return driver.IssuedKey{}, err
		case found != nil:
			if err := d.finish(ctx, a, r.Operation, *found); err != nil {
				return driver.IssuedKey{}, err
			}
			return d.again(ctx, r, *found)
		}
	} else {
		a.Begun = append(a.Begun, r.Operation)
		if err := d.note(ctx, a); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	return d.make(ctx, a, r)
}

// again answers a key that was made before, with its secret where Tyk has it.
func (d *Driver) again(ctx context.Context, r driver.KeyRequest, p place) (driver.IssuedKey, error) {
	s, err := d.read(ctx, p)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	k := driver.IssuedKey{Key: s.key(r.App, driver.KeyID(r.Operation))}
	if !p.Hashed {
		k.Secret = p.ID
	}
	return k, nil
}

func (d *Driver) make(ctx context.Context, a application, r driver.KeyRequest) (driver.IssuedKey, error) {
	if r.Secret == "" {
		r.Secret = sdk.Secret(rand.Text() + rand.Text())
	}
	p := place{ID: r.Secret}
	switch _, err := d.read(ctx, p); { // Tyk would replace it
	case err == nil:
		return driver.IssuedKey{}, d.problem(apierror.Conflict, "has that key already")
	case !missing(err):
		return driver.IssuedKey{}, err
	}
	made, err := d.write(ctx, rest.Request{
		Method: http.MethodPost, Path: p.path(), Body: d.newSession(r, a.policies()), Hide: []sdk.Secret{r.Secret},
	})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if made.Hash != "" {
		p = place{sdk.Secret(made.Hash), true}
	}
	if err := d.finish(ctx, a, r.Operation, p); err != nil {
		return driver.IssuedKey{}, err
	}
	k, err := d.again(ctx, r, p)
	k.Secret = r.Secret
	return k, err
}

// finish notes where the key of an operation is.
func (d *Driver) finish(ctx context.Context, a application, operation string, p place) error {
	a.Begun = slices.DeleteFunc(slices.Clone(a.Begun), func(other string) bool { return other == operation })
	a.Keys = maps.Clone(a.Keys)
	a.Keys[operation] = kept{p.ID.Reveal(), p.Hashed}
	return d.note(ctx, a)
}

// interrupted looks for the key of an operation that was begun; nil = it was not made.
func (d *Driver) interrupted(ctx context.Context, r driver.KeyRequest) (*place, error) {
	for f, err := range d.all(ctx) {
		if err != nil {
			return nil, err
		}
		if f.alias == string(r.App) && f.operation == r.Operation {
			return &f.place, nil
		}
	}
	return nil, nil
}

// remembered is what is known of a key in the list. Names and operations of keys do not change; for how long that is
// believed is bounded all the same.
type remembered struct {
	alias, operation string
	app              driver.AppID // whose application it is, "" = it is a key
	at               time.Time
}

type listed struct {
	remembered
	place
}

const (
	memory     = 10 * time.Minute
	mostInMind = 100_000
)

// all are all keys that Tyk has, each of which is read once.
func (d *Driver) all(ctx context.Context) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		hashed, err := d.hashed(ctx)
		var list struct {
			Keys *[]string `json:"keys"`
		}
		if err == nil {
			err = d.get(ctx, "/tyk/keys", &list)
		}
		if err == nil && list.Keys == nil {
			err = d.unavailable("answers no list of keys")
		}
		if err != nil {
			yield(listed{}, err)
			return
		}
		for _, id := range *list.Keys {
			f, err := d.recall(ctx, place{sdk.Secret(id), hashed})
			if missing(err) {
				continue // it went meanwhile
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

func (d *Driver) recall(ctx context.Context, p place) (listed, error) {
	now := d.options.Now()
	d.mu.Lock()
	known, is := d.aliases[p.ID.Reveal()]
	d.mu.Unlock()
	if is && now.Sub(known.at).Abs() < memory {
		return listed{known, p}, nil
	}
	s, err := d.read(ctx, p)
	if err != nil {
		return listed{}, err
	}
	known = remembered{alias: s.alias(), operation: s.meta("portal_op"), at: now}
	if a, is := s.application(); is {
		known.app = a.ID
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.aliases) >= mostInMind {
		clear(d.aliases)
	}
	d.aliases[p.ID.Reveal()] = known
	return listed{known, p}, nil
}

// find is where a key of an application is; not found, if it has none of that id.
func (d *Driver) find(ctx context.Context, a application, id driver.KeyID) (place, error) {
	if k, made := a.Keys[string(id)]; made {
		return k.place(), nil
	}
	if len(id) > len(foreign) && id[:len(foreign)] == foreign || slices.Contains(a.Begun, string(id)) {
		for f, err := range d.all(ctx) {
			if err != nil {
				return place{}, err
			}
			if f.alias == string(a.ID) && (foreignID(f.place) == id || f.operation == string(id)) {
				return f.place, nil
			}
		}
	}
	return place{}, d.problem(apierror.NotFound, "application %s has no key %s", a.ID, rest.Line(string(id)))
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, id driver.KeyID, suspended bool) error {
	defer d.lock(app)()
	a, err := d.application(ctx, app)
	if err != nil {
		return err
	}
	p, err := d.find(ctx, a, id)
	if err != nil {
		return err
	}
	s, err := d.read(ctx, p)
	if err != nil || s["is_inactive"] == suspended {
		return err
	}
	s["is_inactive"] = suspended
	if len(texts(s["apply_policies"])) > 0 {
		s["access_rights"] = none() // those that were answered are the policies'
	}
	return d.replace(ctx, p, s)
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, id driver.KeyID) error {
	defer d.lock(app)()
	a, err := d.application(ctx, app)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := d.find(ctx, a, id)
	if err == nil {
		_, err = d.write(ctx, rest.Request{Method: http.MethodDelete, Path: p.path(), Query: d.query(p), Hide: []sdk.Secret{p.ID}})
	}
	if err != nil && !missing(err) {
		return err
	}
	if _, noted := a.Keys[string(id)]; !noted && !slices.Contains(a.Begun, string(id)) {
		return nil
	}
	delete(a.Keys, string(id))
	a.Begun = slices.DeleteFunc(a.Begun, func(other string) bool { return other == string(id) })
	return d.note(ctx, a)
}

// Keys implements [driver.Driver]. Where Tyk lists no keys, those that others made are not among an application's, and there
// is no list of all.
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		if app != "" {
			d.keysOf(ctx, app, yield)
			return
		}
		for f, err := range d.all(ctx) {
			if err != nil {
				yield(driver.Key{}, err)
				return
			}
			if f.app != "" && !d.keysOf(ctx, f.app, yield) {
				return
			}
		}
	}
}

// keysOf yields the keys of an application, and reports whether to go on.
func (d *Driver) keysOf(ctx context.Context, app driver.AppID, yield func(driver.Key, error) bool) bool {
	a, err := d.application(ctx, app)
	if missing(err) {
		return true
	}
	if err != nil {
		return stopped(yield, err)
	}
	own := map[place]bool{}
	for _, operation := range slices.Sorted(maps.Keys(a.Keys)) {
		p := a.Keys[operation].place()
		own[p] = true
		s, err := d.read(ctx, p)
		if missing(err) {
			continue // it has expired, or somebody else has taken it away
		}
		if err != nil {
			return stopped(yield, err)
		}
		if !yield(s.key(app, driver.KeyID(operation)), nil) {
			return false
		}
	}
	return d.others(ctx, a, own, yield)
}

// stopped ends a list with an error.
func stopped(yield func(driver.Key, error) bool, err error) bool {
	yield(driver.Key{}, err)
	return false
}

// others yields the keys under the application's alias that are not noted.
func (d *Driver) others(ctx context.Context, a application, own map[place]bool, yield func(driver.Key, error) bool) bool {
	for f, err := range d.all(ctx) {
		if apierror.Has(err, apierror.NotImplemented) {
			return true
		}
		if err != nil {
			return stopped(yield, err)
		}
		_, noted := a.Keys[f.operation] // the list may call it by another name than it was made with
		if f.app != "" || f.alias != string(a.ID) || own[f.place] || noted {
			continue
		}
		s, err := d.read(ctx, f.place)
		if missing(err) {
			continue
		}
		if err != nil {
			return stopped(yield, err)
		}
		id := foreignID(f.place)
		if f.operation != "" {
			id = driver.KeyID(f.operation) // of an operation that was interrupted
		}
		if !yield(s.key(a.ID, id), nil) {
			return false
		}
	}
	return true
}
