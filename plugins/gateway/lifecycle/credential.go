package lifecycle

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// Credential is one key of an application, from before it exists at the gateway until after it has gone.
type Credential struct {
	// ID is a UUID, and the operation that the gateway keeps beside the key.
	ID      string        `json:"id"`
	App     driver.AppID  `json:"app"`
	Gateway string        `json:"gateway"`
	API     driver.APIID  `json:"api"`
	Plan    driver.PlanID `json:"plan,omitempty"`
	Label   string        `json:"label"`

	Key    driver.KeyID `json:"key,omitempty"` // at the gateway
	Prefix string       `json:"prefix,omitempty"`
	Hash   string       `json:"hash,omitempty"` // SHA-256 of the secret, hexadecimal

	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"` // for the state, where it needs one
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"createdBy"`
	Expires   time.Time `json:"expires,omitzero"`
	Retires   time.Time `json:"retires,omitzero"` // end of the grace after a rotation
	Ended     time.Time `json:"ended,omitzero"`
	EndedBy   string    `json:"endedBy,omitempty"`

	Replaces   string        `json:"replaces,omitempty"` // credential that this one was rotated from
	ReplacedBy string        `json:"replacedBy,omitempty"`
	Grace      time.Duration `json:"grace,omitempty"` // that the replaced one is given
	// Slot is the key with which the other slot is retired, where the rotation renewed a slot: see [driver.SlotRotator].
	Slot driver.KeyID `json:"slot,omitempty"`

	Proofs []Proof `json:"proofs,omitempty"`
	Intent *Intent `json:"intent,omitempty"` // what is being done; nil = nothing
}

// State is where a credential is in its life.
type State string

// The states. Those after Retiring are ends.
const (
	Issuing   State = "issuing"
	Active    State = "active"
	Suspended State = "suspended"
	Retiring  State = "retiring" // replaced, and accepted until the grace is over
	Revoked   State = "revoked"
	Expired   State = "expired"
	Failed    State = "failed" // it was never told to anybody
)

func (s State) ended() bool { return s == Revoked || s == Expired || s == Failed }

// Alive reports whether requests with the key are, or may soon be, let in.
func (s State) Alive() bool { return !s.ended() }

// Intent is a write at the gateway that has begun.
type Intent struct {
	ID    string    `json:"id"`
	Kind  Kind      `json:"kind"`
	By    string    `json:"by"`
	Begun time.Time `json:"begun"`
	// Lease is until when whoever began it is expected to end it. Then it is anybody's.
	Lease  time.Time `json:"lease"`
	To     State     `json:"to,omitempty"` // of an ending: Revoked or Expired
	Reason string    `json:"reason,omitempty"`
}

// Kind is what is being done.
type Kind string

// The kinds. An issue goes through three: a key is asked for, its secret is being told, and it has been told.
const (
	Issue   Kind = "issue"
	Telling Kind = "telling"
	Settle  Kind = "settle"
	Undo    Kind = "undo" // what an issue that failed may have left, or may leave yet
	Suspend Kind = "suspend"
	Resume  Kind = "resume"
	End     Kind = "end"
)

// Proof is when and how it was seen that a key is refused.
type Proof struct {
	Of       State         `json:"of"`
	At       time.Time     `json:"at"`
	Took     time.Duration `json:"took"` // since the gateway was told, in nanoseconds
	Attempts int           `json:"attempts"`
	// By is "request" for one through the gateway, "management" for the gateway's own word.
	By     string  `json:"by"`
	Result Outcome `json:"result"`
	Detail string  `json:"detail,omitempty"`
}

// Outcome is what a proof has found.
type Outcome string

// The outcomes.
const (
	Refused  Outcome = "refused"
	Accepted Outcome = "accepted" // still, when the time for proving was over
	Unknown  Outcome = "unknown"
)

// maxProofs bounds what a document keeps of keys that are suspended and resumed many times.
const maxProofs = 10

func (c *Credential) prove(p Proof) {
	if c.Proofs = append(c.Proofs, p); len(c.Proofs) > maxProofs {
		c.Proofs = c.Proofs[len(c.Proofs)-maxProofs:]
	}
}

// owned reports whether an intent is still the one that was begun.
func (c *Credential) owned(i Intent) bool { return c.Intent != nil && c.Intent.ID == i.ID }

// due is when something is to be done by itself; zero = never.
func (c *Credential) due() time.Time {
	switch {
	case c.State.ended():
		return time.Time{}
	case c.Retires.IsZero() || !c.Expires.IsZero() && c.Expires.Before(c.Retires):
		return c.Expires
	}
	return c.Retires
}

// Matches reports whether a secret is the key's.
func (c *Credential) Matches(secret sdk.Secret) bool {
	return c.Hash != "" && subtle.ConstantTimeCompare([]byte(c.Hash), []byte(hashed(secret))) == 1
}

func hashed(secret sdk.Secret) string {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return hex.EncodeToString(sum[:])
}

// Credential answers one credential.
func (e *Engine) Credential(ctx context.Context, id string) (Credential, error) {
	c, _, err := e.credentials.get(ctx, id)
	return c, err
}

// Credentials answers the credentials of an application, the newest first.
func (e *Engine) Credentials(ctx context.Context, app driver.AppID) ([]Credential, error) {
	found := []Credential{}
	for c, err := range e.credentials.indexed(ctx, byAppPrefix+string(app)+"/") {
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b Credential) int { return strings.Compare(b.ID, a.ID) })
	return found, nil
}
