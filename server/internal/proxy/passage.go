package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// copySize is the piece in which bodies are copied.
const copySize = 32 << 10

// passage is one request on its way to a target and back.
type passage struct {
	proxy       *Proxy
	endpoint    *endpoint
	in          *http.Request
	who         *principal.Principal
	path, query string // for the target, escaped; the target's own path comes before it

	began   time.Time
	cancel  context.CancelCauseFunc
	body    *callerBody
	failed  error // why there is no answer
	outcome string
}

// callerBody notes that the body ended before its end. The transport reads it on a goroutine of its own.
type callerBody struct {
	io.ReadCloser
	failed atomic.Bool
}

func (b *callerBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.Store(true)
	}
	return n, err
}

var errAborted = &apierror.Error{Name: "BadRequestError", Status: http.StatusBadRequest, Message: "request aborted"}

var (
	errEnding = errors.New("the host shuts down")
	errIdle   = errors.New("the answer stood still")
)

func (p *passage) carry(w http.ResponseWriter) error {
	p.began = time.Now()
	p.proxy.metrics.enter(p.endpoint)
	p.outcome = outcomeBroken // unless something else is known in the end: what breaks off in the middle panics
	defer func() {
		p.proxy.metrics.leave(p.endpoint)
		p.proxy.metrics.count(p.endpoint, p.outcome)
	}()
	ctx, cancel := context.WithCancelCause(p.in.Context())
	defer cancel(nil)
	p.cancel = cancel
	defer context.AfterFunc(p.proxy.ending, func() { cancel(errEnding) })()

	to := &answer{ResponseWriter: w, passage: p, header: http.Header{}}
	if p.endpoint.plugin != "" {
		return p.toPlugin(ctx, to)
	}
	proxy := httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: p.endpoint.transport, ModifyResponse: p.received,
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { p.failed = err },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), BufferPool: p.proxy,
	}
	in := p.in.WithContext(ctx)
	if in.Body != nil {
		p.body = &callerBody{ReadCloser: in.Body}
		in.Body = p.body
	}
	proxy.ServeHTTP(to, in)
	return p.conclude(w)
}

// Get and Put implement [httputil.BufferPool].
func (p *Proxy) Get() []byte { return p.buffers.Get().([]byte) } //nolint:forcetypeassert // the pool holds nothing else

// Put implements [httputil.BufferPool].
func (p *Proxy) Put(b []byte) { p.buffers.Put(b) } //nolint:staticcheck // a slice header per request is not worth a pointer

// rewrite makes the request that the target gets.
func (p *passage) rewrite(r *httputil.ProxyRequest) {
	e := p.endpoint
	r.Out.URL = p.destination(e.target.Scheme, e.target.Host, e.base)
	r.Out.Host = e.target.Host
	if e.keepHost {
		r.Out.Host = r.In.Host
	}
	if e.host != "" {
		r.Out.Host = e.host
	}
	r.Out.Header = e.outgoing(r.In.Header, p.opensSocket())
	if _, sent := r.Out.Header["User-Agent"]; !sent {
		r.Out.Header["User-Agent"] = []string{""} // else net/http writes its own
	}
	r.Out.Trailer = nil
}

// destination is the URL of a request below base.
func (p *passage) destination(scheme, host, base string) *url.URL {
	raw := joinPath(base, p.path)
	path, err := url.PathUnescape(raw)
	if err != nil { // escape leaves none that fails
		path = raw
	}
	return &url.URL{Scheme: scheme, Host: host, Path: path, RawPath: raw, RawQuery: p.query}
}

func (p *passage) opensSocket() bool {
	return p.endpoint.sockets && p.in.Method == http.MethodGet && strings.EqualFold(p.in.Header.Get("Upgrade"), "websocket")
}

// received looks at an answer before it is passed on.
func (p *passage) received(res *http.Response) error {
	p.proxy.metrics.header(p.endpoint, time.Since(p.began))
	if res.StatusCode == http.StatusSwitchingProtocols {
		connection := http.Header{}
		for _, name := range append([]string{"Connection", "Upgrade"}, socketHeaders...) {
			if values := res.Header[name]; len(values) > 0 {
				connection[name] = values
			}
		}
		res.Header = connection
		return nil
	}
	res.Trailer = nil
	patience := time.AfterFunc(p.proxy.limits.Idle, func() { p.cancel(errIdle) })
	res.Body = &watchedBody{ReadCloser: res.Body, patience: patience, idle: p.proxy.limits.Idle}
	return nil
}

// watchedBody is the body of an answer that may not stand still for ever.
type watchedBody struct {
	io.ReadCloser
	patience *time.Timer
	idle     time.Duration
}

func (b *watchedBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	if n > 0 {
		b.patience.Reset(b.idle)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *watchedBody) Close() error {
	b.patience.Stop()
	return b.ReadCloser.Close()
}

// toPlugin lets a plugin of this host answer.
func (p *passage) toPlugin(ctx context.Context, to *answer) error {
	e := p.endpoint
	if p.proxy.plugins == nil {
		return apierror.NotFoundf("There is no plugin '%s'", e.plugin)
	}
	r := p.in.WithContext(ctx)
	r.URL = p.destination("", "", joinPath("/api/"+e.plugin, e.base))
	r.RequestURI = r.URL.RequestURI()
	r.Header = e.outgoing(p.in.Header, p.opensSocket())
	delete(r.Header, "Authorization") // who calls is told in another way
	r.Trailer = nil
	if err := p.proxy.plugins.Relay(to, r, e.plugin, p.who); err != nil {
		p.outcome = outcomeFailed
		return err
	}
	p.outcome = outcomeAnswered
	return nil
}

// conclude answers when the target did not.
func (p *passage) conclude(w http.ResponseWriter) error {
	e, err := p.endpoint, p.failed
	switch {
	case err == nil:
		p.outcome = outcomeAnswered
		return nil
	case p.in.Context().Err() != nil:
		p.outcome = outcomeGone
		panic(http.ErrAbortHandler) // nobody waits for an answer
	case p.body != nil && p.body.failed.Load():
		p.outcome = outcomeGone
		return errAborted
	}
	p.outcome = outcomeFailed
	if p.proxy.mentions.Allow() {
		p.proxy.log.Warn("a proxy target gave no answer", slog.String("endpoint", e.name()), slog.String("target", e.target.Host), slog.Any("error", err))
	}
	target := p.destination("", "", "").EscapedPath()
	if p.query != "" {
		target += "?" + p.query
	}
	return plainAnswer(w, statusOf(err), "Error occurred while trying to proxy: "+p.in.Host+target)
}

// statusOf is how the reference answers when a target does not: 504 for one that is not there or not in time, 502 for one
// that speaks no HTTP, 500 for the rest, such as certificates that do not hold.
func statusOf(err error) int {
	var record tls.RecordHeaderError
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch text := err.Error(); {
	case certificate || errors.As(err, &record):
		return http.StatusInternalServerError
	case strings.Contains(text, "malformed") || strings.Contains(text, "response headers exceeded") || strings.Contains(text, "HTTPS client"):
		return http.StatusBadGateway
	}
	return http.StatusGatewayTimeout
}
