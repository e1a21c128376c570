package auth

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-jose/go-jose/v4"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func sayWho(c *gin.Context) error {
	p := httpx.Principal(c)
	return httpx.JSON(c, http.StatusOK, map[string]any{"kind": p.Kind.String(), "subject": p.Subject, "actor": p.Actor, "limited": p.Limited})
}

func TestGuestSignIn_GivesATokenThatEveryHolderCanNarrow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHost(t, db, testConfig)
		for _, method := range []string{"GET", "POST"} {
			a := h.send(t, method, "/api/auth/guest/refresh?env=development&optional", "", "Authorization", "Bearer bad")
			if a.status != 200 || a.header.Get("Set-Cookie") != "" {
				t.Fatalf("%s: %d %s", method, a.status, a.body)
			}
			var session Session
			if err := json.Unmarshal([]byte(a.body), &session); err != nil {
				t.Fatal(err)
			}
			want := []string{"user:default/guest", "group:default/guests"}
			if id := session.Identity.Identity; id.User != want[0] || !slices.Equal(id.Ownership, want) || id.Type != "user" {
				t.Errorf("%s: identity %+v", method, id)
			}
			if session.Profile == nil || len(session.Profile) != 0 || session.Identity.ExpiresIn != 3600 {
				t.Errorf("%s: %s", method, a.body)
			}
		}
		token := h.guestToken(t)
		parts := strings.Split(token, ".")
		if got, want := decode(t, parts[0]), fmt.Sprintf(`{"typ":"vnd.backstage.user","alg":"ES256","kid":"%s"}`, h.userKeys.current.id); got != want {
			t.Errorf("header %s, want %s", got, want)
		}
		iat := h.clock.now().Unix()
		prefix := fmt.Sprintf(`{"iss":"http://portal.test/api/auth","sub":"user:default/guest","aud":"backstage","iat":%d,"exp":%d,"uip":"`, iat, iat+3600)
		if got := decode(t, parts[1]); !strings.HasPrefix(got, prefix) {
			t.Errorf("claims %s, want %s…", got, prefix)
		}
		// The limited token as the contract lets any holder rebuild it.
		var claims userClaims
		if err := json.Unmarshal([]byte(decode(t, parts[1])), &claims); err != nil {
			t.Fatal(err)
		}
		limited := encodeText(strings.Replace(decode(t, parts[0]), "vnd.backstage.user", "vnd.backstage.limited-user", 1)) + "." +
			encodeText(fmt.Sprintf(`{"sub":"user:default/guest","iat":%d,"exp":%d}`, iat, iat+3600)) + "." + claims.Proof
		if got, _, err := limitedToken(token); err != nil || got != limited {
			t.Errorf("limited token %s, %v, want %s", got, err, limited)
		}
		expect(t, h.bearer(t, "GET", "/api/catalog/who/am/i", limited), 401, "Illegal limited user token")
		if a := h.bearer(t, "GET", "/api/docs/who/am/i", limited); a.status != 200 || a.json(t)["limited"] != true {
			t.Errorf("docs: %d %s", a.status, a.body)
		}
		if a := h.bearer(t, "GET", "/api/catalog/who/am/i", token); a.status != 200 || a.json(t)["subject"] != "user:default/guest" {
			t.Errorf("catalog: %d %s", a.status, a.body)
		}
	})
}

func TestGuestSignIn_Refusals(t *testing.T) {
	db := storetest.SQLite(t)
	base := "backend: {baseUrl: 'http://portal.test'}\n"
	closed := newHost(t, db, base+"auth: {providers: {guest: {}}}")
	expect(t, closed.send(t, "GET", "/api/auth/guest/refresh", ""), 403,
		"The guest provider cannot be used outside of a development environment unless 'auth.providers.guest.dangerouslyAllowOutsideDevelopment' is enabled")
	absent := newHost(t, db, base)
	expect(t, absent.send(t, "GET", "/api/auth/guest/refresh", ""), 404, "No auth provider registered for 'guest'")

	development := newHost(t, db, base+"auth: {providers: {guest: {}}}", func(o *Options) { o.Development = true })
	a := development.send(t, "GET", "/api/auth/guest/refresh", "")
	if !strings.Contains(a.body, `"ownershipEntityRefs":["user:development/guest"]`) {
		t.Errorf("a guest who is not in the catalog: %s", a.body)
	}
}

func TestProviderRoutes_AnswerAsTheReference(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	for _, c := range []struct {
		method, path string
		status       int
		message      string
	}{
		{"GET", "/guest/start", 501, "Not implemented"},
		{"GET", "/guest/handler/frame", 501, "Not implemented"},
		{"POST", "/guest/handler/frame", 501, "Not implemented"},
		{"POST", "/guest/logout", 404, "Unknown auth provider 'guest'"},
		{"GET", "/guest/logout", 404, "Unknown auth provider 'guest'"},
		{"PUT", "/guest/refresh", 404, "Unknown auth provider 'guest'"},
		{"GET", "/guest", 404, "Unknown auth provider 'guest'"},
		{"GET", "/guest/", 404, "Unknown auth provider 'guest'"},
		{"GET", "/guest/refresh/x", 404, "Unknown auth provider 'guest'"},
		{"GET", "/guest/nope", 404, "Unknown auth provider 'guest'"},
		{"GET", "/github/refresh", 404, "Unknown auth provider 'github'"},
		{"POST", "/nope/logout", 404, "Unknown auth provider 'nope'"},
		{"GET", "/nope/handler/frame", 404, "Unknown auth provider 'nope'"},
		{"POST", "/v1/register", 404, "Unknown auth provider 'v1'"},
		{"POST", "/v1/userinfo", 404, "Unknown auth provider 'v1'"},
		{"GET", "/v1", 404, "Unknown auth provider 'v1'"},
		{"OPTIONS", "/nope/start", 404, "Unknown auth provider 'nope'"},
		{"GET", "/.well-known/oauth-authorization-server", 404, "Unknown auth provider '.well-known'"},
	} {
		a := h.send(t, c.method, "/api/auth"+c.path, "")
		if a.status != c.status || a.message() != c.message {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, a.status, a.message(), c.status, c.message)
		}
	}
	for path, want := range map[string]string{"/guest/refresh": "GET,HEAD,POST", "/v1/userinfo": "GET,HEAD", "/.well-known/jwks.json": "GET,HEAD"} {
		if a := h.send(t, "OPTIONS", "/api/auth"+path, ""); a.status != 200 || a.body != want {
			t.Errorf("OPTIONS %s: %d %q", path, a.status, a.body)
		}
	}
	if a := h.send(t, "GET", "/api/auth/GUEST/refresh/", ""); a.status != 200 {
		t.Errorf("other case and a trailing slash: %d", a.status)
	}
	if a := h.send(t, "GET", "/api/auth/", ""); a.status != 404 || a.body != "" {
		t.Errorf("the mount itself: %d %q", a.status, a.body)
	}
}

func TestUserinfo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHost(t, db, testConfig)
		get := func(authorization string) answer {
			return h.send(t, "GET", "/api/auth/v1/userinfo", "", "Authorization", authorization)
		}
		token := h.guestToken(t)
		limited, _, err := limitedToken(token)
		if err != nil {
			t.Fatal(err)
		}
		for _, good := range []string{token, limited} {
			if a := get("bearer  " + good); a.status != 200 || a.body != `{"claims":{"sub":"user:default/guest","ent":["user:default/guest","group:default/guests"]}}` {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		expect(t, get(""), 401, "No token provided")
		expect(t, get("Basic YTpi"), 401, "No token provided")
		expect(t, get("Bearer bad"), 401, "Illegal token")
		expect(t, get("Bearer static-token-one"), 400, "Userinfo endpoint must be called with a token that represents a user principal")

		stranger, err := h.IssueUserToken(t.Context(), UserClaims{Subject: "user:default/stranger"})
		if err != nil {
			t.Fatal(err)
		}
		if a := get("Bearer " + stranger); a.status != 404 || a.body != "User info not found" {
			t.Errorf("who never signed in: %d %q", a.status, a.body)
		}
		owners, err := h.Ownership(t.Context(), &principal.Principal{Kind: principal.User, Subject: "user:default/guest"})
		if err != nil || !slices.Equal(owners, []string{"user:default/guest", "group:default/guests"}) {
			t.Errorf("ownership %v, %v", owners, err)
		}
	})
}

func TestCookie_IsGivenToUsersAndHonouredForReadingOnly(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	token := h.guestToken(t)
	a := h.bearer(t, "GET", "/api/catalog/.backstage/auth/v1/cookie", token)
	limited, expires, err := limitedToken(token)
	if err != nil {
		t.Fatal(err)
	}
	want := "backstage-auth=" + limited + "; Domain=portal.test; Path=/; Expires=" + expires.UTC().Format(http.TimeFormat) + "; HttpOnly; Priority=High; SameSite=Lax"
	if got := a.header.Get("Set-Cookie"); got != want {
		t.Errorf("Set-Cookie %s, want %s", got, want)
	}
	if got := a.json(t)["expiresAt"]; got != expires.UTC().Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("expiresAt %v", got)
	}
	cookie := "backstage-auth=" + limited
	read := h.send(t, "GET", "/api/docs/who/am/i", "", "Cookie", cookie)
	if read.status != 200 || read.json(t)["limited"] != true {
		t.Errorf("reading with the cookie: %d %s", read.status, read.body)
	}
	expect(t, h.send(t, "POST", "/api/docs/who/writes", "", "Cookie", cookie), 401, "Missing credentials")
	expect(t, h.send(t, "GET", "/api/catalog/who/am/i", "", "Cookie", cookie), 401, "Missing credentials")
	expect(t, h.send(t, "GET", "/api/docs/.backstage/auth/v1/cookie", "", "Cookie", cookie), 401, "Missing credentials")
	expect(t, h.send(t, "GET", "/api/docs/who/am/i", "", "Cookie", cookie, "Authorization", "Bearer bad"), 401, "Illegal token")
	expect(t, h.send(t, "GET", "/api/docs/who/am/i", "", "Cookie", "backstage-auth=static-token-one"), 401, "Illegal token")
	expect(t, h.bearer(t, "GET", "/api/docs/.backstage/auth/v1/cookie", "static-token-one"), 403, "This endpoint does not allow 'service' credentials")
	expect(t, h.send(t, "GET", "/api/auth/.backstage/auth/v1/cookie", ""), 401, "Missing credentials")
}

func TestCookie_IsReplacedWhenItEndsSoonOrIsAnotherUsers(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	token := h.guestToken(t)
	limited, _, err := limitedToken(token)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(token string) string {
		a := h.send(t, "GET", "/api/docs/.backstage/auth/v1/cookie", "", "Authorization", "Bearer "+token, "Cookie", "backstage-auth="+limited)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return a.header.Get("Set-Cookie")
	}
	if c := ask(token); c != "" {
		t.Errorf("a good cookie was replaced: %s", c)
	}
	other, err := h.SignIn(t.Context(), UserClaims{Subject: "user:default/other"})
	if err != nil {
		t.Fatal(err)
	}
	if c := ask(other.Token); c == "" {
		t.Error("the cookie of another user was kept")
	}
	h.clock.advance(56 * time.Minute)
	if c := ask(h.guestToken(t)); c == "" {
		t.Error("a cookie that ends in four minutes was kept")
	}
}

func TestCookie_IsCleared(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), strings.ReplaceAll(testConfig, "http://portal.test", "https://portal.test"))
	const cleared = "backstage-auth=; Domain=portal.test; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Priority=High; SameSite=None"
	a := h.bearer(t, "DELETE", "/api/docs/.backstage/auth/v1/cookie", h.guestToken(t))
	if a.status != 204 || a.header.Get("Set-Cookie") != cleared {
		t.Errorf("%d %s", a.status, a.header.Get("Set-Cookie"))
	}
	expect(t, h.send(t, "DELETE", "/api/docs/.backstage/auth/v1/cookie", ""), 401, "Missing credentials")
	if a := h.send(t, "DELETE", "/api/auth/.backstage/auth/v1/cookie", ""); a.status != 204 || a.header.Get("Set-Cookie") != cleared {
		t.Errorf("where everybody is let in: %d %s", a.status, a.header.Get("Set-Cookie"))
	}
}

func TestKeys_AreListedForUsersAndForEveryFeature(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	h.guestToken(t)
	if _, err := h.PluginToken(t.Context(), "search", "catalog", principal.Host("search")); err != nil {
		t.Fatal(err)
	}
	for path, n := range map[string]int{
		"/api/auth/.well-known/jwks.json":           1,
		"/api/search/.backstage/auth/v1/jwks.json":  1,
		"/api/catalog/.backstage/auth/v1/jwks.json": 0,
		"/api/auth/.backstage/auth/v1/jwks.json":    0,
	} {
		a := h.send(t, "GET", path, "")
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal([]byte(a.body), &set); err != nil || set.Keys == nil || len(set.Keys) != n {
			t.Errorf("%s: %d %s", path, a.status, a.body)
			continue
		}
		for _, k := range set.Keys {
			if k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["d"] != nil || len(k) != 6 {
				t.Errorf("%s: key %v", path, k)
			}
		}
	}
	if a := h.send(t, "GET", "/api/nope/.backstage/auth/v1/jwks.json", ""); a.status != 404 || a.body != "" {
		t.Errorf("an unknown feature: %d %q", a.status, a.body)
	}
}

func TestDiscoveryDocument(t *testing.T) {
	db := storetest.SQLite(t)
	h := newHost(t, db, testConfig)
	doc := h.send(t, "GET", "/api/auth/.well-known/openid-configuration", "").json(t)
	if doc["issuer"] != "http://portal.test/api/auth" || doc["client_id_metadata_document_supported"] != true || doc["revocation_endpoint"] == nil {
		t.Errorf("%v", doc)
	}
	if a := h.send(t, "GET", "/api/auth/.well-known/oauth-client/cli.json", ""); a.json(t)["client_id"] != "http://portal.test/api/auth/.well-known/oauth-client/cli.json" {
		t.Errorf("%s", a.body)
	}
	off := newHost(t, db, "backend: {baseUrl: 'http://portal.test'}")
	doc = off.send(t, "GET", "/api/auth/.well-known/openid-configuration", "").json(t)
	if doc["client_id_metadata_document_supported"] != nil || doc["revocation_endpoint"] != nil {
		t.Errorf("not enabled: %v", doc)
	}
	if a := off.send(t, "GET", "/api/auth/.well-known/oauth-client/cli.json", ""); a.status != 404 || a.json(t)["error"] != "not_found" {
		t.Errorf("%d %s", a.status, a.body)
	}
	expect(t, off.send(t, "GET", "/api/auth/v1/authorize", ""), 404, "Unknown auth provider 'v1'")
}

// verifyAsSidecar checks a token with nothing but the published keys, by the other library's own rules.
func verifyAsSidecar(t *testing.T, h *host, token, keysPath string) map[string]any {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(h.send(t, "GET", keysPath, "").body), &set); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	keys := set.Key(jws.Signatures[0].Protected.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys with that id", len(keys))
	}
	payload, err := jws.Verify(keys[0].Key.(*ecdsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestPublishedKeys_VerifyEveryKindOfToken(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	user := h.guestToken(t)
	limited, _, err := limitedToken(user)
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.AuthenticateToken(t.Context(), user, "search", false)
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := h.PluginToken(t.Context(), "search", "catalog", p)
	if err != nil {
		t.Fatal(err)
	}
	const users, search = "/api/auth/.well-known/jwks.json", "/api/search/.backstage/auth/v1/jwks.json"
	if c := verifyAsSidecar(t, h, user, users); c["sub"] != "user:default/guest" {
		t.Errorf("%v", c)
	}
	if c := verifyAsSidecar(t, h, limited, users); len(c) != 3 {
		t.Errorf("%v", c)
	}
	if c := verifyAsSidecar(t, h, plugin, search); c["sub"] != "search" || c["aud"] != "catalog" || c["obo"] != limited {
		t.Errorf("%v", c)
	}
}

func decode(t testing.TB, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func encodeText(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
