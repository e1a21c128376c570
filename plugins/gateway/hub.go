package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/plugins/gateway/kong/manager"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/plugins/gateway/usage"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// hub is the gateways of the present settings, and the engine over them.
type hub struct {
	settings settings
	gateways map[string]*instance
	order    []string
	engine   *lifecycle.Engine
	kongs    manager.Config

	ctx     context.Context //nolint:containedctx // it is the life of what the gateways run, and ends with it
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// instance is one gateway.
type instance struct {
	gatewaySettings

	driver    driver.Driver
	usage     *usage.Source // nil = its metrics are not known
	directory directory
	state     state
}

func (g *plugin) newHub(s settings) (*hub, error) {
	h := &hub{settings: s, gateways: map[string]*instance{}, kongs: manager.Config{Operators: s.Operators, ByPolicy: s.Permissions}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	rules, err := newGate(s.Policy)
	if err != nil {
		return nil, err
	}
	for _, one := range s.Gateways {
		i, err := g.newInstance(one, s)
		if err != nil {
			return nil, fmt.Errorf("gateway %s: %w", one.Name, err)
		}
		h.gateways[one.Name] = i
		if one.Type == "kong" {
			h.kongs.Instances = append(h.kongs.Instances, one.kong(g.surroundings(s)))
		}
		h.order = append(h.order, one.Name)
	}
	h.engine = lifecycle.New(lifecycle.Options{
		KV: g.host.KV, Driver: h.driver, Gate: rules, HTTP: g.outgoing(s.Timeout.Std()), Lock: g.lock, Record: g.record, Now: g.now,
		Rules: lifecycle.Rules{
			TTL: s.Keys.TTL.Std(), MaxTTL: s.Keys.MaxTTL.Std(), Grace: s.Keys.Grace.Std(), MaxGrace: s.Keys.MaxGrace.Std(),
			MaxKeys: s.Keys.Max, Probe: s.Keys.Proof.Std(), Keep: s.History.Std(),
		},
	})
	return h, nil
}

func (g *plugin) newInstance(s gatewaySettings, all settings) (*instance, error) {
	k, ok := kinds[s.Type]
	if !ok {
		return nil, apierror.Inputf("type: %q is none", s.Type)
	}
	d, err := k.make(s, g.surroundings(all))
	if err != nil {
		return nil, err
	}
	i := &instance{gatewaySettings: s, driver: d}
	i.directory.now, i.state.now = g.now, g.now
	if s.Usage == nil {
		return i, nil
	}
	name := s.Usage.Profile
	if name == "" {
		name = k.profile
	}
	if name == "" {
		return nil, apierror.Inputf("usage.profile: a gateway of the type %s has no metrics of its own: say how they are called", s.Type)
	}
	profile, err := usage.ProfileOf(name)
	if err != nil {
		return nil, err
	}
	i.usage, err = usage.New(usage.Options{
		Name: s.Name, URL: s.Usage.URL, HTTP: g.outgoing(all.Timeout.Std()), Profile: profile, Match: s.Usage.Match,
		Scrape: s.Usage.Scrape.Std(), Token: s.Usage.Token, Username: s.Usage.Username, Password: s.Usage.Password, Now: g.now,
	})
	return i, err
}

func (g *plugin) surroundings(s settings) surroundings {
	return surroundings{http: g.outgoing(s.Timeout.Std()), store: g.host.KV, metrics: g.metrics, now: g.now}
}

// gateway answers one by its name.
func (h *hub) gateway(name string) (*instance, error) {
	if i := h.gateways[name]; i != nil {
		return i, nil
	}
	return nil, apierror.NotFoundf("there is no gateway %q", name)
}

func (h *hub) driver(name string) (driver.Driver, error) {
	i, err := h.gateway(name)
	if err != nil {
		return nil, err
	}
	return i.driver, nil
}

// run starts what gateways do by themselves.
func (h *hub) run() {
	for _, i := range h.gateways {
		if d, ok := i.driver.(*forwardauth.Driver); ok {
			h.running.Go(func() { d.Run(h.ctx) })
		}
	}
}

// close ends it, and waits.
func (h *hub) close() {
	h.cancel()
	h.running.Wait()
}

// authorizer is the driver that a gateway which asks is answered by; nil = there is none of that name.
func (g *plugin) authorizer(name string) *forwardauth.Driver {
	h := g.hub.Load()
	if h == nil {
		return nil
	}
	if i := h.gateways[name]; i != nil {
		d, _ := i.driver.(*forwardauth.Driver)
		return d
	}
	return nil
}

// lock is a lease of the host's. Who comes second waits a moment: what it is held for takes as long as a few reads.
func (g *plugin) lock(ctx context.Context, name string, most time.Duration) (func(), error) {
	for n := 1; ; n++ {
		lease, err := g.host.Locks.Acquire(ctx, name, most)
		if err == nil {
			return func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
				defer cancel()
				_ = lease.Release(ctx) // it ends by itself
			}, nil
		}
		if !errors.Is(err, sdk.ErrConflict) {
			return nil, err
		}
		if n == 20 {
			return nil, apierror.Conflictf("somebody else is at it: try again")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
