package httpx_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// pages is an edge with a feature that pages of the portal may read, and one that they may not.
func pages(tb testing.TB, settings *httpx.CORS) *httpx.Server {
	tb.Helper()
	s := httpxtest.NewWith(tb, httpx.Options{Settings: httpx.Settings{CORS: settings}})
	open := s.Feature(httpx.Feature{ID: "widgets", Origins: func(origin string) bool { return origin == "https://portal.example.com" }})
	open.GET("/things", httpx.AnyPrincipal, echo())
	s.Feature(httpx.Feature{ID: "catalog"}).GET("/things", httpx.AnyPrincipal, echo())
	return s
}

func TestFeatureOrigins_LetPagesReadWhateverTheSettingsSay(t *testing.T) {
	const portal, frontend = "https://portal.example.com", "http://localhost:3000"
	strict := &httpx.CORS{Origins: []string{frontend}, Credentials: true, AllowedHeaders: []string{"X-Only"}, Methods: []string{"GET"}}
	for name, settings := range map[string]*httpx.CORS{"no settings": nil, "another origin": strict, "every origin": {Credentials: true}} {
		s := pages(t, settings)
		for _, path := range []string{"/api/widgets/things", "/api/WIDGETS/things", "/api/widgets/nope"} {
			res := httpxtest.Do(t, s, "GET", path, "", "Authorization", "Bearer user:default/guest", "Origin", portal)
			h := res.Header
			if h.Get("Access-Control-Allow-Origin") != portal || h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("%s, %s: %v", name, path, h)
			}
		}
		preflight := httpxtest.Do(t, s, "OPTIONS", "/api/widgets/things", "", "Origin", portal,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		h := preflight.Header
		if preflight.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != portal || h.Get("Access-Control-Allow-Credentials") != "" ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("%s: preflight %d %v", name, preflight.StatusCode, h)
		}
	}
}

func TestFeatureOrigins_AreOfThatFeatureAndThoseOriginsOnly(t *testing.T) {
	s := pages(t, nil)
	for _, c := range []struct{ path, origin string }{
		{"/api/catalog/things", "https://portal.example.com"}, {"/api/widgets2/things", "https://portal.example.com"},
		{"/other", "https://portal.example.com"}, {"/api/widgets/things", "https://evil.test"}, {"/api/widgets/things", "null"},
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			res := httpxtest.Do(t, s, method, c.path, "", "Origin", c.origin, "Access-Control-Request-Method", "GET")
			if allowed := res.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
				t.Errorf("%s %s is open to %s: %q", method, c.path, c.origin, allowed)
			}
		}
	}
	res := httpxtest.Do(t, s, "GET", "/api/widgets/things", "", "Authorization", "Bearer user:default/guest")
	if !strings.Contains(res.Header.Get("Vary"), "Origin") {
		t.Errorf("a cache could give the answer without an origin to a page: Vary is %q", res.Header.Get("Vary"))
	}
	frontend := pages(t, &httpx.CORS{Origins: []string{"http://localhost:3000"}, Credentials: true})
	res = httpxtest.Do(t, frontend, "GET", "/api/widgets/things", "", "Origin", "http://localhost:3000", "Authorization", "Bearer user:default/guest")
	if res.Header.Get("Access-Control-Allow-Origin") != "http://localhost:3000" || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("the settings' own origin: %v", res.Header)
	}
}

func TestPolicies_OfOnePathAddUp(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "demo", Policies: []httpx.Policy{
		{Path: "/", Allow: httpx.AllowUserCookie}, {Path: "/both", Allow: httpx.AllowEmbed},
		{Path: "/both/open", Allow: httpx.AllowUnauthenticated},
	}})
	r.GET("/both", httpx.AnyPrincipal, echo())
	r.GET("/both/open", httpx.Public, echo())
	r.GET("/one", httpx.AnyPrincipal, echo())
	nobody := []string{"Authorization", ""}
	cookie := []string{"Authorization", "", "Cookie", "backstage-auth=user:default/guest"}
	page := []string{"Authorization", "Bearer embed:portal"}
	for _, c := range []struct {
		path   string
		with   []string
		status int
	}{
		{"/both", cookie, 200}, {"/one", cookie, 200}, {"/both", page, 200}, {"/one", page, 403}, {"/both", nobody, 401},
		{"/both/open", nobody, 200}, {"/both/open", page, 200}, {"/bothx", page, 403},
	} {
		if res := httpxtest.Do(t, s, "GET", "/api/demo"+c.path, "", c.with...); res.StatusCode != c.status {
			t.Errorf("%s with %v: %d", c.path, c.with, res.StatusCode)
		}
	}
}

func TestPolicies_OfEmbeddingPagesHoldWithoutABarrierToo(t *testing.T) {
	s := httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{NoBarrier: true}})
	r := s.Feature(httpx.Feature{ID: "demo", Policies: []httpx.Policy{{Path: "/page", Allow: httpx.AllowEmbed}}})
	r.GET("/page", httpx.AnyPrincipal, echo())
	r.GET("/other", httpx.AnyPrincipal, echo())
	for path, status := range map[string]int{"/page": 200, "/other": 403} {
		if res := httpxtest.Do(t, s, "GET", "/api/demo"+path, "", "Authorization", "Bearer embed:portal"); res.StatusCode != status {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
