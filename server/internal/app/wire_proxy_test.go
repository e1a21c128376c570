package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/proxy"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// TestProxy_LetsAPluginAnswerInTheNameOfTheCaller goes through the whole edge twice: as the proxy, then as the plugin.
func TestProxy_LetsAPluginAnswerInTheNameOfTheCaller(t *testing.T) {
	cfg := config.FromYAML(`
backend:
  baseUrl: https://portal.example.com
  auth: {externalAccess: [{type: static, options: {token: static-token-1234, subject: ci}}]}
proxy:
  endpoints:
    /sentry/api: 'plugin://sentry/api'
    /open: {target: 'plugin://sentry/', credentials: dangerously-allow-unauthenticated}
    /inner: 'plugin://catalog/'
    /nobody: 'plugin://nobody/'`)
	identity, err := auth.New(t.Context(), auth.Options{Config: cfg, DB: storetest.SQLite(t), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	edge := httpxtest.NewWith(t, httpx.Options{Auth: identity, EveryFeature: identity.PluginRoutes})
	identity.Routes(edge.Feature(auth.Feature()))
	edge.Feature(httpx.Feature{ID: "catalog"})
	p, err := proxy.New(proxy.Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Plugins: pluginTargets{edge, identity}})
	if err != nil {
		t.Fatal(err)
	}
	if proxy.CheckConfig(cfg); cfg.Err() != nil {
		t.Fatal(cfg.Err())
	}
	proxy.Routes(edge.Feature(p.Feature()), p)
	detach, err := edge.Attach(httpx.Feature{ID: "sentry"}, func(w http.ResponseWriter, r *http.Request, c httpx.Call) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode([]string{c.Principal.Subject, r.Method, c.Target, string(body)})
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := identity.SignIn(t.Context(), auth.UserClaims{Subject: "user:default/ann"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(edge)
	defer server.Close()
	ask := func(method, path, token, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/api/proxy"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, strings.TrimSpace(httpxtest.Body(t, res))
	}
	const issues = "/sentry/api/0/projects/o/p/issues/?statsPeriod=24h"
	if status, body := ask(http.MethodGet, issues, session.Token, ""); status != 200 || body != `["user:default/ann","GET","/api/0/projects/o/p/issues/?statsPeriod=24h",""]` {
		t.Errorf("as a user: %d %s", status, body)
	}
	if status, body := ask(http.MethodPut, "/sentry/api/a%2Fb", "static-token-1234", "content"); status != 200 || body != `["plugin:proxy","PUT","/api/a%2Fb","content"]` {
		t.Errorf("as a service: %d %s", status, body)
	}
	for path, want := range map[string]int{issues: 401, "/open/x": 401} { // the plugin's own barrier stands behind an open endpoint
		if status, body := ask(http.MethodGet, path, "", ""); status != want {
			t.Errorf("%s without credentials: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/inner/entities", "/nobody/x"} {
		if status, body := ask(http.MethodGet, path, session.Token, ""); status != 404 || !strings.Contains(body, "which this host does not have") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	detach()
	if status, body := ask(http.MethodGet, issues, session.Token, ""); status != 404 {
		t.Errorf("after the plugin was removed: %d %s", status, body)
	}
}
