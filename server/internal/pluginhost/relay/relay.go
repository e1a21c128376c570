package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/principal"
)

// Options is what a [Relay] is made of.
type Options struct {
	Plugin manifest.ID  // required
	Target Target       // required
	Logger *slog.Logger // required
	Limits Limits
	// Ownership lists what a user owns things through; nil = the plugin is not told.
	Ownership func(context.Context, *principal.Principal) ([]string, error)
	// UserToken makes a limited token of a calling user; nil = the plugin was not granted to act for users.
	UserToken func(*principal.Principal) (string, error)
	// Expires is when a caller's credentials end, the zero time = never; nil = never.
	Expires func(*principal.Principal) time.Time
	// Ending is over when the host shuts down; event streams and web sockets end with it. nil = never.
	Ending context.Context //nolint:containedctx // the host's own
}

// Relay is the way of requests to one plugin. It lives as long as the plugin is attached; processes come and go under it.
type Relay struct {
	plugin    manifest.ID
	target    Target
	log       *slog.Logger
	limits    Limits
	ownership func(context.Context, *principal.Principal) ([]string, error)
	userToken func(*principal.Principal) (string, error)
	expires   func(*principal.Principal) time.Time
	ending    context.Context //nolint:containedctx // see Options

	inFlight, answers *bulkhead
	buffers           sync.Pool
	identities        identities
	count             counters
	mentions          *rate.Limiter // of failures in the log: a plugin may fail as often as it is called

	mu      sync.Mutex // held by who replaces current
	closed  bool
	current atomic.Pointer[upstream]
}

// counters are the numbers behind [Stats].
type counters struct{ refused, repeated, failed, timedOut atomic.Uint64 }

// Stats says what a relay is doing and has done.
type Stats struct {
	InFlight int `json:"inFlight"` // requests that wait for the header of their answer
	Queued   int `json:"queued"`   // requests that wait for a place among those
	Answers  int `json:"answers"`  // answers on their way, event streams and web sockets among them

	Refused  uint64 `json:"refused"`  // because too many were in flight
	Repeated uint64 `json:"repeated"` // sent once more, after a connection broke
	Failed   uint64 `json:"failed"`   // the plugin broke off, or gave no answer that could be understood
	TimedOut uint64 `json:"timedOut"` // no header came in time
}

// Refusal is an error of [Target] that says when asking again makes sense.
type Refusal struct {
	Err        *apierror.Error
	RetryAfter time.Duration // 0 = not before somebody did something
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the error that callers see.
func (r *Refusal) Unwrap() error { return r.Err }

// copySize is the piece in which bodies are copied.
const copySize = 64 << 10

// New makes a relay without connections.
func New(o Options) *Relay {
	l := o.Limits.withDefaults()
	r := &Relay{
		plugin: o.Plugin, target: o.Target, log: o.Logger.With(slog.String("plugin", string(o.Plugin))), limits: l,
		ownership: o.Ownership, userToken: o.UserToken, expires: o.Expires, ending: o.Ending,
		mentions: rate.NewLimiter(1, 5),
		inFlight: newBulkhead(l.InFlight, l.Queued, l.QueueWait), answers: newBulkhead(l.Answers, 0, 0),
	}
	if r.ending == nil {
		r.ending = context.Background()
	}
	r.buffers.New = func() any { return new([copySize]byte) }
	return r
}

// Close closes the connections that no request uses, now and later. Requests on their way go on.
func (r *Relay) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if u := r.current.Load(); u != nil {
		u.close()
	}
}

// Stats may be called at any time.
func (r *Relay) Stats() Stats {
	return Stats{
		InFlight: r.inFlight.inside(), Queued: int(r.inFlight.waiting.Load()), Answers: r.answers.inside(),
		Refused: r.count.refused.Load(), Repeated: r.count.repeated.Load(), Failed: r.count.failed.Load(), TimedOut: r.count.timedOut.Load(),
	}
}

// Serve carries one request; it is an [httpx.WholeHandler]. Its error is rendered by the edge: nothing was answered then,
// or the answer broke off.
func (r *Relay) Serve(w http.ResponseWriter, in *http.Request, c httpx.Call) error {
	if in.Method == http.MethodTrace || in.Method == http.MethodConnect { // TRACE would show the caller what the host adds
		return apierror.Newf(apierror.NotImplemented, "%s is not supported", in.Method)
	}
	p := &passage{relay: r, w: w, in: in, call: c}
	defer p.end()
	if err := p.prepare(); err != nil {
		return err
	}
	res, err := p.send() //nolint:bodyclose // receive does
	if err != nil {
		return p.explain(err)
	}
	return p.receive(res)
}

// send gets the header of an answer from whichever instance serves.
func (p *passage) send() (*http.Response, error) {
	for {
		lease, err := p.relay.target.Acquire(p.in.Context())
		if err != nil {
			return nil, err
		}
		p.lease = lease
		if err := p.takePlace(); err != nil {
			return nil, err
		}
		res, err := p.exchange()
		if err == nil {
			return res, nil
		}
		if !p.mayRepeat(err) {
			return nil, err
		}
		p.repeated = true
		p.relay.count.repeated.Add(1)
		p.disconnect(false)
		p.release()
	}
}

func (p *passage) takePlace() error {
	if p.placed {
		return nil
	}
	in, err := p.relay.inFlight.enter(p.in.Context())
	if err != nil {
		return err
	}
	if !in {
		p.relay.count.refused.Add(1)
		return &Refusal{RetryAfter: time.Second, Err: p.relay.unavailable(http.StatusServiceUnavailable,
			"Plugin '%s' is busy: it is answering %d requests; try again", p.relay.plugin, p.relay.limits.InFlight)}
	}
	p.placed = true
	return nil
}

var (
	errOver = errors.New("the stream has lasted as long as it may")
	// errAborted is the edge's word for a body that does not come to its end.
	errAborted = &apierror.Error{Name: "BadRequestError", Status: http.StatusBadRequest, Message: "request aborted"}
)

// explain makes the answer of a request that got none. What really happened names sockets and folders, so it goes to the
// log.
func (p *passage) explain(err error) error {
	r := p.relay
	refusal, isRefusal := errors.AsType[*Refusal](err)
	named, isNamed := errors.AsType[*apierror.Error](err)
	switch {
	case isRefusal:
		p.retryAfter(refusal.RetryAfter)
		return refusal.Err
	case isNamed:
		if named.HTTPStatus() == http.StatusServiceUnavailable {
			p.retryAfter(time.Second)
		}
		return named
	case p.in.Context().Err() != nil:
		return err // the caller is gone
	case p.body != nil && p.body.failed.Load():
		return fmt.Errorf("%w: %w", errAborted, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.count.timedOut.Add(1)
		return r.unavailable(http.StatusGatewayTimeout, "Plugin '%s' did not answer within %s", r.plugin, r.limits.RequestTimeout)
	}
	r.count.failed.Add(1)
	if r.mentions.Allow() {
		r.log.Warn("a plugin gave no answer", slog.String("request", p.call.RequestID), slog.String("method", p.in.Method), slog.Any("error", err))
	}
	if p.wire != nil && !broken(err) {
		return r.unavailable(http.StatusBadGateway, "Plugin '%s' gave an answer that is not HTTP, or has a header of more than %d kB", r.plugin, r.limits.Header>>10)
	}
	p.retryAfter(time.Second)
	return r.unavailable(http.StatusServiceUnavailable, "Plugin '%s' is not available: its process ended or closed the connection before it answered", r.plugin)
}

func (p *passage) retryAfter(d time.Duration) {
	if d > 0 {
		p.w.Header().Set("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
	}
}

func (r *Relay) unavailable(status int, format string, args ...any) *apierror.Error {
	err := apierror.Newf(apierror.ServiceUnavailable, format, args...)
	err.Status = status
	err.Fields = map[string]any{"plugin": string(r.plugin)}
	return err
}
