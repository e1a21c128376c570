package hostsvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Options is what a [Server] is made of.
type Options struct {
	Plugin  manifest.ID // required
	Version string      // of the plugin, for logs
	// Needs are those that were approved, not those that the manifest asks for.
	Needs manifest.Needs
	// Socket is the path to listen on, in a folder of this start that only the host and the plugin can enter.
	Socket string // required
	// Token is what Configure gives the plugin; new for each start.
	Token string // required
	// Peer says whether a process may connect. pid is in the host's own namespace, whatever namespaces the plugin lives in;
	// 0 stands for a process that is not visible from here. It is called for each connection, on the goroutine that accepts,
	// and must return soon. nil = everybody who can open the socket.
	Peer    func(pid int, uid uint32) bool
	Backend Backend
	Logger  *slog.Logger // required
	// Redact removes secrets of the plugin from text that the plugin sends for logs and audit records; nil = what GetSecret
	// answered is still removed.
	Redact func(string) string
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// Limits of the transport.
const (
	maxMessage     = 4 << 20
	maxRequest     = 1 << 20 // the protocol has 256 KiB; all requests that may be in memory at once are bounded by this
	maxStreams     = 64      // for each connection
	maxConnections = 8
	maxHeaders     = 64 << 10
	maxSocketPath  = 100 // the kernel's limit is 108 with the final zero
)

// Server is the host's side of one start of a plugin.
type Server struct {
	grpc    *grpc.Server
	closed  chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

// Serve listens and returns; calls are answered until ctx ends or Close is called. The socket's folder must exist.
func Serve(ctx context.Context, o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	g := newGate(o)
	door, err := listen(ctx, o, g)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: open host services: %w", o.Plugin, err)
	}
	s := &Server{closed: make(chan struct{}), grpc: grpc.NewServer(
		grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream),
		grpc.MaxRecvMsgSize(maxRequest), grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams), grpc.MaxHeaderListSize(maxHeaders),
		grpc.WaitForHandlers(true),
	)}
	register(s.grpc, o)
	s.running.Go(func() {
		if err := s.grpc.Serve(door); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			o.Logger.ErrorContext(ctx, "host services ended", "error", err)
		}
	})
	s.running.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.closed:
		}
		door.shut()
		s.grpc.Stop()
	})
	return s, nil
}

func (o *Options) complete() error {
	switch {
	case o.Plugin == "" || o.Socket == "" || o.Token == "" || o.Logger == nil:
		return fmt.Errorf("host services of plugin %q: plugin, socket, token and logger must be given", o.Plugin)
	case len(o.Socket) > maxSocketPath:
		return fmt.Errorf("plugin %s: the socket path %s is longer than %d bytes; choose a shorter folder", o.Plugin, o.Socket, maxSocketPath)
	}
	o.Logger = o.Logger.With("plugin", string(o.Plugin), "version", o.Version)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Close ends the services: calls are cancelled, connections closed, and the socket removed. It returns when nothing of the
// server runs any more, and may be called again.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.closed) })
	s.running.Wait()
	return nil
}

func listen(ctx context.Context, o Options, g *gate) (*door, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", o.Socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(o.Socket, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return newDoor(l, o.Peer, g), nil
}

func register(s *grpc.Server, o Options) {
	h := newHost(o)
	pluginv1.RegisterHostAuthServiceServer(s, authService{host: h})
	pluginv1.RegisterHostCatalogServiceServer(s, catalogService{host: h})
	pluginv1.RegisterHostKeyValueServiceServer(s, keyValueService{host: h})
	pluginv1.RegisterHostCacheServiceServer(s, cacheService{host: h})
	pluginv1.RegisterHostSecretsServiceServer(s, secretsService{host: h})
	pluginv1.RegisterHostSchedulerServiceServer(s, schedulerService{host: h})
	pluginv1.RegisterHostEventsServiceServer(s, eventsService{host: h})
	pluginv1.RegisterHostPermissionServiceServer(s, permissionService{host: h})
	pluginv1.RegisterHostLockServiceServer(s, lockService{host: h})
	pluginv1.RegisterHostAuditServiceServer(s, auditService{host: h})
	pluginv1.RegisterHostLogServiceServer(s, logService{host: h})
	pluginv1.RegisterHostDiscoveryServiceServer(s, discoveryService{host: h})
	pluginv1.RegisterHostWorkspaceServiceServer(s, workspaceService{host: h})
}
