package lifecycle

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Options are what an engine is made of.
type Options struct {
	KV KV
	// Driver answers a gateway by its name; [sdk.ErrNotFound] when there is none.
	Driver func(gateway string) (driver.Driver, error)
	Gate   Gate
	Rules  Rules
	// HTTP is the way to the data planes, for probes; it must not follow redirects, which would carry keys away.
	HTTP *http.Client
	// Lock is mutual exclusion among hosts, given up after a time; [sdk.ErrConflict] when another has it. It may wait a
	// little. nil = within this engine.
	Lock func(ctx context.Context, name string, most time.Duration) (release func(), err error)
	// Record is told every event after it was kept; it must not fail what it is told of.
	Record func(context.Context, Event)
	Now    func() time.Time
	// Pause waits between probes; nil = for that time.
	Pause func(context.Context, time.Duration) error
}

// Rules bound what applications can have. Zero = no bound, or none by default.
type Rules struct {
	TTL, MaxTTL     time.Duration // of a key
	Grace, MaxGrace time.Duration // in which a rotated key goes on
	MaxKeys         int           // of one application for one API; rotations may double it
	Probe           time.Duration // how long a proof is sought; 0 = 10 s
	Keep            time.Duration // how long events, and what has ended, are kept; 0 = for ever
}

func (r Rules) keepRequest(v Request) time.Duration {
	if v.Status.open() {
		return 0
	}
	return r.Keep
}

func (r Rules) keepCredential(c Credential) time.Duration {
	if c.State.Alive() || c.Intent != nil {
		return 0
	}
	return r.Keep
}

// Engine runs the lives of keys. It has no state of its own: any number of engines may share a store. Its methods are safe
// for concurrent use.
type Engine struct {
	o           Options
	apps        table[App]
	requests    table[Request]
	credentials table[Credential]
	locks       sync.Map // names that are held, when there is no Options.Lock
}

// New makes an engine.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Rules.Probe == 0 {
		o.Rules.Probe = 10 * time.Second
	}
	return &Engine{
		o: o, apps: table[App]{kv: o.KV, prefix: appPrefix, noun: "application"},
		requests:    table[Request]{kv: o.KV, prefix: requestPrefix, noun: "access request", keep: o.Rules.keepRequest},
		credentials: table[Credential]{kv: o.KV, prefix: credentialPrefix, noun: "credential", keep: o.Rules.keepCredential},
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// now is a time that survives JSON.
func (e *Engine) now() time.Time { return e.o.Now().UTC().Truncate(time.Millisecond) }

func (e *Engine) driver(gateway string) (driver.Driver, error) { return e.o.Driver(gateway) }

const (
	// operationTime bounds the calls of one write, and leaseTime is after when others take it over. The difference is for
	// clocks that differ.
	operationTime = time.Minute
	leaseTime     = 2 * time.Minute
	// undoTime is how late a gateway may carry out what it was asked for.
	undoTime = 15 * time.Minute
	// countTime is for locks under which something is counted or looked up, and writeTime for those of writes at a gateway. A
	// process that dies leaves its locks for so long.
	countTime = 10 * time.Second
	writeTime = operationTime + 10*time.Second
)

// bounded is the context of a write that has begun: it goes on when the caller has left, but not for ever.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), operationTime)
}

func (e *Engine) lock(ctx context.Context, name string, most time.Duration) (func(), error) {
	if e.o.Lock != nil {
		release, err := e.o.Lock(ctx, name, most)
		if err != nil {
			return nil, err
		}
		return sync.OnceFunc(release), nil
	}
	if _, held := e.locks.LoadOrStore(name, true); held {
		return nil, apierror.Conflictf("%s is in use", name)
	}
	return sync.OnceFunc(func() { e.locks.Delete(name) }), nil
}

// sequence orders the ids of one millisecond of this process.
var sequence atomic.Uint32

// alone keeps writes about one application apart, on all hosts: some gateways keep what they know of an application in one
// document. A gateway that is busy with another write is as one that cannot be reached: it is done later.
func (e *Engine) alone(ctx context.Context, gateway string, app driver.AppID) (func(), error) {
	release, err := e.lock(ctx, "gateway/"+gateway+"/"+string(app), writeTime)
	if errors.Is(err, sdk.ErrConflict) {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "another change of application %s at gateway %s is under way", app, gateway)
	}
	return release, err
}

// newID is a UUID of version 7, so that ids sort by time.
func newID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[10:]) // never fails
	n := sequence.Add(1)
	binary.BigEndian.PutUint16(b[6:], uint16(n>>14&0xfff))
	binary.BigEndian.PutUint16(b[8:], uint16(n&0x3fff))
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())) // times after 1970
	copy(b[:6], ms[2:])
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newSecret has more than 200 bits of chance, in the characters that gateways take.
func newSecret() sdk.Secret { return sdk.Secret((rand.Text() + rand.Text())[:44]) }

func (e *Engine) intent(kind Kind, by string) Intent {
	now := e.now()
	return Intent{ID: newID(now), Kind: kind, By: by, Begun: now, Lease: now.Add(leaseTime)}
}

// begin leaves an intent in a credential, and answers it. What another has begun must have ended, or its lease be over.
func (e *Engine) begin(ctx context.Context, id string, i Intent, allowed func(Credential) error) (Credential, error) {
	if err := e.mark(ctx, credentialIntents, id, i.ID); err != nil {
		return Credential{}, err
	}
	c, err := e.credentials.update(ctx, id, func(c *Credential) error {
		if err := e.free(*c); err != nil {
			return err
		}
		if err := allowed(*c); err != nil {
			return err
		}
		c.Intent = &i
		return nil
	})
	if err != nil {
		_ = e.unmark(ctx, credentialIntents, id, i.ID) // a mark without an intent does no harm
	}
	return c, err
}

// free reports what is in the way of another write. The intents of an issue belong to recovery once their lease is over;
// the others may be overtaken then.
func (e *Engine) free(c Credential) error {
	switch {
	case c.Intent == nil:
		return nil
	case e.now().Before(c.Intent.Lease):
		return apierror.Conflictf("credential %s: %s is under way since %s", c.ID, c.Intent.Kind, c.Intent.Begun.Format(time.RFC3339))
	case c.Intent.Kind == Issue || c.Intent.Kind == Telling || c.Intent.Kind == Settle:
		return apierror.Conflictf("credential %s: its issue was interrupted, and is being undone", c.ID)
	}
	return nil
}

// end replaces an intent by its outcome. It fails with a conflict when the intent was taken over.
func (e *Engine) end(ctx context.Context, id string, i Intent, outcome func(*Credential)) (Credential, error) {
	c, err := e.replace(ctx, id, i, func(c *Credential) {
		c.Intent = nil
		outcome(c)
	})
	if err == nil {
		_ = e.unmark(ctx, credentialIntents, id, i.ID) // as in begin
	}
	return c, err
}

// replace changes a credential whose intent is still the one given.
func (e *Engine) replace(ctx context.Context, id string, i Intent, change func(*Credential)) (Credential, error) {
	return e.credentials.update(ctx, id, func(c *Credential) error {
		if !c.owned(i) {
			return apierror.Conflictf("credential %s: %s took too long, and was taken over", id, i.Kind)
		}
		change(c)
		return nil
	})
}

// definite reports whether a gateway has refused for good, rather than not having been reached.
func definite(err error) bool {
	for _, refusal := range []error{sdk.ErrNotFound, sdk.ErrInput, sdk.ErrNotImplemented, sdk.ErrConflict} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// message is the text of an error without its name.
func message(err error) string { return rpcerror.Message(err) }
