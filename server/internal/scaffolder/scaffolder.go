package scaffolder

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
)

// Deps is what a [Service] works with. All are required but those that say otherwise.
type Deps struct {
	DB         *store.DB
	Config     *config.Config
	Dir        string // relative folders of the configuration are relative to it
	Logger     *slog.Logger
	Sealer     *secret.Sealer // see [NewSealer]
	Authorizer permission.Authorizer
	Catalog    Catalog
	Actions    *action.Registry
	// Language renders templates and checks values. The caller closes it, when Run has returned.
	Language Language
	// Publish hears what becomes of tasks, under [task.Topic]; nil = nobody does. It must not block.
	Publish func(ctx context.Context, topic string, payload any)
	// Autocompleters are asked by forms, by the name of the provider; nil = none.
	Autocompleters map[string]Autocompleter
	// Choices fills fields of forms; nil = fields have the choices that templates name.
	Choices Choices
}

// Language is the template language, with what it tells about itself.
type Language interface {
	templating.Language

	// Extensions is the filters and globals, as clients list them.
	Extensions() (json.RawMessage, error)
}

// Service is the scaffolder as a value: templates, tasks, and what runs them. Safe for concurrent use.
type Service struct {
	Deps

	settings     settings
	tasks        *task.Engine
	pollFor      time.Duration
	runner       *workflow.Runner
	integrations []permission.Integration
	rules        map[string]permission.Integration // by resource type
}

// New makes a Service and brings its tables up to date. It runs no tasks before [Service.Run].
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{Deps: d, settings: readSettings(d.Config, d.Dir), pollFor: pollFor, rules: map[string]permission.Integration{}}
	s.runner = workflow.New(workflow.Options{
		Language: d.Language, Actions: d.Actions, Authorize: s.gate, Logger: d.Logger, WorkingDirectory: s.settings.workingDir,
		Environment: workflow.Environment{Parameters: s.settings.parameters, Secrets: s.settings.secrets},
	})
	if err := s.openTasks(ctx); err != nil {
		return nil, err
	}
	s.integrations = integrations(s.owners)
	for _, in := range s.integrations {
		s.rules[in.ResourceType] = in
	}
	return s, nil
}

// openTasks brings the tables of tasks up to date.
func (s *Service) openTasks(ctx context.Context) error {
	store, err := task.OpenStore(ctx, s.DB, s.Sealer)
	if err != nil {
		return err
	}
	s.tasks = task.New(task.Options{
		Store: store, Run: s.runner.Run, Concurrency: s.settings.concurrency, Lease: s.settings.lease,
		WorkingDirectory: s.settings.workingDir, Recovery: s.settings.recovery, Timeout: s.settings.timeout,
		JanitorEvery: s.settings.janitorEvery,
		Retention:    s.settings.retention, Grace: s.settings.grace, KeepFiles: int64(s.settings.keepFiles), Publish: s.Publish, Logger: s.Logger,
	})
	return nil
}

// Run runs tasks and looks after those that nobody runs, until ctx ends and what runs here has been handed over.
func (s *Service) Run(ctx context.Context) error { return s.tasks.Run(ctx) }

// gate asks once what a task's initiator may do with actions.
func (s *Service) gate(ctx context.Context, initiator *principal.Principal, _ []string) (workflow.Gate, error) {
	if initiator == nil {
		return nil, errors.New("a task without an initiator")
	}
	j, err := s.judge(ctx, initiator, PermissionActionExecute)
	return Gate{j}, err
}

// CheckConfig reads everything that [New] reads from cfg; what is wrong with it is told by its Err.
func CheckConfig(cfg *config.Config) { readSettings(cfg, "") }

// ConfigKeys are the keys below "callboard" that this feature reads.
var ConfigKeys = []string{"scaffolder", "secrets"}

// SectionKeys are the keys below "callboard.scaffolder" that it reads itself; actions and triggers have others.
var SectionKeys = []string{"lease", "dataDir", "retention", "shutdownGrace", "keepFiles"}
