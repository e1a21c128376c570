package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an instance that does as it is told.
type fake struct {
	name   string
	exited chan struct{}

	stopped, begun atomic.Int32 // stops and drains
	quickly        atomic.Bool  // the last stop was without asking

	mu      sync.Mutex
	reason  string
	health  Health
	hung    bool
	drain   time.Duration
	refuses bool // new settings
	got     []string
}

func (f *fake) die(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reason == "" {
		f.reason = reason
		close(f.exited)
	}
}

func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Probe(ctx context.Context) (Health, error) {
	f.mu.Lock()
	hung, health := f.hung, f.health
	f.mu.Unlock()
	if hung {
		<-ctx.Done()
		return Health{}, errors.New("no answer")
	}
	if gone(f) {
		return Health{}, errors.New("connection refused")
	}
	return health, nil
}

func (f *fake) Drain(ctx context.Context) error {
	f.begun.Add(1)
	f.mu.Lock()
	wait := f.drain
	f.mu.Unlock()
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fake) Stop(now bool) {
	f.stopped.Add(1)
	f.quickly.Store(now)
	time.Sleep(10 * time.Millisecond)
	f.die("stopped")
}

func (f *fake) Exited() <-chan struct{} { return f.exited }
func (f *fake) LastLines() []string     { return []string{f.name + " says farewell"} }
func (f *fake) ExitReason() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reason
}

// factory makes releases, and remembers the instances they started.
type factory struct {
	mu       sync.Mutex
	started  []*fake
	starting int
	failing  map[string]error // by version
	takes    time.Duration
	together int // the most starts at once
}

func (y *factory) release(version, settings string) Release {
	return Release{Version: version, Code: version, Settings: settings,
		Start: func(ctx context.Context) (Instance, error) { return y.start(ctx, version) },
		Configure: func(_ context.Context, live Instance) error {
			f := live.(*fake)
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.refuses {
				return errors.New("not while it runs")
			}
			f.got = append(f.got, settings)
			return nil
		}}
}

func (y *factory) start(ctx context.Context, version string) (Instance, error) {
	y.mu.Lock()
	y.starting++
	y.together = max(y.together, y.starting)
	takes := y.takes
	y.mu.Unlock()
	defer func() { y.mu.Lock(); y.starting--; y.mu.Unlock() }()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, fmt.Errorf("start %s: %w", version, ctx.Err())
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	err := y.failing[version]
	if err != nil && !errors.Is(err, errStillborn) {
		return nil, err
	}
	f := &fake{name: fmt.Sprintf("%s#%d", version, len(y.started)), exited: make(chan struct{})}
	y.started = append(y.started, f)
	if err != nil {
		f.die("exit status 9")
	}
	return f, nil
}

func (y *factory) fail(version string, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.failing == nil {
		y.failing = map[string]error{}
	}
	y.failing[version] = err
}

func (y *factory) slow(takes time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.takes = takes
}

func (y *factory) all() []*fake {
	y.mu.Lock()
	defer y.mu.Unlock()
	return append([]*fake(nil), y.started...)
}

func (y *factory) last() *fake {
	all := y.all()
	return all[len(all)-1]
}

// errStillborn has a start succeed with an instance that has just ended.
var errStillborn = errors.New("stillborn")

// failure is a start error with the process's last words.
type failure struct{ text string }

func (f failure) Error() string         { return f.text }
func (f failure) StderrLines() []string { return []string{"panic: " + f.text} }

// story is a supervisor in a bubble of its own time.
type story struct {
	*Supervisor
	*factory
	t       *testing.T
	states  []State
	end     context.CancelFunc
	changes int
}

// tell runs a story about a plugin whose first release, 1.0.0, is offered at once; takes is what each start takes.
func tell(t *testing.T, takes time.Duration, f func(s *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, takes)
		s.offer("1.0.0", "a")
		synctest.Wait()
		f(s)
		s.over()
	})
}

func begin(t *testing.T, takes time.Duration) *story {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &story{factory: &factory{takes: takes}, t: t, end: cancel}
	s.Supervisor = New(Options{Plugin: "shop", Chance: func() float64 { return 0.5 }, Changed: func(before, after Snapshot) {
		s.changes++
		if before.State != after.State {
			s.states = append(s.states, after.State)
		}
	}})
	go s.Run(ctx)
	return s
}

func (s *story) offer(version, settings string) {
	s.t.Helper()
	if err := s.Take(s.t.Context(), s.release(version, settings)); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

// over ends the host and checks that every instance was stopped, once.
func (s *story) over() {
	s.t.Helper()
	s.end()
	<-s.ended
	for _, f := range s.all() {
		if n := f.stopped.Load(); n != 1 {
			s.t.Errorf("%s was stopped %d times", f.name, n)
		}
	}
	if s.together > 1 {
		s.t.Errorf("%d starts at the same time", s.together)
	}
}

func (s *story) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *story) want(state State, version string) Snapshot {
	s.t.Helper()
	synctest.Wait()
	shown := s.Snapshot()
	if shown.State != state || shown.Version != version {
		s.t.Fatalf("%s %s, want %s %s (%+v)", shown.State, shown.Version, state, version, shown)
	}
	return shown
}

// serves asks for the current instance and gives it back.
func (s *story) serves(name string) {
	s.t.Helper()
	l, err := s.Acquire(s.t.Context())
	if err != nil {
		s.t.Fatalf("nothing serves, want %s: %v", name, err)
	}
	if got := l.Instance().(*fake).name; got != name {
		s.t.Fatalf("%s serves, want %s", got, name)
	}
	l.Release()
}
