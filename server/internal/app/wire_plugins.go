package app

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/principal"
)

// wirePlugins makes the plugin host. It starts nothing: plugins run beside the server, which does not wait for them.
func (a *App) wirePlugins(ctx context.Context, o Options) error {
	kept, err := hostsvc.NewStore(ctx, a.db, nil)
	if err != nil {
		return fmt.Errorf("plugins: %w", err)
	}
	f := &a.features
	identity := f.auth
	files := hostsvc.NewTaskFiles()
	scheduler, work, err := a.pluginWork(ctx, o, files)
	if err != nil {
		return fmt.Errorf("plugins: %w", err)
	}
	backend := pluginBackend{auth: identity, catalog: f.catalog, permission: f.permission, events: f.events, scheduler: scheduler, store: kept, taskFiles: files,
		trigger: func(ctx context.Context, plugin manifest.ID, provider string) error {
			return f.plugins.TriggerProvider(ctx, plugin, provider)
		}}
	host := pluginhost.New(pluginhost.Options{
		Config: o.Config, Dir: o.Source.Dir, Logger: o.Logger, Version: o.Version,
		BaseURL: o.Config.Section("backend").String("baseUrl", ""),
		Edge:    a.server, Catalog: f.catalog, Backend: backend.services(), Internal: pluginDoor(a.server), Extensions: work, Permissions: f.permission,
		SignIn: func(ctx context.Context, user string) (string, error) {
			return identity.IssueUserToken(ctx, auth.UserClaims{Subject: user, Ownership: []string{user}})
		},
		Relay: relay.Options{
			Ownership: identity.Ownership,
			UserToken: f.userToken,
			Expires: func(p *principal.Principal) time.Time {
				at, _ := expiryOf(p.Token) // a static token does not end
				return at
			},
			Ending: a.server.EndingContext(),
		},
	})
	f.plugins = host
	a.registry.MustRegister(host.Collector())
	a.run("plugins", host.Run)
	return nil
}

// userToken is what a plugin acts for a user with.
func (f *features) userToken(p *principal.Principal) (string, error) {
	token, _, err := f.auth.LimitedToken(p)
	return token, err
}

// pluginWork makes the scheduler of plugins' tasks, and what brings into each engine what plugins announce for it.
func (a *App) pluginWork(ctx context.Context, o Options, files *hostsvc.TaskFiles) (*schedule.Scheduler, []pluginhost.Extension, error) {
	runner := caps.NewTaskRunner()
	scheduler, err := schedule.New(ctx, schedule.Options{DB: a.db, Runner: runner, Logger: o.Logger})
	if err != nil {
		return nil, nil, err
	}
	a.run("schedule", scheduler.Run)
	f, importing := &a.features, caps.ImporterOptions{Logger: o.Logger}
	var all []pluginhost.Extension
	for _, importer := range []*caps.Importer{
		caps.Actions(f.actions, caps.ActionOptions{ImporterOptions: importing, Workspaces: files}),
		caps.Filters(f.filters, importing),
		caps.Collators(f.search, caps.CollatorOptions{ImporterOptions: importing, Entity: f.software.Permission, Conditions: f.software.Conditions}),
		caps.Rules(f.permission, importing),
		caps.Widgets(f.widgets, caps.WidgetOptions{ImporterOptions: importing, Ownership: f.auth.Ownership, UserToken: f.userToken}),
		caps.Tasks(scheduler, runner, importing),
		caps.Events(f.events, importing),
	} {
		all = append(all, importer)
		a.closers = append(a.closers, func() error { importer.Close(); return nil })
	}
	return scheduler, all, nil
}
