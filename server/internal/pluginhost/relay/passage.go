package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
)

// passage is one request on its way to the plugin and back. It belongs to the request's goroutine, except for what the
// transport calls (trace, body), which may happen on its goroutines and even after the request is over.
type passage struct {
	relay  *Relay
	w      http.ResponseWriter
	in     *http.Request
	call   httpx.Call
	ctx    context.Context //nolint:containedctx // the request's, with the end that the relay makes
	cancel context.CancelCauseFunc

	out      *http.Request
	socket   bool // a web socket is asked for
	stream   bool // the answer is an event stream
	lease    Instance
	placed   bool // it has a place among those in flight
	counted  bool // it has a place among the answers
	repeated bool
	patience *time.Timer // ends ctx

	connected atomic.Bool // to an instance; from then on the body may be used up
	answered  atomic.Bool // the first byte of an answer has come

	bodyFailed atomic.Bool // the caller's body ended before its end

	hints  sync.Mutex // held while an early hint is passed on
	hinted int
	final  bool // the answer has begun: hints are too late
}

// end gives back everything that the passage holds.
func (p *passage) end() {
	p.noMoreHints()
	if p.patience != nil {
		p.patience.Stop()
	}
	p.cancel(nil)
	p.release()
	p.leaveFlight()
	if p.counted {
		p.relay.answers.leave()
	}
}

// noMoreHints waits for one that is being passed on: from now on the answer's header belongs to the request's goroutine.
func (p *passage) noMoreHints() {
	p.hints.Lock()
	p.final = true
	p.hints.Unlock()
}

func (p *passage) release() {
	if p.lease != nil {
		p.lease.Release()
		p.lease = nil
	}
}

func (p *passage) leaveFlight() {
	if p.placed {
		p.placed = false
		p.relay.inFlight.leave()
	}
}

// prepare makes the request for the plugin.
func (p *passage) prepare() error {
	p.socket = asksForWebSocket(p.in)
	header, err := p.header()
	if err != nil {
		return err
	}
	ctx := httptrace.WithClientTrace(p.ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { p.connected.Store(true) },
		GotFirstResponseByte: func() { p.answered.Store(true) },
		Got1xxResponse:       p.passHint,
	})
	p.out = (&http.Request{
		Method: p.in.Method, URL: address(p.call.Target), Host: "localhost", Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: p.in.ContentLength,
	}).WithContext(ctx)
	if p.in.ContentLength != 0 && p.in.Body != nil && p.in.Body != http.NoBody {
		p.out.Body = closer{&progress{p}}
	} else {
		p.out.ContentLength = 0
	}
	return nil
}

// address makes a URL that is written as target, byte for byte.
//
// A target with two slashes at its front cannot be given as opaque, or it would be read as a host. As a path it is the
// same, but for characters that do not belong in a path and are escaped then.
func address(target string) *url.URL {
	u := &url.URL{Scheme: "http", Host: "localhost"}
	if !strings.HasPrefix(target, "//") {
		u.Opaque = target
		return u
	}
	var path string
	path, u.RawQuery, u.ForceQuery = strings.Cut(target, "?")
	u.ForceQuery = u.ForceQuery && u.RawQuery == ""
	u.RawPath = path
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	u.Path = path
	return u
}

// progress is the request's body; while it moves, the plugin is given more time.
type progress struct{ *passage }

func (b *progress) Read(p []byte) (int, error) {
	n, err := b.in.Body.Read(p)
	if n > 0 && !b.answered.Load() {
		b.patience.Reset(b.relay.limits.RequestTimeout)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.bodyFailed.Store(true)
	}
	return n, err
}

// mayRepeat reports whether a request that failed may be sent once more: nothing was answered, and either nothing was
// sent, or sending it twice does no harm.
func (p *passage) mayRepeat() bool {
	if p.repeated || p.answered.Load() || p.ctx.Err() != nil {
		return false
	}
	return !p.connected.Load() || p.out.Body == nil && idempotent(p.in.Method)
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// broken reports whether err is about a connection, not about what came over it.
func broken(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &network) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// maxHints is how many informational answers one request may have.
const maxHints = 5

var errHints = errors.New("more informational answers than a request may have")

// passHint passes informational answers (103 Early Hints) on. The transport calls it.
func (p *passage) passHint(status int, header textproto.MIMEHeader) error {
	p.hints.Lock()
	defer p.hints.Unlock()
	if p.hinted++; p.hinted > maxHints {
		return errHints
	}
	if p.final || status < 102 {
		return nil // 100 is between the edge and the caller
	}
	h := p.w.Header()
	links := header["Link"]
	if len(links) > 0 {
		h["Link"] = links
	}
	p.w.WriteHeader(status)
	delete(h, "Link")
	return nil
}

func asksForWebSocket(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.Method == http.MethodGet && r.ContentLength == 0 &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && hasToken(r.Header["Connection"], "upgrade")
}

// hasToken reports whether a comma-separated header names a token, in lower case.
func hasToken(values []string, token string) bool {
	for _, line := range values {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
