package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

// What both sides must agree on before anything else.
const (
	CookieKey       = "CALLBOARD_PLUGIN"
	CookieValue     = "callboard-plugin-v1"
	AppProtocol     = 1
	protocolsKey    = "PLUGIN_PROTOCOL_VERSIONS"
	handshakeFields = 5
)

// shakeHands runs go-plugin's handshake over a runner of our own. go-plugin's client is good for one start and is left alone
// afterwards: its Kill would dial a second connection and wait two seconds, its gRPC client opens streams that we do not use.
func (p *Process) shakeHands(ctx context.Context) *StartError {
	r := &processRunner{process: p, ctx: ctx}
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: AppProtocol, MagicCookieKey: CookieKey, MagicCookieValue: CookieValue},
		Plugins:          plugin.PluginSet{},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.adopt(cmd.Env)
			return r, nil
		},
		SkipHostEnv:      true, // else the child would get the host's secrets
		Managed:          false,
		StartTimeout:     p.spec.HandshakeTimeout,
		Logger:           quietLogger(p.output.logger),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.spec.RuntimeDir},
	})
	if _, err := client.Start(); err != nil {
		if !r.began {
			p.never()
		}
		return p.diagnose(ctx, r.failed, err)
	}
	return nil
}

// adopt takes from go-plugin's environment the one variable that is part of the protocol. The rest is about its broker and
// its ports; the environment of a plugin is exact.
func (p *Process) adopt(env []string) {
	for _, entry := range env {
		if strings.HasPrefix(entry, protocolsKey+"=") {
			p.command.Env = append(p.command.Env, entry)
		}
	}
}

// processRunner is what go-plugin sees of a process. Its stdout has the first line alone, and its stderr nothing: what the
// plugin writes is read by [output], with limits.
type processRunner struct {
	process *Process
	ctx     context.Context //nolint:containedctx // go-plugin makes a context of its own, which knows nothing of ours
	began   bool
	failed  error
}

// Start returns when the program runs.
func (r *processRunner) Start(context.Context) error {
	p := r.process
	started := make(chan error, 1)
	r.began = true
	go p.live(started)
	if r.failed = <-started; r.failed != nil {
		return r.failed
	}
	if p.spec.Spawned != nil {
		p.spec.Spawned(p.PID(), p.UID())
	}
	deadline, _ := r.ctx.Deadline()
	report, err := p.child.Load().Hand(deadline)
	p.report.Store(&report)
	r.failed = err
	return err
}

func (r *processRunner) Wait(context.Context) error {
	<-r.process.exited
	return nil
}

func (r *processRunner) Kill(context.Context) error {
	r.process.Kill()
	return nil
}

func (r *processRunner) Stdout() io.ReadCloser { return r.process.output.handshake }

func (r *processRunner) Stderr() io.ReadCloser { return silence{until: r.process.output.done} }

func (r *processRunner) Name() string { return string(r.process.spec.ID) }

func (r *processRunner) ID() string { return strconv.Itoa(r.process.PID()) }

func (r *processRunner) Diagnose(context.Context) string { return "" }

var errAddress = errors.New("wrong address")

// PluginToHost holds the plugin to its own socket: otherwise it could make the host connect to any other on the machine.
func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	if own := filepath.Join(r.process.spec.RuntimeDir, SocketRPC); network != "unix" || filepath.Clean(address) != own {
		return "", "", fmt.Errorf("%w: it announced %s %q and must listen on unix %q", errAddress, network, address, own)
	}
	return network, address, nil
}

func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// silence has nothing to read, and ends when the process does.
type silence struct{ until <-chan struct{} }

func (s silence) Read([]byte) (int, error) {
	<-s.until
	return 0, io.EOF
}

func (silence) Close() error { return nil }

// quietLogger passes what go-plugin says of itself on at debug level: what matters is reported by [StartError].
func quietLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Debug})
	l.RegisterSink(sink{logger})
	return l
}

type sink struct{ logger *slog.Logger }

func (s sink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if level >= hclog.Debug {
		s.logger.Debug("go-plugin: "+msg, args...)
	}
}
