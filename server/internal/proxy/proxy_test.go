package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
)

const openEndpoint = "proxy: {endpoints: {/x: {target: 'TARGET/t', credentials: dangerously-allow-unauthenticated"

func TestCredentials_AreAskedForByEndpoint(t *testing.T) {
	r := start(t, `
proxy:
  endpoints:
    /short: TARGET
    /open: {target: TARGET, credentials: dangerously-allow-unauthenticated}
    /forward: {target: TARGET, credentials: forward}
    /listed: {target: TARGET, credentials: dangerously-allow-unauthenticated, allowedHeaders: [authorization]}`, nil)
	for _, c := range []struct {
		path, token string
		status      int
		arrives     string
	}{
		{"/short/a", "", 401, ""},
		{"/short/a", "Bearer nonsense", 401, ""},
		{"/short/a", guest, 200, ""},
		{"/short/a", "Bearer service:external:ci", 200, ""},
		{"/forward/a", "", 401, ""},
		{"/forward/a", guest, 200, guest},
		{"/open/a", "", 200, ""},
		{"/open/a", "Bearer nonsense", 200, ""},
		{"/open/a", guest, 200, ""},
		{"/listed/a", "token of the target", 200, "token of the target"},
		{"/none", "", 401, ""},
		{"/none", guest, 404, ""},
	} {
		before := r.target.count()
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization", c.token}
		}
		status, body := r.get(t, c.path, headers...)
		if status != c.status || r.target.count() > before != (status == 200) {
			t.Errorf("%s with %q: %d %s, want %d", c.path, c.token, status, body, c.status)
		}
		if status == 200 && r.target.last().Header.Get("Authorization") != c.arrives {
			t.Errorf("%s with %q: the target got %q", c.path, c.token, r.target.last().Header.Get("Authorization"))
		}
	}
}

func TestWithoutTheDefaultPolicy_EverybodyPasses(t *testing.T) {
	r := start(t, "backend: {auth: {dangerouslyDisableDefaultAuthPolicy: true}}\nproxy: {endpoints: {/x: TARGET}}", nil)
	if status, body := r.get(t, "/x/a"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := r.get(t, "/none"); status != 404 {
		t.Errorf("where nothing is: %d", status)
	}
}

func TestRequestHeaders_PassByList(t *testing.T) {
	r := start(t, openEndpoint+`, allowedHeaders: [x-wanted, cookie, Connection, Upgrade, X-Callboard-Principal, Transfer-Encoding],
  headers: {X-Key: secret, Accept-Language: en}}}}`, nil)
	r.do(t, http.MethodPost, "/x", "body", "X-Wanted", "w", "X-Unwanted", "u", "X-Key", "mine", "X_Key", "mine", "Cookie", "theme=dark; backstage-auth=t; github-refresh-token=r",
		"X-Forwarded-For", "10.0.0.1", "Forwarded", "for=10.0.0.1", "X-Real-Ip", "10.0.0.1", "X-Callboard-Principal", "e30", "Accept-Language", "fr",
		"Content-Type", "text/plain", "Proxy-Authorization", "Basic x", "Te", "trailers", "Upgrade", "h2c", "Connection", "upgrade", "If-None-Match", "x",
		"User-Agent", "tester")
	got := map[string]string{}
	for name, values := range r.target.last().Header {
		got[name] = strings.Join(values, "|")
	}
	want := map[string]string{"X-Wanted": "w", "X-Key": "secret", "Cookie": "theme=dark", "Accept-Language": "en", "Content-Type": "text/plain", "User-Agent": "tester", "Content-Length": "4"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the target got\n%v, want\n%v", got, want)
	}
	r.do(t, http.MethodGet, "/x", "", "X-Wanted", "w", "Connection", "X-Wanted, close")
	if r.target.last().Header.Get("X-Wanted") != "" {
		t.Error("a header that ends at the edge went on")
	}
}

func TestAnswerHeaders_PassByListAndNeverSpeakForTheHost(t *testing.T) {
	r := start(t, openEndpoint+`, allowedHeaders: [x-listed, set-cookie, Content-Security-Policy, Access-Control-Allow-Origin, Strict-Transport-Security, Clear-Site-Data]}}}`,
		func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			for name, value := range map[string]string{"X-Listed": "yes", "X-Other": "no", "Content-Security-Policy": "default-src *", "Access-Control-Allow-Origin": "*",
				"Strict-Transport-Security": "max-age=0", "Clear-Site-Data": "*", "Location": "http://evil.example/", "Etag": `"1"`, "Cache-Control": "no-store"} {
				h.Set(name, value)
			}
			h["Content-Type"] = nil
			h.Add("Set-Cookie", "theme=dark; Path=/")
			h.Add("Set-Cookie", "backstage-auth=forged; Path=/")
			h.Add("Link", "</style.css>")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, "<script>alert(1)</script>")
		})
	res, _ := r.do(t, http.MethodGet, "/x", "")
	for name, want := range map[string]string{"X-Listed": "yes", "X-Other": "", "Location": "", "Etag": "", "Cache-Control": "no-store", "Link": "", "Access-Control-Allow-Origin": "",
		"Clear-Site-Data": "", "Set-Cookie": "theme=dark; Path=/", "Content-Type": "", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=15552000; includeSubDomains"} {
		if got := strings.Join(res.Header.Values(name), "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if res.StatusCode != http.StatusFound || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("%d with policy %q", res.StatusCode, res.Header.Get("Content-Security-Policy"))
	}
	if n := r.target.count(); n != 1 {
		t.Errorf("%d requests: the redirect was followed", n)
	}
}

func TestHost_IsTheTargetsUnlessConfigured(t *testing.T) {
	r := start(t, `
proxy:
  endpoints:
    /a: {target: TARGET, credentials: dangerously-allow-unauthenticated}
    /kept: {target: TARGET, credentials: dangerously-allow-unauthenticated, changeOrigin: false}
    /named: {target: TARGET, credentials: dangerously-allow-unauthenticated, headers: {Host: inner.example}}`, nil)
	for path, want := range map[string]string{"/a": strings.TrimPrefix(r.target.URL, "http://"), "/kept": "portal.example", "/named": "inner.example"} {
		if r.raw(t, "GET", path, ""); r.target.last().Host != want {
			t.Errorf("%s: %s, want %s", path, r.target.last().Host, want)
		}
	}
}

func TestMethods_OutsideTheListAreNotFoundAndReachNoOtherEndpoint(t *testing.T) {
	r := start(t, `
proxy:
  endpoints:
    /a: {target: 'TARGET/all', credentials: dangerously-allow-unauthenticated}
    /a/b: {target: 'TARGET/reading', credentials: dangerously-allow-unauthenticated, allowedMethods: [GET]}
    /none: {target: TARGET, credentials: dangerously-allow-unauthenticated, allowedMethods: []}`, nil)
	for request, want := range map[string]int{"GET /a/b": 200, "POST /a/b": 404, "HEAD /a/b": 404, "DELETE /a/b/c": 404, "POST /a": 200, "HEAD /a": 200, "OPTIONS /a": 200, "PROPFIND /a": 200,
		"TRACE /a": 404, "GET /none": 404} {
		method, path, _ := strings.Cut(request, " ")
		if status, _ := r.raw(t, method, path, ""); status != want {
			t.Errorf("%s: %d, want %d", request, status, want)
		}
	}
}

// TestSmuggling sends what two servers may read in two ways. Nothing may reach the target that is not one whole request.
func TestSmuggling(t *testing.T) {
	r := start(t, openEndpoint+`, headers: {X-Key: secret}}}}`, nil)
	const line = "POST /api/proxy/x HTTP/1.1\r\nHost: portal.example\r\nConnection: close\r\n"
	for name, rest := range map[string]string{
		"length and chunks":      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/proxy/x/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
		"two lengths":            "Content-Length: 4\r\nContent-Length: 40\r\n\r\nbody",
		"a length that is none":  "Content-Length: +4\r\n\r\nbody",
		"another coding":         "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"coding with a blank":    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"a name with a blank":    "X Key: a\r\n\r\n",
		"a folded header":        "X-A: a\r\n b\r\n\r\n",
		"a bare carriage return": "X-A: a\rX-Key: b\r\n\r\n",
		"two hosts":              "Host: other.example\r\n\r\n",
		"nul in a header":        "X-A: \x00\r\n\r\n",
		"key with an underscore": "X_Key: forged\r\n\r\n",
		"key in the connection":  "Connection: X-Key\r\n\r\n",
		"chunks with trailer":    "Transfer-Encoding: chunked\r\nTrailer: X-Key\r\n\r\n4\r\nbody\r\n0\r\nX-Key: forged\r\n\r\n",
	} {
		r.rawRequest(t, line+rest)
		r.target.mu.Lock()
		for i, seen := range r.target.seen {
			if seen.RequestURI != "/t/" || strings.Join(seen.Header["X-Key"], ",") != "secret" || seen.Header["X_key"] != nil || len(seen.Trailer) > 0 ||
				r.target.bodies[i] != "" && r.target.bodies[i] != "body" {
				t.Errorf("%s: the target saw %s with %v and %q", name, seen.RequestURI, seen.Header, r.target.bodies[i])
			}
		}
		r.target.mu.Unlock()
	}
}

func TestReload_ChangesEndpointsAndKeepsThemWhenTheNewOnesAreWrong(t *testing.T) {
	r := start(t, "proxy: {endpoints: {/a: {target: 'TARGET/one', credentials: dangerously-allow-unauthenticated}}}", nil)
	reload := func(text string) {
		r.proxy.Reload(config.FromYAML(strings.ReplaceAll(text, "TARGET", r.target.URL)))
	}
	reload("proxy: {endpoints: {/a: {target: 'TARGET/two', credentials: dangerously-allow-unauthenticated}, /b: TARGET}}")
	if status, _ := r.get(t, "/a"); status != 200 || r.target.last().URL.Path != "/two/" {
		t.Errorf("%d %s", status, r.target.last().URL.Path)
	}
	reload("proxy: {endpoints: {/a: nonsense}}")
	if status, _ := r.get(t, "/a"); status != 200 {
		t.Errorf("after a mistake: %d", status)
	}
	reload("proxy: {skipInvalidProxies: true, endpoints: {/a: nonsense, /c: TARGET}}")
	if status, _ := r.get(t, "/a", "Authorization", guest); status != 404 {
		t.Errorf("a skipped endpoint: %d", status)
	}
	if status, _ := r.get(t, "/c", "Authorization", guest); status != 200 {
		t.Errorf("beside a skipped endpoint: %d", status)
	}
}

// onePlugin answers for the plugin "sentry".
type onePlugin struct {
	who  atomic.Pointer[principal.Principal]
	last atomic.Pointer[http.Request]
}

func (p *onePlugin) Relay(w http.ResponseWriter, r *http.Request, plugin string, who *principal.Principal) error {
	if plugin != "sentry" {
		return apierror.NotFoundf("no plugin %s", plugin)
	}
	p.who.Store(who)
	p.last.Store(r)
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Internal", "1")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"got":%q}`, body)
	return nil
}

func TestPluginTargets_AreAnsweredByThePluginInTheNameOfTheCaller(t *testing.T) {
	plugin := &onePlugin{}
	r := start(t, `
proxy:
  endpoints:
    /sentry/api: {target: 'plugin://sentry/api', allowedHeaders: [authorization], headers: {X-Via: proxy}}
    /public: {target: 'plugin://sentry', credentials: dangerously-allow-unauthenticated}
    /missing: {target: 'plugin://missing'}`, nil, func(o *Options) { o.Plugins = plugin })
	res, body := r.do(t, http.MethodPost, "/sentry/api/0/projects/o%2Fp/issues/?statsPeriod=24h", "question", "Authorization", guest, "X-Callboard-Principal", "forged")
	if res.StatusCode != http.StatusAccepted || body != `{"got":"question"}` || res.Header.Get("X-Internal") != "" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
	seen := plugin.last.Load()
	if seen.RequestURI != "/api/sentry/api/0/projects/o%2Fp/issues/?statsPeriod=24h" || seen.Header["Authorization"] != nil || seen.Header["X-Callboard-Principal"] != nil || seen.Header.Get("X-Via") != "proxy" {
		t.Errorf("the plugin got %s with %v", seen.RequestURI, seen.Header)
	}
	if who := plugin.who.Load(); who.Subject != "user:default/guest" {
		t.Errorf("in the name of %+v", who)
	}
	for path, want := range map[string]int{"/sentry/api/0": 401, "/public/x": 202, "/sentry/api/%2e%2e/x": 401} {
		if status, _ := r.raw(t, "GET", path, ""); status != want {
			t.Errorf("%s without credentials: %d, want %d", path, status, want)
		}
	}
	if plugin.who.Load().Kind != principal.None {
		t.Errorf("without credentials the plugin sees %+v", plugin.who.Load())
	}
	if status, _ := r.get(t, "/public/x", "Authorization", guest); status != 202 || plugin.who.Load().Kind != principal.User {
		t.Errorf("%d as %+v", status, plugin.who.Load())
	}
	if status, _ := r.get(t, "/missing", "Authorization", guest); status != 404 {
		t.Errorf("a plugin that is not there: %d", status)
	}
}
