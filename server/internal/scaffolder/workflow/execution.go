package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// execution is one run while it goes on. It is used by one goroutine.
//
// Its methods return an error when the run must end at once; that a step failed is written down in failures.
type execution struct {
	*Runner

	run       Run
	diary     *diary
	redactor  *redactor // of what the whole run tells
	lines     *redactor // of what the step tells that runs
	variables *variables
	gate      Gate
	keys      []string // of the steps, in the journal
	failures  []*apierror.Error
	// cancellable ends when a user cancels, too. Steps are rendered and run in it; what is told is told in the context that
	// is passed.
	cancellable func() context.Context
	taskOutput  int // bytes of outputs so far
	logged      int // bytes that actions logged so far
}

// steps runs all steps and renders the output.
func (x *execution) steps(ctx context.Context) (json.RawMessage, error) {
	if err := x.begin(ctx); err != nil {
		return nil, err
	}
	for i, step := range x.run.Spec.Steps {
		if err := x.step(ctx, step, x.keys[i]); err != nil {
			return nil, err
		}
	}
	if len(x.failures) > 0 {
		return nil, x.failures[0]
	}
	return x.output(ctx)
}

func (x *execution) begin(ctx context.Context) error {
	steps := x.run.Spec.Steps
	count := len(steps)
	if x.run.DryRun {
		count++ // the reference's dry run has a step of its own, which reads the workspace
	}
	if err := x.diary.log(ctx, Entry{Message: fmt.Sprintf("Starting up task with %d steps", count)}); err != nil {
		return err
	}
	if x.Authorize != nil && len(steps) > 0 {
		var err error
		if x.gate, err = x.Authorize(ctx, x.run.Initiator, actionIDs(steps)); err != nil {
			return x.ended(err)
		}
	}
	completed := 0
	for _, s := range x.run.State.Steps {
		if s.Status == Completed {
			completed++
		}
	}
	if completed == 0 {
		return nil
	}
	return x.diary.log(ctx, Entry{
		Message: fmt.Sprintf("Task recovered - resuming from last known good state. %d step(s) already completed.", completed),
	})
}

func actionIDs(steps []Step) []string {
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.Action)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// step deals with one step: what earlier runs did of it, what came before it, and else what it says itself.
func (x *execution) step(ctx context.Context, step Step, key string) error {
	if err := x.interrupted(); err != nil {
		return err
	}
	saved := x.run.State.Steps[key]
	switch saved.Status {
	case Completed:
		x.taskOutput += len(saved.Output)
		x.variables.setOutput(step.ID, saved.Output)
		return x.say(ctx, step, Completed, "Skipping step %s because it was already completed in a previous run", step.ID)
	case Failed, Cancelled:
		x.failures = append(x.failures, parseFailure(saved.Error))
		return x.say(ctx, step, Failed, "Skipping step %s because it already failed in a previous run", step.ID)
	}
	if len(x.failures) > 0 && !x.runsAfterFailure(step) {
		return x.say(ctx, step, Skipped, "Skipping step %s because a previous step failed", step.ID)
	}
	a := &attempt{execution: x, step: step, key: key, saved: saved}
	x.lines = x.redactor
	if err := x.say(ctx, step, Processing, "Beginning step %s", step.Name); err != nil {
		return err
	}
	if err := a.execute(ctx); err != nil {
		return x.fail(ctx, a, cmp.Or(x.cancelled(step), err))
	}
	return nil
}

// runsAfterFailure reports whether a step is one of those that run although an earlier one failed: its condition calls
// always() or failure(), whatever comes of it. Of a cancelled task nothing runs any more.
func (x *execution) runsAfterFailure(step Step) bool {
	if !isString(step.If) {
		return false
	}
	result, err := x.render(x.cancellable(), step.If, templating.Scope{Variables: x.variables.plain()})
	return err == nil && result.StatusRead
}

// say writes one of the engine's own lines.
func (x *execution) say(ctx context.Context, step Step, status Status, format string, args ...any) error {
	return x.diary.log(ctx, Entry{Message: fmt.Sprintf(format, args...), StepID: step.ID, Status: status})
}

// interrupted is why the run must end at once, which is not so when a user cancelled it.
func (x *execution) interrupted() error {
	if cause := context.Cause(x.cancellable()); cause != nil && !errors.Is(cause, ErrCancelled) {
		return cause
	}
	return x.diary.err
}

// ended is why a run ends in which err occurred outside of its steps.
func (x *execution) ended(err error) error {
	if ending := x.interrupted(); ending != nil {
		return ending
	}
	return x.describe(err)
}

// cancelled is why a step ends when a user cancelled the task.
func (x *execution) cancelled(step Step) error {
	if !errors.Is(context.Cause(x.cancellable()), ErrCancelled) {
		return nil
	}
	return apierror.Newf(apierror.Generic, "Step %s (%s) of task %s has been cancelled.", step.ID, step.Name, x.run.TaskID)
}

// fail writes down that a step failed with err, unless it failed because the run ends.
func (x *execution) fail(ctx context.Context, a *attempt, err error) error {
	if ending := x.interrupted(); ending != nil {
		return ending
	}
	failure := x.describe(err)
	x.failures = append(x.failures, failure)
	if err := x.say(ctx, a.step, Failed, "%s", failure); err != nil {
		return err
	}
	if len(x.failures) > 1 {
		x.Logger.ErrorContext(ctx, "a further step of a task failed", slog.String("task", x.run.TaskID),
			slog.String("step", a.step.ID), slog.String("error", failure.Error()))
		if err := x.say(ctx, a.step, Failed, "Additional error occurred: %s\n%s", failure.Message, failure); err != nil {
			return err
		}
	}
	return x.diary.step(ctx, a.key, StepState{Status: Failed, Error: failure.Error(), Done: a.done})
}

// describe is err as users may see it.
func (x *execution) describe(err error) *apierror.Error {
	failure := &apierror.Error{Name: apierror.NameOf(err), Message: err.Error()}
	if e, ok := err.(*apierror.Error); ok { //nolint:errorlint // an error that only wraps one has a text of its own
		failure.Message, failure.Status = e.Message, e.Status
	}
	failure.Message = excerpt.Of(x.lines.Redact(failure.Message), maxLine)
	return failure
}

// parseFailure is an error of which the text is known.
func parseFailure(text string) *apierror.Error {
	name, message, found := strings.Cut(text, ": ")
	if !found || strings.ContainsFunc(name, func(r rune) bool { return r < 'A' || r > 'z' }) {
		return apierror.New(apierror.Generic, text)
	}
	return apierror.New(apierror.Name(name), message)
}

// output is what the template promises, rendered without secrets, and without those entries whose condition is false.
func (x *execution) output(ctx context.Context) (json.RawMessage, error) {
	x.lines = x.redactor
	if x.run.DryRun {
		x.variables.setOutput(uuid.NewString(), nil) // of the step that begin counts; templates that list all steps see it
	}
	result, err := x.render(ctx, orEmpty(x.run.Spec.Output), templating.Scope{Variables: x.variables.plain()})
	if err == nil {
		result.Value, err = withoutHidden(orEmpty(result.Value))
	}
	if err != nil {
		return nil, x.ended(err)
	}
	return x.redactor.RedactJSON(result.Value), nil
}

// stepKeys are the names of steps in the journal: their ids, and something unique for a step whose id another has.
func stepKeys(steps []Step) []string {
	taken := make(map[string]bool, len(steps))
	for _, s := range steps {
		taken[s.ID] = true
	}
	keys, count := make([]string, len(steps)), make(map[string]int, len(steps))
	for i, s := range steps {
		keys[i] = s.ID
		for count[s.ID]++; count[s.ID] > 1; count[s.ID]++ {
			if keys[i] = fmt.Sprintf("%s (%d)", s.ID, count[s.ID]); !taken[keys[i]] {
				break
			}
		}
		taken[keys[i]] = true
	}
	return keys
}

// diary is a [Journal] that remembers its first error and is silent afterwards.
type diary struct {
	journal Journal
	err     error
}

func (d *diary) write(do func() error) error {
	if d.err == nil {
		d.err = do()
	}
	return d.err
}

func (d *diary) log(ctx context.Context, e Entry) error {
	e.Message = excerpt.Of(e.Message, maxLine)
	return d.write(func() error { return d.journal.Log(ctx, e) })
}

func (d *diary) step(ctx context.Context, key string, s StepState) error {
	return d.write(func() error { return d.journal.Step(ctx, key, s) })
}

func (d *diary) checkpoint(ctx context.Context, step, key string, value json.RawMessage) error {
	return d.write(func() error { return d.journal.Checkpoint(ctx, step, key, value) })
}
