package task

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		os.Exit(victim())
	}
	goleak.VerifyTestMain(m)
}

var ann = &principal.Principal{Kind: principal.User, Subject: "user:default/ann", Token: "token-of-ann"}

const oneStep = `{"apiVersion":"scaffolder.backstage.io/v1beta3","steps":[{"id":"a","name":"A","action":"x","extra":1}],"output":{},"parameters":{"n":1}}`

// rig is a database, and engines on it.
type rig struct {
	t  testing.TB
	db *store.DB
	*Store
}

func newRig(t testing.TB, db *store.DB) *rig {
	t.Helper()
	sealer, err := secret.NewSealer([]byte("a key for these tests"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenStore(context.Background(), db, sealer)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, db, s}
}

// engine starts an engine, which stop ends.
func (r *rig) engine(o Options) (e *Engine, stop func()) {
	r.t.Helper()
	o.Store = r.Store
	if o.WorkingDirectory == "" {
		o.WorkingDirectory = r.t.TempDir()
	}
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if os.Getenv("CALLBOARD_TEST_LOG") != "" {
		o.Logger = slog.Default()
	}
	e = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx)
	}()
	stop = func() { cancel(); <-ended }
	r.t.Cleanup(stop)
	return e, stop
}

// idle is an engine that runs nothing.
func (r *rig) idle() *Engine { return New(Options{Store: r.Store}) }

func create(t testing.TB, e *Engine, spec string) Task {
	t.Helper()
	made, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage(spec), Initiator: ann})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// eventually polls until ok says so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", what)
}

// ended waits for the end of a task.
func ended(t testing.TB, e *Engine, id string) Task {
	t.Helper()
	var last Task
	eventually(t, "task "+id+" ends", func() bool {
		var err error
		if last, err = e.Get(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		return last.Status.Ended()
	})
	return last
}

func eventsOf(t testing.TB, e *Engine, id string) []Event {
	t.Helper()
	events, err := e.Events(context.Background(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// gapless fails the test when the numbers of events are not 1, 2, 3…
func gapless(t testing.TB, events []Event) {
	t.Helper()
	for i, e := range events {
		if e.ID != int64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, e.ID)
		}
	}
}

func line(text string) workflow.Entry { return workflow.Entry{Message: text, StepID: "a"} }

// succeed is a run of one step that logs and has an output.
func succeed(ctx context.Context, run workflow.Run, j workflow.Journal) (json.RawMessage, error) {
	return json.RawMessage(`{"x":1}`), errors.Join(
		j.Step(ctx, "a", workflow.StepState{Status: workflow.Processing}),
		j.Log(ctx, workflow.Entry{Message: "Beginning step A", StepID: "a", Status: workflow.Processing}),
		j.Log(ctx, line("<working> on "+run.TaskID)),
		j.Log(ctx, workflow.Entry{Message: "Finished step A", StepID: "a", Status: workflow.Completed}),
		j.Step(ctx, "a", workflow.StepState{Status: workflow.Completed, Output: json.RawMessage(`{"o":1}`)}),
	)
}
