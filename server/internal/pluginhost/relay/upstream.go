package relay

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Target is the plugin, whichever process serves it now.
type Target interface {
	// Acquire leases the instance that serves now. It may wait a little while one is on its way; its error is answered to
	// the caller, so it is an [apierror.Error] that names the plugin and its state, or a [*Refusal] around one.
	Acquire(ctx context.Context) (Instance, error)
}

// Instance is one process of the plugin, leased for one request. Instances of the same process are equal (==), and those
// of different ones are not: each process has a pool of connections.
type Instance interface {
	// Dial connects to its http.sock. It may be called after Release, and then may fail.
	Dial(ctx context.Context) (net.Conn, error)
	// Release ends the lease. It is called once.
	Release()
}

// upstream is the connections to one process.
type upstream struct {
	of        Instance
	transport *http.Transport
}

// unusedFor is how long a connection is kept that nobody uses; those of a process that is gone end with it.
const unusedFor = 30 * time.Second

func (r *Relay) newUpstream(i Instance) *upstream {
	return &upstream{of: i, transport: &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return i.Dial(ctx) },
		DisableCompression:     true, // encodings are between the caller and the plugin
		MaxIdleConns:           r.limits.InFlight,
		MaxIdleConnsPerHost:    r.limits.InFlight,
		IdleConnTimeout:        unusedFor,
		MaxResponseHeaderBytes: r.limits.Header,
	}}
}

// upstream finds the connections to i. Connections to the instance before are closed when their requests end: an upgrade
// changes instances for good, so only one is remembered. A late lease of the old one makes connections anew, which costs
// time and nothing else.
func (r *Relay) upstream(i Instance) *upstream {
	if u := r.current.Load(); u != nil && u.of == i {
		return u
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current.Load()
	if old != nil && old.of == i {
		return old
	}
	u := r.newUpstream(i)
	r.current.Store(u)
	if old != nil {
		old.transport.CloseIdleConnections()
	}
	return u
}
