// Package egress is a plugin's only way to the network: an HTTP proxy on a unix socket that knows whose socket it is, lets
// through what the plugin's manifest asks for and an administrator approved, and tells of every attempt.
package egress

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// InternalHost is the name under which plugins reach the host itself.
const InternalHost = "callboard.internal"

// Options say whose proxy it is and what it lets through.
type Options struct {
	Plugin manifest.ID
	// Socket is the path to listen on, in the plugin's runtime folder.
	Socket string
	// Allow are the approved destinations, see [manifest.Needs.Destinations]; [Proxy.Allow] changes them.
	Allow []string
	// AllowPrivate are host names, addresses and networks ("git.corp.example", "10.1.2.3", "10.1.0.0/16") that the operator
	// lets this plugin reach although their addresses are not public. It does not replace Allow.
	AllowPrivate []string
	// Audit hears of every attempt once it is over; nil = nobody. Called on the goroutine of the connection.
	Audit func(Attempt)
	// Internal answers requests to [InternalHost], which are not in Allow. Of the headers by which a request can speak for
	// somebody, Authorization alone is kept; RemoteAddr is no address, so that a plugin does not pass for a local caller.
	// nil = refused.
	Internal http.Handler
	// Peer judges who connects by SO_PEERCRED; nil = whoever can open the socket.
	Peer func(pid int, uid uint32) bool
	// Lookup resolves names; nil = the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Limits Limits
}

// Limits bound what one plugin costs; zero = the default in brackets.
type Limits struct {
	Connections   int           // at a time [64]
	Idle          time.Duration // without a byte in either direction [2 min]
	Header        int           // bytes of a request's header [64 KiB]
	HostPerSecond float64       // new requests to one host [20], bursts of five times that
}

func (l Limits) withDefaults() Limits {
	if l.Connections == 0 {
		l.Connections = 64
	}
	if l.Idle == 0 {
		l.Idle = 2 * time.Minute
	}
	if l.Header == 0 {
		l.Header = 64 << 10
	}
	if l.HostPerSecond == 0 {
		l.HostPerSecond = 20
	}
	return l
}

// Attempt is one request to go out.
type Attempt struct {
	Plugin  manifest.ID
	Method  string // CONNECT, or the method of a request in clear
	Host    string
	Port    uint16
	Address netip.AddrPort // what was dialled; invalid if nothing was
	Allowed bool
	// Reason is why it was refused or failed; "" = it went through.
	Reason string
	// Sent and Received are bytes after the request's header, as the plugin sees them.
	Sent, Received int64
	Started        time.Time
	Took           time.Duration
}
