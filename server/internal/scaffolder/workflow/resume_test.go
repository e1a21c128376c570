package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// world is what actions do outside, which a host that dies does not undo.
type world struct{ did []string }

// doing does something outside and then dies with the journal if that does.
func (w *world) doing(id string, repeatable bool) act {
	return act{action.Description{ID: id, Repeatable: repeatable}, func(_ context.Context, i action.Invocation, l action.Listener) error {
		if i.Checkpoints["did"] == nil {
			w.did = append(w.did, i.Step+string(i.Input))
			if err := l.Checkpoint("did", json.RawMessage(`true`)); err != nil {
				return err
			}
		}
		return errors.Join(l.Log("info", "did it"), l.Output("by", json.RawMessage(`"`+i.Step+`"`)))
	}}
}

const deathSpec = `{"steps":[{"id":"first","action":"once","input":{"a":1}},{"id":"loop","action":"many","each":["a","b","c"],"input":{"v":"${{ each.value }}"}},
	{"id":"repos","action":"once","each":["x","y"],"input":{"v":"${{ each.value }}"}},{"id":"last","action":"many","input":{"of":"${{ steps.first.output.by }}"}},
	{"id":"cleanup","action":"many","if":"${{ always() }}"}],
	"output":{"first":"${{ steps.first.output.by }}","loop":"${{ steps.loop.output.by | dump }}","last":"${{ steps.last.output.by }}"}}`

// TestRun_AfterAnyDeathTheNextRunGoesOn lets the host die at each write to the journal in turn, and at the first write of
// the run after that, and so on until a run ends.
func TestRun_AfterAnyDeathTheNextRunGoesOn(t *testing.T) {
	spec := newSpec(t, deathSpec, `{}`)
	whole := &world{}
	_, err := newRunner(t, whole.doing("once", false), whole.doing("many", true)).Run(t.Context(), workflow.Run{TaskID: "t", Spec: spec}, &journal{})
	if err != nil {
		t.Fatal(err)
	}
	for dieAt := 1; ; dieAt++ {
		w := &world{}
		r := newRunner(t, w.doing("once", false), w.doing("many", true))
		first := &journal{dieAt: dieAt}
		if _, err = r.Run(t.Context(), workflow.Run{TaskID: "t", Spec: spec}, first); err == nil {
			break
		}
		if !errors.Is(err, errCrash) || first.writes != dieAt {
			t.Fatalf("died at %d, but the run ended with %v after %d writes", dieAt, err, first.writes)
		}
		state := first.state
		second := &journal{state: workflow.State{Steps: maps.Clone(state.Steps), Checkpoints: maps.Clone(state.Checkpoints)}}
		output, err := r.Run(t.Context(), workflow.Run{TaskID: "t", Spec: spec, State: state}, second)
		check := deathCheck{t, dieAt, whole, w, state, second}
		check.nothingTwice()
		if err == nil {
			check.sameOutput(output)
		} else {
			check.parked(err)
		}
	}
}

type deathCheck struct {
	*testing.T

	dieAt  int
	whole  *world
	w      *world
	state  workflow.State
	second *journal
}

// nothingTwice: what is not repeatable was done once. A repeatable action may do its work again unless it reached a checkpoint.
func (c deathCheck) nothingTwice() {
	seen := map[string]bool{}
	for _, d := range c.w.did {
		if seen[d] && !strings.HasPrefix(d, "loop") && !strings.HasPrefix(d, "last") && !strings.HasPrefix(d, "cleanup") {
			c.Errorf("died at %d: %s was done twice: %v", c.dieAt, d, c.w.did)
		}
		seen[d] = true
	}
}

func (c deathCheck) sameOutput(output json.RawMessage) {
	const want = `{"first":"first","loop":"[\"loop\",\"loop\",\"loop\"]","last":"last"}`
	if string(output) != want {
		c.Errorf("died at %d: got %s, want %s", c.dieAt, output, want)
	}
	seen := map[string]bool{}
	for _, d := range c.w.did {
		seen[d] = true
	}
	if len(seen) != len(c.whole.did) {
		c.Errorf("died at %d: did %v, want all of %v", c.dieAt, c.w.did, c.whole.did)
	}
}

// parked: a step that must not be repeated was begun and not ended. The task fails and says so; the steps after it are
// dealt with as after any failure.
func (c deathCheck) parked(err error) {
	interrupted := ""
	for _, id := range []string{"first", "repos"} {
		if c.state.Steps[id].Status == workflow.Processing {
			interrupted = id
		}
	}
	if interrupted == "" || !apierror.Has(err, apierror.Conflict) || !strings.Contains(err.Error(), "Step "+interrupted+" (once) was interrupted while it ran once") {
		c.Errorf("died at %d with %v: %v", c.dieAt, c.state.Steps, err)
	}
	if c.second.state.Steps[interrupted].Status != workflow.Failed || c.second.state.Steps["cleanup"].Status != workflow.Completed {
		c.Errorf("died at %d: left %v", c.dieAt, c.second.state.Steps)
	}
}

func TestRun_WhatAnEarlierRunDidIsTold(t *testing.T) {
	w := &world{}
	r := newRunner(t, w.doing("once", false), w.doing("many", true), failing("fail", errors.New("no")))
	for name, run := range map[string]struct{ steps, state string }{
		"ResumedAfterACompletedStep": {
			`{"id":"a","action":"once"},{"id":"b","action":"many","input":{"by":"${{ steps.a.output.by }}"}}`,
			`{"steps":{"a":{"status":"completed","output":{"by":"earlier"}}}}`,
		},
		"ResumedWithinALoop": {
			`{"id":"a","action":"many","each":["x","y","z"],"input":{"v":"${{ each.value }}"}}`,
			`{"steps":{"a":{"status":"processing","done":{"1":{"by":"earlier"}}}},"checkpoints":{"a":{"\"0\":did":true,"did":true}}}`,
		},
		"ResumedAtAStepThatMustNotBeRepeated": {
			`{"id":"a","name":"Publish","action":"once"},{"id":"b","action":"many"},{"id":"c","action":"many","if":"${{ failure() }}"}`,
			`{"steps":{"a":{"status":"processing"}}}`,
		},
		"ResumedAfterAFailedStep": {
			`{"id":"a","action":"fail"},{"id":"b","action":"many"},{"id":"c","action":"many","if":"${{ failure() }}"}`,
			`{"steps":{"a":{"status":"failed","error":"NotFoundError: there is no ship: none"}}}`,
		},
		"ResumedAfterAnErrorWithoutAName": {`{"id":"a","action":"fail"}`, `{"steps":{"a":{"status":"cancelled","error":"the ship: is gone"}}}`},
		"ResumedWithStepsThatTheTemplateDoesNotHave": {
			`{"id":"a","action":"many"}`, `{"steps":{"zz":{"status":"processing"}},"checkpoints":{"zz":{"x":1}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var state workflow.State
			if err := json.Unmarshal([]byte(run.state), &state); err != nil {
				t.Fatal(err)
			}
			j := &journal{state: state}
			output, err := r.Run(t.Context(), workflow.Run{TaskID: "t", Spec: newSpec(t, `{"steps":[`+run.steps+`]}`, `{}`), State: state}, j)
			goldentest.Compare(t, name+".golden", outcome(j, output, err))
		})
	}
}

func TestRun_ALoopWritesLittleWhenItMayBeRepeated(t *testing.T) {
	r := newRunner(t, act{action.Description{ID: "quick", Repeatable: true}, func(context.Context, action.Invocation, action.Listener) error { return nil }})
	j := &counter{}
	spec := newSpec(t, `{"steps":[{"id":"a","action":"quick","each":[0`+strings.Repeat(",0", 1999)+`]}]}`, `{}`)
	if _, err := r.Run(t.Context(), workflow.Run{Spec: spec}, j); err != nil {
		t.Fatal(err)
	}
	if j.iterations > 2000*20 || j.iterations < 2000 {
		t.Errorf("%d iterations were written for 2000", j.iterations)
	}
}

// counter counts the iterations that are written.
type counter struct {
	journal

	iterations int
}

func (c *counter) Log(context.Context, workflow.Entry) error { return nil }

func (c *counter) Step(_ context.Context, _ string, s workflow.StepState) error {
	c.iterations += len(s.Done)
	return nil
}
