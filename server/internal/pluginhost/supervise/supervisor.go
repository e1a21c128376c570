package supervise

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Options is what a [Supervisor] is made of.
type Options struct {
	Plugin string // its id, for errors
	Policy Policy
	// Changed, if not nil, is told of every change, in order. It is called on the goroutine of Run and must be quick.
	Changed func(before, after Snapshot)
	// Chance is in [0, 1) and spreads the starts of plugins that died together; nil = by chance.
	Chance func() float64
}

// Supervisor keeps one plugin running. Its methods may be called from any goroutine; commands are carried out one after
// another by the goroutine of [Supervisor.Run], and wait for it when it has not begun.
type Supervisor struct {
	plugin   string
	policy   Policy
	changed  func(before, after Snapshot)
	chance   func() float64
	commands chan func(*machine)
	ended    chan struct{}
	serving  atomic.Pointer[serving]
	view     atomic.Pointer[view]
}

// view is the latest snapshot, and a channel that is closed when there is a newer one.
type view struct {
	snapshot Snapshot
	outdated chan struct{}
}

// New returns a supervisor that does nothing before [Supervisor.Run].
func New(o Options) *Supervisor {
	s := &Supervisor{plugin: o.Plugin, policy: o.Policy.withDefaults(), changed: o.Changed, chance: o.Chance,
		commands: make(chan func(*machine)), ended: make(chan struct{})}
	if s.chance == nil {
		s.chance = rand.Float64
	}
	if s.changed == nil {
		s.changed = func(Snapshot, Snapshot) {}
	}
	s.view.Store(&view{snapshot: Snapshot{State: Discovered, Since: time.Now()}, outdated: make(chan struct{})})
	return s
}

// Errors of commands.
var (
	ErrEnded      = errors.New("the plugin host is shutting down")
	ErrSuperseded = errors.New("superseded by a newer release, a restart or a stop")
)

// Run supervises until ctx ends; then it drains and stops what runs and returns. It is called once.
func (s *Supervisor) Run(ctx context.Context) {
	defer close(s.ended)
	newMachine(ctx, s).run(ctx)
}

// Snapshot is what is known now. It costs an allocation-free copy.
func (s *Supervisor) Snapshot() Snapshot { return s.fill(s.view.Load().snapshot) }

// Watch is [Supervisor.Snapshot] with a channel that is closed when there is a newer one. A slow watcher misses what
// was between; nobody waits for it.
func (s *Supervisor) Watch() (Snapshot, <-chan struct{}) {
	v := s.view.Load()
	return s.fill(v.snapshot), v.outdated
}

func (s *Supervisor) fill(shown Snapshot) Snapshot {
	if now := s.serving.Load(); now != nil {
		shown.InFlight = now.gate.inside()
	}
	return shown
}

// Settled waits until the plugin serves, or will not without somebody's doing, or waits for its next start.
func (s *Supervisor) Settled(ctx context.Context) (Snapshot, error) {
	for {
		shown, outdated := s.Watch()
		switch shown.State {
		case Discovered, Verified, Starting, Crashed, Draining:
		default:
			if shown.Next == nil {
				return shown, nil
			}
		}
		select {
		case <-outdated:
		case <-s.ended:
			return s.Snapshot(), nil
		case <-ctx.Done():
			return shown, ctx.Err()
		}
	}
}

// Take makes r what should run. The same release again changes nothing, whatever became of it; other settings go to the
// live instance where it can take them; else a new instance replaces the live one when it is ready. It returns when the
// supervisor has noted it, not when it runs.
func (s *Supervisor) Take(ctx context.Context, r Release) error {
	return s.do(ctx, func(m *machine) { m.take(&order{release: r}) })
}

// Swap starts r beside what runs and moves to it when it is ready. It returns when r serves, or with the reason why it
// does not; what served before then goes on. Commands that come later supersede it.
func (s *Supervisor) Swap(ctx context.Context, r Release) error {
	return s.await(ctx, func(m *machine, done chan<- error) {
		m.take(&order{release: r, fresh: true, done: []chan<- error{done}})
	})
}

// Restart is [Supervisor.Swap] with the release that should run; it also ends backoff, failed and stopped.
func (s *Supervisor) Restart(ctx context.Context) error {
	return s.await(ctx, (*machine).restart)
}

// Stop drains and stops what runs, and returns when that is done. It stays stopped until another release or Restart.
func (s *Supervisor) Stop(ctx context.Context) error {
	return s.await(ctx, (*machine).stop)
}

// Refuse says that what should run now may not, and returns when the snapshot says so. What runs goes on unless r says
// otherwise.
func (s *Supervisor) Refuse(ctx context.Context, r Refusal) error {
	return s.await(ctx, func(m *machine, done chan<- error) {
		m.refuse(r)
		m.answer(nil, done)
	})
}

func (s *Supervisor) do(ctx context.Context, command func(*machine)) error {
	select {
	case s.commands <- command:
		return nil
	case <-s.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Supervisor) await(ctx context.Context, command func(m *machine, done chan<- error)) error {
	done := make(chan error, 1)
	if err := s.do(ctx, func(m *machine) { command(m, done) }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
