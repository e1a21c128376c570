package forwardauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	jitter "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// record is an application as it is stored. Everything about it is one value, so that changes are whole.
type record struct {
	ID     driver.AppID                   `json:"id"`
	Name   string                         `json:"name"`
	Owner  string                         `json:"owner"`
	Access map[driver.APIID]driver.PlanID `json:"access,omitempty"`
	Keys   []key                          `json:"keys,omitempty"`

	version int64
}

type key struct {
	ID        driver.KeyID `json:"id"`
	Hash      []byte       `json:"hash"` // SHA-256 of the secret
	Prefix    string       `json:"prefix"`
	Operation string       `json:"operation"`
	Label     string       `json:"label,omitempty"`
	API       driver.APIID `json:"api,omitempty"`
	Created   time.Time    `json:"created"`
	Expires   time.Time    `json:"expires,omitzero"`
	Suspended bool         `json:"suspended,omitempty"`
}

const (
	// maxKeys keeps a record below the size that the store takes.
	maxKeys     = 200
	maxLabel    = 200
	leastSecret = 32
	mostSecret  = 256
	keptPrefix  = 6
	// writeWithin bounds the time from the first note of a change to the end of its write; see [Driver.follow].
	writeWithin = 5 * time.Second
	attempts    = 12
)

func (d *Driver) recordKey(app driver.AppID) string { return d.prefix + "app/" + string(app) }

func (d *Driver) read(ctx context.Context, app driver.AppID) (*record, error) {
	stored, err := d.store.Get(ctx, d.recordKey(app))
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, apierror.NotFoundf("gateway %s: there is no application %s", d.name, app)
	}
	if err != nil {
		return nil, d.storeError("read application "+string(app), err)
	}
	r := &record{version: stored.Version}
	if err := json.Unmarshal(stored.Data, r); err != nil {
		return nil, fmt.Errorf("gateway %s: application %s: what is stored cannot be read: %w", d.name, app, err)
	}
	return r, nil
}

// records streams all applications.
func (d *Driver) records(ctx context.Context) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		prefix := d.recordKey("")
		for k, err := range d.store.Keys(ctx, prefix) {
			if err != nil {
				yield(nil, d.storeError("list applications", err))
				return
			}
			r, err := d.read(ctx, driver.AppID(strings.TrimPrefix(k, prefix)))
			if errors.Is(err, sdk.ErrNotFound) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// errUnchanged ends a change without a write.
var errUnchanged = errors.New("nothing to change")

// change writes what edit makes of an application, which may be called several times: again when somebody else was faster.
// With create, edit is given an empty record where there is none. The result acts on this host when change returns.
func (d *Driver) change(ctx context.Context, app driver.AppID, create bool, edit func(*record) error) error {
	if err := d.load(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	noted := false
	for attempt := range attempts {
		r, err := d.read(ctx, app)
		if create && errors.Is(err, sdk.ErrNotFound) {
			r, err = &record{ID: app}, nil
		}
		if err == nil {
			err = edit(r)
		}
		if errors.Is(err, errUnchanged) {
			d.take(r)
			return nil
		}
		if err != nil {
			return err
		}
		if !noted {
			if err := d.note(ctx, app, before); err != nil {
				return err
			}
			noted = true
		}
		err = d.write(ctx, r)
		if !errors.Is(err, sdk.ErrConflict) {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return d.storeError("change application "+string(app), err)
		}
	}
	return apierror.Conflictf("gateway %s: application %s is being changed by others; try again", d.name, app)
}

func (d *Driver) write(ctx context.Context, r *record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("application %s: %w", r.ID, err)
	}
	was := r.version
	version, err := d.store.Put(ctx, d.recordKey(r.ID), data, sdk.PutOptions{IfVersion: &was})
	if errors.Is(err, sdk.ErrConflict) {
		return err
	}
	if err != nil {
		return d.storeError("write application "+string(r.ID), err)
	}
	r.version = version
	d.take(r)
	// Written is written: other hosts find it by the first note if this one is lost.
	_ = d.note(ctx, r.ID, after)
	return nil
}

// storeError makes a diagnosis of an error of the store. What the caller's context says stays as it is.
func (d *Driver) storeError(did string, err error) error {
	if errors.Is(err, context.Canceled) || apierror.Has(err, apierror.ServiceUnavailable) {
		return fmt.Errorf("gateway %s: %s: %w", d.name, did, err)
	}
	return &apierror.Error{
		Name: apierror.ServiceUnavailable, Message: fmt.Sprintf("gateway %s: %s: the portal's store says: %v", d.name, did, err), Cause: err,
	}
}

// pause waits before another attempt, by chance and longer each time.
func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(jitter.N(5 * time.Millisecond << min(attempt, 5))): //nolint:gosec // jitter, not a secret
		return nil
	}
}

func (r *record) key(id driver.KeyID) *key {
	if n := slices.IndexFunc(r.Keys, func(k key) bool { return k.ID == id }); n >= 0 {
		return &r.Keys[n]
	}
	return nil
}

func (k *key) public(app driver.AppID) driver.Key {
	return driver.Key{
		ID: k.ID, App: app, Operation: k.Operation, Label: k.Label, Prefix: k.Prefix,
		Created: k.Created, Expires: k.Expires, Suspended: k.Suspended,
	}
}

// newKey makes what is stored of a request's secret, and the secret where the request has none.
func newKey(r driver.KeyRequest, now time.Time) (key, sdk.Secret, error) {
	secret := r.Secret
	if secret == "" {
		secret = sdk.Secret(rand.Text() + rand.Text()) // 52 characters, 260 random bits
	}
	if n := len(secret); n < leastSecret || n > mostSecret || strings.ContainsFunc(secret.Reveal(), notInSecret) {
		return key{}, "", apierror.Inputf("a secret has %d to %d characters of A-Z, a-z and 0-9", leastSecret, mostSecret)
	}
	hash := sha256.Sum256([]byte(secret))
	id := sha256.Sum256([]byte("key of operation " + r.Operation))
	return key{
		ID: driver.KeyID(fmt.Sprintf("fk-%x", id[:10])), Hash: hash[:], Prefix: secret.Reveal()[:keptPrefix], Operation: r.Operation,
		Label: excerpt.Of(r.Label, maxLabel), API: r.API, Created: now.UTC(), Expires: r.Expires.UTC(),
	}, secret, nil
}

func notInSecret(c rune) bool {
	return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}
