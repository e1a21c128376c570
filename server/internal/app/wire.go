package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/callboard/callboard/server/internal/actionregistry"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/console"
	"github.com/callboard/callboard/server/internal/embed"
	"github.com/callboard/callboard/server/internal/embedpage"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/notifications"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/proxy"
	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/filter"
	"github.com/callboard/callboard/server/internal/search"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/urlreader"
	"github.com/callboard/callboard/server/internal/widget"
)

// features are the engines that others are wired to.
type features struct {
	catalog    *catalog.Engine
	auth       *auth.Service
	permission *permission.Engine
	signals    *signals.Hub
	search     *search.Engine
	software   search.Type // documents of the catalog's entities
	entities   remembering // what widgets and documentation are shown for
	widgets    *widget.Registry
	apps       *embed.Apps // that show widgets
	embed      *embed.Engine
	pages      *embedpage.Pages
	actions    *action.Registry
	filters    *filter.Registry // of templates
	registry   *actionregistry.Registry
	urls       *urlreader.Reader
	notes      *notifications.Service
	scaffolder *scaffolder.Service
	events     *events.Bus
	plugins    *pluginhost.Host
	proxy      *proxy.Proxy
}

// wire makes the features in the order of their needs: store, catalog engine, identity, edge, permission, and then
// everything that has routes.
func (a *App) wire(ctx context.Context, o Options) error {
	db, err := store.Open(ctx, o.Config.Section("backend.database"))
	if err != nil {
		return err
	}
	a.db = db
	a.closers = append(a.closers, db.Close)
	a.features.events = events.New(o.Logger)
	a.closers = append(a.closers, func() error { a.features.events.Close(); return nil })
	if err := a.wireCatalog(ctx, o); err != nil {
		return err
	}
	if err := a.wireEdge(ctx, o); err != nil {
		return err
	}
	if err := a.wireRoutes(ctx, o); err != nil {
		return err
	}
	if err := a.wirePlugins(ctx, o); err != nil {
		return err
	}
	return a.wireIndex(o)
}

func (a *App) run(name string, run func(ctx context.Context) error) {
	a.background = append(a.background, service{name, run})
}

// endless is a service that cannot fail.
func endless(run func(ctx context.Context)) func(ctx context.Context) error {
	return func(ctx context.Context) error { run(ctx); return nil }
}

func (a *App) wireCatalog(ctx context.Context, o Options) error {
	urls := urlreader.New(o.Config)
	a.features.urls = urls
	engine, err := catalog.New(ctx, catalog.Deps{DB: a.db, Config: o.Config, Logger: o.Logger, URLs: urls, Integrations: urls, Dir: o.Source.Dir, Events: a.features.events})
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	a.features.catalog = engine
	a.run("catalog", engine.Run)
	return nil
}

func (a *App) wireEdge(ctx context.Context, o Options) error {
	identity, err := auth.New(ctx, auth.Options{Config: o.Config, DB: a.db, Logger: o.Logger,
		Users: users{a.features.catalog}, Embeds: embedTokens{&a.features}, Landed: console.Landed, Development: environment(o.Source.Env, "NODE_ENV") == "development"})
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	a.features.auth = identity
	a.run("auth", identity.Run)
	a.features.permission = permission.New(permission.Options{
		Enabled:   o.Config.Section("permission").Bool("enabled", false),
		Anonymous: o.Config.Section("backend.auth").Bool("dangerouslyDisableDefaultAuthPolicy", false),
		Ownership: identity.Ownership, Logger: o.Logger,
	})
	a.features.registry = actionregistry.New(actionregistry.Options{
		Settings: actionregistry.ReadSettings(o.Config.Section("backend")), Identity: identity, Authorizer: a.features.permission,
		Edge: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }),
	})
	everywhere := func(r *httpx.Router) {
		identity.PluginRoutes(r)
		a.features.registry.Routes(r)
	}
	a.server, err = httpx.New(httpx.Options{Auth: identity, Logger: o.Logger, Metrics: a.registry,
		Settings: httpx.ReadSettings(o.Config), EveryFeature: everywhere, Detached: identity.DropPlugin})
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// CheckConfig reports what would keep the host from starting with cfg, without starting it: every feature reads its
// options, no database is opened and nothing is listened on.
func CheckConfig(cfg *config.Config) error {
	store.CheckConfig(cfg.Section("backend.database"))
	httpx.ReadSettings(cfg)
	auth.CheckConfig(cfg)
	urlreader.New(cfg)
	readLogOptions(cfg.Section("callboard.log"), false)
	console.ReadSettings(cfg)
	search.ReadLimits(cfg.Section("search"))
	catalog.CheckConfig(cfg, "")
	checkScaffolder(cfg)
	actionregistry.ReadSettings(cfg.Section("backend"))
	pluginhost.CheckConfig(cfg)
	proxy.CheckConfig(cfg)
	tryit.ReadSettings(cfg)
	embed.CheckConfig(cfg)
	embedpage.ReadSettings(cfg)
	return cfg.Err()
}

// Mint issues a token on the database that cfg names, with the keys of the host that uses it.
func Mint(ctx context.Context, cfg *config.Config, log *slog.Logger, r auth.MintRequest) (string, error) {
	db, err := store.Open(ctx, cfg.Section("backend.database"))
	if err != nil {
		return "", err
	}
	defer db.Close()
	if db.InMemory() {
		return "", errors.New("backend.database: this database lives in the memory of one process, so no host would know the token; configure a file or PostgreSQL")
	}
	identity, err := auth.New(ctx, auth.Options{Config: cfg, DB: db, Logger: log})
	if err != nil {
		return "", err
	}
	return identity.Mint(ctx, r)
}

// ConfigKeys are the keys below "callboard" that this host reads; others there are reported as unknown.
var ConfigKeys = slices.Concat([]string{"http", "log", "operations", "frontend", "console", "catalog", "reading", "signals"},
	pluginhost.ConfigKeys, scaffolder.ConfigKeys, proxy.ConfigKeys, apiDocsKeys, embed.ConfigKeys)
