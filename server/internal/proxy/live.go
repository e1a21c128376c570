package proxy

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// live is what an endpoint is served with; it ends when the configuration changes.
type live struct {
	transport *http.Transport // nil for plugins
	places    chan struct{}   // for requests in flight
}

// keptFor is how long an unused connection is kept. It is less than servers commonly keep one, so that a request that
// cannot be repeated is not sent into a connection that is being closed.
const keptFor = 4 * time.Second

// serving makes connections of the endpoint's own: nothing that is configured for one is used by another.
func (p *Proxy) serving(e *endpoint) live {
	l := live{places: make(chan struct{}, p.limits.InFlight)}
	if e.plugin != "" {
		return l
	}
	timeout := e.timeout
	if timeout == 0 {
		timeout = p.limits.Timeout
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	l.transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: e.insecure}, //nolint:gosec // the operator's "secure: false"
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: timeout,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: keptFor, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true, // bodies pass as they are
	}
	return l
}

func (l live) close() {
	if l.transport != nil {
		l.transport.CloseIdleConnections()
	}
}
