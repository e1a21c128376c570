package caps

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Source hands out the client of the instance that serves a plugin at present. An error is a ServiceUnavailableError that
// names the plugin and its state. It answers at once; a proxy asks before each call, and again and again while it waits
// for a plugin to come up. A new instance is a new *Client: that is how proxies see that a plugin was replaced.
type Source interface {
	Client(ctx context.Context) (*Client, error)
}

// ClientOptions are a client's own; Plugin is required.
type ClientOptions struct {
	Plugin  manifest.ID
	Version string // of the plugin; another version means that results may be others
	Limits  Limits
	// Retry is how long the plugin is left alone after failures before a call may try; 0 = 5 s. A single call that fails,
	// while others do not, is left alone for twice as long.
	Retry time.Duration
	// Traceparent is the W3C trace context of a call's ctx; nil, or "" = each call begins a trace.
	Traceparent func(ctx context.Context) string
	// Observe is told of every call that ended or was refused, on its goroutine; nil = nobody is.
	Observe func(Call)
}

// Call is one call that ended, or that was not made because the plugin is busy, is being stopped, or has failed too often.
type Call struct {
	Method  string // "ProcessEntities"
	Took    time.Duration
	Err     error // nil = it went well
	Refused bool
}

// Client calls the capabilities of one instance of a plugin. Safe for concurrent use.
//
// Each call has a deadline by its kind; at most [Limits].InFlight run, and at most Queued wait a moment for their turn;
// what fails in half of the last twenty calls is refused for a while: everything, when the plugin does not answer; the one
// widget or action, when that answers against the rules, breaks, or is the only one that does not answer. An error that the
// plugin gave a name ("NotFoundError") is an answer.
type Client struct {
	plugin   manifest.ID
	version  string
	conn     grpc.ClientConnInterface
	limits   Limits
	trace    func(context.Context) string
	observe  func(Call)
	calls    *bulkhead
	streams  *bulkhead
	breakers *breakers
	closed   atomic.Bool
}

// NewClient makes a client for a connection, which stays the caller's to close.
func NewClient(conn grpc.ClientConnInterface, o ClientOptions) *Client {
	l := o.Limits.withDefaults()
	if o.Retry <= 0 {
		o.Retry = 5 * time.Second
	}
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	return &Client{
		plugin: o.Plugin, version: o.Version, conn: conn, limits: l, trace: o.Traceparent, observe: o.Observe,
		calls:    newBulkhead(l.InFlight, l.Queued, l.Patience),
		streams:  newBulkhead(l.Streams, 0, 0),
		breakers: newBreakers(o.Retry),
	}
}

// Plugin is whose client it is, Version that of the instance.
func (c *Client) Plugin() manifest.ID { return c.plugin }

// Version is that of the instance.
func (c *Client) Version() string { return c.version }

// Limits are what holds for this plugin.
func (c *Client) Limits() Limits { return c.limits }

// Close refuses further calls; those that run go on. It is for an instance that drains.
func (c *Client) Close() { c.closed.Store(true) }

// InFlight is the number of calls and streams that run.
func (c *Client) InFlight() int { return c.calls.running() + c.streams.running() }

// Tripped reports whether calls of every name are refused, or only single ones let try, because the plugin does not answer.
func (c *Client) Tripped() bool { return !c.breakers.plugin.IsClosed() }

// TrippedCalls are the calls of which that is so while the plugin answers others: "QueryWidget errors". They are sorted.
func (c *Client) TrippedCalls() []string { return c.breakers.tripped() }

// rests reports whether a call would be refused at present. One that may try is not: somebody has to.
func (c *Client) rests(call string) bool {
	own := c.breakers.of(call)
	return c.breakers.plugin.RemainingDelay() > 0 || own != nil && own.RemainingDelay() > 0
}

// unary does one call with its deadline.
func unary[Req, Res any](ctx context.Context, c *Client, call string, deadline time.Duration,
	rpc func(context.Context, Req, ...grpc.CallOption) (Res, error), request Req,
) (answer Res, err error) {
	err = c.do(ctx, call, c.calls, deadline, func(ctx context.Context, options ...grpc.CallOption) error {
		answer, err = rpc(ctx, request, options...)
		return err
	})
	return answer, err
}

// do runs one call or stream through everything that guards it. The error is what callers see.
func (c *Client) do(ctx context.Context, call string, place *bulkhead, deadline time.Duration,
	run func(context.Context, ...grpc.CallOption) error,
) error {
	method, _, _ := strings.Cut(call, " ")
	leave, err := c.enter(ctx, call, place)
	if err != nil {
		if ctx.Err() == nil {
			c.observe(Call{Method: method, Err: err, Refused: true})
		}
		return err
	}
	defer leave()
	began := c.breakers.now()
	bounded, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "traceparent", c.traceparent(ctx)), deadline)
	defer cancel()
	var trailer metadata.MD
	err = run(bounded, grpc.MaxCallRecvMsgSize(c.limits.MessageBytes), grpc.MaxCallSendMsgSize(c.limits.MessageBytes), grpc.Trailer(&trailer))
	c.breakers.record(call, faultOf(ctx, err, &trailer), began)
	err = c.explain(ctx, call, deadline, err)
	c.observe(Call{Method: method, Took: c.breakers.now() - began, Err: err})
	return err
}

// enter takes a place for a call that may be made, until leave is called.
func (c *Client) enter(ctx context.Context, call string, place *bulkhead) (leave func(), err error) {
	if c.closed.Load() {
		return nil, c.unavailable("is being stopped", nil)
	}
	if leave, err = place.enter(ctx); err != nil {
		return nil, c.refused(ctx, err)
	}
	if refusal := c.breakers.let(call); refusal != "" {
		leave()
		return nil, c.unavailable(refusal, nil)
	}
	return leave, nil
}

// hostError is an error of the host's own that ended a stream: a listener that did not take what came.
type hostError struct{ error }

func (e *hostError) Unwrap() error { return e.error }

// explain makes the error that callers see: it names the plugin and the call, and keeps the name that the plugin gave.
func (c *Client) explain(ctx context.Context, call string, deadline time.Duration, err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*hostError](err); ok {
		return own.error
	}
	if output, ok := errors.AsType[*OutputError](err); ok {
		return output
	}
	if ctx.Err() != nil {
		return fmt.Errorf("plugin %s, %s: %w", c.plugin, call, context.Cause(ctx))
	}
	s, isStatus := status.FromError(err)
	switch {
	case !isStatus && apierror.Has(err, apierror.ServiceUnavailable):
		return err // explained already
	case isStatus && diagnosticOf(s) != nil:
	case errors.Is(err, context.DeadlineExceeded) || s.Code() == codes.DeadlineExceeded:
		return c.unavailable(fmt.Sprintf("did not answer %s within %s", call, deadline), context.DeadlineExceeded)
	case s.Code() == codes.ResourceExhausted && strings.Contains(s.Message(), "larger than max"):
		return c.tooMuch(call, "a message of more than %d bytes", c.limits.MessageBytes)
	case s.Code() == codes.Unavailable:
		return c.unavailable("does not answer", fmt.Errorf("%s: %w", call, rpcerror.Decode(err)))
	}
	return fmt.Errorf("plugin %s, %s: %w", c.plugin, call, rpcerror.Decode(err))
}

// unavailable is the error of a plugin that cannot be asked. The cause is for logs.
func (c *Client) unavailable(what string, cause error) error {
	err := apierror.Newf(apierror.ServiceUnavailable, "Plugin %s %s", c.plugin, what)
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, cause)
}

func (c *Client) refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("plugin %s: wait for a turn: %w", c.plugin, context.Cause(ctx))
	}
	return c.unavailable("is busy: "+err.Error(), nil)
}

// traceparent is the W3C trace context to send: that of ctx, or a new one.
func (c *Client) traceparent(ctx context.Context) string {
	if c.trace != nil {
		if t := c.trace(ctx); t != "" {
			return t
		}
	}
	var id [24]byte
	_, _ = rand.Read(id[:])
	return "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-01"
}
