package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Proxy serves one plugin's egress socket.
type Proxy struct {
	options   Options
	rules     *rules
	server    *http.Server
	transport *http.Transport
	ctx       context.Context //nolint:containedctx // the lifetime of tunnels, which no request bounds
	cancel    context.CancelFunc
	failed    error

	stopping sync.Once
	mu       sync.Mutex
	closed   bool
	running  sync.WaitGroup // the server and every request; grows only while not closed
}

const (
	headerTime = 30 * time.Second
	dialTime   = 10 * time.Second
)

// Serve listens on the plugin's socket until ctx ends or [Proxy.Close] is called.
func Serve(ctx context.Context, o Options) (*Proxy, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Audit == nil {
		o.Audit = func(Attempt) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	r, err := newRules(o)
	if err != nil {
		return nil, err
	}
	inner, err := (&net.ListenConfig{}).Listen(ctx, "unix", o.Socket)
	if err != nil {
		return nil, fmt.Errorf("listen on the egress socket of plugin %s: %w", o.Plugin, err)
	}
	// Who may connect is decided by the folder, which is the plugin's user's alone.
	if err := os.Chmod(o.Socket, 0o666); err != nil { //nolint:gosec // see above
		return nil, errors.Join(fmt.Errorf("open the egress socket of plugin %s: %w", o.Plugin, err), inner.Close())
	}
	p := &Proxy{options: o, rules: r}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.transport = p.newTransport()
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: headerTime, IdleTimeout: o.Limits.Idle, MaxHeaderBytes: o.Limits.Header,
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what plugins send wrong is theirs to log
		BaseContext: func(net.Listener) context.Context { return p.ctx },
	}
	listener := newListener(inner, o)
	p.running.Go(func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.failed = err
		}
	})
	context.AfterFunc(p.ctx, p.stop)
	return p, nil
}

// Allow changes what the plugin may reach, for requests from now on; it is [Options.Allow].
func (p *Proxy) Allow(destinations []string) error { return p.rules.setAllowed(destinations) }

// Close ends all connections and returns when nothing of the proxy runs.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.stop()
	p.running.Wait()
	return p.failed
}

func (p *Proxy) stop() {
	p.stopping.Do(func() {
		_ = p.server.Close() // closes the listener and what has not been hijacked; the socket file goes with it
		p.transport.CloseIdleConnections()
	})
}

// begin counts one more request for Close to wait for; false = there are none any more.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Add(1)
	}
	return !p.closed
}

// ServeHTTP judges one request. Answers that refuse are sentences for the plugin's author.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		return
	}
	defer p.running.Done()
	a := &Attempt{Plugin: p.options.Plugin, Method: r.Method, Started: time.Now()}
	defer func() {
		a.Took = time.Since(a.Started)
		p.options.Audit(*a)
	}()
	var err error
	switch {
	case r.Method == http.MethodConnect:
		err = p.connect(w, r, a)
	case !r.URL.IsAbs():
		err = &refusal{400, "this is plugin " + string(p.options.Plugin) + "'s HTTP proxy: send CONNECT host:port for https, and the whole URL for http"}
	case r.URL.Scheme != "http":
		err = &refusal{400, "send CONNECT host:port for https: the proxy does not see into TLS"}
	default:
		err = p.forward(w, r, a)
	}
	if err != nil {
		a.Reason = err.Error()
		refuse(w, r, err)
	}
}

// refuse answers with the sentence in the status line too: clients show nothing else of an answer to CONNECT.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, reason := http.StatusBadGateway, err.Error()
	if known, ok := errors.AsType[*refusal](err); ok {
		status = known.status
	}
	if r.Method != http.MethodConnect {
		writeError(w, status, reason)
		return
	}
	conn, _, hijackErr := http.NewResponseController(w).Hijack()
	if hijackErr != nil {
		writeError(w, status, reason)
		return
	}
	defer conn.Close()
	body := errorBody(status, reason)
	_ = conn.SetWriteDeadline(time.Now().Add(dialTime))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, oneLine(reason), len(body), body)
}
