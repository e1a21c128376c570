package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// base is PluginService.
type base struct {
	pluginv1.UnimplementedPluginServiceServer
	*plugin
}

func (p *plugin) description() *pluginv1.DescribeResponse {
	const v1 = "callboard.plugin.v1."
	d := &pluginv1.DescribeResponse{
		Id: "broken", Version: "1.0.0", Title: "Broken", License: "Apache-2.0", Sdk: "none", SettingsSchemaJson: Schema,
		Services: []string{v1 + "CatalogProviderService", v1 + "CatalogProcessorService", v1 + "ScaffolderActionsService", v1 + "TemplateFiltersService", v1 + "WidgetsService", v1 + "SearchCollatorService", v1 + "PermissionRulesService"},
		Provides: &pluginv1.Provides{Http: true, HttpUnauthenticated: []string{"/health"}, CatalogProviders: []string{"things"}, CatalogProcessors: []string{"mark"},
			ScaffolderActions: []string{"broken:do"}, ScaffolderFilters: []string{"brokenEcho"}, SearchTypes: []string{"thing"}, Widgets: []string{"count"}, PermissionRules: []string{"IS_THING"}},
	}
	switch p.mode {
	case "wrong-id":
		d.Id = "other"
	case "wrong-version":
		d.Version = "1.0.1"
	case "odd-version":
		d.Version = "v1"
	case "beyond-manifest":
		d.Provides.CatalogProviders = append(d.Provides.CatalogProviders, "secret-things")
	case "open-route-undeclared":
		d.Provides.HttpUnauthenticated = append(d.Provides.HttpUnauthenticated, "/admin")
	case "open-route-closed-again":
		d.Provides.HttpUnauthenticated = nil
	case "service-not-served":
		d.Services = append(d.Services, v1+"TasksService")
	case "lists-other-names":
		d.Provides.Widgets = nil
	case "describe-changes":
		d.Title = fmt.Sprintf("Broken, configured %d times", p.configured.Load())
	case "schema-differs":
		d.SettingsSchemaJson = `{"type":"object"}`
	case "no-licence":
		d.License = ""
	}
	return d
}

func (b base) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return b.description(), nil
}

// check says what is wrong with settings.
func check(text []byte) (s settings, problem *pluginv1.Diagnostic) {
	wrong := func(path, format string, args ...any) (settings, *pluginv1.Diagnostic) {
		return settings{}, &pluginv1.Diagnostic{Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: "InputError", Summary: fmt.Sprintf(format, args...), Path: path}
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return wrong("", "the settings are no JSON object")
	}
	for name, value := range members {
		text, isText := value.(string)
		switch {
		case name != "word" && name != "token":
			return wrong("/"+name, "there is no such setting")
		case !isText:
			return wrong("/"+name, "must be a text")
		case name == "word" && (text == "" || len(text) > 20):
			return wrong("/word", "must have 1 to 20 characters")
		}
	}
	if members["word"] == nil {
		return wrong("/word", "is missing")
	}
	_ = json.Unmarshal(text, &s)
	return s, nil
}

func (b base) ValidateConfig(_ context.Context, r *pluginv1.ValidateConfigRequest) (*pluginv1.ValidateConfigResponse, error) {
	_, problem := check(r.GetSettingsJson())
	switch {
	case problem == nil || b.is("validates-nothing"):
		return &pluginv1.ValidateConfigResponse{}, nil
	case b.is("crashes-on-bad-settings"):
		panic("assignment to entry in nil map")
	case b.is("secret-in-error"):
		return nil, status.Errorf(codes.InvalidArgument, "cannot use settings %s", r.GetSettingsJson())
	case b.is("no-path"):
		problem.Path = ""
	}
	return &pluginv1.ValidateConfigResponse{Diagnostics: []*pluginv1.Diagnostic{problem}}, nil
}

func (b base) Configure(_ context.Context, r *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	if b.is("panics-in-configure") {
		panic("runtime error: invalid memory address or nil pointer dereference")
	}
	s, problem := check(r.GetSettingsJson())
	if problem != nil && !b.is("configures-anything") {
		if b.is("dies-of-wrong-configure") {
			b.log("error", "fatal: bad configuration")
			panic("bad configuration")
		}
		return &pluginv1.ConfigureResponse{Diagnostics: []*pluginv1.Diagnostic{problem}}, nil
	}
	if b.is("refuses-good-settings") {
		return &pluginv1.ConfigureResponse{Diagnostics: []*pluginv1.Diagnostic{{Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Summary: "the moon is not full", Path: "/word"}}}, nil
	}
	token := r.GetHostToken()
	b.token.Store(&token)
	b.settings.Store(&s)
	b.configured.Add(1)
	b.afterConfigure()
	return &pluginv1.ConfigureResponse{}, nil
}

func (b base) CheckHealth(context.Context, *pluginv1.CheckHealthRequest) (*pluginv1.CheckHealthResponse, error) {
	if b.is("no-opinion") {
		return &pluginv1.CheckHealthResponse{}, nil
	}
	return &pluginv1.CheckHealthResponse{Status: pluginv1.CheckHealthResponse_STATUS_OK}, nil
}

func (b base) Drain(ctx context.Context, r *pluginv1.DrainRequest) (*pluginv1.DrainResponse, error) {
	if b.is("drain-hangs") {
		time.Sleep(time.Minute)
	}
	end := time.After(r.GetGrace().AsDuration())
	for b.running.Load() > 1 { // itself
		select {
		case <-end:
			return &pluginv1.DrainResponse{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	if b.is("dies-of-drain") {
		os.Exit(0)
	}
	return &pluginv1.DrainResponse{}, nil
}

func (b base) CollectMetrics(context.Context, *pluginv1.CollectMetricsRequest) (*pluginv1.CollectMetricsResponse, error) {
	text := fmt.Sprintf("# TYPE broken_calls_total counter\nbroken_calls_total{kind=\"all\"} %d\n", b.calls.Load())
	switch b.mode {
	case "secret-in-metrics":
		text += fmt.Sprintf("broken_info{token=%q} 1\n", b.settings.Load().Token)
	case "odd-metrics":
		text += "calls: lots\n"
	}
	return &pluginv1.CollectMetricsResponse{PrometheusText: []byte(text)}, nil
}

// unary and stream count what runs, and turn panics into the end of the process, as languages do that have no net/http.
func (p *plugin) unary(ctx context.Context, r any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	p.running.Add(1)
	defer p.running.Add(-1)
	p.calls.Add(1)
	if m, ok := r.(proto.Message); ok && p.is("strict-fields") && len(m.ProtoReflect().GetUnknown()) > 0 {
		return nil, status.Error(codes.InvalidArgument, "unknown field 15001")
	}
	if p.is("one-at-a-time") && !strings.HasSuffix(info.FullMethod, "Health/Check") {
		p.lock <- struct{}{}
		defer func() { <-p.lock }()
		time.Sleep(300 * time.Millisecond)
	}
	return handle(ctx, r)
}

func (p *plugin) stream(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	p.running.Add(1)
	defer p.running.Add(-1)
	p.calls.Add(1)
	return handle(srv, s)
}

// missing is how a plugin refuses what it does not have.
func (p *plugin) missing(what, name string) error {
	switch p.mode {
	case "internal-for-unknown":
		return errors.New("map key not found: " + name)
	case "accepts-unknown":
		return nil
	}
	s := status.Newf(codes.NotFound, "there is no %s %s", what, name)
	if p.is("no-diagnostic") {
		return s.Err()
	}
	s, _ = s.WithDetails(&pluginv1.Diagnostic{Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: "NotFoundError", Summary: s.Message()})
	return s.Err()
}

func invalid(text string) error {
	s, _ := status.New(codes.InvalidArgument, text).WithDetails(&pluginv1.Diagnostic{Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: "InputError", Summary: text})
	return s.Err()
}
