package kong

import (
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// longestTTL is the longest that Kong takes; keys that are to live longer get none, and the portal ends them.
const longestTTL = 100_000_000 * time.Second

// IssueKey implements [driver.Driver]. A key opens every API that its application has a plan for.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	n, err := d.writable(ctx)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if err := r.Check(d.options.Now()); err != nil {
		return driver.IssuedKey{}, err
	}
	owner := consumerID(r.App)
	switch found, err := d.credential(ctx, owner, r.Operation); {
	case err == nil && n.Declarative: // on other nodes it may not be there yet
		err = d.apply(ctx, n, change{verb: put, kind: keys, owner: owner, id: found.ID, body: found.body(), hide: found.hide()})
		return d.issued(found, r.App), err
	case err == nil:
		return d.issued(found, r.App), nil
	case !missing(err):
		return driver.IssuedKey{}, err
	}
	made := d.newCredential(n, r)
	err = d.apply(ctx, n, change{verb: create, kind: keys, owner: owner, id: r.Operation, body: made.body(), hide: made.hide()})
	if apierror.Has(err, apierror.Conflict) { // the same operation at the same time, or somebody else's key
		if found, again := d.credential(ctx, owner, r.Operation); again == nil {
			return d.issued(found, r.App), nil
		}
	}
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return d.issued(made, r.App), nil
}

func (d *Driver) newCredential(n *Node, r driver.KeyRequest) credential {
	c := credential{ID: r.Operation, Key: r.Secret.Reveal(), Created: d.options.Now().Unix(), Tags: []string{ours, ofApp + string(r.App), ofOperation + r.Operation}}
	if c.Key == "" {
		c.Key = rand.Text() + rand.Text()
	}
	if label := asTag(r.Label); label != "" {
		c.Tags = append(c.Tags, ofLabel+label)
	}
	if left := r.Expires.Sub(d.options.Now()); !r.Expires.IsZero() && left <= longestTTL && n.EndsKeys {
		seconds := int64((left + time.Second - 1) / time.Second)
		c.TTL = &seconds
	}
	return c
}

// body are the members to write.
func (c credential) body() map[string]any {
	tags := make([]any, len(c.Tags))
	for i, tag := range c.Tags {
		tags[i] = tag
	}
	body := map[string]any{"key": c.Key, "tags": tags}
	if c.TTL != nil {
		body["ttl"] = *c.TTL
	}
	return body
}

func (c credential) hide() []sdk.Secret { return []sdk.Secret{sdk.Secret(c.Key), c.secret()} }

// credential reads a key of a consumer.
func (d *Driver) credential(ctx context.Context, owner, id string) (credential, error) {
	var c credential
	err := d.get(ctx, &c, consumers.path, owner, keys.nested, id)
	if err == nil && c.ID != id {
		err = d.unavailable("answers another key than the one that was asked for") // paths take keys in place of ids
	}
	return c, err
}

func (d *Driver) issued(c credential, app driver.AppID) driver.IssuedKey {
	return driver.IssuedKey{Key: d.key(c, app), Secret: c.secret()}
}

func (d *Driver) key(c credential, app driver.AppID) driver.Key {
	k := driver.Key{
		ID: driver.KeyID(c.ID), App: app, Operation: tagged(c.Tags, ofOperation), Label: tagged(c.Tags, ofLabel),
		Created: time.Unix(c.Created, 0).UTC(), Suspended: has(c.Tags, suspendedTag),
	}
	if secret := c.secret().Reveal(); len(secret) >= 24 {
		k.Prefix = secret[:8] // of a shorter one, that would be too much
	}
	if c.TTL != nil && *c.TTL > 0 {
		k.Expires = d.options.Now().Add(time.Duration(*c.TTL) * time.Second).UTC().Truncate(time.Second)
	}
	return k
}

// While a key is suspended, its value has a part before it that nobody but Kong knows.
const suspendedPrefix = "suspended-"

var suspendedLength = len(suspendedPrefix) + len(rand.Text()) + len("-")

// secret is what callers present, or presented before the key was suspended.
func (c credential) secret() sdk.Secret {
	if has(c.Tags, suspendedTag) && strings.HasPrefix(c.Key, suspendedPrefix) && len(c.Key) > suspendedLength {
		return sdk.Secret(c.Key[suspendedLength:])
	}
	return sdk.Secret(c.Key)
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, id driver.KeyID, suspended bool) error {
	n, err := d.writable(ctx)
	if err != nil {
		return err
	}
	owner := consumerID(app)
	c, err := d.credential(ctx, owner, string(id))
	if err != nil {
		return err
	}
	done := has(c.Tags, suspendedTag) == suspended
	before := c.hide()
	switch {
	case done && !n.Declarative:
		return nil
	case c.Key == "":
		return d.problem(apierror.NotImplemented, "it does not tell its keys, without which none can be suspended")
	case done: // on other nodes it may not be so yet
	case suspended:
		c.Key = suspendedPrefix + rand.Text() + "-" + c.Key
		c.Tags = append(c.Tags, suspendedTag)
	default:
		c.Key = c.secret().Reveal()
		c.Tags = slices.DeleteFunc(c.Tags, func(tag string) bool { return tag == suspendedTag })
	}
	return d.apply(ctx, n, change{verb: patch, kind: keys, owner: owner, id: c.ID, body: c.body(), hide: append(before, c.hide()...)})
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, id driver.KeyID) error {
	n, err := d.writable(ctx)
	if err != nil {
		return err
	}
	if !driver.IsOperation(string(id)) {
		return d.problem(apierror.Input, "key %q is no UUID", rest.Line(string(id)))
	}
	return d.apply(ctx, n, change{verb: remove, kind: keys, owner: consumerID(app), id: string(id)})
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	if _, err := d.writable(ctx); err != nil {
		return rest.Failed[driver.Key](err)
	}
	if app != "" {
		return d.keysOf(ctx, app)
	}
	apps, err := d.appsByConsumer(ctx)
	if err != nil {
		return rest.Failed[driver.Key](err)
	}
	return rest.Mapped(list[credential](ctx, d, rest.Path(keys.path)), func(c credential) (driver.Key, bool) {
		owner, known := apps[c.Consumer.ID]
		return d.key(c, owner), known
	})
}

func (d *Driver) keysOf(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	path := rest.Path(consumers.path, consumerID(app), keys.nested)
	return func(yield func(driver.Key, error) bool) {
		for c, err := range list[credential](ctx, d, path) {
			if missing(err) {
				return // an application that Kong does not know has none
			}
			if !yield(d.key(c, app), err) || err != nil {
				return
			}
		}
	}
}

// longestTag bounds a label among the tags.
const longestTag = 80

// asTag is a text as a tag can hold it: without the two characters that lists of tags use.
func asTag(label string) string {
	label = rest.Line(strings.NewReplacer(",", " ", "/", " ").Replace(label))
	if runes := []rune(label); len(runes) > longestTag {
		label = string(runes[:longestTag])
	}
	return strings.TrimSpace(label)
}
