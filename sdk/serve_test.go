package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// started is a plugin process, and the sockets around it.
type started struct {
	t              *testing.T
	dir            string
	cmd            *exec.Cmd
	handshake      string
	stdout, stderr *lines
	conn           *grpc.ClientConn
	web            *http.Client
	exited         chan struct{}
}

// lines collects what a process writes.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// socketDir is short: the path of a unix socket has room for about 100 bytes.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func command(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "GOCOVERDIR=" + t.TempDir()}, env...)
	return cmd
}

// launch starts the plugin as the host does.
func launch(t *testing.T, dir string) *started {
	t.Helper()
	p := &started{t: t, dir: dir, stdout: &lines{}, stderr: &lines{}, exited: make(chan struct{})}
	p.cmd = command(t, "CALLBOARD_PLUGIN=callboard-plugin-v1", "CALLBOARD_RUNTIME_DIR="+dir, "PLUGIN_PROTOCOL_VERSIONS=1")
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	p.handshake, err = reader.ReadString('\n')
	if err != nil {
		t.Fatalf("no handshake: %v\n%s", err, p.stderr)
	}
	go func() { // ends with the process, which cleanup waits for
		defer close(p.exited)
		_, _ = io.Copy(p.stdout, reader)
		_ = p.cmd.Wait()
	}()
	p.conn, err = grpc.NewClient("unix:"+filepath.Join(dir, "rpc.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "http.sock"))
	}}
	p.web = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = p.conn.Close()
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

func (p *started) configure(settings string) []*pluginv1.Diagnostic {
	p.t.Helper()
	res, err := pluginv1.NewPluginServiceClient(p.conn).Configure(p.t.Context(),
		&pluginv1.ConfigureRequest{SettingsJson: []byte(settings), HostToken: "the-token"})
	if err != nil {
		p.t.Fatal(err)
	}
	return res.GetDiagnostics()
}

func (p *started) get(path string) (int, string) {
	p.t.Helper()
	res, err := p.web.Get("http://plugin" + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// wait waits for the process to end.
func (p *started) wait() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the plugin does not end\n%s", p.stderr)
	}
}

func TestServe_PrintsNothingButTheHandshakeOnStandardOutput(t *testing.T) {
	p := launch(t, socketDir(t))
	if want := "1|1|unix|" + p.dir + "/rpc.sock|grpc\n"; p.handshake != want {
		t.Errorf("handshake %q, want %q", p.handshake, want)
	}
	p.configure(`{}`)
	p.get("/hello")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
	if got := p.stdout.String(); got != "" {
		t.Errorf("standard output has %q", got)
	}
	for _, stray := range []string{"before the handshake", "while serving"} {
		if !strings.Contains(p.stderr.String(), stray) {
			t.Errorf("the stray line %q is lost", stray)
		}
	}
}

func TestServe_IsHealthyForGoPluginAndForEverybody(t *testing.T) {
	p := launch(t, socketDir(t))
	for _, service := range []string{"plugin", ""} {
		res, err := healthpb.NewHealthClient(p.conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || res.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("service %q: %v %v", service, res.GetStatus(), err)
		}
	}
}

func TestServe_EndsWhenTheHostCallsShutdown(t *testing.T) {
	p := launch(t, socketDir(t))
	if err := p.conn.Invoke(t.Context(), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
}

func TestServe_EndsCleanlyOnASignal(t *testing.T) {
	p := launch(t, socketDir(t))
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || p.stderr.String() != "a stray line before the handshake\n" {
		t.Errorf("exit code %d, log %s", code, p.stderr)
	}
	if left, err := filepath.Glob(p.dir + "/*.sock"); err != nil || len(left) > 0 {
		t.Errorf("sockets are left: %v %v", left, err)
	}
}

// hostServices is a host.sock that answers one key and can go away.
type hostServices struct {
	pluginv1.UnimplementedHostKeyValueServiceServer

	server *grpc.Server
	done   chan struct{}
	token  string
}

func (h *hostServices) GetValue(ctx context.Context, _ *pluginv1.GetValueRequest) (*pluginv1.GetValueResponse, error) {
	h.token = strings.Join(metadata.ValueFromIncomingContext(ctx, "callboard-token"), ",")
	return &pluginv1.GetValueResponse{Value: []byte("from the host")}, nil
}

func serveHostServices(t *testing.T, dir string) *hostServices {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(dir, "host.sock"))
	if err != nil {
		t.Fatal(err)
	}
	h := &hostServices{server: grpc.NewServer(), done: make(chan struct{})}
	pluginv1.RegisterHostKeyValueServiceServer(h.server, h)
	go func() {
		defer close(h.done)
		_ = h.server.Serve(l)
	}()
	t.Cleanup(h.stop)
	return h
}

func (h *hostServices) stop() {
	h.server.Stop()
	<-h.done
}

func TestServe_ReachesHostServicesWithItsTokenAndEndsWithTheHost(t *testing.T) {
	dir := socketDir(t)
	host := serveHostServices(t, dir)
	p := launch(t, dir)
	if status, body := p.get("/kv"); status != http.StatusServiceUnavailable {
		t.Errorf("before Configure: %d %s", status, body)
	}
	p.configure(`{}`)
	if status, body := p.get("/kv"); status != http.StatusOK || body != "from the host" || host.token != "the-token" {
		t.Errorf("%d %s, token %q", status, body, host.token)
	}
	host.stop()
	p.wait()
	if !strings.Contains(p.stderr.String(), "the host is gone") {
		t.Errorf("log: %s", p.stderr)
	}
}

func TestServe_SurvivesAHostWithoutServices(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for what must not happen")
	}
	p := launch(t, socketDir(t))
	p.configure(`{}`)
	select {
	case <-p.exited:
		t.Fatalf("ended: %s", p.stderr)
	case <-time.After(3 * time.Second): // longer than it takes to notice that a host is gone
	}
	if status, body := p.get("/kv"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
}

func TestServe_LogsOneJSONLineForEachRecordAndNeverASecret(t *testing.T) {
	p := launch(t, socketDir(t))
	p.configure(`{"token":"canary-\"quoted\"-secret"}`)
	if status, body := p.get("/panic"); status != http.StatusInternalServerError || strings.Contains(body, "canary") {
		t.Errorf("%d %s", status, body)
	}
	found := p.configure(`{"token":"other-canary","greeting":"refuse"}`)
	if len(found) != 1 || found[0].GetSummary() != "the server refused [secret]" {
		t.Errorf("diagnostics %v", found)
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait()
	log := p.stderr.String()
	if strings.Contains(log, "canary") {
		t.Errorf("a secret is in the log:\n%s", log)
	}
	var messages []string
	for line := range strings.Lines(log) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) != nil {
			continue // a stray line
		}
		if record["@module"] != "served" || record["@level"] == nil {
			t.Errorf("no record of the protocol: %s", line)
		}
		if _, err := time.Parse(time.RFC3339Nano, record["@timestamp"].(string)); err != nil {
			t.Error(err)
		}
		messages = append(messages, record["@message"].(string))
	}
	if want := []string{"configured", "handler panicked", "request failed", "configured"}; !slices.Equal(messages, want) {
		t.Errorf("messages %q, want %q\n%s", messages, want, log)
	}
}

func TestServe_GoesOutThroughTheHostsProxyOnly(t *testing.T) {
	dir := socketDir(t)
	l, err := net.Listen("unix", filepath.Join(dir, "egress.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.RequestURI)
		mu.Unlock()
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	})}
	go func() { _ = proxy.Serve(l) }()
	t.Cleanup(func() { _ = proxy.Close() })
	p := launch(t, dir)
	p.configure(`{}`)
	if status, body := p.get("/out?url=https://sentry.example/api"); status != http.StatusForbidden || !strings.Contains(body, "needs.egress") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := p.get("/out?url=http://callboard.internal/api/catalog"); status != http.StatusTeapot {
		t.Errorf("%d %s", status, body)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"CONNECT sentry.example:443", "GET http://callboard.internal/api/catalog"}; !slices.Equal(seen, want) {
		t.Errorf("the proxy saw %q", seen)
	}
}

func TestServe_DescribesItselfWithoutAHost(t *testing.T) {
	out, err := command(t, "CALLBOARD_DESCRIBE=1").Output()
	if err != nil {
		t.Fatal(err)
	}
	var d pluginv1.DescribeResponse
	if err := protojson.Unmarshal(out, &d); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d.GetId() != "served" || d.GetVersion() != "1.2.3" || !d.GetProvides().GetHttp() || !strings.Contains(d.GetSettingsSchemaJson(), `"x-secret":true`) {
		t.Errorf("%v", &d)
	}
}

func TestServe_RefusesAHostThatItDoesNotUnderstand(t *testing.T) {
	for want, env := range map[string][]string{
		"another generation":     {"CALLBOARD_PLUGIN=callboard-plugin-v9", "CALLBOARD_RUNTIME_DIR=/nowhere"},
		"speaks plugin protocol": {"CALLBOARD_PLUGIN=callboard-plugin-v1", "CALLBOARD_RUNTIME_DIR=/nowhere", "PLUGIN_PROTOCOL_VERSIONS=2,3"},
		"RUNTIME_DIR is not set": {"CALLBOARD_PLUGIN=callboard-plugin-v1"},
		"no such file":           {"CALLBOARD_PLUGIN=callboard-plugin-v1", "CALLBOARD_RUNTIME_DIR=/nowhere"},
		`"@level":"error"`:       {"CALLBOARD_PLUGIN=x"},
	} {
		cmd := command(t, env...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil || len(out) > 0 || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("want %q, got %v %q\n%s", want, err, out, stderr.String())
		}
	}
}

func TestServe_ByHandSaysWhatItIsAndHowToRunIt(t *testing.T) {
	for _, args := range [][]string{nil, {"-h"}, {"--help"}} {
		// The environment decides in TestMain whether this is a plugin: describe mode with -h is the way in without a host.
		cmd := command(t, "CALLBOARD_DESCRIBE=0")
		cmd.Args = append(cmd.Args, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, _ := cmd.Output()
		want := 1
		if args != nil {
			want = 0
		}
		if code := cmd.ProcessState.ExitCode(); code != want || len(out) > 0 || !strings.Contains(stderr.String(), "callboard plugin dev") {
			t.Errorf("%v: exit code %d, %q\n%s", args, code, out, stderr.String())
		}
	}
}
