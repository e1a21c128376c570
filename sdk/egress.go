package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// outgoing sends requests through the host: the transport is the proxy on egress.sock, or in tests a fake.
type outgoing struct {
	plugin string
	via    atomic.Pointer[http.RoundTripper]
}

var errNoWayOut = apierror.New(apierror.ServiceUnavailable, "requests can go out once the host has started the plugin")

// RoundTrip implements [http.RoundTripper]. It passes the trace context on.
func (o *outgoing) RoundTrip(r *http.Request) (*http.Response, error) {
	via := o.via.Load()
	if via == nil {
		return nil, fmt.Errorf("plugin %s: %w", o.plugin, errNoWayOut)
	}
	if t := Traceparent(r.Context()); t != "" && r.Header.Get(traceHeader) == "" {
		r = r.Clone(r.Context())
		r.Header.Set(traceHeader, t)
	}
	return (*via).RoundTrip(r)
}

// throughProxy is the transport whose every connection is one to the proxy on a unix socket.
func throughProxy(socket string) *http.Transport {
	return &http.Transport{
		// The name is never looked up: DialContext knows one place only.
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "egress.callboard.internal:80"}),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		OnProxyConnectResponse: refusal,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  60 * time.Second,
		ExpectContinueTimeout:  time.Second,
	}
}

// refusal turns the proxy's no into an error of its name. The proxy tells its reason in the status line: for a refusal,
// that the address is not among needs.egress.
func refusal(_ context.Context, _ *url.URL, req *http.Request, res *http.Response) error {
	_, reason, _ := strings.Cut(res.Status, " ")
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden:
		if reason == "" || reason == http.StatusText(http.StatusForbidden) {
			reason = "add it to needs.egress in plugin.yaml and have it approved"
		}
		return fmt.Errorf("egress to %s: %s: %w", req.URL.Host, reason, ErrNotAllowed)
	case http.StatusBadRequest:
		return fmt.Errorf("egress to %s: %s: %w", req.URL.Host, reason, ErrInput)
	}
	return fmt.Errorf("egress to %s: %s: %w", req.URL.Host, reason, ErrServiceUnavailable)
}

// retrying repeats requests that can be repeated without harm: of an idempotent method, with a body that can be sent again.
type retrying struct{ next http.RoundTripper }

const (
	attempts     = 3
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
)

// RoundTrip implements [http.RoundTripper].
func (t *retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		res, err := t.next.RoundTrip(r)
		if attempt == attempts || !repeatable(r) || !worthRepeating(r.Context(), res, err) {
			return res, err
		}
		pause, ok := pauseBefore(r.Context(), attempt, res)
		if !ok {
			return res, err // the answer is worth more than a wait beyond the deadline
		}
		again, rerr := rewound(r)
		if rerr != nil {
			return res, err
		}
		if res != nil {
			_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
			res.Body.Close()
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(pause):
		}
		r = again
	}
}

func repeatable(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
	}
	return false
}

func worthRepeating(ctx context.Context, res *http.Response, err error) bool {
	if err != nil {
		return ctx.Err() == nil && !errors.Is(err, ErrNotAllowed) && !errors.Is(err, errNoWayOut)
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pauseBefore is the server's Retry-After, or a doubling pause of which half is chance, so that many plugins do not come
// back at once. It is false when the wait would outlast the context or longestPause.
func pauseBefore(ctx context.Context, attempt int, res *http.Response) (time.Duration, bool) {
	pause := firstPause << (attempt - 1)
	pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // jitter, not a secret
	if res != nil {
		if after, ok := retryAfter(res.Header.Get("Retry-After"), time.Now()); ok {
			pause = after + rand.N(firstPause) //nolint:gosec // as above
		}
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < pause {
		return 0, false
	}
	return pause, pause <= longestPause+firstPause
}

// retryAfter reads seconds or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < 1<<30 {
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}

// rewound is the request with its body from the start: a RoundTripper must not change the one it was given.
func rewound(r *http.Request) (*http.Request, error) {
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	return again, nil
}
