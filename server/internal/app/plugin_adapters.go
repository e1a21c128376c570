package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/egress"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/principal"
)

// Adapters in this file are what stands behind the host services of plugins: see hostsvc.Backend. A plugin is the service
// principal "plugin:<id>" there, with no more than its approved needs, which hostsvc has checked.

// pluginBackend is everything that the features of this host offer to plugins. Trigger asks one of a plugin's providers
// for an early refresh. Secrets are left to the plugin host, which has the settings.
type pluginBackend struct {
	auth       *auth.Service
	catalog    *catalog.Engine
	permission *permission.Engine
	events     *events.Bus
	scheduler  hostsvc.Scheduler
	store      *hostsvc.Store
	taskFiles  *hostsvc.TaskFiles
	trigger    func(ctx context.Context, plugin manifest.ID, provider string) error
}

func (b pluginBackend) services() hostsvc.Backend {
	return hostsvc.Backend{
		Auth: pluginIdentity{b.auth},
		Catalog: pluginCatalog{
			reader: catalog.Reader{Index: b.catalog.Index(), Authorizer: b.permission}, engine: b.catalog, trigger: b.trigger,
		},
		KV: b.store, Cache: hostsvc.NewCache(nil), Scheduler: b.scheduler, Events: pluginEvents{b.events},
		Permission: pluginPermission{auth: b.auth, engine: b.permission}, Locks: b.store, Audit: b.store,
		Discovery: pluginDiscovery{b.auth.Discovery()}, Workspaces: b.taskFiles,
	}
}

// pluginIdentity issues and verifies tokens for plugins, whose keys the host holds.
type pluginIdentity struct{ auth *auth.Service }

// PluginToken issues a token of the plugin's own, or one that names the user whose token it was given with a request.
// Tokens of services are not passed on: a plugin that is called by one acts for itself.
func (i pluginIdentity) PluginToken(ctx context.Context, from manifest.ID, target, user string) (hostsvc.Token, error) {
	caller := principal.Host(string(from))
	if user != "" {
		var err error
		if caller, err = userOf(ctx, i.auth, from, user); err != nil {
			return hostsvc.Token{}, err
		}
	}
	token, err := i.auth.PluginToken(ctx, string(from), target, caller)
	if err != nil {
		return hostsvc.Token{}, err
	}
	expires, err := expiryOf(token)
	if err != nil {
		return hostsvc.Token{}, fmt.Errorf("token of plugin %s for %s: %w", from, target, err)
	}
	return hostsvc.Token{Text: token, Expires: expires}, nil
}

// userOf is the user whose token a plugin was given.
func userOf(ctx context.Context, identity *auth.Service, plugin manifest.ID, token string) (*principal.Principal, error) {
	p, err := identity.AuthenticateToken(ctx, token, string(plugin), true)
	if err != nil {
		return nil, err
	}
	if p.Kind != principal.User {
		return nil, apierror.Newf(apierror.Authentication, "The token that plugin %s acts on behalf of is one of a %s, not of a user", plugin, p.Kind)
	}
	return p, nil
}

// expiryOf reads the end of a token that this host has just signed.
func expiryOf(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, fmt.Errorf("a token of %d parts", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, err
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return time.Time{}, err
	}
	return time.Unix(claims.Expires, 0), nil
}

// Verify takes what a route of the plugin would take, limited tokens included.
func (i pluginIdentity) Verify(ctx context.Context, plugin manifest.ID, token string) (hostsvc.Identity, error) {
	p, err := i.auth.AuthenticateToken(ctx, token, string(plugin), true)
	if err != nil {
		return hostsvc.Identity{}, err
	}
	ownership, err := i.auth.Ownership(ctx, p)
	if err != nil {
		return hostsvc.Identity{}, err
	}
	return hostsvc.Identity{Type: p.Kind.String(), Subject: p.Subject, Actor: p.Actor, Ownership: ownership}, nil
}

// pluginCatalog reads as the plugin's principal and asks for work of the engine.
type pluginCatalog struct {
	reader  catalog.Reader
	engine  *catalog.Engine
	trigger func(ctx context.Context, plugin manifest.ID, provider string) error
}

func (c pluginCatalog) Entity(ctx context.Context, plugin manifest.ID, ref string) ([]byte, error) {
	return c.reader.Entity(ctx, principal.Host(string(plugin)), ref)
}

func (c pluginCatalog) Entities(ctx context.Context, plugin manifest.ID, s hostsvc.Selection) iter.Seq2[[]byte, error] {
	return c.reader.Entities(ctx, principal.Host(string(plugin)), catalog.Selection{Filters: s.Filters, Fields: s.Fields, Limit: s.Limit})
}

func (c pluginCatalog) Refresh(ctx context.Context, _ manifest.ID, ref string) error {
	return c.engine.Refresh(ctx, ref)
}

func (c pluginCatalog) TriggerProvider(ctx context.Context, plugin manifest.ID, name string) error {
	if c.trigger == nil {
		return apierror.NotFoundf("Plugin %s has no provider %q", plugin, name)
	}
	return c.trigger(ctx, plugin, name)
}

// pluginPermission asks the policy about a user, or about the plugin itself.
type pluginPermission struct {
	auth   *auth.Service
	engine *permission.Engine
}

func (p pluginPermission) Authorize(ctx context.Context, plugin manifest.ID, user string, questions []hostsvc.Question) ([]bool, error) {
	about := principal.Host(string(plugin))
	if user != "" {
		var err error
		if about, err = userOf(ctx, p.auth, plugin, user); err != nil {
			return nil, err
		}
	}
	asked := make([]permission.Question, len(questions))
	for i, q := range questions {
		kind := permission.Basic
		if q.ResourceType != "" {
			kind = permission.Resource
		}
		asked[i] = permission.Question{Ref: q.ResourceRef, Permission: permission.Permission{
			Type: kind, Name: q.Permission, ResourceType: q.ResourceType, Attributes: permission.Attributes{Action: q.Action},
		}}
	}
	results, err := p.engine.Check(ctx, about, asked)
	if err != nil {
		return nil, err
	}
	allowed := make([]bool, len(results))
	for i, r := range results {
		allowed[i] = r == permission.Allow
	}
	return allowed, nil
}

// publisherKey is the metadata that says which plugin published an event; plugins cannot set it themselves.
const publisherKey = "callboard-plugin"

// pluginEvents puts plugins' events on the bus.
type pluginEvents struct{ bus *events.Bus }

func (e pluginEvents) Publish(_ context.Context, plugin manifest.ID, event hostsvc.Event) error {
	metadata := maps.Clone(event.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata[publisherKey] = string(plugin)
	e.bus.PublishEvent(events.Event{Topic: event.Topic, Payload: event.Payload, Metadata: metadata})
	return nil
}

// pluginDiscovery answers addresses: inside a plugin, features and plugins of this host are reached through its egress
// socket, and those that are configured to run elsewhere where they are.
type pluginDiscovery struct{ discovery *auth.Discovery }

func (d pluginDiscovery) BaseURL(_ context.Context, target string) (external, internal string, err error) {
	internal, elsewhere := d.discovery.Elsewhere(target)
	if !elsewhere {
		internal = "http://" + egress.InternalHost + "/api/" + url.PathEscape(target)
	}
	return d.discovery.External(target), internal, nil
}

var (
	_ hostsvc.Auth           = pluginIdentity{}
	_ hostsvc.Catalog        = pluginCatalog{}
	_ hostsvc.Permission     = pluginPermission{}
	_ hostsvc.Events         = pluginEvents{}
	_ hostsvc.Discovery      = pluginDiscovery{}
	_ catalog.EventPublisher = (*events.Bus)(nil)
)
