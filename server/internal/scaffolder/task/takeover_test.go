package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// abandon makes every lease end now, as if its worker had not been heard of.
func (r *rig) abandon() {
	r.t.Helper()
	r.change("UPDATE scaffolder_tasks SET lease_until = 1 WHERE status = 'processing'")
}

// lostClaim claims every task for a worker that is never heard of again.
func (r *rig) lostClaim() []claim {
	r.t.Helper()
	claims, err := r.claim(context.Background(), claimRequest{worker: "lost", limit: 100, lease: time.Hour})
	if err != nil {
		r.t.Fatal(err)
	}
	return claims
}

func TestTakeover_GoesOnWhereTheLostWorkerWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		made := create(t, r.idle(), oneStep)
		c := r.lostClaim()[0]
		done := workflow.StepState{Status: workflow.Completed, Output: json.RawMessage(`{"o":"x"}`)}
		if err := errors.Join(
			r.saveState(context.Background(), c.holder, []entry{{EventLog, json.RawMessage(`{"message":"before"}`), time.Now()}}, record{Step: "a", State: &done}, nil),
			r.saveState(context.Background(), c.holder, nil, record{Step: "b", Key: "repo", Value: json.RawMessage(`"made"`)}, nil),
		); err != nil {
			t.Fatal(err)
		}
		r.abandon()
		var run workflow.Run
		e, _ := r.engine(Options{Run: func(_ context.Context, w workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
			run = w
			return nil, nil
		}})
		ended(t, e, made.ID)
		if got := run.State.Steps["a"]; got.Status != workflow.Completed || string(got.Output) != `{"o":"x"}` || string(run.State.Checkpoints["b"]["repo"]) != `"made"` {
			t.Errorf("the second worker begins at %+v", run.State)
		}
		if run.Initiator.Subject != ann.Subject || run.Initiator.Token != "" {
			t.Errorf("it runs as %+v", run.Initiator)
		}
		want := []string{`log {"message":"before"}`, `recovered {"recoverStrategy":"none"}`, `completion {"message":"Run completed with status: completed","output":{}}`}
		events := eventsOf(t, e, made.ID)
		if gapless(t, events); !slices.Equal(bodies(events), want) {
			t.Errorf("events %v", bodies(events))
		}
		if err := r.appendLog(context.Background(), c.holder, []entry{{EventLog, json.RawMessage(`{}`), time.Now()}}); !errors.Is(err, workflow.ErrLost) {
			t.Errorf("the lost worker still writes: %v", err)
		}
		if err := r.finish(context.Background(), c.holder, Failed, nil, false); !errors.Is(err, workflow.ErrLost) {
			t.Errorf("the lost worker ends the task: %v", err)
		}
	})
}

func TestTakeover_TheWorkerThatLostTheTaskWritesNothingMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		made := create(t, r.idle(), oneStep)
		ctx := context.Background()
		for name, worker := range map[string]string{"by another worker": "other", "by itself, later": "lost"} {
			before := r.lostClaim()[0]
			r.abandon()
			claims, err := r.claim(ctx, claimRequest{worker: worker, limit: 1, lease: time.Hour})
			if err != nil || len(claims) != 1 {
				t.Fatal(claims, err)
			}
			text := []entry{{EventLog, json.RawMessage(`{"message":"late"}`), time.Now()}}
			for what, err := range map[string]error{
				"a line":       r.appendLog(ctx, before.holder, text),
				"a checkpoint": r.saveState(ctx, before.holder, text, record{Step: "a", Key: "k", Value: json.RawMessage("1")}, &snapshot{any: true}),
				"the end":      r.finish(ctx, before.holder, Completed, text, false),
			} {
				if !errors.Is(err, workflow.ErrLost) {
					t.Errorf("taken %s, it writes %s: %v", name, what, err)
				}
			}
			if err := r.release(ctx, before.holder); err != nil {
				t.Fatal(err)
			}
			if more, err := r.claim(ctx, claimRequest{worker: "third", limit: 1, lease: time.Hour}); err != nil || len(more) != 0 {
				t.Errorf("taken %s, it lets go of what is not its own: %v, %v", name, more, err)
			}
			held, err := r.heartbeat(ctx, worker, []string{made.ID}, time.Hour)
			if err != nil || held[made.ID].attempt == before.attempt || len(held) != 1 {
				t.Errorf("taken %s, held is %v, %v", name, held, err)
			}
			reached, err := r.reached(ctx, made.ID)
			if got, _ := r.get(ctx, made.ID); err != nil || got.Status != Processing || len(reached.Checkpoints) > 0 || strings.Contains(fmt.Sprint(bodies(eventsOf(t, r.idle(), made.ID))), "late") {
				t.Errorf("taken %s, the task is %s, reached %v, %v", name, got.Status, reached, err)
			}
			r.abandon()
		}
	})
}

func TestTakeover_OfATaskWhoseSecretsAreNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, recovery := range []bool{false, true} {
			r := newRig(t, db)
			made, err := r.idle().Create(context.Background(), NewTask{Spec: json.RawMessage(oneStep), Initiator: ann, Secrets: secret.Set{"pin": secret.New("1234")}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.claim(context.Background(), claimRequest{worker: "lost", limit: 1, lease: time.Hour, keepSecrets: recovery}); err != nil {
				t.Fatal(err)
			}
			r.abandon()
			var pin atomic.Value
			e, stop := r.engine(Options{Recovery: recovery, Run: func(_ context.Context, w workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
				pin.Store(w.Secrets["pin"].Reveal())
				return nil, nil
			}})
			got := ended(t, e, made.ID)
			stop()
			last := bodies(eventsOf(t, e, made.ID))
			switch {
			case recovery && (got.Status != Completed || pin.Load() != "1234"):
				t.Errorf("kept secrets: %s, %v", got.Status, pin.Load())
			case !recovery && (got.Status != Failed || !strings.Contains(last[len(last)-1], "retry the task and enter them again")):
				t.Errorf("wiped secrets: %s, %v", got.Status, last)
			}
			if n := 0; true {
				if err := db.Read().NewRaw("SELECT count(*) FROM scaffolder_tasks WHERE secrets IS NOT NULL").Scan(context.Background(), &n); err != nil || n != 0 {
					t.Errorf("secrets are kept of %d tasks that have ended (%v)", n, err)
				}
			}
		}
	})
}

func TestATaskThatTakesItsHostsDownAgainAndAgainEnds(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	made := create(t, r.idle(), oneStep)
	for range 3 {
		if len(r.lostClaim()) != 1 {
			t.Fatal("it cannot be claimed")
		}
		r.abandon()
	}
	e, _ := r.engine(Options{MaxLosses: 3, Run: func(context.Context, workflow.Run, workflow.Journal) (json.RawMessage, error) {
		t.Error("it runs once more")
		return nil, nil
	}})
	if got := ended(t, e, made.ID); got.Status != Failed {
		t.Errorf("it is %s", got.Status)
	}
	if last := bodies(eventsOf(t, e, made.ID)); !strings.Contains(last[len(last)-1], "the host was lost 3 times in a row") {
		t.Errorf("it says %v", last)
	}
}

func TestATaskThatGoesOnMayLoseAnyNumberOfHosts(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	made := create(t, r.idle(), oneStep)
	for i := range 6 {
		c := r.lostClaim()[0]
		if c.losses > 1 {
			t.Fatalf("after %d hosts %d count, and each ended a step", i, c.losses)
		}
		done := workflow.StepState{Status: workflow.Completed}
		if err := r.saveState(context.Background(), c.holder, nil, record{Step: fmt.Sprint(i), State: &done}, nil); err != nil {
			t.Fatal(err)
		}
		r.abandon()
	}
	e, _ := r.engine(Options{MaxLosses: 3, Run: succeed})
	if got := ended(t, e, made.ID); got.Status != Completed {
		t.Errorf("it is %s: %v", got.Status, bodies(eventsOf(t, e, made.ID)))
	}
}

func TestARunThatLosesItsTaskEndsAndWritesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		cause := make(chan error, 1)
		e, stop := r.engine(Options{Lease: 500 * time.Millisecond, Run: func(ctx context.Context, w workflow.Run, j workflow.Journal) (json.RawMessage, error) {
			output, err := waiting(ctx, w, j)
			cause <- context.Cause(ctx)
			return output, errors.Join(err, j.Log(context.Background(), line("too late")))
		}})
		made := create(t, e, oneStep)
		processing(t, e, made.ID)
		r.change("UPDATE scaffolder_tasks SET worker = 'other', attempt = attempt + 1, lease_until = 99999999999999")
		if err := <-cause; !errors.Is(err, workflow.ErrLost) {
			t.Errorf("the run ends with %v", err)
		}
		stop()
		if got, _ := e.Get(context.Background(), made.ID); got.Status != Processing || len(eventsOf(t, e, made.ID)) != 1 {
			t.Errorf("the run changed a task that was not its own: %s, %v", got.Status, bodies(eventsOf(t, e, made.ID)))
		}
	})
}

func TestAHostThatStopsLeavesItsTasksToOthersAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		dir := t.TempDir()
		first, stop := r.engine(Options{WorkingDirectory: dir, Lease: time.Hour, Grace: time.Millisecond, Run: waiting})
		made := create(t, first, oneStep)
		processing(t, first, made.ID)
		stop()
		second, _ := r.engine(Options{WorkingDirectory: dir, Lease: time.Hour, MaxLosses: 1, Run: func(_ context.Context, w workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
			if w.State.Steps["a"].Status != workflow.Processing {
				return nil, fmt.Errorf("step a is %q", w.State.Steps["a"].Status)
			}
			return nil, nil
		}})
		if got := ended(t, second, made.ID); got.Status != Completed { // an hour would not pass
			t.Errorf("%s: %v", got.Status, bodies(eventsOf(t, second, made.ID)))
		}
		gapless(t, eventsOf(t, second, made.ID))
	})
}

func TestAHostThatStopsLetsShortTasksEnd(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	begun, goOn := make(chan bool), make(chan bool)
	e := New(Options{Store: r.Store, WorkingDirectory: t.TempDir(), Concurrency: 1, Run: func(context.Context, workflow.Run, workflow.Journal) (json.RawMessage, error) {
		begun <- true
		<-goOn
		return nil, nil
	}})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = e.Run(ctx)
	}()
	running, waiting := create(t, e, oneStep), create(t, e, oneStep)
	<-begun
	stop()
	later := create(t, e, oneStep)
	goOn <- true
	<-stopped
	for id, want := range map[string]Status{running.ID: Completed, waiting.ID: Open, later.ID: Open} {
		if got, _ := e.Get(context.Background(), id); got.Status != want {
			t.Errorf("a task is %s, want %s", got.Status, want)
		}
	}
}

func TestJanitor_ClosesStaleTasksDeletesOldOnesAndRemovesTheirFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		dir := t.TempDir()
		e := New(Options{Store: r.Store, WorkingDirectory: dir, Retention: time.Hour})
		stale, fresh, old := create(t, e, oneStep), create(t, e, oneStep), create(t, e, oneStep)
		for _, c := range r.lostClaim() {
			body := json.RawMessage(`{"message":"Beginning step A","stepId":"a","status":"processing"}`)
			if err := r.appendLog(context.Background(), c.holder, []entry{{EventLog, body, time.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		r.abandon()
		r.change("UPDATE scaffolder_tasks SET heartbeat_at = 1 WHERE id <> ?", fresh.ID)
		r.change("UPDATE scaffolder_tasks SET status = 'completed', ended_at = 1 WHERE id = ?", old.ID)
		for _, name := range []string{stale.ID, stale.ID + "_step-1", fresh.ID, "2b0e8b52-4a3a-4b6c-9d5e-2f8f3a9d7c11", "other"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		e.tidy(context.Background())
		want := []string{
			`log {"message":"Beginning step A","stepId":"a","status":"processing"}`,
			`log {"message":"This task was marked as stale as it exceeded its timeout","stepId":"a","status":"failed"}`,
			`completion {"message":"This task was marked as stale as it exceeded its timeout"}`,
		}
		if got, err := e.Get(context.Background(), fresh.ID); err != nil || got.Status != Processing {
			t.Errorf("a fresh task: %v, %v", got.Status, err)
		}
		if _, err := e.Get(context.Background(), old.ID); err == nil {
			t.Error("an old task is still there")
		}
		got, err := e.Get(context.Background(), stale.ID)
		if err != nil || got.Status != Failed {
			t.Fatalf("a stale task: %v, %v", got.Status, err)
		}
		if events := eventsOf(t, e, stale.ID); !slices.Equal(bodies(events), want) {
			t.Errorf("events %v", bodies(events))
		}
		var left []string
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			left = append(left, entry.Name())
		}
		slices.Sort(left)
		if kept := []string{"2b0e8b52-4a3a-4b6c-9d5e-2f8f3a9d7c11", fresh.ID, "other"}; !sameSet(left, kept) {
			t.Errorf("left are %v, want %v", left, kept)
		}
	})
}

func sameSet(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestManyHostsOnOneDatabaseRunEachTaskOnce(t *testing.T) {
	section := storetest.PostgreSQLConfig(t)
	const tasks, hosts = 200, 3
	var mu sync.Mutex
	runs, byHost := map[string]int{}, make([]int, hosts)
	var rigs []*rig
	for range hosts {
		db, err := store.Open(context.Background(), config.FromValue(map[string]any{"db": section}).Section("db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		rigs = append(rigs, newRig(t, db))
	}
	e := rigs[0].idle()
	var ids []string
	for range tasks {
		ids = append(ids, create(t, e, oneStep).ID)
	}
	for i, r := range rigs {
		r.engine(Options{Concurrency: 5, Run: func(ctx context.Context, w workflow.Run, j workflow.Journal) (json.RawMessage, error) {
			mu.Lock()
			runs[w.TaskID]++
			byHost[i]++
			mu.Unlock()
			return succeed(ctx, w, j)
		}})
	}
	for _, id := range ids {
		if got := ended(t, e, id); got.Status != Completed {
			t.Errorf("%s: %v", got.Status, bodies(eventsOf(t, e, id)))
		}
		events := eventsOf(t, e, id)
		if gapless(t, events); len(events) != 4 {
			t.Errorf("%d events: %v", len(events), bodies(events))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if runs[id] != 1 {
			t.Errorf("a task ran %d times", runs[id])
		}
	}
	for i, n := range byHost {
		if n == 0 {
			t.Errorf("host %d ran nothing: %v", i, byHost)
		}
	}
}

func TestAHostThatDiesIsReplacedWithinItsLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		dead := New(Options{Store: r.Store, Lease: 500 * time.Millisecond, WorkingDirectory: t.TempDir(), Concurrency: 1, Run: waiting})
		made := create(t, dead, oneStep)
		if err := dead.claimAll(context.Background()); err != nil { // and nobody beats for it
			t.Fatal(err)
		}
		t.Cleanup(func() {
			dead.mu.Lock()
			held := maps.Clone(dead.running)
			dead.mu.Unlock()
			for _, one := range held {
				one.interrupt(workflow.ErrLost)
			}
			dead.runs.Wait()
		})
		processing(t, dead, made.ID)
		e, _ := r.engine(Options{Run: succeed})
		if got := ended(t, e, made.ID); got.Status != Completed {
			t.Errorf("it is %s", got.Status)
		}
	})
}

func TestLogEntriesSurviveAShortFailureOfTheDatabase(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	goOn := make(chan bool)
	e, _ := r.engine(Options{Run: func(ctx context.Context, _ workflow.Run, j workflow.Journal) (json.RawMessage, error) {
		for i := range 5 {
			if err := j.Log(ctx, line(fmt.Sprint(i))); err != nil {
				return nil, err
			}
			<-goOn
		}
		return nil, j.Step(ctx, "a", workflow.StepState{Status: workflow.Completed})
	}})
	made := create(t, e, oneStep)
	began, followed := make(chan bool, 10), make(chan []Event)
	go func() {
		var seen []Event
		for events, err := range e.Follow(context.Background(), made.ID, 0) {
			if err != nil {
				t.Error(err)
				break
			}
			if seen = append(seen, events...); seen[len(seen)-1].Last() {
				break
			}
			began <- true
		}
		followed <- seen
	}()
	goOn <- true
	<-began
	r.change("ALTER TABLE scaffolder_task_events RENAME TO away")
	goOn <- true
	goOn <- true
	time.Sleep(3 * flushAfter) // so that a flush fails
	e.hub.wake(made.ID)
	time.Sleep(flushAfter) // and a reader finds nothing to read
	r.change("ALTER TABLE away RENAME TO scaffolder_task_events")
	goOn <- true
	goOn <- true
	ended(t, e, made.ID)
	events := eventsOf(t, e, made.ID)
	gapless(t, events)
	if len(events) != 6 || string(events[4].Body) != `{"message":"4","stepId":"a"}` {
		t.Errorf("events %v", bodies(events))
	}
	if seen := <-followed; !slices.Equal(bodies(seen), bodies(events)) {
		t.Errorf("a reader saw %v", bodies(seen))
	}
}
