package auth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// attach mounts a plugin that answers who calls, as sayWho does.
func (h *host) attach(t *testing.T, id string) (detach func()) {
	t.Helper()
	edge, ok := h.edge.(*httpx.Server)
	if !ok {
		t.Fatal("no edge")
	}
	detach, err := edge.Attach(httpx.Feature{ID: id}, func(w http.ResponseWriter, _ *http.Request, c httpx.Call) error {
		return json.NewEncoder(w).Encode(map[string]any{"kind": c.Principal.Kind.String(), "subject": c.Principal.Subject, "actor": c.Principal.Actor})
	})
	if err != nil {
		t.Fatal(err)
	}
	return detach
}

func TestAttachedPlugin_CallsAndIsCalledLikeEveryFeature(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	ctx := t.Context()
	if _, err := h.PluginToken(ctx, "sentry", "catalog", principal.Host("sentry")); err == nil {
		t.Error("a token for what is not attached")
	}
	detach := h.attach(t, "sentry")

	// The plugin calls a feature for itself, then for a user.
	plain, err := h.PluginToken(ctx, "sentry", "catalog", principal.Host("sentry"))
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "GET", "/api/catalog/who/am/i", plain).json(t); a["kind"] != "service" || a["subject"] != "plugin:sentry" {
		t.Errorf("%v", a)
	}
	user, err := h.AuthenticateToken(ctx, h.guestToken(t), "sentry", false)
	if err != nil {
		t.Fatal(err)
	}
	onBehalf, err := h.PluginToken(ctx, "sentry", "catalog", user)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "GET", "/api/catalog/who/am/i", onBehalf).json(t); a["kind"] != "user" || a["subject"] != "user:default/guest" || a["actor"] != "plugin:sentry" {
		t.Errorf("%v", a)
	}
	expect(t, h.bearer(t, "GET", "/api/search/who/am/i", plain), 401, "Failed plugin token verification")

	// A feature calls the plugin, for itself and for a user; tokens for others are refused.
	for onWhoseBehalf, want := range map[*principal.Principal]string{principal.Host("search"): "service plugin:search ", user: "user user:default/guest plugin:search"} {
		token, err := h.PluginToken(ctx, "search", "sentry", onWhoseBehalf)
		if err != nil {
			t.Fatal(err)
		}
		a := h.bearer(t, "POST", "/api/sentry/any/path", token).json(t)
		if got := strings.Join([]string{a["kind"].(string), a["subject"].(string), a["actor"].(string)}, " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	expect(t, h.bearer(t, "GET", "/api/sentry/any/path", plain), 401, "Failed plugin token verification")
	expect(t, h.send(t, "GET", "/api/sentry/any/path", ""), 401, "Missing credentials")

	// Others find its key, and it has the cookie like every feature.
	keys := h.send(t, "GET", "/api/sentry/.backstage/auth/v1/jwks.json", "").json(t)["keys"].([]any)
	if key := keys[0].(map[string]any); len(keys) != 1 || key["alg"] != "ES256" || key["d"] != nil {
		t.Errorf("%v", keys)
	}
	if a := h.bearer(t, "GET", "/api/sentry/.backstage/auth/v1/cookie", h.guestToken(t)); a.status != 200 || a.header.Get("Set-Cookie") == "" {
		t.Errorf("%+v", a)
	}

	detach()
	expect(t, h.bearer(t, "GET", "/api/catalog/who/am/i", plain), 401, "Received a plugin token where the source 'sentry' plugin unexpectedly does not have a JWKS endpoint. The target plugin needs to be migrated to be installed in an app using the new backend system.")
	if _, err := h.PluginToken(ctx, "sentry", "catalog", principal.Host("sentry")); err == nil {
		t.Error("a token for what was detached")
	}
	if a := h.send(t, "GET", "/api/sentry/.backstage/auth/v1/jwks.json", ""); a.status != 404 {
		t.Errorf("%+v", a)
	}
	h.attach(t, "sentry")
	if a := h.bearer(t, "GET", "/api/catalog/who/am/i", plain).json(t); a["subject"] != "plugin:sentry" {
		t.Errorf("attached again: %v", a)
	}
}
