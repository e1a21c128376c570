package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// Gate says which runs of actions the initiator of a task is allowed.
type Gate interface {
	// Allows is a NotAllowedError when the action must not run with that input.
	Allows(actionID string, input json.RawMessage) error
}

// Environment is what every template finds under "environment".
type Environment struct {
	Parameters json.RawMessage // an object, nil = {}
	Secrets    secret.Set
}

// Options are what all runs share.
type Options struct {
	Language templating.Language
	Actions  *action.Registry
	// Authorize asks once, when a run begins, what its initiator may do with the actions of its steps; nil = everything.
	Authorize   func(ctx context.Context, initiator *principal.Principal, actionIDs []string) (Gate, error)
	Environment Environment
	// WorkingDirectory is where dry runs make their folders; "" = the system's place for temporary files.
	WorkingDirectory string
	// Logger hears what is for operators. What actions log at level debug is told to users only when Logger has that level.
	Logger *slog.Logger
}

// Runner runs tasks. Safe for concurrent use.
type Runner struct{ Options }

// New makes a Runner.
func New(o Options) *Runner { return &Runner{o} }

// Run runs the steps of a task from where run.State ends, and answers the rendered output of the template, redacted.
//
// The error of a task that failed is an [apierror.Error], redacted, with the name and the message of its first failure;
// the journal knows the outcome of every step then. Any other error ends the run in the middle: the journal's own, or the
// cause of ctx when that is not [ErrCancelled]. What was going on then is Processing in the journal.
//
// With the cause ErrCancelled the step that runs fails, and those after it are skipped.
func (r *Runner) Run(ctx context.Context, run Run, j Journal) (json.RawMessage, error) {
	if err := run.Spec.check(); err != nil {
		return nil, err
	}
	lasting, release := outlastCancelling(ctx)
	defer release()
	x := &execution{
		Runner: r, run: run, diary: &diary{journal: j},
		redactor:    newRedactor(slices.AppendSeq(slices.Collect(maps.Values(run.Secrets)), maps.Values(r.Environment.Secrets))...),
		cancellable: func() context.Context { return ctx },
		variables:   newVariables(run, r.Environment),
		keys:        stepKeys(run.Spec.Steps),
	}
	x.lines = x.redactor
	return x.steps(lasting)
}

// outlastCancelling is ctx but for cancelling by a user, which must still be told in the journal.
func outlastCancelling(ctx context.Context) (lasting context.Context, release func()) {
	lasting, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, ErrCancelled) {
			end(cause)
		}
	})
	return lasting, func() { stop(); end(nil) }
}

// The limits of one task.
const (
	maxSteps      = 1000
	maxIterations = 10_000   // of one step
	maxInput      = 10 << 20 // bytes of rendered input of one step, all its iterations together
	maxStepOutput = 1 << 20  // bytes of outputs of one step, and of its checkpoints
	maxTaskOutput = 10 << 20 // bytes of outputs of all steps, since every template sees them
	maxLine       = 64 << 10 // bytes of one line of the log
	maxLog        = 32 << 20 // bytes of what actions log in one run
)

// check refuses what cannot be run at all.
func (s Spec) check() error {
	if s.APIVersion != templateAPIVersion {
		return apierror.Newf(apierror.Generic, "Unsupported Template apiVersion %s", s.APIVersion)
	}
	if len(s.Steps) > maxSteps {
		return apierror.Inputf("the template has %d steps, at most %d are possible", len(s.Steps), maxSteps)
	}
	return nil
}
