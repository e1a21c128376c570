package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/store"
)

// Runner runs one task of a plugin until it ends, or until ctx does: then it must return soon. It is called on a goroutine
// of its own for each run, never twice at a time for one task. Its error is kept as the task's last error, so it must hold
// no secret.
type Runner interface {
	RunTask(ctx context.Context, plugin manifest.ID, task string) error
}

// Options is what a [Scheduler] is made of.
type Options struct {
	DB     *store.DB    // required
	Runner Runner       // required
	Logger *slog.Logger // required
	// Now is the clock; nil = time.Now. Hosts that share a database keep their clocks in step to well below leaseTime.
	Now func() time.Time
}

const (
	// leaseTime is how long a run counts as alive without being renewed.
	leaseTime = 30 * time.Second
	// renewEvery leaves room for one renewal to fail.
	renewEvery = leaseTime / 3
	// leaseMargin is how long before its lease ends a run that could not be renewed is cancelled.
	leaseMargin = leaseTime / 6
	// pollEvery is how soon what another host did, or did not do, is noticed.
	pollEvery = 5 * time.Second
	// storePatience bounds each look into the database.
	storePatience = 5 * time.Second
)

// Scheduler runs the tasks of the plugins that are ready on this host. Its methods are safe for concurrent use, also before
// and after Run.
type Scheduler struct {
	table  table
	runner Runner
	log    *slog.Logger
	now    func() time.Time
	wake   chan struct{} // holds one token when there may be something to do
	runs   sync.WaitGroup

	mu      sync.Mutex
	tasks   map[manifest.ID]map[string]Task
	running map[name]context.CancelCauseFunc
}

// New brings the table up to date. It starts nothing.
func New(ctx context.Context, o Options) (*Scheduler, error) {
	s := &Scheduler{
		table: table{o.DB}, runner: o.Runner, log: o.Logger, now: o.Now, wake: make(chan struct{}, 1),
		tasks: map[manifest.ID]map[string]Task{}, running: map[name]context.CancelCauseFunc{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, s.table.migrate(ctx)
}

// Set says which tasks plugin has from now on: those of an instance that became ready. Runs of tasks that are no longer
// among them are cancelled; others go on, also on the instance that they began on. An error names what is wrong with a
// task, and leaves things as they were.
func (s *Scheduler) Set(ctx context.Context, plugin manifest.ID, tasks []Task) error {
	named := make(map[string]Task, len(tasks))
	for _, t := range tasks {
		if err := t.check(plugin); err != nil {
			return err
		}
		if _, twice := named[t.ID]; twice {
			return fmt.Errorf("plugin %s: the task %q is there twice", plugin, t.ID)
		}
		named[t.ID] = t
	}
	for _, t := range tasks {
		if err := s.introduce(ctx, plugin, t); err != nil {
			return fmt.Errorf("plugin %s: schedule the task %q: %w", plugin, t.ID, err)
		}
	}
	s.mu.Lock()
	s.tasks[plugin] = named
	s.cancelVanished(plugin)
	s.mu.Unlock()
	s.nudge()
	return nil
}

// Remove forgets the tasks of a plugin that is not ready any more and cancels its runs. What is known of them stays in the
// database; other hosts go on with them.
func (s *Scheduler) Remove(plugin manifest.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tasks, plugin)
	s.cancelVanished(plugin)
}

func (s *Scheduler) cancelVanished(plugin manifest.ID) {
	for n, cancel := range s.running {
		if _, there := s.tasks[plugin][n.task]; n.plugin == plugin && !there {
			cancel(errInterrupted)
		}
	}
}

func (s *Scheduler) introduce(ctx context.Context, plugin manifest.ID, t Task) error {
	now := s.now()
	first, err := t.first(now)
	if err != nil {
		return err
	}
	next, err := t.after(now)
	if err != nil {
		return err
	}
	return s.table.introduce(ctx, name{plugin, t.ID}, t.rhythm(), first, next)
}

// Trigger makes a task due now. NotFoundError when the plugin has none of that id here, ConflictError while it runs.
func (s *Scheduler) Trigger(ctx context.Context, plugin manifest.ID, task string) error {
	s.mu.Lock()
	_, known := s.tasks[plugin][task]
	s.mu.Unlock()
	if !known {
		return apierror.NotFoundf("Plugin %s has no task %q", plugin, task)
	}
	due, err := s.table.hurry(ctx, name{plugin, task}, s.now())
	if err != nil {
		return err
	}
	if !due {
		return apierror.Conflictf("Task %q of plugin %s is currently running", task, plugin)
	}
	s.nudge()
	return nil
}

// States tells about the tasks that plugin has here, by id. What other hosts do counts.
func (s *Scheduler) States(ctx context.Context, plugin manifest.ID) ([]State, error) {
	rows, err := s.table.all(ctx, []manifest.ID{plugin})
	if err != nil {
		return nil, err
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]State, 0, len(s.tasks[plugin]))
	for id := range s.tasks[plugin] {
		if r, found := rows[name{plugin, id}]; found {
			states = append(states, State{ID: id, Running: r.running(now), LastStarted: moment(r.started), LastEnded: moment(r.ended),
				LastError: r.err, NextStart: moment(r.next)})
		}
	}
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.ID, b.ID) })
	return states, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run runs what is due until ctx ends, then cancels what runs and waits for it. One call per scheduler.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.runs.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
		}
		timer.Reset(s.round(ctx))
	}
}

// round starts what is due and says how long there is nothing to do, at most [pollEvery].
func (s *Scheduler) round(ctx context.Context) time.Duration {
	idle, plugins := s.idle()
	look, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	rows, err := s.table.all(look, plugins)
	if err != nil {
		s.complain(ctx, "tasks could not be looked up", err)
		return pollEvery
	}
	now, wait := s.now(), pollEvery
	for n, t := range idle {
		r, found := rows[n]
		if !found { // somebody emptied the table
			if err := s.introduce(look, n.plugin, t); err != nil {
				s.complain(ctx, "a task could not be scheduled", err)
			}
			continue
		}
		if r.due(now) {
			s.tryStart(ctx, n, t)
		} else if !r.running(now) {
			wait = min(wait, time.UnixMilli(r.next).Sub(now))
		}
	}
	return max(wait, time.Millisecond)
}

func (s *Scheduler) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.log.WarnContext(ctx, what, "error", err)
	}
}

// idle is the tasks that this host does not run at the moment, and whose they are.
func (s *Scheduler) idle() (map[name]Task, []manifest.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := map[name]Task{}
	var plugins []manifest.ID
	for plugin, tasks := range s.tasks {
		plugins = append(plugins, plugin)
		for id, t := range tasks {
			if n := (name{plugin, id}); s.running[n] == nil {
				idle[n] = t
			}
		}
	}
	return idle, plugins
}
