package relay_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a plugin's process as far as the relay sees it: something that answers on a socket.
type process struct {
	socket string
	leases atomic.Int64
	dials  atomic.Int64
}

func (p *process) Dial(ctx context.Context) (net.Conn, error) {
	p.dials.Add(1)
	return (&net.Dialer{}).DialContext(ctx, "unix", p.socket)
}

func (p *process) Release() { p.leases.Add(-1) }

// plugin is a target whose process can be replaced.
type plugin struct {
	mu  sync.Mutex
	now *process
	err error
}

func (p *plugin) Acquire(context.Context) (relay.Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	p.now.leases.Add(1)
	return p.now, nil
}

func (p *plugin) become(next *process, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.err = next, err
}

// listen makes a process that is served by the caller.
func listen(tb testing.TB) (*process, net.Listener) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "cb") // the path of a socket must be short
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &process{socket: filepath.Join(dir, "http.sock")}
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "unix", p.socket)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = ln.Close() })
	return p, ln
}

// serve is a process with an HTTP server.
func serve(tb testing.TB, h http.Handler) *process {
	tb.Helper()
	p, ln := listen(tb)
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	tb.Cleanup(func() { _ = server.Close(); <-done })
	return p
}

// raw is a process that answers each connection by hand.
func raw(tb testing.TB, answer func(conn net.Conn, in *bufio.Reader)) *process {
	tb.Helper()
	p, ln := listen(tb)
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			all.Go(func() { defer func() { _ = conn.Close() }(); answer(conn, bufio.NewReader(conn)) })
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return p
}

// readHead reads a request's header as it stands on the wire.
func readHead(in *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String(), err
		}
	}
}

// host is an edge with one attached plugin "demo", on a real listener.
type host struct {
	edge   *httpx.Server
	relay  *relay.Relay
	plugin *plugin
	url    string
	server *httptest.Server
}

func newHost(tb testing.TB, p *process, options ...func(*relay.Options, *httpx.Feature)) *host {
	tb.Helper()
	h := &host{plugin: &plugin{now: p}, edge: httpxtest.New(tb)}
	o := relay.Options{Plugin: "demo", Target: h.plugin, Logger: httpxtest.Logger(tb), Ending: h.edge.EndingContext(),
		Ownership: func(_ context.Context, who *principal.Principal) ([]string, error) {
			return []string{who.Subject, "group:default/guests"}, nil
		}}
	f := httpx.Feature{ID: "demo", Policies: []httpx.Policy{{Path: "/open", Allow: httpx.AllowUnauthenticated}}}
	for _, change := range options {
		change(&o, &f)
	}
	h.relay = relay.New(o)
	detach, err := h.edge.Attach(f, h.relay.Serve)
	if err != nil {
		tb.Fatal(err)
	}
	h.server = httptest.NewServer(h.edge)
	h.url = h.server.URL
	tb.Cleanup(func() {
		h.server.CloseClientConnections()
		h.server.Close()
		detach()
		h.relay.Close()
		if n := p.leases.Load(); n != 0 {
			tb.Errorf("%d leases were not released", n)
		}
		if s := h.relay.Stats(); s.InFlight != 0 || s.Queued != 0 || s.Answers != 0 {
			tb.Errorf("left behind: %+v", s)
		}
	})
	return h
}

// client keeps no connections, so that nothing is left for goleak.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (h *host) do(tb testing.TB, method, path string, body io.Reader, headers ...string) *http.Response {
	tb.Helper()
	res, err := h.try(tb.Context(), method, path, body, headers...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (h *host) try(ctx context.Context, method, path string, body io.Reader, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, h.url+"/api/demo"+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", httpxtest.Guest)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return client().Do(r)
}

// get reads the whole answer of /x.
func (h *host) get(tb testing.TB) (int, string) {
	tb.Helper()
	res := h.do(tb, http.MethodGet, "/x", nil)
	return res.StatusCode, httpxtest.Body(tb, res)
}

func (h *host) connect(tb testing.TB) net.Conn {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// send writes a request by hand and reads what comes back until the connection ends.
func (h *host) send(tb testing.TB, request string) string {
	tb.Helper()
	conn := h.connect(tb)
	if _, err := io.WriteString(conn, request); err != nil {
		return ""
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && len(answer) == 0 {
		tb.Logf("read: %v", err)
	}
	return string(answer)
}

var errStarting = &relay.Refusal{RetryAfter: 3 * time.Second, Err: apierror.New(apierror.ServiceUnavailable, "Plugin 'demo' is starting")}
