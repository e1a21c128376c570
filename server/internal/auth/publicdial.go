package auth

import (
	"net"
	"net/http"
	"time"

	"github.com/callboard/callboard/server/internal/netguard"
)

// publicTransport reaches public addresses only. It uses no proxy, which would dial on our behalf, and keeps no
// connections.
func publicTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: netguard.Control}
	return &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true}
}
