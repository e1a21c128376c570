package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Step is one run of an action, for actions that are written in Go. A listener that refuses ends its context, so that what
// is said needs no check where it is said. For one goroutine.
type Step struct {
	Invocation

	Context  context.Context //nolint:containedctx // the run is the step's whole life
	Listener Listener
	stop     context.CancelCauseFunc
}

// Run is an [Action.Execute] that calls do. What ended the step's context, such as the listener's refusal, counts more than
// what followed from that.
func Run(ctx context.Context, run Invocation, l Listener, do func(*Step) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err := do(&Step{Invocation: run, Context: ctx, Listener: l, stop: stop})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return cause
	}
	return err
}

// ReadInput decodes the input.
func (s *Step) ReadInput(into any) error {
	if err := json.Unmarshal(s.Input, into); err != nil {
		return apierror.Inputf("the input cannot be read: %s", err)
	}
	return nil
}

// Logf tells the user something, at one of the levels of [Listener].
func (s *Step) Logf(level, format string, args ...any) {
	s.hear(s.Listener.Log(level, fmt.Sprintf(format, args...)))
}

// Infof is Logf at the level info.
func (s *Step) Infof(format string, args ...any) { s.Logf("info", format, args...) }

// Warnf is Logf at the level warn.
func (s *Step) Warnf(format string, args ...any) { s.Logf("warn", format, args...) }

// Output sets an output of the step.
func (s *Step) Output(name string, v any) {
	value, err := json.Marshal(v)
	if err == nil {
		err = s.Listener.Output(name, value)
	}
	s.hear(err)
}

// Keep records under key what was reached, and returns when that is stored.
func (s *Step) Keep(key string, v any) error {
	value, err := json.Marshal(v)
	if err == nil {
		err = s.Listener.Checkpoint(key, value)
	}
	s.hear(err)
	return err
}

func (s *Step) hear(err error) {
	if err != nil {
		s.stop(err)
	}
}

// Sleep waits for d, or for the end of ctx, whose cause is the error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
