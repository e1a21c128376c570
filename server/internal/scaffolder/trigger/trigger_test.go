package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// tasks is a Starter that keeps what it was asked for, once for each id.
type tasks struct {
	mu      sync.Mutex
	started map[string]Start
	fail    error
}

func (s *tasks) Start(_ context.Context, start Start) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if _, ok := s.started[start.ID]; ok {
		return apierror.Conflictf("there is a task %s", start.ID)
	}
	if s.started == nil {
		s.started = map[string]Start{}
	}
	s.started[start.ID] = start
	return nil
}

func (s *tasks) values() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, start := range s.started {
		list = append(list, string(start.Values))
	}
	slices.Sort(list)
	return list
}

// log is a change log of entities' names.
type log struct {
	mu    sync.Mutex
	names []string
}

func (l *log) add(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, names...)
}

func (l *log) Newest(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.names)), nil
}

func (l *log) Changed(_ context.Context, after int64, limit int, _ any) (list []Change, last int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last = min(int64(len(l.names)), after+int64(limit))
	for seq := after + 1; seq <= last; seq++ {
		entity, err := json.Marshal(map[string]any{"metadata": map[string]string{"name": l.names[seq-1]}})
		if err != nil {
			return nil, 0, err
		}
		list = append(list, Change{Seq: seq, Entity: entity})
	}
	return list, last, nil
}

func engine(t *testing.T, db *store.DB, starter Starter, catalog Catalog, yaml string) *Engine {
	t.Helper()
	cfg := config.FromYAML(yaml)
	triggers := Read(cfg.Root())
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	language, err := templating.New(templating.Options{VMs: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(language.Close)
	e, err := New(t.Context(), Options{DB: db, Triggers: triggers, Starter: starter, Language: language, Catalog: catalog, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const onChange = `
triggers:
  - id: onboard
    template: template:default/onboard
    values: { name: '${{ event.entity.metadata.name }}', depth: 3 }
    catalogChange: { filter: { kind: Component } }
    permissions: [scaffolder.task.create]
`

func TestChanges_EachStartsOneTaskHoweverManyReplicasFollow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var started tasks
		catalog := &log{names: []string{"there-before"}}
		one, other := engine(t, db, &started, catalog, onChange), engine(t, db, &started, catalog, onChange)
		catchUp := func(e *Engine) {
			t.Helper()
			if err := e.catchUp(t.Context(), e.Triggers[0], false); err != nil {
				t.Fatal(err)
			}
		}
		catchUp(one) // begins after what is there
		catalog.add("a", "b")
		catchUp(one)
		catchUp(other)
		catalog.add("a")
		catchUp(other)
		catchUp(one)
		want := []string{`{"depth":3,"name":"a"}`, `{"depth":3,"name":"a"}`, `{"depth":3,"name":"b"}`}
		if diff := cmp.Diff(want, started.values()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestChanges_WhatHappensWhileNobodyFollowsIsMadeUpFor(t *testing.T) {
	db := storetest.SQLite(t)
	var started tasks
	catalog := &log{}
	first := engine(t, db, &started, catalog, onChange)
	if err := first.catchUp(t.Context(), first.Triggers[0], false); err != nil {
		t.Fatal(err)
	}
	catalog.add(slices.Repeat([]string{"x"}, 50)...)
	later := engine(t, db, &started, catalog, onChange)
	if err := later.catchUp(t.Context(), later.Triggers[0], false); err != nil {
		t.Fatal(err)
	}
	if n := len(started.values()); n != 50 {
		t.Errorf("%d tasks, want 50", n)
	}
}

func TestChanges_AnErrorThatPassesIsTriedAgainAndOneThatStaysIsPassedOver(t *testing.T) {
	db := storetest.SQLite(t)
	started := &tasks{}
	catalog := &log{}
	e := engine(t, db, started, catalog, onChange)
	trigger, failed := e.Triggers[0], map[string]int{}
	e.follow(t.Context(), trigger, failed)
	catalog.add("a")
	started.fail = errors.New("the database is away")
	for range attempts {
		e.follow(t.Context(), trigger, failed)
	}
	if at, _, _ := e.positions.get(t.Context(), trigger.ID); at != 0 {
		t.Errorf("the change was passed over after %d attempts", attempts)
	}
	started.fail = nil
	e.follow(t.Context(), trigger, failed)
	if diff := cmp.Diff([]string{`{"depth":3,"name":"a"}`}, started.values()); diff != "" {
		t.Error(diff)
	}
	started.fail = apierror.NotAllowedf("The template is not for triggers")
	catalog.add("b")
	e.follow(t.Context(), trigger, failed)
	if at, _, _ := e.positions.get(t.Context(), trigger.ID); at != 2 {
		t.Error("a change that can never start its template holds up the others")
	}
}

func TestFire_StartsAScheduledTemplateAsAServiceOfItsOwn(t *testing.T) {
	var started tasks
	e := engine(t, storetest.SQLite(t), &started, &log{}, `
triggers:
  - id: nightly
    template: template:default/report
    values: { at: '${{ event.time }}' }
    schedule: { cron: '0 2 * * *' }
    permissions: [scaffolder.task.create]
`)
	e.Now = func() time.Time { return time.Date(2026, 1, 2, 2, 0, 0, 0, time.UTC) }
	if err := e.Fire(t.Context(), "nightly"); err != nil {
		t.Fatal(err)
	}
	if err := e.Fire(t.Context(), "other"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("got %v", err)
	}
	for _, s := range started.started {
		if s.Principal.Subject != "trigger:nightly" || !slices.Equal(s.Principal.Restrictions.Permissions, []string{"scaffolder.task.create"}) || string(s.Values) != `{"at":"2026-01-02T02:00:00Z"}` {
			t.Errorf("got %+v", s)
		}
	}
	if len(started.started) != 1 {
		t.Errorf("%d tasks", len(started.started))
	}
}

func TestStart_IsBoundedByTheHour(t *testing.T) {
	var started tasks
	e := engine(t, storetest.SQLite(t), &started, &log{}, "triggers: [{id: often, template: 'template:default/x', schedule: {frequency: {seconds: 1}}, perHour: 2}]")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e.Now = func() time.Time { now = now.Add(time.Second); return now }
	var refused int
	for range 5 {
		if err := e.Fire(t.Context(), "often"); apierror.Has(err, apierror.ServiceUnavailable) {
			refused++
		}
	}
	if len(started.started) != 2 || refused != 3 {
		t.Errorf("%d started, %d refused", len(started.started), refused)
	}
}

func TestRead_NamesWhatIsWrong(t *testing.T) {
	for yaml, want := range map[string]string{
		"id: A B": "lower-case letters",
		"id: a":   "needs one of schedule, catalogChange and webhook, and has 0",
		"id: a, schedule: {cron: x}, webhook: {secret: 0123456789abcdef}": "has 2",
		"id: a, schedule: {}":                                        "give either cron or frequency",
		"id: a, catalogChange: {}":                                   "every change of every entity",
		"id: a, webhook: {}":                                         "who knows it may start the template",
		"id: a, webhook: {secret: short}":                            "at least 16 characters",
		"id: a, webhook: {secret: 0123456789abcdef, scheme: gitlab}": `"gitlab" is not supported`,
		"id: a, values: [1], schedule: {cron: x}":                    "must be an object",
		"id: a, perHour: 0, schedule: {cron: x}":                     "must be 1 to 10000",
		"id: a, schedule: {cron: x}":                                 "must be the ref of a template",
	} {
		cfg := config.FromYAML("triggers: [{" + yaml + "}]")
		Read(cfg.Root())
		if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}

func TestRead_TakesTheExampleOfTheAuthorsREADME(t *testing.T) {
	readme, err := os.ReadFile("../../../../examples/templates/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "## Without a person")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	cfg := config.FromYAML(strings.ReplaceAll(block, "${DEPLOY_SECRET}", "0123456789abcdef"))
	if triggers := Read(cfg.Section("callboard.scaffolder")); cfg.Err() != nil || len(triggers) != 3 {
		t.Errorf("%d triggers, %v", len(triggers), cfg.Err())
	}
}
