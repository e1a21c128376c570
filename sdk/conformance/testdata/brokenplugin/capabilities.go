package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
)

type provider struct {
	pluginv1.UnimplementedCatalogProviderServiceServer
	*plugin
}

func (p provider) ListProviders(context.Context, *pluginv1.ListProvidersRequest) (*pluginv1.ListProvidersResponse, error) {
	r := &pluginv1.ListProvidersResponse{Providers: []*pluginv1.CatalogProvider{{Name: "things", IntervalSeconds: 60}}}
	if p.is("beyond-manifest") {
		r.Providers = append(r.Providers, &pluginv1.CatalogProvider{Name: "secret-things", IntervalSeconds: 60})
	}
	return r, nil
}

func (p provider) RefreshProvider(r *pluginv1.RefreshProviderRequest, s grpc.ServerStreamingServer[pluginv1.RefreshProviderResponse]) error {
	if r.GetName() != "things" {
		return p.missing("provider", r.GetName())
	}
	p.whileRefreshing(s.Context())
	name, note := "thing", "the same each time"
	switch p.mode {
	case "provider-changes":
		note = fmt.Sprint("refreshed at ", time.Now())
	case "provider-grows":
		name = fmt.Sprintf("thing-%d", p.calls.Load())
	case "invalid-entity":
		name = "not a valid name!"
	}
	document := &pluginv1.EntityDocument{Json: fmt.Appendf(nil, `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q,"description":%q},"spec":{"type":"service","lifecycle":"experimental","owner":"group:default/a"}}`, name, note)}
	batch := &pluginv1.RefreshProviderResponse{Full: true, Upserts: []*pluginv1.EntityDocument{document}}
	switch p.mode {
	case "no-entity":
		document.Json = []byte(`["kind","Component"]`)
	case "entity-twice":
		batch.Upserts = append(batch.Upserts, document)
	case "full-and-removals":
		batch.Removals = []string{"component:default/old"}
	case "endless-stream":
		for s.Send(&pluginv1.RefreshProviderResponse{Full: true}) == nil {
		}
	case "message-too-long":
		for i := range 3000 {
			batch.Upserts = append(batch.Upserts, &pluginv1.EntityDocument{Json: bytes.Replace(document.GetJson(), []byte(`"thing"`), fmt.Appendf(nil, `"thing-%d"`, i), 1)})
		}
	}
	return s.Send(batch)
}

type processor struct {
	pluginv1.UnimplementedCatalogProcessorServiceServer
	*plugin
}

func (p processor) ListProcessors(context.Context, *pluginv1.ListProcessorsRequest) (*pluginv1.ListProcessorsResponse, error) {
	return &pluginv1.ListProcessorsResponse{Processors: []*pluginv1.CatalogProcessor{{Name: "mark", Stages: []pluginv1.ProcessorStage{pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS}}}}, nil
}

func (p processor) ProcessEntities(_ context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
	if r.GetProcessor() != "mark" {
		if err := p.missing("processor", r.GetProcessor()); err != nil {
			return nil, err
		}
		return &pluginv1.ProcessEntitiesResponse{}, nil
	}
	answer := &pluginv1.ProcessEntitiesResponse{}
	for _, item := range r.GetItems() {
		answer.Results = append(answer.Results, &pluginv1.ProcessResult{EntityJson: p.mark(item.GetEntityJson())})
	}
	switch n := len(answer.GetResults()); {
	case p.is("wrong-result-count") && n > 1:
		answer.Results = answer.GetResults()[1:]
	case p.is("wrong-order"):
		slices.Reverse(answer.GetResults())
	case p.is("fails-for-all") && n > 0 && string(r.GetItems()[0].GetEntityJson()) == "{}":
		return nil, fmt.Errorf("metadata is missing")
	}
	return answer, nil
}

func (p *plugin) mark(text []byte) []byte {
	var e map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	if !p.is("loses-integers") {
		d.UseNumber()
	}
	if d.Decode(&e) != nil {
		return nil
	}
	metadata, _ := e["metadata"].(map[string]any)
	if metadata == nil {
		return nil
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations["example.com/marked"] = "yes"
	switch p.mode {
	case "random-processor":
		annotations["example.com/marked"] = fmt.Sprint(rand.Int())
	case "remembers-processor":
		annotations["example.com/marked"] = fmt.Sprint(p.calls.Load())
	case "drops-members":
		metadata = map[string]any{"name": metadata["name"], "annotations": annotations}
		e = map[string]any{"apiVersion": e["apiVersion"], "kind": e["kind"], "metadata": metadata, "spec": e["spec"]}
	case "answers-no-json":
		return []byte("name: thing")
	}
	out, _ := json.Marshal(e)
	return out
}

type actions struct {
	pluginv1.UnimplementedScaffolderActionsServiceServer
	*plugin
}

func (a actions) ListActions(context.Context, *pluginv1.ListActionsRequest) (*pluginv1.ListActionsResponse, error) {
	return &pluginv1.ListActionsResponse{Actions: []*pluginv1.ScaffolderAction{{Id: "broken:do", SupportsDryRun: true,
		InputSchemaJson:  `{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1}}}`,
		OutputSchemaJson: `{"type":"object","required":["done"],"properties":{"done":{"type":"boolean"}}}`}}}, nil
}

func (a actions) ExecuteAction(r *pluginv1.ExecuteActionRequest, s grpc.ServerStreamingServer[pluginv1.ExecuteActionResponse]) error {
	if r.GetAction() != "broken:do" {
		return a.missing("action", r.GetAction())
	}
	var input struct{ Name string }
	if err := json.Unmarshal(r.GetInputJson(), &input); (err != nil || input.Name == "") && !a.is("accepts-bad-input") {
		return invalid("name must be a text with something in it")
	}
	a.whileExecuting(r)
	if err := s.Send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Log{Log: &pluginv1.ActionLog{Level: "info", Message: "doing " + input.Name}}}); err != nil {
		return err
	}
	value := []byte("true")
	switch a.mode {
	case "output-no-json":
		value = []byte("yes, it is done")
	case "output-of-other-type":
		value = []byte(`"yes"`)
	}
	return s.Send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Output{Output: &pluginv1.ActionOutput{Name: "done", ValueJson: value}}})
}

type filters struct {
	pluginv1.UnimplementedTemplateFiltersServiceServer
	*plugin
}

func (f filters) ListFilters(context.Context, *pluginv1.ListFiltersRequest) (*pluginv1.ListFiltersResponse, error) {
	return &pluginv1.ListFiltersResponse{Filters: []*pluginv1.TemplateFilter{{Id: "brokenEcho", InputSchemaJson: `{"type":"string"}`}}}, nil
}

func (f filters) CallFilters(_ context.Context, r *pluginv1.CallFiltersRequest) (*pluginv1.CallFiltersResponse, error) {
	out := &pluginv1.CallFiltersResponse{}
	if f.is("slow-filter") {
		time.Sleep(4 * time.Second)
	}
	for _, c := range r.GetCalls() {
		if c.GetFilter() != "brokenEcho" {
			return nil, f.missing("filter", c.GetFilter())
		}
		value := c.GetInputJson()
		switch f.mode {
		case "filter-no-json":
			value = []byte("echo")
		case "random-filter":
			value = fmt.Append(nil, rand.Int())
		case "filter-answers-nothing":
			out.Results = append(out.Results, &pluginv1.FilterResult{})
			continue
		case "filter-asks":
			f.ask(context.Background(), "http://api.example.com/words")
		}
		out.Results = append(out.Results, &pluginv1.FilterResult{Outcome: &pluginv1.FilterResult_ValueJson{ValueJson: value}})
	}
	if f.is("one-filter-result") {
		out.Results = out.Results[:min(1, len(out.Results))]
	}
	return out, nil
}

type widgets struct {
	pluginv1.UnimplementedWidgetsServiceServer
	*plugin
}

func (w widgets) ListWidgets(context.Context, *pluginv1.ListWidgetsRequest) (*pluginv1.ListWidgetsResponse, error) {
	count := &pluginv1.Widget{Id: "count", Title: "Count", View: "form", Submits: true, AppliesTo: "kind:component",
		ArgsSchemaJson: `{"type":"object","properties":{"name":{"type":"string","minLength":1}},"required":["name"],"additionalProperties":false}`}
	return &pluginv1.ListWidgetsResponse{Widgets: []*pluginv1.Widget{count}}, nil
}

func (w widgets) SubmitWidget(_ context.Context, r *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
	if r.GetWidget() != "count" {
		return nil, w.missing("widget", r.GetWidget())
	}
	var args struct{ Name string }
	fields := json.NewDecoder(bytes.NewReader(r.GetArgsJson()))
	fields.DisallowUnknownFields()
	if err := fields.Decode(&args); (err != nil || args.Name == "") && !w.is("form-takes-anything") {
		return &pluginv1.SubmitWidgetResponse{FieldErrors: []*pluginv1.WidgetFieldError{{Field: "name", Message: "must be a text, and nothing is beside it"}}}, nil
	}
	return &pluginv1.SubmitWidgetResponse{Message: "It is done, whatever it was."}, nil
}

func (w widgets) QueryWidget(r *pluginv1.QueryWidgetRequest, s grpc.ServerStreamingServer[pluginv1.QueryWidgetResponse]) error {
	if r.GetWidget() != "count" {
		return w.missing("widget", r.GetWidget())
	}
	text := `{"name":"count","columns":[{"name":"n","type":"number","values":[1]}]}`
	switch w.mode {
	case "bad-frame":
		text = `{"name":"count","columns":[{"name":"n","type":"numeral","values":["one"]}]}`
	case "huge-frame":
		text = `{"name":"count","columns":[{"name":"n","type":"string","values":["` + strings.Repeat("x", 5<<20) + `"]}]}`
	}
	return s.Send(&pluginv1.QueryWidgetResponse{FrameJson: []byte(text)})
}

type collator struct {
	pluginv1.UnimplementedSearchCollatorServiceServer
	*plugin
}

func (c collator) ListCollators(context.Context, *pluginv1.ListCollatorsRequest) (*pluginv1.ListCollatorsResponse, error) {
	return &pluginv1.ListCollatorsResponse{Collators: []*pluginv1.SearchCollator{{Type: "thing", IntervalSeconds: 60}}}, nil
}

func (c collator) CollectDocuments(r *pluginv1.CollectDocumentsRequest, s grpc.ServerStreamingServer[pluginv1.CollectDocumentsResponse]) error {
	if r.GetType() != "thing" {
		return c.missing("type", r.GetType())
	}
	document := &pluginv1.SearchDocument{Title: "A thing", Text: "text", Location: "/things/1"}
	if c.is("document-without-place") {
		document.Location = ""
	}
	return s.Send(&pluginv1.CollectDocumentsResponse{Documents: []*pluginv1.SearchDocument{document}})
}

type rules struct {
	pluginv1.UnimplementedPermissionRulesServiceServer
	*plugin
}

func (r rules) ListRules(context.Context, *pluginv1.ListRulesRequest) (*pluginv1.ListRulesResponse, error) {
	return &pluginv1.ListRulesResponse{Rules: []*pluginv1.PermissionRule{{Name: "IS_THING", ResourceType: "thing"}}}, nil
}

func (r rules) EvaluateRules(_ context.Context, q *pluginv1.EvaluateRulesRequest) (*pluginv1.EvaluateRulesResponse, error) {
	if q.GetRule() != "IS_THING" {
		if err := r.missing("rule", q.GetRule()); err != nil {
			return nil, err
		}
	}
	n := len(q.GetResourceRefs())
	if r.is("one-rule-result") {
		n = 1
	}
	return &pluginv1.EvaluateRulesResponse{Results: make([]bool, n)}, nil
}
