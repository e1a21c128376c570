package caps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// budget is what one stream may take.
type budget struct {
	place           *bulkhead
	idle, total     time.Duration
	messages, bytes int
}

func (c *Client) budget() budget {
	return budget{place: c.streams, idle: c.limits.Idle, total: c.limits.Stream, messages: c.limits.StreamMessages, bytes: c.limits.StreamBytes}
}

// stream reads a server's stream to its end and hands each message to take, in order and on the caller's goroutine. A
// stream that is silent for too long, lasts too long or brings too much is ended.
func stream[Req any, Res any, Msg interface {
	*Res
	proto.Message
}](ctx context.Context, c *Client, call string, b budget,
	open func(context.Context, Req, ...grpc.CallOption) (grpc.ServerStreamingClient[Res], error), request Req, take func(*Res) error,
) error {
	return c.do(ctx, call, b.place, b.total, func(ctx context.Context, options ...grpc.CallOption) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(b.idle, func() { cancel(errSilent) })
		defer silence.Stop()
		s, err := open(ctx, request, options...)
		if err != nil {
			return err
		}
		messages, bytes := 0, 0
		for {
			m, err := s.Recv()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case errors.Is(context.Cause(ctx), errSilent):
				return c.unavailable(fmt.Sprintf("sent nothing for %s during %s", b.idle, call), context.DeadlineExceeded)
			case err != nil:
				return err
			}
			silence.Reset(b.idle)
			c.breakers.hear()
			messages++
			bytes += proto.Size(Msg(m))
			if messages > b.messages {
				return c.tooMuch(call, "a stream of more than %d messages", b.messages)
			}
			if bytes > b.bytes {
				return c.tooMuch(call, "a stream of more than %d bytes", b.bytes)
			}
			if err := take(m); err != nil {
				return err
			}
			silence.Reset(b.idle) // taking may be slow, and that is not the plugin's fault
		}
	})
}

var errSilent = errors.New("the stream is silent")
