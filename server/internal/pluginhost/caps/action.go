package caps

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// Workspaces lends the folder of a task to a plugin while one of its steps runs. The handle is what the plugin names it by
// to the host's services; end takes it back.
type Workspaces interface {
	Lend(plugin manifest.ID, folder string) (handle string, end func(), err error)
}

// ActionOptions are those of [Actions].
type ActionOptions struct {
	ImporterOptions
	// Workspaces shares the files of tasks with the actions; nil = they get none.
	Workspaces Workspaces
}

// Actions brings plugins' scaffolder actions into a registry, under the source "plugin:<id>".
func Actions(registry *action.Registry, o ActionOptions) *Importer {
	i := newImporter("scaffolder actions", o.ImporterOptions)
	i.announced = func(p manifest.Provides) []string { return p.Scaffolder.Actions }
	i.meet = func(ctx context.Context, c *Client, s Source, promised []string) error {
		list, err := listActions(ctx, c, s, promised, o.Workspaces)
		if err != nil {
			return err
		}
		return registry.Set(sourceOf(c.plugin), list)
	}
	i.remove = func(id manifest.ID) { registry.Remove(sourceOf(id)) }
	return i
}

// sourceOf names a plugin among the sources of an engine.
func sourceOf(id manifest.ID) string { return "plugin:" + string(id) }

func listActions(ctx context.Context, c *Client, s Source, promised []string, w Workspaces) ([]action.Action, error) {
	const call = "ListActions"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewScaffolderActionsServiceClient(c.conn).ListActions, &pluginv1.ListActionsRequest{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.GetActions()))
	list := make([]action.Action, len(answer.GetActions()))
	for i, a := range answer.GetActions() {
		d := action.Description{ID: a.GetId(), Description: excerpt.Of(a.GetDescription(), 4000), SupportsDryRun: a.GetSupportsDryRun(), Repeatable: a.GetRepeatable()}
		if d.Input, err = readObject("an input schema", []byte(a.GetInputSchemaJson()), maxSchema); err != nil {
			return nil, c.wrong(call, "%s: %s", excerpt.Short(d.ID), err)
		}
		if d.Output, err = readObject("an output schema", []byte(a.GetOutputSchemaJson()), maxSchema); err != nil {
			return nil, c.wrong(call, "%s: %s", excerpt.Short(d.ID), err)
		}
		for _, e := range a.GetExamples()[:min(len(a.GetExamples()), 50)] {
			d.Examples = append(d.Examples, action.Example{Description: excerpt.Of(e.GetDescription(), 4000), Example: excerpt.Of(e.GetExample(), 64<<10)})
		}
		ids[i], list[i] = d.ID, &remoteAction{source: s, workspaces: w, description: d}
	}
	return list, c.listed(call, ids, promised)
}

// remoteAction is a scaffolder action of a plugin. It runs on whichever instance serves when a step begins, and to its end.
type remoteAction struct {
	source      Source
	workspaces  Workspaces
	description action.Description
}

// Description implements [action.Action].
func (a *remoteAction) Description() action.Description { return a.description }

// Execute implements [action.Action]. The plugin is told who started the task and by which template, but not what is known
// of them: that it asks the catalog for, as far as it may. Of secrets it gets what the template wrote into the input, and of
// the task's files a handle, since the host's folders are not in its sandbox.
func (a *remoteAction) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	c, err := a.source.Client(ctx)
	if err != nil {
		return err
	}
	request := &pluginv1.ExecuteActionRequest{
		Action: a.description.ID, InputJson: run.Input, TaskId: run.Task, StepId: run.Step, StepName: run.StepName, DryRun: run.DryRun,
		UserRef: run.User, TemplateRef: run.Template.EntityRef, Checkpoints: map[string][]byte{},
	}
	if run.Workspace != "" && a.workspaces != nil {
		handle, end, err := a.workspaces.Lend(c.plugin, run.Workspace)
		if err != nil {
			return err
		}
		defer end()
		request.Workspace = handle
	}
	for key, value := range run.Checkpoints {
		request.Checkpoints[key] = value
	}
	h := hearing{client: c, call: "ExecuteAction " + a.description.ID, listener: l}
	b := c.budget()
	b.idle, b.total = c.limits.Action, c.limits.Action // a step may be silent while it waits for others
	return stream(ctx, c, h.call, b, pluginv1.NewScaffolderActionsServiceClient(c.conn).ExecuteAction, request, h.take)
}

// hearing hands what a run says to its listener.
type hearing struct {
	client   *Client
	call     string
	listener action.Listener
}

func (h hearing) take(m *pluginv1.ExecuteActionResponse) error {
	var err error
	switch {
	case m.GetLog() != nil:
		err = h.listener.Log(level(m.GetLog().GetLevel()), excerpt.Of(m.GetLog().GetMessage(), h.client.limits.LogBytes))
	case m.GetOutput() != nil:
		return h.value("output", m.GetOutput().GetName(), m.GetOutput().GetValueJson(), h.listener.Output)
	case m.GetCheckpoint() != nil:
		return h.value("checkpoint", m.GetCheckpoint().GetKey(), m.GetCheckpoint().GetValueJson(), h.listener.Checkpoint)
	}
	return ofHost(err)
}

func (h hearing) value(what, name string, data []byte, tell func(string, json.RawMessage) error) error {
	if name == "" || len(name) > 200 || toValid(name) != name {
		return h.client.wrong(h.call, "an %s named %q", what, excerpt.Short(name))
	}
	value, err := readValue(what+" "+name, data, h.client.limits.OutputBytes)
	if err != nil {
		return h.client.wrong(h.call, "%s", err)
	}
	return ofHost(tell(name, value))
}

// ofHost marks an error as the host's own, which says nothing about the plugin.
func ofHost(err error) error {
	if err == nil {
		return nil
	}
	return &hostError{err}
}

// level is one that loggers know.
func level(s string) string {
	switch s {
	case "debug", "info", "warn", "error":
		return s
	default:
		return "info"
	}
}

var _ action.Action = (*remoteAction)(nil)
