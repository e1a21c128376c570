package task

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// Runner runs the steps of a task and answers its output. An error that is the journal's own, or the cause of ctx, ends the
// run in the middle; any other fails the task, and is shown to the user.
type Runner func(ctx context.Context, run workflow.Run, j workflow.Journal) (output json.RawMessage, err error)

// Topic is where the engine publishes what becomes of tasks.
const Topic = "scaffolder.task"

// Options are what an engine is made of. Durations that are zero are the defaults.
type Options struct {
	Store *Store
	Run   Runner
	// Concurrency is how many tasks this host runs at once; 0 = it runs none, and leaves them to others.
	Concurrency int
	// Lease is how long a task stays with a worker that is not heard of.
	Lease time.Duration
	// WorkingDirectory is where the folders of tasks are; "" = the system's place for temporary files.
	WorkingDirectory string
	// KeepFiles bounds the workspaces, in bytes before compression, that are kept in the database at the end of each step, so
	// that another host goes on with the same files; 0 = the default, negative = none. Beyond it, a task with files goes on
	// only where these are, and with what an interrupted step left.
	KeepFiles int64
	// Recovery keeps secrets, sealed, until a task ends, and lets retries go on after the last step that ended well.
	Recovery bool
	// Timeout is after which time without a heartbeat a task fails that no worker takes over.
	Timeout time.Duration
	// JanitorEvery is how often that, and what Retention asks, is looked after.
	JanitorEvery time.Duration
	// Retention is how long tasks are kept that have ended; 0 = for ever.
	Retention time.Duration
	// Grace is how long tasks may go on after the engine was told to stop. Then they are left to other workers.
	Grace time.Duration
	// MaxLosses is how many workers may be lost in a row while a task runs, before it is taken for the cause.
	MaxLosses int
	// Publish hears what becomes of tasks, under [Topic]; nil = nobody does. It must not block.
	Publish func(ctx context.Context, topic string, payload any)
	Logger  *slog.Logger
}

// The defaults.
const (
	DefaultConcurrency  = 10
	DefaultLease        = 5 * time.Second
	DefaultTimeout      = 24 * time.Hour
	DefaultJanitorEvery = 5 * time.Minute
	DefaultGrace        = 10 * time.Second
	DefaultMaxLosses    = 10
	DefaultKeepFiles    = 16 << 20
)

func (o *Options) fill() {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&o.Lease, DefaultLease}, {&o.Timeout, DefaultTimeout}, {&o.JanitorEvery, DefaultJanitorEvery}, {&o.Grace, DefaultGrace}} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if o.MaxLosses <= 0 {
		o.MaxLosses = DefaultMaxLosses
	}
	if o.KeepFiles == 0 {
		o.KeepFiles = DefaultKeepFiles
	}
	if o.WorkingDirectory == "" {
		o.WorkingDirectory = os.TempDir()
	}
	if o.Publish == nil {
		o.Publish = func(context.Context, string, any) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Engine creates, runs and tells about tasks. Safe for concurrent use. Everything but running works before [Engine.Run] is
// called, and on hosts that run nothing.
type Engine struct {
	options Options
	store   *Store
	worker  string
	hub     hub
	nudge   chan struct{} // there may be a task to claim

	mu      sync.Mutex
	running map[string]*run
	runs    sync.WaitGroup
}

// New makes an engine.
func New(o Options) *Engine {
	o.fill()
	return &Engine{options: o, store: o.Store, worker: uuid.NewString(), nudge: make(chan struct{}, 1), running: map[string]*run{}}
}

// Create stores a task, which a worker claims at once.
func (e *Engine) Create(ctx context.Context, n NewTask) (Task, error) {
	if !json.Valid(n.Spec) {
		return Task{}, apierror.Inputf("the task's spec is not JSON")
	}
	t, err := e.store.create(ctx, n)
	if err != nil {
		return Task{}, fmt.Errorf("create task: %w", err)
	}
	e.options.Publish(ctx, Topic, map[string]any{"id": t.ID, "spec": t.Spec, "createdBy": orNothing(t.CreatedBy), "status": t.Status})
	e.look()
	return t, nil
}

// orNothing keeps "" out of payloads.
func orNothing(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Get is a task; NotFoundError when there is none.
func (e *Engine) Get(ctx context.Context, id string) (Task, error) { return e.store.get(ctx, id) }

// List is one page of tasks, and how many there are on all pages.
func (e *Engine) List(ctx context.Context, f Filter) (tasks []Task, total int, err error) {
	return e.store.list(ctx, f)
}

// Cancel asks for the end of a task, wherever it runs: the step that runs is interrupted within a second, and the task
// fails. Its secrets are gone at once. A task that has ended stays as it is.
func (e *Engine) Cancel(ctx context.Context, id string) error {
	e.mu.Lock()
	r := e.running[id]
	e.mu.Unlock()
	if r != nil {
		_ = r.journal.flush(ctx) // so that the event follows what was logged before it; a failure is the run's to deal with
	}
	body, err := e.store.cancel(ctx, id)
	if err != nil {
		return err
	}
	if r != nil {
		r.stop(workflow.ErrCancelled)
	}
	e.options.Publish(ctx, Topic, map[string]any{"taskId": id, "status": Cancelled, "body": body})
	e.hub.wake(id)
	return nil
}

// Retry opens a task that has ended, with other secrets and in the name of who retries it. ConflictError when it has not.
func (e *Engine) Retry(ctx context.Context, id string, secrets secret.Set, by *principal.Principal) error {
	if err := e.store.retry(ctx, id, secrets, by, e.options.Recovery); err != nil {
		return err
	}
	e.hub.wake(id)
	e.look()
	return nil
}

// look makes the engine look for tasks to claim now.
func (e *Engine) look() {
	select {
	case e.nudge <- struct{}{}:
	default: // it will, anyway
	}
}
