package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
	"github.com/callboard/callboard/server/internal/principal"
)

var bodies = []request{
	{name: "small", method: http.MethodGet, path: "/small"},
	{name: "100 KB", method: http.MethodGet, path: "/large"},
}

// way is one of several ways to the same answer. The first of a list is what the others are compared with.
type way struct {
	name string
	load func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error)
	// what the rounds showed
	perSecond, perCPU []float64
	p50, p99          []time.Duration // of one caller
	cost, pluginCost  []time.Duration // CPU of one request, and the plugin's part of it
	size              int
}

// turns is how many short turns a round is cut into: what else the machine does meets all ways alike.
const turns = 10

// race has the ways take turns; medians count. plugin is the plugin's CPU time.
func race(ctx context.Context, o options, rq request, plugin func() time.Duration, ways []*way) error {
	for range o.rounds * turns {
		for _, way := range ways {
			if err := way.turn(ctx, rq, plugin, o.seconds/turns); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
		}
	}
	return nil
}

func (w *way) turn(ctx context.Context, rq request, plugin func() time.Duration, duration time.Duration) error {
	before := plugin()
	many, err := w.load(ctx, rq, connections, duration)
	if err != nil {
		return err
	}
	spent := plugin() - before
	one, err := w.load(ctx, rq, 1, duration/3)
	if err != nil {
		return err
	}
	w.perSecond, w.perCPU = append(w.perSecond, many.perSecond()), append(w.perCPU, many.perCPUSecond())
	w.p50, w.p99, w.size = append(w.p50, one.p50), append(w.p99, one.p99), many.size
	w.cost, w.pluginCost = append(w.cost, many.cost()), append(w.pluginCost, spent/time.Duration(many.requests))
	return nil
}

func show(w io.Writer, title string, ways []*way) {
	fmt.Fprintf(w, "%-50s %9s %9s %9s %9s %9s %9s   ÷ first: per CPU s, rps, p50\n", title, "rps", "per CPU s", "CPU each", "(plugin)", "p50 alone", "p99")
	first := ways[0]
	for _, way := range ways {
		fmt.Fprintf(w, "%-50s %9.0f %9.0f %9s %9s %9s %9s   %.2f  %.2f  %.2f\n", way.name, median(way.perSecond), median(way.perCPU),
			micros(median(way.cost)), micros(median(way.pluginCost)), micros(median(way.p50)), micros(median(way.p99)),
			median(way.perCPU)/median(first.perCPU), median(way.perSecond)/median(first.perSecond), float64(median(first.p50))/float64(median(way.p50)))
	}
	fmt.Fprintln(w)
}

func micros(d time.Duration) string { return d.Round(time.Microsecond).String() }

// hop compares the relay, called in this process, with the library's client at the same socket of the same plugin. CPU is
// that of caller and plugin together.
func hop(ctx context.Context, o options, s *workshop, w io.Writer) error {
	d, err := s.run(ctx, o, answersPlugin, sandbox.Auto, 0)
	if err != nil {
		return err
	}
	defer d.stop()
	if err := pin(ctx, d.process.PID()); err != nil {
		return err
	}
	r := relay.New(relay.Options{Plugin: answersPlugin, Target: d, Logger: slog.New(slog.DiscardHandler),
		Ownership: func(context.Context, *principal.Principal) ([]string, error) {
			return []string{"user:default/guest", "group:default/guests"}, nil
		}})
	defer r.Close()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: connections,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.Dial(ctx) }}
	defer transport.CloseIdleConnections()
	plugin := d.target().cpu
	both := func() time.Duration { return ownCPU() + plugin() }
	for _, rq := range bodies {
		raw := &way{name: "net/http's client at the plugin's socket", load: worker(both, func() func(context.Context, request) (int, error) { return roundTrip(transport) })}
		through := &way{name: "the relay, called in process", load: worker(both, func() func(context.Context, request) (int, error) { return relayed(r) })}
		least := &way{name: "prepared bytes (limit of any client)", load: func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error) {
			at := d.target()
			at.cpu = both
			return load(ctx, at, rq, "", connections, duration)
		}}
		ways := []*way{raw, through, least}
		if err := race(ctx, o, rq, plugin, ways); err != nil {
			return err
		}
		show(w, fmt.Sprintf("HTTP hop, %s answer (%d bytes)", rq.name, raw.size), ways)
	}
	return nil
}

// worker repeats a request on that many goroutines, each with a caller of its own.
func worker(cpu func() time.Duration, caller func() func(context.Context, request) (size int, err error)) func(context.Context, request, int, time.Duration) (result, error) {
	return func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error) {
		return repeat(connections, duration, cpu, func(deadline time.Time) (times []time.Duration, size int, err error) {
			ask := caller()
			for time.Now().Before(deadline) {
				began := time.Now()
				if size, err = ask(ctx, rq); err != nil {
					return nil, 0, err
				}
				times = append(times, time.Since(began))
			}
			return times, size, nil
		})
	}
}

func callerHeader() http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}, "User-Agent": {"bench"}}
}

func roundTrip(transport *http.Transport) func(context.Context, request) (int, error) {
	buffer, header := make([]byte, 32<<10), callerHeader()
	return func(ctx context.Context, rq request) (int, error) {
		r := (&http.Request{Method: rq.method, URL: &url.URL{Scheme: "http", Host: "plugin", Path: rq.path}, Header: header}).WithContext(ctx)
		res, err := transport.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, buffer)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %s", res.Status)
		}
		return int(n), err
	}
}

// relayed asks the relay with a request and a writer that are there already: what the edge does is measured elsewhere.
func relayed(r *relay.Relay) func(context.Context, request) (int, error) {
	who := &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}
	w := &counter{header: http.Header{}}
	var in *http.Request
	return func(ctx context.Context, rq request) (int, error) {
		if in == nil {
			in = httptest.NewRequestWithContext(ctx, rq.method, rq.path, http.NoBody)
			in.Header = callerHeader()
		}
		clear(w.header)
		w.size = 0
		err := r.Serve(w, in, httpx.Call{Target: rq.path, RequestID: "r1", Principal: who})
		if err == nil && w.status != http.StatusOK {
			err = fmt.Errorf("status %d", w.status)
		}
		return w.size, err
	}
}

// counter takes an answer and keeps its size.
type counter struct {
	header       http.Header
	status, size int
}

func (c *counter) Header() http.Header         { return c.header }
func (c *counter) WriteHeader(status int)      { c.status = status }
func (c *counter) Write(p []byte) (int, error) { c.size += len(p); return len(p), nil }

func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// edge compares the way of a caller with credentials through the host, over TCP, with the same prepared bytes at the
// plugin's socket, and with the library's reverse proxy in the host's place. All servers share one core; CPU is that of the
// plugin and of what stands before it.
func edge(ctx context.Context, o options, s *workshop, w io.Writer) error {
	h, err := s.host(ctx, o, site{name: "edge"}, "auto", map[string]string{answersPlugin: s.path(answersPlugin)})
	if err != nil {
		return err
	}
	defer h.stop()
	v, err := h.await(ctx, answersPlugin)
	if err != nil {
		return err
	}
	socket, err := socketOf(s.path("t"))
	if err != nil {
		return err
	}
	bare, err := startProxy(ctx, s, socket)
	if err != nil {
		return err
	}
	defer bare.stop()
	plugin := func() time.Duration { return cpuOf(v.PID) }
	for _, rq := range bodies {
		straight := &way{name: "to the plugin's socket", load: func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error) {
			return load(ctx, target{"unix", socket, plugin}, rq, "", connections, duration)
		}}
		proxied := &way{name: "through httputil.ReverseProxy, no credentials", load: func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error) {
			at := bare.target()
			at.cpu = func() time.Duration { return bare.cpu() + plugin() }
			return load(ctx, at, rq, "", connections, duration)
		}}
		whole := &way{name: "through the host: edge, credentials, relay", load: func(ctx context.Context, rq request, connections int, duration time.Duration) (result, error) {
			rq.path = "/api/" + answersPlugin + rq.path
			return load(ctx, h.with(v.PID), rq, token, connections, duration)
		}}
		ways := []*way{straight, proxied, whole}
		if err := race(ctx, o, rq, plugin, ways); err != nil {
			return err
		}
		show(w, fmt.Sprintf("end to end, %s answer (%d bytes)", rq.name, straight.size), ways)
		fmt.Fprintf(w, "host ÷ bare reverse proxy: %.2f per CPU second, %.2f rps\n\n",
			median(whole.perCPU)/median(proxied.perCPU), median(whole.perSecond)/median(proxied.perSecond))
	}
	return nil
}

// socketOf finds the HTTP socket of the only plugin below the host's folder for temporary files.
func socketOf(temp string) (string, error) {
	found, err := filepath.Glob(filepath.Join(temp, "*", "*", launch.SocketHTTP))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("there are %d sockets %s below %s, one was expected", len(found), launch.SocketHTTP, temp)
	}
	return found[0], nil
}

func startProxy(ctx context.Context, s *workshop, socket string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, "http://"+address, bodies[0].path, s.path("proxy.log"), self, "-proxy", address, "-to", socket)
}
