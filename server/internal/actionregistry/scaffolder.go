package actionregistry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// ScaffolderActions are the actions as steps of templates: those of the features in backend.actions.pluginSources. Each
// acts as who started the task. They support the dry run when they change nothing.
func (r *Registry) ScaffolderActions() []action.Action {
	var list []action.Action
	for _, feature := range r.settings.sources {
		for _, a := range r.byFeature[feature] {
			if r.settings.allow(a) && !slices.ContainsFunc(list, func(x action.Action) bool { return x.Description().ID == a.ID }) {
				list = append(list, Step{r, a})
			}
		}
	}
	return list
}

// Step is an action as a step of a template.
type Step struct {
	registry *Registry
	action   *Action
}

// Description implements [action.Action].
func (s Step) Description() action.Description {
	a := s.action
	return action.Description{
		ID: a.ID, Description: a.Description, Input: a.Schema.Input, Output: a.Schema.Output,
		SupportsDryRun: a.Attributes.ReadOnly && !a.Attributes.Destructive, Repeatable: a.Attributes.Idempotent,
	}
}

// Visible reports whether the action exists for a caller.
func (s Step) Visible(ctx context.Context, caller *principal.Principal) (bool, error) {
	return s.registry.sees(ctx, caller, s.action)
}

// Execute implements [action.Action]: the members of the action's output are the step's outputs.
func (s Step) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	initiator := run.Initiator
	if initiator == nil {
		initiator = principal.Nobody
	}
	result, err := s.registry.Invoke(ctx, initiator, Invocation{Feature: s.action.Feature, Action: s.action.ID, Input: json.RawMessage(run.Input)})
	if err != nil {
		return err
	}
	names, outputs, err := membersOf(result)
	if err != nil {
		return fmt.Errorf("%s: %w", s.action.ID, err)
	}
	for _, name := range names {
		value, err := json.Marshal(outputs[name])
		if err != nil {
			return fmt.Errorf("%s: output %s: %w", s.action.ID, name, err)
		}
		if err := l.Output(name, value); err != nil {
			return err
		}
	}
	return nil
}

func membersOf(result any) ([]string, map[string]any, error) {
	data, err := json.Marshal(result)
	if err != nil {
		return nil, nil, err
	}
	value, err := zod.Decode(data)
	if err != nil {
		return nil, nil, err
	}
	names, members, _ := zod.Members(value)
	return names, members, nil
}

var _ action.Action = Step{}
