package lifecycle

import (
	"context"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Ending says who takes a key away, or suspends it, and why.
type Ending struct {
	By     string
	Reason string
	// Secret of the key, if the caller has it: with it, requests through the gateway prove that the key is refused. It is
	// compared with the key's hash, and kept no longer than the call.
	Secret sdk.Secret
}

// Revoke ends a key for good. What has ended stays as it is. While the gateway is not reached, it fails with
// [sdk.ErrServiceUnavailable], and [Engine.Sweep] goes on.
func (e *Engine) Revoke(ctx context.Context, id string, by Ending) (Credential, error) {
	return e.finish(ctx, id, by, Revoked)
}

func (e *Engine) finish(ctx context.Context, id string, by Ending, to State) (Credential, error) {
	i := e.intent(End, by.By)
	i.To, i.Reason = to, by.Reason
	c, err := e.begin(ctx, id, i, func(c Credential) error {
		if c.State.ended() {
			return errEnded
		}
		return matching(c, by.Secret)
	})
	if err == errEnded { //nolint:errorlint // it is returned as it is
		return e.Credential(ctx, id)
	}
	if err != nil {
		return c, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	return e.carryOut(ctx, c, by.Secret)
}

// errEnded says that nothing is left to be done.
var errEnded = apierror.New(apierror.Conflict, "the credential has ended")

func matching(c Credential, secret sdk.Secret) error {
	if secret != "" && !c.Matches(secret) {
		return apierror.Inputf("secret: it is not that of credential %s", c.ID)
	}
	return nil
}

// SuspendKey has a key refused until it is resumed.
func (e *Engine) SuspendKey(ctx context.Context, id string, by Ending) (Credential, error) {
	return e.pause(ctx, id, by, Suspend, Active)
}

// ResumeKey has a suspended key accepted again.
func (e *Engine) ResumeKey(ctx context.Context, id string, by Ending) (Credential, error) {
	return e.pause(ctx, id, by, Resume, Suspended)
}

func (e *Engine) pause(ctx context.Context, id string, by Ending, kind Kind, from State) (Credential, error) {
	c, err := e.Credential(ctx, id)
	if err != nil {
		return c, err
	}
	d, err := e.driver(c.Gateway)
	if err != nil {
		return c, err
	}
	can, err := d.Capabilities(ctx)
	if err != nil {
		return c, err
	}
	if !can.Suspend {
		return c, apierror.Newf(apierror.NotImplemented, "gateway %s cannot suspend keys: %s", c.Gateway, can.Why["suspend"])
	}
	i := e.intent(kind, by.By)
	i.Reason = by.Reason
	c, err = e.begin(ctx, id, i, func(c Credential) error {
		if c.State != from {
			return apierror.Conflictf("credential %s is %s, not %s", id, c.State, from)
		}
		return matching(c, by.Secret)
	})
	if err != nil {
		return c, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	return e.carryOut(ctx, c, by.Secret)
}

// carryOut does what the intent of a credential says, proves it, and notes the outcome. Recovery calls it again.
func (e *Engine) carryOut(ctx context.Context, c Credential, secret sdk.Secret) (Credential, error) {
	i := *c.Intent
	d, err := e.driver(c.Gateway)
	if err != nil {
		return c, err
	}
	before := e.baseline(ctx, d, c, secret)
	began := e.now()
	if err := e.apply(ctx, d, c); err != nil {
		return e.notYet(ctx, c, i, err)
	}
	proof := Proof{}
	if i.Kind != Resume {
		proof = e.proveRefusal(ctx, d, c, secret, before, began)
	}
	c, err = e.end(ctx, c.ID, i, func(c *Credential) {
		c.State, c.Reason = i.outcome(), i.Reason
		if i.Kind == End {
			c.Ended, c.EndedBy = e.now(), i.By
		}
		if proof.By != "" {
			c.prove(proof)
		}
	})
	if err == nil {
		e.recordCredential(ctx, i.By, i.event(), c, proof.text(), nil)
	}
	return c, err
}

// outcome is the state of a credential after an intent.
func (i Intent) outcome() State {
	switch i.Kind {
	case Suspend:
		return Suspended
	case Resume:
		return Active
	}
	return i.To
}

func (i Intent) event() string {
	switch {
	case i.Kind == Suspend:
		return "key.suspend"
	case i.Kind == Resume:
		return "key.resume"
	case i.To == Expired:
		return "key.expire"
	}
	return "key.revoke"
}

// apply tells the gateway. All of it may be done again.
func (e *Engine) apply(ctx context.Context, d driver.Driver, c Credential) error {
	slots, ok := d.(driver.SlotRotator)
	if ok && c.Intent.Kind == End && c.Slot == "" && c.Replaces != "" {
		if err := e.endFormer(ctx, c); err != nil {
			return err
		}
	}
	release, err := e.alone(ctx, c.Gateway, c.App)
	if err != nil {
		return err
	}
	defer release()
	switch c.Intent.Kind {
	case Suspend, Resume:
		return d.SuspendKey(ctx, c.App, c.Key, c.Intent.Kind == Suspend)
	}
	if ok && c.Slot != "" {
		return slots.RetireSlot(ctx, c.App, c.Slot)
	}
	return d.RevokeKey(ctx, c.App, c.Key)
}

// endFormer ends the slot that a rotation has left, which goes with the key.
func (e *Engine) endFormer(ctx context.Context, c Credential) error {
	old, err := e.Credential(ctx, c.Replaces)
	if missing(err) || err == nil && old.State.ended() {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = e.Revoke(ctx, old.ID, Ending{By: c.Intent.By, Reason: "it shares the key of credential " + c.ID})
	return err
}

// notYet notes why an intent could not be carried out. What a gateway refuses for good is given up; a key that is not there
// has ended.
func (e *Engine) notYet(ctx context.Context, c Credential, i Intent, cause error) (Credential, error) {
	if c.Reason != message(cause) { // once, however often it is tried
		e.recordCredential(ctx, i.By, i.event(), c, "", cause)
	}
	if !definite(cause) {
		kept, err := e.replace(ctx, c.ID, i, func(c *Credential) { c.Reason, c.Intent.Lease = message(cause), e.now() })
		if err != nil {
			return c, err
		}
		return kept, apierror.Newf(apierror.ServiceUnavailable, "it is noted, and done as soon as the gateway can be reached: %s", message(cause))
	}
	kept, err := e.end(ctx, c.ID, i, func(c *Credential) {
		c.Reason = message(cause)
		if missing(cause) {
			c.State, c.Ended, c.Reason = Revoked, e.now(), "the gateway does not have it any more"
		}
	})
	if err != nil {
		return c, err
	}
	return kept, cause
}
