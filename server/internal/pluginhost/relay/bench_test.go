package relay_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/principal"
)

// BenchmarkHop compares a request to a plugin's socket by net/http itself (raw) with one through the relay, and with one
// through the edge and the relay, which is a second request on a second socket. The three take turns, so that whatever
// else the machine does meets all of them; what is reported are medians, and their ratios to raw.
func BenchmarkHop(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"small", 100}, {"100KB", 100 << 10}} {
		b.Run(size.name, func(b *testing.B) { benchmarkHop(b, []byte(`{"a":"`+strings.Repeat("x", size.bytes)+`"}`)) })
	}
}

func benchmarkHop(b *testing.B, body []byte) {
	p := serve(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	r := relay.New(relay.Options{Plugin: "demo", Target: &plugin{now: p}, Logger: slog.New(slog.DiscardHandler),
		Ownership: func(context.Context, *principal.Principal) ([]string, error) {
			return []string{"user:default/guest", "group:default/guests"}, nil
		}})
	defer r.Close()
	edge := httpxtest.NewWith(b, httpx.Options{Logger: slog.New(slog.DiscardHandler), Auth: always{&principal.Principal{Kind: principal.User, Subject: "user:default/guest"}}})
	if _, err := edge.Attach(httpx.Feature{ID: "demo"}, r.Serve); err != nil {
		b.Fatal(err)
	}
	ways := []struct {
		name string
		ask  func()
		took []time.Duration
	}{
		{name: "raw", ask: over(b, p.socket, "/x", len(body))},
		{name: "relay", ask: through(b, r)},
		{name: "edge", ask: over(b, serve(b, edge).socket, "/api/demo/x", len(body))},
	}
	const turn = 25
	for b.Loop() {
		for i := range ways {
			began := time.Now()
			for range turn {
				ways[i].ask()
			}
			ways[i].took = append(ways[i].took, time.Since(began)/turn)
		}
	}
	median := func(all []time.Duration) float64 { slices.Sort(all); return float64(all[len(all)/2].Nanoseconds()) }
	raw := median(ways[0].took)
	b.ReportMetric(0, "ns/op")
	for _, w := range ways {
		b.ReportMetric(median(w.took)/1000, w.name+"-µs")
	}
	b.ReportMetric(raw/median(ways[1].took), "raw/relay")
	b.ReportMetric(raw/median(ways[2].took), "raw/edge")
}

// always knows one caller, as a cached token does.
type always struct{ who *principal.Principal }

func (a always) Authenticate(*http.Request, string, httpx.Allowance) (*principal.Principal, error) {
	return a.who, nil
}

// through asks the relay without a socket in front of it.
func through(b *testing.B, r *relay.Relay) (ask func()) {
	call := httpx.Call{Target: "/x", RequestID: "r1", Principal: &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}}
	in := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/x", nil)
	in.Header = clientHeader()
	w := &nullWriter{header: http.Header{}}
	return func() {
		clear(w.header)
		if err := r.Serve(w, in, call); err != nil || w.status != 200 {
			b.Fatal(err, w.status)
		}
	}
}

func clientHeader() http.Header {
	return http.Header{"Authorization": {httpxtest.Guest}, "Accept": {"application/json"}, "User-Agent": {"bench"}}
}

// over asks what listens on a socket.
func over(b *testing.B, socket, path string, length int) (ask func()) {
	transport := &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", socket)
	}}
	b.Cleanup(transport.CloseIdleConnections)
	buffer, header := make([]byte, 32<<10), clientHeader()
	return func() {
		r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "localhost", Path: path}, Header: header}).WithContext(b.Context())
		res, err := transport.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, buffer)
		if err != nil || int(n) != length {
			b.Fatal(n, err)
		}
		_ = res.Body.Close()
	}
}

type nullWriter struct {
	header http.Header
	status int
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
