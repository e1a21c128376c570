package supervise

import (
	"context"
	"time"
)

// Lease is one use of the current instance. While it is held, a swap or a stop waits for it, up to the policy's grace.
type Lease struct{ of *serving }

// Instance is what was leased.
func (l Lease) Instance() Instance { return l.of.instance }

// Release ends the use. It is called once.
func (l Lease) Release() { l.of.gate.leave() }

// Acquire leases the current instance. While one is on its way it waits, up to the policy's hold; otherwise, and then,
// the error is an [Unavailable]. On the way of a request that can be served it costs two atomic operations.
func (s *Supervisor) Acquire(ctx context.Context) (Lease, error) {
	if now := s.serving.Load(); now != nil && now.gate.enter() {
		return Lease{now}, nil
	}
	hold := time.NewTimer(s.policy.Hold)
	defer hold.Stop()
	for {
		v := s.view.Load()
		// The view is older than the pointer: whatever moves the pointer outdates this view afterwards.
		if now := s.serving.Load(); now != nil && now.gate.enter() {
			return Lease{now}, nil
		}
		if !v.snapshot.State.transient() {
			return Lease{}, s.unavailable(v.snapshot)
		}
		select {
		case <-v.outdated:
		case <-hold.C:
			return Lease{}, s.unavailable(v.snapshot)
		case <-ctx.Done():
			return Lease{}, ctx.Err()
		}
	}
}

// Current is the current instance without a lease, for callers who count their uses themselves. It answers at once.
func (s *Supervisor) Current() (Instance, error) {
	if now := s.serving.Load(); now != nil {
		return now.instance, nil
	}
	return nil, s.unavailable(s.view.Load().snapshot)
}

func (s *Supervisor) unavailable(shown Snapshot) *Unavailable {
	u := &Unavailable{Plugin: s.plugin, State: shown.State, Reason: shown.Reason}
	switch shown.State {
	case Starting, Ready, Degraded, Crashed, Discovered, Verified:
		u.RetryAfter = time.Second
	case Backoff:
		u.RetryAfter = max(time.Until(shown.Retry), time.Second)
	}
	return u
}
