//go:build linux

package launch_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/callboard/callboard/server/internal/machinetest"
	"github.com/callboard/callboard/server/internal/pluginhost/egress"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
)

// pythonPlugin speaks the protocol with nothing but grpcio. Its messages are written by hand: field 1, a text.
const pythonPlugin = `
import os, signal, subprocess, sys, threading, urllib.request
from concurrent import futures
import grpc

def text(s):
    data = s.encode()
    n, length = len(data), b""
    while n > 127:
        length, n = length + bytes([n & 127 | 128]), n >> 7
    return b"\x0a" + length + bytes([n]) + data

def fetch():
    try:
        return urllib.request.urlopen(open(os.environ["CALLBOARD_DATA_DIR"] + "/url").read(), timeout=10).read().decode()
    except Exception as e:
        return "failed: " + str(e)

def secrets():
    try:
        return open("/etc/passwd").read()
    except OSError as e:
        return "failed: " + str(e)

def orphan():
    subprocess.run(["/bin/sh", "-c", "(sleep 0.01 &) ; exit 0"])
    return "pid %d" % os.getpid()

def shutdown(request, context):
    threading.Timer(0.05, lambda: os._exit(0)).start()
    return b""

def crash(request, context):
    threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGSEGV)).start()
    return b""

handlers = {
    "grpc.health.v1.Health": {"Check": lambda r, c: b"\x08\x01"},
    "plugin.GRPCController": {"Shutdown": shutdown},
    "test.Probe": {"Fetch": lambda r, c: text(fetch()), "Orphan": lambda r, c: text(orphan()), "Crash": crash, "Secrets": lambda r, c: text(secrets())},
}
server = grpc.server(futures.ThreadPoolExecutor(4))
for service, methods in handlers.items():
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {n: grpc.unary_unary_rpc_method_handler(f) for n, f in methods.items()}),))
address = os.environ["CALLBOARD_RUNTIME_DIR"] + "/rpc.sock"
server.add_insecure_port("unix:" + address)
server.start()
print("1|1|unix|%s|grpc" % address, flush=True)
server.wait_for_termination()
`

func pythonSpec(t *testing.T, s *site) launch.Spec {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import grpc").Run(); err != nil {
		machinetest.Lacks(t, "there is no /usr/bin/python3 with grpcio; make languages installs it")
	}
	if err := os.WriteFile(filepath.Join(s.dir, "code", "plugin.py"), []byte(pythonPlugin), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := s.spec(t, "")
	spec.Argv = []string{"python3", "plugin.py"}
	return spec
}

func ask(t *testing.T, p *launch.Process, method string) string {
	t.Helper()
	var out healthpb.HealthCheckRequest
	if err := p.Conn().Invoke(t.Context(), "/test.Probe/"+method, &healthpb.HealthCheckRequest{}, &out); err != nil {
		t.Fatal(err)
	}
	return out.GetService()
}

func TestPython_ReachesTheWorldThroughTheForwarderAndNoOtherWay(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello " + r.URL.Path)) }))
	defer upstream.Close()
	s := newSite(t)
	spec := pythonSpec(t, s)
	proxy, err := egress.Serve(t.Context(), egress.Options{
		Plugin: "hello", Socket: filepath.Join(spec.RuntimeDir, launch.SocketEgress), Allow: []string{upstream.URL}, AllowPrivate: []string{"127.0.0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	p := start(t, spec)
	needFull(t, p)
	if p.Report().Forward == 0 {
		t.Fatalf("%+v", p.Report())
	}
	for url, want := range map[string]string{upstream.URL + "/x": "hello /x", "http://127.0.0.1:1/": "HTTP Error 403"} {
		if err := os.WriteFile(filepath.Join(spec.DataDir, "url"), []byte(url), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, p, "Fetch"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", url, got)
		}
	}
	if got := ask(t, p, "Secrets"); !strings.Contains(got, "Permission denied") {
		t.Errorf("under the launcher it reads %s", got)
	}
	for range 5 {
		ask(t, p, "Orphan")
	}
	for deadline := time.Now().Add(time.Minute); p.Stats().Processes > 2 && time.Now().Before(deadline); {
		awaitTick() // process 1 collects them
	}
	if n := p.Stats().Processes; n != 2 {
		t.Errorf("%d processes are left: the launcher and the program are two", n)
	}
	t.Logf("%+v", p.Stats())
	if err := p.Stop(t.Context(), 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestPython_ASignalThatEndsTheProgramUnderTheLauncherIsToldAsSuch(t *testing.T) {
	s := newSite(t)
	spec := pythonSpec(t, s)
	proxy, err := egress.Serve(t.Context(), egress.Options{Plugin: "hello", Socket: filepath.Join(spec.RuntimeDir, launch.SocketEgress)})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	p := start(t, spec)
	ask(t, p, "Crash")
	<-p.Exited()
	if p.ExitReason() != "killed by signal 11 (segmentation fault)" {
		t.Errorf("reason: %s", p.ExitReason())
	}
}

func TestPython_WithoutAnEgressSocketIsProcessOneItself(t *testing.T) {
	s := newSite(t)
	p := start(t, pythonSpec(t, s))
	if got := ask(t, p, "Orphan"); p.Report().PIDs && got != "pid 1" {
		t.Errorf("%s", got)
	}
	if err := p.Stop(t.Context(), 5*time.Second); err != nil {
		t.Error(err)
	}
}
