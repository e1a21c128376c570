package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/sdk/pluginv1"
)

func TestProvider_SplitsManyEntitiesIntoSmallMessages(t *testing.T) {
	p := sdk.New("x")
	p.EntityProvider("many", time.Minute, func(context.Context) iter.Seq2[sdk.Entity, error] {
		return func(yield func(sdk.Entity, error) bool) {
			for i := range 3000 {
				e := plugintest.Annotated(plugintest.Component(fmt.Sprintf("c-%d", i)), "text", strings.Repeat("x", i%2000))
				if !yield(e, nil) {
					return
				}
			}
		}
	})
	h := plugintest.Start(t, p)
	stream, err := pluginv1.NewCatalogProviderServiceClient(h.Conn()).RefreshProvider(t.Context(), &pluginv1.RefreshProviderRequest{Name: "many"})
	if err != nil {
		t.Fatal(err)
	}
	entities, messages, full := 0, 0, false
	for {
		m, err := stream.Recv()
		if err != nil {
			break
		}
		size := 0
		for _, e := range m.GetUpserts() {
			size += len(e.GetJson())
		}
		if size > 256<<10 {
			t.Errorf("a message has %d bytes", size)
		}
		entities, messages, full = entities+len(m.GetUpserts()), messages+1, full || m.GetFull()
	}
	if entities != 3000 || messages < 10 || !full {
		t.Errorf("%d entities in %d messages, full %v", entities, messages, full)
	}
}

func TestProvider_WithoutEntitiesStillSaysThatThisIsEverything(t *testing.T) {
	p := sdk.New("x")
	p.EntityProvider("none", time.Minute, none)
	if run := plugintest.Start(t, p).RunProvider("none"); run.Err != nil || !run.Full || len(run.Entities) != 0 {
		t.Errorf("%+v", run)
	}
}

func TestProvider_ThatFailsOnTheWayFailsTheRefresh(t *testing.T) {
	p := sdk.New("x")
	p.EntityProvider("broken", time.Minute, func(context.Context) iter.Seq2[sdk.Entity, error] {
		return func(yield func(sdk.Entity, error) bool) {
			if yield(plugintest.Component("a"), nil) {
				yield(nil, fmt.Errorf("page 2: %w", sdk.ErrServiceUnavailable))
			}
		}
	})
	run := plugintest.Start(t, p).RunProvider("broken")
	if !errors.Is(run.Err, sdk.ErrServiceUnavailable) || !strings.Contains(run.Err.Error(), "provider broken: page 2") {
		t.Error(run.Err)
	}
}

func TestIncrementalProvider_GoesOnFromTheCursor(t *testing.T) {
	p := sdk.New("x")
	p.IncrementalProvider("changes", time.Minute, func(_ context.Context, cursor string) iter.Seq2[sdk.Change, error] {
		return func(yield func(sdk.Change, error) bool) {
			switch cursor {
			case "":
				yield(sdk.Change{Upsert: plugintest.Component("a"), LocationKey: "repo-1", Cursor: "1"}, nil)
			case "1":
				_ = yield(sdk.Change{Remove: "component:default/a"}, nil) && yield(sdk.Change{Cursor: "2"}, nil)
			default:
				yield(sdk.Change{Full: true, Cursor: "1"}, nil)
			}
		}
	})
	h := plugintest.Start(t, p)
	first := h.RunProvider("changes")
	if first.Err != nil || !first.Full || first.Cursor != "1" || len(first.Entities) != 1 {
		t.Errorf("first %+v", first)
	}
	second := h.RunProvider("changes", first.Cursor)
	if second.Err != nil || second.Full || second.Cursor != "2" || !slices.Equal(second.Removed, []string{"component:default/a"}) {
		t.Errorf("second %+v", second)
	}
	if third := h.RunProvider("changes", "lost"); !third.Full {
		t.Errorf("third %+v", third)
	}
}

func TestProcessor_KeepsNumbersAndMembersThatItDoesNotKnow(t *testing.T) {
	p := sdk.New("x")
	p.Processor("mark", func(_ context.Context, e sdk.Entity) (sdk.Entity, error) {
		return plugintest.Annotated(e, "mark", "yes"), nil
	})
	h := plugintest.Start(t, p)
	const big = `{"kind":"Component","metadata":{"name":"a"},"spec":{"id":9007199254740993,"unknown":{"x":[1,null,true]}}}`
	res, err := pluginv1.NewCatalogProcessorServiceClient(h.Conn()).ProcessEntities(t.Context(), &pluginv1.ProcessEntitiesRequest{
		Processor: "mark", Stage: pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS, Items: []*pluginv1.ProcessItem{{EntityJson: []byte(big)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"Component","metadata":{"annotations":{"mark":"yes"},"name":"a"},"spec":{"id":9007199254740993,"unknown":{"x":[1,null,true]}}}`
	if got := string(res.GetResults()[0].GetEntityJson()); got != want {
		t.Error(got)
	}
}

func TestProcessor_FailsTheEntityThatIsWrongAndNoOther(t *testing.T) {
	p := sdk.New("x")
	p.Processor("picky", func(_ context.Context, e sdk.Entity) (sdk.Entity, error) {
		switch e.Name() {
		case "wrong":
			return nil, fmt.Errorf("no such team: %w", sdk.ErrInput)
		case "panics":
			panic("at the disco")
		case "gone":
			return nil, nil
		}
		return e, nil
	})
	h := plugintest.Start(t, p)
	req := &pluginv1.ProcessEntitiesRequest{Processor: "picky", Stage: pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS}
	for _, name := range []string{"wrong", "panics", "gone", "fine"} {
		data, _ := json.Marshal(plugintest.Component(name))
		req.Items = append(req.Items, &pluginv1.ProcessItem{EntityJson: data})
	}
	req.Items = append(req.Items, &pluginv1.ProcessItem{EntityJson: []byte("[]")})
	res, err := pluginv1.NewCatalogProcessorServiceClient(h.Conn()).ProcessEntities(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"InputError no such team", " processor panicked: at the disco", " the processor returned no entity", "", " entity is no JSON object"} {
		got := ""
		if ds := res.GetResults()[i].GetDiagnostics(); len(ds) > 0 {
			got = ds[0].GetCode() + " " + ds[0].GetSummary()
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("item %d: %q, want %q", i, got, want)
		}
	}
	if len(res.GetResults()[3].GetEntityJson()) != 0 {
		t.Error("an unchanged entity was sent back")
	}
}

func TestProcessor_StagesEmitAndRelate(t *testing.T) {
	p := sdk.New("x")
	p.StagedProcessor(sdk.Stages{
		Name: "robots", Kinds: []string{"Robot"},
		Validate: func(_ context.Context, e sdk.Entity) (bool, error) {
			if e.Kind() == "Robot" && e.Spec()["arms"] == nil {
				return true, fmt.Errorf("a robot needs arms: %w", sdk.ErrInput)
			}
			return e.Kind() == "Robot", nil
		},
		PostProcess: func(_ context.Context, pr *sdk.Processing, e sdk.Entity) (sdk.Entity, error) {
			pr.Relate("robot:default/r2", "ownedBy", "group:default/droids")
			pr.Emit(plugintest.Component("from-" + e.Name()))
			pr.RefreshOn(pr.Location)
			pr.Warn("rusty")
			return e, nil
		},
	})
	h := plugintest.Start(t, p)
	robot := sdk.Entity{"kind": "Robot", "metadata": map[string]any{"name": "r2"}, "spec": map[string]any{"arms": 2}}
	got := h.Process("robots", robot)
	if got.Err != nil || !got.Recognized || len(got.Relations) != 1 || got.Emitted[0].Name() != "from-r2" ||
		got.RefreshKeys[0] != "file:/plugintest/catalog-info.yaml" || got.Warnings[0] != "rusty" {
		t.Errorf("%+v", got)
	}
	delete(robot, "spec")
	if got := h.Process("robots", robot); got.Err == nil || !got.Recognized {
		t.Errorf("%+v", got)
	}
	if got := h.Process("unknown", robot); !errors.Is(got.Err, sdk.ErrNotFound) {
		t.Error(got.Err)
	}
}

type release struct {
	Version string `json:"version" pattern:"^v[0-9]+$"`
	Count   int    `json:"count,omitempty" max:"3"`
}

func TestAction_GoesOnFromItsCheckpoints(t *testing.T) {
	created := 0
	p := sdk.New("x")
	sdk.Action(p, "x:release", func(a sdk.ActionContext[release]) (map[string]any, error) {
		id, err := sdk.Checkpoint(a, "created", func() (int, error) { created++; return 41 + created, nil })
		if err != nil {
			return nil, err
		}
		a.Log.With("version", a.Input.Version).WithGroup("g").Warn("released", "id", id)
		if err := a.Output("early", true); err != nil {
			return nil, err
		}
		return map[string]any{"id": id, "user": a.User}, nil
	}, sdk.ActionOptions{Repeatable: true})
	h := plugintest.Start(t, p)
	first := h.RunAction("x:release", release{Version: "v1"}, plugintest.ActionRequest{User: "user:default/ann"})
	if first.Err != nil || first.Output["id"] != 42.0 || first.Output["early"] != true || first.Output["user"] != "user:default/ann" {
		t.Fatalf("%+v", first)
	}
	if want := "warn: released version=v1 g.id=42"; first.Logs[0] != want {
		t.Errorf("log %q, want %q", first.Logs[0], want)
	}
	again := h.RunAction("x:release", release{Version: "v1"}, plugintest.ActionRequest{Checkpoints: first.Checkpoints})
	if again.Err != nil || again.Output["id"] != 42.0 || created != 1 {
		t.Errorf("%+v, created %d times", again, created)
	}
}

func TestAction_ChecksItsInput(t *testing.T) {
	p := sdk.New("x")
	sdk.Action(p, "x:release", func(sdk.ActionContext[release]) (struct{}, error) { return struct{}{}, nil })
	h := plugintest.Start(t, p)
	for want, input := range map[string]any{
		"version is missing":                      map[string]any{},
		"version must match":                      map[string]any{"version": "1"},
		"version must be of type string":          map[string]any{"version": 1},
		"count must be at most 3":                 map[string]any{"version": "v1", "count": 4},
		"verison is not known; known are version": map[string]any{"version": "v1", "verison": "v1"},
		"must be a JSON object":                   "v1",
	} {
		if run := h.RunAction("x:release", input); !errors.Is(run.Err, sdk.ErrInput) || !strings.Contains(run.Err.Error(), want) {
			t.Errorf("want %q, got %v", want, run.Err)
		}
	}
	if run := h.RunAction("x:release", release{Version: "v1"}, plugintest.ActionRequest{DryRun: true}); !errors.Is(run.Err, sdk.ErrNotImplemented) {
		t.Errorf("a dry run of an action that has none: %v", run.Err)
	}
	if run := h.RunAction("x:other", nil); !errors.Is(run.Err, sdk.ErrNotFound) {
		t.Error(run.Err)
	}
}

func TestAction_RefusesToSendWhatIsTooLongForAMessage(t *testing.T) {
	huge := strings.Repeat("x", 256<<10)
	p := sdk.New("x")
	sdk.Action(p, "x:output", func(a sdk.ActionContext[struct{}]) (map[string]string, error) {
		a.Log.Info(huge)
		return map[string]string{"o": huge}, nil
	})
	sdk.Action(p, "x:checkpoint", func(a sdk.ActionContext[struct{}]) (map[string]string, error) {
		_, err := sdk.Checkpoint(a, "c", func() (string, error) { return huge, nil })
		return nil, err
	})
	h := plugintest.Start(t, p)
	run := h.RunAction("x:output", struct{}{})
	if run.Err == nil || !strings.Contains(run.Err.Error(), "output o: ") || len(run.Logs[0]) > 20<<10 {
		t.Error(run.Err)
	}
	if run := h.RunAction("x:checkpoint", struct{}{}); run.Err == nil || !strings.Contains(run.Err.Error(), "checkpoint c: ") {
		t.Error(run.Err)
	}
}

func TestAction_IsCancelledWithItsTask(t *testing.T) {
	ended := make(chan error, 1)
	p := sdk.New("x")
	sdk.Action(p, "x:wait", func(a sdk.ActionContext[struct{}]) (map[string]any, error) {
		a.Log.Info("waiting")
		<-a.Done()
		ended <- a.Err()
		return nil, a.Err()
	})
	h := plugintest.Start(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := pluginv1.NewScaffolderActionsServiceClient(h.Conn()).ExecuteAction(ctx, &pluginv1.ExecuteActionRequest{Action: "x:wait"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type chartArgs struct {
	Top int `json:"top" default:"5" min:"1" max:"50"`
}

func TestWidget_SplitsALongFrameAndDecodesItsArguments(t *testing.T) {
	p := sdk.New("x")
	p.Widget(sdk.Widget{ID: "table", Title: "T", View: sdk.ViewTable, Args: chartArgs{}, Stream: func(_ context.Context, q sdk.WidgetQuery) iter.Seq2[*frame.Frame, error] {
		return func(yield func(*frame.Frame, error) bool) {
			args, err := sdk.WidgetArgs[chartArgs](q)
			f := frame.New("rows", frame.Strings("text"), frame.Numbers[int]("n"))
			for i := range 20000 {
				f.Append(strings.Repeat("x", 40), i)
			}
			_ = yield(f, err) && yield(frame.New("top", frame.Numbers("n", args.Top)), nil)
		}
	}})
	h := plugintest.Start(t, p)
	run := h.QueryWidget("table", sdk.WidgetQuery{})
	if run.Err != nil || len(run.Frames) != 2 || run.Frames[0].Rows() != 20000 || run.Frames[1].Column("n").Values[0] != 5.0 {
		t.Fatalf("%v, %d frames", run.Err, len(run.Frames))
	}
	if run := h.QueryWidget("table", sdk.WidgetQuery{Args: []byte(`{"top":99}`)}); !errors.Is(run.Err, sdk.ErrInput) {
		t.Error(run.Err)
	}
}

func TestWidget_ThatAnswersNonsenseFailsWithTheReason(t *testing.T) {
	p := sdk.New("x")
	p.Widget(sdk.Widget{ID: "bad", Title: "T", View: sdk.ViewLine, Data: func(_ context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
		if q.User == "" {
			return nil, nil
		}
		return frame.New("f", frame.URLs("link", "javascript:alert(1)")), nil
	}})
	h := plugintest.Start(t, p)
	if run := h.QueryWidget("bad", sdk.WidgetQuery{}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("nothing to show: %+v", run)
	}
	if run := h.QueryWidget("bad", sdk.WidgetQuery{User: "user:default/ann"}); run.Err == nil || !strings.Contains(run.Err.Error(), `widget bad: frame "f": column "link"`) {
		t.Error(run.Err)
	}
}

func TestCollatorTaskRuleAndEvents_AreCalledByName(t *testing.T) {
	p := sdk.New("x")
	p.Collator("issue", func(context.Context) iter.Seq2[sdk.Document, error] {
		return func(yield func(sdk.Document, error) bool) {
			yield(sdk.Document{Title: "Login fails", Text: "…", EntityRef: "component:default/shop", Extra: map[string]any{"level": "error"}}, nil)
		}
	})
	p.Task("sweep", time.Hour, func(ctx context.Context) error { return p.Host().Events.Publish(ctx, "swept", map[string]int{"n": 1}) })
	p.CronTask("fails", "0 3 * * *", func(context.Context) error { return errors.New("no disk") })
	type team struct {
		Name string `json:"name"`
	}
	sdk.Rule(p, "IS_OF_TEAM", "project", func(_ context.Context, ref string, params team) (bool, error) {
		if ref == "gone" {
			return false, sdk.ErrNotFound
		}
		return strings.HasPrefix(ref, params.Name+"/"), nil
	})
	var got []string
	p.OnEvent("push", func(_ context.Context, e sdk.Event) error {
		var payload struct{ Ref string }
		if err := e.Decode(&payload); err != nil {
			return err
		}
		got = append(got, payload.Ref)
		return nil
	})
	h := plugintest.Start(t, p)
	if docs, err := h.Collect("issue"); err != nil || len(docs) != 1 || docs[0].Extra["level"] != "error" {
		t.Errorf("%v %v", docs, err)
	}
	if err := h.RunTask("sweep"); err != nil || h.Events.Published()[0].Topic != "swept" {
		t.Error(err, h.Events.Published())
	}
	if err := h.RunTask("fails"); err == nil || err.Error() != "task fails: no disk" {
		t.Error(err)
	}
	if holds, err := h.Evaluate("IS_OF_TEAM", team{"web"}, "web/shop", "ops/dns"); err != nil || !slices.Equal(holds, []bool{true, false}) {
		t.Error(holds, err)
	}
	if holds, err := h.Evaluate("IS_OF_TEAM", team{"web"}, "ops/dns", "gone", "web/shop"); !errors.Is(err, sdk.ErrNotFound) || !strings.HasPrefix(err.Error(), "gone: ") || !slices.Equal(holds, []bool{false, false, true}) {
		t.Error(holds, err)
	}
	if _, err := h.Evaluate("IS_OF_TEAM", nil, "web/shop"); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	if err := h.Deliver("push", map[string]string{"ref": "main"}); err != nil || !slices.Equal(got, []string{"main"}) {
		t.Error(got, err)
	}
	if err := h.Deliver("pull", nil); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
}

func TestCapability_ThatPanicsFailsItsCallOnly(t *testing.T) {
	p := sdk.New("x")
	p.Task("panics", time.Hour, func(context.Context) error { panic("oh") })
	p.Task("fine", time.Hour, func(context.Context) error { return nil })
	h := plugintest.Start(t, p)
	if err := h.RunTask("panics"); err == nil || !strings.Contains(err.Error(), "panicked: oh") || apierror.NameOf(err) != apierror.Generic {
		t.Error(err)
	}
	if err := h.RunTask("fine"); err != nil {
		t.Error(err)
	}
}

func TestLists_TellTheHostWhatItNeedsToKnow(t *testing.T) {
	p := sdk.New("x")
	p.EntityProvider("prov", 90*time.Second, none)
	p.StagedProcessor(sdk.Stages{Name: "proc", Kinds: []string{"API"}, PostProcess: func(_ context.Context, _ *sdk.Processing, e sdk.Entity) (sdk.Entity, error) { return e, nil }})
	sdk.Action(p, "x:act", func(sdk.ActionContext[release]) (release, error) { return release{}, nil },
		sdk.ActionOptions{Description: "D", DryRun: true, Examples: []sdk.ActionExample{{Description: "E", YAML: "steps: []"}}})
	sdk.Filter(p, "repeat_text", func(_ sdk.FilterContext, s string) (string, error) { return s, nil },
		sdk.FilterOptions{Description: "F", Arguments: []any{0, nil}, Examples: []sdk.FilterExample{{Description: "E", Expression: "${{ 'a' | repeat_text(2) }}", Notes: "N"}}})
	p.Widget(sdk.Widget{ID: "w", Title: "W", View: sdk.ViewLine, For: "*", Args: chartArgs{}, Refresh: 1500 * time.Millisecond, Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) { return nil, nil }})
	p.Collator("doc", func(context.Context) iter.Seq2[sdk.Document, error] { return nil }, sdk.CollatorOptions{Permission: "x.read"})
	p.CronTask("nightly", "0 3 * * *", func(context.Context) error { return nil }, sdk.TaskOptions{Timeout: time.Minute, InitialDelay: time.Second})
	p.Permission(sdk.Permission{Name: "x.read", Action: "read", ResourceType: "thing"})
	sdk.Rule(p, "IS_MINE", "thing", func(context.Context, string, struct{}) (bool, error) { return true, nil }, "Mine")
	h := plugintest.Start(t, p)
	ctx, conn := t.Context(), h.Conn()
	lists := map[string]any{}
	keep := func(name string, list any, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		lists[name] = list
	}
	providers, err := pluginv1.NewCatalogProviderServiceClient(conn).ListProviders(ctx, &pluginv1.ListProvidersRequest{})
	keep("providers", providers, err)
	processors, err := pluginv1.NewCatalogProcessorServiceClient(conn).ListProcessors(ctx, &pluginv1.ListProcessorsRequest{})
	keep("processors", processors, err)
	actions, err := pluginv1.NewScaffolderActionsServiceClient(conn).ListActions(ctx, &pluginv1.ListActionsRequest{})
	keep("actions", actions, err)
	filters, err := pluginv1.NewTemplateFiltersServiceClient(conn).ListFilters(ctx, &pluginv1.ListFiltersRequest{})
	keep("filters", filters, err)
	widgets, err := pluginv1.NewWidgetsServiceClient(conn).ListWidgets(ctx, &pluginv1.ListWidgetsRequest{})
	keep("widgets", widgets, err)
	collators, err := pluginv1.NewSearchCollatorServiceClient(conn).ListCollators(ctx, &pluginv1.ListCollatorsRequest{})
	keep("collators", collators, err)
	tasks, err := pluginv1.NewTasksServiceClient(conn).ListTasks(ctx, &pluginv1.ListTasksRequest{})
	keep("tasks", tasks, err)
	rules, err := pluginv1.NewPermissionRulesServiceClient(conn).ListRules(ctx, &pluginv1.ListRulesRequest{})
	keep("rules", rules, err)
	plugintest.Golden(t, "testdata/lists.golden.json", lists)
}

func TestDrain_WaitsForActionsUntilItsTimeIsOver(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	p := sdk.New("x")
	sdk.Action(p, "x:long", func(sdk.ActionContext[struct{}]) (map[string]any, error) {
		close(begun)
		<-release
		return map[string]any{"done": true}, nil
	})
	h := plugintest.Start(t, p)
	ran := make(chan *plugintest.ActionRun, 1)
	go func() { ran <- h.RunAction("x:long", struct{}{}) }()
	<-begun
	drain := func(grace time.Duration) error {
		_, err := pluginv1.NewPluginServiceClient(h.Conn()).Drain(t.Context(), &pluginv1.DrainRequest{Grace: durationpb.New(grace)})
		return err
	}
	if err := drain(time.Millisecond); err != nil { // returns although the action still runs
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- drain(time.Minute) }()
	select {
	case err := <-drained:
		t.Errorf("Drain did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if run := <-ran; run.Err != nil || run.Output["done"] != true {
		t.Errorf("%+v", run)
	}
}
