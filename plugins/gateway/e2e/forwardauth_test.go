package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// portal is two hosts that share a store. Gateways ask the second, so that changes, which the first makes, have to travel.
type portal struct {
	first, second *forwardauth.Driver
	harness       *plugintest.Harness
	address       string // of the second, with its metrics
}

// prefix is where the portal has the plugin.
const prefix = "/api/gateway"

func startPortal(t *testing.T, limit int64) *portal {
	t.Helper()
	plugin := sdk.New("gateway")
	metrics := forwardauth.NewMetrics(plugin)
	p := &portal{harness: plugintest.Start(t, plugin)}
	host := func() *forwardauth.Driver {
		d, err := forwardauth.New(forwardauth.Options{
			Name: "edge", Store: plugin.Host().KV, Metrics: metrics,
			APIs: []forwardauth.API{{ID: "orders", Name: "Orders", Query: "key", Preflight: true}},
			Plans: []forwardauth.Plan{
				{ID: "day", Limits: []forwardauth.Limit{{Requests: limit, Window: forwardauth.Day}}},
				{ID: "many", Limits: []forwardauth.Limit{{Requests: 1_000_000, Window: forwardauth.Day}}},
			},
		})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.Run(ctx) })
		t.Cleanup(func() { stop(); running.Wait() })
		return d
	}
	p.first, p.second = host(), host()
	mux := http.NewServeMux()
	mux.Handle(prefix+forwardauth.Pattern, http.StripPrefix(prefix, forwardauth.Handler(func(string) *forwardauth.Driver { return p.second })))
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, p.harness.Metrics())
	})
	p.address = serve(t, mux)
	return p
}

// snippet is the example of a language in the README of forward-auth: what is documented is what runs.
func snippet(t *testing.T, language string, addresses ...string) string {
	t.Helper()
	text, err := os.ReadFile("../forwardauth/README.md")
	must(t, err)
	_, text1, found := strings.Cut(string(text), "```"+language+"\n")
	example, _, closed := strings.Cut(text1, "\n```")
	if !found || !closed {
		t.Fatalf("the README has no example for %s", language)
	}
	for n := 0; n < len(addresses); n += 2 {
		if !strings.Contains(example, addresses[n]) {
			t.Fatalf("the README's example for %s has no %q", language, addresses[n])
		}
		example = strings.ReplaceAll(example, addresses[n], addresses[n+1])
	}
	return example + "\n"
}

const nginxMain = `
daemon off;
worker_processes 1;
error_log stderr warn;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
%s
}
`

// startNginx listens on an address and asks a portal, which need not be there yet.
func startNginx(t *testing.T, listen, portal, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(nginxMain, snippet(t, "nginx",
		"listen 8080", "listen "+listen, "portal.example.com:7007", portal, "orders.internal:8080", upstream))
	must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600))
	run(t, listen, program(t, "debian/usr/sbin/nginx"), "-e", "stderr", "-p", dir, "-c", "nginx.conf")
	return listen
}

func startCaddy(t *testing.T, portal, upstream string) (listen string) {
	t.Helper()
	caddy := optional(t, "CALLBOARD_CADDY", "caddy")
	listen = address(t)
	file := filepath.Join(t.TempDir(), "Caddyfile")
	config := "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n}\n" + snippet(t, "caddyfile",
		":8080 {", "http://"+listen+" {", "portal.example.com:7007", portal, "orders.internal:8080", upstream)
	must(t, os.WriteFile(file, []byte(config), 0o600))
	run(t, listen, caddy, "run", "--config", file, "--adapter", "caddyfile")
	return listen
}

func TestReal_Nginx(t *testing.T) {
	p := startPortal(t, 40)
	g := front(t, "nginx", p, startNginx(t, address(t), p.address, serve(t, echo())))
	g.life(t)
	g.browsers(t)
}

func TestReal_Caddy(t *testing.T) {
	p := startPortal(t, 40)
	g := front(t, "Caddy", p, startCaddy(t, p.address, serve(t, echo())))
	g.life(t)
	g.browsers(t)
}

func front(t *testing.T, name string, p *portal, listen string) *gateway {
	return &gateway{
		name: name, driver: twoHosts{p.first, p.second}, api: "orders", plan: "many", limited: "day", limit: 40, url: "http://" + listen + "/orders/1",
		tells: true, within: 5 * time.Second, http: client(t),
	}
}

// browsers may carry the key in the query and send preflights without one; nobody is let in for claiming to be a preflight.
func (g *gateway) browsers(t *testing.T) {
	t.Helper()
	g.app(t, "page", g.plan)
	k := g.issue(t, "page", "6a3f6a5e-0000-4000-8000-000000000021")
	query := "?a=b&key=" + k.Secret.Reveal()
	until(t, g.within, "the key in the query is let in", func() bool { return sends(t, g.http, http.MethodGet, g.url+query) == http.StatusOK })
	preflights(t, g.http, g.name, g.url)
}

func preflights(t *testing.T, c *http.Client, name, url string) {
	t.Helper()
	for _, try := range []struct {
		method, url string
		status      int
	}{
		{http.MethodOptions, url, 200},
		{http.MethodOptions, url + "?method=GET", 200},
		{http.MethodGet, url + "?method=OPTIONS", 401},
		{http.MethodGet, url, 401},
		{http.MethodGet, url + "?key=wrong", 401},
	} {
		if got := sends(t, c, try.method, try.url); got != try.status {
			t.Errorf("%s: %s %s is answered %d, want %d", name, try.method, try.url, got, try.status)
		}
	}
	seen.note(name, "preflight without a key, and whoever claims to be one", "200, 401", "")
}

// sends makes a request without a key in a header, and with headers that claim to be another.
func sends(t *testing.T, c *http.Client, method, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, err)
	for _, name := range []string{"X-Forwarded-Method", "X-Authz-Method", "X-Original-Method", "X-Http-Method-Override"} {
		req.Header.Set(name, http.MethodOptions)
	}
	req.Header.Set("X-Authz-Uri", "/orders?key=wrong")
	res, err := c.Do(req)
	must(t, err)
	defer res.Body.Close()
	return res.StatusCode
}

// twoHosts changes things on the host that gateways do not ask, and reads quotas on the one that counts.
type twoHosts struct {
	*forwardauth.Driver

	asked *forwardauth.Driver
}

func (h twoHosts) Quota(ctx context.Context, app driver.AppID, api driver.APIID) (driver.Quota, error) {
	return h.asked.Quota(ctx, app, api)
}
