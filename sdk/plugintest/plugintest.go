// Package plugintest runs a plugin inside of a test. The plugin is called by the same generated code as in production:
// real gRPC, real HTTP, over connections in memory; the host behind it is a fake with a catalog, a key-value store, a clock
// and whatever else host services are about.
//
//	func TestIssues(t *testing.T) {
//		h := plugintest.Start(t, newPlugin(), plugintest.Config(settings{URL: "https://sentry.example"}))
//		h.Outgoing.HandleFunc("https://sentry.example", …)
//		h.Catalog.Put(plugintest.Component("shop"))
//		res := h.Get("/issues/shop", plugintest.As("user:default/ann"))
//		…
//		h.RunProvider("projects").WantEntities(t, "testdata/projects.golden.json")
//	}
//
// Start one plugin value once; make a new one for each test.
package plugintest

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Harness is a running plugin and the fake host around it.
type Harness struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // the test's own: fuzz targets must not ask for it again

	// Clock is the fake host's time: of what expires in KV, Cache and Locks.
	Clock       *Clock
	Catalog     *Catalog
	KV          *KV
	Cache       *KV
	Locks       *Locks
	Secrets     *Secrets
	Permissions *Permissions
	Events      *Events
	Audit       *Audit
	Scheduler   *Scheduler
	// Notifications are what people were told by Host().Notifications.
	Notifications *Notifications
	// Outgoing is the world outside: what the plugin reaches by its Host().HTTP.
	Outgoing *Outgoing

	workspaces workspaces
	faults     *faults
	conn       *grpc.ClientConn
	web        *http.Client
}

// Option says how to start.
type Option func(*options)

type options struct {
	settings json.RawMessage
	prepare  []func(*Harness)
}

// Config gives the plugin its settings: the plugin's own struct, a map, or a [json.RawMessage]. Of a struct, members that
// are zero are left out, as an operator would, so that defaults apply. Without Config the settings are empty.
func Config(settings any) Option {
	return func(o *options) { o.settings = plainJSON(settings) }
}

// Prepare changes the fake host before the plugin is configured, for plugins that call it while they take their settings
// into use.
func Prepare(change func(*Harness)) Option {
	return func(o *options) { o.prepare = append(o.prepare, change) }
}

// Start runs the plugin until the test ends. It fails the test when the plugin does not accept its settings.
func Start(t testing.TB, p *sdk.Plugin, opts ...Option) *Harness {
	t.Helper()
	o := options{settings: json.RawMessage("{}")}
	for _, opt := range opts {
		opt(&o)
	}
	h := newHarness(t)
	host := h.serveHost()
	h.open(p.Open(sdk.Runtime{Host: host, Egress: h.Outgoing, DataDir: t.TempDir()}))
	for _, change := range o.prepare {
		change(h)
	}
	if err := h.Configure(o.settings); err != nil {
		t.Fatalf("plugin %s does not accept its settings: %v", p.ID(), err)
	}
	return h
}

func newHarness(t testing.TB) *Harness {
	clock, catalog := NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), &Catalog{}
	h := &Harness{
		t: t, ctx: t.Context(), Clock: clock, Catalog: catalog, KV: newKV(clock), Cache: newKV(clock), Locks: &Locks{clock: clock},
		Secrets: &Secrets{}, Permissions: &Permissions{}, Events: &Events{}, Audit: &Audit{}, Scheduler: &Scheduler{}, Notifications: &Notifications{},
		Outgoing: newOutgoing(), faults: &faults{},
	}
	h.Outgoing.Handle(internalOrigin, h.internal())
	return h
}

// closeWithin is how long a plugin may take to end what it does when the test is over.
const closeWithin = 5 * time.Second

// open serves the plugin on connections in memory.
func (h *Harness) open(i *sdk.Instance) {
	rpc, routes := bufconn.Listen(1<<20), bufconn.Listen(1<<20)
	var serving sync.WaitGroup
	serve := func(run func(net.Listener) error, l net.Listener) {
		serving.Go(func() {
			if err := run(l); err != nil {
				h.t.Errorf("plugin: %v", err)
			}
		})
	}
	serve(i.ServeRPC, rpc)
	serve(i.ServeRoutes, routes)
	h.conn = dial(h.t, rpc)
	// A connection for each request: net/http's server ends its read between two requests by a deadline in the past, which
	// bufconn may let fire late, into the next request, whose context it then cancels.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return routes.DialContext(ctx) }}
	h.web = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		transport.CloseIdleConnections()
		_ = h.conn.Close()
		i.Close(ctx)
		serving.Wait()
	})
}

func dial(t testing.TB, l *bufconn.Listener) *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// Describe is what the plugin says it is.
func (h *Harness) Describe() *pluginv1.DescribeResponse {
	h.t.Helper()
	d, err := pluginv1.NewPluginServiceClient(h.conn).Describe(h.ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		h.t.Fatalf("describe: %v", err)
	}
	return d
}

// Conn is the connection to the plugin, for calls of the protocol that the harness has no method for.
func (h *Harness) Conn() grpc.ClientConnInterface { return h.conn }

// token is what the fake host expects with each call, as the real one does.
const token = "plugintest-token"

// Configure gives the plugin other settings while it runs, as [Config] takes them. The error tells what is wrong with them.
func (h *Harness) Configure(settings any) error {
	res, err := pluginv1.NewPluginServiceClient(h.conn).Configure(h.ctx, &pluginv1.ConfigureRequest{
		SettingsJson: plainJSON(settings), HostToken: token, BaseUrl: "https://portal.example.com", HostVersion: "0.0.0-test",
	})
	return problems(res.GetDiagnostics(), err)
}

// Validate asks the plugin about settings without taking them into use.
func (h *Harness) Validate(settings any) error {
	res, err := pluginv1.NewPluginServiceClient(h.conn).ValidateConfig(h.ctx, &pluginv1.ValidateConfigRequest{SettingsJson: plainJSON(settings)})
	return problems(res.GetDiagnostics(), err)
}

// Health is what the plugin says is wrong; nil = nothing.
func (h *Harness) Health() error {
	res, err := pluginv1.NewPluginServiceClient(h.conn).CheckHealth(h.ctx, &pluginv1.CheckHealthRequest{})
	ds := res.GetDiagnostics()
	for _, d := range ds {
		d.Severity = pluginv1.Diagnostic_SEVERITY_ERROR
	}
	return problems(ds, err)
}

// Drain asks the plugin to finish what runs, as before a stop.
func (h *Harness) Drain() error {
	_, err := pluginv1.NewPluginServiceClient(h.conn).Drain(h.ctx, &pluginv1.DrainRequest{})
	return rpcerror.Decode(err)
}

// Metrics are the plugin's metrics in the Prometheus text format.
func (h *Harness) Metrics() string {
	h.t.Helper()
	res, err := pluginv1.NewPluginServiceClient(h.conn).CollectMetrics(h.ctx, &pluginv1.CollectMetricsRequest{})
	if err != nil {
		h.t.Fatalf("metrics: %v", err)
	}
	return string(res.GetPrometheusText())
}
