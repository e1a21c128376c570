package egress

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// internal answers a request to the host itself.
func (p *Proxy) internal(w http.ResponseWriter, r *http.Request, a *Attempt) error {
	if p.options.Internal == nil {
		return &refusal{403, "plugin " + string(p.options.Plugin) + " may not call the host's own routes"}
	}
	a.Allowed = true
	sent, received := &countingReader{ReadCloser: r.Body}, &countingWriter{ResponseWriter: w}
	p.options.Internal.ServeHTTP(received, p.asCaller(r, sent))
	a.Sent, a.Received = sent.n.Load(), received.n.Load()
	return nil
}

// asCaller is the request as the host's edge may see it: a client of the plugin's, with a token or nothing.
func (p *Proxy) asCaller(r *http.Request, body *countingReader) *http.Request {
	in := r.Clone(r.Context())
	in.Body = body
	in.URL.Scheme, in.URL.Host, in.URL.User = "", "", nil
	in.RequestURI, in.Host = in.URL.RequestURI(), InternalHost
	in.RemoteAddr = "plugin." + string(p.options.Plugin) + ":0"
	for name := range in.Header {
		if speaksForSomebody(name) {
			in.Header.Del(name)
		}
	}
	return in
}

// speaksForSomebody names headers by which a request claims to be from somebody, beside Authorization.
func speaksForSomebody(name string) bool {
	switch name {
	case "Cookie", "Forwarded", "X-Real-Ip", "Proxy-Authorization", "Proxy-Connection", "Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Via", "Origin":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Callboard-")
}

// connectInternal serves the host's routes inside a tunnel, for clients that open one for http too. There is no TLS in it.
func (p *Proxy) connectInternal(w http.ResponseWriter, t target, a *Attempt) error {
	if p.options.Internal == nil {
		return &refusal{403, "plugin " + string(p.options.Plugin) + " may not call the host's own routes"}
	}
	if t.port != 80 {
		return &refusal{403, "the host is at http://" + InternalHost + ", without TLS and on port 80: the connection does not leave the machine"}
	}
	conn, reader, err := establish(w)
	if err != nil {
		return err
	}
	a.Allowed = true
	var sent, received atomic.Int64
	one := newSingle(&bufferedConn{conn, reader})
	server := &http.Server{
		ReadHeaderTimeout: headerTime, IdleTimeout: p.options.Limits.Idle, MaxHeaderBytes: p.options.Limits.Header,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return p.ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !p.begin() {
				return
			}
			defer p.running.Done()
			in, out := &countingReader{ReadCloser: r.Body}, &countingWriter{ResponseWriter: w}
			p.options.Internal.ServeHTTP(out, p.asCaller(r, in))
			sent.Add(in.n.Load())
			received.Add(out.n.Load())
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed || state == http.StateHijacked {
				one.finish()
			}
		},
	}
	stop := context.AfterFunc(p.ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(one) // ends with its one connection
	a.Sent, a.Received = sent.Load(), received.Load()
	return nil
}

// bufferedConn is a connection of which some has been read.
type bufferedConn struct {
	net.Conn
	reader io.Reader
}

func (c *bufferedConn) Read(data []byte) (int, error) { return c.reader.Read(data) }

// single is a listener with one connection.
type single struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func newSingle(conn net.Conn) *single {
	s := &single{conn: make(chan net.Conn, 1), closed: make(chan struct{}), addr: conn.LocalAddr()}
	s.conn <- conn
	return s
}

func (s *single) Accept() (net.Conn, error) {
	select {
	case c := <-s.conn:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *single) finish() { s.once.Do(func() { close(s.closed) }) }

func (s *single) Close() error {
	s.finish()
	return nil
}

func (s *single) Addr() net.Addr { return s.addr }
