package hostsvc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// TokenKey is the metadata key of the token that a plugin was given at Configure.
const TokenKey = "callboard-token"

// Limits of one plugin. They are far above what an honest plugin needs.
const (
	callsPerSecond = 1000
	callsBurst     = 2000
	callsAtOnce    = 64 // over all connections; further ones wait until their deadline

	unaryDeadline  = 10 * time.Second // when the caller sets none
	unaryLongest   = 30 * time.Second
	streamDeadline = 10 * time.Minute // plugins do something with each batch before they take the next
	streamLongest  = 10 * time.Minute

	denialsPerSecond = 10 // that are logged and audited one by one; further ones are counted
	denialsBurst     = 100
	auditPatience    = 5 * time.Second
)

// gate is what every call passes on its way in and every error on its way out.
type gate struct {
	plugin manifest.ID
	needs  manifest.Needs
	token  [sha256.Size]byte
	log    *slog.Logger
	audit  Audit // may be nil
	now    func() time.Time

	calls   *rate.Limiter
	slots   chan struct{}
	denials *rate.Limiter
	muted   atomic.Int64 // denials that were counted only
}

func newGate(o Options) *gate {
	return &gate{
		plugin: o.Plugin, needs: o.Needs, token: sha256.Sum256([]byte(o.Token)), log: o.Logger, audit: o.Backend.Audit, now: o.Now,
		calls: rate.NewLimiter(callsPerSecond, callsBurst), slots: make(chan struct{}, callsAtOnce),
		denials: rate.NewLimiter(denialsPerSecond, denialsBurst),
	}
}

func (g *gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	err = g.pass(ctx, info.FullMethod, req, unaryDeadline, unaryLongest, func(ctx context.Context) (err error) {
		response, err = handler(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

func (g *gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return g.pass(ss.Context(), info.FullMethod, nil, streamDeadline, streamLongest, func(ctx context.Context) error {
		return handler(srv, timedStream{ss, ctx})
	})
}

type timedStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // it is how gRPC hands a stream's context on
}

func (s timedStream) Context() context.Context { return s.ctx }

// pass runs call when the caller is who it should be and may do this, and turns its error into a status.
func (g *gate) pass(ctx context.Context, method string, req any, usual, longest time.Duration, call func(context.Context) error) error {
	ctx, cancel := bound(ctx, usual, longest)
	defer cancel()
	err := g.admit(ctx, method, req)
	if err == nil {
		err = g.protect(method, func() error { return call(ctx) })
		<-g.slots
	}
	return g.answer(ctx, method, err)
}

func bound(ctx context.Context, usual, longest time.Duration) (context.Context, context.CancelFunc) {
	if _, set := ctx.Deadline(); !set {
		return context.WithTimeout(ctx, usual)
	}
	return context.WithTimeout(ctx, longest)
}

// admit takes a slot when it returns nil.
func (g *gate) admit(ctx context.Context, method string, req any) error {
	if !g.calls.AllowN(g.now(), 1) {
		return apierror.Newf(apierror.ServiceUnavailable, "plugin %s makes more than %d calls a second to the host; make fewer, or try again later", g.plugin, callsPerSecond)
	}
	if err := g.identify(ctx, method); err != nil {
		return err
	}
	if err := g.allow(ctx, method, req); err != nil {
		return err
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for one of %d calls at a time to end: %w", callsAtOnce, ctx.Err())
	}
}

// identify compares hashes, so that the time tells nothing of the token, not even its length.
func (g *gate) identify(ctx context.Context, method string) error {
	reason := "the call has no token"
	if values := metadata.ValueFromIncomingContext(ctx, TokenKey); len(values) == 1 {
		given := sha256.Sum256([]byte(values[0]))
		if subtle.ConstantTimeCompare(given[:], g.token[:]) == 1 {
			return nil
		}
		reason = "the token is not that of this start"
	} else if len(values) > 1 {
		reason = "the call has several tokens"
	}
	g.deny(ctx, denial{method: method, reason: reason, severity: "high"})
	return apierror.Newf(apierror.Authentication, "plugin %s: %s; send what Configure gave as host_token in the metadata %s", g.plugin, reason, TokenKey)
}

func (g *gate) allow(ctx context.Context, method string, req any) error {
	check, known := grants[method]
	if !known {
		g.deny(ctx, denial{method: method, reason: "the method is not open to plugins", severity: "medium"})
		return refusal{apierror.NotAllowedf("plugin %s may not call %s", g.plugin, short(method))}
	}
	missing := check(g.needs, req)
	if missing == "" {
		return nil
	}
	g.deny(ctx, denial{method: method, need: missing, reason: "a need is missing", severity: "medium"})
	return refusal{apierror.NotAllowedf("plugin %s may not call %s: it lacks the need %q; add it to needs in plugin.yaml and have the operator approve it",
		g.plugin, short(method), missing)}
}

// refusal marks an error whose denial was written down already.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func writtenDown(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

// short is "HostCatalogService/GetEntity".
func short(method string) string { return method[strings.LastIndexByte(method, '.')+1:] }

// protect makes a panic an error of the call.
func (g *gate) protect(method string, call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", short(method), v, debug.Stack())
		}
	}()
	return call()
}

// answer makes the status of an error. What has no name is told as an id only: its text may hold what plugins must not see.
func (g *gate) answer(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	named, hasName := errors.AsType[*apierror.Error](err)
	switch {
	case hasName && named.Name == apierror.NotAllowed && !writtenDown(err):
		g.deny(ctx, denial{method: method, reason: named.Message, severity: "medium"})
	case !hasName && ctx.Err() != nil:
		return rpcerror.Encode(ctx.Err())
	case !hasName, named.HTTPStatus() == http.StatusInternalServerError:
		id := rand.Text()
		g.log.ErrorContext(ctx, "a host service failed", "method", short(method), "id", id, "error", err)
		return rpcerror.Encode(fmt.Errorf("internal error of the host; its log has the text under id %s", id))
	}
	return rpcerror.Encode(named) // and not err: what the host's layers wrapped around it is not for plugins
}

// denial is a refused call or connection.
type denial struct {
	method, need, reason, severity string
	meta                           map[string]any
}

// deny logs and audits. A plugin that is refused again and again is counted rather than written down each time.
func (g *gate) deny(ctx context.Context, d denial) {
	if !g.denials.AllowN(g.now(), 1) {
		g.muted.Add(1)
		return
	}
	meta := map[string]any{"method": short(d.method), "reason": d.reason}
	maps.Copy(meta, d.meta)
	if d.need != "" {
		meta["need"] = d.need
	}
	if muted := g.muted.Swap(0); muted > 0 {
		meta["alsoRefused"] = muted
	}
	attrs := []any{}
	for _, k := range []string{"method", "need", "reason", "pid", "uid", "alsoRefused"} {
		if v, ok := meta[k]; ok {
			attrs = append(attrs, k, v)
		}
	}
	g.log.WarnContext(ctx, "a plugin was refused", attrs...)
	if g.audit == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditPatience)
	defer cancel()
	record := AuditRecord{At: g.now(), Plugin: g.plugin, Event: EventDenied, Severity: d.severity, Failed: true, Meta: meta}
	if err := g.audit.Record(ctx, record); err != nil {
		g.log.ErrorContext(ctx, "a refusal could not be audited", "method", short(d.method), "error", err)
	}
}
