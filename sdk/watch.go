package sdk

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

var errHostGone = errors.New("the host is gone")

// How soon the end of the host is noticed. The protocol allows 5 s, stopping included.
const (
	lookEvery = 500 * time.Millisecond
	goneAfter = 2 * time.Second
)

// watchHost keeps the connection to host.sock open and calls gone when the host ends, so that no plugin outlives it: when
// the connection was there and does not come back, or when the process has got another parent. A host.sock that was never
// there is no sign: a plugin is also started to be described or verified, without host services.
func watchHost(ctx context.Context, host *grpc.ClientConn, parent func() int, gone context.CancelCauseFunc) {
	started := parent()
	var lostAt time.Time
	connected := false
	for ctx.Err() == nil {
		host.Connect()
		state := host.GetState()
		switch {
		case parent() != started:
			gone(errHostGone)
			return
		case state == connectivity.Ready:
			connected, lostAt = true, time.Time{}
		case connected && lostAt.IsZero():
			lostAt = time.Now()
		case connected && time.Since(lostAt) > goneAfter:
			gone(errHostGone)
			return
		}
		// Changes are seen at once, so that no short connection is missed; the rest is looked at now and then.
		look, cancel := context.WithTimeout(ctx, lookEvery)
		host.WaitForStateChange(look, state)
		cancel()
	}
}
