package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/rpcerror"
)

// unary and stream stand before every call: they put the trace into the context, refuse what comes before Configure, count
// what runs, catch panics, and give errors their form on the wire.

func (i *Instance) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	var res any
	err := i.call(traceFrom(ctx), info.FullMethod, func(ctx context.Context) (err error) {
		res, err = handle(ctx, req)
		return err
	})
	return res, err
}

func (i *Instance) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return i.call(traceFrom(s.Context()), info.FullMethod, func(ctx context.Context) error {
		return handle(srv, &tracedStream{s, ctx})
	})
}

func (i *Instance) call(ctx context.Context, method string, run func(context.Context) error) error {
	if counts(method) {
		defer i.work.begin()()
	}
	if !i.ready() && needsSettings(method) {
		return rpcerror.Encode(fmt.Errorf("plugin %s is not configured yet: %w", i.p.id, ErrServiceUnavailable))
	}
	err := i.p.guard(ctx, method, func() error { return run(ctx) })
	if err == nil {
		return nil
	}
	return rpcerror.Encode(&cleaned{i.p.secrets.clean(err.Error()), err})
}

// counts tells calls that Drain waits for from those that ask how the plugin is, Drain itself among them.
func counts(method string) bool { return needsSettings(method) }

// needsSettings is true for the work of capabilities. Lists must not depend on settings.
func needsSettings(method string) bool {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return strings.HasPrefix(service, "callboard.plugin.v1.") && service != "callboard.plugin.v1.PluginService" &&
		!strings.HasPrefix(name, "List")
}

// guard turns a panic into an error, and logs it with its stack.
func (p *Plugin) guard(ctx context.Context, what string, run func() error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			slog.ErrorContext(ctx, "plugin panicked", "in", what, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			err = fmt.Errorf("%s panicked: %v", what, panicked)
		}
	}()
	return run()
}

// cleaned is an error whose text holds no secret.
type cleaned struct {
	text  string
	cause error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.cause }

type tracedStream struct {
	grpc.ServerStream

	ctx context.Context //nolint:containedctx // how gRPC hands a stream's context on
}

func (s *tracedStream) Context() context.Context { return s.ctx }
