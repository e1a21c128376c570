package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// ProviderRun is one refresh of a catalog provider.
type ProviderRun struct {
	// Entities to add or replace, and refs to remove, in the order in which they came.
	Entities []sdk.Entity
	Removed  []string
	// Full: what is not in Entities goes.
	Full   bool
	Cursor string
	// Err is why the refresh failed. The host would have applied nothing.
	Err error
}

// RunProvider refreshes a provider. A cursor is that of the run before.
func (h *Harness) RunProvider(name string, cursor ...string) *ProviderRun {
	h.t.Helper()
	req := &pluginv1.RefreshProviderRequest{Name: name}
	if len(cursor) > 0 {
		req.Cursor = cursor[0]
	}
	run := &ProviderRun{}
	stream, err := pluginv1.NewCatalogProviderServiceClient(h.conn).RefreshProvider(h.ctx, req)
	run.Err = each(stream, err, func(m *pluginv1.RefreshProviderResponse) error {
		for _, doc := range m.GetUpserts() {
			var e sdk.Entity
			if err := json.Unmarshal(doc.GetJson(), &e); err != nil {
				return fmt.Errorf("entity: %w", err)
			}
			run.Entities = append(run.Entities, e)
		}
		run.Removed = append(run.Removed, m.GetRemovals()...)
		run.Full = run.Full || m.GetFull()
		if m.GetNextCursor() != "" {
			run.Cursor = m.GetNextCursor()
		}
		return nil
	})
	return run
}

// WantEntities compares the entities, in the order of their refs, with a golden file of JSON. CALLBOARD_UPDATE=1, or a flag
// -update that the test package defines, writes the file.
func (r *ProviderRun) WantEntities(t testing.TB, golden string) {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("the provider failed: %v", r.Err)
	}
	Golden(t, golden, byRef(r.Entities))
}

// Processed is what a processor made of an entity.
type Processed struct {
	Entity sdk.Entity
	// Recognized: a Validate stage said that the kind is its own.
	Recognized  bool
	Relations   []*pluginv1.EmittedRelation
	Emitted     []sdk.Entity
	RefreshKeys []string
	Warnings    []string
	// Err is why the entity failed.
	Err error
}

// Process runs all stages of a processor over one entity, as if it had been read from a file.
func (h *Harness) Process(processor string, e sdk.Entity) *Processed {
	h.t.Helper()
	client := pluginv1.NewCatalogProcessorServiceClient(h.conn)
	listed, err := client.ListProcessors(h.ctx, &pluginv1.ListProcessorsRequest{})
	if err != nil {
		h.t.Fatalf("list processors: %v", err)
	}
	out := &Processed{Entity: e.Clone(), Err: fmt.Errorf("no processor %q: %w", processor, sdk.ErrNotFound)}
	for _, p := range listed.GetProcessors() {
		if p.GetName() != processor {
			continue
		}
		out.Err = nil
		for _, stage := range p.GetStages() {
			if out.Err == nil {
				out.Err = out.stage(h.ctx, client, processor, stage)
			}
		}
	}
	return out
}

func (p *Processed) stage(ctx context.Context, client pluginv1.CatalogProcessorServiceClient, processor string, stage pluginv1.ProcessorStage) error {
	data, err := json.Marshal(p.Entity)
	if err != nil {
		return err
	}
	const location = "file:/plugintest/catalog-info.yaml"
	res, err := client.ProcessEntities(ctx, &pluginv1.ProcessEntitiesRequest{Processor: processor, Stage: stage, Items: []*pluginv1.ProcessItem{
		{EntityJson: data, Location: location, OriginLocation: location},
	}})
	if err != nil {
		return rpcerror.Decode(err)
	}
	if len(res.GetResults()) != 1 {
		return fmt.Errorf("%d results for one entity", len(res.GetResults()))
	}
	return p.take(res.GetResults()[0])
}

func (p *Processed) take(r *pluginv1.ProcessResult) error {
	if len(r.GetEntityJson()) > 0 {
		p.Entity = nil
		if err := json.Unmarshal(r.GetEntityJson(), &p.Entity); err != nil {
			return fmt.Errorf("entity: %w", err)
		}
	}
	p.Recognized = p.Recognized || r.GetRecognized()
	p.Relations = append(p.Relations, r.GetRelations()...)
	p.RefreshKeys = append(p.RefreshKeys, r.GetRefreshKeys()...)
	for _, doc := range r.GetEmittedEntities() {
		var e sdk.Entity
		if err := json.Unmarshal(doc.GetJson(), &e); err != nil {
			return fmt.Errorf("emitted entity: %w", err)
		}
		p.Emitted = append(p.Emitted, e)
	}
	for _, d := range r.GetDiagnostics() {
		if d.GetSeverity() == pluginv1.Diagnostic_SEVERITY_WARNING {
			p.Warnings = append(p.Warnings, d.GetSummary())
		}
	}
	return problems(r.GetDiagnostics(), nil)
}

// ActionRequest says how an action is run.
type ActionRequest struct {
	DryRun bool
	// User is the ref of the user who started the task.
	User string
	// Checkpoints that a run before has reached.
	Checkpoints map[string]json.RawMessage
	// StepName and Template are of the step and of its template.
	StepName, Template string
	// Workspace is the task's files and their contents, by path; nil = none is shared.
	Workspace map[string]string
}

// ActionRun is what an action did.
type ActionRun struct {
	Output      map[string]any
	Logs        []string // "info: creating release version=1.2.3"
	Checkpoints map[string]json.RawMessage
	// Workspace is what is in the task's files afterwards; nil when none were shared.
	Workspace map[string]string
	Err       error
}

// RunAction runs one step. The input is a value that is written as JSON.
func (h *Harness) RunAction(id string, input any, how ...ActionRequest) *ActionRun {
	h.t.Helper()
	data, err := json.Marshal(input)
	if err != nil {
		h.t.Fatalf("input: %v", err)
	}
	req := &pluginv1.ExecuteActionRequest{Action: id, InputJson: data, TaskId: "task-1", StepId: "step-1", Checkpoints: map[string][]byte{}}
	if len(how) > 0 {
		req.DryRun, req.UserRef, req.StepName, req.TemplateRef = how[0].DryRun, how[0].User, how[0].StepName, how[0].Template
		for k, v := range how[0].Checkpoints {
			req.Checkpoints[k] = v
		}
	}
	run := &ActionRun{Output: map[string]any{}, Checkpoints: map[string]json.RawMessage{}}
	if len(how) > 0 && how[0].Workspace != nil {
		handle, end := h.workspaces.share(how[0].Workspace)
		req.Workspace = handle
		defer func() { run.Workspace = end() }()
	}
	stream, err := pluginv1.NewScaffolderActionsServiceClient(h.conn).ExecuteAction(h.ctx, req)
	run.Err = each(stream, err, run.take)
	return run
}

func (r *ActionRun) take(m *pluginv1.ExecuteActionResponse) error {
	if l := m.GetLog(); l != nil {
		r.Logs = append(r.Logs, l.GetLevel()+": "+l.GetMessage())
	}
	if c := m.GetCheckpoint(); c != nil {
		r.Checkpoints[c.GetKey()] = c.GetValueJson()
	}
	if o := m.GetOutput(); o != nil {
		var v any
		if err := json.Unmarshal(o.GetValueJson(), &v); err != nil {
			return fmt.Errorf("output %s: %w", o.GetName(), err)
		}
		r.Output[o.GetName()] = v
	}
	return nil
}

// Filter applies a template filter. Value and arguments are written as JSON; the result is decoded into.
func (h *Harness) Filter(name string, into, value any, arguments ...any) error {
	h.t.Helper()
	call := &pluginv1.FilterCall{Filter: name}
	for i, v := range append([]any{value}, arguments...) {
		data, err := json.Marshal(v)
		if err != nil {
			h.t.Fatalf("argument %d: %v", i, err)
		}
		if i == 0 {
			call.InputJson = data
			continue
		}
		call.ArgumentsJson = append(call.ArgumentsJson, data)
	}
	res, err := pluginv1.NewTemplateFiltersServiceClient(h.conn).CallFilters(h.ctx, &pluginv1.CallFiltersRequest{Calls: []*pluginv1.FilterCall{call}})
	if err != nil {
		return rpcerror.Decode(err)
	}
	if problem := res.GetResults()[0].GetError(); problem != nil {
		return problems([]*pluginv1.Diagnostic{problem}, nil)
	}
	return json.Unmarshal(res.GetResults()[0].GetValueJson(), into)
}

// WidgetRun is what a widget answered.
type WidgetRun struct {
	Frames []*frame.Frame
	Err    error
}

// QueryWidget asks for the data of a widget.
func (h *Harness) QueryWidget(id string, q sdk.WidgetQuery) *WidgetRun {
	h.t.Helper()
	req := &pluginv1.QueryWidgetRequest{
		Widget: id, MaxPoints: int32(q.MaxPoints), ArgsJson: q.Args, Locale: q.Locale, TimeZone: q.TimeZone, UserRef: q.User,
		FromMs: millis(q.From), ToMs: millis(q.To),
	}
	if q.Entity != nil {
		data, err := json.Marshal(q.Entity)
		if err != nil {
			h.t.Fatalf("entity: %v", err)
		}
		req.EntityJson = data
	}
	run := &WidgetRun{}
	stream, err := pluginv1.NewWidgetsServiceClient(h.conn).QueryWidget(h.ctx, req)
	run.Err = each(stream, err, run.take)
	return run
}

// take joins the parts of a frame, as the host does.
func (r *WidgetRun) take(m *pluginv1.QueryWidgetResponse) error {
	f, err := frame.Decode(m.GetFrameJson())
	if err != nil {
		return err
	}
	if n := len(r.Frames); n > 0 && r.Frames[n-1].Name == f.Name {
		return r.Frames[n-1].Join(f)
	}
	r.Frames = append(r.Frames, f)
	return nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// RunTask runs a task once.
func (h *Harness) RunTask(id string) error {
	h.t.Helper()
	_, err := pluginv1.NewTasksServiceClient(h.conn).RunTask(h.ctx, &pluginv1.RunTaskRequest{Id: id})
	return rpcerror.Decode(err)
}

// Collect asks a collator for all its documents.
func (h *Harness) Collect(docType string) ([]sdk.Document, error) {
	h.t.Helper()
	var docs []sdk.Document
	stream, err := pluginv1.NewSearchCollatorServiceClient(h.conn).CollectDocuments(h.ctx, &pluginv1.CollectDocumentsRequest{Type: docType})
	err = each(stream, err, func(m *pluginv1.CollectDocumentsResponse) error {
		for _, d := range m.GetDocuments() {
			doc := sdk.Document{Title: d.GetTitle(), Text: d.GetText(), Location: d.GetLocation(), EntityRef: d.GetEntityRef()}
			if len(d.GetExtraJson()) > 0 {
				if err := json.Unmarshal(d.GetExtraJson(), &doc.Extra); err != nil {
					return err
				}
			}
			docs = append(docs, doc)
		}
		return nil
	})
	return docs, err
}

// Evaluate asks whether a permission rule holds for each of the resources. When some do not exist, the error wraps
// sdk.ErrNotFound and names them.
func (h *Harness) Evaluate(rule string, params any, refs ...string) ([]bool, error) {
	h.t.Helper()
	data, err := json.Marshal(params)
	if err != nil {
		h.t.Fatalf("params: %v", err)
	}
	res, err := pluginv1.NewPermissionRulesServiceClient(h.conn).EvaluateRules(h.ctx,
		&pluginv1.EvaluateRulesRequest{Rule: rule, ParamsJson: data, ResourceRefs: refs})
	if err != nil {
		return nil, rpcerror.Decode(err)
	}
	var missing []string
	for _, i := range res.GetMissing() {
		missing = append(missing, refs[i])
	}
	if missing != nil {
		return res.GetResults(), fmt.Errorf("%s: %w", strings.Join(missing, ", "), sdk.ErrNotFound)
	}
	return res.GetResults(), nil
}

// Deliver delivers one event, with a payload that is written as JSON.
func (h *Harness) Deliver(topic string, payload any) error {
	h.t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		h.t.Fatalf("payload: %v", err)
	}
	_, err = pluginv1.NewEventsServiceClient(h.conn).DeliverEvents(h.ctx,
		&pluginv1.DeliverEventsRequest{Events: []*pluginv1.Event{{Topic: topic, PayloadJson: data}}})
	return rpcerror.Decode(err)
}

// each reads a stream to its end.
func each[T any](stream grpc.ServerStreamingClient[T], err error, take func(*T) error) error {
	for err == nil {
		var m *T
		if m, err = stream.Recv(); err == nil {
			err = take(m)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return rpcerror.Decode(err)
}
