package plugintest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
)

// Outgoing is the world outside of the plugin: handlers by origin ("https://sentry.example"). Servers on the loopback
// interface, such as those of httptest, are reached as they are; everything else is refused, as the real host refuses
// what the manifest does not need.
type Outgoing struct {
	mu       sync.Mutex
	handlers map[string]http.Handler
	requests []Request
	loopback *http.Transport
}

// Request is one request that the plugin sent.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        []byte
}

func newOutgoing() *Outgoing {
	return &Outgoing{handlers: map[string]http.Handler{}, loopback: &http.Transport{DisableKeepAlives: true}}
}

// Handle answers requests to an origin.
func (o *Outgoing) Handle(origin string, h http.Handler) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handlers[strings.TrimSuffix(origin, "/")] = h
}

// HandleFunc is [Outgoing.Handle] for a function.
func (o *Outgoing) HandleFunc(origin string, h func(http.ResponseWriter, *http.Request)) {
	o.Handle(origin, http.HandlerFunc(h))
}

// Requests are what the plugin has sent so far, in order, refused ones included.
func (o *Outgoing) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.requests)
}

// RoundTrip implements [http.RoundTripper].
func (o *Outgoing) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	o.requests = append(o.requests, Request{r.Method, r.URL.String(), r.Header.Clone(), body})
	h := o.handlers[r.URL.Scheme+"://"+r.URL.Host]
	o.mu.Unlock()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case h != nil:
		return answered(h, r), nil
	case isLoopback(r.URL.Hostname()):
		return o.loopback.RoundTrip(r)
	}
	return nil, fmt.Errorf("egress to %s: the test has no handler for it; add h.Outgoing.Handle(%q, …): %w",
		r.URL.Host, r.URL.Scheme+"://"+r.URL.Host, apierror.New(apierror.NotAllowed, ""))
}

func answered(h http.Handler, r *http.Request) *http.Response {
	r.RequestURI = r.URL.RequestURI()
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var _ http.RoundTripper = (*Outgoing)(nil)
