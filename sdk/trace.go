package sdk

import (
	"context"
	"regexp"

	"google.golang.org/grpc/metadata"
)

const traceHeader = "traceparent"

// traceparent is version 00 of W3C Trace Context. Later versions have the same first four fields.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)

type traceKey struct{}

// Traceparent is the W3C trace context that came with the call, "" = none. The SDK passes it on with calls to the host
// and with requests of [Host.HTTP]; it makes no spans of its own, so a tracing library may start from here.
func Traceparent(ctx context.Context) string {
	t, _ := ctx.Value(traceKey{}).(string)
	return t
}

// withTrace puts a trace context into ctx, unless it is malformed.
func withTrace(ctx context.Context, value string) context.Context {
	if len(value) > 256 || !traceparent.MatchString(value) {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, value)
}

// traceFrom takes the trace context of an incoming gRPC call.
func traceFrom(ctx context.Context) context.Context {
	if values := metadata.ValueFromIncomingContext(ctx, traceHeader); len(values) == 1 {
		return withTrace(ctx, values[0])
	}
	return ctx
}

// traceID is the trace's id for log lines.
func traceID(ctx context.Context) string {
	if m := traceparent.FindStringSubmatch(Traceparent(ctx)); m != nil {
		return m[1]
	}
	return ""
}
