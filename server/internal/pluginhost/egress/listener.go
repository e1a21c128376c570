package egress

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// listener refuses connections beyond the limit and of strangers. A plugin that holds all its connections waits for nobody
// but itself.
type listener struct {
	net.Listener
	options Options
	slots   chan struct{}
}

func newListener(inner net.Listener, o Options) *listener {
	return &listener{Listener: inner, options: o, slots: make(chan struct{}, o.Limits.Connections)}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.options.Peer != nil {
			if pid, uid, err := peer(conn); err != nil || !l.options.Peer(pid, uid) {
				conn.Close()
				continue
			}
		}
		select {
		case l.slots <- struct{}{}:
			return &limitedConn{Conn: conn, idle: l.options.Limits.Idle, release: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			l.turnAway(conn)
		}
	}
}

// turnAway writes into the socket's empty buffer, which does not block.
func (l *listener) turnAway(conn net.Conn) {
	reason := fmt.Sprintf("plugin %s has %d connections open to its proxy, and may have no more", l.options.Plugin, l.options.Limits.Connections)
	body := errorBody(http.StatusServiceUnavailable, reason)
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 503 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", oneLine(reason), len(body), body)
	conn.Close()
}

// limitedConn gives its place back when it is closed, and does not wait for ever for a plugin that does not read.
type limitedConn struct {
	net.Conn
	idle    time.Duration
	release func()
}

func (c *limitedConn) Write(data []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

func (c *limitedConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return conn.Close()
}
