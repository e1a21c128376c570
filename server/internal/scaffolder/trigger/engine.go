package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/store"
)

// Start is a task that is to be made.
type Start struct {
	ID        string // a UUID; the same for the same occurrence
	Template  string
	Values    json.RawMessage
	Principal *principal.Principal
}

// Starter makes tasks as if the principal had asked over HTTP: the same checks of template, values and permissions. A
// ConflictError says that a task of that ID exists.
type Starter interface {
	Start(ctx context.Context, s Start) error
}

// Options is what an Engine is made of.
type Options struct {
	DB       *store.DB
	Triggers []Trigger
	Starter  Starter
	Language templating.Language
	Catalog  Catalog
	Logger   *slog.Logger
	Now      func() time.Time // nil = time.Now
}

// Engine starts the templates of triggers. Safe for concurrent use.
type Engine struct {
	Options

	positions positions
	byID      map[string]Trigger
	pace      map[string]*rate.Limiter
}

// New brings the table of positions up to date. It starts nothing.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{Options: o, positions: positions{o.DB}, byID: map[string]Trigger{}, pace: map[string]*rate.Limiter{}}
	if err := e.positions.migrate(ctx); err != nil {
		return nil, fmt.Errorf("triggers: %w", err)
	}
	for _, t := range o.Triggers {
		e.byID[t.ID] = t
		e.pace[t.ID] = rate.NewLimiter(rate.Limit(float64(t.PerHour)/time.Hour.Seconds()), t.PerHour)
	}
	return e, nil
}

// Principal is who a trigger acts as.
func (t Trigger) Principal() *principal.Principal {
	return &principal.Principal{Kind: principal.Service, Subject: "trigger:" + t.ID, Restrictions: &principal.Restrictions{Permissions: t.Permissions}}
}

// Fire starts the template of a scheduled trigger. The host's scheduler calls it on one replica at a time.
func (e *Engine) Fire(ctx context.Context, id string) error {
	t, ok := e.byID[id]
	if !ok || t.Schedule == nil {
		return apierror.NotFoundf("there is no trigger %q with a schedule", id)
	}
	now := e.Now().UTC().Format(time.RFC3339Nano)
	_, err := e.start(ctx, t, now, map[string]any{"time": now})
	return err
}

// space is the namespace of tasks' ids that are made from occurrences.
var space = uuid.NewSHA1(uuid.NameSpaceURL, []byte("callboard:scaffolder:trigger"))

// start makes the task of one occurrence and gives its id, also when it was made before.
func (e *Engine) start(ctx context.Context, t Trigger, occurrence string, event map[string]any) (string, error) {
	id := uuid.NewSHA1(space, []byte(t.ID+"\x00"+occurrence)).String()
	if !e.pace[t.ID].AllowN(e.Now(), 1) {
		return "", apierror.Newf(apierror.ServiceUnavailable, "The trigger %q has started its %d tasks of this hour", t.ID, t.PerHour)
	}
	values, err := e.values(ctx, t, event)
	if err != nil {
		return "", fmt.Errorf("trigger %s: values: %w", t.ID, err)
	}
	err = e.Starter.Start(ctx, Start{ID: id, Template: t.Template, Values: values, Principal: t.Principal()})
	switch {
	case apierror.Has(err, apierror.Conflict):
		return id, nil
	case err != nil:
		return "", fmt.Errorf("trigger %s: %w", t.ID, err)
	}
	e.Logger.InfoContext(ctx, "a trigger started a template", "trigger", t.ID, "template", t.Template, "task", id)
	return id, nil
}

func (e *Engine) values(ctx context.Context, t Trigger, event map[string]any) (json.RawMessage, error) {
	variables, err := json.Marshal(map[string]any{"event": event})
	if err != nil {
		return nil, err
	}
	result, err := e.Language.Value(ctx, t.Values, templating.Scope{Variables: variables})
	return result.Value, err
}
