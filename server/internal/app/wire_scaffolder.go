package app

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin"
	"github.com/callboard/callboard/server/internal/scaffolder/scm"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// wireScaffolder makes the scaffolder with the host's own actions. Those of plugins come when the plugins are there.
func (a *App) wireScaffolder(ctx context.Context, o Options) error {
	f := &a.features
	language, err := templating.New(templating.Options{Integrations: repositoryHosts(o.Config.Section("integrations"))})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, func() error { language.Close(); return nil })
	entities := scaffolderCatalog{f.auth, f.catalog, f.permission}
	f.actions = action.NewRegistry()
	if err := installActions(f, o, language, entities); err != nil {
		return err
	}
	f.scaffolder, err = scaffolder.New(ctx, scaffolder.Deps{
		DB: a.db, Config: o.Config, Dir: o.Source.Dir, Logger: o.Logger, Authorizer: f.permission, Catalog: entities,
		Actions: f.actions, Language: language, Publish: f.events.Publish,
		Autocompleters: autocompleters(o.Config),
	})
	if err != nil {
		return err
	}
	a.run("scaffolder", f.scaffolder.Run)
	f.scaffolder.Routes(a.server.Feature(scaffolder.Feature()), f.permission.Mount)
	return nil
}

// installActions gives the registry what the host offers by itself.
func installActions(f *features, o Options, language templating.Language, entities scaffolderCatalog) error {
	section := o.Config.Section("callboard.scaffolder")
	own := builtin.Actions(builtin.Deps{
		Reader: f.urls, Language: language, Catalog: entities, Notifier: notifier{f.notes},
		LocalTemplate:          newLocalTemplates(o.Config, o.Source.Dir).permits,
		RequireUserCredentials: o.Config.Section("scaffolder").Bool("requireScmUserCredentials", false),
		GoTemplate:             offered(section, "gotemplate"),
	})
	if err := f.actions.Set("builtin", own); err != nil {
		return err
	}
	repositories, err := scm.Actions(scm.Deps{Config: o.Config, Entities: entities.entities})
	if err != nil {
		return fmt.Errorf("actions for repositories: %w", err)
	}
	return f.actions.Set("scm", repositories)
}

// autocompleters are the hosts of repositories that forms ask for choices.
func autocompleters(cfg *config.Config) map[string]scaffolder.Autocompleter {
	all := map[string]scaffolder.Autocompleter{}
	for provider, complete := range scm.Autocompleters(scm.Deps{Config: cfg}) {
		all[provider] = func(ctx context.Context, resource, token string, from map[string]string) ([]scaffolder.Completion, error) {
			choices, err := complete(ctx, resource, token, from)
			list := make([]scaffolder.Completion, len(choices))
			for i, c := range choices {
				list[i] = scaffolder.Completion(c)
			}
			return list, err
		}
	}
	return all
}

// offered reports whether a section switches actions on: it is there, and not false.
func offered(s *config.Section, key string) bool {
	on, isSwitch := s.Value(key).(bool)
	return s.Has(key) && (on || !isSwitch)
}
