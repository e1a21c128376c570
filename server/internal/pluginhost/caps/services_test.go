package caps

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/widgettest"
)

// actionService serves one action by a function, or by what a stream is fed with.
type actionService struct {
	pluginv1.UnimplementedScaffolderActionsServiceServer

	d    action.Description
	run  actiontest.Run
	feed func(send func(*pluginv1.ExecuteActionResponse) error) error
}

func (a *actionService) register(s *grpc.Server) {
	pluginv1.RegisterScaffolderActionsServiceServer(s, a)
}

func (a *actionService) ListActions(context.Context, *pluginv1.ListActionsRequest) (*pluginv1.ListActionsResponse, error) {
	listed := &pluginv1.ScaffolderAction{Id: a.d.ID, Description: a.d.Description, InputSchemaJson: string(a.d.Input), OutputSchemaJson: string(a.d.Output),
		SupportsDryRun: a.d.SupportsDryRun, Repeatable: a.d.Repeatable}
	for _, e := range a.d.Examples {
		listed.Examples = append(listed.Examples, &pluginv1.ActionExample{Description: e.Description, Example: e.Example})
	}
	return &pluginv1.ListActionsResponse{Actions: []*pluginv1.ScaffolderAction{listed}}, nil
}

func (a *actionService) ExecuteAction(r *pluginv1.ExecuteActionRequest, s grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]) error {
	if a.feed != nil {
		return rpcerror.Encode(a.feed(s.Send))
	}
	run := action.Invocation{Task: r.GetTaskId(), Step: r.GetStepId(), StepName: r.GetStepName(), Input: r.GetInputJson(), DryRun: r.GetDryRun(), User: r.GetUserRef(),
		Template: action.Template{EntityRef: r.GetTemplateRef()}, Workspace: r.GetWorkspace()}
	for key, value := range r.GetCheckpoints() {
		if run.Checkpoints == nil {
			run.Checkpoints = map[string]json.RawMessage{}
		}
		run.Checkpoints[key] = value
	}
	return rpcerror.Encode(a.run(s.Context(), run, sender{s}))
}

// sender is a Listener at the plugin's end.
type sender struct {
	s grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]
}

func (s sender) Log(level, message string) error {
	return s.s.Send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Log{Log: &pluginv1.ActionLog{Level: level, Message: message}}})
}

func (s sender) Output(name string, value json.RawMessage) error {
	return s.s.Send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Output{Output: &pluginv1.ActionOutput{Name: name, ValueJson: value}}})
}

func (s sender) Checkpoint(key string, value json.RawMessage) error {
	return s.s.Send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Checkpoint{Checkpoint: &pluginv1.ActionCheckpoint{Key: key, ValueJson: value}}})
}

// widgetService serves one widget by a function, or by what a stream is fed with.
type widgetService struct {
	pluginv1.UnimplementedWidgetsServiceServer

	d      widget.Description
	answer widgettest.Answer
	feed   func(send func([]byte) error) error
}

func (w *widgetService) register(s *grpc.Server) { pluginv1.RegisterWidgetsServiceServer(s, w) }

func (w *widgetService) ListWidgets(context.Context, *pluginv1.ListWidgetsRequest) (*pluginv1.ListWidgetsResponse, error) {
	_, name, _ := strings.Cut(string(w.d.ID), "/")
	return &pluginv1.ListWidgetsResponse{Widgets: []*pluginv1.Widget{{
		Id: name, Title: w.d.Title, Description: w.d.Description, View: string(w.d.View), AppliesTo: w.d.AppliesTo.String(),
		ArgsSchemaJson: string(w.d.ArgsSchema), RefreshSeconds: int64(w.d.Refresh / time.Second), Permission: w.d.Permission,
	}}}, nil
}

func (w *widgetService) QueryWidget(r *pluginv1.QueryWidgetRequest, s grpc.ServerStreamingServer[pluginv1.QueryWidgetResponse]) error {
	send := func(data []byte) error { return s.Send(&pluginv1.QueryWidgetResponse{FrameJson: data}) }
	if w.feed != nil {
		return rpcerror.Encode(w.feed(send))
	}
	frames, err := w.answer(s.Context(), queryOf(r))
	if err != nil {
		return rpcerror.Encode(err)
	}
	for _, f := range frames {
		for part, err := range f.Parts(256 << 10) {
			if err != nil {
				return err
			}
			if err := send(part); err != nil {
				return err
			}
		}
	}
	return nil
}

func queryOf(r *pluginv1.QueryWidgetRequest) widget.Query {
	q := widget.Query{MaxPoints: int(r.GetMaxPoints()), Args: r.GetArgsJson(), Locale: r.GetLocale(), TimeZone: r.GetTimeZone(), User: r.GetUserRef()}
	if r.GetFromMs() != 0 {
		q.From, q.To = time.UnixMilli(r.GetFromMs()), time.UnixMilli(r.GetToMs())
	}
	if len(r.GetEntityJson()) > 0 {
		d := json.NewDecoder(strings.NewReader(string(r.GetEntityJson())))
		d.UseNumber()
		if err := d.Decode(&q.Entity); err != nil {
			panic(err)
		}
	}
	return q
}

// collatorService serves one type of documents.
type collatorService struct {
	pluginv1.UnimplementedSearchCollatorServiceServer

	mu         sync.Mutex
	permission string
	documents  []*pluginv1.SearchDocument
	broken     error
	collected  int
}

func (c *collatorService) register(s *grpc.Server) {
	pluginv1.RegisterSearchCollatorServiceServer(s, c)
}

func (c *collatorService) set(broken error, documents ...*pluginv1.SearchDocument) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken, c.documents = broken, documents
}

func (c *collatorService) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.collected
}

func (c *collatorService) ListCollators(context.Context, *pluginv1.ListCollatorsRequest) (*pluginv1.ListCollatorsResponse, error) {
	return &pluginv1.ListCollatorsResponse{Collators: []*pluginv1.SearchCollator{{Type: "issue", IntervalSeconds: 3600, Permission: c.permission}}}, nil
}

func (c *collatorService) CollectDocuments(_ *pluginv1.CollectDocumentsRequest, s grpc.ServerStreamingServer[pluginv1.CollectDocumentsResponse]) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collected++
	for _, d := range c.documents {
		if err := s.Send(&pluginv1.CollectDocumentsResponse{Documents: []*pluginv1.SearchDocument{d}}); err != nil {
			return err
		}
	}
	return rpcerror.Encode(c.broken)
}

// taskService serves tasks by a function.
type taskService struct {
	pluginv1.UnimplementedTasksServiceServer

	tasks []*pluginv1.Task
	run   func(ctx context.Context, id string) error
}

func (x *taskService) register(s *grpc.Server) { pluginv1.RegisterTasksServiceServer(s, x) }

func (x *taskService) ListTasks(context.Context, *pluginv1.ListTasksRequest) (*pluginv1.ListTasksResponse, error) {
	return &pluginv1.ListTasksResponse{Tasks: x.tasks}, nil
}

func (x *taskService) RunTask(ctx context.Context, r *pluginv1.RunTaskRequest) (*pluginv1.RunTaskResponse, error) {
	return &pluginv1.RunTaskResponse{}, rpcerror.Encode(x.run(ctx, r.GetId()))
}

// ruleService serves rules about things, whose refs begin with the team that owns them.
type ruleService struct {
	pluginv1.UnimplementedPermissionRulesServiceServer

	listed *pluginv1.ListRulesResponse
	wrong  bool

	mu    sync.Mutex
	calls int
}

func (x *ruleService) register(s *grpc.Server) {
	pluginv1.RegisterPermissionRulesServiceServer(s, x)
}

func (x *ruleService) ListRules(context.Context, *pluginv1.ListRulesRequest) (*pluginv1.ListRulesResponse, error) {
	return x.listed, nil
}

func (x *ruleService) EvaluateRules(_ context.Context, r *pluginv1.EvaluateRulesRequest) (*pluginv1.EvaluateRulesResponse, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls++
	var params struct{ Team string }
	if err := json.Unmarshal(r.GetParamsJson(), &params); err != nil {
		return nil, err
	}
	answer := &pluginv1.EvaluateRulesResponse{}
	for _, ref := range r.GetResourceRefs() {
		answer.Results = append(answer.Results, strings.HasPrefix(ref, params.Team+"-"))
	}
	if x.wrong {
		answer.Results = answer.GetResults()[1:]
	}
	return answer, nil
}

// eventService hands received events on.
type eventService struct {
	pluginv1.UnimplementedEventsServiceServer

	received chan *pluginv1.Event
	fail     func() error
}

func (x *eventService) register(s *grpc.Server) { pluginv1.RegisterEventsServiceServer(s, x) }

func (x *eventService) DeliverEvents(_ context.Context, r *pluginv1.DeliverEventsRequest) (*pluginv1.DeliverEventsResponse, error) {
	if x.fail != nil {
		if err := x.fail(); err != nil {
			return nil, rpcerror.Encode(err)
		}
	}
	for _, e := range r.GetEvents() {
		x.received <- e
	}
	return &pluginv1.DeliverEventsResponse{}, nil
}

var (
	_ action.Listener = sender{}
)
