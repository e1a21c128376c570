package supervise

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// machine is the state that the goroutine of Run owns: nothing else reads or writes it. What takes time runs in
// children, which hand back a function that the goroutine calls.
type machine struct {
	*Supervisor
	base     context.Context //nolint:containedctx // of the children; it ends some time after Run's
	endBase  context.CancelFunc
	cut      *time.Timer // ends base at the latest
	children sync.WaitGroup
	running  int // children whose results are still to come
	results  chan func()
	retry    *time.Timer
	probing  *time.Timer

	offered *Release // the last one that Take or Swap brought, until it is refused
	wanted  *Release // what is started after a crash or on Restart
	refusal *Refusal
	attempt *order // the start in progress
	queued  *order // what follows it
	current *serving
	stops   []chan<- error
	replies []reply

	crashes  crashes
	crash    *Crash
	rollback *Rollback
	restarts int
	retryAt  time.Time // in backoff
	cleaning int       // dead instances that are being removed
	draining int

	failed, stopped, ending bool
}

// serving is an instance while it is, or was, the current one.
type serving struct {
	instance Instance
	release  Release
	settings string // of what was configured last
	since    time.Time
	gate     *gate
	health   Health
	misses   int
}

// order asks for an instance of a release, and is the attempt to make one.
type order struct {
	release Release
	fresh   bool // a new instance even when the live one would do
	done    []chan<- error
	began   time.Time
	// cancel ends the attempt; dropped tells that nobody wants its result any more, and why.
	cancel  context.CancelFunc
	dropped error
}

// reply is the outcome of a command on its way to who waits for it.
type reply struct {
	done chan<- error // has room for the one error it gets
	err  error
}

// answer tells who waits, after what they wait for can be seen.
func (m *machine) answer(err error, waiting ...chan<- error) {
	for _, done := range waiting {
		m.replies = append(m.replies, reply{done, err})
	}
}

func (m *machine) resolve(o *order, err error) {
	m.answer(err, o.done...)
	o.done = nil
}

func newMachine(ctx context.Context, s *Supervisor) *machine {
	m := &machine{Supervisor: s, results: make(chan func()), retry: time.NewTimer(0), probing: time.NewTimer(0)}
	m.retry.Stop()
	m.probing.Stop()
	m.base, m.endBase = context.WithCancel(context.WithoutCancel(ctx))
	return m
}

func (m *machine) run(ctx context.Context) {
	defer m.endBase()
	commands, done := m.commands, ctx.Done()
	for !m.ending || m.running > 0 {
		select {
		case <-done:
			commands, done = nil, nil
			m.end()
		case command := <-commands:
			command(m)
		case result := <-m.results:
			m.running--
			result()
		case <-m.exited():
			m.died(m.current.instance.ExitReason())
		case <-m.retry.C:
			m.retryAt = time.Time{}
			m.restarts++
			m.begin(&order{release: *m.wanted})
		case <-m.probing.C:
			m.probe()
		}
		m.follow()
		m.publish()
		for _, r := range m.replies {
			r.done <- r.err
		}
		m.replies = nil
	}
	m.cut.Stop()
	m.children.Wait()
}

// spawn runs work in a goroutine of its own and what it returns in this one.
func (m *machine) spawn(work func() (result func())) {
	m.running++
	m.children.Go(func() { m.results <- work() })
}

func (m *machine) exited() <-chan struct{} {
	if m.current == nil {
		return nil
	}
	return m.current.instance.Exited()
}

// follow begins what had to wait, and answers who waits for a stop.
func (m *machine) follow() {
	if next := m.queued; next != nil && m.attempt == nil && (m.current == nil || m.draining < m.policy.Drains) {
		m.queued = nil
		m.begin(next)
	}
	if m.stopped && m.attempt == nil && m.draining == 0 && m.cleaning == 0 {
		m.answer(nil, m.stops...)
		m.stops = nil
	}
}

// publish shows what is, if it differs from what was shown.
func (m *machine) publish() {
	before := m.view.Load()
	after := m.snapshot(before.snapshot)
	if reflect.DeepEqual(before.snapshot, after) {
		return
	}
	m.view.Store(&view{snapshot: after, outdated: make(chan struct{})})
	close(before.outdated)
	m.changed(before.snapshot, after)
}

func (m *machine) snapshot(before Snapshot) Snapshot {
	now := time.Now()
	s := Snapshot{State: m.state(), Since: now, Rollback: m.rollback, Refusal: m.refusal, Crash: m.crash,
		Crashes: len(m.crashes.within(m.policy, now)), Restarts: m.restarts, Retry: m.retryAt, Draining: m.draining}
	if s.State == before.State {
		s.Since = before.Since
	}
	s.Reason = m.reason(s.State)
	for _, known := range []*Release{m.offered, m.wanted} {
		if known != nil {
			s.Version = known.Version
			break
		}
	}
	if c := m.current; c != nil {
		s.Version, s.Health, s.Serving = c.release.Version, c.health, c.since
		if m.attempt != nil {
			s.Next = &Next{Version: m.attempt.release.Version, Since: m.attempt.began}
		}
	}
	return s
}

func (m *machine) state() State {
	switch {
	case m.current != nil && m.current.health.Degraded:
		return Degraded
	case m.current != nil:
		return Ready
	case m.ending || m.stopped:
		if m.draining > 0 || m.attempt != nil {
			return Draining
		}
		return Stopped
	case m.attempt != nil && m.attempt.dropped == nil || m.queued != nil:
		return Starting
	case m.failed:
		return Failed
	case !m.retryAt.IsZero():
		return Backoff
	case m.cleaning > 0 && m.wanted != nil:
		return Crashed
	case m.refusal != nil:
		return m.refusal.State
	default:
		return Discovered
	}
}

func (m *machine) reason(s State) string {
	switch {
	case s == Degraded && len(m.current.health.Notes) > 0:
		return m.current.health.Notes[0]
	case s == Degraded:
		return "it says that something it needs does not work"
	case s == Stopped && m.stopped:
		return "stopped by an operator"
	case s == Failed:
		return fmt.Sprintf("died %d times within %s, the last time: %s", m.policy.CrashLimit, m.policy.CrashWindow, m.crash.Reason)
	case (s == Crashed || s == Backoff) && m.crash != nil:
		return m.crash.Reason
	case m.refusal != nil && s == m.refusal.State:
		return m.refusal.Reason
	default:
		return ""
	}
}

// take carries out an order, or notes it for later.
func (m *machine) take(o *order) {
	again := m.offered != nil && m.offered.same(o.release)
	if again && !o.fresh {
		return
	}
	m.refusal, m.offered = nil, &o.release
	if m.current == nil {
		m.wanted = &o.release
	}
	m.renew()
	switch {
	case m.attempt != nil && m.attempt.dropped == nil && m.attempt.release.same(o.release):
		m.attempt.done = append(m.attempt.done, o.done...)
	case m.current != nil && !o.fresh && m.current.release.Code == o.release.Code && m.current.settings == o.release.Settings:
		m.drop(ErrSuperseded)
		m.current.release, m.wanted = o.release, &o.release
		m.resolve(o, nil)
	default:
		m.drop(ErrSuperseded)
		m.queued = o
	}
}

// renew gives the plugin a new chance: what became of it before does not count any more.
func (m *machine) renew() {
	m.stopped, m.failed = false, false
	m.crashes, m.crash, m.rollback = crashes{}, nil, nil
	m.calm()
	m.answer(ErrSuperseded, m.stops...)
	m.stops = nil
}

// drop gives up what was asked for and does not serve yet.
func (m *machine) drop(why error) {
	if m.queued != nil {
		m.resolve(m.queued, why)
		m.queued = nil
	}
	if m.attempt != nil && m.attempt.dropped == nil {
		m.attempt.dropped = why
		m.attempt.cancel()
	}
}

// calm forgets that something was to be started again.
func (m *machine) calm() {
	m.retry.Stop()
	m.retryAt = time.Time{}
}

func (m *machine) restart(done chan<- error) {
	switch {
	case m.attempt != nil && m.attempt.dropped == nil:
		m.attempt.done = append(m.attempt.done, done)
	case m.wanted == nil && m.refusal != nil:
		m.answer(fmt.Errorf("plugin %s cannot be started: %s, %s", m.plugin, m.refusal.State, m.refusal.Reason), done)
	case m.wanted == nil:
		m.answer(fmt.Errorf("plugin %s cannot be started: nothing is known of what to start", m.plugin), done)
	default:
		m.renew()
		m.drop(ErrSuperseded)
		m.queued = &order{release: *m.wanted, fresh: true, done: []chan<- error{done}}
	}
}

func (m *machine) stop(done chan<- error) {
	m.stopped, m.failed = true, false
	m.stops = append(m.stops, done)
	m.calm()
	m.drop(ErrSuperseded)
	m.retire(m.policy.Grace)
}

func (m *machine) refuse(r Refusal) {
	m.refusal, m.offered = &r, nil
	m.drop(errors.New(r.Reason))
	if r.Stop {
		m.retire(m.policy.Grace)
	}
	if m.current == nil {
		m.calm()
		m.wanted, m.failed = nil, false
	}
}

// end begins the end of Run: what takes longer than the grace is cut short.
func (m *machine) end() {
	m.ending = true
	m.calm()
	m.drop(ErrEnded)
	m.retire(m.policy.EndGrace)
	m.answer(ErrEnded, m.stops...)
	m.stops = nil
	m.cut = time.AfterFunc(m.policy.EndGrace, m.endBase)
}
