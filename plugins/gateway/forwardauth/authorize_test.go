package forwardauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestAuthorizer_SaysWhoseRequestItIs(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze")
	got := request(d, "/authz/edge/orders", "X-Api-Key", k.Secret.Reveal(), "X-Consumer", "admin", "X-Consumer-App", "admin", "X-Consumer-Owner", "admin").Header()
	for name, want := range map[string]string{
		"X-Consumer": "shop", "X-Consumer-App": "Caf%C3%A9 shop", "X-Consumer-Owner": "group:default/payments", "X-Consumer-Key": string(k.ID),
		"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset": "86400", "X-Authz-Status": "200", "Cache-Control": "no-store",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	if strings.Contains(text(got), k.Secret.Reveal()) {
		t.Error("the answer holds the key")
	}
}

func TestAuthorizer_NeverPassesACallersNameOn(t *testing.T) {
	w := newWorld(t)
	d := w.host(func(o *Options) { o.APIs = []API{{ID: "orders", Preflight: true}} })
	w.issue(d, "shop", "bronze")
	for path, key := range map[string]string{"/authz/edge/orders": "wrong", "/authz/edge/orders?method=OPTIONS": "", "/authz/no/orders": ""} {
		got := request(d, path, "X-Api-Key", key, "X-Consumer", "admin", "X-Consumer-Key", "k").Header()
		for _, name := range []string{HeaderConsumer, HeaderApp, HeaderOwner, HeaderKey} {
			if values := got.Values(name); len(values) != 1 || values[0] != Nobody {
				t.Errorf("%s: %s is %q: a gateway would pass on what the caller said", path, name, values)
			}
		}
	}
}

func TestAuthorizer_Decides(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	ctx := t.Context()
	good := w.issue(d, "shop", "free").Secret.Reveal()
	ended := w.issue(d, "late", "free", func(r *driver.KeyRequest) { r.Expires = w.Clock.Now().Add(time.Hour) }).Secret.Reveal()
	paused := w.issue(d, "calm", "free")
	if err := d.SuspendKey(ctx, "calm", paused.ID, true); err != nil {
		t.Fatal(err)
	}
	narrow := w.issue(d, "slim", "free", func(r *driver.KeyRequest) { r.API = "orders" }).Secret.Reveal()
	if err := d.SetPlan(ctx, "slim", "billing", "gold"); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	if err := d.follow(ctx); err != nil {
		t.Fatal(err)
	}
	const uri, host = "X-Authz-Uri", "X-Authz-Host"
	for _, c := range []struct {
		name, path string
		headers    []string
		status     int
		says       string
	}{
		{"a key", "/authz/edge/orders", []string{"X-Api-Key", good}, 200, ""},
		{"a key in any case of the header", "/authz/edge/orders", []string{"x-api-key", good}, 200, ""},
		{"no key", "/authz/edge/orders", nil, 401, "no API key"},
		{"an unknown key", "/authz/edge/orders", []string{"X-Api-Key", "x" + good}, 401, "not valid"},
		{"a key as long as a book", "/authz/edge/orders", []string{"X-Api-Key", strings.Repeat(good, 1000)}, 401, "not valid"},
		{"an expired key", "/authz/edge/orders", []string{"X-Api-Key", ended}, 401, "expired"},
		{"a suspended key", "/authz/edge/orders", []string{"X-Api-Key", paused.Secret.Reveal()}, 403, "suspended"},
		{"an API without access", "/authz/edge/billing", []string{"X-Token", "Key " + good}, 403, "no access"},
		{"a key for another API", "/authz/edge/billing", []string{"X-Token", "key  " + narrow}, 403, "another API"},
		{"another scheme", "/authz/edge/billing", []string{"X-Token", "Bearer " + narrow}, 401, "no API key"},
		{"no scheme", "/authz/edge/billing", []string{"X-Token", narrow}, 401, "no API key"},
		{"an unknown API", "/authz/edge/nope", []string{"X-Api-Key", good}, 403, "no such API"},
		{"an unknown gateway", "/authz/other/orders", []string{"X-Api-Key", good}, 403, "no such gateway"},
		{"the key in the address that the gateway tells", "/authz/edge/orders", []string{uri, "/orders/1?key=" + good}, 200, ""},
		{"the key in the address that Envoy appends", "/authz/edge/orders/orders/1?key=" + good, nil, 200, ""},
		{"the key in a header beside an appended address", "/authz/edge/orders/", []string{uri, "/orders?key=" + good}, 401, "no API key"},
		{"the key in another parameter", "/authz/edge/orders", []string{uri, "/orders?token=" + good}, 401, "no API key"},
		{"an address that is none", "/authz/edge/orders", []string{uri, "%zz?key=" + good}, 401, "no API key"},
		{"the API by the address", "/authz/edge/", []string{host, "API.example.com", uri, "/orders/1", "X-Api-Key", good}, 200, ""},
		{"the API by the address with its port", "/authz/edge/", []string{host, "api.example.com:443", uri, "/orders", "X-Api-Key", good}, 200, ""},
		{"an address of no API", "/authz/edge/", []string{host, "api.example.com", uri, "/ordersx", "X-Api-Key", good}, 403, "no such API"},
		{"another host", "/authz/edge/", []string{host, "example.com", uri, "/orders", "X-Api-Key", good}, 403, "no such API"},
		{"dot segments", "/authz/edge/", []string{host, "api.example.com", uri, "/orders/../billing", "X-Api-Key", good}, 403, "no such API"},
		{"encoded dot segments", "/authz/edge/", []string{host, "api.example.com", uri, "/orders/%2e%2e/billing", "X-Api-Key", good}, 403, "no such API"},
		{"encoded slashes", "/authz/edge/", []string{host, "api.example.com", uri, "/orders%2F..%2Fbilling", "X-Api-Key", good}, 403, "no such API"},
		{"empty segments", "/authz/edge/", []string{host, "api.example.com", uri, "//orders", "X-Api-Key", good}, 403, "no such API"},
		{"neither API nor address", "/authz/edge/", []string{"X-Api-Key", good}, 403, "no such API"},
		{"a gateway that knows 403 only", "/authz/edge/orders?deny=403", nil, 403, "no API key"},
		{"a preflight where it needs a key", "/authz/edge/orders?method=OPTIONS", nil, 401, "no API key"},
	} {
		got := request(d, c.path, c.headers...)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s: %d %q, want %d %q", c.name, got.Code, got.Body, c.status, c.says)
		}
		if meant := got.Header().Get(HeaderStatus); c.path != "/authz/edge/orders?deny=403" && meant != itoa(got.Code) {
			t.Errorf("%s: %s says %s", c.name, HeaderStatus, meant)
		}
	}
	if got := request(d, "/authz/edge/orders?deny=403"); got.Header().Get(HeaderStatus) != "401" {
		t.Errorf("the status that is meant is %s", got.Header().Get(HeaderStatus))
	}
}

func TestAuthorizer_LetsPreflightsInWhereItIsSet(t *testing.T) {
	w := newWorld(t)
	d := w.host(func(o *Options) { o.APIs = []API{{ID: "orders", Preflight: true}} })
	for _, c := range []struct {
		name, method, path string
		status             int
	}{
		{"told in the address", "GET", "/authz/edge/orders?method=OPTIONS", 200},
		{"by the method of the question", "OPTIONS", "/authz/edge/orders/orders/1", 200},
		{"another method", "GET", "/authz/edge/orders?method=GET", 401},
		{"a caller's query behind an appended path", "GET", "/authz/edge/orders/orders/1?method=OPTIONS", 401},
		{"a caller's query behind the path /", "GET", "/authz/edge/orders/?method=OPTIONS", 401},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		for _, name := range []string{"X-Authz-Method", "X-Forwarded-Method", "X-Http-Method-Override"} {
			r.Header.Set(name, "OPTIONS") // what a caller may say
		}
		got := httptest.NewRecorder()
		served(d).ServeHTTP(got, r)
		if got.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, got.Code, c.status)
		}
	}
}

func TestAuthorizer_HoldsLimitsWithManyAtOnce(t *testing.T) {
	w := newWorld(t)
	d := w.host(func(o *Options) {
		o.APIs, o.Plans = []API{{ID: "orders"}}, []Plan{{ID: "bronze", Limits: []Limit{{100, Day, false}, {60, Hour, true}}}}
	})
	k := w.issue(d, "shop", "bronze")
	h := served(d)
	var allowed, limited atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				r := httptest.NewRequest(http.MethodGet, "/authz/edge/orders", nil)
				r.Header.Set("X-Api-Key", k.Secret.Reveal())
				got := httptest.NewRecorder()
				h.ServeHTTP(got, r)
				switch got.Code {
				case http.StatusOK:
					allowed.Add(1)
				case http.StatusTooManyRequests:
					limited.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 60 || limited.Load() != 340 {
		t.Errorf("%d requests were let in and %d refused, want 60 and 340", allowed.Load(), limited.Load())
	}
}

func TestMetrics_CountEverythingInABoundedNumberOfSeries(t *testing.T) {
	p := sdk.New("gateway")
	m := NewMetrics(p)
	h := plugintest.Start(t, p)
	d, err := New(Options{Name: "edge", Store: p.Host().KV, APIs: []API{{ID: "orders"}}, Metrics: m, Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{h, t, nil}
	want(t, d, w.issue(d, "shop", Unlimited).Secret, 200, 200)
	want(t, d, "", 401)
	for n := range 2 * ownSeries {
		m.count("edge", d.apis["orders"], decision{status: 200, key: &credential{app: &application{id: driver.AppID("app-" + itoa(n))}}}, 0)
	}
	text := h.Metrics()
	for _, line := range []string{
		`forwardauth_requests_total{gateway="edge",api="orders",app="shop",code="200"} 2`,
		`forwardauth_requests_total{gateway="edge",api="orders",app="",code="401"} 1`,
		`forwardauth_requests_total{gateway="edge",api="orders",app="_others",code="200"} 501`,
		`forwardauth_decision_seconds_count{gateway="edge"} 1003`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics have no line %s", line)
		}
	}
	if n := strings.Count(text, "forwardauth_requests_total{"); n > ownSeries+10 {
		t.Errorf("there are %d series", n)
	}
}

func FuzzHandler_LetsNobodyInWithoutAKey(f *testing.F) {
	f.Add("edge/orders", "/orders?key=x", "api.example.com", "secret", "deny=403")
	f.Add("edge/", "//%2F..", "", "", "")
	f.Add("other//x/../y", "http://[::1/", "x:y:z", "\x00", "key=%zz")
	p := sdk.New("gateway")
	h := plugintest.Start(f, p)
	o := sample
	o.Store, o.Now = p.Host().KV, h.Clock.Now
	d, err := New(o)
	if err != nil {
		f.Fatal(err)
	}
	if err := d.load(f.Context()); err != nil {
		f.Fatal(err)
	}
	handler := Handler(func(string) *Driver { return d })
	f.Fuzz(func(t *testing.T, rest, uri, host, key, query string) {
		r := httptest.NewRequest(http.MethodGet, "/authz", nil)
		r.SetPathValue("instance", "edge")
		r.SetPathValue("rest", rest)
		r.URL.RawQuery = query
		r.Header = http.Header{HeaderURI: {uri}, HeaderHost: {host}, "X-Api-Key": {key}, "X-Token": {key}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 401 && w.Code != 403 {
			t.Errorf("answered %d", w.Code)
		}
		for _, name := range []string{HeaderConsumer, HeaderApp, HeaderOwner, HeaderKey} {
			if w.Header().Get(name) != Nobody {
				t.Errorf("%s is %q", name, w.Header().Get(name))
			}
		}
	})
}
