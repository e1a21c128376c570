package app

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/trigger"
)

// triggersOf is where triggers are configured.
func triggersOf(cfg *config.Config) []trigger.Trigger {
	return trigger.Read(cfg.Section("callboard.scaffolder"))
}

// wireTriggers makes what starts templates without a person. Their clock is the scheduler that plugins' tasks run on.
func (a *App) wireTriggers(ctx context.Context, o Options, language templating.Language, r *httpx.Router) error {
	f := &a.features
	engine, err := trigger.New(ctx, trigger.Options{DB: a.db, Triggers: triggersOf(o.Config), Starter: starter{f.scaffolder},
		Language: language, Catalog: catalogChanges{f.catalog}, Logger: o.Logger})
	if err != nil {
		return err
	}
	engine.Routes(r)
	a.run("triggers", endless(engine.Run))
	clock, err := schedule.New(ctx, schedule.Options{DB: a.db, Runner: clockwork{engine}, Logger: o.Logger})
	if err != nil {
		return fmt.Errorf("triggers: %w", err)
	}
	if err := clock.Set(ctx, triggersOwner, scheduled(triggersOf(o.Config))); err != nil {
		return fmt.Errorf("callboard.scaffolder.triggers: %w", err)
	}
	a.run("triggers by the clock", clock.Run)
	return nil
}

// triggersOwner is whose tasks scheduled triggers are in the scheduler's table. No plugin can have the id of a feature.
const triggersOwner manifest.ID = "scaffolder"

// longestFirst is the longest that the scheduler lets a task wait for its first time.
const longestFirst = 7 * 24 * time.Hour

func scheduled(triggers []trigger.Trigger) []schedule.Task {
	var tasks []schedule.Task
	for _, t := range triggers {
		if t.Schedule != nil {
			tasks = append(tasks, schedule.Task{ID: t.ID, Cron: t.Schedule.Cron, Interval: t.Schedule.Interval, InitialDelay: min(t.Schedule.Interval, longestFirst)})
		}
	}
	return tasks
}

// clockwork lets the scheduler fire triggers.
type clockwork struct{ triggers *trigger.Engine }

func (c clockwork) RunTask(ctx context.Context, _ manifest.ID, id string) error {
	return c.triggers.Fire(ctx, id)
}

// starter makes the tasks of triggers, which are listed under the trigger's name.
type starter struct{ scaffolder *scaffolder.Service }

func (s starter) Start(ctx context.Context, t trigger.Start) error {
	_, err := s.scaffolder.Start(ctx, scaffolder.Start{ID: t.ID, TemplateRef: t.Template, Values: t.Values, Principal: t.Principal, CreatedBy: t.Principal.Subject})
	return err
}
