package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// forwarder listens where the plugin's HTTP client expects its proxy. nil = the policy asks for none, or there is no network
// of its own to listen in: on the host's loopback any user of the machine could use the plugin's way out.
func (l *launcher) forwarder() (net.Listener, error) {
	p := l.order.Policy
	if p.Forward == 0 || p.EgressSocket == "" || p.Level == Off || p.Network {
		return nil, nil
	}
	if !l.report.Network {
		l.report.note("there is no forwarder to the egress socket: it needs a network namespace")
		return nil, nil
	}
	if err := loopbackUp(); err != nil {
		l.report.note("there is no forwarder to the egress socket: ", err.Error())
		return nil, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(p.Forward))))
	if err != nil {
		return nil, fmt.Errorf("listen for the plugin's HTTP client: %w", err)
	}
	l.report.Forward = p.Forward
	return listener, nil
}

// loopbackUp needs CAP_NET_ADMIN in the namespace, which the host gave the launcher for this alone.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	return nil
}

// stay starts the program as a child of this thread, whose restrictions it inherits, and remains as process 1: it forwards
// connections and signals, collects orphans, and ends when the program does, which ends everything else in the namespace.
// It holds a few megabytes, so only those plugins have it that cannot do without.
func (l *launcher) stay(forward net.Listener) *Failure {
	path := l.order.Path
	if l.order.ByFD {
		path = "/proc/self/fd/" + strconv.Itoa(fdProgram)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	pid, err := syscall.ForkExec(path, l.order.Argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}}) //nolint:gosec // the plugin: to run it is what this process is for
	if err != nil {
		return l.execFailure(err)
	}
	go func() {
		for s := range signals {
			if number, ok := s.(syscall.Signal); ok {
				_ = unix.Kill(pid, number) // it may just have ended
			}
		}
	}()
	go serveForward(forward, l.order.Policy.EgressSocket)
	if err := send(l.out, answer{Started: true}); err != nil {
		return refusal(err)
	}
	exit, err := collect(pid)
	if err != nil {
		return refusal(err)
	}
	_ = send(l.out, answer{Exit: exit}) // a host that is gone has ended this process already
	os.Exit(exit.Code)
	return nil
}

// collect waits for all children, those that lost their parents among them, until the program itself has ended.
func collect(pid int) (*Exit, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, fmt.Errorf("wait for the program: %w", err)
		case ended == pid && status.Exited():
			return &Exit{Code: status.ExitStatus()}, nil
		case ended == pid && status.Signaled():
			return &Exit{Code: 128 + int(status.Signal()), Signal: int(status.Signal())}, nil
		}
	}
}

// maxForwarded bounds connections, below the limit of open files that the launcher shares with the plugin.
const maxForwarded = 64

// serveForward runs until the process ends.
func serveForward(listener net.Listener, socket string) {
	slots := make(chan struct{}, maxForwarded)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors
			continue
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				pipe(conn, socket)
			}()
		default:
			conn.Close()
		}
	}
}

// pipe copies both ways until both have ended. Idle connections are the proxy's business, which closes its end.
func pipe(client net.Conn, socket string) {
	defer client.Close()
	proxy, err := (&net.Dialer{}).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return
	}
	defer proxy.Close()
	var both sync.WaitGroup
	both.Go(func() { copyHalf(proxy, client) })
	both.Go(func() { copyHalf(client, proxy) })
	both.Wait()
}

func copyHalf(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	to.Close()
	from.Close()
}
