package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin"
	"github.com/callboard/callboard/server/internal/scaffolder/choices"
	"github.com/callboard/callboard/server/internal/scaffolder/filter"
	"github.com/callboard/callboard/server/internal/scaffolder/scm"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/tool"
)

// wireScaffolder makes the scaffolder with the host's own actions. Those of plugins come when the plugins are there.
func (a *App) wireScaffolder(ctx context.Context, o Options) error {
	f := &a.features
	f.filters = filter.NewRegistry()
	language, err := templating.New(languageOptions(o.Config, f.filters))
	if err != nil {
		return err
	}
	a.closers = append(a.closers, func() error { language.Close(); return nil })
	sealer, err := scaffolder.NewSealer(o.Config, o.Source.Dir, a.db.InMemory())
	if err != nil {
		return err
	}
	entities := scaffolderCatalog{f.auth, f.catalog, f.permission}
	f.actions = action.NewRegistry()
	if err := installActions(f, o, sealer, language, entities); err != nil {
		return err
	}
	filled := choices.New(readableDocuments{f.urls}, ownRoutes{a.server, f.auth})
	a.closers = append(a.closers, func() error { filled.Close(); return nil })
	f.scaffolder, err = scaffolder.New(ctx, scaffolder.Deps{
		DB: a.db, Config: o.Config, Dir: o.Source.Dir, Logger: o.Logger, Sealer: sealer, Authorizer: f.permission, Catalog: entities,
		Actions: f.actions, Language: language, Publish: f.events.Publish,
		Autocompleters: autocompleters(o.Config), Choices: filled,
	})
	if err != nil {
		return err
	}
	a.run("scaffolder", f.scaffolder.Run)
	router := a.server.Feature(scaffolder.Feature())
	f.scaffolder.Routes(router, f.permission.Mount)
	return a.wireTriggers(ctx, o, language, router)
}

func languageOptions(cfg *config.Config, filters *filter.Registry) templating.Options {
	options := templating.ReadLimits(cfg.Section("callboard.scaffolder").Section(templating.SectionKey))
	options.Integrations, options.Filters = repositoryHosts(cfg.Section("integrations")), filters.List
	return options
}

// checkScaffolder reads what the scaffolder and its parts read of cfg.
func checkScaffolder(cfg *config.Config) {
	section := cfg.Section("callboard.scaffolder")
	known := slices.Concat(scaffolder.SectionKeys, tool.ConfigKeys, []string{templating.SectionKey, "gotemplate", "git", "triggers"})
	for _, key := range section.Keys() {
		if !slices.Contains(known, key) {
			section.Problem(key, "is not a key of callboard.scaffolder; there are "+strings.Join(known, ", "))
		}
	}
	scaffolder.CheckConfig(cfg)
	templating.ReadLimits(section.Section(templating.SectionKey))
	tool.CheckConfig(section)
	_, _ = scm.Actions(scm.Deps{Config: cfg}) // mistakes are reported to cfg
	triggersOf(cfg)
}

// installActions gives the registry what the host offers by itself.
func installActions(f *features, o Options, sealer *secret.Sealer, language templating.Language, entities scaffolderCatalog) error {
	section := o.Config.Section("callboard.scaffolder")
	own := builtin.Actions(builtin.Deps{
		Reader: f.urls, Language: language, Catalog: entities, Notifier: notifier{f.notes},
		LocalTemplate:          localTemplates{f.catalog}.permits,
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
	if err := f.actions.Set("scm", repositories); err != nil {
		return err
	}
	tools, err := tool.Actions(section, tool.Deps{DataDir: scaffolder.DataDir(o.Config, o.Source.Dir), Sealer: sealer, Logger: o.Logger})
	if err != nil {
		return err
	}
	if err := f.actions.Set("tool", tools); err != nil {
		return err
	}
	return f.actions.Set("registry", f.registry.ScaffolderActions())
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
