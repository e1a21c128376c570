package drivertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// MemoryOptions say what a gateway in memory is like.
type MemoryOptions struct {
	Name string
	// Now is the gateway's clock; nil = the time of day.
	Now func() time.Time
	// Without takes capabilities away, by their JSON name: "suspend", "keyTTL", "rotateDual", "ownSecret", "plans", "quotaRead".
	Without []string
	// TellsAgain: the secret of a key is told again to the operation that made it.
	TellsAgain bool
}

// Call is one call of a [Memory]'s methods, for its knobs.
type Call struct {
	Method    string // "IssueKey"
	App       driver.AppID
	Key       driver.KeyID
	Operation string
}

// Memory is a gateway in memory, with the driver for it and a data plane (see [Memory.ServeHTTP]).
type Memory struct {
	options MemoryOptions

	// Before and After are called around the effect of each call: an error of Before is one of a gateway that was not
	// reached, an error of After is that of an answer that was lost. They may block. Set them before the gateway is used.
	Before, After func(context.Context, Call) error

	mu    sync.Mutex
	apis  []driver.API
	plans []driver.Plan
	apps  map[driver.AppID]*memoryApp
	keys  map[driver.KeyID]*memoryKey
	next  int
}

type memoryApp struct {
	driver.App

	granted map[driver.APIID]driver.PlanID
	used    map[driver.APIID]int64
	since   map[driver.APIID]time.Time // when the window of used began
}

type memoryKey struct {
	driver.Key

	api     driver.APIID
	secret  sdk.Secret
	revoked bool
}

// NewMemory makes a gateway that serves the APIs "orders" and "billing" under the plans "bronze" and "gold".
func NewMemory(o MemoryOptions) *Memory {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Memory{
		options: o, apps: map[driver.AppID]*memoryApp{}, keys: map[driver.KeyID]*memoryKey{},
		apis: []driver.API{
			{ID: "billing", Name: "Billing", BaseURL: "http://gateway.example/billing", Plans: []driver.PlanID{"gold"}},
			{ID: "orders", Name: "Orders", BaseURL: "http://gateway.example/orders", Plans: []driver.PlanID{"bronze", "gold"}},
		},
		plans: []driver.Plan{
			{ID: "bronze", Name: "Bronze", Description: "For trying out", Limits: []driver.Limit{{Requests: 100, Window: time.Minute}}},
			{ID: "gold", Name: "Gold", Description: "For production", Limits: []driver.Limit{{Requests: 10_000, Window: time.Minute}}},
		},
	}
}

// call surrounds an effect with the knobs. No call waits for another's knobs.
func (m *Memory) call(ctx context.Context, c Call, effect func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Before != nil {
		if err := m.Before(ctx, c); err != nil {
			return err
		}
	}
	m.mu.Lock()
	err := effect()
	m.mu.Unlock()
	if m.After != nil {
		if lost := m.After(ctx, c); lost != nil {
			return lost
		}
	}
	return err
}

// without reports an error when a capability was taken away.
func (m *Memory) without(capability string) error {
	if slices.Contains(m.options.Without, capability) {
		return apierror.Newf(apierror.NotImplemented, "gateway %s: no %s", m.options.Name, capability)
	}
	return nil
}

// Capabilities implements [driver.Driver].
func (m *Memory) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	has := func(name string) bool { return m.without(name) == nil }
	c := driver.Capabilities{
		APIs: true, Publish: has("publish"), Plans: has("plans"), Keys: has("keys"), KeyTTL: has("keyTTL"), OwnSecret: has("ownSecret"),
		RotateDual: has("rotateDual"), Suspend: has("suspend"), QuotaRead: has("quotaRead"), Why: map[string]string{},
	}
	for _, name := range m.options.Without {
		c.Why[name] = "taken away"
	}
	return c, m.call(ctx, Call{Method: "Capabilities"}, func() error { return nil })
}

// Health implements [driver.Driver].
func (m *Memory) Health(ctx context.Context) error {
	return m.call(ctx, Call{Method: "Health"}, func() error { return nil })
}

// APIs implements [driver.Driver].
func (m *Memory) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	return streamed(ctx, m, Call{Method: "APIs"}, func() ([]driver.API, error) { return slices.Clone(m.apis), nil })
}

// Plans implements [driver.Driver].
func (m *Memory) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return streamed(ctx, m, Call{Method: "Plans"}, func() ([]driver.Plan, error) { return slices.Clone(m.plans), m.without("plans") })
}

// streamed answers what a list is at one moment.
func streamed[T any](ctx context.Context, m *Memory, c Call, list func() ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []T
		if err := m.call(ctx, c, func() (err error) { all, err = list(); return err }); err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Publish implements [driver.Driver].
func (m *Memory) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	a := driver.API{ID: p.ID, Name: p.Name, BaseURL: "http://gateway.example/" + string(p.ID), Tags: p.Tags}
	err := m.call(ctx, Call{Method: "Publish"}, func() error {
		if err := m.without("publish"); err != nil {
			return err
		}
		m.apis = append(slices.DeleteFunc(m.apis, func(other driver.API) bool { return other.ID == p.ID }), a)
		return nil
	})
	return a, err
}

// EnsureConsumer implements [driver.Driver].
func (m *Memory) EnsureConsumer(ctx context.Context, a driver.App) error {
	return m.call(ctx, Call{Method: "EnsureConsumer", App: a.ID}, func() error {
		if m.apps[a.ID] == nil {
			m.apps[a.ID] = &memoryApp{App: a, granted: map[driver.APIID]driver.PlanID{}, used: map[driver.APIID]int64{}, since: map[driver.APIID]time.Time{}}
		}
		return nil
	})
}

func (m *Memory) app(id driver.AppID) (*memoryApp, error) {
	if a := m.apps[id]; a != nil {
		return a, nil
	}
	return nil, apierror.NotFoundf("gateway %s: no application %s", m.options.Name, id)
}

// SetPlan implements [driver.Driver].
func (m *Memory) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	return m.call(ctx, Call{Method: "SetPlan", App: app}, func() error {
		if plan == "" {
			if a := m.apps[app]; a != nil {
				delete(a.granted, api)
			}
			return nil
		}
		a, err := m.app(app)
		if err == nil {
			err = m.without("plans")
		}
		if err == nil && !slices.ContainsFunc(m.plans, func(p driver.Plan) bool { return p.ID == plan }) {
			err = apierror.NotFoundf("gateway %s: no plan %s", m.options.Name, plan)
		}
		if err == nil {
			a.granted[api] = plan
		}
		return err
	})
}

// IssueKey implements [driver.Driver].
func (m *Memory) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	var issued driver.IssuedKey
	err := m.call(ctx, Call{Method: "IssueKey", App: r.App, Operation: r.Operation}, func() error {
		if err := m.without("keys"); err != nil {
			return err
		}
		if _, err := m.app(r.App); err != nil {
			return err
		}
		for _, k := range m.keys {
			if k.Operation == r.Operation && !k.revoked {
				issued = driver.IssuedKey{Key: k.Key}
				if m.options.TellsAgain {
					issued.Secret = k.secret
				}
				return nil
			}
		}
		k := m.made(r)
		issued = driver.IssuedKey{Key: k.Key, Secret: k.secret}
		return nil
	})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return issued, nil
}

func (m *Memory) made(r driver.KeyRequest) *memoryKey {
	m.next++
	k := &memoryKey{api: r.API, secret: r.Secret, Key: driver.Key{
		ID: driver.KeyID(fmt.Sprintf("key-%d", m.next)), App: r.App, Operation: r.Operation, Label: r.Label, Created: m.options.Now(),
	}}
	if m.without("ownSecret") != nil || k.secret == "" {
		k.secret = sdk.Secret("memory" + rand.Text())
	}
	if m.without("keyTTL") == nil {
		k.Expires = r.Expires
	}
	k.Prefix = k.secret.Reveal()[:min(6, len(k.secret))]
	m.keys[k.ID] = k
	return k
}

// Foreign makes a key as somebody with the gateway's console would.
func (m *Memory) Foreign(app driver.AppID) driver.KeyID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.made(driver.KeyRequest{App: app}).ID
}

// RevokeKey implements [driver.Driver].
func (m *Memory) RevokeKey(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	return m.call(ctx, Call{Method: "RevokeKey", App: app, Key: key}, func() error {
		if k := m.keys[key]; k != nil && k.App == app {
			k.revoked = true
		}
		return nil
	})
}

// SuspendKey implements [driver.Driver].
func (m *Memory) SuspendKey(ctx context.Context, app driver.AppID, key driver.KeyID, suspended bool) error {
	return m.call(ctx, Call{Method: "SuspendKey", App: app, Key: key}, func() error {
		if err := m.without("suspend"); err != nil {
			return err
		}
		k := m.keys[key]
		if k == nil || k.App != app || k.revoked {
			return apierror.NotFoundf("gateway %s: application %s has no key %s", m.options.Name, app, key)
		}
		k.Suspended = suspended
		return nil
	})
}

// Keys implements [driver.Driver].
func (m *Memory) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return streamed(ctx, m, Call{Method: "Keys", App: app}, func() ([]driver.Key, error) {
		var found []driver.Key
		for _, k := range m.keys {
			if !k.revoked && (app == "" || k.App == app) {
				found = append(found, k.Key)
			}
		}
		slices.SortFunc(found, func(a, b driver.Key) int { return cmp.Compare(a.ID, b.ID) })
		return found, m.without("keys")
	})
}

// PlanOf implements [driver.PlanReader].
func (m *Memory) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	var plan driver.PlanID
	err := m.call(ctx, Call{Method: "PlanOf", App: app}, func() error {
		if a := m.apps[app]; a != nil {
			plan = a.granted[api]
		}
		return m.without("plans")
	})
	return plan, err
}

var (
	_ driver.Driver     = (*Memory)(nil)
	_ driver.PlanReader = (*Memory)(nil)
)
