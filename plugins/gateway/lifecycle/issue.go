package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// KeyRequest asks for a key under a grant that an application has.
type KeyRequest struct {
	App            driver.AppID
	Gateway        string
	API            driver.APIID
	Label          string
	TTL            time.Duration // 0 = as the rules say
	By             string
	IdempotencyKey string // "" = each call makes a key
}

// Issued is a new key. Its secret is told here and nowhere else: whoever has handed it on says so with [Engine.Told],
// within two minutes, or else the key is revoked.
type Issued struct {
	Credential Credential
	Secret     sdk.Secret
	// Replayed: the key was made, and its secret told, to an earlier call with the same idempotency key. There is no secret.
	Replayed bool
}

// Issue makes a key.
func (e *Engine) Issue(ctx context.Context, r KeyRequest) (Issued, error) {
	a, err := e.App(ctx, r.App)
	if err != nil {
		return Issued{}, err
	}
	g, err := a.usable(r.Gateway, r.API)
	if err != nil {
		return Issued{}, err
	}
	ttl, err := e.lifetime(r.TTL, g)
	if err != nil {
		return Issued{}, err
	}
	c := Credential{App: r.App, Gateway: r.Gateway, API: r.API, Plan: g.Plan, Label: label(r.Label, a), CreatedBy: r.By}
	if ttl > 0 {
		c.Expires = e.now().Add(ttl)
	}
	return e.issue(ctx, c, r.IdempotencyKey, r)
}

// usable is the application's access, if keys can be made for it.
func (a App) usable(gateway string, api driver.APIID) (Grant, error) {
	g, ok := a.Grant(gateway, api)
	switch {
	case a.Deleting:
		return g, apierror.Conflictf("application %s is being deleted", a.ID)
	case !ok:
		return g, apierror.NotAllowedf("application %s has no access to %s/%s: ask for it first", a.ID, gateway, api)
	case g.Withdrawn:
		return g, apierror.Conflictf("access of application %s to %s/%s is being withdrawn", a.ID, gateway, api)
	}
	return g, nil
}

func label(given string, a App) string {
	if given == "" {
		given = a.Name
	}
	return excerpt.Of(given, maxName)
}

// lifetime is how long a key lives; 0 = it does not end.
func (e *Engine) lifetime(asked time.Duration, g Grant) (time.Duration, error) {
	longest := e.o.Rules.MaxTTL
	if granted := g.TTL.Duration(); granted > 0 && (longest == 0 || granted < longest) {
		longest = granted
	}
	switch {
	case asked < 0:
		return 0, apierror.Inputf("ttl: %s is less than nothing", asked)
	case asked > 0 && longest > 0 && asked > longest:
		return 0, apierror.Inputf("ttl: %s is longer than the %s that are granted", asked, longest)
	case asked > 0:
		return asked, nil
	case e.o.Rules.TTL > 0 && (longest == 0 || e.o.Rules.TTL < longest):
		return e.o.Rules.TTL, nil
	}
	return longest, nil
}

// issue leaves the credential with its intent, and then makes the key. body is what an idempotency key stands for.
func (e *Engine) issue(ctx context.Context, c Credential, key string, body any) (Issued, error) {
	if err := e.canIssue(ctx, c); err != nil {
		return Issued{}, err
	}
	release, err := e.lock(ctx, "keys/"+string(c.App), countTime)
	if err != nil {
		return Issued{}, err
	}
	defer release() // held meanwhile: keys are counted by what others have begun
	id, replayed, err := e.once(ctx, c.CreatedBy, key, "key", body, newID(e.now()))
	if err != nil {
		return Issued{}, err
	}
	if replayed {
		was, err := e.Credential(ctx, id)
		if !missing(err) {
			return replay(was, err)
		}
	}
	c.ID = id
	if c, err = e.open(ctx, c); err != nil {
		return Issued{}, err
	}
	release()
	ctx, cancel := bounded(ctx)
	defer cancel()
	return e.make(ctx, c)
}

func (e *Engine) canIssue(ctx context.Context, c Credential) error {
	d, err := e.driver(c.Gateway)
	if err != nil {
		return err
	}
	can, err := d.Capabilities(ctx)
	switch {
	case err != nil:
		return err
	case !can.Keys:
		return apierror.Newf(apierror.NotImplemented, "gateway %s makes no keys: %s", c.Gateway, can.Why["keys"])
	case c.Replaces != "" && !can.RotateDual:
		return apierror.Newf(apierror.NotImplemented, "gateway %s does not accept an old and a new key beside each other: revoke the key, and issue another", c.Gateway)
	}
	return nil
}

// ErrInterrupted says that an issue with the same idempotency key has not come to its end, or was given up. Its key is, or
// will be, revoked. It is a conflict.
var ErrInterrupted = errors.New("the issue was interrupted")

// replay answers a call whose idempotency key was used before.
func replay(was Credential, err error) (Issued, error) {
	switch {
	case err != nil:
		return Issued{}, err
	case was.State == Issuing || was.Intent != nil && (was.Intent.Kind == Issue || was.Intent.Kind == Telling):
		return Issued{}, interrupted("credential %s: its issue is under way since %s", was.ID, was.Created.Format(time.RFC3339))
	case was.State == Failed:
		return Issued{}, interrupted("credential %s was not issued (%s): ask again with another Idempotency-Key", was.ID, was.Reason)
	}
	return Issued{Credential: was, Replayed: true}, nil
}

func interrupted(format string, args ...any) error {
	err := apierror.Conflictf(format, args...)
	err.Cause = ErrInterrupted
	return err
}

// open counts what the application has, and creates the credential with its intent.
func (e *Engine) open(ctx context.Context, c Credential) (Credential, error) {
	others, err := e.Credentials(ctx, c.App)
	if err != nil {
		return c, err
	}
	if err := e.room(c, others); err != nil {
		return c, err
	}
	i := e.intent(Issue, c.CreatedBy)
	c.State, c.Created, c.Intent = Issuing, i.Begun, &i
	if err := e.mark(ctx, credentialIntents, c.ID, i.ID); err != nil {
		return c, err
	}
	if err := e.index(ctx, byAppPrefix+string(c.App)+"/"+c.ID); err != nil {
		return c, err
	}
	return c, e.credentials.create(ctx, c.ID, c)
}

// room reports whether an application may have one key more. Rotations may double what it has.
func (e *Engine) room(c Credential, others []Credential) error {
	most, alive := e.o.Rules.MaxKeys, 0
	if c.Replaces != "" {
		most *= 2
	}
	for _, other := range others {
		if other.Gateway == c.Gateway && other.API == c.API && other.State.Alive() {
			alive++
		}
	}
	if most > 0 && alive >= most {
		return apierror.Conflictf("application %s has %d keys for %s/%s, as many as it may have: revoke one first", c.App, alive, c.Gateway, c.API)
	}
	return nil
}

// make asks the gateway for the key of a credential whose intent was left.
func (e *Engine) make(ctx context.Context, c Credential) (Issued, error) {
	i := *c.Intent
	k, err := e.ask(ctx, c)
	if err == nil && k.Secret == "" {
		err = apierror.Newf(apierror.ServiceUnavailable, "the gateway has a key of this operation already, and does not tell its secret again")
	}
	if err != nil {
		return Issued{}, errors.Join(err, e.fail(ctx, c, i, err))
	}
	if !c.Expires.IsZero() {
		if err := e.index(ctx, dueKey(c.Expires, c.ID)); err != nil {
			return Issued{}, errors.Join(err, e.fail(ctx, c, i, err))
		}
	}
	kept, err := e.replace(ctx, c.ID, i, func(c *Credential) {
		c.Key, c.Prefix, c.Hash, c.State = k.ID, prefix(k.Secret), hashed(k.Secret), Active
		c.Intent.Kind = Telling
		c.Intent.Lease = e.now().Add(leaseTime)
	})
	if err != nil {
		return Issued{}, errors.Join(err, e.fail(ctx, c, i, err))
	}
	return Issued{Credential: kept, Secret: k.Secret}, nil
}

// prefix is what people tell their keys by.
func prefix(secret sdk.Secret) string { return secret.Reveal()[:min(6, len(secret))] }

// ask makes the key at the gateway: a new one, or the other slot of the one that is replaced.
func (e *Engine) ask(ctx context.Context, c Credential) (driver.IssuedKey, error) {
	d, err := e.driver(c.Gateway)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	release, err := e.alone(ctx, c.Gateway, c.App)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	defer release()
	if slots, ok := d.(driver.SlotRotator); ok && c.Replaces != "" {
		old, err := e.Credential(ctx, c.Replaces)
		if err != nil {
			return driver.IssuedKey{}, err
		}
		return slots.RotateKey(ctx, c.App, old.Key, c.ID)
	}
	a, err := e.App(ctx, c.App)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if err := d.EnsureConsumer(ctx, driver.App{ID: a.ID, Name: a.Name, Owner: a.Owner}); err != nil {
		return driver.IssuedKey{}, err
	}
	return d.IssueKey(ctx, driver.KeyRequest{
		App: c.App, API: c.API, Plan: c.Plan, Operation: c.ID, Label: c.Label, Secret: newSecret(), Expires: c.Expires,
	})
}

// fail gives an issue up: nobody has the secret. What it left at the gateway is taken away, now and for a while after; the
// error says why that cannot be noted.
func (e *Engine) fail(ctx context.Context, c Credential, i Intent, cause error) error {
	if err := e.undo(ctx, c); err != nil {
		slog.WarnContext(ctx, "what an issue has left cannot be taken away yet", "credential", c.ID, "error", err)
	}
	_, err := e.replace(ctx, c.ID, i, func(c *Credential) {
		c.State, c.Reason, c.Ended = Failed, message(cause), e.now()
		c.Intent.Kind, c.Intent.Lease = Undo, e.now()
		if e.isSlot(*c) {
			c.Key = "" // it is that of the credential that goes on
		}
	})
	e.recordCredential(ctx, i.By, issueEvent(c), c, "", cause)
	return err
}

// isSlot reports whether a credential is the other slot of the one that it replaces.
func (e *Engine) isSlot(c Credential) bool {
	d, err := e.driver(c.Gateway)
	if err != nil || c.Replaces == "" {
		return false
	}
	_, slots := d.(driver.SlotRotator)
	return slots
}

func issueEvent(c Credential) string {
	if c.Replaces != "" {
		return "key.rotate"
	}
	return "key.issue"
}

// undo takes the key of an operation away, if there is one, or gives the renewed slot back.
func (e *Engine) undo(ctx context.Context, c Credential) error {
	d, err := e.driver(c.Gateway)
	if err != nil {
		return err
	}
	release, err := e.alone(ctx, c.Gateway, c.App)
	if err != nil {
		return err
	}
	defer release()
	if slots, ok := d.(driver.SlotRotator); ok && c.Replaces != "" {
		old, err := e.Credential(ctx, c.Replaces)
		if missing(err) || err == nil && old.State.ended() {
			return nil // the slots went with it
		}
		if err != nil {
			return err
		}
		return slots.CancelRotation(ctx, c.App, old.Key, c.ID)
	}
	for k, err := range d.Keys(ctx, c.App) {
		if err != nil {
			return err
		}
		if k.Operation == c.ID || c.Key != "" && k.ID == c.Key {
			if err := d.RevokeKey(ctx, c.App, k.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Told says that the secret of an issue or rotation was handed on. The grace of a rotated key begins.
func (e *Engine) Told(ctx context.Context, id string) (Credential, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := e.credentials.update(ctx, id, func(c *Credential) error {
		if c.Intent == nil || c.Intent.Kind != Telling {
			return apierror.Conflictf("credential %s is not being told", id)
		}
		c.Intent.Kind = Settle
		return nil
	})
	if err != nil {
		return c, err
	}
	return e.settle(ctx, c)
}

// Untold says that a secret was not handed on: its key is revoked.
func (e *Engine) Untold(ctx context.Context, id, reason string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	c, err := e.Credential(ctx, id)
	if err != nil {
		return err
	}
	if c.Intent == nil || c.Intent.Kind != Telling {
		return apierror.Conflictf("credential %s is not being told", id)
	}
	return e.fail(ctx, c, *c.Intent, apierror.New(apierror.ServiceUnavailable, reason))
}

// settle ends an issue whose secret was told.
func (e *Engine) settle(ctx context.Context, c Credential) (Credential, error) {
	i := *c.Intent
	if c.Replaces != "" {
		if err := e.retire(ctx, c); err != nil {
			return c, err
		}
	}
	c, err := e.end(ctx, c.ID, i, func(*Credential) {})
	if err == nil {
		e.recordCredential(ctx, i.By, issueEvent(c), c, "", nil)
	}
	return c, err
}
