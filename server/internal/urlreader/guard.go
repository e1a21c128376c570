package urlreader

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// guardedTransport dials public addresses only, unless named reports that the configuration names the host itself. The
// check is on the address that is dialled, after name resolution, so a name that changes its answer gains nothing.
func guardedTransport(named func(host string) bool) *http.Transport {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if named(hostname(address)) {
			return dialer.DialContext(ctx, network, address)
		}
		guarded := *dialer
		guarded.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return publicOnly(resolved)
		}
		return guarded.DialContext(ctx, network, address)
	}
	return t
}

// Ranges that are not public but that netip does not name: carrier NAT, benchmarking, protocol assignments, NAT64 and
// documentation.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func publicOnly(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("refused to connect to %s: not an IP address", address)
	}
	ip := ap.Addr().Unmap()
	public := ip.IsGlobalUnicast() && !ip.IsPrivate()
	for _, prefix := range reserved {
		public = public && !prefix.Contains(ip)
	}
	if !public {
		return fmt.Errorf("refused to connect to %s: it is not a public address; name the host itself in backend.reading.allow if it may be read", ip)
	}
	return nil
}
