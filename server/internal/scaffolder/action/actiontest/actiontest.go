// Package actiontest holds the laws of action.Action as a suite that each implementation runs, in this process or
// behind a plugin's socket.
package actiontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// Run is what an action under test does.
type Run func(ctx context.Context, run action.Invocation, l action.Listener) error

// Recorder is a Listener that writes down what it hears.
type Recorder struct {
	mu    sync.Mutex
	Lines []string
	// Refuse is answered to everything; nil = all is fine.
	Refuse error
}

func (r *Recorder) hear(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Lines = append(r.Lines, fmt.Sprintf(format, args...))
	return r.Refuse
}

// Log implements [action.Listener].
func (r *Recorder) Log(level, message string) error { return r.hear("%s: %s", level, message) }

// Output implements [action.Listener].
func (r *Recorder) Output(name string, value json.RawMessage) error {
	return r.hear("%s = %s", name, value)
}

// Checkpoint implements [action.Listener].
func (r *Recorder) Checkpoint(key string, value json.RawMessage) error {
	return r.hear("%s @ %s", key, value)
}

// Actions runs the laws of Action. start makes an action with that description that does run.
func Actions(t *testing.T, start func(t *testing.T, d action.Description, run Run) action.Action) {
	t.Helper()
	plain := action.Description{ID: "test:do"}
	t.Run("ItsDescriptionIsComplete", func(t *testing.T) {
		d := action.Description{
			ID: "test:do", Description: "Does something", Input: json.RawMessage(`{"type":"object","required":["name"]}`),
			Output: json.RawMessage(`{"type":"object"}`), SupportsDryRun: true, Repeatable: true,
			Examples: []action.Example{{Description: "the least", Example: "steps:\n  - action: test:do\n"}},
		}
		if diff := cmp.Diff(d, start(t, d, nil).Description()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("WhatItSaysIsHeardInOrder", func(t *testing.T) {
		a := start(t, plain, func(_ context.Context, _ action.Invocation, l action.Listener) error {
			return errors.Join(l.Log("info", "begins"), l.Checkpoint("made", json.RawMessage(`{"id":7}`)), l.Output("url", json.RawMessage(`"https://a.test"`)), l.Log("warn", "ends"))
		})
		var heard Recorder
		if err := a.Execute(t.Context(), action.Invocation{Input: action.Input(`{}`)}, &heard); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"info: begins", `made @ {"id":7}`, `url = "https://a.test"`, "warn: ends"}, heard.Lines); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ItGetsTheWholeInvocation", func(t *testing.T) {
		want := action.Invocation{
			Task: "t1", Step: "s1", StepName: "Greet", Template: action.Template{EntityRef: "template:default/greeting"}, Input: action.Input(`{"big":9007199254740993,"text":"<ü>"}`), DryRun: true, User: "user:default/ann",
			Checkpoints: map[string]json.RawMessage{"made": json.RawMessage(`[1]`)},
		}
		got := make(chan action.Invocation, 1)
		a := start(t, action.Description{ID: "test:do", SupportsDryRun: true}, func(_ context.Context, run action.Invocation, _ action.Listener) error {
			got <- run
			return nil
		})
		if err := a.Execute(t.Context(), want, &Recorder{}); err != nil {
			t.Fatal(err)
		}
		received := <-got
		if diff := cmp.Diff(string(want.Input), string(received.Input)); diff != "" {
			t.Error(diff)
		}
		received.Input = want.Input
		if diff := cmp.Diff(want, received); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("AnErrorKeepsItsName", func(t *testing.T) {
		a := start(t, plain, func(context.Context, action.Invocation, action.Listener) error {
			return apierror.NotFoundf("there is no repository shop")
		})
		err := a.Execute(t.Context(), action.Invocation{Input: action.Input(`{}`)}, &Recorder{})
		if !apierror.Has(err, apierror.NotFound) || !strings.Contains(err.Error(), "no repository shop") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ItStopsWithItsContext", func(t *testing.T) {
		running, stopped := make(chan struct{}), make(chan struct{})
		a := start(t, plain, func(ctx context.Context, _ action.Invocation, _ action.Listener) error {
			close(running)
			<-ctx.Done()
			close(stopped)
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-running; cancel() }()
		if err := a.Execute(ctx, action.Invocation{Input: action.Input(`{}`)}, &Recorder{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		<-stopped
	})
	t.Run("AListenerThatRefusesEndsIt", func(t *testing.T) {
		a := start(t, plain, func(ctx context.Context, _ action.Invocation, l action.Listener) error {
			if err := l.Output("x", json.RawMessage(`1`)); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
		heard := Recorder{Refuse: errors.New("the database is full")}
		err := a.Execute(t.Context(), action.Invocation{Input: action.Input(`{}`)}, &heard)
		if err == nil || !strings.Contains(err.Error(), "the database is full") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ManyRunAtOnce", func(t *testing.T) {
		a := start(t, plain, func(_ context.Context, run action.Invocation, l action.Listener) error {
			return l.Output("step", json.RawMessage(`"`+run.Step+`"`))
		})
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				step := strconv.Itoa(i)
				var heard Recorder
				if err := a.Execute(t.Context(), action.Invocation{Step: step, Input: action.Input(`{}`)}, &heard); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff([]string{`step = "` + step + `"`}, heard.Lines); diff != "" {
					t.Error(diff)
				}
			})
		}
		all.Wait()
	})
}
