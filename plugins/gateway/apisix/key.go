package apisix

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// keyID names a credential together with its consumer.
func keyID(username, credential string) driver.KeyID {
	return driver.KeyID(username + ":" + credential)
}

// place is the consumer and id of a key; false if it can be none of the application's.
func place(app driver.AppID, key driver.KeyID) (username, id string, ok bool) {
	username, id, ok = strings.Cut(string(key), ":")
	return username, id, ok && id != "" && strings.HasPrefix(username, string(app)+"__")
}

// IssueKey implements [driver.Driver]. A key is for one API.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	if err := r.Check(d.options.Now()); err != nil {
		return driver.IssuedKey{}, err
	}
	if r.API == "" {
		return driver.IssuedKey{}, d.problem(apierror.Input, "keys are for one API each; say for which")
	}
	c, err := d.consumerFor(ctx, r.App, r.API)
	if err != nil {
		if known, knownErr := d.known(ctx, r.App); !missing(err) || !known || knownErr != nil {
			return driver.IssuedKey{}, err
		}
		c.Username = username(r.App, r.API) // it has no plan of the API yet: the key will not open it
		if err := d.putConsumer(ctx, r.App, r.API, ""); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	found, err := one[credential](ctx, d, "consumers", c.Username, "credentials", r.Operation)
	if missing(err) {
		found = d.newCredential(r)
		err = d.putCredential(ctx, c.Username, found)
	}
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return driver.IssuedKey{Key: key(found, r.App, c.Username), Secret: found.told()}, nil
}

func (d *Driver) newCredential(r driver.KeyRequest) credential {
	secret := r.Secret.Reveal()
	if secret == "" {
		secret = rand.Text() + rand.Text()
	}
	labels := map[string]string{ours: "true", ofApp: string(r.App), ofAPI: string(r.API), ofOperation: r.Operation, ofHash: hash(secret)}
	if len(secret) >= 24 { // of a shorter one, a prefix would be too much
		labels[ofPrefix] = secret[:8]
	}
	return credential{
		ID: r.Operation, Desc: asDesc(r.Label), Labels: labels, Created: d.options.Now().Unix(),
		Plugins: map[string]map[string]any{"key-auth": {"key": secret}},
	}
}

func (d *Driver) putCredential(ctx context.Context, username string, c credential) error {
	value := map[string]any{"labels": c.Labels, "plugins": c.Plugins}
	if c.Desc != "" {
		value["desc"] = c.Desc
	}
	return d.put(ctx, value, []sdk.Secret{c.value(), c.told()}, "consumers", username, "credentials", c.ID)
}

// hash is that of a secret which is too long to be guessed.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:16])
}

// value is the key as APISIX shows it.
func (c credential) value() sdk.Secret {
	text, _ := c.Plugins["key-auth"]["key"].(string)
	return sdk.Secret(text)
}

// While a key is suspended, its value has a part before it that nobody but APISIX knows.
const suspendedPrefix = "suspended-"

var suspendedLength = len(suspendedPrefix) + len(rand.Text()) + len("-")

// told is the secret, "" if APISIX does not show it as it was given: it may encrypt keys.
func (c credential) told() sdk.Secret {
	secret := c.value().Reveal()
	if c.Labels[ofSuspended] != "" && strings.HasPrefix(secret, suspendedPrefix) && len(secret) > suspendedLength {
		secret = secret[suspendedLength:]
	}
	if hash(secret) != c.Labels[ofHash] {
		return ""
	}
	return sdk.Secret(secret)
}

func key(c credential, app driver.AppID, username string) driver.Key {
	return driver.Key{
		ID: keyID(username, c.ID), App: app, Operation: c.Labels[ofOperation], Label: c.Desc, Prefix: c.Labels[ofPrefix],
		Created: time.Unix(c.Created, 0).UTC(), Suspended: c.Labels[ofSuspended] != "",
	}
}

// SuspendKey implements [driver.Driver]. Only keys that the portal made can be suspended.
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, id driver.KeyID, suspended bool) error {
	username, name, ok := place(app, id)
	if !ok {
		if err := d.Health(ctx); err != nil {
			return err
		}
		return d.problem(apierror.NotFound, "application %s has no key %s", app, rest.Line(string(id)))
	}
	c, err := one[credential](ctx, d, "consumers", username, "credentials", name)
	if err != nil || (c.Labels[ofSuspended] != "") == suspended {
		return err
	}
	secret := c.told().Reveal()
	if secret == "" {
		return d.problem(apierror.NotImplemented, "it encrypts keys, or others made this one: it cannot be suspended, only revoked")
	}
	c.Labels = maps.Clone(c.Labels)
	if suspended {
		c.Labels[ofSuspended] = "true"
		secret = suspendedPrefix + rand.Text() + "-" + secret
	} else {
		delete(c.Labels, ofSuspended)
	}
	c.Plugins = map[string]map[string]any{"key-auth": {"key": secret}}
	return d.putCredential(ctx, username, c)
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, id driver.KeyID) error {
	username, name, ok := place(app, id)
	if !ok {
		return d.Health(ctx) // what has no such name cannot be there, if it is an APISIX that was asked
	}
	return d.remove(ctx, "consumers", username, "credentials", name)
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		for c, err := range list[consumer](ctx, d, "consumers") {
			if err != nil {
				yield(driver.Key{}, err)
				return
			}
			owner := driver.AppID(c.Labels[ofApp])
			if c.Labels[ours] == "" || c.Labels[ofAPI] == "" || app != "" && owner != app {
				continue
			}
			if !d.keysOf(ctx, owner, c.Username, yield) {
				return
			}
		}
	}
}

// keysOf yields those of one consumer, and reports whether to go on.
func (d *Driver) keysOf(ctx context.Context, app driver.AppID, username string, yield func(driver.Key, error) bool) bool {
	for c, err := range list[credential](ctx, d, "consumers", username, "credentials") {
		if missing(err) {
			return true // the consumer went meanwhile
		}
		if !yield(key(c, app, username), err) || err != nil {
			return false
		}
	}
	return true
}
