package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// attempt is one step while it runs.
type attempt struct {
	*execution

	step     Step
	key      string
	saved    StepState
	action   action.Action
	about    action.Description
	foreign  bool                       // the action is a plugin's
	done     map[string]json.RawMessage // iterations that ended, with their outputs
	recorded int                        // how many of them the journal knows
	output   int                        // bytes of outputs
	reached  int                        // bytes of checkpoints
}

// execute runs the step as far as it is to be run. Its error is why the step failed.
func (a *attempt) execute(ctx context.Context) error {
	if err := a.cancelled(a.step); err != nil {
		return err
	}
	if runs, err := a.conditionHolds(ctx); err != nil || !runs {
		return err
	}
	if err := a.find(); err != nil {
		return err
	}
	if a.run.DryRun {
		if err := a.preview(ctx); err != nil || !a.about.SupportsDryRun {
			return err
		}
	}
	iterations, err := a.prepare(a.cancellable())
	if err != nil {
		return err
	}
	output, err := a.perform(ctx, iterations)
	if err != nil {
		return err
	}
	return a.complete(ctx, output)
}

// conditionHolds looks at a condition that is for the step as a whole. The condition of a step with each is for its
// iterations, unless it is plainly false.
func (a *attempt) conditionHolds(ctx context.Context) (bool, error) {
	holds := strings.TrimSpace(string(a.step.If)) != "false"
	if isString(a.step.If) && a.step.Each == nil {
		result, err := a.render(a.cancellable(), a.step.If, templating.Scope{Variables: a.variables.plain()})
		if err != nil {
			return false, err
		}
		holds = templating.Truthy(result.Value)
	}
	if holds {
		return true, nil
	}
	return false, a.say(ctx, a.step, Skipped, "Skipping step %s because its if condition was false", a.step.ID)
}

// find looks the action up, and refuses it when an interrupted run may have done its work already.
func (a *attempt) find() error {
	found, source, err := a.Actions.Lookup(a.step.Action)
	if err != nil {
		return err
	}
	a.action, a.about, a.foreign = found, found.Description(), strings.HasPrefix(source, action.PluginSource)
	if a.saved.Status == Processing && !a.about.Repeatable {
		return apierror.Conflictf("Step %s (%s) was interrupted while it ran %s, and whether it did its work is not known. "+
			"It is not run again by itself, since that could do the work twice. See what it did, then retry the task to run it again.",
			a.step.ID, a.step.Name, a.about.ID)
	}
	return nil
}

// complete records the outcome.
func (a *attempt) complete(ctx context.Context, output json.RawMessage) error {
	if a.taskOutput += len(output); a.taskOutput > maxTaskOutput {
		return apierror.Inputf("the outputs of all steps up to %s are larger than %d bytes together", a.step.ID, maxTaskOutput)
	}
	a.variables.setOutput(a.step.ID, output)
	if err := a.cancelled(a.step); err != nil {
		return err
	}
	if err := a.say(ctx, a.step, Completed, "Finished step %s", a.step.Name); err != nil {
		return err
	}
	return a.diary.step(ctx, a.key, StepState{Status: Completed, Output: output})
}

// perform calls the action for every iteration, and answers the step's output.
func (a *attempt) perform(ctx context.Context, iterations []iteration) (json.RawMessage, error) {
	a.done = make(map[string]json.RawMessage)
	for key, output := range a.saved.Done {
		a.done[key] = output
		a.output += len(output)
	}
	a.recorded = len(a.done)
	if err := a.diary.step(ctx, a.key, StepState{Status: Processing, Done: a.done}); err != nil {
		return nil, err
	}
	var single json.RawMessage
	for _, it := range iterations {
		if runs, err := a.announce(ctx, it); err != nil {
			return nil, err
		} else if !runs {
			continue
		}
		output, err := a.call(ctx, it)
		if err != nil {
			return nil, err
		}
		single = output
		if err := a.iterated(ctx, it, output); err != nil {
			return nil, err
		}
	}
	if a.step.Each == nil {
		return single, nil
	}
	return collect(iterations, a.done)
}

// announce tells what becomes of an iteration, and whether it runs.
func (a *attempt) announce(ctx context.Context, it iteration) (bool, error) {
	if it.each == nil {
		return true, nil
	}
	_, done := a.done[it.key]
	about := it.text()
	switch {
	case !it.runs:
		return false, a.line(ctx, "Skipping step each: "+about)
	case done:
		return false, a.line(ctx, "Skipping step each: "+about+" because it was already completed in a previous run")
	}
	if err := a.cancelled(a.step); err != nil {
		return false, err
	}
	return true, a.line(ctx, "Running step each: "+about)
}

// iterated keeps what an iteration gave. The journal learns of it before the next one begins when it must not be repeated;
// else from time to time, so that what is written grows with the number of iterations and not with its square.
func (a *attempt) iterated(ctx context.Context, it iteration, output json.RawMessage) error {
	if it.each == nil {
		return nil
	}
	a.done[it.key] = output
	if a.about.Repeatable && len(a.done)-a.recorded <= a.recorded/16 {
		return nil
	}
	a.recorded = len(a.done)
	return a.diary.step(ctx, a.key, StepState{Status: Processing, Done: a.done})
}

// call runs the action once and answers its outputs.
func (a *attempt) call(ctx context.Context, it iteration) (output json.RawMessage, err error) {
	l := &listener{ctx: func() context.Context { return ctx }, attempt: a, prefix: it.prefix(), outputs: map[string]json.RawMessage{}, messages: a.lines.Messages()}
	err = a.safely(ctx, func() error { return a.action.Execute(a.cancellable(), a.invocation(it, l.prefix), l) })
	err = cmp.Or(err, l.flush())
	if err == nil {
		err = l.refused // an action that did not mind
	}
	if err != nil {
		return nil, err
	}
	return l.object(), nil
}

// safely turns a panic into an error. What it says may be anything, so it is for the operator alone.
func (a *attempt) safely(ctx context.Context, do func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			a.Logger.ErrorContext(ctx, "an action panicked", slog.String("task", a.run.TaskID), slog.String("step", a.step.ID),
				slog.String("action", a.about.ID), slog.String("panic", a.lines.Redact(fmt.Sprint(reason))), slog.String("stack", string(debug.Stack())))
			err = apierror.Newf(apierror.Generic, "The action %s ended unexpectedly", a.about.ID)
		}
	}()
	return do()
}

func (a *attempt) invocation(it iteration, prefix string) action.Invocation {
	i := action.Invocation{
		Task: a.run.TaskID, Step: a.step.ID, StepName: a.step.Name, Input: action.Input(it.input), DryRun: a.run.DryRun,
		Checkpoints: map[string]json.RawMessage{}, Workspace: a.run.Workspace,
	}
	for key, value := range a.run.State.Checkpoints[a.key] {
		if own, found := strings.CutPrefix(key, prefix); found {
			i.Checkpoints[own] = value
		}
	}
	if user := a.run.Spec.User; user != nil {
		i.User, i.UserEntity = user.Ref, user.Entity
	}
	if info := a.run.Spec.TemplateInfo; info != nil {
		i.Template = action.Template{EntityRef: info.EntityRef, BaseURL: info.BaseURL, Entity: info.Entity}
	}
	if !a.foreign { // a plugin gets what its input says, and no credentials
		i.Initiator, i.Secrets = a.run.Initiator, a.run.Secrets
	}
	return i
}

// prefix sets the checkpoints of the iterations of a step apart.
func (it iteration) prefix() string {
	if it.each == nil {
		return ""
	}
	return strconv.Quote(it.key) + ":"
}
