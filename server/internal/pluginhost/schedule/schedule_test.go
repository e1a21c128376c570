package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const plugin = manifest.ID("hello")

// runner records when tasks ran and does what the test says.
type runner struct {
	mu   sync.Mutex
	runs []time.Time
	do   func(ctx context.Context, task string) error
}

func (r *runner) RunTask(ctx context.Context, _ manifest.ID, task string) error {
	r.mu.Lock()
	r.runs = append(r.runs, time.Now())
	r.mu.Unlock()
	if r.do == nil {
		return nil
	}
	return r.do(ctx, task)
}

func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.runs)
}

// started is a scheduler that runs until the test, or stop, ends it.
func started(t *testing.T, db *store.DB, r schedule.Runner) (s *schedule.Scheduler, stop func()) {
	t.Helper()
	s, err := schedule.New(t.Context(), schedule.Options{DB: db, Runner: r, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

func set(t *testing.T, s *schedule.Scheduler, tasks ...schedule.Task) {
	t.Helper()
	if err := s.Set(t.Context(), plugin, tasks); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, s *schedule.Scheduler, task string) schedule.State {
	t.Helper()
	states, err := s.States(t.Context(), plugin)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range states {
		if st.ID == task {
			return st
		}
	}
	t.Fatalf("no state of %s among %v", task, states)
	return schedule.State{}
}

// story runs a test in a bubble of its own time, with a database of its own.
func story(t *testing.T, tell func(t *testing.T, db *store.DB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { tell(t, storetest.SQLite(t)) })
}

func TestTask_RunsAtOnceAndThenItsIntervalAfterEachEnd(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{do: func(context.Context, string) error { time.Sleep(20 * time.Second); return nil }}
		s, _ := started(t, db, r)
		begin := time.Now()
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Minute})
		time.Sleep(3 * time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		want := []time.Duration{0, 80 * time.Second, 160 * time.Second}
		if len(r.runs) != len(want) {
			t.Fatalf("ran %d times: %v", len(r.runs), r.runs)
		}
		for i, at := range r.runs {
			if late := at.Sub(begin) - want[i]; late < 0 || late > 10*time.Millisecond {
				t.Errorf("run %d began after %s, want %s", i, at.Sub(begin), want[i])
			}
		}
	})
}

func TestTask_WaitsForItsInitialDelay(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Hour, InitialDelay: 30 * time.Second})
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if r.count() != 0 {
			t.Error("it ran before the delay was over")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r.count() != 1 {
			t.Errorf("it ran %d times", r.count())
		}
	})
}

func TestTask_WithCronRunsByTheClockInUTC(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) { // the bubble's time begins at midnight UTC
		r := &runner{}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "report", Cron: "30 6 * * *"})
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		if r.count() != 1 || r.runs[0].UTC().Format("15:04") != "06:30" {
			t.Errorf("ran at %v", r.runs)
		}
		if next := state(t, s, "report").NextStart; next.Format("02 15:04") != "02 06:30" {
			t.Errorf("next start %s", next)
		}
	})
}

func TestTask_IsGivenUpAtItsTimeout(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{do: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "stuck", Interval: time.Hour, Timeout: 2 * time.Minute})
		time.Sleep(time.Minute)
		if !state(t, s, "stuck").Running {
			t.Error("it does not count as running although its lease is renewed")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if st := state(t, s, "stuck"); st.Running || st.LastError != "given up after 2m0s" {
			t.Errorf("state %+v", st)
		}
	})
}

func TestTask_ThatFailsOrPanicsTellsSoAndRunsAgain(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		var healed atomic.Bool
		r := &runner{do: func(_ context.Context, task string) error {
			switch {
			case healed.Load():
				return nil
			case task == "panics":
				panic("oh")
			}
			return errors.New("upstream answered 500" + strings.Repeat("…", 1000) + "\x00")
		}}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "fails", Interval: time.Minute}, schedule.Task{ID: "panics", Interval: time.Minute})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := state(t, s, "fails").LastError; !strings.HasPrefix(got, "upstream answered 500") || len(got) > 1024 {
			t.Errorf("last error %q", got)
		}
		if got := state(t, s, "panics").LastError; !strings.Contains(got, "internal error") {
			t.Errorf("last error %q", got)
		}
		healed.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := state(t, s, "fails").LastError; got != "" {
			t.Errorf("last error %q after a good run", got)
		}
	})
}

func TestTrigger_RunsNowUnlessItRunsAlready(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{do: func(context.Context, string) error { time.Sleep(10 * time.Second); return nil }}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Hour, InitialDelay: time.Hour})
		if err := s.Trigger(t.Context(), plugin, "sweep"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if r.count() != 1 {
			t.Errorf("it ran %d times", r.count())
		}
		if err := s.Trigger(t.Context(), plugin, "sweep"); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("while it runs: %v", err)
		}
		if err := s.Trigger(t.Context(), plugin, "other"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("of another task: %v", err)
		}
		if err := s.Trigger(t.Context(), "other", "sweep"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("of another plugin: %v", err)
		}
	})
}

func TestRemove_CancelsRunsWhichAreDueAgainAtOnce(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{do: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
		s, _ := started(t, db, r)
		task := schedule.Task{ID: "long", Interval: time.Hour}
		set(t, s, task)
		time.Sleep(time.Second)
		s.Remove(plugin)
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.count() != 1 {
			t.Fatalf("it ran %d times after its plugin went", r.count())
		}
		set(t, s, task) // the plugin is back
		time.Sleep(time.Second)
		if r.count() != 2 {
			t.Errorf("it ran %d times", r.count())
		}
		if got := state(t, s, "long").LastError; !strings.HasPrefix(got, "interrupted") {
			t.Errorf("last error %q", got)
		}
	})
}

func TestStop_HandsRunsToAnotherHost(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		wait := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		first, second := &runner{do: wait}, &runner{do: wait}
		a, stop := started(t, db, first)
		b, _ := started(t, db, second)
		task := schedule.Task{ID: "long", Interval: time.Hour}
		set(t, a, task)
		time.Sleep(time.Second)
		set(t, b, task)
		time.Sleep(time.Minute)
		if first.count() != 1 || second.count() != 0 {
			t.Fatalf("ran %d times here and %d there", first.count(), second.count())
		}
		stop()
		time.Sleep(6 * time.Second) // the other looks every five
		if second.count() != 1 {
			t.Errorf("the other host ran it %d times", second.count())
		}
	})
}

func TestHostThatDies_LosesItsRunsWithItsLease(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Hour, InitialDelay: time.Hour})
		// What a host leaves behind that was killed in the middle of a run.
		now := time.Now().UnixMilli()
		schedule.Exec(t, db, "UPDATE schedule_tasks SET ticket = 'gone', next_start_at = ?, started_at = ?, lease_until = ?", now, now, now+25_000)
		time.Sleep(24 * time.Second)
		if r.count() != 0 {
			t.Error("it ran although the other host's lease was good")
		}
		time.Sleep(7 * time.Second)
		if r.count() != 1 {
			t.Errorf("it ran %d times after the lease was over", r.count())
		}
	})
}

func TestRunWhoseTicketIsLost_IsCancelled(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		var ended atomic.Bool
		r := &runner{do: func(ctx context.Context, _ string) error { <-ctx.Done(); ended.Store(true); return ctx.Err() }}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Hour})
		time.Sleep(time.Second)
		schedule.Exec(t, db, "UPDATE schedule_tasks SET ticket = 'another', lease_until = ?", time.Now().Add(time.Hour).UnixMilli())
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if !ended.Load() {
			t.Error("it still runs beside the other host")
		}
		if !state(t, s, "sweep").Running {
			t.Error("the other host's run was ended in the database")
		}
	})
}

func TestNewRhythm_CountsFromNow(t *testing.T) {
	story(t, func(t *testing.T, db *store.DB) {
		r := &runner{}
		s, _ := started(t, db, r)
		set(t, s, schedule.Task{ID: "sweep", Interval: 24 * time.Hour})
		time.Sleep(time.Second)
		set(t, s, schedule.Task{ID: "sweep", Interval: time.Minute})
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if r.count() != 2 {
			t.Errorf("it ran %d times", r.count())
		}
	})
}

func TestSet_SaysWhatIsWrongWithATaskAndKeepsTheOthers(t *testing.T) {
	db := storetest.SQLite(t)
	s, err := schedule.New(t.Context(), schedule.Options{DB: db, Runner: &runner{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, schedule.Task{ID: "good", Interval: time.Minute})
	for want, task := range map[string]schedule.Task{
		"the id must be":        {ID: "a b", Interval: time.Minute},
		"exactly one":           {ID: "both", Interval: time.Minute, Cron: "* * * * *"},
		"exactly one of":        {ID: "none"},
		"the interval must":     {ID: "fast", Interval: time.Millisecond},
		"no cron expression":    {ID: "cron", Cron: "* * * *"},
		"of five fields":        {ID: "cron", Cron: "* * * * * *"},
		"never comes":           {ID: "cron", Cron: "0 0 31 2 *"},
		"the timeout must":      {ID: "slow", Interval: time.Minute, Timeout: 48 * time.Hour},
		"the initial delay":     {ID: "late", Interval: time.Minute, InitialDelay: -1},
		"\"good\" is there twi": {ID: "good", Interval: time.Minute},
	} {
		err := s.Set(t.Context(), plugin, []schedule.Task{{ID: "good", Interval: time.Minute}, task})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "plugin hello") {
			t.Errorf("%+v: %v, want it to say %q", task, err, want)
		}
	}
	if states, err := s.States(t.Context(), plugin); err != nil || len(states) != 1 || states[0].ID != "good" {
		t.Errorf("states %v, %v", states, err)
	}
}

// TestTwoHosts_NeverRunATaskAtOnce has both of them asked to run it as often as they can.
func TestTwoHosts_NeverRunATaskAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { compete(t, db, db) })
}

// TestTwoProcesses_NeverRunATaskAtOnce gives each host connections of its own.
func TestTwoProcesses_NeverRunATaskAtOnce(t *testing.T) {
	section := map[string]any{"backend": map[string]any{"database": storetest.PostgreSQLConfig(t)}}
	open := func() *store.DB {
		db, err := store.Open(t.Context(), config.FromValue(section).Section("backend.database"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	compete(t, open(), open())
}

func compete(t *testing.T, one, other *store.DB) {
	t.Helper()
	const enough = 20
	var inside, overlaps, runs atomic.Int32
	full := make(chan struct{})
	r := &runner{do: func(context.Context, string) error {
		if inside.Add(1) > 1 {
			overlaps.Add(1)
		}
		time.Sleep(2 * time.Millisecond) // long enough for the other to come in
		inside.Add(-1)
		if runs.Add(1) == enough {
			close(full)
		}
		return nil
	}}
	a, _ := started(t, one, r)
	b, _ := started(t, other, r)
	task := schedule.Task{ID: "sweep", Interval: time.Hour}
	set(t, a, task)
	set(t, b, task)
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, s := range []*schedule.Scheduler{a, b} {
		callers.Go(func() {
			for ctx.Err() == nil {
				if err := s.Trigger(ctx, plugin, "sweep"); err != nil && !apierror.Has(err, apierror.Conflict) && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	select {
	case <-full:
	case <-time.After(time.Minute):
		t.Errorf("only %d runs in a minute", runs.Load())
	}
	cancel()
	callers.Wait()
	if n := overlaps.Load(); n > 0 {
		t.Errorf("%d of %d runs overlapped", n, runs.Load())
	}
}
