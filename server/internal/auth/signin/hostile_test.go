package signin

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth/idptest"
	"github.com/callboard/callboard/server/internal/config"
)

func TestStart_SendsNobodyAndTellsNobodyOfOriginsThatAreNotAllowed(t *testing.T) {
	g := idptest.NewGitHub(t)
	w := newWorld(t, "  experimentalExtraAllowedOrigins: ['https://*.preview.test', 'http://{a,b}.test:30??']\n"+gitHubWith(g, ""))
	start := w.URL + "/api/auth/github/start?"
	for origin, want := range map[string]string{
		app: "", app + ":80": "", app + "/some/page": "", w.URL: "", "https://x.preview.test": "", "https://X.Preview.test": "", "http://b.test:3000": "",
		"https://x.preview.test.evil.test": "Origin 'https://x.preview.test.evil.test' is not allowed", "https://preview.test": "Origin 'https://preview.test' is not allowed",
		"http://x.preview.test": "Origin 'http://x.preview.test' is not allowed", "http://a.test:30000": "Origin 'http://a.test:30000' is not allowed",
		"http://app.test.": "Origin 'http://app.test.' is not allowed", app + "@evil.test": "App origin is invalid, failed to parse", "null": "App origin is invalid, failed to parse",
		"": "App origin is invalid, failed to parse", "javascript:alert(1)": "App origin is invalid, failed to parse", `http://app.test\@evil.test`: "App origin is invalid, failed to parse",
		"https://evil.test\u3002preview.test": "App origin is invalid, failed to parse",
	} {
		a := w.open(http.MethodGet, start+"env=development&origin="+url.QueryEscape(origin))
		if ok := a.status == http.StatusFound; ok != (want == "") || a.message() != want {
			t.Errorf("%q: %d %q, want %q", origin, a.status, a.message(), want)
		}
	}
	for _, to := range []string{
		"https://evil.test/", "//evil.test", "/relative", `http:\\evil.test`, "javascript:alert(1)", app + "@evil.test/", "http://user:pw@app.test/", app + ".evil.test", "http://app.test\t.evil.test",
		"data:text/html,x", app + "/" + strings.Repeat("a", maxAddress),
	} {
		a := w.open(http.MethodGet, start+"env=development&flow=redirect&redirectUrl="+url.QueryEscape(to))
		if a.status != http.StatusBadRequest || !strings.Contains(a.message(), "redirectUrl must be an address of the app") {
			t.Errorf("%q: %d %s", to, a.status, a.body)
		}
	}
	for query, want := range map[string]string{
		"": "Must specify 'env' query to select environment", "env=staging": "No configuration available for the 'staging' environment of this provider.",
		"state=" + hex.EncodeToString([]byte("env=development")): "OAuth state is invalid, missing nonce", "state=zz": "OAuth state is invalid, missing env",
		"state=" + (state{nonce: "x", env: "development"}).encode(): "No env provided in request query parameters",
	} {
		if a := w.open(http.MethodGet, start+query); a.message() != want {
			t.Errorf("%q: %d %q, want %q", query, a.status, a.message(), want)
		}
	}
}

func TestFrame_TakesWhatBelongsToThisBrowserAndOnce(t *testing.T) {
	g := idptest.NewGitHub(t)
	config := gitHubWith(g, "        signIn: {resolvers: [{resolver: usernameMatchingUserEntityName, dangerouslyAllowSignInWithoutUserInCatalog: true}]}\n")
	w := newWorld(t, config)
	begin := func(query string) (*url.URL, state) {
		back, err := g.SignIn(w.start("github", query), "octocat")
		if err != nil {
			t.Fatal(err)
		}
		s, err := decodeState(back.Query().Get("state"))
		if err != nil {
			t.Fatal(err)
		}
		return back, s
	}
	with := func(back *url.URL, s state) string {
		q := back.Query()
		q.Set("state", s.encode())
		changed := *back
		changed.RawQuery = q.Encode()
		return changed.String()
	}
	for name, c := range map[string]struct {
		change func(*state)
		want   string
		origin string
	}{
		"another nonce":   {func(s *state) { s.nonce = "AAAAAAAAAAAAAAAAAAAAAA==" }, "Invalid nonce", app},
		"another origin":  {func(s *state) { s.origin = "https://evil.test" }, "Origin 'https://evil.test' is not allowed", app},
		"no origin":       {func(s *state) { s.origin = "javascript:x" }, "App origin is invalid, failed to parse", app},
		"another address": {func(s *state) { s.flow, s.redirectURL = "redirect", "https://evil.test/" }, "The redirectUrl of the OAuth state is not allowed", app},
		"nowhere to go":   {func(s *state) { s.flow = "redirect" }, "No redirectUrl provided in request query parameters", app},
		"no scope":        {func(s *state) { s.hasScope = false }, "No scope found in OAuth state", app},
	} {
		back, s := begin(popup)
		c.change(&s)
		said := w.told(w.open(http.MethodGet, with(back, s)))
		if said.Error == nil || said.Error.Message != c.want || said.origin != c.origin || said.Response != nil {
			t.Errorf("%s: %+v", name, said)
		}
	}
	back, _ := begin(popup)
	stranger := newWorld(t, config)
	foreign := strings.Replace(back.String(), w.URL, stranger.URL, 1)
	if said := stranger.told(stranger.open(http.MethodGet, foreign)); said.Error == nil || said.Error.Message != "Auth response is missing cookie nonce" || said.Error.Name != apierror.NotAllowed {
		t.Errorf("another browser: %+v", said)
	}
	if said := w.told(w.open(http.MethodGet, back.String())); said.Error != nil {
		t.Errorf("the right browser: %+v", said.Error)
	}
	asked := len(g.Requests())
	if said := w.told(w.open(http.MethodGet, back.String())); said.Error == nil || said.Error.Message != "Auth response is missing cookie nonce" {
		t.Errorf("the same once more: %+v", said)
	}
	if len(g.Requests()) != asked {
		t.Error("the provider was asked about an answer that was used")
	}
}

func TestFrame_OfOneProviderDoesNotTakeTheNonceOfAnother(t *testing.T) {
	g := idptest.NewGitHub(t)
	w := newWorld(t, gitHubWith(g, "")+"    oauth2: {development: {clientId: a, clientSecret: b-secret, authorizationUrl: '"+g.URL+"/a', tokenUrl: '"+g.URL+"/t'}}\n")
	back, err := g.SignIn(w.start("github", popup), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(back.String(), "/github/", "/oauth2/", 1)
	if said := w.told(w.open(http.MethodGet, other)); said.Error == nil || said.Error.Message != "Auth response is missing cookie nonce" {
		t.Errorf("%+v", said)
	}
}

func TestFrame_ShowsNothingOfWhatIsForeignAsMarkupOrScript(t *testing.T) {
	evil := `</script><script>alert(1)</script>'"\u2028<img src=x onerror=alert(1)>`
	idp := idptest.New(t, idptest.Options{Users: []idptest.User{{Username: "ann", Email: "ann@example.com", Name: evil, Picture: evil}}})
	w := newWorld(t, openIDWith(idp, ""))
	good := w.signIn(idp, "ann")
	back, err := idp.Refuse(w.start("oidc", popup))
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	q.Set("error", evil)
	q.Set("error_description", evil+idp.Secret+"\r\nSet-Cookie: a=b")
	back.RawQuery = q.Encode()
	bad := w.open(http.MethodGet, back.String())
	for name, a := range map[string]seen{"profile": good, "error": bad} {
		if strings.Count(a.body, "<script>") != 1 || strings.Count(a.body, "</script>") != 1 || strings.Contains(a.body, "<img") || !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "script-src 'sha256-") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if said := w.told(good); said.Response == nil || said.Response.Profile.DisplayName != evil {
		t.Errorf("told %+v", said)
	}
	if said := w.told(bad); said.Error == nil || strings.Contains(said.Error.Message, idp.Secret) || strings.Contains(said.Error.Message, "\n") || len([]rune(said.Error.Message)) > 2*maxSaid+50 {
		t.Errorf("told %+v", said.Error)
	}
}

func TestRefreshAndLogout_AreForScriptsOfAllowedOrigins(t *testing.T) {
	g := idptest.NewGitHub(t)
	w := newWorld(t, gitHubWith(g, ""))
	for _, route := range []string{"refresh", "logout"} {
		a := w.open(http.MethodPost, w.URL+"/api/auth/github/"+route+"?env=development")
		if a.status != 401 || a.message() != "Invalid X-Requested-With header" {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
	}
	a := w.open(http.MethodPost, w.URL+"/api/auth/github/logout?env=development", "X-Requested-With", "XMLHttpRequest", "Origin", "https://evil.test")
	if a.status != 403 || a.message() != "Origin 'https://evil.test' is not allowed" {
		t.Errorf("logout from elsewhere: %d %s", a.status, a.body)
	}
}

// provider of OAuth 2.0 that f is.
func misbehaving(t *testing.T, f http.HandlerFunc) (*world, func() told) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	w := newWorld(t, "  providers: {oauth2: {development: {clientId: the-client, clientSecret: the-secret, authorizationUrl: '"+server.URL+"/authorize', tokenUrl: '"+server.URL+"/token'}}}\n",
		func(o *Options) { o.Transport = impatient{} })
	return w, func() told {
		q := mustParse(t, w.start("oauth2", popup)).Query()
		return w.told(w.open(http.MethodGet, q.Get("redirect_uri")+"?code=the-code&state="+q.Get("state")))
	}
}

// impatient is a transport without patience, so that a test need not have any.
type impatient struct{}

var errPatience = errors.New("it took too long")

func (impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 100 * time.Millisecond}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, errPatience
	}
	return res, nil
}

func TestUpstream_MisbehavesAndSomebodyIsTold(t *testing.T) {
	reached := false
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer private.Close()
	ended := make(chan struct{})
	defer close(ended)
	const nothing = "Authentication failed, Failed to obtain access token"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"10 MB": {func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<20)); err != nil {
					return
				}
			}
		}, nothing},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // until then a server does not see that its client has gone
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		}, nothing},
		"redirects elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, private.URL, http.StatusTemporaryRedirect)
		}, nothing},
		"redirects in a circle": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
		}, nothing},
		"echoes secrets": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, `{"error":"invalid_request","error_description":"cannot read the-secret in %s"}`, body)
		}, "Authentication failed, cannot read [secret] in client_id=the-client&client_secret=[secret]&code=[secret]"},
		"is no provider": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome</html>") }, nothing},
		"fails":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nothing},
		"gives a token with a line break": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"a\r\nX: y"}`)
		}, nothing},
		"gives an ID token for another client": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"a","id_token":"e30.eyJhdWQiOiJvdGhlciIsImVtYWlsIjoiYW5uQGV4YW1wbGUuY29tIn0.e30"}`)
		}, "Failed to parse id token and get profile info"},
	} {
		t.Run(name, func(t *testing.T) {
			w, try := misbehaving(t, c.answer)
			said := try()
			if said.Error == nil || !strings.HasPrefix(said.Error.Message, c.want) {
				t.Errorf("told %+v, want %q", said.Error, c.want)
			}
			for _, secret := range []string{"the-secret", "the-code"} {
				if strings.Contains(w.logged(), secret) || said.Error != nil && strings.Contains(said.Error.Message, secret) {
					t.Errorf("%s is told: %s %+v", secret, w.logged(), said.Error)
				}
			}
		})
	}
	if reached {
		t.Error("a redirect to another host is followed")
	}
}

func TestDiscovery_RefusesDocumentsThatLeadAstray(t *testing.T) {
	const good = "https://idp.test/"
	for name, m := range map[string]metadata{
		"no issuer":       {AuthorizeURL: good, TokenURL: good, KeysURL: good},
		"from https":      {Issuer: good, AuthorizeURL: good, TokenURL: "http://idp.test/", KeysURL: good},
		"script":          {Issuer: good, AuthorizeURL: "javascript:alert(1)", TokenURL: good, KeysURL: good},
		"no keys":         {Issuer: good, AuthorizeURL: good, TokenURL: good},
		"odd revocation":  {Issuer: good, AuthorizeURL: good, TokenURL: good, KeysURL: good, RevokeURL: "ftp://idp.test/"},
		"with a password": {Issuer: good, AuthorizeURL: good, TokenURL: "https://a:b@idp.test/", KeysURL: good},
	} {
		if m.check(good) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	m := metadata{Issuer: good, AuthorizeURL: good, TokenURL: good, KeysURL: good}
	if err := m.check(good); err != nil {
		t.Error(err)
	}
}

func TestConfig_NamesWhatIsWrongAndInDevelopmentDoesWithoutIt(t *testing.T) {
	const providers = `auth:
  experimentalExtraAllowedOrigins: ['!https://a.test', 'https://+(a|b).test']
  providers:
    github: {development: {clientSecret: x, enterpriseInstanceUrl: 'ftp://a', callbackUrl: /x, signIn: {resolvers: [{resolver: nope}, {resolver: emailLocalPartMatchingUserEntityName, allowedDomain: a.test}]}}}
    oidc: {development: {clientId: a, clientSecret: b, metadataUrl: 'https://a.test', scope: x, tokenSignedResponseAlg: HS256, tokenEndpointAuthMethod: private_key_jwt}}
    microsoft: {development: {clientId: a, clientSecret: b, tenantId: 'a/../b'}}
    okta: {development: {clientId: a, clientSecret: b, audience: okta.com}}
    oauth2: {development: {clientId: a, clientSecret: b, authorizationUrl: 'https://a.test'}}
    oauth2Proxy: {}
    google: {development: {clientId: a, clientSecret: b}}
    saml: {}
`
	read := func(development bool) (*Engine, string) {
		cfg := config.FromYAML(providers)
		w := &world{}
		o := Options{Config: cfg.Section("auth"), App: app, Base: "http://host.test/api/auth", Development: development, Now: time.Now, Logger: loggerTo(w)}
		e := New(o)
		if err := cfg.Err(); err != nil {
			return e, err.Error() + w.logged()
		}
		return e, w.logged()
	}
	_, problems := read(false)
	for _, want := range []string{
		"auth.providers.github.development.clientId: is missing", "auth.providers.github.development.enterpriseInstanceUrl: is not a valid URL", "github.development.callbackUrl: is not a valid URL",
		"'nope' is not available here; there are emailLocalPartMatchingUserEntityName, emailMatchingUserEntityProfileEmail, userIdMatchingUserEntityAnnotation, usernameMatchingUserEntityName",
		"resolvers[1].allowedDomain: is no option of this resolver", `The oidc provider no longer supports the "scope"`, "tokenSignedResponseAlg: must be one of RS256", "tokenEndpointAuthMethod: must be client_secret_basic",
		"microsoft.development.tenantId: must be", "okta.development.audience: is not a valid URL", "oauth2.development.tokenUrl: is missing", "No sign-in resolver configured for proxy auth provider 'oauth2Proxy'",
		"experimentalExtraAllowedOrigins", "auth.providers.saml",
	} {
		if !strings.Contains(problems, want) {
			t.Errorf("%q is missing in %s", want, problems)
		}
	}
	e, log := read(true)
	if got := e.Mounted(); len(got) != 1 || got[0].ID != "google" || !e.Broken("github") || e.Broken("google") || len(e.Offered()) != 0 {
		t.Errorf("mounted %v, broken %v", got, e.broken)
	}
	if !strings.Contains(log, "github.development.clientId") || strings.Contains(log, "clientSecret: x") {
		t.Errorf("log %s", log)
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add((state{nonce: "AA==", env: "development", origin: app, redirectURL: app + "/?a=b&c", flow: "redirect", scope: "a b", hasScope: true}).encode())
	for _, s := range []string{"", "zz", hex.EncodeToString([]byte("nonce=a&env=b&nonce=c")), hex.EncodeToString([]byte("nonce=%zz&env=;")), "6e6f6e63653d31"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := decodeState(text)
		if err != nil {
			if !apierror.Has(err, apierror.NotAllowed) || s != (state{}) {
				t.Fatalf("%q: %v with %+v", text, err, s)
			}
			return
		}
		if s.nonce == "" || s.env == "" {
			t.Fatalf("%q: %+v", text, s)
		}
		again, err := decodeState(s.encode())
		if err != nil && len(s.encode()) <= maxState || err == nil && again != s {
			t.Fatalf("%q: %+v became %+v, %v", text, s, again, err)
		}
	})
}
