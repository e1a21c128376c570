package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/store"
)

// shutdownGrace is how long requests that have begun may take after the end was asked for; with what is closed
// afterwards an orderly end stays under 20 s.
const shutdownGrace = 15 * time.Second

// defaultOperations is where /metrics answers when callboard.operations.listen says nothing. It is loopback, and a
// second host on the machine may find it taken: that is a warning, not an end.
const defaultOperations = "127.0.0.1:7008"

// Options is what an [App] is made of.
type Options struct {
	Config *config.Config // required
	// Source is what Config was loaded with: it is watched, and reloaded when a file changes.
	Source  config.Options
	Logger  *slog.Logger // required
	Version string
}

// App is one running host. Make it with [New], run it once.
type App struct {
	log        *slog.Logger
	config     *config.Config
	version    string
	began      time.Time
	db         *store.DB
	server     *httpx.Server
	console    http.Handler
	registry   *prometheus.Registry
	features   features
	background []service
	closers    []func() error
	listening  chan struct{}
	address    net.Addr
}

// service is something that runs beside the server until its context ends.
type service struct {
	name string
	run  func(ctx context.Context) error
}

// New wires every feature. Nothing is listened on yet. Its error lists everything that is wrong with the configuration.
func New(ctx context.Context, o Options) (*App, error) {
	a := &App{log: o.Logger, config: o.Config, version: o.Version, began: time.Now(), registry: prometheus.NewRegistry(), listening: make(chan struct{})}
	if err := CheckConfig(o.Config); err != nil {
		return nil, fmt.Errorf("the configuration cannot be served:\n%w", err)
	}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := a.wire(ctx, o); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if err := o.Config.Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("the configuration cannot be served:\n%w", err), a.close())
	}
	return a, nil
}

// Listening is closed when [App.Addr] answers.
func (a *App) Listening() <-chan struct{} { return a.listening }

// Addr is the address of the HTTP listener.
func (a *App) Addr() net.Addr { return a.address }

// Ready is closed when the catalog can answer; readiness is 200 from then on.
func (a *App) Ready() <-chan struct{} { return a.features.catalog.Ready() }

// Handler is the HTTP edge, for benchmarks and tests that need no listener.
func (a *App) Handler() http.Handler { return a.server }

// Plugins is the plugin host.
func (a *App) Plugins() *pluginhost.Host { return a.features.plugins }

// Run serves until ctx ends, then ends orderly: readiness fails, running requests finish, background work stops, the
// database closes. It returns nil after an orderly end.
func (a *App) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.close()) }()
	listener, err := a.server.Listen(ctx)
	if err != nil {
		return err
	}
	a.address = listener.Addr()
	close(a.listening)
	serving, ctx := errgroup.WithContext(ctx)
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()

	var services errgroup.Group
	for _, s := range a.background {
		services.Go(func() error {
			if err := s.run(background); err != nil && background.Err() == nil {
				a.log.Error(s.name+" ended", slog.Any("error", err))
				serving.Go(func() error { return fmt.Errorf("%s: %w", s.name, err) })
				return err
			}
			return nil
		})
	}
	serving.Go(func() error { return a.operations(ctx) })
	serving.Go(func() error { return a.announce(ctx) })
	serving.Go(func() error { return a.server.Serve(ctx, listener, shutdownGrace) })
	err = serving.Wait()
	stopBackground()
	return errors.Join(err, services.Wait())
}

// announce opens the features when the catalog can answer.
func (a *App) announce(ctx context.Context) error {
	a.log.Info("listening", slog.String("address", a.address.String()), slog.String("database", a.db.String()), slog.String("version", a.version))
	select {
	case <-ctx.Done():
	case <-a.Ready():
		a.server.Started()
		a.log.Info("ready", slog.Duration("after", time.Since(a.began).Round(time.Millisecond)), slog.Int("entities", a.features.catalog.Index().Snapshot().Len()))
	}
	return nil
}

// operations serves /metrics and health on a listener of its own: false turns it off.
func (a *App) operations(ctx context.Context) error {
	section := a.config.Section("callboard.operations")
	if off, ok := section.Value("listen").(bool); ok && !off {
		return nil
	}
	address := section.String("listen", defaultOperations)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		if section.Has("listen") {
			return fmt.Errorf("callboard.operations.listen: %w", err)
		}
		a.log.Warn("no operations listener: "+err.Error(), slog.String("hint", "set callboard.operations.listen to a free address, or to false"))
		return nil
	}
	server := &http.Server{Handler: a.server.Operations(a.registry, a.console), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("operations: %w", err)
	}
	return nil
}

// close releases what New opened, in reverse order.
func (a *App) close() error {
	var all error
	for _, c := range slices.Backward(a.closers) {
		all = errors.Join(all, c())
	}
	a.closers = nil
	return all
}
