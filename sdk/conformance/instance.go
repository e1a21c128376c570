package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// The times that the protocol gives.
const (
	handshakeTime = 5 * time.Second
	// givenUp is when the host does not wait any longer.
	givenUp      = 10 * time.Second
	callTime     = 10 * time.Second
	shutdownTime = 2 * time.Second
	orphanTime   = 5 * time.Second
	cancelTime   = time.Second
	// slack is for the machine that the kit runs on, which may be busy: a limit counts as broken only beyond it.
	slack = 500 * time.Millisecond
)

// instance is one process of the plugin, with the kit in the host's place around it.
type instance struct {
	b             *bench
	runtime, data string
	process       Process
	watch         *watcher
	logs          *logs
	stdout        *logs // what comes after the handshake; nil before
	out, errors   *os.File
	host          *hostFake
	egress        *egressFake
	token         string

	conn   *grpc.ClientConn
	plugin pluginv1.PluginServiceClient
	web    *http.Client

	expected bool // the kit has asked it to end
	over     bool
}

// spawn starts a process and everything that it may look for.
func (b *bench) spawn(ctx context.Context) (p *instance, err error) {
	p = &instance{b: b, token: rand.Text()}
	if p.runtime, err = os.MkdirTemp(b.folder, "r"); err != nil {
		return nil, err
	}
	if p.data, err = os.MkdirTemp(b.folder, "d"); err != nil {
		return nil, err
	}
	m := b.target.needs()
	if p.host, err = serveHost(filepath.Join(p.runtime, "host.sock"), p.token, b.secret, b.target.Manifest); err != nil {
		return nil, err
	}
	if p.egress, err = serveEgress(filepath.Join(p.runtime, "egress.sock"), m.Egress, b.target.Upstream); err != nil {
		p.host.close()
		return nil, err
	}
	if err := p.launch(ctx, m); err != nil {
		p.host.close()
		p.egress.close()
		return nil, err
	}
	p.web = &http.Client{Transport: &http.Transport{DialContext: p.dialWeb, MaxIdleConnsPerHost: 4, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p, nil
}

func (p *instance) launch(ctx context.Context, m *Manifest) error {
	out, outEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, stderrEnd, err := os.Pipe()
	if err != nil {
		out.Close()
		outEnd.Close()
		return err
	}
	defer outEnd.Close()
	defer stderrEnd.Close()
	b := p.b
	p.process, err = b.launcher.Start(ctx, Start{ID: b.name(), Command: b.path, Dir: b.target.Dir, RuntimeDir: p.runtime, DataDir: p.data,
		Env: b.env(p.runtime, p.data), Stdout: outEnd, Stderr: stderrEnd})
	if err != nil {
		out.Close()
		stderr.Close()
		return err
	}
	p.out, p.errors = out, stderr
	p.logs = readLogs("standard error", stderr, b.canaries)
	p.watch = watch(p.process, m)
	return nil
}

func (p *instance) dialWeb(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(p.runtime, "http.sock"))
}

// shake waits for the handshake line and connects.
func (p *instance) shake(ctx context.Context) error {
	line, err := p.readLine(ctx)
	if err != nil {
		return err
	}
	if err := checkLine(strings.ReplaceAll(line, p.runtime, "$CALLBOARD_RUNTIME_DIR")); err != nil {
		return err
	}
	p.stdout = readLogs("standard output", p.out, p.b.canaries)
	return p.connect(ctx)
}

func (p *instance) readLine(ctx context.Context) (string, error) {
	type read struct {
		line string
		err  error
	}
	lines := make(chan read, 1)
	go func() {
		line, err := firstLine(p.out)
		lines <- read{line, err}
	}()
	timeout := time.NewTimer(givenUp)
	defer timeout.Stop()
	const advice = "Serve on $CALLBOARD_RUNTIME_DIR/rpc.sock, then print 1|1|unix|$CALLBOARD_RUNTIME_DIR/rpc.sock|grpc and a line feed, and flush."
	select {
	case r := <-lines:
		if r.err == nil || r.line != "" {
			return r.line, nil
		}
		select {
		case <-p.process.Exited():
			return "", p.whyEnded("It ended before its handshake")
		case <-time.After(slack):
			return "", found(advice, "It closed standard output without a handshake%s", p.logs.tail())
		}
	case <-timeout.C:
		p.process.Kill()
		hangUp(p.out)
		<-lines
		return "", found(advice, "It printed no handshake within %s%s", givenUp, p.logs.tail())
	case <-ctx.Done():
		p.process.Kill()
		hangUp(p.out)
		<-lines
		return "", ctx.Err()
	}
}

// checkLine judges the first line, in which the runtime folder is written as its variable. go-plugin's own servers add
// empty fields, which is fine.
func checkLine(line string) error {
	const socket = "$CALLBOARD_RUNTIME_DIR/rpc.sock"
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 5 {
		return found("Print nothing on standard output before the handshake; logs go to standard error.", "Its first line on standard output is %q and no handshake", excerpt.Of(line, 120))
	}
	switch {
	case fields[0] != "1":
		return found("The first field of the handshake is 1, the version of go-plugin's own protocol.", "The handshake has core protocol %q", excerpt.Of(fields[0], 20))
	case fields[1] != strconv.Itoa(Protocol):
		return found("This host speaks protocol 1. PLUGIN_PROTOCOL_VERSIONS lists what a host speaks; take the highest that you know.", "The handshake has protocol version %q", excerpt.Of(fields[1], 20))
	case fields[2] != "unix" || fields[3] != socket:
		return found("Listen on $CALLBOARD_RUNTIME_DIR/rpc.sock and say so.", "The handshake leads to %s %s", excerpt.Of(fields[2], 10), excerpt.Of(fields[3], 100))
	case fields[4] != "grpc":
		return found("The handshake ends with grpc.", "The handshake has the kind %q", excerpt.Of(fields[4], 20))
	case strings.Join(fields[5:], "") != "" && strings.Join(fields[5:], "") != "false":
		return found("The host uses neither TLS nor go-plugin's broker: end the line after grpc.", "The handshake is %q", excerpt.Of(line, 160))
	}
	return nil
}

// connect opens rpc.sock, which has to be served when the line is out: the host does not try twice.
func (p *instance) connect(ctx context.Context) error {
	socket := filepath.Join(p.runtime, "rpc.sock")
	probe, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", socket)
	if err != nil {
		return found("Listen before the line is printed.", "The handshake is printed, and nothing answers on rpc.sock: %v", rootCause(err))
	}
	probe.Close()
	p.conn, err = grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(p.b.recorder),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxGRPC), grpc.MaxCallSendMsgSize(2*maxGRPC)), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	p.plugin = pluginv1.NewPluginServiceClient(p.conn)
	return nil
}

// configure gives settings as the host does; what keeps the plugin from taking good ones is a finding.
func (p *instance) configure(ctx context.Context, settings []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	p.egress.name(settings)
	answer, err := p.plugin.Configure(ctx, p.configuration(settings))
	if err != nil {
		if p.gone(err) {
			return p.whyEnded("It ended during Configure")
		}
		return found("Take settings that fit your schema, or say with a Diagnostic what is wrong with them; `--settings` gives better ones than the kit can make.", "Configure failed with %s", describeError(err))
	}
	if problems := refusals(answer.GetDiagnostics()); problems != "" {
		return found("Take settings that fit your schema; `--settings` gives better ones than the kit can make.", "Configure refuses the settings: %s", problems)
	}
	return nil
}

func (p *instance) configuration(settings []byte) *pluginv1.ConfigureRequest {
	return &pluginv1.ConfigureRequest{SettingsJson: settings, HostToken: p.token, BaseUrl: "http://127.0.0.1:7007", HostVersion: "0.0.0-conformance"}
}

func refusals(diagnostics []*pluginv1.Diagnostic) string {
	var texts []string
	for _, d := range diagnostics {
		if d.GetSeverity() == pluginv1.Diagnostic_SEVERITY_ERROR {
			texts = append(texts, strings.TrimSpace(d.GetPath()+" "+d.GetSummary()))
		}
	}
	return excerpt.Of(strings.Join(texts, "; "), 300)
}

// ended tells whether the process has ended.
func (p *instance) ended() bool {
	select {
	case <-p.process.Exited():
		return true
	default:
		return false
	}
}

// gone tells whether the process has ended, or is about to: a call that fails with a broken connection is the first sign.
func (p *instance) gone(err error) bool {
	return p.ended() || err != nil && (status.Code(err) == codes.Unavailable || status.Code(err) == codes.Unknown) && p.endsWithin(slack)
}

// endsWithin waits for the end of the process.
func (p *instance) endsWithin(d time.Duration) bool {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	select {
	case <-p.process.Exited():
		return true
	case <-timeout.C:
		return false
	}
}

// whyEnded is a finding about a process that is gone.
func (p *instance) whyEnded(what string) error {
	p.endsWithin(slack)
	if _, _, killed := p.watch.peak(); killed != "" {
		return found("Use less, or ask for more with needs.limits in plugin.yaml.", "%s", killed)
	}
	select { // the last words may still be on their way
	case <-p.logs.done:
	case <-time.After(slack):
	}
	how := "with exit status 0"
	if p.ended() && p.process.Exit() != "" {
		how = "with " + p.process.Exit()
	}
	return found("A plugin runs until the host says otherwise, whatever it is sent.", "%s %s%s", what, how, p.logs.tail())
}

// end ends the process in whatever state it is, and takes over what was learned of it.
func (p *instance) end() {
	if p.over {
		return
	}
	p.over = true
	if p.conn != nil {
		p.conn.Close()
	}
	p.web.CloseIdleConnections()
	p.watch.close()
	p.process.Kill()
	p.leftovers()
	p.host.close()
	p.egress.close()
	p.logs.end(p.errors)
	p.stdout.end(p.out)
	p.b.tally.add(p)
	_ = os.RemoveAll(p.runtime)
	_ = os.RemoveAll(p.data)
}

// leftovers ends children that outlived their parent, and would otherwise hold the pipes.
func (p *instance) leftovers() {
	for _, pid := range p.watch.left() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// hangUp ends reads that wait: whoever still holds the other end is not waited for.
func hangUp(f *os.File) { _ = f.SetReadDeadline(time.Now()) }

// describeError is an error of a call for people: code, and the text of the Diagnostic.
func describeError(err error) string {
	s := status.Convert(err)
	if s.Code() == codes.DeadlineExceeded {
		return "no answer in time"
	}
	return fmt.Sprintf("%s: %s", s.Code(), excerpt.Of(s.Message(), 200))
}

// diagnosed is the Diagnostic in the details of an error; nil = it has none.
func diagnosed(err error) *pluginv1.Diagnostic {
	for _, detail := range status.Convert(err).Details() {
		if d, ok := detail.(*pluginv1.Diagnostic); ok {
			return d
		}
	}
	return nil
}

func rootCause(err error) error {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return err
}

// drainBody reads an answer, up to a limit.
func drainBody(r io.Reader, limit int64) ([]byte, error) { return io.ReadAll(io.LimitReader(r, limit)) }
