package conformance

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// maxMessage is what a message may have, maxGRPC what gRPC is set to on both sides.
	maxMessage = 256 << 10
	maxGRPC    = 4 << 20
)

// recorder sees every message that the plugin sends over gRPC: how long it is, and whether it holds a canary.
type recorder struct {
	canaries *canaries
	mu       sync.Mutex
	longest  map[string]int
}

type methodKey struct{}

func (r *recorder) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, methodKey{}, shortMethod(info.FullMethodName))
}

func (r *recorder) HandleRPC(ctx context.Context, s stats.RPCStats) {
	method, _ := ctx.Value(methodKey{}).(string)
	switch s := s.(type) {
	case *stats.InPayload:
		r.mu.Lock()
		r.longest[method] = max(r.longest[method], s.Length)
		r.mu.Unlock()
		if m, ok := s.Payload.(proto.Message); ok {
			if data, err := proto.Marshal(m); err == nil {
				r.canaries.look("the answer of "+method, data)
			}
		}
	case *stats.End:
		if s.Error != nil {
			r.canaries.look("an error of "+method, fmt.Append(nil, status.Convert(s.Error).Proto()))
		}
	}
}

func (r *recorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (r *recorder) HandleConn(context.Context, stats.ConnStats)                       {}

// tooLong names the method whose messages are longer than they may be; "" = none is.
func (r *recorder) tooLong() (method string, length int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m, n := range r.longest {
		if n > maxMessage && n > length {
			method, length = m, n
		}
	}
	return method, length
}

var _ stats.Handler = (*recorder)(nil)
