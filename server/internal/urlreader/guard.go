package urlreader

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/callboard/callboard/server/internal/netguard"
)

// guardedTransport dials public addresses only, unless named reports that the configuration names the host itself.
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
		guarded.Control = publicOnly
		return guarded.DialContext(ctx, network, address)
	}
	return t
}

func publicOnly(network, resolved string, c syscall.RawConn) error {
	if err := netguard.Control(network, resolved, c); err != nil {
		return fmt.Errorf("refused to connect to %s: %w; name the host itself in backend.reading.allow if it may be read", resolved, err)
	}
	return nil
}
