package auth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth/idptest"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

const signInConfig = `
app: {baseUrl: 'http://portal.test'}
backend: {baseUrl: http://portal.test}
auth:
  environment: production
  providers:
    guest: {dangerouslyAllowOutsideDevelopment: true}
    oauth2Proxy: {signIn: {resolvers: [{resolver: forwardedUserMatchingUserEntityName}]}}
    google: {production: {clientId: a, clientSecret: b}}
    github:
      production:
        clientId: CLIENT
        clientSecret: SECRET
        enterpriseInstanceUrl: SITE
        signIn: {resolvers: [{resolver: usernameMatchingUserEntityName}]}
`

func TestSignIn_GivesTheTokenOfTheUserThatTheProviderNames(t *testing.T) {
	g := idptest.NewGitHub(t)
	yaml := strings.NewReplacer("CLIENT", g.ClientID, "SECRET", "'"+g.Secret+"'", "SITE", g.URL).Replace(signInConfig)
	h := newHost(t, storetest.SQLite(t), yaml, func(o *Options) {
		o.Users = users{"user:default/octocat": entity.Entity{"kind": "User", "metadata": map[string]any{"name": "octocat"},
			"relations": []any{map[string]any{"type": "memberOf", "targetRef": "group:default/cats"}}}}
	})
	if got := h.SignInProviders(); len(got) != 2 || got[0] != (SignInProvider{ID: "github", Title: "GitHub"}) || got[1] != (SignInProvider{ID: "guest", Title: "Guest", Guest: true}) || h.SignInEnvironment() != "production" {
		t.Errorf("providers %+v in %s", got, h.SignInEnvironment())
	}
	start := h.send(t, "GET", "/api/auth/github/start?env=production&flow=popup&origin=http://portal.test&scope=", "")
	if start.status != http.StatusFound {
		t.Fatalf("start: %d %s", start.status, start.body)
	}
	back, err := g.SignIn(start.header.Get("Location"), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	framed := h.send(t, "GET", back.RequestURI(), "", "Cookie", cookieHeader(start))
	if framed.status != 200 || framed.header.Get("Content-Type") != "text/html" || framed.header.Get("X-Frame-Options") != "sameorigin" ||
		!strings.HasPrefix(framed.header.Get("Content-Security-Policy"), "script-src 'sha256-") || len(framed.header.Values("Content-Security-Policy")) != 1 {
		t.Fatalf("frame: %d %v %s", framed.status, framed.header, framed.body)
	}
	renewed := h.send(t, "POST", "/api/auth/github/refresh?env=production&optional", "", "Cookie", cookieHeader(framed), "X-Requested-With", "XMLHttpRequest")
	var session struct {
		Identity SessionIdentity `json:"backstageIdentity"`
	}
	if err := json.Unmarshal([]byte(renewed.body), &session); err != nil || renewed.status != 200 {
		t.Fatalf("refresh: %d %s", renewed.status, renewed.body)
	}
	info := h.bearer(t, "GET", "/api/auth/v1/userinfo", session.Identity.Token)
	if want := `{"claims":{"sub":"user:default/octocat","ent":["user:default/octocat","group:default/cats"]}}`; info.body != want {
		t.Errorf("userinfo %s, want %s", info.body, want)
	}
	if a := h.send(t, "POST", "/api/auth/github/logout?env=production", "", "X-Requested-With", "XMLHttpRequest"); a.status != 200 || a.body != "" {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	for path, want := range map[string]string{
		"/api/auth/github/refresh?env=production": "Invalid X-Requested-With header", "/api/auth/github/nope": "Unknown auth provider 'github'", "/api/auth/okta/start": "Unknown auth provider 'okta'",
		"/api/auth/oauth2Proxy/start": "Not implemented",
		"/api/auth/github/start":      "Must specify 'env' query to select environment",
	} {
		if a := h.send(t, "GET", path, ""); a.message() != want {
			t.Errorf("%s: %d %q, want %q", path, a.status, a.message(), want)
		}
	}
	if a := h.send(t, "GET", "/api/auth/oauth2Proxy/refresh", "", "X-Forwarded-User", "octocat"); a.status != 200 || !strings.Contains(a.body, `"userEntityRef":"user:default/octocat"`) {
		t.Errorf("proxy: %d %s", a.status, a.body)
	}
	for _, secret := range []string{g.Secret, session.Identity.Token, back.Query().Get("code")} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestSignIn_ByRedirectTellsWhichProviderSomebodyCameFrom(t *testing.T) {
	g := idptest.NewGitHub(t)
	yaml := strings.NewReplacer("CLIENT", g.ClientID, "SECRET", "'"+g.Secret+"'", "SITE", g.URL).Replace(signInConfig)
	landed := ""
	h := newHost(t, storetest.SQLite(t), yaml, func(o *Options) {
		o.Users = users{"user:default/octocat": entity.Entity{"kind": "User", "metadata": map[string]any{"name": "octocat"}}}
		o.Landed = func(_ http.ResponseWriter, _ *http.Request, provider string, to *url.URL, token string) {
			landed = provider + " " + to.Path + " " + strconv.FormatBool(token != "")
		}
	})
	start := h.send(t, "GET", "/api/auth/github/start?env=production&flow=redirect&redirectUrl=http://portal.test/console/", "")
	back, err := g.SignIn(start.header.Get("Location"), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	a := h.send(t, "GET", back.RequestURI(), "", "Cookie", cookieHeader(start))
	if a.status != http.StatusFound || a.header.Get("Location") != "http://portal.test/console/" || landed != "github /console/ true" {
		t.Errorf("%d to %q, landed %q", a.status, a.header.Get("Location"), landed)
	}
}

// cookieHeader is what a browser sends back after an answer.
func cookieHeader(a answer) string {
	var all []string
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge >= 0 {
			all = append(all, c.Name+"="+c.Value)
		}
	}
	return strings.Join(all, "; ")
}

func TestSignIn_OfAProviderWhoseConfigurationIsWrong(t *testing.T) {
	yaml := "backend: {baseUrl: 'http://portal.test'}\napp: {baseUrl: 'http://portal.test'}\nauth: {providers: {okta: {development: {clientId: a}}}}\n"
	h := newHost(t, storetest.SQLite(t), yaml, func(o *Options) { o.Development = true })
	if a := h.send(t, "GET", "/api/auth/okta/start?env=development", ""); a.status != 404 || !strings.HasPrefix(a.message(), "Auth provider registered for 'okta' is misconfigured.") {
		t.Errorf("%d %s", a.status, a.body)
	}
	cfg := config.FromYAML(yaml)
	CheckConfig(cfg)
	if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), "auth.providers.okta.development.clientSecret: is missing") {
		t.Errorf("checked: %v", err)
	}
}
