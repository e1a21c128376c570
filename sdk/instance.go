package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Runtime is what a plugin runs in. [Plugin.Serve] makes it of the host's sockets, package plugintest of fakes.
type Runtime struct {
	// Host is the connection to the host's services; nil = there are none.
	Host grpc.ClientConnInterface
	// Egress is the transport of [Host.HTTP]; nil = there is no way out.
	Egress http.RoundTripper
	// DataDir is the folder for the plugin's files.
	DataDir string
}

// Instance is a plugin that runs. Authors have [Plugin.Serve]; an Instance is for tests and for other ways to run.
type Instance struct {
	p          *Plugin
	rpc        *grpc.Server
	routes     *http.Server
	work       inflight
	configured atomic.Bool
	shutdown   chan struct{}
	asked      sync.Once
}

// Open ends the registration and puts the plugin into its runtime. It is called once.
func (p *Plugin) Open(r Runtime) *Instance {
	p.registering("Open")
	p.openedPrefixes(Unauthenticated)
	p.openedPrefixes(UserCookie)
	p.opened = true
	p.dataDir = r.DataDir
	if r.Host != nil {
		p.host.conn.conn.Store(&r.Host)
	}
	if r.Egress != nil {
		p.host.out.via.Store(&r.Egress)
	}
	i := &Instance{p: p, shutdown: make(chan struct{})}
	i.rpc = i.newServer()
	i.routes = &http.Server{
		Handler: i.routesHandler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 128 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	return i
}

// maxWire is gRPC's cap for one message in both directions. The protocol's own limit is lower: what is longer than that
// is a mistake, and what is longer than this cannot hurt.
const maxWire = 4 << 20

func (i *Instance) newServer() *grpc.Server {
	s := grpc.NewServer(grpc.MaxRecvMsgSize(maxWire), grpc.MaxSendMsgSize(maxWire),
		grpc.UnaryInterceptor(i.unary), grpc.StreamInterceptor(i.stream), grpc.WaitForHandlers(false))
	state := health.NewServer()
	state.SetServingStatus("plugin", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(s, state)
	s.RegisterService(&controllerDesc, i)
	pluginv1.RegisterPluginServiceServer(s, &pluginServer{i: i, configuring: make(chan struct{}, 1)})
	for _, c := range i.p.capabilities() {
		if c.offered {
			s.RegisterService(c.desc, c.server)
		}
	}
	return s
}

// capability is a service that a plugin serves when something was registered for it.
type capability struct {
	desc    *grpc.ServiceDesc
	server  any
	offered bool
}

func (p *Plugin) capabilities() []capability {
	return []capability{
		{&pluginv1.CatalogProviderService_ServiceDesc, providerServer{p: p}, p.providers.any()},
		{&pluginv1.CatalogProcessorService_ServiceDesc, processorServer{p: p}, p.processors.any()},
		{&pluginv1.ScaffolderActionsService_ServiceDesc, actionServer{p: p}, p.actions.any()},
		{&pluginv1.TemplateFiltersService_ServiceDesc, filterServer{p: p}, p.filters.any()},
		{&pluginv1.WidgetsService_ServiceDesc, widgetServer{p: p}, p.widgets.any()},
		{&pluginv1.SearchCollatorService_ServiceDesc, collatorServer{p: p}, p.collators.any()},
		{&pluginv1.TasksService_ServiceDesc, taskServer{p: p}, p.tasks.any()},
		{&pluginv1.PermissionRulesService_ServiceDesc, ruleServer{p: p}, p.rules.any() || p.permits.any()},
		{&pluginv1.EventsService_ServiceDesc, eventServer{p: p}, p.events.any()},
	}
}

// HasRoutes reports whether there is anything to serve by [Instance.ServeRoutes].
func (i *Instance) HasRoutes() bool { return len(i.p.routes) > 0 }

// ServeRPC answers the host's calls on l until [Instance.Close].
func (i *Instance) ServeRPC(l net.Listener) error {
	if err := i.rpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve rpc: %w", err)
	}
	return nil
}

// ServeRoutes answers HTTP requests on l until [Instance.Close].
func (i *Instance) ServeRoutes(l net.Listener) error {
	if err := i.routes.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve routes: %w", err)
	}
	return nil
}

// ShutdownAsked is closed when the host has called Shutdown.
func (i *Instance) ShutdownAsked() <-chan struct{} { return i.shutdown }

// Close drains, waits for what runs until ctx ends, and stops both servers.
func (i *Instance) Close(ctx context.Context) {
	i.drain(ctx)
	stopped := make(chan struct{})
	go func() { // ends with Stop below at the latest
		defer close(stopped)
		i.rpc.GracefulStop()
	}()
	_ = i.routes.Shutdown(ctx) // only fails when ctx ends, and then Close is next
	select {
	case <-stopped:
	case <-ctx.Done():
	}
	i.rpc.Stop()
	_ = i.routes.Close()
	<-stopped
}

// drain runs the hooks once, and waits until nothing runs or ctx ends.
func (i *Instance) drain(ctx context.Context) {
	i.p.drain.Do(func() {
		close(i.p.drained)
		var wg sync.WaitGroup
		for _, hook := range i.p.drainers {
			wg.Go(func() {
				if err := i.p.guard(ctx, "OnDrain", func() error { return hook(ctx) }); err != nil {
					slog.WarnContext(ctx, "a drain function failed", "error", err)
				}
			})
		}
		wg.Wait()
	})
	i.work.wait(ctx)
}

// ready reports whether capabilities and routes can be called: a plugin with settings must have got them.
func (i *Instance) ready() bool { return i.p.settings == nil || i.configured.Load() }

// inflight counts what runs. Unlike a WaitGroup it may be added to while somebody waits.
type inflight struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n becomes 0; nil while nobody waits
}

func (f *inflight) begin() (end func()) {
	f.mu.Lock()
	f.n++
	f.mu.Unlock()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.n--; f.n == 0 && f.idle != nil {
			close(f.idle)
			f.idle = nil
		}
	}
}

func (f *inflight) wait(ctx context.Context) {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
