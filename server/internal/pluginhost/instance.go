package pluginhost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/egress"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// Deadlines of a start, and of what the host asks an instance besides capabilities.
const (
	handshakeTimeout = 10 * time.Second
	laterTimeout     = 20 * time.Second // for the handshake of a plugin that was late before
	describeTimeout  = 5 * time.Second
	configureTimeout = 10 * time.Second
	stopGrace        = 5 * time.Second
)

// instance is one start of a plugin: the process, its sockets, the client for it. It implements [supervise.Instance].
type instance struct {
	plugin    *plugin
	facts     *facts
	token     string
	dir       string // of the sockets
	uid       atomic.Int64
	services  *hostsvc.Server
	proxy     *egress.Proxy
	process   *launch.Process
	known     atomic.Pointer[launch.Process] // process, for the sockets' goroutines
	client    *caps.Client
	reachable []string // destinations of the settings that the process has taken
	described *pluginv1.DescribeResponse
}

// noUID is before the process is spawned: nobody may connect.
const noUID = -1

// start starts an instance and returns when it serves.
func (p *plugin) start(ctx context.Context, f *facts) (_ supervise.Instance, err error) {
	i := &instance{plugin: p, facts: f, token: rand.Text()}
	i.uid.Store(noUID)
	p.redactor.add(i.token)
	defer func() {
		if err != nil {
			i.Stop(true)
			err = p.clean(err)
		}
	}()
	if err := i.openSockets(ctx); err != nil {
		return nil, fmt.Errorf("open the sockets of plugin %s: %w", p.id, err)
	}
	if err := i.launch(ctx); err != nil {
		return nil, err
	}
	i.client = caps.NewClient(i.process.Conn(), caps.ClientOptions{Plugin: p.id, Version: f.verified.Manifest.Version,
		Observe: p.host.metrics.observer(p.id)})
	if err := i.introduce(ctx); err != nil {
		return nil, i.failed(err)
	}
	if err := i.configure(ctx, f); err != nil {
		return nil, i.failed(err)
	}
	if err := i.awaitServing(ctx); err != nil {
		return nil, i.failed(err)
	}
	return i, nil
}

// openSockets makes the runtime folder and what the host serves in it, before the process can look for it.
func (i *instance) openSockets(ctx context.Context) (err error) {
	p := i.plugin
	if i.dir, err = p.host.runtime.Dir(p.id); err != nil {
		return err
	}
	m := i.facts.verified.Manifest
	lasting := context.WithoutCancel(ctx) // the start ends, the sockets stay until Stop
	backend := p.host.o.Backend
	backend.Secrets = secrets{p}
	i.services, err = hostsvc.Serve(lasting, hostsvc.Options{Plugin: p.id, Version: m.Version, Needs: m.Needs,
		Socket: filepath.Join(i.dir, launch.SocketHost), Token: i.token, Peer: i.mayConnect, Backend: backend,
		Logger: p.bare, Redact: p.redactor.redact})
	if err != nil {
		return err
	}
	i.proxy, err = egress.Serve(lasting, egress.Options{Plugin: p.id, Socket: filepath.Join(i.dir, launch.SocketEgress),
		AllowPrivate: i.facts.entry.AllowPrivate, Audit: p.went, Internal: p.host.o.Internal, Peer: i.mayConnect})
	return err
}

// mayConnect judges who connects to the sockets: the plugin's user and, once it is known, its processes.
func (i *instance) mayConnect(pid int, uid uint32) bool {
	if i.uid.Load() != int64(uid) {
		return false
	}
	process := i.known.Load()
	return process == nil || pid == 0 || process.Owns(pid)
}

func (i *instance) launch(ctx context.Context) error {
	p, v, settings := i.plugin, i.facts.verified, i.plugin.host.settingsNow()
	program, err := v.OpenProgram()
	if err != nil {
		return err
	}
	if program != nil {
		defer program.Close()
	}
	spec := launch.Spec{ID: p.id, Version: v.Manifest.Version, Argv: v.Argv, Program: program, Dir: v.Dir, RuntimeDir: i.dir,
		DataDir: filepath.Join(settings.DataDir, "data", string(p.id)),
		Policy:  sandbox.Policy{Level: settings.Sandbox, Readable: i.facts.entry.Readable}, Limits: v.Manifest.Needs.Limits.WithDefaults(),
		Logger: p.bare, Redact: p.redactor.redact, HandshakeTimeout: p.patience(), Self: p.host.o.Self,
		Spawned: func(_ int, uid uint32) { i.uid.Store(int64(uid)) }}
	if i.facts.entry.Development {
		spec.Interpreters = interpreterFolders(v.Argv[0])
	}
	if i.process, err = launch.Start(ctx, spec); err != nil {
		p.late.Store(errors.Is(err, context.DeadlineExceeded))
		return err
	}
	i.known.Store(i.process)
	return nil
}

// patience is how long a handshake may take. A machine that is busy, as when all plugins start at once, must not use up the
// tries of one that would serve a little later; one that hangs is told of soon the first time.
func (p *plugin) patience() time.Duration {
	if p.late.Load() {
		return laterTimeout
	}
	return handshakeTimeout
}

// interpreterFolders are where a developer's interpreter is, which may have been installed by hand. The system's own
// comes first, as it does in production, where there is no other.
func interpreterFolders(program string) []string {
	if strings.Contains(program, "/") {
		return nil
	}
	for _, folder := range []string{"/usr/bin", "/bin"} {
		if _, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return nil
		}
	}
	found, err := exec.LookPath(program)
	if err != nil {
		return nil
	}
	folders := []string{filepath.Dir(found)}
	if target, err := filepath.EvalSymlinks(found); err == nil && filepath.Dir(target) != folders[0] {
		folders = append(folders, filepath.Dir(target))
	}
	return folders
}

// introduce asks the process what it is and holds it against its manifest.
func (i *instance) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	answer, err := pluginv1.NewPluginServiceClient(i.process.Conn()).Describe(ctx, &pluginv1.DescribeRequest{}, maxMessage)
	if err != nil {
		return fmt.Errorf("it does not describe itself: %w", rpcerror.Decode(err))
	}
	i.described = answer
	if err := i.facts.verified.Manifest.Within(answer); err != nil {
		return fmt.Errorf("it is not what its manifest says: %w", err)
	}
	return nil
}

// maxMessage bounds answers to calls that do not go through a capability client.
var maxMessage = grpc.MaxCallRecvMsgSize(4 << 20)

// configure brings settings to the process: at its start, and while it serves.
func (i *instance) configure(ctx context.Context, f *facts) error {
	ctx, cancel := context.WithTimeout(ctx, configureTimeout)
	defer cancel()
	next := f.manifest().Needs.Destinations(f.entry.Values)
	// A plugin tries new servers before it takes them, and goes on with the former ones when it does not.
	if err := i.proxy.Allow(slices.Concat(next, i.reachable)); err != nil {
		return err
	}
	if err := i.handOver(ctx, f); err != nil {
		return errors.Join(err, i.proxy.Allow(i.reachable))
	}
	i.reachable = next
	return i.proxy.Allow(next)
}

func (i *instance) handOver(ctx context.Context, f *facts) error {
	o := i.plugin.host.o
	answer, err := pluginv1.NewPluginServiceClient(i.process.Conn()).Configure(ctx, &pluginv1.ConfigureRequest{SettingsJson: f.values,
		HostToken: i.token, BaseUrl: o.BaseURL, HostVersion: o.Version}, maxMessage)
	if err != nil {
		return i.plugin.clean(fmt.Errorf("it does not take its settings: %w", rpcerror.Decode(err)))
	}
	errs, notes := split(answer.GetDiagnostics())
	for _, note := range notes {
		i.plugin.log.Warn("settings: " + note)
	}
	if len(errs) > 0 {
		return i.plugin.clean(errors.New("it does not take its settings: " + strings.Join(errs, "; ")))
	}
	return nil
}

// split words diagnostics, errors apart from the rest.
func split(all []*pluginv1.Diagnostic) (errs, notes []string) {
	for _, d := range all[:min(len(all), 20)] {
		text := d.GetSummary()
		if d.GetPath() != "" {
			text = d.GetPath() + ": " + text
		}
		if d.GetDetail() != "" {
			text += " (" + d.GetDetail() + ")"
		}
		text = excerpt.Of(text, 1000)
		if d.GetSeverity() == pluginv1.Diagnostic_SEVERITY_ERROR {
			errs = append(errs, text)
		} else {
			notes = append(notes, text)
		}
	}
	return errs, notes
}

// awaitServing waits until the process calls itself healthy: it may load what it needs after its settings are known.
func (i *instance) awaitServing(ctx context.Context) error {
	var last error
	for {
		serving, err := i.alive(ctx)
		if err == nil && serving {
			return nil
		}
		if last = err; err == nil {
			last = errors.New("its health is NOT_SERVING")
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-i.process.Exited():
			return errors.New("it ended before it served: " + i.process.ExitReason())
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready in time: %w", last)
		}
	}
}

// alive asks grpc.health.v1.
func (i *instance) alive(ctx context.Context) (serving bool, err error) {
	answer, err := healthpb.NewHealthClient(i.process.Conn()).Check(ctx, &healthpb.HealthCheckRequest{Service: "plugin"}, maxMessage)
	if err != nil {
		return false, err
	}
	return answer.GetStatus() == healthpb.HealthCheckResponse_SERVING, nil
}

// Probe implements [supervise.Instance].
func (i *instance) Probe(ctx context.Context) (supervise.Health, error) {
	serving, err := i.alive(ctx)
	if err != nil {
		return supervise.Health{}, errors.New(i.plugin.redactor.redact(rpcerror.Decode(err).Error()))
	}
	h := supervise.Health{Degraded: !serving, Memory: int64(i.process.Stats().RSS)}
	if !serving {
		h.Notes = append(h.Notes, "its health is NOT_SERVING")
	}
	if notes := leftAlone(i.client); notes != nil {
		h.Degraded = true
		h.Notes = append(h.Notes, notes...)
	}
	answer, err := pluginv1.NewPluginServiceClient(i.process.Conn()).CheckHealth(ctx, &pluginv1.CheckHealthRequest{}, maxMessage)
	switch {
	case status.Code(err) == codes.Unimplemented:
	case err != nil:
		h.Degraded = true
		h.Notes = append(h.Notes, "its health check failed: "+rpcerror.Decode(err).Error())
	default:
		errs, notes := split(answer.GetDiagnostics())
		h.Degraded = h.Degraded || answer.GetStatus() == pluginv1.CheckHealthResponse_STATUS_DEGRADED
		h.Notes = append(h.Notes, append(errs, notes...)...)
	}
	for n, note := range h.Notes {
		h.Notes[n] = i.plugin.redactor.redact(note)
	}
	return h, nil
}

// leftAlone says what the host does not ask of a plugin for a while, nil = nothing.
func leftAlone(c *caps.Client) (notes []string) {
	const told = 5
	if c.Tripped() {
		notes = append(notes, "half of the last calls to it were not answered")
	}
	calls := c.TrippedCalls()
	for _, call := range calls[:min(len(calls), told)] {
		notes = append(notes, "half of the last calls of "+call+" failed")
	}
	if more := len(calls) - told; more > 0 {
		notes = append(notes, fmt.Sprintf("and of %d others", more))
	}
	return notes
}

// Drain implements [supervise.Instance]: it waits for the plugin's word and for the calls that the host has made.
func (i *instance) Drain(ctx context.Context) error {
	grace := 30 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		grace = time.Until(deadline)
	}
	_, err := pluginv1.NewPluginServiceClient(i.process.Conn()).Drain(ctx, &pluginv1.DrainRequest{Grace: durationpb.New(grace)}, maxMessage)
	for i.client.InFlight() > 0 {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			i.client.Close()
			return ctx.Err()
		}
	}
	i.client.Close()
	return err
}

// Stop implements [supervise.Instance]. It also ends a start that came only half the way.
func (i *instance) Stop(now bool) {
	if i.client != nil {
		i.client.Close()
	}
	if i.process != nil {
		if now {
			i.process.Kill()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*stopGrace+6*time.Second)
		if err := i.process.Stop(ctx, stopGrace); err != nil {
			i.plugin.log.Warn("plugin process was ended by force", "error", err)
		}
		cancel()
	}
	if i.proxy != nil {
		_ = i.proxy.Close()
	}
	if i.services != nil {
		_ = i.services.Close()
	}
	if i.dir != "" {
		if err := os.RemoveAll(i.dir); err != nil {
			i.plugin.log.Warn("runtime folder could not be removed", "error", err)
		}
	}
}

// Exited implements [supervise.Instance].
func (i *instance) Exited() <-chan struct{} { return i.process.Exited() }

// ExitReason implements [supervise.Instance].
func (i *instance) ExitReason() string { return i.plugin.redactor.redact(i.process.ExitReason()) }

// LastLines implements [supervise.Instance].
func (i *instance) LastLines() []string {
	lines := slices.Clone(i.process.Stderr())
	for n, line := range lines {
		lines[n] = i.plugin.redactor.redact(line)
	}
	return lines
}

// failed adds to an error what the process last wrote.
func (i *instance) failed(err error) error { return &startFailure{err, i.process.Stderr()} }

// startFailure is a start that went wrong after the handshake.
type startFailure struct {
	error
	lines []string
}

func (e *startFailure) Unwrap() error { return e.error }

// StderrLines is for [supervise.Release.Start].
func (e *startFailure) StderrLines() []string { return e.lines }

// clean takes secrets out of an error's text and of the lines that come with it.
func (p *plugin) clean(err error) error {
	c := &startFailure{error: errors.New(p.redactor.redact(err.Error()))}
	if failure, ok := errors.AsType[*startFailure](err); ok {
		c.lines = failure.lines
	} else if failure, ok := errors.AsType[*launch.StartError](err); ok {
		c.lines = failure.Stderr
	}
	for n, line := range c.lines {
		c.lines[n] = p.redactor.redact(line)
	}
	return c
}

// secrets answers the plugin's own secret settings as they are now.
type secrets struct{ p *plugin }

// Secret implements [hostsvc.Secrets].
func (s secrets) Secret(_ context.Context, _ manifest.ID, name string) (string, error) {
	return s.p.secret(name)
}
