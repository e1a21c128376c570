package launch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// MaxMessage is the largest gRPC message either way. Lists are streams; nothing needs more.
const MaxMessage = 4 << 20

// HealthService is the name that go-plugin's convention gives a plugin.
const HealthService = "plugin"

// newConn makes the connection to rpc.sock, which is dialled with the first call.
func (p *Process) newConn() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.Dial(ctx, SocketRPC) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // the socket's folder is the plugin's and the host's alone
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithIdleTimeout(0))
}

// greet asks once whether somebody answers. Whether the plugin is well is for its supervisor to ask.
func (p *Process) greet(ctx context.Context) *StartError {
	_, err := healthpb.NewHealthClient(p.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: HealthService}, grpc.WaitForReady(true))
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.NotFound || status.Code(err) == codes.Unimplemented:
		return &StartError{
			Stage: StageConnect, Reason: `it does not serve grpc.health.v1.Health with the service "plugin"`,
			Hint: "register the health service before printing the handshake", Err: err,
		}
	}
	select {
	case <-p.exited:
		return &StartError{Stage: StageConnect, Reason: "it ended after the handshake: " + p.ExitReason(), Err: err}
	default:
		return &StartError{
			Stage: StageConnect, Reason: "it shook hands, but does not answer on " + SocketRPC + ": " + status.Convert(err).Message(),
			Hint: "listen on the socket before printing the handshake", Err: err,
		}
	}
}

// disconnect closes the connection once it has noticed the end itself, so that calls under way end as unavailable and not
// as cancelled.
func (p *Process) disconnect() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	for state := p.conn.GetState(); state == connectivity.Ready; state = p.conn.GetState() {
		if !p.conn.WaitForStateChange(ctx, state) {
			break
		}
	}
	p.conn.Close()
}

var errForeign = errors.New("another process listens on it")

// Dial connects to a socket of the plugin in its runtime folder. The plugin may put there what it likes, such as a link to
// another program's socket, so the path is not followed, and who listens must belong to the plugin.
func (p *Process) Dial(ctx context.Context, socket string) (net.Conn, error) {
	conn, err := dialSocket(ctx, p.spec.RuntimeDir, socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %s of plugin %s: %w", socket, p.spec.ID, err)
	}
	pid, err := peer(conn)
	if err == nil && !p.Owns(pid) {
		err = errForeign
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to %s of plugin %s: %w", socket, p.spec.ID, err)
	}
	return conn, nil
}
