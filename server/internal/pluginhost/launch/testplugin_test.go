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
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
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
	dir := os.Getenv("CALLBOARD_RUNTIME_DIR")
	listener, err := net.Listen("unix", filepath.Join(dir, "rpc.sock"))
	if err != nil {
		say("listen: %v", err)
		os.Exit(3)
	}
	server := grpc.NewServer()
	h := health.NewServer()
	h.SetServingStatus("plugin", healthpb.HealthCheckResponse_SERVING)
	if mode != "no-health" {
		healthpb.RegisterHealthServer(server, h)
	}
	registerController(server, mode)
	registerProbe(server)
	go func() { _ = server.Serve(listener) }()
	fmt.Printf("1|1|unix|%s|grpc\n", filepath.Join(dir, "rpc.sock"))
	if after, ok := behaviours[mode]; ok {
		go after()
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	for range terminated {
		if mode != "stubborn" {
			os.Exit(0)
		}
	}
}

var badStarts = map[string]func(){
	"noise":     func() { fmt.Println("Hello from my plugin"); time.Sleep(time.Minute) },
	"endless":   func() { fmt.Print(strings.Repeat("x", 1<<20)); time.Sleep(time.Minute) },
	"exit":      func() { fmt.Fprintln(os.Stderr, "settings are wrong"); os.Exit(3) },
	"panic":     func() { panic("out of cheese") },
	"silent":    func() { time.Sleep(time.Minute) },
	"protocol":  func() { fmt.Println("1|7|unix|/x|grpc"); time.Sleep(time.Minute) },
	"netrpc":    func() { fmt.Println("1|1|unix|/x|netrpc"); time.Sleep(time.Minute) },
	"elsewhere": func() { fmt.Println("1|1|unix|/run/docker.sock|grpc"); time.Sleep(time.Minute) },
	"unserved": func() {
		fmt.Printf("1|1|unix|%s/rpc.sock|grpc\n", os.Getenv("CALLBOARD_RUNTIME_DIR"))
		time.Sleep(time.Minute)
	},
	"link": func() {
		dir := os.Getenv("CALLBOARD_RUNTIME_DIR")
		_ = os.Symlink("/tmp/somebody-elses.sock", dir+"/rpc.sock")
		fmt.Printf("1|1|unix|%s/rpc.sock|grpc\n", dir)
		time.Sleep(time.Minute)
	},
	"secret": func() { fmt.Fprintln(os.Stderr, "token is hunter2"); os.Exit(1) },
}

var behaviours = map[string]func(){
	"crash": func() { time.Sleep(20 * time.Millisecond); panic("out of cheese") },
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
			time.Sleep(time.Millisecond)
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
		fmt.Println("a stray print")
		fmt.Print(strings.Repeat("y", 200<<10) + "\n")
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
			time.AfterFunc(10*time.Millisecond, func() { os.Exit(0) })
			return &emptypb.Empty{}, nil
		}}},
	}, nil)
}

// probeAnswer is what the plugin sees of its own confinement.
type probeAnswer struct {
	UID, PID int
	Env      []string
	Dir      string
	Results  map[string]string
}

// registerProbe serves /test.Probe/Run, whose answer travels as the type name of an Any-less message: JSON in a codec of bytes.
func registerProbe(server *grpc.Server) {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Probe", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Run", Handler: func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
			data, err := json.Marshal(probe())
			return &healthpb.HealthCheckRequest{Service: string(data)}, err
		}}},
	}, nil)
}

func runProbe(t *testing.T, p *launch.Process) probeAnswer {
	t.Helper()
	var out healthpb.HealthCheckRequest
	if err := p.Conn().Invoke(t.Context(), "/test.Probe/Run", &emptypb.Empty{}, &out); err != nil {
		t.Fatal(err)
	}
	var answer probeAnswer
	if err := json.Unmarshal([]byte(out.Service), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func probe() probeAnswer {
	a := probeAnswer{UID: os.Getuid(), PID: os.Getpid(), Env: os.Environ(), Results: map[string]string{}}
	a.Dir, _ = os.Getwd()
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
	try("ptrace", func() error { return syscall.PtraceAttach(os.Getppid()) })
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

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
