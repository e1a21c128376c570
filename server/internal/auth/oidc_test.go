package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// documents is a network of client metadata documents: whatever host is asked, this answers.
type documents struct {
	status  int
	body    string
	header  http.Header
	fetched []string
}

func (d *documents) RoundTrip(r *http.Request) (*http.Response, error) {
	d.fetched = append(d.fetched, r.URL.String())
	w := httptest.NewRecorder()
	maps.Copy(w.Header(), d.header)
	w.WriteHeader(d.status)
	_, _ = w.WriteString(d.body)
	return w.Result(), nil
}

const claudeID = "https://claude.ai/oauth/client.json"

func claudeDocument() *documents {
	return &documents{status: 200, body: `{"client_id":"` + claudeID + `","client_name":"Assistant","redirect_uris":["http://127.0.0.1:9000/callback","https://claude.ai/cb"]}`}
}

func newOIDCHost(t testing.TB, db *store.DB, d http.RoundTripper) *host {
	t.Helper()
	return newHost(t, db, testConfig, func(o *Options) { o.ClientTransport = d })
}

// "abc…" as S256: the pair of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func authorizeQuery(change ...string) string {
	q := url.Values{"client_id": {claudeID}, "redirect_uri": {"http://127.0.0.1:5123/callback"}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"s&t"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(change); i += 2 {
		if change[i+1] == "" {
			q.Del(change[i])
			continue
		}
		q.Set(change[i], change[i+1])
	}
	return "/api/auth/v1/authorize?" + q.Encode()
}

func TestAuthorizationCodeFlow_SignsAClientIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		docs := claudeDocument()
		h := newOIDCHost(t, db, docs)
		user := h.guestToken(t)
		begin := func() string {
			a := h.send(t, "GET", authorizeQuery(), "")
			id, ok := strings.CutPrefix(a.header.Get("Location"), "http://portal.test/oauth2/authorize/")
			if a.status != 302 || !ok {
				t.Fatalf("%d %s %s", a.status, a.header.Get("Location"), a.body)
			}
			return id
		}
		id := begin()
		session := h.send(t, "GET", "/api/auth/v1/sessions/"+id, "").json(t)
		if session["clientName"] != "Assistant" || session["scope"] != "openid" || session["clientId"] != claudeID || session["redirectUri"] != "http://127.0.0.1:5123/callback" {
			t.Errorf("session %v", session)
		}
		approve := h.bearer(t, "POST", "/api/auth/v1/sessions/"+id+"/approve", user)
		back, err := url.Parse(fmt.Sprint(approve.json(t)["redirectUrl"]))
		if err != nil || back.Host != "127.0.0.1:5123" || back.Query().Get("state") != "s&t" {
			t.Fatalf("%d %s", approve.status, approve.body)
		}
		code := back.Query().Get("code")
		exchange := func(code, verifier, redirect string) answer {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirect}}
			return h.send(t, "POST", "/api/auth/v1/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		}
		const redirect = "http://127.0.0.1:5123/callback"
		for name, a := range map[string]answer{
			"Invalid code verifier":           exchange(code, verifier+"x", redirect),
			"Code verifier required for PKCE": exchange(code, "", redirect),
			"Redirect URI mismatch":           exchange(code, verifier, "http://127.0.0.1:5124/callback"),
			"Invalid authorization code":      exchange(code+"x", verifier, redirect),
		} {
			if v := a.json(t); a.status != 400 || v["error"] != "invalid_grant" || v["error_description"] != name {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		a := exchange(code, verifier, redirect)
		tokens := a.json(t)
		if a.status != 200 || tokens["token_type"] != "Bearer" || tokens["scope"] != "openid" || tokens["expires_in"] != 3600.0 || tokens["id_token"] != tokens["access_token"] {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if who := h.bearer(t, "GET", "/api/catalog/who/am/i", fmt.Sprint(tokens["access_token"])).json(t); who["subject"] != "user:default/guest" {
			t.Errorf("%v", who)
		}
		if v := exchange(code, verifier, redirect).json(t); v["error_description"] != "Authorization code already used" {
			t.Errorf("a second time: %v", v)
		}
		if v := h.bearer(t, "POST", "/api/auth/v1/sessions/"+id+"/approve", user).json(t); v["error_description"] != "Authorization session not found or expired" {
			t.Errorf("approved twice: %v", v)
		}

		refused := begin()
		reject := h.bearer(t, "POST", "/api/auth/v1/sessions/"+refused+"/reject", user).json(t)
		if want := redirect + "?error=access_denied&error_description=User+denied+the+request&state=s%26t"; reject["redirectUrl"] != want {
			t.Errorf("rejected: %v, want %s", reject, want)
		}
		late := begin()
		h.clock.advance(30 * time.Minute)
		user = h.guestToken(t)
		h.clock.advance(31 * time.Minute)
		if v := h.bearer(t, "POST", "/api/auth/v1/sessions/"+late+"/approve", user).json(t); v["error_description"] != "Authorization session expired" {
			t.Errorf("late: %v", v)
		}
		h.upkeep(t.Context())
		if s, err := h.db.session(t.Context(), late); s != nil || err != nil {
			t.Errorf("an expired session was kept: %v, %v", s, err)
		}
		if len(docs.fetched) != 1 {
			t.Errorf("the document was fetched %d times", len(docs.fetched))
		}
	})
}

func TestAuthorize_RefusesWithoutRedirecting(t *testing.T) {
	h := newOIDCHost(t, storetest.SQLite(t), claudeDocument())
	for _, c := range []struct{ name, target, message string }{
		{"nothing", "/api/auth/v1/authorize", `Validation error: Invalid input: expected string, received undefined at "client_id"; Invalid input: expected string, received undefined at "redirect_uri"; Invalid input: expected string, received undefined at "response_type"`},
		{"empty texts", "/api/auth/v1/authorize?client_id=&redirect_uri=http://localhost/cb&response_type=", `Validation error: Too small: expected string to have >=1 characters at "client_id"; Too small: expected string to have >=1 characters at "response_type"`},
		{"a list", "/api/auth/v1/authorize?client_id=a&client_id=b&redirect_uri=http://localhost/cb&response_type=code", `Validation error: Invalid input: expected string, received array at "client_id"`},
		{"no URL", authorizeQuery("redirect_uri", "nope"), `Validation error: Invalid URL at "redirect_uri"`},
		{"no code", authorizeQuery("response_type", "token"), "Only authorization code flow is supported"},
		{"client not a URL", authorizeQuery("client_id", "x"), "Invalid client_id"},
		{"client not allowed", authorizeQuery("client_id", "https://evil.test/c.json"), "Invalid client_id 'https://evil.test/c.json'"},
		{"client of a lookalike", authorizeQuery("client_id", "https://claude.ai.evil.test/c.json"), "Invalid client_id 'https://claude.ai.evil.test/c.json'"},
		{"client on another port", authorizeQuery("client_id", "https://claude.ai:8443/c.json"), "Invalid client_id 'https://claude.ai:8443/c.json'"},
		{"redirect to a site", authorizeQuery("redirect_uri", "https://evil.test/cb?x=1"), "Invalid redirect_uri 'https://evil.test/cb'"},
		{"redirect registered but not allowed here", authorizeQuery("redirect_uri", "https://claude.ai/cb"), "Invalid redirect_uri 'https://claude.ai/cb'"},
		{"redirect with another path", authorizeQuery("redirect_uri", "http://127.0.0.1:5123/other"), "Invalid redirect_uri 'http://127.0.0.1:5123/other', not registered in client metadata"},
		{"redirect with another host", authorizeQuery("redirect_uri", "http://localhost:5123/callback"), "Invalid redirect_uri 'http://localhost:5123/callback', not registered in client metadata"},
		{"redirect with credentials", authorizeQuery("redirect_uri", "http://127.0.0.1@evil.test/callback"), "Invalid redirect_uri 'http://evil.test/callback'"},
		{"redirect with a backslash", authorizeQuery("redirect_uri", `http://127.0.0.1\@evil.test/callback`), `Validation error: Invalid URL at "redirect_uri"`},
		{"redirect as script", authorizeQuery("redirect_uri", "javascript://127.0.0.1/%0aalert(1)"), "Invalid redirect_uri 'javascript://127.0.0.1/%0aalert(1)'"},
		{"no PKCE", authorizeQuery("code_challenge", ""), "PKCE is required for public clients. Provide a code_challenge parameter."},
		{"PKCE of another kind", authorizeQuery("code_challenge_method", "S512"), "Invalid code_challenge_method"},
		{"PKCE without method", authorizeQuery("code_challenge_method", ""), "Invalid code_challenge_method"},
	} {
		a := h.send(t, "GET", c.target, "")
		got := a.message()
		var oauth struct {
			Description string `json:"error_description"`
		}
		if json.Unmarshal([]byte(a.body), &oauth) == nil && oauth.Description != "" {
			got = oauth.Description
		}
		if a.status != 400 || got != c.message || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %q, want %q", c.name, a.status, got, c.message)
		}
	}
}

func TestTokenAndRevoke_WordTheirRefusalsAsTheReference(t *testing.T) {
	h := newOIDCHost(t, storetest.SQLite(t), claudeDocument())
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"token", `{}`, 400, `{"error":"invalid_request","error_description":"Validation error: Invalid input: expected string, received undefined at \"grant_type\""}`},
		{"token", `{"grant_type":"password"}`, 400, `{"error":"unsupported_grant_type","error_description":"Grant type password is not supported"}`},
		{"token", `{"grant_type":"refresh_token","refresh_token":"x"}`, 400, `{"error":"invalid_request","error_description":"Refresh tokens are not enabled"}`},
		{"token", `{"grant_type":"refresh_token"}`, 400, `{"error":"invalid_request","error_description":"Missing refresh_token parameter for refresh_token grant"}`},
		{"token", `{"grant_type":"authorization_code"}`, 400, `{"error":"invalid_request","error_description":"Missing code or redirect_uri parameters for authorization_code grant"}`},
		{"token", `{"grant_type":5,"redirect_uri":"x","code":null}`, 400, `{"error":"invalid_request","error_description":"Validation error: Invalid input: expected string, received number at \"grant_type\"; Invalid input: expected string, received null at \"code\"; Invalid URL at \"redirect_uri\""}`},
		{"token", `[]`, 400, `{"error":"invalid_request","error_description":"Validation error: Invalid input: expected object, received array"}`},
		{"revoke", `{"token":"x"}`, 401, `{"error":"invalid_client","error_description":"Client authentication required"}`},
		{"revoke", `{"token":"x","client_id":"abc","client_secret":"y"}`, 401, `{"error":"invalid_client","error_description":"Invalid client credentials"}`},
		{"revoke", `{"token":"x","client_id":"` + claudeID + `"}`, 200, ``},
		{"revoke", `{}`, 400, `{"error":"invalid_request","error_description":"Validation error: Invalid input: expected string, received undefined at \"token\""}`},
		{"sessions/x/approve", `{}`, 403, `{"error":"access_denied","error_description":"Authentication required"}`},
		{"sessions/x/reject", `{}`, 403, `{"error":"access_denied","error_description":"Authentication required"}`},
	} {
		if a := h.send(t, "POST", "/api/auth/v1/"+c.path, c.body); a.status != c.status || a.body != c.want {
			t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, a.status, a.body, c.status, c.want)
		}
	}
	if a := h.send(t, "GET", "/api/auth/v1/sessions/x", ""); a.status != 400 || a.body != `{"error":"invalid_request","error_description":"Invalid authorization session"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	limited := mustLimited(t, h.guestToken(t))
	if a := h.bearer(t, "POST", "/api/auth/v1/sessions/x/approve", limited); a.status != 401 || a.json(t)["error"] != "invalid_client" {
		t.Errorf("approve with a limited token: %d %s", a.status, a.body)
	}
	expect(t, h.bearer(t, "POST", "/api/auth/v1/sessions/x/reject", limited), 401, "Illegal limited user token")
	for _, action := range []string{"approve", "reject"} {
		if a := h.bearer(t, "POST", "/api/auth/v1/sessions/x/"+action, "static-token-one"); a.status != 403 {
			t.Errorf("%s by a service: %d %s", action, a.status, a.body)
		}
	}
	// A plugin that acts for a user may not consent for the user.
	user, err := h.AuthenticateToken(t.Context(), h.guestToken(t), "search", false)
	if err != nil {
		t.Fatal(err)
	}
	acting, err := h.PluginToken(t.Context(), "search", "auth", user)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "POST", "/api/auth/v1/sessions/x/approve", acting); a.status != 403 {
		t.Errorf("approve by a plugin: %d %s", a.status, a.body)
	}
}

// TestOAuthMetadataFetch is CVE-2026-32236 of the reference and its neighbours: a client id must not make the host
// fetch what only the host can reach.
func TestOAuthMetadataFetch(t *testing.T) {
	t.Run("client ids that are no plain public https addresses are never fetched", func(t *testing.T) {
		docs := claudeDocument()
		h := newOIDCHost(t, storetest.SQLite(t), docs)
		for _, id := range []string{
			"http://claude.ai/c.json", "https://claude.ai", "https://claude.ai/", "https://claude.ai/a/../c.json", "https://claude.ai/a/%2e%2e/c.json",
			"https://claude.ai/.", "https://claude.ai/c.json?x", "https://claude.ai/c.json#x", "https://claude.ai/c.json#", "https://user@claude.ai/c.json",
			"https://user:pw@claude.ai/c.json", `https://claude.ai\@127.0.0.1/c.json`, "https://claude.ai/c.json\t", " https://claude.ai/c.json",
			"https://127.0.0.1/c.json", "https://localhost/c.json", "https://[::1]/c.json", "https://169.254.169.254/latest", "https://2130706433/c.json",
			"https://0x7f.1/c.json", "https://127.1/c.json", "http://localhost/c.json", "http://127.0.0.1:8080/c.json", "file:///etc/passwd",
			"ftp://claude.ai/c.json", "gopher://claude.ai/c.json", "https:claude.ai/c.json", "https:///c.json", "//claude.ai/c.json", "https://claude.ai@evil.test/c.json",
			"https://claude.ai.evil.test/c.json", "https://evil.test/https://claude.ai/c.json", "https://claude.ai:22/c.json", "https://xn--clade-uqa.ai/c.json",
			"https://claudé.ai/c.json", "https://claude.ai/" + strings.Repeat("a", 3000),
		} {
			if a := h.send(t, "GET", authorizeQuery("client_id", id), ""); a.status != 400 {
				t.Errorf("%q: %d %s", id, a.status, a.body)
			}
		}
		if docs.fetched != nil {
			t.Errorf("fetched %q", docs.fetched)
		}
	})
	t.Run("names that lead to inner addresses are refused when they are dialled", func(t *testing.T) {
		var reached atomic.Bool
		inner := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
		defer inner.Close()
		_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
		client := &http.Client{Transport: publicTransport()}
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.0.1", "[fd00::1]", "[fe80::1]"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+":"+port+"/c.json", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Do(req)
			cancel()
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s was dialled: %v", host, err)
			}
		}
		if reached.Load() {
			t.Error("the inner server was reached")
		}
	})
	t.Run("documents that break a rule are refused with a text that tells nothing of the network", func(t *testing.T) {
		good := claudeDocument().body
		for name, c := range map[string]struct {
			docs    documents
			message string
		}{
			"redirect":        {documents{status: 302, header: http.Header{"Location": {"http://169.254.169.254/"}}}, "Failed to fetch client metadata"},
			"not found":       {documents{status: 404, body: "hush"}, "Failed to fetch client metadata"},
			"server error":    {documents{status: 500, body: "hush"}, "Failed to fetch client metadata"},
			"not JSON":        {documents{status: 200, body: "<html>hush"}, "Invalid client metadata document"},
			"too large":       {documents{status: 200, body: `{"x":"` + strings.Repeat("a", maxMetadata) + `"}`}, "Client metadata document too large"},
			"another client":  {documents{status: 200, body: strings.Replace(good, "claude.ai/oauth", "evil.test", 1)}, "Client ID mismatch in metadata document"},
			"no redirects":    {documents{status: 200, body: `{"client_id":"` + claudeID + `"}`}, "Metadata must include at least one redirect_uri"},
			"a secret":        {documents{status: 200, body: strings.Replace(good, "{", `{"client_secret":"s",`, 1)}, "Client metadata must not contain client_secret"},
			"a secret method": {documents{status: 200, body: strings.Replace(good, "{", `{"token_endpoint_auth_method":"client_secret_basic",`, 1)}, "Client metadata uses forbidden auth method"},
			"script redirect": {documents{status: 200, body: strings.Replace(good, "https://claude.ai/cb", "javascript:alert(1)", 1)}, "Invalid redirect_uri in metadata"},
		} {
			h := newOIDCHost(t, storetest.SQLite(t), &c.docs)
			a := h.send(t, "GET", authorizeQuery(), "")
			if a.status != 400 || a.message() != c.message || strings.Contains(a.body, "hush") {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if len(c.docs.fetched) != 1 {
				t.Errorf("%s: fetched %q", name, c.docs.fetched)
			}
		}
	})
	t.Run("strangers cannot make the host fetch without end", func(t *testing.T) {
		docs := &documents{status: 404}
		h := newOIDCHost(t, storetest.SQLite(t), docs)
		limited := 0
		for i := range 50 {
			if a := h.send(t, "GET", authorizeQuery("client_id", fmt.Sprintf("https://claude.ai/%d", i)), ""); a.status == 503 {
				limited++
			}
		}
		if len(docs.fetched) > 30 || limited != 20 {
			t.Errorf("%d fetches, %d were told to wait", len(docs.fetched), limited)
		}
	})
}

func TestURLPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"https://claude.ai/*", "https://claude.ai/x/y", true},
		{"https://claude.ai/*", "https://CLAUDE.ai/x", true},
		{"https://claude.ai/*", "https://claude.ai:443/x", true},
		{"https://claude.ai/*", "https://a.claude.ai/x", false},
		{"https://claude.ai/*", "http://claude.ai/x", false},
		{"https://chatgpt.com/oauth/codex/*/client.json", "https://chatgpt.com/oauth/codex/1/client.json", true},
		{"https://chatgpt.com/oauth/codex/*/client.json", "https://chatgpt.com/oauth/codex/client.json", false},
		{"http://localhost:*/*", "http://localhost:1/cb", true},
		{"http://localhost:*/*", "http://localhost/cb", true},
		{"http://localhost/*", "http://localhost:1/cb", false},
		{"http://[::1]:*/*", "http://[::1]:80/cb", true},
		{"cursor://*", "cursor://anysphere/cb", true},
		{"https://*.example.com/cb", "https://a.example.com/cb", true},
		{"https://*.example.com/cb", "https://example.com/cb", false},
		{"https://*.example.com/cb", "https://evil.test/.example.com/cb", false},
		{"*", "anything://x/", true},
	} {
		p, ok := parseURLPattern(c.pattern)
		u, err := url.Parse(c.address)
		if !ok || err != nil || p.matches(u) != c.want {
			t.Errorf("%s on %s: want %v", c.pattern, c.address, c.want)
		}
	}
	for _, bad := range []string{"claude.ai/*", "", "https://u@x/", "://x"} {
		if _, ok := parseURLPattern(bad); ok {
			t.Errorf("%q was accepted as a pattern", bad)
		}
	}
}
