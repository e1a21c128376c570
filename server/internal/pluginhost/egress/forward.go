package egress

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"
)

// newTransport is for requests in clear. A connection may serve later requests to the same host and port: it leads to an
// address that was checked.
func (p *Proxy) newTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			t, err := parseTarget(address)
			if err != nil {
				return nil, err
			}
			conn, _, err := p.dial(ctx, t)
			if err != nil {
				return nil, err
			}
			return &idleConn{conn, p.options.Limits.Idle}, nil
		},
		DisableCompression: true, MaxIdleConns: 16, MaxIdleConnsPerHost: 4, IdleConnTimeout: headerTime,
		ResponseHeaderTimeout: p.options.Limits.Idle, MaxResponseHeaderBytes: int64(p.options.Limits.Header),
	}
}

// idleConn ends when nothing passes for the idle time.
type idleConn struct {
	net.Conn
	idle time.Duration
}

func (c *idleConn) Read(data []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(data)
}

func (c *idleConn) Write(data []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}

// forward passes on a request in clear.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, a *Attempt) error {
	authority := r.URL.Host
	if r.URL.Port() == "" {
		authority = strings.TrimSuffix(authority, ":") + ":80"
	}
	t, err := parseTarget(authority)
	if err != nil || r.URL.User != nil {
		return &refusal{400, errTarget.Error()}
	}
	a.Host, a.Port = t.host, t.port
	if t.host == InternalHost {
		return p.internal(w, r, a)
	}
	if err := p.rules.allowed(t, "http"); err != nil {
		return err
	}
	if err := p.rules.throttle(t.host); err != nil {
		return err
	}
	sent, received := &countingReader{ReadCloser: r.Body}, &countingWriter{ResponseWriter: w}
	r.Body = sent
	var failed error
	proxy := httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			out.Out.URL.RawQuery = out.In.URL.RawQuery // as it is, even where it is not well formed
			out.Out.Host = ""                          // the URL's: one host is checked, the same is asked for
			out.Out.URL.Host = t.String()
			if t.port == 80 {
				out.Out.URL.Host = strings.TrimSuffix(t.String(), ":80")
			}
			for _, name := range []string{"Proxy-Authorization", "Proxy-Connection"} {
				out.Out.Header.Del(name)
			}
		},
		Transport: p.transport, FlushInterval: -1, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	proxy.ServeHTTP(received, r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if remote, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
				a.Address = remote.AddrPort()
			}
		},
	})))
	a.Sent, a.Received = sent.n.Load(), received.n.Load()
	if known, ok := errors.AsType[*refusal](failed); ok {
		return known
	}
	a.Allowed = true
	if failed != nil {
		return &refusal{502, t.String() + " did not answer as HTTP: " + dialReason(failed)}
	}
	return nil
}

type countingReader struct {
	io.ReadCloser
	n atomic.Int64
}

func (c *countingReader) Read(data []byte) (int, error) {
	n, err := c.ReadCloser.Read(data)
	c.n.Add(int64(n))
	return n, err
}

type countingWriter struct {
	http.ResponseWriter
	n atomic.Int64
}

func (c *countingWriter) Write(data []byte) (int, error) {
	n, err := c.ResponseWriter.Write(data)
	c.n.Add(int64(n))
	return n, err
}

// Unwrap lets responses be flushed and connections be upgraded.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
