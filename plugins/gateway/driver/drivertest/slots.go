package drivertest

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Slots is a [Memory] whose keys have two slots each, as subscriptions of Azure API Management do.
type Slots struct {
	*Memory

	former map[driver.KeyID]*former // guarded by Memory.mu
}

// former is the slot that a rotation leaves to be retired.
type former struct {
	operation string
	before    string     // operation of the slot
	secret    sdk.Secret // "" = retired
}

// NewSlots makes one.
func NewSlots(o MemoryOptions) *Slots {
	return &Slots{Memory: NewMemory(o), former: map[driver.KeyID]*former{}}
}

// RotateKey implements [driver.SlotRotator].
func (s *Slots) RotateKey(ctx context.Context, app driver.AppID, key driver.KeyID, operation string) (driver.IssuedKey, error) {
	var issued driver.IssuedKey
	err := s.call(ctx, Call{Method: "RotateKey", App: app, Key: key, Operation: operation}, func() error {
		k := s.keys[key]
		if k == nil || k.App != app || k.revoked {
			return apierror.NotFoundf("gateway %s: application %s has no key %s", s.options.Name, app, key)
		}
		issued.Key = k.Key
		if was := s.former[key]; was != nil && was.operation == operation {
			return nil
		}
		s.former[key] = &former{operation, k.Operation, k.secret}
		k.secret = sdk.Secret("memory" + rand.Text())
		k.Prefix, k.Operation = k.secret.Reveal()[:6], operation
		issued = driver.IssuedKey{Key: k.Key, Secret: k.secret}
		return nil
	})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return issued, nil
}

// RetireSlot implements [driver.SlotRotator].
func (s *Slots) RetireSlot(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	return s.call(ctx, Call{Method: "RetireSlot", App: app, Key: key}, func() error {
		if was := s.former[key]; was != nil {
			was.secret = ""
		}
		return nil
	})
}

// CancelRotation implements [driver.SlotRotator].
func (s *Slots) CancelRotation(ctx context.Context, app driver.AppID, key driver.KeyID, operation string) error {
	return s.call(ctx, Call{Method: "CancelRotation", App: app, Key: key, Operation: operation}, func() error {
		k, was := s.keys[key], s.former[key]
		if k == nil || k.App != app || was == nil || was.operation != operation || was.secret == "" {
			return nil
		}
		k.secret, k.Operation, k.Prefix = was.secret, was.before, was.secret.Reveal()[:6]
		delete(s.former, key)
		return nil
	})
}

// ServeHTTP is the data plane, which accepts both slots.
func (s *Slots) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	presented := r.Header.Get(keyHeader)
	s.mu.Lock()
	for key, was := range s.former {
		if was.secret != "" && was.secret.Reveal() == presented {
			presented = s.keys[key].secret.Reveal()
		}
	}
	s.mu.Unlock()
	r = r.Clone(r.Context())
	r.Header.Set(keyHeader, presented)
	s.Memory.ServeHTTP(w, r)
}

var _ driver.SlotRotator = (*Slots)(nil)
