package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/callboard/callboard/server/internal/appfrontend"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/console"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/notifications"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/search"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/techdocs"
	"github.com/callboard/callboard/server/internal/usersettings"
)

// expectedLater are plugins that the stock frontend asks for and this host does not have yet. They answer like the
// reference without configuration: the credentials barrier, then 404 with an empty body.
var expectedLater = []string{"app", "kubernetes", "mcp-actions"}

// wireRoutes mounts every feature under /api.
func (a *App) wireRoutes(ctx context.Context, o Options) error {
	f, s := &a.features, a.server
	identity := s.Feature(auth.Feature())
	f.auth.Routes(identity)
	permission.Mount(identity)
	f.permission.Routes(s.Feature(permission.Feature()))
	catalog.Routes(s.Feature(catalog.Feature()), catalog.RoutesDeps{Writer: f.catalog, Index: f.catalog.Index(), Annotations: f.catalog.Annotations,
		Authorizer: f.permission, Auth: f.auth, Permissions: f.permission.Mount})
	sites, err := techdocs.OpenSites(o.Config.Section("techdocs"))
	if err != nil {
		return fmt.Errorf("techdocs: %w", err)
	}
	a.closers = append(a.closers, sites.Close)
	if err := a.wireShell(ctx, o); err != nil {
		return err
	}
	if err := a.wireSearch(o, sites); err != nil {
		return err
	}
	techdocs.Routes(s.Feature(techdocs.Feature()), sites, readable{f.catalog, f.permission})
	if err := a.wireScaffolder(ctx, o); err != nil {
		return fmt.Errorf("scaffolder: %w", err)
	}
	if err := a.wireProxy(o); err != nil {
		return err
	}
	if err := a.wireWidgets(ctx, o); err != nil {
		return err
	}
	if err := a.wireAPIDocs(ctx, o, sites); err != nil {
		return err
	}
	for _, id := range expectedLater {
		s.Feature(httpx.Feature{ID: id})
	}
	return nil
}

// wireShell mounts what the frontend's shell calls on every page.
func (a *App) wireShell(ctx context.Context, o Options) error {
	f, s := &a.features, a.server
	f.signals = signals.NewHub(signals.Options{Identities: identities{f.auth}, Logger: o.Logger, Limits: signals.ReadLimits(o.Config.Section("callboard.signals"))})
	a.run("signals", func(ctx context.Context) error {
		<-ctx.Done()
		f.signals.Close(context.WithoutCancel(ctx))
		return nil
	})
	signals.Routes(s.Feature(signals.Feature()), f.signals)

	settings, err := usersettings.New(ctx, a.db, f.signals)
	if err != nil {
		return fmt.Errorf("user-settings: %w", err)
	}
	usersettings.Routes(s.Feature(usersettings.Feature()), settings)

	notes, err := notifications.New(ctx, notifications.Options{DB: a.db, Config: o.Config.Section("notifications"),
		Entities: a.entityJSON, Signals: f.signals, Logger: o.Logger})
	if err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	f.notes = notes
	a.run("notifications", endless(notes.Run))
	router := s.Feature(notifications.Feature())
	notifications.Routes(router, notes)
	permission.Mount(router)

	return nil
}

// permissionOf finds a permission that a plugin declares.
func (f *features) permissionOf(plugin, name string) (permission.Permission, bool) {
	declared, _ := f.permission.Integrations(plugin)
	for _, in := range declared {
		for _, p := range in.Permissions {
			if p.Name == name {
				return p, true
			}
		}
	}
	return permission.Permission{}, false
}

func (a *App) wireSearch(o Options, sites *techdocs.Sites) error {
	f, section := &a.features, o.Config.Section("search")
	f.software = search.CatalogType(search.CatalogOptions{
		Index: f.catalog.Index(), Config: section.Section("collators.catalog"),
		Compile: func(_ context.Context, _ *principal.Principal, c *permission.Criteria) (index.Filter, error) {
			return catalog.CriteriaFilter(c)
		},
	})
	every := section.Duration("collators.techdocs.schedule.frequency", 10*time.Minute)
	docs := techdocsType(f.software, f.catalog.Index(), sites, every, o.Logger)
	found, err := search.New(search.Options{Authorizer: f.permission, Logger: o.Logger, Types: []search.Type{f.software, docs}})
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	f.search = found
	a.run("search", endless(found.Run))
	router := a.server.Feature(search.Feature())
	search.Routes(router, found, search.ReadLimits(section))
	permission.Mount(router)
	return nil
}

// follow passes on new versions of the configuration: to the plugins, the proxy, and to what answers outside /api.
func (a *App) follow(o Options, more ...func(*config.Config)) {
	if len(o.Source.Files) == 0 {
		return
	}
	follower := config.Follow(o.Config, o.Source, o.Logger)
	a.run("configuration", func(ctx context.Context) error {
		for _, reload := range append(more, a.features.plugins.Reload, a.features.proxy.Reload, a.features.apps.Reload) {
			follower.Subscribe(ctx, reload)
		}
		return follower.Run(ctx)
	})
}

// Overview implements [console.Source].
func (a *App) Overview(ctx context.Context) (console.Overview, error) {
	engine := a.features.catalog
	o := console.Overview{
		Organization: a.config.Section("organization").String("name", ""), Version: a.version, Started: a.began,
		Ready: closed(engine.Ready()), Database: a.db.String(), Configuration: a.config.Files(),
		Frontend: a.config.Root().String(appfrontend.ConfigKey, ""),
	}
	if a.address != nil {
		o.Listeners = []console.Listener{{Purpose: "HTTP", Address: a.address.String()}}
	}
	counts, err := engine.CountsByKind(ctx)
	if err != nil {
		return o, err
	}
	for kind, n := range counts {
		o.Kinds = append(o.Kinds, console.Kind{Kind: kind, Count: n})
	}
	slices.SortFunc(o.Kinds, func(x, y console.Kind) int { return y.Count - x.Count })
	problems, err := engine.Problems(ctx)
	if err != nil {
		return o, err
	}
	for _, p := range problems {
		o.Problems = append(o.Problems, console.Problem{Location: p.Location, Line: p.Line, Column: p.Column, EntityRef: string(p.EntityRef),
			Field: p.Field, Name: string(p.Name), Message: p.Message, Since: p.Since})
	}
	for _, note := range a.config.Check(ConfigKeys...) {
		o.ConfigNotes = append(o.ConfigNotes, configNote(note))
	}
	o.Features = a.mounted()
	o.Plugins = consolePlugins(a.features.plugins.Plugins())
	return o, nil
}

func (a *App) mounted() []console.Feature {
	routes := map[string]int{}
	for _, r := range a.server.Routes() {
		routes[r.Feature]++
	}
	var features []console.Feature
	for _, id := range a.server.Features() {
		if slices.Contains(expectedLater, id) {
			continue
		}
		features = append(features, console.Feature{ID: id, Routes: routes[id]})
	}
	return features
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func configNote(p *config.Problem) console.ConfigNote {
	return console.ConfigNote{Severity: p.Severity.String(), File: p.At.File, Line: p.At.Line, Key: p.Key, Message: p.Message}
}
