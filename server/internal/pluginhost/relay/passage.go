package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

// passage is one request on its way to the plugin and back. It belongs to the request's goroutine; while a body is sent,
// a second one reads it (see sending).
type passage struct {
	relay *Relay
	w     http.ResponseWriter
	in    *http.Request
	call  httpx.Call

	out    http.Header
	socket bool // a web socket is asked for
	stream bool // the answer is an event stream

	lease    Instance
	from     *upstream
	wire     *wire
	placed   bool // it has a place among those in flight
	counted  bool // it has a place among the answers
	repeated bool
	body     *sending // nil = there is none

	unwatch func() bool // ends the watch for the caller's leaving
	mu      sync.Mutex  // held by who changes wire or its deadline
	over    error       // why the passage was ended early, nil = it was not
}

// prepare makes the header for the plugin.
func (p *passage) prepare() error {
	p.socket = asksForWebSocket(p.in)
	var err error
	if p.out, err = p.header(); err != nil {
		return err
	}
	if err := checkRequest(p.in.Method, p.call.Target, p.out); err != nil {
		return apierror.Inputf("the request cannot be passed on: %s", err)
	}
	return nil
}

// exchange sends the request on a connection and waits for the header of the answer.
func (p *passage) exchange() (*http.Response, error) {
	ctx := p.in.Context()
	p.from = p.relay.upstream(p.lease)
	patience := p.relay.limits.RequestTimeout
	w, err := p.from.connect(ctx, patience)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.wire = w
	p.mu.Unlock()
	if err := w.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	p.unwatch = context.AfterFunc(ctx, func() { p.abort(context.Cause(ctx)) })
	length := p.in.ContentLength
	if p.in.Body == nil || p.in.Body == http.NoBody {
		length = 0
	}
	if err := w.writeHeader(p.in.Method, p.call.Target, p.out, length); err != nil {
		return nil, err
	}
	if length != 0 {
		p.body = p.sendBody(length)
	}
	return p.awaitHeader()
}

// maxHints is how many informational answers one request may have.
const maxHints = 5

var errHints = errors.New("more informational answers than a request may have")

func (p *passage) awaitHeader() (*http.Response, error) {
	for range maxHints + 1 {
		res, err := p.wire.readHeader(p.in, p.relay.limits.Header)
		if err != nil || res.StatusCode < 100 || res.StatusCode > 199 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, err
		}
		p.passHint(res)
	}
	return nil, errHints
}

// passHint passes an informational answer (103 Early Hints) on.
func (p *passage) passHint(res *http.Response) {
	if res.StatusCode == http.StatusContinue {
		return // that is between the edge and the caller
	}
	h := p.w.Header()
	if links := res.Header["Link"]; links != nil {
		h["Link"] = links
		defer delete(h, "Link")
	}
	p.w.WriteHeader(res.StatusCode)
}

// abort ends the passage from another goroutine: everything that waits for the plugin returns.
func (p *passage) abort(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		p.over = why
	}
	if p.wire != nil { // else it is over, and another request may have the connection
		_ = p.wire.SetDeadline(time.Unix(1, 0))
	}
}

// aborted says why the passage was ended early.
func (p *passage) aborted() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// extendUntil gives the plugin more time; an aborted passage stays so.
func (p *passage) extendUntil(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil && p.wire != nil {
		_ = p.wire.SetDeadline(t)
	}
}

// disconnect ends the use of the connection; complete = another request may use it.
func (p *passage) disconnect(complete bool) {
	p.mu.Lock()
	w := p.wire
	p.wire = nil
	over := p.over
	p.mu.Unlock()
	if w == nil {
		return
	}
	if p.unwatch != nil {
		p.unwatch()
	}
	if !complete || over != nil || p.body != nil && !p.body.sentSoon() {
		_ = w.Close()
		if p.body != nil {
			p.body.stop()
		}
	} else {
		p.from.giveBack(w)
	}
	p.body, p.unwatch = nil, nil
}

// end gives back everything that the passage holds.
func (p *passage) end() {
	p.disconnect(false)
	p.release()
	p.leaveFlight()
	if p.counted {
		p.relay.answers.leave()
	}
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

// mayRepeat reports whether a request that failed may be sent once more: nothing was answered, and either nothing was
// sent, or sending it twice does no harm.
func (p *passage) mayRepeat(err error) bool {
	if p.repeated || errors.Is(err, os.ErrDeadlineExceeded) || p.in.Context().Err() != nil {
		return false
	}
	if p.wire == nil || !p.wire.sent.Load() {
		return true
	}
	return !p.wire.heard && p.body == nil && idempotent(p.in.Method)
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
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &network)
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
