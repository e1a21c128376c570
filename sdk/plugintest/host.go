package plugintest

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// FailHost has calls of one method of the host's services fail, "GetEntity" or "PutValue", until it is called with nil. It
// shows how the plugin takes a missing need ([sdk.ErrNotAllowed]) or a host that is busy ([sdk.ErrServiceUnavailable]).
func (h *Harness) FailHost(method string, err error) { h.faults.set(method, err) }

type faults struct {
	mu sync.Mutex
	by map[string]error
}

func (f *faults) set(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = map[string]error{}
	}
	f.by[method] = err
}

func (f *faults) of(fullMethod string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.by[fullMethod[strings.LastIndexByte(fullMethod, '/')+1:]]
}

// serveHost serves the fakes over gRPC and answers the connection that the plugin gets.
func (h *Harness) serveHost() *grpc.ClientConn {
	s := grpc.NewServer(grpc.UnaryInterceptor(h.hostUnary), grpc.StreamInterceptor(h.hostStream))
	pluginv1.RegisterHostAuthServiceServer(s, authService{h: h})
	pluginv1.RegisterHostCatalogServiceServer(s, catalogService{c: h.Catalog})
	pluginv1.RegisterHostKeyValueServiceServer(s, kvService{kv: h.KV})
	pluginv1.RegisterHostCacheServiceServer(s, cacheService{kv: h.Cache})
	pluginv1.RegisterHostSecretsServiceServer(s, secretsService{s: h.Secrets})
	pluginv1.RegisterHostSchedulerServiceServer(s, schedulerService{s: h.Scheduler})
	pluginv1.RegisterHostEventsServiceServer(s, eventsService{e: h.Events})
	pluginv1.RegisterHostPermissionServiceServer(s, permissionService{p: h.Permissions})
	pluginv1.RegisterHostLockServiceServer(s, locksService{l: h.Locks})
	pluginv1.RegisterHostAuditServiceServer(s, auditService{a: h.Audit})
	pluginv1.RegisterHostDiscoveryServiceServer(s, discoveryService{})
	pluginv1.RegisterHostWorkspaceServiceServer(s, workspaceService{w: &h.workspaces})
	l := bufconn.Listen(1 << 20)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(l); err != nil {
			h.t.Errorf("fake host: %v", err)
		}
	})
	conn := dial(h.t, l)
	h.t.Cleanup(func() {
		_ = conn.Close()
		s.Stop()
		serving.Wait()
	})
	return conn
}

func (h *Harness) hostUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := h.admit(ctx, info.FullMethod); err != nil {
		return nil, rpcerror.Encode(err)
	}
	res, err := handle(ctx, req)
	return res, rpcerror.Encode(err)
}

func (h *Harness) hostStream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if err := h.admit(s.Context(), info.FullMethod); err != nil {
		return rpcerror.Encode(err)
	}
	return rpcerror.Encode(handle(srv, s))
}

func (h *Harness) admit(ctx context.Context, method string) error {
	if got := metadata.ValueFromIncomingContext(ctx, "callboard-token"); len(got) != 1 || got[0] != token {
		return apierror.New(apierror.Authentication, "the call carries no callboard-token")
	}
	return h.faults.of(method)
}
