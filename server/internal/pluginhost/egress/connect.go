package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// connect opens a tunnel to an approved host. What runs in it is not looked into; https is what plugins use it for.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request, a *Attempt) error {
	t, err := parseTarget(r.RequestURI)
	if err != nil {
		return &refusal{400, err.Error()}
	}
	a.Host, a.Port = t.host, t.port
	if t.host == InternalHost {
		return p.connectInternal(w, t, a)
	}
	// Some clients open tunnels for http as well.
	if err := p.rules.allowed(t, "https", "http"); err != nil {
		return err
	}
	if err := p.rules.throttle(t.host); err != nil {
		return err
	}
	upstream, address, err := p.dial(r.Context(), t)
	if err != nil {
		return err
	}
	a.Allowed, a.Address = true, address
	conn, reader, err := establish(w)
	if err != nil {
		upstream.Close()
		return err
	}
	pipe := &tunnel{idle: p.options.Limits.Idle}
	pipe.run(p.ctx, conn, reader, upstream)
	a.Sent, a.Received = pipe.sent.Load(), pipe.received.Load()
	return nil
}

// establish answers that the tunnel is open, and takes the connection over with what the client sent meanwhile.
func establish(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err == nil { // the server's own
		_, err = conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
		if err == nil {
			return conn, buffered.Reader, nil
		}
	}
	conn.Close()
	return nil, nil, errors.New("the plugin has gone")
}

// dial resolves, checks and dials.
func (p *Proxy) dial(ctx context.Context, t target) (net.Conn, netip.AddrPort, error) {
	addresses, err := p.rules.addresses(ctx, t)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	dialer := net.Dialer{Timeout: dialTime}
	const tries = 3
	for _, address := range addresses[:min(tries, len(addresses))] {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "tcp", address.String()); err == nil {
			return conn, address, nil
		}
	}
	return nil, netip.AddrPort{}, &refusal{502, fmt.Sprintf("%s cannot be reached: %s", t, dialReason(err))}
}

// dialReason is an error without the addresses, which would map the host's network for a plugin.
func dialReason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Timeout() {
			return "it does not answer"
		}
		if system, ok := errors.AsType[*os.SyscallError](op.Err); ok {
			return system.Err.Error()
		}
	}
	return "the connection failed"
}

// tunnel copies both ways until both have ended, or nothing has passed in either for the idle time.
type tunnel struct {
	idle           time.Duration
	sent, received atomic.Int64
	last           atomic.Int64 // when something passed, in nanoseconds
}

func (t *tunnel) run(ctx context.Context, client net.Conn, buffered *bufio.Reader, upstream net.Conn) {
	defer client.Close()
	defer upstream.Close()
	stop := context.AfterFunc(ctx, func() {
		client.Close()
		upstream.Close()
	})
	defer stop()
	t.last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	both.Go(func() { t.copy(upstream, client, buffered, &t.sent) })
	both.Go(func() { t.copy(client, upstream, upstream, &t.received) })
	both.Wait()
}

// copy passes what reader has from one side to the other. reader reads from.
func (t *tunnel) copy(to, from net.Conn, reader io.Reader, count *atomic.Int64) {
	buffer := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(t.idle))
		n, err := reader.Read(buffer)
		if n > 0 {
			t.last.Store(time.Now().UnixNano())
			_ = to.SetWriteDeadline(time.Now().Add(t.idle))
			written, werr := to.Write(buffer[:n])
			count.Add(int64(written))
			if werr != nil {
				from.Close()
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, t.last.Load())) < t.idle:
			// the other direction is alive
		case errors.Is(err, os.ErrDeadlineExceeded):
			from.Close()
			to.Close()
			return
		default:
			_ = closeWrite(to) // the other direction goes on
			return
		}
	}
}
