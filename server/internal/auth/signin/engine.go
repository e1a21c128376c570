package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/weblink"
)

// Options is what an [Engine] is made of.
type Options struct {
	Config *config.Section // "auth"; required
	// App and Base are where browsers find the frontend and /api/auth; required.
	App, Base string
	// Catalog says who is a user; nil = nobody is.
	Catalog Catalog
	// SignIn issues an identity; required.
	SignIn func(context.Context, Claims) (*Identity, error)
	// Landed is called when a sign-in by redirect ended well and leads to a page of the host at Base;
	// provider is the id of who knew the user; nil = nothing.
	Landed func(w http.ResponseWriter, r *http.Request, provider string, to *url.URL, token string)
	// Development: a provider whose configuration is wrong is left out instead of being a problem.
	Development bool
	// Transport reaches the providers; nil = one of its own.
	Transport http.RoundTripper
	Now       func() time.Time // required
	Logger    *slog.Logger     // required
}

// Engine is sign-in as a value. It is safe for concurrent use.
type Engine struct {
	o         Options
	log       *slog.Logger
	origins   *origins
	env       string
	providers []*provider
	proxy     *proxy
	broken    []string
}

// provider is one id with what is configured for each environment.
type provider struct {
	preset *preset
	envs   map[string]*way
}

// way is one provider in one environment.
type way struct {
	e         *Engine
	id, env   string
	preset    *preset
	auth      authenticator
	jar       *jar
	scopes    []string // additional
	resolvers []resolver
}

// Session is what a sign-in hands to the browser, in the form of the wire.
type Session struct {
	Profile  Profile      `json:"profile"`
	Provider ProviderInfo `json:"providerInfo"`
	Identity *Identity    `json:"backstageIdentity,omitempty"`
}

// ProviderInfo is the session at the provider.
type ProviderInfo struct {
	IDToken     string  `json:"idToken,omitempty"`
	AccessToken string  `json:"accessToken"`
	Scope       *string `json:"scope,omitempty"`
	// ExpiresIn is in seconds; nil = the provider does not tell, or never.
	ExpiresIn *float64 `json:"expiresInSeconds,omitempty"`
}

// Identity is a user token and what it says.
type Identity struct {
	Token    string       `json:"token"`
	Identity UserIdentity `json:"identity"`
	// ExpiresIn is in seconds.
	ExpiresIn float64 `json:"expiresInSeconds"`
}

// UserIdentity names a user and the user's ownership.
type UserIdentity struct {
	Type      string   `json:"type"` // "user"
	User      string   `json:"userEntityRef"`
	Ownership []string `json:"ownershipEntityRefs"`
}

// unsupported are providers of the reference that are not here; a configuration that names one is told so.
var unsupported = []string{"atlassian", "auth0", "awsalb", "azure-easyauth", "bitbucket", "bitbucketServer", "cfaccess", "gcp-iap", "onelogin", "openshift", "pinniped", "saml", "vmwareCloudServices"}

// New reads auth.providers. Problems are reported through the configuration's own list.
func New(o Options) *Engine {
	e := &Engine{o: o, log: o.Logger, env: o.Config.String("environment", "development"), origins: readOrigins(o.Config, o.App, o.Base)}
	configured := o.Config.Section("providers")
	for i := range presets {
		p := &presets[i]
		e.configure(configured, p.id, func(s *config.Section) {
			e.providers = append(e.providers, e.readProvider(s, p))
		})
	}
	e.configure(configured, proxyID, func(s *config.Section) { e.proxy = readProxy(s, o.Catalog) })
	for _, id := range configured.Keys() {
		if slices.Contains(unsupported, id) {
			e.log.Warn("this sign-in provider is not supported, and nobody can use it", "provider", id, "key", "auth.providers."+id)
		}
	}
	return e
}

// configure reads one provider, if it is there.
func (e *Engine) configure(configured *config.Section, id string, read func(*config.Section)) {
	if !configured.Has(id) {
		return
	}
	s := configured.Section(id)
	if !e.o.Development {
		read(s)
		return
	}
	trial, problems := s.Trial()
	providers, proxy := e.providers, e.proxy
	read(trial)
	if err := problems(); err != nil {
		e.providers, e.proxy = providers, proxy
		e.broken = append(e.broken, id)
		e.log.Warn("this sign-in provider is left out: its configuration is wrong", "provider", id, "problem", err)
	}
}

func (e *Engine) readProvider(s *config.Section, p *preset) *provider {
	made := &provider{preset: p, envs: map[string]*way{}}
	for _, env := range s.Keys() {
		made.envs[env] = e.readWay(s.Section(env), p, env)
	}
	return made
}

func (e *Engine) readWay(s *config.Section, p *preset, env string) *way {
	text := s.String("callbackUrl", e.o.Base+"/"+p.id+"/handler/frame")
	callback, ok := webAddress(text)
	if !ok {
		s.Problem("callbackUrl", `is not a valid URL. It must start with "https://" or "http://"`)
		callback = &url.URL{Scheme: "http", Host: "localhost", Path: "/" + p.id + "/handler/frame"}
	}
	w := &way{e: e, id: p.id, env: env, preset: p, scopes: readAdditional(s), resolvers: readResolvers(s, e.o.Catalog, p.resolvers)}
	w.jar = newJar(p.id, callback, e.origins.app, s.Duration("sessionDuration", rememberFor), e.o.Now)
	w.auth = p.make(s, connection{
		transport: e.o.Transport, credentials: credentials{id: required(s, "clientId"), secret: required(s, "clientSecret")},
		callback: text, additional: w.scopes, now: e.o.Now,
	})
	if tenant := s.String("tenantId", ""); slices.Contains(anyTenant, tenant) && len(w.resolvers) > 0 {
		e.log.Warn("people of every tenant can sign in, and each tenant says itself what addresses its people have", "provider", p.id, "tenant", tenant)
	}
	return w
}

// anyTenant are names for all tenants of Microsoft's, or many.
var anyTenant = []string{"common", "organizations", "consumers"}

// Provider is one way to sign in.
type Provider struct{ ID, Title string }

// Offered are the providers that can be started in the configured environment and give an identity.
func (e *Engine) Offered() []Provider {
	var all []Provider
	for _, p := range e.providers {
		if w := p.envs[e.env]; w != nil && len(w.resolvers) > 0 {
			all = append(all, Provider{p.preset.id, p.preset.title})
		}
	}
	return all
}

// Environment is auth.environment, which browsers name in their requests.
func (e *Engine) Environment() string { return e.env }

// Routes say what is to be mounted under an id.
type Routes struct {
	ID string
	// Proxy: people come through a proxy that knows them, so there is nothing to start and nothing to end.
	Proxy bool
}

// Mounted are the providers that have routes.
func (e *Engine) Mounted() []Routes {
	var all []Routes
	for _, p := range e.providers {
		all = append(all, Routes{ID: p.preset.id})
	}
	if e.proxy != nil {
		all = append(all, Routes{ID: proxyID, Proxy: true})
	}
	return all
}

// Broken reports whether a provider is left out because its configuration is wrong.
func (e *Engine) Broken(id string) bool { return slices.Contains(e.broken, id) }

// way finds the environment that a request is about: its query says so, or its state.
func (e *Engine) way(r *http.Request, id string) (*way, error) {
	i := slices.IndexFunc(e.providers, func(p *provider) bool { return p.preset.id == id })
	if i < 0 {
		return nil, apierror.NotFoundf("No auth provider registered for '%s'", id)
	}
	env := queryText(r, "env")
	if text := queryText(r, "state"); env == "" && text != "" {
		s, err := decodeState(text)
		if err != nil {
			return nil, err
		}
		env = s.env
	}
	if env == "" {
		return nil, apierror.New(apierror.Input, "Must specify 'env' query to select environment")
	}
	w := e.providers[i].envs[env]
	if w == nil {
		return nil, apierror.NotFoundf("No configuration available for the '%s' environment of this provider.", env)
	}
	return w, nil
}

// queryText is a parameter as the reference reads it: several values are one, with commas.
func queryText(r *http.Request, name string) string {
	return strings.Join(r.URL.Query()[name], ",")
}

// own reports whether an address is a page of this host.
func (e *Engine) own(u *url.URL) bool { return weblink.Origin(u.String()) == e.origins.own }
