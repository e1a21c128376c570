package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// direct is a plugin that bench runs in the way of the host, so that single layers of the host can be measured over it.
type direct struct {
	manifest *manifest.Manifest
	services *hostsvc.Server
	process  *launch.Process
	client   *caps.Client
	socket   string // of HTTP
	phases   phases
}

// phases are where the time of a start goes.
type phases struct{ launch, describe, configure, health time.Duration }

func (p phases) total() time.Duration { return p.launch + p.describe + p.configure + p.health }

// run starts the plugin of that id. serial keeps the folders of several starts apart.
func (s *workshop) run(ctx context.Context, o options, id string, level sandbox.Level, serial int) (_ *direct, err error) {
	d := &direct{}
	defer func() {
		if err != nil {
			d.stop()
		}
	}()
	if d.manifest, err = manifest.Read(s.path(id)); err != nil {
		return nil, err
	}
	name := "r/" + strconv.Itoa(serial)
	for _, folder := range []string{"r", name, "data"} {
		if err := s.folder(folder); err != nil {
			return nil, err
		}
	}
	d.socket = s.path(name, launch.SocketHTTP)
	quiet := slog.New(slog.DiscardHandler)
	d.services, err = hostsvc.Serve(ctx, hostsvc.Options{Plugin: d.manifest.ID, Socket: s.path(name, launch.SocketHost), Token: token, Logger: quiet})
	if err != nil {
		return nil, err
	}
	if err := d.begin(ctx, s, o, level, name, quiet); err != nil {
		return nil, err
	}
	d.client = caps.NewClient(d.process.Conn(), caps.ClientOptions{Plugin: d.manifest.ID, Version: d.manifest.Version})
	return d, nil
}

// begin launches the process and brings it to where the host would call it ready.
func (d *direct) begin(ctx context.Context, s *workshop, o options, level sandbox.Level, runtimeDir string, log *slog.Logger) error {
	argv, err := d.manifest.Argv(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	self, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	return d.phases.time(
		func() (err error) {
			d.process, err = launch.Start(ctx, launch.Spec{ID: d.manifest.ID, Version: d.manifest.Version, Argv: argv, Dir: d.manifest.Dir,
				RuntimeDir: s.path(runtimeDir), DataDir: s.path("data", string(d.manifest.ID)), Policy: sandbox.Policy{Level: level},
				Limits: d.manifest.Needs.Limits, Logger: log, Self: self})
			return err
		},
		func() error {
			_, err := pluginv1.NewPluginServiceClient(d.process.Conn()).Describe(ctx, &pluginv1.DescribeRequest{})
			return err
		},
		func() error {
			_, err := pluginv1.NewPluginServiceClient(d.process.Conn()).Configure(ctx,
				&pluginv1.ConfigureRequest{SettingsJson: []byte("{}"), HostToken: token, BaseUrl: "http://127.0.0.1"})
			return err
		},
		func() error {
			answer, err := grpc_health_v1.NewHealthClient(d.process.Conn()).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: launch.HealthService})
			if err == nil && answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
				err = errors.New("the plugin is not healthy")
			}
			return err
		})
}

func (p *phases) time(start, describe, configure, health func() error) error {
	for _, step := range []struct {
		name string
		took *time.Duration
		do   func() error
	}{{"start", &p.launch, start}, {"describe", &p.describe, describe}, {"configure", &p.configure, configure}, {"health", &p.health, health}} {
		began := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		*step.took = time.Since(began)
	}
	return nil
}

func (d *direct) stop() {
	if d.process != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = d.process.Stop(ctx, 5*time.Second)
	}
	if d.services != nil {
		_ = d.services.Close()
	}
}

// Client implements [caps.Source].
func (d *direct) Client(context.Context) (*caps.Client, error) { return d.client, nil }

// Acquire implements [relay.Target].
func (d *direct) Acquire(context.Context) (relay.Instance, error) { return d, nil }

// Dial implements [relay.Instance].
func (d *direct) Dial(ctx context.Context) (net.Conn, error) {
	return d.process.Dial(ctx, launch.SocketHTTP)
}

// Release implements [relay.Instance].
func (d *direct) Release() {}

// target is the plugin's HTTP socket without anything in between.
func (d *direct) target() target {
	return target{network: "unix", address: d.socket, cpu: func() time.Duration { return cpuOf(d.process.PID()) }}
}
