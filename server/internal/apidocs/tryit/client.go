package tryit

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/callboard/callboard/server/internal/netguard"
)

// longest is how long one request may take.
const longest = 10 * time.Second

// client makes what sends requests to servers: to public ones, or to those inside that the configuration names. No
// environment's proxy is used, since that would dial in place of the guard.
func client(internal bool) *http.Client {
	control := netguard.Control
	if internal {
		control = notSelf
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: control}
	return &http.Client{
		Timeout: longest,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 2, MaxConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// notSelf refuses what no server of an API is at, also inside: among the link-local addresses are the metadata services of clouds.
func notSelf(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return netguard.ErrNotPublic
	}
	ip := a.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || ip == netip.MustParseAddr("fd00:ec2::254") || ip == netip.MustParseAddr("100.100.100.200") {
		return netguard.ErrNotPublic
	}
	return nil
}

// reason says why nothing came back, without addresses inside.
func reason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, netguard.ErrNotPublic):
		return "its address is not a public one, and callboard.apiDocs.tryIt does not say that it is internal"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer within " + longest.String()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections"
	default:
		return "it cannot be reached"
	}
}
