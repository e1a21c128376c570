//go:build linux

package launch_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// The test binary is also the launcher, the plugins of the tests, and a host that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "plugin-exec":
			os.Exit(sandbox.Exec(os.Args[2:]))
		case "test-plugin":
			runTestPlugin(os.Args[2])
			os.Exit(0)
		case "test-host":
			runTestHost(os.Args[2:])
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

// runTestPlugin is a plugin that speaks the protocol by hand.
func runTestPlugin(mode string) {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	if before, ok := badStarts[mode]; ok {
		before()
		return
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	dir := os.Getenv("CALLBOARD_RUNTIME_DIR")
	listener, err := net.Listen("unix", filepath.Join(dir, "rpc.sock"))
	if err != nil {
		say("listen: %v", err)
		os.Exit(3)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(recordUnary), grpc.UnknownServiceHandler(recordStream), grpc.MaxRecvMsgSize(64<<20), grpc.MaxSendMsgSize(64<<20))
	h := health.NewServer()
	h.SetServingStatus("plugin", healthpb.HealthCheckResponse_SERVING)
	if mode != "no-health" {
		healthpb.RegisterHealthServer(server, h)
	}
	registerController(server, mode)
	registerProbe(server)
	go func() { _ = server.Serve(listener) }()
	fmt.Fprintf(os.Stdout, "1|1|unix|%s|grpc\n", filepath.Join(dir, "rpc.sock"))
	if after, ok := behaviours[mode]; ok {
		go after()
	}
	for range terminated {
		if mode != "stubborn" {
			leave()
		}
	}
}

func leave() { leaveWith(0) }

// leaveWith ends the process without what instrumented binaries do at every exit: the race detector waits for a second, and
// coverage is complained about on stderr.
func leaveWith(code uintptr) {
	_, _, err := syscall.RawSyscall(syscall.SYS_EXIT_GROUP, code, 0, 0)
	panic(err) // not reachable
}

var badStarts = map[string]func(){
	"noise":     func() { fmt.Fprintln(os.Stdout, "Hello from my plugin"); time.Sleep(time.Minute) },
	"endless":   func() { fmt.Fprint(os.Stdout, strings.Repeat("x", 1<<20)); time.Sleep(time.Minute) },
	"exit":      func() { fmt.Fprintln(os.Stderr, "settings are wrong"); leaveWith(3) },
	"panic":     func() { panic("out of cheese") },
	"silent":    func() { time.Sleep(time.Minute) },
	"protocol":  func() { fmt.Fprintln(os.Stdout, "1|7|unix|/x|grpc"); time.Sleep(time.Minute) },
	"netrpc":    func() { fmt.Fprintln(os.Stdout, "1|1|unix|/x|netrpc"); time.Sleep(time.Minute) },
	"elsewhere": func() { fmt.Fprintln(os.Stdout, "1|1|unix|/run/docker.sock|grpc"); time.Sleep(time.Minute) },
	"unserved": func() {
		fmt.Fprintf(os.Stdout, "1|1|unix|%s/rpc.sock|grpc\n", os.Getenv("CALLBOARD_RUNTIME_DIR"))
		time.Sleep(time.Minute)
	},
	"link": func() {
		dir := os.Getenv("CALLBOARD_RUNTIME_DIR")
		_ = os.Symlink("/tmp/somebody-elses.sock", dir+"/rpc.sock")
		fmt.Fprintf(os.Stdout, "1|1|unix|%s/rpc.sock|grpc\n", dir)
		time.Sleep(time.Minute)
	},
	"secret": func() { fmt.Fprintln(os.Stderr, "token is hunter2"); os.Exit(1) },
}

var behaviours = map[string]func(){
	"greedy": func() {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(1 << 40)
		for {
			hoard = append(hoard, make([]byte, 8<<20))
			for i := range hoard[len(hoard)-1] {
				hoard[len(hoard)-1][i] = 1
			}
			time.Sleep(20 * time.Millisecond)
		}
	},
	"fork": func() {
		for {
			_ = exec.Command("/bin/sleep", "600").Start()
			time.Sleep(10 * time.Millisecond) // slower than the watcher looks, or the kernel's limit comes first
		}
	},
	"children": func() {
		_ = exec.Command("/bin/sh", "-c", "sleep 600 & sleep 601 & setsid sleep 602 & wait").Run()
	},
	"chatter": func() {
		w := bufio.NewWriter(os.Stderr)
		for i := range 20000 {
			fmt.Fprintf(w, `{"@level":"info","@message":"line %d","@timestamp":"2026-01-01T00:00:00Z"}`+"\n", i)
		}
		_ = w.Flush()
		fmt.Fprintln(os.Stderr, "chatter is done")
	},
	"talk": func() {
		fmt.Fprintln(os.Stdout, "a stray print")
		fmt.Fprint(os.Stdout, strings.Repeat("y", 200<<10)+"\n")
		fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"disk \u001b[31mfull","@module":"store","free":12345678901234567,"token":"a-hunter2-b","plugin":"other"}`)
		fmt.Fprintln(os.Stderr, strings.Repeat("z", 200<<10))
		fmt.Fprintln(os.Stderr, "plain text")
		fmt.Fprintln(os.Stderr, "talk is done")
	},
}

var hoard [][]byte

func registerController(server *grpc.Server, mode string) {
	if mode == "no-shutdown" || mode == "stubborn" {
		return
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Shutdown", Handler: func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
			delay := 10 * time.Millisecond
			if mode == "slow-shutdown" {
				delay = 2500 * time.Millisecond
			}
			time.AfterFunc(delay, func() {
				_ = os.WriteFile(filepath.Join(os.Getenv("CALLBOARD_DATA_DIR"), "finished"), []byte("yes"), 0o600)
				leave()
			})
			return &emptypb.Empty{}, nil
		}}},
	}, nil)
}

// methods are what the host has called.
var methods struct {
	sync.Mutex
	names []string
}

func record(name string) {
	methods.Lock()
	defer methods.Unlock()
	methods.names = append(methods.names, name)
}

func recordUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	record(info.FullMethod)
	return next(ctx, req)
}

func recordStream(_ any, stream grpc.ServerStream) error {
	name, _ := grpc.Method(stream.Context())
	record(name)
	return status.Error(codes.Unimplemented, "unknown")
}

// probeAnswer is what the plugin sees of its own confinement.
type probeAnswer struct {
	UID, PID int
	Env      []string
	Dir      string
	Stdin    string
	Methods  []string
	Results  map[string]string
}

// registerProbe serves test.Probe. Its messages are those of the health service, which have one text.
func registerProbe(server *grpc.Server) {
	method := func(name string, answer func(*healthpb.HealthCheckRequest) string) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			in := &healthpb.HealthCheckRequest{}
			if err := decode(in); err != nil {
				return nil, err
			}
			return intercept(ctx, in, &grpc.UnaryServerInfo{FullMethod: "/test.Probe/" + name}, func(context.Context, any) (any, error) {
				return &healthpb.HealthCheckRequest{Service: answer(in)}, nil
			})
		}}
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Probe", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			method("Echo", func(in *healthpb.HealthCheckRequest) string { return in.GetService() }),
			method("Crash", func(*healthpb.HealthCheckRequest) string {
				go func() { panic("out of cheese") }()
				return ""
			}),
			method("Flood", func(*healthpb.HealthCheckRequest) string { return strings.Repeat("x", 5<<20) }),
			method("Run", func(*healthpb.HealthCheckRequest) string {
				data, _ := json.Marshal(probe())
				return string(data)
			}),
		},
	}, nil)
}

func runProbe(t *testing.T, p *launch.Process) probeAnswer {
	t.Helper()
	var out healthpb.HealthCheckRequest
	if err := p.Conn().Invoke(t.Context(), "/test.Probe/Run", &emptypb.Empty{}, &out); err != nil {
		t.Fatal(err)
	}
	var answer probeAnswer
	if err := json.Unmarshal([]byte(out.GetService()), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func probe() probeAnswer {
	a := probeAnswer{UID: os.Getuid(), PID: os.Getpid(), Env: os.Environ(), Results: map[string]string{}}
	a.Dir, _ = os.Getwd()
	a.Stdin, _ = os.Readlink("/proc/self/fd/0")
	methods.Lock()
	a.Methods = append(a.Methods, methods.names...)
	methods.Unlock()
	try := func(name string, f func() error) {
		if err := f(); err != nil {
			a.Results[name] = err.Error()
		} else {
			a.Results[name] = "ok"
		}
	}
	read := func(path string) func() error {
		return func() error { _, err := os.ReadFile(path); return err }
	}
	try("read /etc/passwd", read("/etc/passwd"))
	try("read /proc/1/environ", read("/proc/1/environ"))
	try("read /proc/self/status", read("/proc/self/status"))
	try("list /tmp", func() error { _, err := os.ReadDir("/tmp"); return err })
	try("read /usr", func() error { _, err := os.ReadDir("/usr/lib"); return err })
	data := os.Getenv("CALLBOARD_DATA_DIR")
	try("write data", func() error { return os.WriteFile(data+"/x", []byte("x"), 0o600) })
	try("rename data", func() error {
		return errorsOf(os.MkdirAll(data+"/sub", 0o700), os.Rename(data+"/x", data+"/sub/y"), os.RemoveAll(data+"/sub"))
	})
	try("execute data", func() error {
		return errorsOf(os.WriteFile(data+"/run.sh", []byte("#!/bin/sh\nexit 0\n"), 0o700), exec.Command(data+"/run.sh").Run())
	})
	try("write code", func() error { return os.WriteFile("new", nil, 0o600) })
	try("run true", func() error { return exec.Command("/bin/true").Run() })
	try("tcp", func() error {
		c, err := net.DialTimeout("tcp", "127.0.0.1:9", time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
	try("udp", func() error {
		c, err := net.Dial("udp", "8.8.8.8:53")
		if err == nil {
			c.Close()
		}
		return err
	})
	try("listen", func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	})
	try("signal parent", func() error { return syscall.Kill(os.Getppid(), 0) })
	try("unshare", func() error { return syscall.Unshare(syscall.CLONE_NEWUSER) })
	try("vsock", func() error { _, err := syscall.Socket(40, syscall.SOCK_STREAM, 0); return err })
	try("io_uring", func() error { return errno(syscall.Syscall(425, 1, 0, 0)) })
	try("clone3", func() error { return errno(syscall.Syscall(435, 0, 0, 0)) })
	try("abstract", func() error {
		c, err := net.Dial("unix", "@callboard-test-abstract")
		if err == nil {
			c.Close()
		}
		return err
	})
	try("connect host.sock", func() error {
		c, err := net.Dial("unix", filepath.Join(os.Getenv("CALLBOARD_RUNTIME_DIR"), "host.sock"))
		if err == nil {
			c.Close()
		}
		return err
	})
	try("gain privileges", func() error {
		data, err := os.ReadFile("/proc/self/status")
		if !strings.Contains(string(data), "NoNewPrivs:\t1") || !strings.Contains(string(data), "CapEff:\t0000000000000000") || !strings.Contains(string(data), "CapPrm:\t0000000000000000") {
			return fmt.Errorf("%s", data)
		}
		return err
	})
	try("core", func() error { return limited(syscall.RLIMIT_CORE, 0) })
	try("files", func() error { return limited(syscall.RLIMIT_NOFILE, 512) })
	try("ptrace", func() error { return syscall.PtraceAttach(1 << 22) })
	try("descriptors", func() error {
		entries, err := os.ReadDir("/proc/self/fd")
		for _, e := range entries {
			if target, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.Contains(target, "leaked") {
				return fmt.Errorf("leaked %s", target)
			}
		}
		return err
	})
	return a
}

func errno(_, _ uintptr, e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

func limited(resource int, want uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	if now.Max != want || now.Cur != want {
		return fmt.Errorf("limits are %d and %d", now.Cur, now.Max)
	}
	return nil
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
