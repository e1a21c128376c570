package conformance

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/origin"
)

// egressFake answers egress.sock: it writes down where the plugin wants to go. It lets nothing out; what the manifest
// allows is answered by the upstream of the target, if there is one.
type egressFake struct {
	server   *http.Server
	listener *connections
	allow    []string // entries of needs.egress
	upstream http.Handler
	served   chan struct{}

	mu       sync.Mutex
	named    []string // destinations of the settings, see package origin
	attempts []attempt
}

// name lets the plugin reach what settings name where needs.egress points to.
func (e *egressFake) name(settings []byte) {
	var values any
	_ = json.Unmarshal(settings, &values)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, entry := range e.allow {
		e.named = append(e.named, origin.Named(entry, values)...)
	}
}

func (e *egressFake) allowed(scheme, host, port string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(slices.Concat(e.allow, e.named), func(entry string) bool { return allows(entry, scheme, host, port) })
}

type attempt struct {
	target  string // "https://api.example.com:443"
	allowed bool
}

func serveEgress(socket string, allow []string, upstream string) (*egressFake, error) {
	l, err := listen(socket)
	if err != nil {
		return nil, err
	}
	e := &egressFake{listener: l, allow: allow, served: make(chan struct{})}
	if upstream != "" {
		u, err := url.Parse(upstream)
		if err != nil {
			l.closeAll()
			return nil, errTarget("the upstream %q is no URL: %v", upstream, err)
		}
		e.upstream = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(e.served)
		_ = e.server.Serve(l) // ends with close
	}()
	return e, nil
}

func (e *egressFake) close() {
	e.listener.closeAll()
	_ = e.server.Close()
	<-e.served
}

func (e *egressFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme, host, port := "http", r.URL.Hostname(), r.URL.Port()
	if r.Method == http.MethodConnect {
		scheme = "https"
		host, port, _ = net.SplitHostPort(r.Host)
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	a := attempt{target: scheme + "://" + net.JoinHostPort(host, port), allowed: e.allowed(scheme, host, port)}
	e.mu.Lock()
	if len(e.attempts) < 1000 {
		e.attempts = append(e.attempts, a)
	}
	e.mu.Unlock()
	switch {
	case !a.allowed:
		http.Error(w, "needs.egress of plugin.yaml does not name "+a.target, http.StatusForbidden)
	case e.upstream != nil && scheme == "http":
		e.upstream.ServeHTTP(w, r)
	default:
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
		http.Error(w, "the conformance kit lets nothing out", http.StatusBadGateway)
	}
}

// since are the attempts after the first n.
func (e *egressFake) since(n int) []attempt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.attempts[min(n, len(e.attempts)):])
}

// allows says whether an entry of needs.egress covers a destination: "https://*.sentry.io:443".
func allows(entry, scheme, host, port string) bool {
	u, err := url.Parse(entry)
	if err != nil || u.Scheme != scheme {
		return false
	}
	want := u.Port()
	if want == "" {
		want = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if want != port {
		return false
	}
	pattern, name := strings.ToLower(u.Hostname()), strings.ToLower(strings.TrimSuffix(host, "."))
	if suffix, ok := strings.CutPrefix(pattern, "*."); ok {
		return strings.HasSuffix(name, "."+suffix)
	}
	return pattern == name
}
