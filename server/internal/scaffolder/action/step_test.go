package action_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
)

// written is an action that is written with a Step.
type written struct {
	about action.Description
	do    func(s *action.Step) error
}

func (w written) Description() action.Description { return w.about }

func (w written) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	return action.Run(ctx, run, l, w.do)
}

func TestRun_KeepsTheLawsOfActions(t *testing.T) {
	actiontest.Actions(t, func(_ *testing.T, d action.Description, run actiontest.Run) action.Action {
		return written{d, func(s *action.Step) error { return run(s.Context, s.Invocation, s.Listener) }}
	})
}

func TestStep_SaysAndKeepsThings(t *testing.T) {
	var heard actiontest.Recorder
	err := action.Run(t.Context(), action.Invocation{Input: action.Input(`{"name":"x"}`)}, &heard, func(s *action.Step) error {
		var in struct{ Name string }
		if err := s.ReadInput(&in); err != nil {
			return err
		}
		s.Infof("made %s", in.Name)
		s.Warnf("%d left", 1)
		s.Output("name", in.Name)
		return s.Keep("made", true)
	})
	if diff := cmp.Diff([]string{"info: made x", "warn: 1 left", `name = "x"`, "made @ true"}, heard.Lines); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := action.Run(t.Context(), action.Invocation{Input: action.Input(`[]`)}, &heard, func(s *action.Step) error { return s.ReadInput(&struct{}{}) }); !apierror.Has(err, apierror.Input) {
		t.Errorf("a foreign input: %v", err)
	}
	if err := action.Run(t.Context(), action.Invocation{}, &heard, func(s *action.Step) error { s.Output("x", math.NaN()); return nil }); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("an output that is no JSON: %v", err)
	}
}

func TestStep_AListenerThatRefusesEndsItsContext(t *testing.T) {
	full := errors.New("the database is full")
	err := action.Run(t.Context(), action.Invocation{}, &actiontest.Recorder{Refuse: full}, func(s *action.Step) error {
		s.Infof("begins")
		return action.Sleep(s.Context, time.Hour)
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}
