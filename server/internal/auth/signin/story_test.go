package signin

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth/idptest"
)

// openIDWith is the configuration of a provider of OpenID Connect.
func openIDWith(idp *idptest.Server, more string) string {
	return "  providers:\n    oidc:\n      development:\n        clientId: " + idp.ClientID + "\n        clientSecret: '" + idp.Secret + "'\n        metadataUrl: " +
		idp.MetadataURL + "\n        prompt: auto\n        signIn: {resolvers: [{resolver: emailMatchingUserEntityProfileEmail}]}\n" + more
}

func gitHubWith(g *idptest.GitHub, more string) string {
	return "  providers:\n    github:\n      development:\n        clientId: " + g.ClientID + "\n        clientSecret: '" + g.Secret + "'\n        enterpriseInstanceUrl: " +
		g.URL + "/\n" + more
}

const popup = "scope=&origin=" + app + "&flow=popup&env=development"

// signIn goes the whole way of a popup as that user.
func (w *world) signIn(idp *idptest.Server, name string) seen {
	w.t.Helper()
	back, err := idp.SignIn(w.start("oidc", popup), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.open(http.MethodGet, back.String())
}

func TestOIDC_SignsInByPopupRenewsAndEnds(t *testing.T) {
	idp := idptest.New(t, idptest.Options{})
	w := newWorld(t, openIDWith(idp, ""))
	address := w.start("oidc", popup+"&scope=groups")
	q := mustParse(t, address).Query()
	if q.Get("scope") != "groups openid profile email" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Has("prompt") ||
		q.Get("redirect_uri") != w.URL+"/api/auth/oidc/handler/frame" || q.Get("response_type") != "code" {
		t.Errorf("the browser is sent with %v", q)
	}
	raw, err := hex.DecodeString(q.Get("state"))
	if err != nil || !strings.HasPrefix(string(raw), "nonce=") || !strings.HasSuffix(string(raw), "&env=development&origin=http%3A%2F%2Fapp.test&flow=popup&scope=groups+openid+profile+email") {
		t.Errorf("state %q, %v", raw, err)
	}
	for name, value := range w.cookies("/api/auth/oidc/handler") {
		if name == "oidc-code-verifier" && strings.Contains(address, value) {
			t.Error("the verifier is in the address")
		}
	}
	back, err := idp.SignIn(address, "ann")
	if err != nil {
		t.Fatal(err)
	}
	a := w.open(http.MethodGet, back.String())
	said := w.told(a)
	if said.Error != nil || said.origin != app {
		t.Fatalf("told %+v", said)
	}
	s := said.Response
	if s.Profile != (Profile{"ann@example.com", "https://example.com/ann.png", "Ann Archer"}) || s.Identity.Identity.User != "user:default/ann" ||
		!slices.Equal(s.Identity.Identity.Ownership, []string{"user:default/ann", "group:default/crew"}) {
		t.Errorf("session %+v %+v", s.Profile, s.Identity)
	}
	if p := s.Provider; p.AccessToken == "" || p.IDToken == "" || *p.Scope != "groups openid profile email" || p.ExpiresIn == nil {
		t.Errorf("provider %+v", p)
	}
	for name, want := range map[string]string{"Content-Type": "text/html", "X-Frame-Options": "sameorigin", "Cache-Control": "no-store"} {
		if a.header.Get(name) != want {
			t.Errorf("%s: %q", name, a.header.Get(name))
		}
	}
	kept := w.cookies("/api/auth/oidc/refresh")
	if kept["oidc-refresh-token"] == "" || kept["oidc-granted-scope"] != "groups%20openid%20profile%20email" || len(w.cookies("/api/auth/oidc/handler")) != 2 {
		t.Errorf("cookies %v", kept)
	}
	renewed := w.renew("oidc")
	if renewed.status != 200 || !strings.Contains(renewed.body, `"token":"token-of-user:default/ann"`) || !strings.Contains(renewed.body, `"scope":"groups openid profile email"`) {
		t.Fatalf("renewed: %d %s", renewed.status, renewed.body)
	}
	if again := w.cookies("/api/auth/oidc/refresh"); again["oidc-refresh-token"] == kept["oidc-refresh-token"] {
		t.Error("the provider gives refresh tokens that are good for once, and the old one is kept")
	}
	if a := w.open(http.MethodPost, w.URL+"/api/auth/oidc/logout?env=development", "X-Requested-With", "XMLHttpRequest", "Origin", app); a.status != 200 || a.body != "" {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	if n := idp.RefreshTokens(); n != 0 || len(w.cookies("/api/auth/oidc/refresh")) != 0 {
		t.Errorf("after logout: %d refresh tokens, cookies %v", n, w.cookies("/api/auth/oidc/refresh"))
	}
	if a := w.renew("oidc"); a.status != 401 || a.message() != "Refresh failed; caused by InputError: Missing session cookie" {
		t.Errorf("after logout: %d %s", a.status, a.body)
	}
	for _, secret := range []string{idp.Secret, s.Provider.AccessToken, back.Query().Get("code"), kept["oidc-refresh-token"], s.Identity.Token} {
		if strings.Contains(w.logged(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOIDC_SignsInByRedirectAndLeavesTheTokenWithThePagesOfTheHost(t *testing.T) {
	idp := idptest.New(t, idptest.Options{})
	w := newWorld(t, openIDWith(idp, ""))
	for to, landed := range map[string]string{w.URL + "/console/?a=b": "/console/ token-of-user:default/ann", app + "/catalog": ""} {
		w.landed = nil
		back, err := idp.SignIn(w.start("oidc", "flow=redirect&env=development&origin="+url.QueryEscape(w.URL)+"&redirectUrl="+url.QueryEscape(to)), "ann")
		if err != nil {
			t.Fatal(err)
		}
		a := w.open(http.MethodGet, back.String())
		if a.status != http.StatusFound || a.header.Get("Location") != to || a.body != "" || strings.Join(w.landed, "") != landed {
			t.Errorf("%s: %d to %s, landed %v", to, a.status, a.header.Get("Location"), w.landed)
		}
		refused, err := idp.Refuse(w.start("oidc", "flow=redirect&env=development&redirectUrl="+url.QueryEscape(to)))
		if err != nil {
			t.Fatal(err)
		}
		a = w.open(http.MethodGet, refused.String())
		if got := mustParse(t, a.header.Get("Location")); got.Query().Get("error") != "Authentication rejected, access_denied (the person said no)" || !strings.HasPrefix(got.String(), strings.SplitN(to, "?", 2)[0]) {
			t.Errorf("refused: %d %s", a.status, got)
		}
	}
}

func TestOIDC_BelievesNoTokenThatIsNotForThisSignIn(t *testing.T) {
	idp := idptest.New(t, idptest.Options{})
	w := newWorld(t, openIDWith(idp, ""))
	for fault, want := range map[idptest.Fault]string{
		idptest.WrongAudience: "expected audience", idptest.WrongIssuer: "issued by a different provider", idptest.WrongNonce: "nonce mismatch",
		idptest.ExpiredToken: "expired", idptest.ForeignKey: "signature", idptest.Unsigned: "", idptest.NoIDToken: "id_token not present",
		idptest.OtherUserInfo: "userinfo sub mismatch",
	} {
		idp.Set(fault)
		said := w.told(w.signIn(idp, "ann"))
		if said.Error == nil || !strings.HasPrefix(said.Error.Message, "Authentication rejected, ") || !strings.Contains(said.Error.Message, want) {
			t.Errorf("%s: %+v", fault, said.Error)
		}
		if len(w.cookies("/api/auth/oidc/refresh")) != 0 {
			t.Errorf("%s: cookies %v", fault, w.cookies("/api/auth/oidc/refresh"))
		}
	}
	idp.Set()
	for name, change := range map[string]func(map[string]any){
		"several audiences and no azp": func(c map[string]any) { c["aud"] = []string{idp.ClientID, "other"}; delete(c, "azp") },
		"azp of another":               func(c map[string]any) { c["azp"] = "other" },
		"hash of another access token": func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
	} {
		idp.Change(change)
		if said := w.told(w.signIn(idp, "ann")); said.Error == nil || !strings.Contains(said.Error.Message, "mismatch") {
			t.Errorf("%s: %+v", name, said)
		}
	}
	idp.Change(nil)
	if said := w.told(w.signIn(idp, "ann")); said.Error != nil {
		t.Errorf("without faults: %+v", said.Error)
	}
}

func TestOIDC_AProviderThatIsDownIsAskedAgain(t *testing.T) {
	idp := idptest.New(t, idptest.Options{})
	idp.Set(idptest.Down)
	w := newWorld(t, openIDWith(idp, ""))
	open := func() seen {
		return w.open(http.MethodGet, w.URL+"/api/auth/oidc/start?"+popup)
	}
	if said := w.told(open()); said.Error.Name != "ServiceUnavailableError" || !strings.Contains(said.Error.Message, "cannot be reached") || strings.Contains(said.Error.Message, idp.Issuer) {
		t.Errorf("down: %+v", said.Error)
	}
	a := w.open(http.MethodGet, w.URL+"/api/auth/oidc/start?env=development&flow=redirect&redirectUrl="+url.QueryEscape(w.URL+"/console/"))
	if a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), w.URL+"/console/?error=The+identity+provider+cannot+be+reached") {
		t.Errorf("down, by redirect: %d %v", a.status, a.header)
	}
	idp.Set()
	if said := w.told(open()); said.Error == nil {
		t.Error("it is asked again at once")
	}
	w.clock = w.clock.Add(pause)
	if said := w.told(w.signIn(idp, "ann")); said.Error != nil {
		t.Errorf("up again: %+v", said.Error)
	}
	idp.Set(idptest.Failing)
	w.clock = w.clock.Add(discoveredFor)
	if a := open(); a.status != http.StatusFound {
		t.Errorf("what is known is kept when the document cannot be read again: %d %s", a.status, a.body)
	}
}

func TestGitHub_KeepsTheAccessTokenAndFindsPeopleByTheirID(t *testing.T) {
	g := idptest.NewGitHub(t)
	w := newWorld(t, gitHubWith(g, "        signIn: {resolvers: [{resolver: userIdMatchingUserEntityAnnotation}]}\n"), func(o *Options) {
		o.Catalog = directory{user("ann", "", "github.com/user-id", idptest.Octocat.Node), user("mallory", "", "github.com/user-id", strings.ToLower(idptest.Octocat.Node))}
	})
	back, err := g.SignIn(w.start("github", popup+"&scope=repo"), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	s := w.told(w.open(http.MethodGet, back.String())).Response
	if s == nil || s.Identity.Identity.User != "user:default/ann" || *s.Provider.Scope != "repo read:user" || s.Provider.ExpiresIn != nil ||
		s.Profile != (Profile{"octocat@example.com", "https://avatars.example.com/583231", "The Octocat"}) {
		t.Fatalf("session %+v", s)
	}
	if kept := w.cookies("/api/auth/github")["github-refresh-token"]; kept != "access-token-v2."+s.Provider.AccessToken {
		t.Errorf("cookie %q", kept)
	}
	if a := w.renew("github"); a.status != 200 || !strings.Contains(a.body, s.Provider.AccessToken) {
		t.Errorf("renewed: %d %s", a.status, a.body)
	}
	a := w.open(http.MethodGet, w.URL+"/api/auth/github/refresh?env=development&scope=admin", "X-Requested-With", "XMLHttpRequest")
	if a.status != 401 || a.message() != "Refresh failed; caused by Error: Refresh failed, session has not been granted the requested scope" {
		t.Errorf("another scope: %d %s", a.status, a.body)
	}
	g.Forget()
	if a := w.renew("github"); a.status != 401 || a.message() != "Refresh failed; caused by Error: Invalid access token" {
		t.Errorf("revoked: %d %s", a.status, a.body)
	}
	said := w.told(w.open(http.MethodGet, replay(t, w, g, back)))
	if said.Error == nil || said.Error.Message != "Authentication failed, The code passed is incorrect or expired." && said.Error.Message != "Authentication failed, Failed to obtain access token" {
		t.Errorf("a code that was used: %+v", said)
	}
}

// replay is the address of a new sign-in with the code of an old one.
func replay(t *testing.T, w *world, g *idptest.GitHub, old *url.URL) string {
	t.Helper()
	fresh, err := g.SignIn(w.start("github", popup), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	q := fresh.Query()
	q.Set("code", old.Query().Get("code"))
	fresh.RawQuery = q.Encode()
	return fresh.String()
}

func TestGitHub_ReadsAnAddressThatIsNotShownWhereTheScopeLetsIt(t *testing.T) {
	g := idptest.NewGitHub(t)
	for scopes, want := range map[string]string{"'user:email'": "user:default/hubot", "''": ""} {
		w := newWorld(t, gitHubWith(g, "        additionalScopes: "+scopes+"\n        signIn: {resolvers: [{resolver: emailMatchingUserEntityProfileEmail}]}\n"),
			func(o *Options) { o.Catalog = directory{user("hubot", "hubot@example.com")} })
		back, err := g.SignIn(w.start("github", popup), "hubot")
		if err != nil {
			t.Fatal(err)
		}
		said := w.told(w.open(http.MethodGet, back.String()))
		switch {
		case want != "" && (said.Response == nil || said.Response.user() != want):
			t.Errorf("%s: %+v", scopes, said)
		case want == "" && (said.Error == nil || said.Error.Message != "Login failed, user profile does not contain an email" || said.Error.Name != "Error"):
			t.Errorf("%s: %+v", scopes, said)
		}
	}
}

func TestProxy_TakesWhatItsHeadersSay(t *testing.T) {
	w := newWorld(t, "  providers: {oauth2Proxy: {signIn: {resolvers: [{resolver: forwardedUserMatchingUserEntityName}]}}}\n")
	address := w.URL + "/api/auth/oauth2Proxy/refresh"
	a := w.open(http.MethodGet, address, "X-Forwarded-User", "ann", "X-Forwarded-Email", "ann@example.com", "X-OAuth2-Proxy-Id-Token", "Bearer e30.e30.e30")
	if want := `{"profile":{"email":"ann@example.com","displayName":"ann"},"providerInfo":{"accessToken":"e30.e30.e30"},"backstageIdentity":{"token":"token-of-user:default/ann"`; !strings.HasPrefix(a.body, want) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.open(http.MethodGet, address); a.message() != "Request did not contain a user" {
		t.Errorf("without headers: %d %s", a.status, a.body)
	}
	if a := w.open(http.MethodGet, address, "X-OAuth2-Proxy-Id-Token", "Bearer x"); a.status != 401 || a.message() != "Authentication failed; caused by JWTInvalid: Invalid JWT" {
		t.Errorf("no token: %d %s", a.status, a.body)
	}
}

func TestResolvers_AreTriedInOrderAndOnlyAbsenceLetsTheNextOneTry(t *testing.T) {
	catalog := directory{
		user("ann", "ann@example.com"), user("twin-a", "twin@example.com"), user("twin-b", "twin@example.com"), user("kay", "kay@example.com"),
		user("cat", "c@example.com", "google.com/email", "cat@example.com", "keycloak.org/id", "sub-of-cat", "gitlab.test/user-id", "42", "github.com/user-id", "AbC="),
	}
	const profileEmail, localPart = "emailMatchingUserEntityProfileEmail", "emailLocalPartMatchingUserEntityName"
	kinds := func(id string) map[string]resolverKind {
		return presets[slices.IndexFunc(presets, func(p preset) bool { return p.id == id })].resolvers
	}
	mail := func(address string) claimant { return claimant{profile: Profile{Email: address}} }
	for name, c := range map[string]struct {
		provider  string
		resolvers []string
		rules     rules
		who       claimant
		want      string // the user, or the error
	}{
		"address":                       {"oidc", []string{profileEmail}, rules{}, mail("Ann@Example.com"), "user:default/ann"},
		"address with a tag":            {"oidc", []string{profileEmail}, rules{}, mail("ann+work@example.com"), "user:default/ann"},
		"address that only looks alike": {"oidc", []string{profileEmail}, rules{}, mail("\u212aay@example.com"), "Failed to sign-in, unable to resolve user identity."},
		"address of two":                {"oidc", []string{profileEmail, localPart}, rules{}, mail("twin@example.com"), "User lookup resulted in multiple matches"},
		"address of nobody":             {"oidc", []string{profileEmail}, rules{}, mail("zoe@example.com"), "Failed to sign-in, unable to resolve user identity."},
		"no address":                    {"oidc", []string{profileEmail}, rules{}, mail(""), "Login failed, user profile does not contain an email"},
		"stranger":                      {"oidc", []string{profileEmail}, rules{strangers: true}, mail("Zoe+x@example.com"), "user:default/zoe@example.com"},
		"second one":                    {"oidc", []string{profileEmail, localPart}, rules{}, mail("cat@elsewhere.test"), "user:default/cat"},
		"domain that is not allowed":    {"oidc", []string{localPart}, rules{domains: []string{"example.com"}}, mail("cat@elsewhere.test"), "Sign-in user email is not from an allowed domain"},
		"no domain is allowed":          {"oidc", []string{localPart}, rules{domains: []string{}}, mail("cat@example.com"), "Sign-in user email is not from an allowed domain"},
		"domain of the other resolver":  {"oidc", []string{profileEmail}, rules{domains: []string{"example.com"}}, mail("ann@elsewhere.test"), "Sign-in user email is not from an allowed domain"},
		"two at signs":                  {"oidc", []string{localPart}, rules{domains: []string{"example.com"}}, mail("ann@evil.test@example.com"), "Sign-in user email is not from an allowed domain"},
		"name with a kind":              {"oidc", []string{localPart}, rules{strangers: true}, mail("group:x/y@example.com"), "Login failed, what the provider names this person cannot be the name of a user"},
		"Keycloak":                      {"oidc", []string{"oidcSubClaimMatchingKeycloakUserId"}, rules{}, claimant{person: person{subject: "sub-of-cat"}}, "user:default/cat"},
		"preferred name":                {"oidc", []string{"preferredUsernameMatchingUserEntityName"}, rules{}, claimant{person: person{preferred: "ANN"}}, "user:default/ann"},
		"Google":                        {"google", []string{"emailMatchingUserEntityAnnotation"}, rules{}, mail("cat@example.com"), "user:default/cat"},
		"Google, stranger":              {"google", []string{"emailMatchingUserEntityAnnotation"}, rules{strangers: true}, mail("dog@example.com"), "user:default/dog@example.com"},
		"GitHub's name":                 {"github", []string{"usernameMatchingUserEntityName"}, rules{}, claimant{person: person{username: "Ann"}}, "user:default/ann"},
		"GitHub's id":                   {"github", []string{"userIdMatchingUserEntityAnnotation"}, rules{}, claimant{person: person{node: "AbC="}}, "user:default/cat"},
		"GitHub's id in another case":   {"github", []string{"userIdMatchingUserEntityAnnotation"}, rules{strangers: true}, claimant{person: person{node: "abc="}}, "GitHub user ID does not match the catalog user"},
		"GitLab's id":                   {"gitlab", []string{"userIdMatchingUserEntityAnnotation"}, rules{}, claimant{person: person{id: "42", pageURL: "https://gitlab.test/cat"}}, "user:default/cat"},
		"OAuth 2.0 without a name":      {"oauth2", []string{"usernameMatchingUserEntityName"}, rules{}, claimant{}, "Oauth2 user profile does not contain a username"},
	} {
		c.rules.catalog = catalog
		var all []resolver
		for _, r := range c.resolvers {
			all = append(all, kinds(c.provider)[r].make(c.rules))
		}
		claims, err := resolve(t.Context(), all, c.who)
		got := claims.Subject
		if err != nil {
			got = shown(err).Message
		}
		if got != c.want && !strings.HasPrefix(got, c.want+" ") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if err == nil && claims.Ownership[0] != c.want {
			t.Errorf("%s: owns %v", name, claims.Ownership)
		}
	}
	if _, err := entity.ParseRef("user:default/zoe@example.com", entity.Defaults{}); err != nil {
		t.Error(err)
	}
}

func TestCookies_LastAsConfiguredAndLongOnesAreSplit(t *testing.T) {
	w := newWorld(t, "  providers: {github: {development: {clientId: a, clientSecret: b, sessionDuration: 24h, callbackUrl: 'https://host.test/auth/github/handler/frame'}}}\n")
	jar := w.providers[0].envs["development"].jar
	if jar.rememberFor != 24*time.Hour || jar.path != "/auth/github" || !jar.secure || jar.sameSite("https://host.test") != http.SameSiteLaxMode || jar.sameSite("null") != http.SameSiteNoneMode {
		t.Errorf("jar %+v", jar)
	}
	jar.secure = false
	jar.path = "/api/auth/github"
	long := strings.Repeat("a+/=ä", 2500)
	w.through(func(p page) {
		if !jar.keep(p, "x", "short") {
			t.Error("a short value is not kept")
		}
	})
	w.through(func(p page) {
		if jar.read(p.r, "x") != "short" || !jar.keep(p, "x", long) {
			t.Error("a long value is not kept")
		}
	})
	for name, value := range w.cookies("/api/auth/github") {
		if len(value) > maxCookie {
			t.Errorf("%s is %d long", name, len(value))
		}
	}
	w.through(func(p page) {
		if jar.read(p.r, "x") != long {
			t.Error("what was split does not come back")
		}
		if jar.keep(p, "y", strings.Repeat("a", maxChunks*maxCookie+1)) {
			t.Error("a value without end is kept")
		}
		jar.keep(p, "x", "short again")
	})
	w.through(func(p page) {
		if jar.read(p.r, "x") != "short again" {
			t.Errorf("pieces of an old value are read: %q", jar.read(p.r, "x"))
		}
		jar.drop(p, "x")
	})
	if kept := w.cookies("/api/auth/github"); len(kept) != 0 {
		t.Errorf("cookies %v", kept)
	}
}

// through is a request of the browser that f answers.
func (w *world) through(f func(page)) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	u := mustParse(w.t, w.URL+"/api/auth/github/x")
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range w.browser.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	f(page{rec, r, ""})
	w.browser.Jar.SetCookies(u, rec.Result().Cookies())
}
