package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
)

// What the environment of a plugin process says.
const (
	envCookie     = "CALLBOARD_PLUGIN"
	envRuntimeDir = "CALLBOARD_RUNTIME_DIR"
	envDataDir    = "CALLBOARD_DATA_DIR"
	envDescribe   = "CALLBOARD_DESCRIBE"
	envProtocols  = "PLUGIN_PROTOCOL_VERSIONS" // set by hashicorp/go-plugin

	cookie   = "callboard-plugin-v1"
	protocol = "1"
)

// How long stopping may take: the host sends SIGKILL 5 s after SIGTERM, and expects an end within 2 s of Shutdown, which
// comes after Drain.
const (
	graceOfShutdown = time.Second
	graceOfSignal   = 4 * time.Second
)

// Serve runs the plugin until the host stops it, and ends the process. Call it at the end of main.
//
// With CALLBOARD_DESCRIBE=1 it prints what the plugin is, as JSON, and exits. Run by hand it says what it is and how to run
// it.
func (p *Plugin) Serve() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := p.run(ctx, process{args: os.Args, env: os.Getenv, stdout: p.stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}

// process is what run takes from the operating system.
type process struct {
	args           []string
	env            func(string) string
	stdout, stderr io.Writer
}

func startedByHost() bool { return os.Getenv(envCookie) != "" || os.Getenv(envDescribe) != "" }

func (p *Plugin) run(ctx context.Context, o process) (exit int) {
	help := len(o.args) > 1 && slices.Contains([]string{"-h", "-help", "--help", "help"}, o.args[1])
	switch {
	case o.env(envDescribe) == "1" && !help:
		return p.printDescription(o)
	case help || o.env(envCookie) == "":
		p.printUsage(o.stderr)
		if help {
			return 0
		}
		return 1
	}
	slog.SetDefault(newLogger(o.stderr, p))
	if err := p.serve(ctx, o); err != nil {
		slog.Error("plugin cannot run", "error", err)
		return 1
	}
	return 0
}

func (p *Plugin) printUsage(w io.Writer) {
	title := p.id
	if p.about.Title != "" {
		title = fmt.Sprintf("%s (%s)", p.about.Title, p.id)
	}
	fmt.Fprintf(w, "%s %s is a plugin for Callboard, which starts it. To run it while you work on it:\n\n    callboard plugin dev\n\nin the folder of its plugin.yaml.\n",
		title, p.about.Version)
}

func (p *Plugin) printDescription(o process) int {
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(p.describe())
	if err == nil {
		_, err = fmt.Fprintf(o.stdout, "%s\n", text)
	}
	if err != nil {
		fmt.Fprintf(o.stderr, "plugin %s cannot be described: %v\n", p.id, err)
		return 1
	}
	return 0
}

// reconnecting looks for a host that comes back more often than gRPC's default, which is made for networks.
var reconnecting = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: time.Second,
}

func (p *Plugin) serve(ctx context.Context, o process) error {
	dir := o.env(envRuntimeDir)
	if err := checkStart(o, dir); err != nil {
		return err
	}
	host, err := grpc.NewClient("unix:"+filepath.Join(dir, "host.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithIdleTimeout(0), grpc.WithConnectParams(reconnecting), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxWire), grpc.MaxCallSendMsgSize(maxWire)))
	if err != nil {
		return fmt.Errorf("connect to the host: %w", err)
	}
	defer host.Close()
	i := p.Open(Runtime{Host: host, Egress: throughProxy(filepath.Join(dir, "egress.sock")), DataDir: o.env(envDataDir)})

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopped, err := i.listen(dir, cancel)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(o.stdout, "1|%s|unix|%s|grpc\n", protocol, filepath.Join(dir, "rpc.sock")); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	var watch sync.WaitGroup
	watch.Go(func() { watchHost(ctx, host, os.Getppid, cancel) })
	defer watch.Wait()
	defer cancel(nil)

	grace := graceOfSignal
	select {
	case <-i.ShutdownAsked():
		grace = graceOfShutdown
	case <-ctx.Done():
	}
	end, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	i.Close(end)
	stopped()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errHostGone):
		slog.Warn("plugin ends", "reason", cause.Error())
	case errors.Is(cause, errBroken):
		return cause
	}
	return nil // asked to, by the host or by a signal
}

// errBroken is a server that ended on its own.
var errBroken = errors.New("the plugin cannot serve any longer")

func checkStart(o process, dir string) error {
	if got := o.env(envCookie); got != cookie {
		return fmt.Errorf("%s is %q, this SDK knows %q; the host is of another generation", envCookie, got, cookie)
	}
	if offered := o.env(envProtocols); offered != "" && !slices.Contains(strings.Split(offered, ","), protocol) {
		return fmt.Errorf("the host speaks plugin protocol %s, this plugin %s; build it with another version of the SDK", offered, protocol)
	}
	if dir == "" {
		return fmt.Errorf("%s is not set", envRuntimeDir)
	}
	return nil
}

// listen opens the sockets and serves on them; stopped waits for both servers after [Instance.Close].
func (i *Instance) listen(dir string, failed context.CancelCauseFunc) (stopped func(), err error) {
	serving := make(chan struct{}, 2)
	servers := 0
	start := func(name string, serve func(net.Listener) error) error {
		l, err := net.Listen("unix", filepath.Join(dir, name)) //nolint:noctx // it does not wait
		if err != nil {
			return fmt.Errorf("listen on %s: %w", name, err)
		}
		servers++
		go func() {
			defer func() { serving <- struct{}{} }()
			if err := serve(l); err != nil {
				failed(fmt.Errorf("%w: %w", errBroken, err))
			}
		}()
		return nil
	}
	err = start("rpc.sock", i.ServeRPC)
	if err == nil && i.HasRoutes() {
		err = start("http.sock", i.ServeRoutes)
	}
	return func() {
		for range servers {
			<-serving
		}
	}, err
}
