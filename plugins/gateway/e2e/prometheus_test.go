package e2e

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/plugins/gateway/usage"
	"github.com/callboard/callboard/sdk"
)

const scrape = time.Second

// startPrometheus scrapes addresses, each as a job of its own name.
func startPrometheus(t *testing.T, targets map[string]string) (url string) {
	t.Helper()
	listen := address(t)
	startPrometheusAt(t, listen, targets)
	return "http://" + listen
}

func startPrometheusAt(t *testing.T, listen string, targets map[string]string) {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %s}\nscrape_configs:\n", scrape)
	for job, target := range targets {
		fmt.Fprintf(&config, "- {job_name: %s, static_configs: [{targets: ['%s']}]}\n", job, target)
	}
	file := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(file, []byte(config.String()), 0o600))
	run(t, listen, program(t, "debian/usr/bin/prometheus"), "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+listen, "--log.level=warn")
}

func source(t *testing.T, url, name, profile string, match map[string]string) *usage.Source {
	t.Helper()
	p, err := usage.ProfileOf(profile)
	must(t, err)
	s, err := usage.New(usage.Options{Name: name, URL: url, HTTP: client(t), Profile: p, Match: match, Scrape: scrape})
	must(t, err)
	return s
}

// near reports whether a number is the other but for what scrapes at other moments make of it.
func near(got, want float64) bool { return math.Abs(got-want) <= math.Max(1, 0.05*want) }

// hostile is a name that would end a string in a query, and be a pattern in another.
const hostile = `a"} or vector(1e9) or x{y=~".*\`

// kongTraffic is a fake Kong whose metrics have the real names: shop asks for orders and is sometimes answered an error.
type kongTraffic struct {
	gateway http.Handler
	keys    map[driver.AppID]string
}

func startKong(t *testing.T) (kongTraffic, string) {
	t.Helper()
	answers := func(r *http.Request) (int, time.Duration) {
		if strings.HasSuffix(r.URL.Path, "/broken") {
			return http.StatusBadGateway, 300 * time.Millisecond
		}
		return http.StatusOK, 20 * time.Millisecond
	}
	kong := kongfake.New(kongfake.Options{Upstream: answers})
	kong.Sample()
	k := kongTraffic{kong.Gateway(), map[driver.AppID]string{}}
	for _, app := range []driver.AppID{"shop", "mobile", hostile} {
		id := kong.Put("consumers", map[string]any{"username": string(app)})
		k.keys[app] = "key-of-consumer-" + id
		kong.Put("key-auths", map[string]any{"consumer": id, "key": k.keys[app]})
		kong.Put("acls", map[string]any{"consumer": id, "group": "internal"})
	}
	return k, serve(t, kong.Metrics())
}

func (k kongTraffic) ask(t *testing.T, app driver.AppID, path string, want int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("apikey", k.keys[app])
	w := httptest.NewRecorder()
	k.gateway.ServeHTTP(w, r)
	if w.Code != want {
		t.Fatalf("%s is answered %d to %s, want %d", app, w.Code, path, want)
	}
}

// traffic is what was sent while Prometheus watched.
type traffic struct{ shop, broken, mobile, hostile, authorized, refused int }

func TestReal_PrometheusCountsWhatWasSent(t *testing.T) {
	program(t, "debian/usr/bin/prometheus")
	p := startPortal(t, 1_000_000)
	edge := &gateway{driver: p.second, api: "orders", url: "http://" + startNginx(t, address(t), p.address, serve(t, echo())) + "/orders/1", http: client(t)}
	edge.app(t, "shop", "many")
	key := edge.issue(t, "shop", "6a3f6a5e-0000-4000-8000-000000000011").Secret
	kong, metrics := startKong(t)
	url := startPrometheus(t, map[string]string{"portal": p.address, "kong": metrics})
	own, kongs := source(t, url, "edge", usage.ForwardAuth, map[string]string{"job": "portal"}), source(t, url, "kong", usage.Kong, map[string]string{"job": "kong"})

	// A counter that has just begun is not extrapolated below zero, nor seen at zero: this one has been running for a while.
	sent := traffic{}
	round := func() {
		kong.ask(t, "shop", "/orders/1", 200)
		kong.ask(t, "shop", "/orders/broken", 502)
		kong.ask(t, "mobile", "/payments/1", 200)
		kong.ask(t, hostile, "/orders/1", 200)
		if status := edge.status(t, key); status != 200 {
			t.Fatal(status)
		}
		if status := edge.status(t, sdk.Secret("wrong")); status != 401 {
			t.Fatal(status)
		}
	}
	for range 150 {
		round()
	}
	for _, s := range []*usage.Source{own, kongs} {
		until(t, 20*time.Second, "Prometheus knows the gateway", func() bool { return s.Health(t.Context()) == nil })
	}
	time.Sleep(2 * scrape) // so that each counter was read twice at rest
	began := time.Now()
	for n := range 40 {
		round()
		sent.broken, sent.mobile, sent.hostile, sent.authorized, sent.refused = n+1, n+1, n+1, n+1, n+1
		for range 3 {
			kong.ask(t, "shop", "/orders/2", 200)
		}
		sent.shop = 5 * (n + 1)
		time.Sleep(150 * time.Millisecond)
	}
	time.Sleep(3 * scrape)
	q := usage.Query{From: began.Add(-2 * scrape), To: time.Now(), Step: 2 * scrape}
	compare(t, kongs, q, sent)
	compareOwn(t, own, q, sent)
	percentiles(t, kongs, q)
}

func compare(t *testing.T, s *usage.Source, q usage.Query, sent traffic) {
	t.Helper()
	only := func(apps ...string) usage.Query { q := q; q.Apps = apps; return q }
	for _, c := range []struct {
		what string
		ask  func(context.Context, usage.Query) (usage.Result, error)
		q    usage.Query
		want int
	}{
		{"requests of shop", s.Requests, only("shop"), sent.shop},
		{"errors of shop", s.Errors, only("shop"), sent.broken},
		{"requests of shop and mobile", s.Requests, only("shop", "mobile"), sent.shop + sent.mobile},
		{"requests of " + hostile, s.Requests, only(hostile), sent.hostile},
		{"requests of .*", s.Requests, only(".*"), 0},
		{"requests of .* and x", s.Requests, only(".*", "x"), 0},
		{"requests of all", s.Requests, q, sent.shop + sent.mobile + sent.hostile},
	} {
		r, err := c.ask(t.Context(), c.q)
		must(t, err)
		total := 0.0
		for _, one := range r.Series {
			total += one.Total()
		}
		seen.note("Prometheus (Kong's names)", c.what, fmt.Sprintf("%.1f of %d sent, %d points", total, c.want, len(r.Times)), "")
		if !near(total, float64(c.want)) {
			t.Errorf("%s: %.2f, want %d", c.what, total, c.want)
		}
	}
	largest(t, s, q, sent)
}

// largest asks for one series of each application, of which only one is shown.
func largest(t *testing.T, s *usage.Source, q usage.Query, sent traffic) {
	t.Helper()
	q.By, q.Top = usage.ByApp, 1
	r, err := s.Requests(t.Context(), q)
	must(t, err)
	if len(r.Series) != 2 || r.Series[0].Key != "shop" || !r.Series[1].Rest {
		t.Fatalf("the largest series are %+v", r.Series)
	}
	top, rest := r.Series[0].Total(), r.Series[1].Total()
	seen.note("Prometheus (Kong's names)", "largest application, and the rest", fmt.Sprintf("%s %.1f of %d, rest %.1f of %d", r.Series[0].Key, top, sent.shop, rest, sent.mobile+sent.hostile), "")
	if !near(top, float64(sent.shop)) || !near(rest, float64(sent.mobile+sent.hostile)) {
		t.Errorf("%.2f and %.2f", top, rest)
	}
	q.Top = 5
	totals, err := s.Totals(t.Context(), q)
	must(t, err)
	if len(totals) != 3 || totals[0].Key != "shop" || !near(totals[0].Requests, float64(sent.shop)) {
		t.Errorf("totals %+v", totals)
	}
}

func compareOwn(t *testing.T, s *usage.Source, q usage.Query, sent traffic) {
	t.Helper()
	for what, c := range map[string]struct {
		ask  func(context.Context, usage.Query) (usage.Result, error)
		want int
	}{"requests": {s.Requests, sent.authorized + sent.refused}, "errors": {s.Errors, sent.refused}} {
		r, err := c.ask(t.Context(), q)
		must(t, err)
		if len(r.Series) != 1 || !near(r.Series[0].Total(), float64(c.want)) {
			t.Errorf("%s through nginx: %+v, want %d", what, r.Series, c.want)
			continue
		}
		seen.note("Prometheus (forward-auth)", what+" through nginx", fmt.Sprintf("%.1f of %d sent", r.Series[0].Total(), c.want), "")
	}
}

// percentiles: of shop's requests four fifths take 21 ms and one fifth 301 ms, which the buckets of Kong know as up to 25 and
// between 250 and 400.
func percentiles(t *testing.T, s *usage.Source, q usage.Query) {
	t.Helper()
	q.APIs = []string{"orders"}
	r, err := s.Latency(t.Context(), q, 0.5, 0.95)
	must(t, err)
	if len(r.Series) != 2 {
		t.Fatalf("latency: %+v", r.Series)
	}
	for n, bounds := range [][2]float64{{0, 0.025}, {0.250, 0.400}} {
		points := 0
		for _, v := range r.Series[n].Values {
			if v == nil {
				continue
			}
			points++
			if *v < bounds[0] || *v > bounds[1] {
				t.Errorf("p%g is %g s, want %v", 100*r.Series[n].Quantile, *v, bounds)
			}
		}
		if points == 0 {
			t.Errorf("p%g has no points", 100*r.Series[n].Quantile)
		}
		seen.note("Prometheus (Kong's names)", fmt.Sprintf("p%g of orders", 100*r.Series[n].Quantile), fmt.Sprintf("%d points within %v s", points, bounds), "")
	}
}
