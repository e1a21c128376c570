package sdk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// pluginServer is the service that every plugin has.
type pluginServer struct {
	pluginv1.UnimplementedPluginServiceServer

	i *Instance
	// configuring has room for one Configure: a channel rather than a lock, so that waiting ends with the call.
	configuring  chan struct{}
	secretsInUse []string // of the settings in use; written inside of configuring
}

// Describe implements [pluginv1.PluginServiceServer].
func (s *pluginServer) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return s.i.p.describe(), nil
}

func (p *Plugin) describe() *pluginv1.DescribeResponse {
	d := &pluginv1.DescribeResponse{
		Id: p.id, Version: p.about.Version, Title: p.about.Title, Description: p.about.Description, License: p.about.License,
		Sdk: "callboard-sdk-go/" + Version,
		Provides: &pluginv1.Provides{
			Http: len(p.routes) > 0, HttpUnauthenticated: p.openedPrefixes(Unauthenticated), HttpUserCookie: p.openedPrefixes(UserCookie),
			CatalogProviders: p.providers.names, CatalogProcessors: p.processors.names, ScaffolderActions: p.actions.names, ScaffolderFilters: p.filters.names,
			SearchTypes: p.collators.names, Widgets: p.widgets.names, Tasks: p.tasks.names, Permissions: p.permits.names,
			PermissionRules: p.rules.names, EventTopics: p.events.names,
		},
	}
	for _, c := range p.capabilities() {
		if c.offered {
			d.Services = append(d.Services, c.desc.ServiceName)
		}
	}
	if p.settings != nil {
		d.SettingsSchemaJson = p.settings.schema.text
	}
	return d
}

// ValidateConfig implements [pluginv1.PluginServiceServer].
func (s *pluginServer) ValidateConfig(ctx context.Context, req *pluginv1.ValidateConfigRequest) (*pluginv1.ValidateConfigResponse, error) {
	p := s.i.p
	if p.settings == nil {
		return &pluginv1.ValidateConfigResponse{Diagnostics: noSettings(req.GetSettingsJson())}, nil
	}
	found := p.settings.validate(ctx, req.GetSettingsJson())
	var offered redactor // these settings are not in use: their secrets are known here only
	offered.set(p.settings.schema.secretsIn(req.GetSettingsJson()))
	return &pluginv1.ValidateConfigResponse{Diagnostics: offered.diagnostics(found)}, nil
}

// Configure implements [pluginv1.PluginServiceServer].
func (s *pluginServer) Configure(ctx context.Context, req *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	select {
	case s.configuring <- struct{}{}:
		defer func() { <-s.configuring }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p := s.i.p
	p.host.conn.configured.Store(&configured{token: req.GetHostToken(), baseURL: req.GetBaseUrl(), version: req.GetHostVersion()})
	if p.settings == nil {
		s.i.configured.Store(true)
		return &pluginv1.ConfigureResponse{Diagnostics: noSettings(req.GetSettingsJson())}, nil
	}
	// Both the former and the new secrets are hidden until it is clear which settings hold.
	before := s.secretsInUse
	offered := p.settings.schema.secretsIn(req.GetSettingsJson())
	p.secrets.set(slices.Concat(before, offered))
	found := p.settings.validate(ctx, req.GetSettingsJson())
	if !failed(found) {
		found = append(found, p.settings.use(ctx, req.GetSettingsJson())...)
	}
	found = p.secrets.diagnostics(found)
	if !failed(found) {
		s.secretsInUse = offered
		s.i.configured.Store(true)
	}
	return &pluginv1.ConfigureResponse{Diagnostics: found}, nil
}

func noSettings(given []byte) []*pluginv1.Diagnostic {
	switch string(given) {
	case "", "{}", "null":
		return nil
	}
	return []*pluginv1.Diagnostic{{Severity: pluginv1.Diagnostic_SEVERITY_WARNING, Summary: "this plugin has no settings; what is given is ignored"}}
}

// CheckHealth implements [pluginv1.PluginServiceServer].
func (s *pluginServer) CheckHealth(ctx context.Context, _ *pluginv1.CheckHealthRequest) (*pluginv1.CheckHealthResponse, error) {
	out := &pluginv1.CheckHealthResponse{Status: pluginv1.CheckHealthResponse_STATUS_OK}
	if !s.i.ready() {
		return out, nil // checks may use what settings make
	}
	for _, check := range s.i.p.checks {
		if err := s.i.p.guard(ctx, "Health", func() error { return check(ctx) }); err != nil {
			out.Status = pluginv1.CheckHealthResponse_STATUS_DEGRADED
			out.Diagnostics = append(out.Diagnostics, &pluginv1.Diagnostic{
				Severity: pluginv1.Diagnostic_SEVERITY_WARNING, Summary: s.i.p.secrets.clean(err.Error()),
			})
		}
	}
	return out, nil
}

// defaultGrace is for a Drain that names no time.
const defaultGrace = 30 * time.Second

// Drain implements [pluginv1.PluginServiceServer].
func (s *pluginServer) Drain(ctx context.Context, req *pluginv1.DrainRequest) (*pluginv1.DrainResponse, error) {
	grace := defaultGrace
	if req.GetGrace() != nil {
		grace = req.GetGrace().AsDuration()
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	s.i.drain(ctx)
	return &pluginv1.DrainResponse{}, nil
}

// CollectMetrics implements [pluginv1.PluginServiceServer].
func (s *pluginServer) CollectMetrics(ctx context.Context, _ *pluginv1.CollectMetricsRequest) (*pluginv1.CollectMetricsResponse, error) {
	return &pluginv1.CollectMetricsResponse{PrometheusText: s.i.p.metrics.text(ctx, maxMessage)}, nil
}

// controllerDesc is hashicorp/go-plugin's service for stopping a process. It is written by hand because its generated code
// lives in an internal package there; both messages are empty, so that emptypb stands for them on the wire.
var controllerDesc = grpc.ServiceDesc{
	ServiceName: "plugin.GRPCController",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Shutdown", Handler: func(srv any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := dec(in); err != nil {
			return nil, err
		}
		i, ok := srv.(*Instance)
		if !ok {
			return nil, fmt.Errorf("controller of %T", srv)
		}
		i.asked.Do(func() { close(i.shutdown) })
		return new(emptypb.Empty), nil
	}}},
}

var _ pluginv1.PluginServiceServer = (*pluginServer)(nil)
