package task

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// waiting is a run that goes on until it is cancelled, as the workflow does it.
func waiting(ctx context.Context, _ workflow.Run, j workflow.Journal) (json.RawMessage, error) {
	if err := j.Log(ctx, workflow.Entry{Message: "Beginning step A", StepID: "a", Status: workflow.Processing}); err != nil {
		return nil, err
	}
	if err := j.Step(ctx, "a", workflow.StepState{Status: workflow.Processing}); err != nil {
		return nil, err
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, workflow.ErrCancelled) {
		return nil, cause
	}
	failure := apierror.New(apierror.Generic, "Step a (A) has been cancelled.")
	return nil, errors.Join(j.Log(ctx, workflow.Entry{Message: failure.Error(), StepID: "a", Status: workflow.Failed}), failure)
}

func bodies(events []Event) (all []string) {
	for _, e := range events {
		all = append(all, string(e.Type)+" "+string(e.Body))
	}
	return all
}

func processing(t testing.TB, e *Engine, id string) {
	t.Helper()
	eventually(t, "the task runs and says so", func() bool {
		events, err := e.Events(context.Background(), id, 0)
		return err == nil && len(events) > 0
	})
}

func TestCancel_EndsTheStepAndTheTaskFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		e, _ := r.engine(Options{Lease: time.Second, Run: waiting}) // which is asked for wishes five times in its lease
		for name, by := range map[string]*Engine{"on the host that runs it": e, "on another host": r.idle()} {
			made := create(t, e, oneStep)
			processing(t, e, made.ID)
			if err := by.Cancel(context.Background(), made.ID); err != nil {
				t.Fatal(err)
			}
			if got := ended(t, e, made.ID); got.Status != Failed {
				t.Errorf("%s: the task is %s", name, got.Status)
			}
			want := []string{
				`log {"message":"Beginning step A","stepId":"a","status":"processing"}`,
				`cancelled {"message":"Step a has been cancelled.","stepId":"a","status":"cancelled"}`,
				`log {"message":"Error: Step a (A) has been cancelled.","stepId":"a","status":"failed"}`,
				`completion {"message":"Run completed with status: failed","error":{"name":"Error","message":"Step a (A) has been cancelled."}}`,
			}
			events := eventsOf(t, e, made.ID)
			if gapless(t, events); !slices.Equal(bodies(events), want) {
				t.Errorf("%s:\n%s", name, strings.Join(bodies(events), "\n"))
			}
		}
	})
}

func TestCancel_OfATaskThatHasEndedOrHasNotBegun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		early := create(t, r.idle(), oneStep)
		if err := r.idle().Cancel(context.Background(), early.ID); err != nil {
			t.Fatal(err)
		}
		if got := bodies(eventsOf(t, r.idle(), early.ID)); !slices.Equal(got, []string{`cancelled {"message":"Step 0 has been cancelled.","stepId":0,"status":"cancelled"}`}) {
			t.Errorf("before it began: %v", got)
		}
		e, _ := r.engine(Options{Run: waiting})
		if got := ended(t, e, early.ID); got.Status != Failed {
			t.Errorf("a task that was cancelled before it began is %s", got.Status)
		}
		if err := e.Cancel(context.Background(), early.ID); err != nil {
			t.Fatal(err)
		}
		if got, _ := e.Get(context.Background(), early.ID); got.Status != Failed {
			t.Errorf("cancelling changed a task that had ended: %s", got.Status)
		}
	})
}

func TestRetry_RunsATaskAgainThatHasEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, recovery := range []bool{false, true} {
			var runs []workflow.Run
			e, stop := newRig(t, db).engine(Options{Recovery: recovery, Run: func(ctx context.Context, run workflow.Run, j workflow.Journal) (json.RawMessage, error) {
				runs = append(runs, run)
				return json.RawMessage(`{}`), errors.Join(
					j.Checkpoint(ctx, "a", "k", json.RawMessage(`1`)),
					j.Step(ctx, "a", workflow.StepState{Status: workflow.Completed, Output: json.RawMessage(`{"x":1}`)}),
					j.Step(ctx, "b", workflow.StepState{Status: workflow.Processing}),
					j.Step(ctx, "c", workflow.StepState{Status: workflow.Failed, Error: "no"}))
			}})
			made := create(t, e, oneStep)
			ended(t, e, made.ID)
			bob := &principal.Principal{Kind: principal.User, Subject: "user:default/bob", Restrictions: &principal.Restrictions{Permissions: []string{"x"}}}
			if err := e.Retry(context.Background(), made.ID, secret.Set{"s": secret.New("new")}, bob); err != nil {
				t.Fatal(err)
			}
			if got := ended(t, e, made.ID); got.Status != Completed || got.CreatedBy != ann.Subject {
				t.Errorf("got %+v", got)
			}
			stop()
			again := runs[1]
			if again.Initiator.Subject != bob.Subject || again.Initiator.Restrictions == nil || again.Secrets["s"].Reveal() != "new" || len(again.Secrets) != 1 {
				t.Errorf("the second run is of %+v with %v", again.Initiator, again.Secrets)
			}
			_, done := again.State.Steps["a"]
			if done != recovery || len(again.State.Steps) != map[bool]int{false: 0, true: 1}[recovery] || string(again.State.Checkpoints["a"]["k"]) != "1" {
				t.Errorf("with recovery %v the second run begins at %+v", recovery, again.State)
			}
			events := eventsOf(t, e, made.ID)
			want := []string{`recovered {"recoverStrategy":"none"}`, `completion {"message":"Run completed with status: completed","output":{}}`}
			if !slices.Equal(bodies(events), want) || events[0].ID != 2 || events[1].ID != 3 {
				t.Errorf("events %v", bodies(events))
			}
		}
	})
}

func TestRetry_OfATaskThatHasNotEndedIsAConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		made := create(t, r.idle(), oneStep)
		for _, status := range []Status{Open, Processing} {
			r.change("UPDATE scaffolder_tasks SET status = ?, lease_until = 99999999999999 WHERE id = ?", string(status), made.ID)
			if err := r.idle().Retry(context.Background(), made.ID, nil, ann); err == nil || err.Error() != "ConflictError: Task with taskId "+made.ID+" cannot be retried" {
				t.Errorf("%s: %v", status, err)
			}
		}
	})
}

func TestFollow_YieldsEveryEventOnceAndInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		const lines = 250
		e, _ := r.engine(Options{Run: func(ctx context.Context, _ workflow.Run, j workflow.Journal) (json.RawMessage, error) {
			for range lines {
				if err := j.Log(ctx, line("x")); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}})
		made := create(t, e, oneStep)
		for name, follower := range map[string]*Engine{"on the host that runs it": e, "on another host": r.idle()} {
			for _, after := range []int64{0, 100} {
				var got []Event
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				for events, err := range follower.Follow(ctx, made.ID, after) {
					if err != nil {
						t.Fatal(err)
					}
					if got = append(got, events...); got[len(got)-1].Last() {
						break
					}
				}
				cancel()
				if len(got) != lines+1-int(after) || got[0].ID != after+1 {
					t.Fatalf("%s after %d: %d events from %d on", name, after, len(got), got[0].ID)
				}
				for i, ev := range got {
					if ev.ID != after+int64(i)+1 {
						t.Fatalf("%s: event %d has the number %d", name, i, ev.ID)
					}
				}
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for events, err := range e.Follow(ctx, made.ID, 0) {
			t.Error("a reader that has gone is told something", events, err)
		}
		if len(e.hub.topics) != 0 {
			t.Error("somebody still waits")
		}
	})
}

func TestEvents_OfATaskThatStartsOverHideTheRunBefore(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	e, _ := r.engine(Options{Run: succeed})
	made := create(t, e, strings.Replace(oneStep, `"output"`, `"EXPERIMENTAL_recovery":{"EXPERIMENTAL_strategy":"startOver"},"output"`, 1))
	ended(t, e, made.ID)
	if events := eventsOf(t, e, made.ID); len(events) != 4 || !events[0].Recoverable || events[3].Last() {
		t.Errorf("before: %v", bodies(events))
	}
	if err := e.Retry(context.Background(), made.ID, nil, ann); err != nil {
		t.Fatal(err)
	}
	ended(t, e, made.ID)
	events := eventsOf(t, e, made.ID)
	if len(events) != 5 || string(events[0].Body) != `{"recoverStrategy":"startOver"}` || events[0].Type != EventRecovered {
		t.Errorf("after: %v", bodies(events))
	}
	if hidden := sinceStartOver(events[:1]); hidden != nil {
		t.Errorf("before anything follows: %v", bodies(hidden))
	}
}

func TestATaskThatFailsOrPanicsSaysWhy(t *testing.T) {
	results := map[string]func() (json.RawMessage, error){
		`{"message":"Run completed with status: failed","error":{"name":"InputError","message":"bad <input>"}}`: func() (json.RawMessage, error) {
			return nil, apierror.Inputf("bad <input>")
		},
		`{"message":"Run completed with status: failed","error":{"name":"Error","message":"plain"}}`: func() (json.RawMessage, error) {
			return nil, errors.New("plain")
		},
		`{"message":"Run completed with status: failed","error":{"name":"Error","message":"internal error of the host; its log has more"}}`: func() (json.RawMessage, error) {
			panic("secret of the host")
		},
		`{"message":"Run completed with status: completed","output":{}}`: func() (json.RawMessage, error) { return nil, nil },
	}
	r := newRig(t, storetest.SQLite(t))
	for want, result := range results {
		e, stop := r.engine(Options{Run: func(context.Context, workflow.Run, workflow.Journal) (json.RawMessage, error) { return result() }})
		made := create(t, e, oneStep)
		ended(t, e, made.ID)
		if events := eventsOf(t, e, made.ID); len(events) != 1 || string(events[0].Body) != want {
			t.Errorf("got %v, want %s", bodies(events), want)
		}
		stop()
	}
}

func TestTheFilesOfATaskAreThereWhileItRunsAndGoneAfterwards(t *testing.T) {
	dir := t.TempDir()
	var seen atomic.Bool
	e, _ := newRig(t, storetest.SQLite(t)).engine(Options{WorkingDirectory: dir, Run: func(_ context.Context, run workflow.Run, _ workflow.Journal) (json.RawMessage, error) {
		info, err := os.Stat(run.Workspace)
		seen.Store(err == nil && info.IsDir() && info.Mode().Perm() == 0o700 && run.Workspace == filepath.Join(dir, run.TaskID))
		return nil, errors.Join(os.WriteFile(filepath.Join(run.Workspace, "f"), nil, 0o600), os.Mkdir(run.Workspace+"_step-1", 0o700))
	}})
	made := create(t, e, oneStep)
	ended(t, e, made.ID)
	if !seen.Load() {
		t.Error("there was no folder for the task alone")
	}
	eventually(t, "the files are gone", func() bool { entries, err := os.ReadDir(dir); return err == nil && len(entries) == 0 })
}

func TestCreate_TellsTheBusOfEverythingButSecrets(t *testing.T) {
	var got []string
	published := make(chan string, 10)
	e, _ := newRig(t, storetest.SQLite(t)).engine(Options{Run: succeed, Publish: func(_ context.Context, topic string, payload any) {
		text, _ := json.Marshal(payload)
		published <- topic + " " + string(text)
	}})
	if _, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage(oneStep), Initiator: ann, Secrets: secret.Set{"x": secret.New("hush")}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got = append(got, <-published)
	}
	for _, status := range []string{"processing", "open", "completed"} {
		if !slices.ContainsFunc(got, func(s string) bool {
			return strings.HasPrefix(s, "scaffolder.task ") && strings.Contains(s, `"status":"`+status+`"`)
		}) {
			t.Errorf("nobody is told %s: %v", status, got)
		}
	}
	if all := strings.Join(got, " "); strings.Contains(all, "hush") || strings.Contains(all, ann.Token) {
		t.Errorf("a secret is told: %s", all)
	}
	if _, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage("{")}); !apierror.Has(err, apierror.Input) {
		t.Errorf("a spec that is no JSON: %v", err)
	}
}

func TestCreate_AskingTwiceWithOneIDMakesOneTask(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, err := OpenStore(t.Context(), db, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := NewTask{ID: "7e57ab1e-0000-5000-8000-000000000001", Spec: json.RawMessage(`{}`), CreatedBy: "trigger:nightly", Initiator: &principal.Principal{Kind: principal.Service, Subject: "trigger:nightly"}}
		if _, err := s.create(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if _, err := s.create(t.Context(), n); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("the second time: %v", err)
		}
		list, total, err := s.list(t.Context(), Filter{CreatedBy: []string{"trigger:nightly"}})
		if err != nil || total != 1 || list[0].ID != n.ID {
			t.Errorf("%d tasks, %v, %v", total, list, err)
		}
	})
}
