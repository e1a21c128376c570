package workflow

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// iteration is one call of a step's action.
type iteration struct {
	key   string
	value json.RawMessage
	each  json.RawMessage // {"key":…,"value":…}; nil in a step without each
	// plain is each as it would be without secrets.
	plain json.RawMessage
	runs  bool
	input json.RawMessage
}

// prepare renders, checks and authorises what every iteration will do. No action is called before all of it is in order.
func (a *attempt) prepare(ctx context.Context) ([]iteration, error) {
	list := []iteration{{runs: true}}
	if a.step.Each != nil {
		var err error
		if list, err = a.iterations(ctx); err != nil {
			return nil, err
		}
	}
	size := 0
	for i := range list {
		if err := a.fill(ctx, &list[i]); err != nil {
			return nil, err
		}
		if size += len(list[i].input); size > maxInput {
			return nil, apierror.Inputf("the input of action %s is larger than %d bytes", a.about.ID, maxInput)
		}
	}
	for _, it := range list {
		if err := a.admit(ctx, it); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// iterations resolves each.
func (a *attempt) iterations(ctx context.Context) ([]iteration, error) {
	scope := a.variables.withSecrets()
	result, err := a.render(ctx, a.step.Each, scope)
	if err != nil {
		return nil, err
	}
	if result.Value == nil {
		return nil, apierror.Inputf(`Invalid value on action %s.each parameter, "%s" cannot be resolved to a value`, a.about.ID, text(a.step.Each))
	}
	if !isComposite(result.Value) {
		return nil, apierror.Inputf("Invalid value on action %s.each parameter, must resolve to an array or object", a.about.ID)
	}
	values, err := entries(result.Value, maxIterations)
	if err != nil {
		return nil, apierror.Inputf("Invalid value on action %s.each parameter, %s", a.about.ID, err)
	}
	plain := values
	if scope.Secrets != nil {
		if plain = nil; isComposite(result.Plain) {
			plain, _ = entries(result.Plain, maxIterations)
		}
	}
	list := make([]iteration, len(values))
	for i, m := range values {
		list[i] = iteration{key: m.Key, value: m.Value, each: asEach(m), plain: json.RawMessage("{}")}
		if i < len(plain) {
			list[i].plain = asEach(plain[i])
		}
	}
	return list, nil
}

func asEach(m jsvalue.Member) json.RawMessage {
	return jsvalue.Object(member("key", jsvalue.Quote(m.Key)), member("value", m.Value))
}

// fill renders the condition and the input of an iteration.
func (a *attempt) fill(ctx context.Context, it *iteration) error {
	scope := a.variables.withSecrets()
	if scope.Each = it.each; scope.Secrets != nil && it.each != nil {
		scope.Plain = jsvalue.Object(member("each", it.plain))
	}
	if it.each != nil {
		it.runs = true
		if templating.Truthy(a.step.If) {
			result, err := a.render(ctx, a.step.If, scope)
			if err != nil {
				return err
			}
			it.runs = templating.Truthy(result.Value)
		}
	}
	it.input = json.RawMessage("{}")
	if !it.runs || !templating.Truthy(a.step.Input) {
		return nil
	}
	result, err := a.render(ctx, a.step.Input, scope)
	it.input = orEmpty(result.Value)
	return err
}

// admit checks the input of an iteration against the action's schema, and asks whether it is allowed.
func (a *attempt) admit(ctx context.Context, it iteration) error {
	if !it.runs {
		return nil
	}
	if a.about.Input != nil {
		violations, err := a.Language.Validate(ctx, a.about.Input, it.input, "instance")
		if err != nil {
			return err
		}
		if len(violations) > 0 {
			return apierror.Inputf("Invalid input passed to action %s, %s", it.name(a.about.ID), listed(violations))
		}
	}
	if a.gate == nil {
		return nil
	}
	return a.gate.Allows(a.about.ID, it.input)
}

func listed(violations []templating.Violation) string {
	var all []string
	for _, v := range violations {
		all = append(all, v.Stack)
	}
	return strings.Join(all, ", ")
}

// name is the action's id with the iteration's key.
func (it iteration) name(actionID string) string {
	if it.each == nil {
		return actionID
	}
	return actionID + "[" + it.key + "]"
}

// text is the iteration as the log shows it.
func (it iteration) text() string {
	return string(jsvalue.Object(member("key", jsvalue.Quote(it.key)), member("value", jsvalue.Quote(shown(it.value)))))
}

// collect makes one output of those of all iterations: an array for each name, in their order.
func collect(iterations []iteration, done map[string]json.RawMessage) (json.RawMessage, error) {
	var names []string
	lists := map[string][]json.RawMessage{}
	for _, it := range iterations {
		if !it.runs {
			continue
		}
		outputs, err := jsvalue.Members(orEmpty(done[it.key]), unlimited)
		if err != nil {
			return nil, err
		}
		for _, o := range outputs {
			if lists[o.Key] == nil {
				names = append(names, o.Key)
			}
			lists[o.Key] = append(lists[o.Key], o.Value)
		}
	}
	all := make([]jsvalue.Member, len(names))
	for i, name := range names {
		all[i] = member(name, array(lists[name]))
	}
	return jsvalue.Object(all...), nil
}
