package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// mounted is what a plugin has in the host at present. It is guarded by plugin.admitting.
type mounted struct {
	detach []func()
	relay  *relay.Relay // nil without routes of its own
	// routes, names and announced are what the mounts were made for.
	routes, names, announced string
	providers                []*caps.EntityProvider
}

// mount puts what a manifest announces into the host: routes and catalog extensions, which answer that the plugin is not
// available while it is not. Mounts that are there already stay as they are, so a swap of versions that announce the same
// is not noticed by anyone.
func (p *plugin) mount(ctx context.Context, m *manifest.Manifest) error {
	if err := p.mountRoutes(m, true); err != nil {
		return fmt.Errorf("its routes cannot be mounted: %w", err)
	}
	names := announcement(m.Provides)
	if p.mounted.names == names {
		return nil
	}
	if err := p.mountCatalog(ctx, m); err != nil {
		return err
	}
	p.mounted.names = names
	return nil
}

// settle brings what is mounted and announced in step with what serves now. A version that did not become ready has
// changed nothing. It answers false when it should be tried again.
func (p *plugin) settle(ctx context.Context) bool {
	p.admitting.Lock()
	defer p.admitting.Unlock()
	live, err := p.supervisor.Current()
	if err != nil {
		if !p.supervisor.Snapshot().State.Passing() {
			p.withdraw(ctx, false)
			if f := p.facts.Load(); f != nil && f.refusal != nil {
				p.place(ctx, f)
			}
		}
		return true
	}
	f := live.(*instance).facts //nolint:forcetypeassert // start makes no others
	m := f.manifest()
	if err := p.mount(ctx, m); err != nil {
		p.log.Error("what the plugin announces cannot be mounted", "version", m.Version, "error", err)
	}
	if err := p.announce(ctx, f); err != nil {
		p.log.Error("what the plugin announces cannot be taken; it will be tried again", "version", m.Version, "error", err)
		return false
	}
	return true
}

// announce tells the engines that take more than routes and the catalog, once for each release that serves.
func (p *plugin) announce(ctx context.Context, f *facts) error {
	key := announcement([]string{p.mounted.names, f.code, f.settings})
	if key == p.mounted.announced {
		return nil
	}
	for _, x := range p.host.o.Extensions {
		if err := x.Announce(ctx, f.manifest(), p); err != nil {
			return err
		}
	}
	p.mounted.announced = key
	return nil
}

// withdraw takes back what was announced.
func (p *plugin) withdraw(ctx context.Context, forget bool) {
	if p.mounted.announced == "" && !forget {
		return
	}
	p.mounted.announced = ""
	for _, x := range slices.Backward(p.host.o.Extensions) {
		if err := x.Withdraw(ctx, p.id, forget); err != nil {
			p.log.Error("what the plugin brought could not be taken out", "error", err)
		}
	}
}

// announcement is a text that differs when what is announced does.
func announcement(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// mountRoutes attaches the plugin's prefix. Of a plugin that may not run nothing is open beyond what is by default.
func (p *plugin) mountRoutes(m *manifest.Manifest, open bool) error {
	key := ""
	if m.Provides.HTTP != nil || p.permits(m) {
		key = announcement([]any{open, m.Provides.HTTP, p.permits(m), m.Needs.Limits.WithDefaults(), m.Needs.OnBehalfOf})
	}
	if key == p.mounted.routes {
		return nil
	}
	if key == "" {
		p.unmountRoutes()
		return nil
	}
	f, serve, carrier := httpx.Feature{ID: string(p.id), Routes: p.permissionRoutes(m)}, noRoutes, (*relay.Relay)(nil)
	var facades []facade
	if m.Provides.HTTP != nil {
		if open {
			f.Policies = policies(m.Provides.HTTP)
		}
		f.BodyLimit = int64(m.Needs.Limits.WithDefaults().RequestBody)
		carrier = p.newRelay(m)
		serve = carrier.Serve
		facades = facadesOf(m.Provides.HTTP, f)
	}
	detach, err := p.host.o.Edge.Attach(f, serve)
	if err != nil {
		if carrier != nil {
			carrier.Close()
		}
		return err
	}
	attached := append([]func(){detach}, p.attachFacades(facades, serve)...)
	p.unmountRoutes() // those before, which the new ones have replaced at the edge
	p.mounted.detach, p.mounted.relay, p.mounted.routes = attached, carrier, key
	return nil
}

func (p *plugin) newRelay(m *manifest.Manifest) *relay.Relay {
	o := p.host.o.Relay
	o.Plugin, o.Target, o.Logger = p.id, target{p.supervisor}, p.bare
	o.Limits.RequestTimeout = m.Needs.Limits.WithDefaults().RequestTimeout
	if !m.Needs.OnBehalfOf {
		o.UserToken = nil
	}
	return relay.New(o)
}

func policies(h *manifest.HTTP) (all []httpx.Policy) {
	for _, path := range h.Unauthenticated {
		all = append(all, httpx.Policy{Path: path, Allow: httpx.AllowUnauthenticated})
	}
	for _, path := range h.UserCookie {
		all = append(all, httpx.Policy{Path: path, Allow: httpx.AllowUserCookie})
	}
	return all
}

func (p *plugin) unmountRoutes() {
	for _, detach := range p.mounted.detach {
		detach()
	}
	if p.mounted.relay != nil {
		p.mounted.relay.Close()
	}
	p.mounted.detach, p.mounted.relay, p.mounted.routes = nil, nil, ""
}

func (p *plugin) mountCatalog(ctx context.Context, m *manifest.Manifest) error {
	var x catalog.Extension
	var lock caps.Lock
	if locks := p.host.o.Backend.Locks; locks != nil {
		lock = locks
	}
	p.mounted.providers = nil
	for _, name := range m.Provides.Catalog.Providers {
		provider := caps.Provider(p.id, name, p, caps.ProviderOptions{Lock: lock, Logger: p.bare})
		p.mounted.providers = append(p.mounted.providers, provider)
		x.Providers = append(x.Providers, provider)
	}
	for _, name := range m.Provides.Catalog.Processors {
		x.Processors = append(x.Processors, caps.Processor(p.id, name, p, caps.ProcessorOptions{Logger: p.bare}))
	}
	x.Annotations = m.Provides.Catalog.Annotations
	return p.host.o.Catalog.Extend(ctx, sourceName(p.id), x)
}

// unmount takes out what the plugin has in the host. forget = it does not come back.
func (p *plugin) unmount(ctx context.Context, forget bool) {
	p.admitting.Lock()
	defer p.admitting.Unlock()
	p.unmountAll(ctx, forget)
}

func (p *plugin) unmountAll(ctx context.Context, forget bool) {
	p.unmountRoutes()
	p.unmountCatalog(ctx, forget)
}

func (p *plugin) unmountCatalog(ctx context.Context, forget bool) {
	p.withdraw(ctx, forget)
	if p.mounted.names == "" && !forget {
		return
	}
	if err := p.host.o.Catalog.Retract(ctx, sourceName(p.id), forget); err != nil {
		p.log.Error("what the plugin brought could not be taken out", "error", err)
	}
	p.mounted.names, p.mounted.providers = "", nil
}

// Client implements [caps.Source].
func (p *plugin) Client(context.Context) (*caps.Client, error) {
	live, err := p.supervisor.Current()
	if err != nil {
		return nil, unavailable(err)
	}
	return live.(*instance).client, nil //nolint:forcetypeassert // start makes no others
}

// target is a plugin as its relay sees it.
type target struct{ supervisor *supervise.Supervisor }

// Acquire implements [relay.Target].
func (t target) Acquire(ctx context.Context) (relay.Instance, error) {
	lease, err := t.supervisor.Acquire(ctx)
	if err == nil {
		return leased{lease}, nil
	}
	u, ok := errors.AsType[*supervise.Unavailable](err)
	if !ok {
		return nil, err
	}
	named, _ := errors.AsType[*apierror.Error](unavailable(err))
	return nil, &relay.Refusal{Err: named, RetryAfter: u.RetryAfter}
}

// leased is one use of an instance. Two of the same instance are equal, as the relay needs it.
type leased struct{ supervise.Lease }

// Dial implements [relay.Instance].
func (l leased) Dial(ctx context.Context) (net.Conn, error) {
	return l.Instance().(*instance).process.Dial(ctx, launch.SocketHTTP) //nolint:forcetypeassert // start makes no others
}

// unavailable is what callers of a plugin see. The reason may hold what its process wrote, so only operators see that.
func unavailable(err error) error {
	u, ok := errors.AsType[*supervise.Unavailable](err)
	if !ok {
		return err
	}
	named := apierror.Newf(apierror.ServiceUnavailable, "Plugin '%s' is not available: %s", u.Plugin, words[u.State])
	named.Fields = map[string]any{"plugin": u.Plugin, "state": string(u.State)}
	return named
}

// words say to callers what a state means for them.
var words = map[supervise.State]string{
	supervise.Discovered: "it is being looked at", supervise.Verified: "it is being looked at",
	supervise.Broken:        "its files are broken",
	supervise.Rejected:      "it is not allowed to run here",
	supervise.NeedsApproval: "it waits for the approval of an operator",
	supervise.NeedsConfig:   "its settings are missing or wrong",
	supervise.Starting:      "it is starting",
	supervise.Ready:         "it is being replaced", supervise.Degraded: "it is being replaced",
	supervise.Crashed: "it has ended unexpectedly and is started again", supervise.Backoff: "it has ended unexpectedly and is started again",
	supervise.Failed:   "it has failed too often and waits for an operator",
	supervise.Draining: "it is being stopped", supervise.Stopped: "it is stopped",
}

// secret answers a secret setting as it is configured now.
func (p *plugin) secret(name string) (string, error) {
	f := p.facts.Load()
	if f == nil || f.schema == nil {
		return "", apierror.NotFoundf("Plugin %s has no secret setting %q", p.id, name)
	}
	text, ok := f.schema.secret(f.entry.Values, name)
	if !ok {
		return "", apierror.NotFoundf("Plugin %s has no secret setting %q", p.id, name)
	}
	return text, nil
}
