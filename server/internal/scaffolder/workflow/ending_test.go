package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// waiting is an action that runs until its context ends, and says when it has begun.
func waiting(begun func()) act {
	return act{action.Description{ID: "wait"}, func(ctx context.Context, _ action.Invocation, l action.Listener) error {
		begun()
		<-ctx.Done()
		return errors.Join(l.Log("warn", "stopped"), ctx.Err())
	}}
}

const waitSpec = `{"steps":[{"id":"wait","name":"Wait","action":"wait"},{"id":"plain","action":"say"},{"id":"always","name":"Always","action":"say","if":"${{ always() }}"}]}`

func TestRun_CancellingFailsTheStepAndIsTold(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := newRunner(t, waiting(func() { cancel(workflow.ErrCancelled) }), echo())
	j := &journal{}
	output, err := r.Run(ctx, workflow.Run{TaskID: "t1", Spec: newSpec(t, waitSpec, `{}`)}, j)
	goldentest.Compare(t, "Cancelled.golden", outcome(j, output, err))
}

func TestRun_AStepThatSucceedsWhenCancelledCountsAsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stubborn := act{action.Description{ID: "wait"}, func(context.Context, action.Invocation, action.Listener) error {
		cancel(workflow.ErrCancelled)
		return nil
	}}
	j := &journal{}
	_, err := newRunner(t, stubborn).Run(ctx, workflow.Run{TaskID: "t1", Spec: newSpec(t, `{"steps":[{"id":"a","name":"A","action":"wait","each":[1,2]}]}`, `{}`)}, j)
	if err == nil || err.Error() != "Error: Step a (A) of task t1 has been cancelled." || j.state.Steps["a"].Status != workflow.Failed {
		t.Errorf("got %v with %v", err, j.history)
	}
}

func TestRun_CancellingEndsTemplatesThatTakeLong(t *testing.T) {
	for _, step := range []string{
		`{"id":"a","name":"A","action":"say","if":"LONG"}`,
		`{"id":"a","name":"A","action":"say","each":"LONG"}`,
		`{"id":"a","name":"A","action":"say","input":{"x":"LONG"}}`,
		`{"id":"a","name":"A","action":"fail"},{"id":"b","action":"say","if":"LONG"}`,
	} {
		if underRace && !strings.Contains(step, "input") {
			continue // each of them costs a virtual machine
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		r := newRunner(t, echo(), failing("fail", errors.New("no")))
		r.Language = cancelling{language, func() { cancel(workflow.ErrCancelled) }}
		j := &journal{}
		long := strings.ReplaceAll(step, "LONG", "{% for i in range(100000000) %}{% endfor %}")
		_, err := r.Run(ctx, workflow.Run{TaskID: "t1", Spec: newSpec(t, `{"steps":[`+long+`]}`, `{}`)}, j)
		if err == nil || j.state.Steps["a"].Status != workflow.Failed || len(j.state.Steps) != 1 {
			t.Errorf("%s: got %v with %v", step, err, j.history)
		}
	}
}

// cancelling is a language in which somebody loses patience when something is rendered.
type cancelling struct {
	templating.Language

	cancel func()
}

func (c cancelling) Value(ctx context.Context, template json.RawMessage, s templating.Scope) (templating.Result, error) {
	if strings.Contains(string(template), "100000000") {
		time.AfterFunc(20*time.Millisecond, c.cancel)
	}
	return c.Language.Value(ctx, template, s)
}

func TestRun_AHostThatStopsLeavesTheStepForTheNextOne(t *testing.T) {
	stop := errors.New("the host stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := newRunner(t, waiting(func() { cancel(stop) }), echo())
	j := &journal{}
	_, err := r.Run(ctx, workflow.Run{TaskID: "t1", Spec: newSpec(t, waitSpec, `{}`)}, j)
	if !errors.Is(err, stop) || j.state.Steps["wait"].Status != workflow.Processing || len(j.state.Steps) != 1 {
		t.Errorf("got %v with %v", err, j.history)
	}
	for _, e := range append(j.entries, j.pending...) {
		if e.Status == workflow.Failed || e.StepID == "plain" || e.StepID == "always" {
			t.Errorf("after the stop %v was told", e)
		}
	}
}

func TestRun_ALostTaskIsNotTouchedAnyMore(t *testing.T) {
	for name, do := range map[string]func(l action.Listener) error{
		"an action that minds":          func(l action.Listener) error { return l.Log("info", "x") },
		"an action that does not":       func(l action.Listener) error { _ = l.Log("info", "x"); _ = l.Log("info", "y"); return nil },
		"an action that wraps it":       func(l action.Listener) error { return apierror.Inputf("no: %s", l.Log("info", "x")) },
		"an action with a checkpoint":   func(l action.Listener) error { return l.Checkpoint("k", json.RawMessage(`1`)) },
		"an action that says something": func(action.Listener) error { return nil },
	} {
		r := newRunner(t, act{action.Description{ID: "a"}, func(_ context.Context, _ action.Invocation, l action.Listener) error { return do(l) }}, echo())
		j := &losing{after: 3} // Starting, Beginning, Processing
		_, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[{"id":"a","action":"a"},{"id":"b","action":"say","if":"${{ always() }}"}]}`, `{}`)}, j)
		if !errors.Is(err, workflow.ErrLost) || j.refused != 1 {
			t.Errorf("%s: %v, and the journal was asked %d times after it was lost", name, err, j.refused)
		}
	}
}

// losing is a journal whose task is taken after some writes.
type losing struct{ after, refused int }

func (l *losing) write() error {
	if l.after--; l.after >= 0 {
		return nil
	}
	l.refused++
	return workflow.ErrLost
}

func (l *losing) Log(context.Context, workflow.Entry) error              { return l.write() }
func (l *losing) Step(context.Context, string, workflow.StepState) error { return l.write() }
func (l *losing) Checkpoint(context.Context, string, string, json.RawMessage) error {
	return l.write()
}

func TestRun_ATaskThatCannotBeRunIsRefusedAtOnce(t *testing.T) {
	r := newRunner(t)
	j := &journal{}
	if _, err := r.Run(t.Context(), workflow.Run{Spec: workflow.Spec{APIVersion: "v1"}}, j); err == nil || err.Error() != "Error: Unsupported Template apiVersion v1" {
		t.Errorf("got %v", err)
	}
	_, err := r.Run(t.Context(), workflow.Run{Spec: workflow.Spec{APIVersion: "scaffolder.backstage.io/v1beta3", Steps: make([]workflow.Step, 1001)}}, j)
	if !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), "1001 steps, at most 1000") {
		t.Errorf("got %v", err)
	}
	if len(j.history) != 0 {
		t.Errorf("the journal was told %v", j.history)
	}
}
