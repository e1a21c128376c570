//go:build linux

package launch_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// needFull skips where this system has less than the whole sandbox; what is missing is in the report, as operators see it.
func needFull(t *testing.T, p *launch.Process) {
	t.Helper()
	if r := p.Report(); r.Reached() != "full" || r.Landlock < 6 {
		t.Skipf("this system gives no full sandbox: %+v", r)
	}
}

func TestConfinement_APluginReachesWhatItIsGrantedAndNothingElse(t *testing.T) {
	s := newSite(t)
	leaked := filepath.Join(s.dir, "leaked")
	if err := os.WriteFile(leaked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(leaked, syscall.O_RDONLY, 0) // without O_CLOEXEC, as a host may inherit it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	outside, err := net.Listen("unix", "@callboard-test-abstract")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	p := start(t, s.spec(t, "ok"))
	needFull(t, p)
	got := runProbe(t, p)
	if got.PID != 1 {
		t.Errorf("it is process %d of its namespace", got.PID)
	}
	for name, want := range map[string]string{
		"read /etc/passwd": "permission denied", "read /proc/1/environ": "permission denied", "read /proc/self/status": "ok", "list /tmp": "permission denied",
		"read /usr": "ok", "write data": "ok", "rename data": "ok", "execute data": "permission denied", "write code": "permission denied", "run true": "ok",
		"tcp": "denied", "udp": "unreachable", "listen": "denied", "unshare": "not permitted", "ptrace": "not permitted", "vsock": "not permitted",
		"io_uring": "not permitted", "clone3": "not implemented", "descriptors": "ok", "gain privileges": "ok", "abstract": "connect: ", "core": "ok", "files": "ok",
	} {
		if result := got.Results[name]; !strings.Contains(result, want) {
			t.Errorf("%s: %q, want %q", name, result, want)
		}
	}
}

func TestConfinement_APluginRunsAsAUserOfItsOwnWhenTheHostIsRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the host is not root")
	}
	s := newSite(t)
	spec := s.spec(t, "ok")
	host, err := net.Listen("unix", filepath.Join(spec.RuntimeDir, launch.SocketHost))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	var uid uint32
	spec.Spawned = func(_ int, u uint32) { uid = u }
	if err := errorsOf(os.MkdirAll(spec.DataDir+"/old", 0o700), os.WriteFile(spec.DataDir+"/old/file", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	p := start(t, spec)
	r := p.Report()
	if !r.User || r.UID == 0 || r.UID != uid {
		t.Errorf("%+v, spawned as %d", r, uid)
	}
	info, err := os.Stat(spec.DataDir + "/old/file")
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != uid {
		t.Errorf("its data belongs to %+v", info.Sys())
	}
	if got := runProbe(t, p).Results["connect host.sock"]; got != "ok" {
		t.Errorf("connect to host.sock: %s", got)
	}
}

func TestConfinement_SharesTheHostsUserWhereItsOwnCouldNotReadTheCode(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the host is not root")
	}
	s := newSite(t)
	if err := os.Chmod(filepath.Join(s.dir, "code"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, s.spec(t, "ok"))
	if r := p.Report(); r.UID != 0 || len(r.Notes) == 0 || !strings.Contains(r.Notes[0], "closed to others") {
		t.Errorf("%+v", r)
	}
	if got := runProbe(t, p); got.Results["gain privileges"] != "ok" || got.Results["read /etc/passwd"] == "ok" {
		t.Errorf("%v", got.Results)
	}
}

func TestConfinement_OffTakesTheSamePathAndSaysSo(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "ok")
	spec.Policy.Level = sandbox.Off
	p := start(t, spec)
	if r := p.Report(); r.Asked != sandbox.Off || r.Reached() != "none" || !r.Rlimits {
		t.Errorf("%+v", r)
	}
	if got := runProbe(t, p).Results; got["read /etc/passwd"] != "ok" || got["core"] != "ok" {
		t.Errorf("%v", got)
	}
}

func TestConfinement_RequiredStartsWhereEverythingIsReached(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "ok")
	spec.Policy.Level = sandbox.Required
	p, err := launch.Start(t.Context(), spec)
	if e, ok := errors.AsType[*launch.StartError](err); ok {
		if e.Stage != launch.StageSandbox || !strings.Contains(e.Reason, "the sandbox is required, and this system does not give") {
			t.Errorf("%v", e)
		}
		t.Skipf("this system gives no full sandbox: %v", e)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	<-p.Exited()
	if p.Report().Reached() != "full" {
		t.Errorf("%+v", p.Report())
	}
}

func TestConfinement_NetworkKeepsTheHostsNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := newSite(t)
	spec := s.spec(t, "ok")
	spec.Policy.Network = true
	p := start(t, spec)
	if p.Report().Network {
		t.Errorf("%+v", p.Report())
	}
	if got := runProbe(t, p).Results["listen"]; got != "ok" {
		t.Errorf("listen: %s", got)
	}
}

func TestWatcher_KillsWhatPassesItsMemoryLimit(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "greedy")
	spec.Limits.Memory = 64 << 20
	p := start(t, spec)
	<-p.Exited()
	if p.ExitReason() != "memory limit 64 MiB reached" {
		t.Errorf("reason: %s", p.ExitReason())
	}
	if st := p.Stats(); st.Private < 64<<20 || st.Processes != 1 {
		t.Errorf("%+v", st)
	}
}

func TestWatcher_KillsWhatStartsTooManyProcesses(t *testing.T) {
	s := newSite(t)
	spec := s.spec(t, "fork")
	spec.Limits.Processes = 16
	p := start(t, spec)
	<-p.Exited()
	if p.ExitReason() != "process limit 16 reached" {
		t.Errorf("reason: %s", p.ExitReason())
	}
}

func TestExit_TellsThePanicThatEndedThePlugin(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "ok"))
	var out healthpb.HealthCheckRequest
	_ = p.Conn().Invoke(t.Context(), "/test.Probe/Crash", &healthpb.HealthCheckRequest{}, &out) // the answer may be lost
	<-p.Exited()
	if p.ExitReason() != "exit status 2: panic: out of cheese" {
		t.Errorf("reason: %s", p.ExitReason())
	}
}

func TestKill_EndsWhateverThePluginStarted(t *testing.T) {
	for _, level := range []sandbox.Level{sandbox.Auto, sandbox.Off} {
		t.Run(string(level), func(t *testing.T) {
			s := newSite(t)
			spec := s.spec(t, "children")
			spec.Policy.Level = level
			p := start(t, spec)
			children := awaitChildren(t, p, 4)
			p.Kill()
			<-p.Exited()
			for _, pid := range children {
				awaitGone(t, pid)
			}
		})
	}
}

// awaitChildren waits until the plugin has n descendants and answers their numbers.
func awaitChildren(t *testing.T, p *launch.Process, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if tree := launch.Tree(p.PID()); len(tree) > n {
			return tree
		}
		if time.Now().After(deadline) {
			t.Fatalf("it has %d processes", p.Stats().Processes)
		}
	}
}

func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); launch.Alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			out, _ := exec.Command("ps", "-f", "-p", itoa(pid)).CombinedOutput()
			t.Fatalf("process %d still runs:\n%s", pid, out)
		}
	}
}
