package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var wireRules = []Rule{
	{ID: "wire.unknown-fields", Level: Must, Sentence: "Fields of messages that it does not know make no difference.", check: checkUnknownFields},
	{ID: "wire.unknown-names", Level: Must, Sentence: "What it does not have is refused with NOT_FOUND or INVALID_ARGUMENT.", check: checkUnknownNames},
	{ID: "wire.diagnostics", Level: Should, Sentence: "Errors carry a Diagnostic with the name of the error.", check: checkDiagnostics},
	{ID: "wire.garbage", Level: Must, Sentence: "Requests that are no messages, or too long, are refused and do no harm.", check: checkGarbage},
	{ID: "wire.health", Level: Must, Sentence: "CheckHealth and CollectMetrics answer at any time.", check: checkOpinions},
}

// unknownFields are fields of every wire type with numbers that nobody uses.
func unknownFields() protoreflect.RawFields {
	raw := protowire.AppendVarint(protowire.AppendTag(nil, 15001, protowire.VarintType), 1<<60)
	raw = protowire.AppendBytes(protowire.AppendTag(raw, 15002, protowire.BytesType), []byte("from a newer host"))
	raw = protowire.AppendFixed32(protowire.AppendTag(raw, 15003, protowire.Fixed32Type), 7)
	return protowire.AppendFixed64(protowire.AppendTag(raw, 15004, protowire.Fixed64Type), 7)
}

func checkUnknownFields(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	cases, err := b.cases()
	if err != nil {
		return err
	}
	for _, call := range b.plainCalls(cases.good) {
		want, err := p.invoke(ctx, call.method, call.request)
		if err != nil {
			continue // other rules tell
		}
		newer := proto.Clone(call.request)
		newer.ProtoReflect().SetUnknown(unknownFields())
		got, err := p.invoke(ctx, call.method, newer)
		const advice = "Ignore fields that you do not know, as protobuf's libraries do: hosts add fields within a protocol version."
		if err != nil {
			return p.unexpected(shortMethod(call.method)+" with unknown fields", advice, err)
		}
		if call.stable && !proto.Equal(want, got) {
			return found(advice, "%s answers something else when the request has unknown fields", shortMethod(call.method))
		}
	}
	return nil
}

// plainCall is one that may be made at any time. stable = its answer is always the same.
type plainCall struct {
	method  string
	request proto.Message
	stable  bool
}

func (b *bench) plainCalls(settings []byte) []plainCall {
	const plugin = "/callboard.plugin.v1.PluginService/"
	calls := []plainCall{
		{plugin + "Describe", &pluginv1.DescribeRequest{}, true},
		{plugin + "ValidateConfig", &pluginv1.ValidateConfigRequest{SettingsJson: settings}, false},
		{plugin + "CheckHealth", &pluginv1.CheckHealthRequest{}, false},
		{plugin + "CollectMetrics", &pluginv1.CollectMetricsRequest{}, false},
	}
	lists := map[string]proto.Message{
		"CatalogProviderService/ListProviders": &pluginv1.ListProvidersRequest{}, "CatalogProcessorService/ListProcessors": &pluginv1.ListProcessorsRequest{},
		"ScaffolderActionsService/ListActions": &pluginv1.ListActionsRequest{}, "WidgetsService/ListWidgets": &pluginv1.ListWidgetsRequest{},
		"TemplateFiltersService/ListFilters":  &pluginv1.ListFiltersRequest{},
		"SearchCollatorService/ListCollators": &pluginv1.ListCollatorsRequest{}, "TasksService/ListTasks": &pluginv1.ListTasksRequest{},
		"PermissionRulesService/ListRules": &pluginv1.ListRulesRequest{},
	}
	for method, request := range lists {
		service, _, _ := strings.Cut(method, "/")
		if slices.Contains(b.described.GetServices(), "callboard.plugin.v1."+service) {
			calls = append(calls, plainCall{"/callboard.plugin.v1." + method, request, true})
		}
	}
	slices.SortFunc(calls, func(a, b plainCall) int { return strings.Compare(a.method, b.method) })
	return calls
}

// invoke makes a unary call by its name.
func (p *instance) invoke(ctx context.Context, full string, request proto.Message) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	service, name, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	method, err := findMethod(service, name)
	if err != nil {
		return nil, err
	}
	answer, err := newMessage(method.Output())
	if err != nil {
		return nil, err
	}
	return answer, p.conn.Invoke(ctx, full, request, answer)
}

const nobody = "no-such-thing"

// strangers are calls with names that no plugin has, for each service that is served.
func (b *bench) strangers(ctx context.Context, p *instance) map[string]error {
	entity := sampleEntity("component", nil)
	calls := map[string]func() error{
		"CatalogProviderService/RefreshProvider": func() error { _, err := p.refresh(ctx, nobody); return err },
		"CatalogProcessorService/ProcessEntities": func() error {
			_, err := p.processEntities(ctx, nobody, pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS, entity)
			return err
		},
		"ScaffolderActionsService/ExecuteAction": func() error {
			_, err := p.execute(ctx, &pluginv1.ExecuteActionRequest{Action: nobody, InputJson: []byte("{}"), DryRun: true})
			return err
		},
		"WidgetsService/QueryWidget": func() error { _, err := p.query(ctx, &pluginv1.QueryWidgetRequest{Widget: nobody}); return err },
		"TemplateFiltersService/CallFilters": func() error {
			_, err := pluginv1.NewTemplateFiltersServiceClient(p.conn).CallFilters(ctx, &pluginv1.CallFiltersRequest{Calls: []*pluginv1.FilterCall{{Filter: nobody}}})
			return err
		},
		"SearchCollatorService/CollectDocuments": func() error { _, err := p.documents(ctx, nobody); return err },
		"TasksService/RunTask": func() error {
			_, err := pluginv1.NewTasksServiceClient(p.conn).RunTask(ctx, &pluginv1.RunTaskRequest{Id: nobody})
			return err
		},
		"PermissionRulesService/EvaluateRules": func() error {
			_, err := pluginv1.NewPermissionRulesServiceClient(p.conn).EvaluateRules(ctx, &pluginv1.EvaluateRulesRequest{Rule: nobody, ResourceRefs: []string{"a"}})
			return err
		},
	}
	if slices.ContainsFunc(p.widgets(ctx), (*pluginv1.Widget).GetSubmits) { // a plugin without forms need not know the call
		calls["WidgetsService/SubmitWidget"] = func() error {
			_, err := p.submit(ctx, submission(&pluginv1.Widget{Id: nobody}, []byte("{}")))
			return err
		}
	}
	errs := map[string]error{}
	for method, call := range calls {
		service, _, _ := strings.Cut(method, "/")
		if slices.Contains(b.described.GetServices(), "callboard.plugin.v1."+service) && !p.ended() {
			errs[method] = call()
		}
	}
	return errs
}

func checkUnknownNames(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	errs := b.strangers(ctx, p)
	for _, method := range sortedKeys(errs) {
		if code := status.Code(errs[method]); errs[method] == nil || code != codes.NotFound && !refusesInput(errs[method]) {
			if p.gone(errs[method]) {
				return p.whyEnded("It ended during " + method + " of something that it does not have")
			}
			return found("Answer NOT_FOUND with a Diagnostic of code NotFoundError.", "%s of something that it does not have is answered with %s", method, code)
		}
	}
	if len(errs) == 0 {
		return skip("It has no capabilities beyond its routes.")
	}
	return nil
}

func checkDiagnostics(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	errs := b.strangers(ctx, p)
	for _, method := range sortedKeys(errs) {
		if err := errs[method]; err != nil && diagnosed(err).GetCode() == "" {
			return found("Put a google.rpc.Status with a callboard.plugin.v1.Diagnostic into grpc-status-details-bin; its code is a Backstage error name.", "An error of %s has no Diagnostic with a code", method)
		}
	}
	if len(errs) == 0 {
		return skip("It has no capabilities beyond its routes.")
	}
	return nil
}

func checkGarbage(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	for what, payload := range map[string][]byte{"bytes that are no message": []byte("\xff\xff\xff\xffnonsense"), "a request of 5 MiB": make([]byte, 5<<20)} {
		for _, method := range []string{"Describe", "ValidateConfig"} {
			ctx, cancel := context.WithTimeout(ctx, callTime)
			err := p.conn.Invoke(ctx, "/callboard.plugin.v1.PluginService/"+method, payload, &[]byte{}, grpc.ForceCodecV2(rawCodec{}))
			cancel()
			if status.Code(err) == codes.DeadlineExceeded {
				return found("Refuse what cannot be decoded; do not wait.", "%s does not answer to %s", method, what)
			}
			if p.gone(err) {
				return p.whyEnded("It ended when " + method + " got " + what)
			}
		}
	}
	return checkHealth(ctx, b)
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	data, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("raw codec: %T is not bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

var _ encoding.CodecV2 = rawCodec{}

func checkOpinions(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	health, err := p.invoke(ctx, "/callboard.plugin.v1.PluginService/CheckHealth", &pluginv1.CheckHealthRequest{})
	if err != nil {
		return p.unexpected("CheckHealth", "Answer OK, or DEGRADED with a Diagnostic for people, from what is known; do not call anybody for it.", err)
	}
	if h, ok := health.(*pluginv1.CheckHealthResponse); ok && h.GetStatus() == pluginv1.CheckHealthResponse_STATUS_UNSPECIFIED {
		return found("Set status.", "CheckHealth answers neither OK nor DEGRADED")
	}
	metrics, err := p.invoke(ctx, "/callboard.plugin.v1.PluginService/CollectMetrics", &pluginv1.CollectMetricsRequest{})
	if err != nil {
		return p.unexpected("CollectMetrics", "Answer an empty text if there are no metrics.", err)
	}
	if m, ok := metrics.(*pluginv1.CollectMetricsResponse); ok {
		for line := range strings.Lines(string(m.GetPrometheusText())) {
			if line = strings.TrimSpace(line); line != "" && !metricForm.MatchString(line) {
				return found("Write the Prometheus text format, version 0.0.4.", "CollectMetrics has the line %q", excerpt.Of(line, 100))
			}
		}
	}
	return nil
}
