package sdk

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Host is what the host does for a plugin. Most of it must be asked for in plugin.yaml, under needs: a call beyond that
// fails with [ErrNotAllowed], whose text names the missing need. All of it is safe for concurrent use.
type Host struct {
	Auth       Auth
	Catalog    Catalog
	KV         KV
	Cache      Cache
	Secrets    Secrets
	Scheduler  Scheduler
	Events     Events
	Permission Permissions
	Locks      Locks
	Audit      Audit
	Discovery  Discovery

	Notifications Notifications

	workspaces pluginv1.HostWorkspaceServiceClient // see [ActionContext.Workspace]

	// HTTP is the way out: it reaches what needs.egress names, and nothing else. It repeats requests that may be repeated,
	// honours Retry-After, and passes the trace context on. http.DefaultClient does not get out of a sandbox.
	HTTP *http.Client

	conn *hostConn
	out  *outgoing
}

func newHost(p *Plugin) *Host {
	conn := &hostConn{plugin: p.id}
	out := &outgoing{plugin: p.id}
	h := &Host{
		Auth:       Auth{pluginv1.NewHostAuthServiceClient(conn)},
		KV:         KV{pluginv1.NewHostKeyValueServiceClient(conn)},
		Cache:      Cache{pluginv1.NewHostCacheServiceClient(conn)},
		Secrets:    Secrets{pluginv1.NewHostSecretsServiceClient(conn)},
		Scheduler:  Scheduler{pluginv1.NewHostSchedulerServiceClient(conn)},
		Events:     Events{pluginv1.NewHostEventsServiceClient(conn)},
		Permission: Permissions{pluginv1.NewHostPermissionServiceClient(conn)},
		Locks:      Locks{pluginv1.NewHostLockServiceClient(conn)},
		Audit:      Audit{pluginv1.NewHostAuditServiceClient(conn)},
		Discovery:  Discovery{pluginv1.NewHostDiscoveryServiceClient(conn)},
		workspaces: pluginv1.NewHostWorkspaceServiceClient(conn),
		HTTP:       &http.Client{Transport: &retrying{next: out}},
		conn:       conn, out: out,
	}
	h.Catalog = Catalog{pluginv1.NewHostCatalogServiceClient(conn), h}
	h.Notifications = Notifications{h}
	return h
}

// BaseURL is where plugins are reached from outside, such as "https://portal.example.com"; "" until configured.
func (h *Host) BaseURL() string {
	if c := h.conn.configured.Load(); c != nil {
		return c.baseURL
	}
	return ""
}

// Version is the host's version, "" until configured.
func (h *Host) Version() string {
	if c := h.conn.configured.Load(); c != nil {
		return c.version
	}
	return ""
}

// configured is what the host said in Configure.
type configured struct{ token, baseURL, version string }

// hostConn is the connection below all host services. It exists before the real one does, so that authors can hold
// clients from the start; it adds token, trace context and a deadline to each call, and gives errors their names back.
type hostConn struct {
	plugin     string
	conn       atomic.Pointer[grpc.ClientConnInterface]
	configured atomic.Pointer[configured]
}

// hostDeadline is for calls whose context has none: a host that is busy must not hang a plugin.
const hostDeadline = 15 * time.Second

func (c *hostConn) ready(ctx context.Context) (grpc.ClientConnInterface, context.Context, error) {
	conn, conf := c.conn.Load(), c.configured.Load()
	if conn == nil || conf == nil {
		return nil, nil, fmt.Errorf("plugin %s: host services are there once the host has configured the plugin: %w", c.plugin, ErrServiceUnavailable)
	}
	pairs := []string{"callboard-token", conf.token}
	if t := Traceparent(ctx); t != "" {
		pairs = append(pairs, traceHeader, t)
	}
	return *conn, metadata.AppendToOutgoingContext(ctx, pairs...), nil
}

// Invoke implements [grpc.ClientConnInterface].
func (c *hostConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	conn, ctx, err := c.ready(ctx)
	if err != nil {
		return err
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hostDeadline)
		defer cancel()
	}
	return rpcerror.Decode(conn.Invoke(ctx, method, args, reply, opts...))
}

// NewStream implements [grpc.ClientConnInterface].
func (c *hostConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	conn, ctx, err := c.ready(ctx)
	if err != nil {
		return nil, err
	}
	s, err := conn.NewStream(ctx, desc, method, opts...)
	return s, rpcerror.Decode(err)
}

var _ grpc.ClientConnInterface = (*hostConn)(nil)
