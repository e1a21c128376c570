package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement.
type process struct {
	cmd     *exec.Cmd
	base    string
	started time.Time
	ready   time.Duration
}

// start runs a command on the first core and waits until path answers 200.
func start(ctx context.Context, base, path string, log string, command ...string) (*process, error) {
	if runtime.NumCPU() > 1 {
		command = append([]string{"taskset", "-c", "0"}, command...)
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), base: base, started: time.Now()}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		if answers(ctx, base+path) {
			p.ready = time.Since(p.started)
			return p, nil
		}
	}
	p.stop()
	text, _ := os.ReadFile(log)
	return nil, fmt.Errorf("%s did not become ready: %s", strings.Join(command, " "), tail(string(text), 800))
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// cpu is the user and system time that the process has used.
func (p *process) cpu() time.Duration { return cpuOf(p.pid()) }

// target is the process alone.
func (p *process) target() target {
	return target{network: "tcp", address: strings.TrimPrefix(p.base, "http://"), cpu: p.cpu}
}

// cpuOf is the user and system time that a process has used.
func cpuOf(pid int) time.Duration {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	const ticks = 100 // USER_HZ, fixed on Linux
	return time.Duration(user+system) * time.Second / ticks
}

// rss is the resident memory in bytes.
func (p *process) rss() int64 {
	data, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid()), "status"))
	for line := range strings.SplitSeq(string(data), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

func freeAddress(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}
