package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Action registers a scaffolder action, a step that templates can use under this id ("sentry:release:create"). The struct
// In is its input; its JSON Schema checks what templates give and documents the action. Out is the output: a map, or a
// struct whose schema then documents it.
//
// The context of run is cancelled when the task is; return within a second then. Types are inferred:
//
//	sdk.Action(p, "hello:greet", func(a sdk.ActionContext[greeting]) (map[string]string, error) { … })
func Action[In, Out any](p *Plugin, id string, run func(ActionContext[In]) (Out, error), options ...ActionOptions) {
	if run == nil {
		misusef("Action %q: the function is nil", id)
	}
	what := fmt.Sprintf("Action %q", id)
	input := schemaOf(what+" input", reflect.TypeFor[In]())
	listed := &pluginv1.ScaffolderAction{Id: id, InputSchemaJson: input.text}
	if out := reflect.TypeFor[Out](); out.Kind() == reflect.Struct {
		listed.OutputSchemaJson = schemaOf(what+" output", out).text
	}
	only(what, options).describe(listed)
	p.actions.add(p, "action", id, action{listed: listed, run: func(c *actionCall) (any, error) {
		a := ActionContext[In]{Context: c.ctx, Log: c.logger(), DryRun: c.req.GetDryRun(), TaskID: c.req.GetTaskId(),
			StepID: c.req.GetStepId(), StepName: c.req.GetStepName(), Template: c.req.GetTemplateRef(), User: c.req.GetUserRef(),
			Workspace: Workspace{p.host.workspaces, c.req.GetWorkspace()}, call: c}
		if wrong := input.decode(c.req.GetInputJson(), &a.Input); len(wrong) > 0 {
			return nil, fmt.Errorf("input: %s: %w", wrong[0].GetSummary(), ErrInput)
		}
		return run(a)
	}})
}

// ActionOptions say more about an action.
type ActionOptions struct {
	Description string
	// DryRun: the action does something sensible, without effects outside, when [ActionContext.DryRun] is set.
	DryRun bool
	// Repeatable: running it again with the same input after an interruption is harmless. Other actions are never run
	// twice; those that take long can go on from a [Checkpoint] when they are repeatable.
	Repeatable bool
	Examples   []ActionExample
}

// ActionExample shows how a template uses the action, as the YAML of its steps.
type ActionExample struct{ Description, YAML string }

func (o ActionOptions) describe(a *pluginv1.ScaffolderAction) {
	a.Description, a.SupportsDryRun, a.Repeatable = o.Description, o.DryRun, o.Repeatable
	for _, e := range o.Examples {
		a.Examples = append(a.Examples, &pluginv1.ActionExample{Description: e.Description, Example: e.YAML})
	}
}

// ActionContext is one run of an action. It is a [context.Context], to be passed on.
type ActionContext[In any] struct {
	context.Context //nolint:containedctx // it is the context of this one call, and ends with it

	Input In
	// Log writes to the log of the step, which the user who started the task sees. Never log input as it is: it may hold
	// secrets.
	Log *slog.Logger
	// DryRun asks for a run without effects; it is only set for actions that declare DryRun.
	DryRun         bool
	TaskID, StepID string
	// StepName is for people. Template is the ref of the template, "" in the dry run of one that is not in the catalog.
	StepName, Template string
	// User is the ref of the user who started the task, "" = none.
	User string
	// Workspace is the task's files.
	Workspace Workspace

	call *actionCall
}

// Output sets one output at once, before the action ends; what run returns is added at the end.
func (a ActionContext[In]) Output(name string, value any) error { return a.call.output(name, value) }

// Checkpoint runs do once for a step, also when the step is run again after an interruption: the second run gets the
// recorded value. Use it around each effect of an action that is repeatable. T must survive JSON.
func Checkpoint[T, In any](a ActionContext[In], key string, do func() (T, error)) (T, error) {
	var v T
	if recorded, ok := a.call.req.GetCheckpoints()[key]; ok {
		if err := json.Unmarshal(recorded, &v); err != nil {
			return v, fmt.Errorf("checkpoint %s: %w", key, err)
		}
		return v, nil
	}
	v, err := do()
	if err != nil {
		return v, err
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = small(data)
	}
	if err != nil {
		return v, fmt.Errorf("checkpoint %s: %w", key, err)
	}
	return v, a.call.send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Checkpoint{
		Checkpoint: &pluginv1.ActionCheckpoint{Key: key, ValueJson: data},
	}})
}

type action struct {
	listed *pluginv1.ScaffolderAction
	run    func(*actionCall) (any, error)
}

// actionCall is the stream of one run. Log lines may come from several goroutines of the author.
type actionCall struct {
	ctx context.Context //nolint:containedctx // as in ActionContext
	req *pluginv1.ExecuteActionRequest
	// clean removes secret settings from what goes into the log of the step.
	clean func(string) string

	mu     sync.Mutex // gRPC streams take one message at a time
	stream grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]
	ended  bool
}

func (c *actionCall) send(m *pluginv1.ExecuteActionResponse) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errors.New("the action has ended already")
	}
	return c.stream.Send(m)
}

func (c *actionCall) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
}

func (c *actionCall) output(name string, value any) error {
	data, err := json.Marshal(value)
	if err == nil {
		err = small(data)
	}
	if err != nil {
		return fmt.Errorf("output %s: %w", name, err)
	}
	return c.send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Output{
		Output: &pluginv1.ActionOutput{Name: name, ValueJson: data},
	}})
}

// small refuses what is too long for one message, and cannot be split.
func small(data []byte) error {
	if len(data) > maxMessage {
		return fmt.Errorf("%d bytes of JSON, at most %d can be sent; keep large things in files or in the key-value store", len(data), maxMessage)
	}
	return nil
}

// outputs sends each member of what the action returned.
func (c *actionCall) outputs(result any) error {
	data, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return fmt.Errorf("output: %T is no JSON object", result)
	}
	for _, name := range sortedKeys(members) {
		if err := c.output(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

type actionServer struct {
	pluginv1.UnimplementedScaffolderActionsServiceServer

	p *Plugin
}

func (s actionServer) ListActions(context.Context, *pluginv1.ListActionsRequest) (*pluginv1.ListActionsResponse, error) {
	out := &pluginv1.ListActionsResponse{}
	for _, id := range s.p.actions.names {
		out.Actions = append(out.Actions, s.p.actions.byName[id].listed)
	}
	return out, nil
}

func (s actionServer) ExecuteAction(req *pluginv1.ExecuteActionRequest, stream grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]) error {
	a, err := s.p.actions.get("action", req.GetAction())
	if err != nil {
		return err
	}
	if req.GetDryRun() && !a.listed.GetSupportsDryRun() {
		return fmt.Errorf("action %s has no dry run: %w", req.GetAction(), ErrNotImplemented)
	}
	c := &actionCall{ctx: stream.Context(), req: req, clean: s.p.secrets.clean, stream: stream}
	defer c.end()
	result, err := a.run(c)
	if err != nil {
		return err
	}
	return c.outputs(result)
}

var _ pluginv1.ScaffolderActionsServiceServer = actionServer{}
