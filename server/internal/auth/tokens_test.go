package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestPluginToken_SaysWhoCallsAndForWhom(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	ctx := t.Context()
	plain, err := h.PluginToken(ctx, "search", "catalog", principal.Host("search"))
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "GET", "/api/catalog/who/am/i", plain).json(t); a["kind"] != "service" || a["subject"] != "plugin:search" {
		t.Errorf("%v", a)
	}
	expect(t, h.bearer(t, "GET", "/api/search/who/am/i", plain), 401, "Failed plugin token verification")

	user, err := h.AuthenticateToken(ctx, h.guestToken(t), "search", false)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(30 * time.Minute)
	onBehalf, err := h.PluginToken(ctx, "search", "catalog", user)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "GET", "/api/catalog/who/am/i", onBehalf).json(t); a["kind"] != "user" || a["subject"] != "user:default/guest" || a["actor"] != "plugin:search" || a["limited"] != false {
		t.Errorf("%v", a)
	}
	// The acting plugin may pass the user on.
	acting, err := h.AuthenticateToken(ctx, onBehalf, "catalog", false)
	if err != nil {
		t.Fatal(err)
	}
	further, err := h.PluginToken(ctx, "catalog", "docs", acting)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.bearer(t, "GET", "/api/docs/who/am/i", further).json(t); a["subject"] != "user:default/guest" || a["actor"] != "plugin:catalog" {
		t.Errorf("%v", a)
	}
	h.clock.advance(31 * time.Minute) // past the user's token, not past an hour of the plugin's
	expect(t, h.bearer(t, "GET", "/api/catalog/who/am/i", onBehalf), 401, "Failed plugin token verification")

	if _, err := h.PluginToken(ctx, "search", "catalog", principal.Nobody); err == nil || !strings.Contains(err.Error(), "Refused to issue service token for credential type 'none'") {
		t.Errorf("nobody: %v", err)
	}
	if _, err := h.PluginToken(ctx, "elsewhere", "catalog", principal.Host("elsewhere")); err == nil {
		t.Error("a token was issued for a plugin that is not ours")
	}
	open := newHost(t, storetest.SQLite(t), testConfig+"\n", func(o *Options) {
		o.Config = config.FromYAML(strings.Replace(testConfig, "  auth:\n    externalAccess", "  auth:\n    dangerouslyDisableDefaultAuthPolicy: true\n    externalAccess", 1))
	})
	if token, err := open.PluginToken(ctx, "search", "catalog", principal.Nobody); token != "" || err != nil {
		t.Errorf("without the default policy: %q, %v", token, err)
	}
}

func TestExternalToken_RestrictionsFollowIt(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	ctx := t.Context()
	if a := h.bearer(t, "GET", "/api/docs/who/am/i", "static-token-one").json(t); a["subject"] != "ci" {
		t.Errorf("%v", a)
	}
	for range 2 { // verified, then from the cache
		expect(t, h.bearer(t, "GET", "/api/docs/who/am/i", "static-token-catalog"), 403, "This token's access is restricted to plugin(s) 'catalog', 'search'")
		if a := h.bearer(t, "GET", "/api/catalog/who/am/i", "static-token-catalog"); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	p, err := h.AuthenticateToken(ctx, "static-token-catalog", "search", false)
	if err != nil || !p.Restrictions.Limits() || p.Restrictions.Actions[0] != "read" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := h.PluginToken(ctx, "search", "catalog", p); err != nil {
		t.Errorf("to a plugin that the token may use: %v", err)
	}
	for target, want := range map[string]string{
		"docs":   "NotAllowedError: Access to target plugin 'docs' is not included in token's access restrictions",
		"search": "NotAllowedError: Access to target plugin 'search' is restricted and cannot be delegated",
	} {
		if _, err := h.PluginToken(ctx, "catalog", target, p); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", target, err, want)
		}
	}
	old := hmacToken(`{"alg":"HS256"}`, `{"sub":"backstage-server"}`, []byte("older-secret-older-secret-older"))
	if a := h.bearer(t, "GET", "/api/docs/who/am/i", old).json(t); a["subject"] != "external:backstage-plugin" {
		t.Errorf("%v", a)
	}
}

func TestExternalAccess_ConfigurationMistakesAreNamed(t *testing.T) {
	for yaml, want := range map[string]string{
		"{type: static, options: {token: short, subject: x}}":                                                                              "at least 8 characters",
		"{type: static, options: {token: 'with a blank', subject: x}}":                                                                     "without blanks",
		"{type: static, options: {token: long-enough}}":                                                                                    "subject",
		"{type: odd, options: {}}":                                                                                                         "'static', 'legacy', 'jwks'",
		"{type: legacy, options: {secret: '!!', subject: x}}":                                                                              "base64",
		"{type: jwks, options: {url: 'ftp://x'}}":                                                                                          "http or https",
		"{type: jwks, options: {url: 'https://x.test/', algorithm: HS256}}":                                                                "public keys",
		"{type: static, options: {token: long-enough, subject: x}, accessRestrictions: [{plugin: a, color: b}]}":                           "color",
		"{type: static, options: {token: long-enough, subject: x}, accessRestrictions: [{plugin: a}, {plugin: a}]}":                        "twice",
		"{type: static, options: {token: long-enough, subject: x}, accessRestrictions: [{plugin: a, permissionAttribute: {action: fly}}]}": "'delete'",
	} {
		cfg := config.FromYAML("backend: {baseUrl: 'http://portal.test', auth: {externalAccess: [" + yaml + "]}}")
		readExternalAccess(cfg, http.DefaultClient, time.Now)
		if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something about %q", yaml, err, want)
		}
	}
}

func TestExternalAccess_RestrictionsThatCannotBeReadCloseEverything(t *testing.T) {
	for _, restrictions := range []string{"catalog", "{plugin: catalog}", "[catalog]", "[{plug: catalog}]"} {
		cfg := config.FromYAML("backend: {auth: {externalAccess: [{type: static, options: {token: long-enough, subject: x}, accessRestrictions: " + restrictions + "}]}}")
		all := readExternalAccess(cfg, http.DefaultClient, time.Now)
		if cfg.Err() == nil {
			t.Errorf("%s: no problem was reported", restrictions)
		}
		for _, a := range all {
			if p, err := a.accept("x", "long-enough", time.Time{}).admit("catalog", 0); err == nil {
				t.Errorf("%s: admitted as %+v", restrictions, p)
			}
		}
	}
}

func TestReplicas_ShareKeysAndNoticeRevocation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one, two := newHost(t, db, testConfig), newHost(t, db, testConfig)
		two.now = one.clock.now
		two.userKeys.now = one.clock.now
		ctx := t.Context()
		first, second := one.guestToken(t), two.guestToken(t)
		for name, h := range map[string]*host{"one": one, "two": two} {
			for _, token := range []string{first, second} {
				if _, err := h.AuthenticateToken(ctx, token, "catalog", false); err != nil {
					t.Errorf("replica %s: %v", name, err)
				}
			}
		}
		if one.userKeys.current.id == two.userKeys.current.id {
			t.Error("the replicas share a private key")
		}
		restarted := newHost(t, db, testConfig)
		if _, err := restarted.AuthenticateToken(ctx, first, "catalog", false); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		// What the command line mints is known to a running host.
		minted, err := restarted.Mint(ctx, MintRequest{Plugin: "scripts", Target: "catalog"})
		if err != nil {
			t.Fatal(err)
		}
		one.addPlugin("scripts")
		if p, err := one.AuthenticateToken(ctx, minted, "catalog", false); err != nil || p.Subject != "plugin:scripts" {
			t.Errorf("minted: %+v, %v", p, err)
		}

		one.clock.advance(time.Minute)
		if err := one.RevokeUserTokens(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := one.AuthenticateToken(ctx, second, "catalog", false); err == nil {
			t.Error("a revoked token is still good where it was revoked")
		}
		if _, err := two.AuthenticateToken(ctx, second, "catalog", false); err != nil {
			t.Errorf("the other replica has not looked yet, but: %v", err)
		}
		two.upkeep(ctx)
		if _, err := two.AuthenticateToken(ctx, second, "catalog", false); err == nil {
			t.Error("a revoked token is still good on the other replica")
		}
		fresh := two.guestToken(t) // with a new key, not with the revoked one
		if _, err := one.AuthenticateToken(ctx, fresh, "catalog", false); err != nil {
			t.Errorf("a new token after revocation: %v", err)
		}
	})
}

func TestKeys_RotateEveryLifetimeAndStayListedForThree(t *testing.T) {
	db := storetest.SQLite(t)
	h := newHost(t, db, testConfig)
	first := h.guestToken(t)
	firstKey := h.userKeys.current.id
	h.clock.advance(59 * time.Minute)
	h.guestToken(t)
	if h.userKeys.current.id != firstKey {
		t.Error("the key changed before its time")
	}
	if _, err := h.AuthenticateToken(t.Context(), first, "catalog", false); err != nil {
		t.Error(err)
	}
	listed := func() int {
		return strings.Count(h.send(t, "GET", "/api/auth/.well-known/jwks.json", "").body, `"kid"`)
	}
	for _, step := range []struct {
		after time.Duration
		keys  int
	}{{2 * time.Minute, 2}, {time.Hour, 3}, {59 * time.Minute, 2}, {2 * time.Minute, 3}, {4 * time.Hour, 1}} {
		h.clock.advance(step.after)
		h.guestToken(t)
		if n := listed(); n != step.keys {
			t.Errorf("%s later: %d keys are listed, want %d", step.after, n, step.keys)
		}
	}
	expect(t, h.bearer(t, "GET", "/api/catalog/who/am/i", first), 401, "Failed user token verification")
	h.upkeep(t.Context())
	keys, err := h.db.keys(t.Context(), usersOwner, time.Unix(0, 0))
	if err != nil || len(keys) != 1 {
		t.Errorf("%d keys are left in the database, %v", len(keys), err)
	}
}

func TestUserTokenLifetime_IsKeptWithinBounds(t *testing.T) {
	db := storetest.SQLite(t)
	for setting, want := range map[string]float64{"{minutes: 20}": 1200, "PT1M": 600, "{days: 9}": 86400} {
		h := newHost(t, db, "backend: {baseUrl: 'http://portal.test'}\nauth: {backstageTokenExpiration: "+setting+", omitIdentityTokenOwnershipClaim: false}")
		session, err := h.SignIn(t.Context(), UserClaims{Subject: "user:default/a", Ownership: []string{"user:default/a", "group:default/b"}})
		if err != nil || session.ExpiresIn != want {
			t.Errorf("%s: %+v, %v", setting, session, err)
			continue
		}
		if claims := decode(t, strings.Split(session.Token, ".")[1]); !strings.Contains(claims, `"sub":"user:default/a","ent":["user:default/a","group:default/b"],"aud"`) {
			t.Errorf("claims %s", claims)
		}
	}
}

func TestIssueUserToken_RefusesWhatCannotBeASubject(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	for _, sub := range []string{"", "guest", "user:default/", "user:default/a\u2028b", "user:default/\xff"} {
		if _, err := h.IssueUserToken(t.Context(), UserClaims{Subject: sub}); err == nil {
			t.Errorf("%q was issued a token", sub)
		}
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("group:default/%d", i)
	}
	h.claimOwnership = true
	if _, err := h.IssueUserToken(t.Context(), UserClaims{Subject: "user:default/a", Ownership: many}); err == nil || !strings.Contains(err.Error(), "at most 32768") {
		t.Errorf("a huge token: %v", err)
	}
	// HTML characters must not be escaped: other holders would rebuild another limited token.
	token, err := h.IssueUserToken(t.Context(), UserClaims{Subject: "user:default/a<b>&c"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.AuthenticateToken(t.Context(), mustLimited(t, token), "docs", true); err != nil {
		t.Errorf("the narrowed token: %v", err)
	}
	if claims := decode(t, strings.Split(token, ".")[1]); !strings.Contains(claims, `"user:default/a<b>&c"`) {
		t.Errorf("claims %s", claims)
	}
}

// sidecar is a plugin elsewhere, with keys of its own that it publishes.
type sidecar struct {
	*httptest.Server
	key     *signingKey
	fetches atomic.Int32
	broken  atomic.Bool
}

func newSidecar(t *testing.T) *sidecar {
	t.Helper()
	s := &sidecar{}
	s.newKey(t, "first")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		if s.broken.Load() {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/.backstage/auth/v1/jwks.json") || strings.Contains(r.URL.Path, "absent") {
			http.NotFound(w, r)
			return
		}
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &s.key.private.PublicKey, KeyID: s.key.id, Algorithm: "ES256"}}}
		_ = json.NewEncoder(w).Encode(set)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sidecar) newKey(t *testing.T, id string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.key = &signingKey{id: id, private: private}
}

func (s *sidecar) token(t *testing.T, h *host, plugin, obo string) string {
	t.Helper()
	now := h.clock.now().Unix()
	token, err := s.key.sign(typePlugin, pluginClaims{Subject: plugin, Audience: "catalog", Issued: now, Expires: now + 3600, OnBehalfOf: obo})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func newHostWithSidecar(t *testing.T) (*host, *sidecar) {
	t.Helper()
	side := newSidecar(t)
	transport := &http.Transport{DisableKeepAlives: true}
	h := newHost(t, storetest.SQLite(t), testConfig+"discovery: {endpoints: [{target: '"+side.URL+"/api/{{pluginId}}', plugins: [kubernetes, absent]}]}\n",
		func(o *Options) { o.Transport = transport })
	return h, side
}

func TestSidecar_IsVerifiedByItsPublishedKeys(t *testing.T) {
	h, side := newHostWithSidecar(t)
	ctx := t.Context()
	p, err := h.AuthenticateToken(ctx, side.token(t, h, "kubernetes", ""), "catalog", false)
	if err != nil || p.Subject != "plugin:kubernetes" || p.Kind != principal.Service {
		t.Fatalf("%+v, %v", p, err)
	}
	p, err = h.AuthenticateToken(ctx, side.token(t, h, "kubernetes", mustLimited(t, h.guestToken(t))), "catalog", false)
	if err != nil || p.Subject != "user:default/guest" || p.Actor != "plugin:kubernetes" || p.Limited {
		t.Fatalf("%+v, %v", p, err)
	}
	if n := side.fetches.Load(); n != 1 {
		t.Errorf("%d fetches for two tokens of one key", n)
	}
	// A sidecar cannot speak for one of our own features, nor for a plugin that is configured nowhere.
	expectToken(t, h, side.token(t, h, "search", ""), "Failed plugin token verification")
	expectToken(t, h, side.token(t, h, "unheard-of", ""), noKeys("unheard-of"))
	expectToken(t, h, side.token(t, h, "absent", ""), noKeys("absent"))
}

func expectToken(t *testing.T, h *host, token, message string) {
	t.Helper()
	if _, err := h.AuthenticateToken(t.Context(), token, "catalog", false); err == nil || strings.TrimPrefix(err.Error(), "AuthenticationError: ") != message {
		t.Errorf("%v, want %q", err, message)
	}
}

func TestSidecar_NewKeysAreFetchedButNotOnEveryMadeUpOne(t *testing.T) {
	h, side := newHostWithSidecar(t)
	if _, err := h.AuthenticateToken(t.Context(), side.token(t, h, "kubernetes", ""), "catalog", false); err != nil {
		t.Fatal(err)
	}
	side.newKey(t, "second")
	if _, err := h.AuthenticateToken(t.Context(), side.token(t, h, "kubernetes", ""), "catalog", false); err != nil {
		t.Errorf("a new key right after the last fetch: %v", err)
	}
	before := side.fetches.Load()
	for i := range 100 {
		expectToken(t, h, tokenOfUnknownKey(t, h, i), "Failed plugin token verification")
	}
	if n := side.fetches.Load() - before; n > forcedPerMinute {
		t.Errorf("100 made-up keys caused %d fetches, at most %d a minute are allowed", n, forcedPerMinute)
	}
	h.clock.advance(remoteMaxAge)
	side.broken.Store(true)
	expectToken(t, h, side.token(t, h, "kubernetes", ""), "Failed plugin token verification")
	side.broken.Store(false)
	if _, err := h.AuthenticateToken(t.Context(), side.token(t, h, "kubernetes", ""), "catalog", false); err != nil {
		t.Errorf("after the sidecar recovered: %v", err)
	}
}

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tokenOfUnknownKey(t *testing.T, h *host, i int) string {
	t.Helper()
	k := &signingKey{id: fmt.Sprintf("unknown-%d", i), private: mustKey(t)}
	now := h.clock.now().Unix()
	token, err := k.sign(typePlugin, pluginClaims{Subject: "kubernetes", Audience: "catalog", Issued: now, Expires: now + 60})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSidecar_IsNotTrustedForLongerThanItsKeysAreChecked(t *testing.T) {
	h, side := newHostWithSidecar(t)
	token := side.token(t, h, "kubernetes", "")
	if _, err := h.AuthenticateToken(t.Context(), token, "catalog", false); err != nil {
		t.Fatal(err)
	}
	side.newKey(t, "after the old one leaked")
	h.clock.advance(maxRemoteTrust + time.Second)
	expectToken(t, h, token, "Failed plugin token verification")
}

func TestExternalJWKS_ChecksIssuerAudienceAndAlgorithm(t *testing.T) {
	side := newSidecar(t)
	yaml := fmt.Sprintf(`{type: jwks, options: {url: '%s/.backstage/auth/v1/jwks.json', issuer: 'https://idp.test other', audience: [portal], algorithm: ES256, subjectPrefix: idp}}`, side.URL)
	h := newHost(t, storetest.SQLite(t), "backend: {baseUrl: 'http://portal.test', auth: {externalAccess: ["+yaml+"]}}",
		func(o *Options) { o.Transport = &http.Transport{DisableKeepAlives: true} })
	now := h.clock.now().Unix()
	sign := func(claims string) string {
		return forge(t, side.key, `{"alg":"ES256","kid":"first","x5t":"abc"}`, claims)
	}
	good := fmt.Sprintf(`{"iss":"https://idp.test","aud":["portal","x"],"sub":"robot","exp":%d}`, now+60)
	if p, err := h.AuthenticateToken(t.Context(), sign(good), "catalog", false); err != nil || p.Subject != "external:idp:robot" {
		t.Fatalf("%+v, %v", p, err)
	}
	for name, token := range map[string]string{
		"issuer":    sign(strings.Replace(good, "idp.test", "evil.test", 1)),
		"audience":  sign(strings.Replace(good, "portal", "other", 1)),
		"subject":   sign(strings.Replace(good, `"sub":"robot",`, "", 1)),
		"expired":   sign(strings.Replace(good, fmt.Sprint(now+60), fmt.Sprint(now-1), 1)),
		"crit":      forge(t, side.key, `{"alg":"ES256","kid":"first","crit":["exp"]}`, good),
		"algorithm": hmacToken(`{"alg":"HS256","kid":"first"}`, good, []byte("x")),
		"key":       forge(t, &signingKey{id: "first", private: mustKey(t)}, `{"alg":"ES256","kid":"first"}`, good),
	} {
		if _, err := h.AuthenticateToken(t.Context(), token, "catalog", false); err == nil || err.Error() != "AuthenticationError: Illegal token" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJWKS_SymmetricAndPrivateKeysNeverVerify(t *testing.T) {
	private, err := json.Marshal(jose.JSONWebKey{Key: mustKey(t), KeyID: "private"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"oct"},%s,{"kty":"weird"},{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}`, private)
	}))
	defer server.Close()
	k := newRemoteKeys(server.URL, keysClient(&http.Transport{DisableKeepAlives: true}), time.Now)
	for _, id := range []string{"oct", "private", ""} {
		if keys, err := k.find(t.Context(), id); len(keys) > 0 || err == nil {
			t.Errorf("%q: %v, %v", id, keys, err)
		}
	}
}

func TestJWKS_RedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Bool
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusFound))
	defer outer.Close()
	k := newRemoteKeys(outer.URL, keysClient(&http.Transport{DisableKeepAlives: true}), time.Now)
	if _, err := k.find(t.Context(), "x"); err == nil || reached.Load() {
		t.Errorf("error %v, reached %v", err, reached.Load())
	}
}

func TestDiscovery(t *testing.T) {
	d := NewDiscovery(config.FromYAML(`
backend: {baseUrl: 'https://portal.test/'}
discovery:
  endpoints:
    - {target: 'http://all.test/{{ pluginId }}/', plugins: ['*']}
    - {target: {internal: 'http://in.test/api/{{pluginId}}', external: 'https://out.test/api/{{pluginId}}'}, plugins: [kubernetes]}
    - {target: {external: 'https://only-out.test'}, plugins: [scaffolder]}
`))
	if got := d.External("kubernetes"); got != "https://out.test/api/kubernetes" {
		t.Error(got)
	}
	if got, ok := d.Elsewhere("kubernetes"); !ok || got != "http://in.test/api/kubernetes" {
		t.Error(got, ok)
	}
	if got, ok := d.Elsewhere("scaffolder"); !ok || got != "http://all.test/scaffolder" {
		t.Error(got, ok)
	}
	if got := d.External("scaffolder"); got != "https://only-out.test" {
		t.Error(got)
	}
	if got := NewDiscovery(config.FromYAML("backend: {baseUrl: 'https://portal.test/'}")).External("auth"); got != "https://portal.test/api/auth" {
		t.Error(got)
	}
}

func TestRun_EndsWithItsContext(t *testing.T) {
	db := storetest.SQLite(t)
	h := newHost(t, db, testConfig)
	h.guestToken(t)
	h.clock.advance(24 * time.Hour)
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- h.Run(ctx) }()
		time.Sleep(upkeepInterval + time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	keys, err := h.db.keys(t.Context(), usersOwner, time.Unix(0, 0))
	if err != nil || len(keys) != 0 {
		t.Errorf("%d expired keys were kept, %v", len(keys), err)
	}
}

func TestMint_RefusesUnclearRequests(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	for _, r := range []MintRequest{{}, {Plugin: "a"}, {User: "x", Plugin: "a", Target: "b"}, {Plugin: "../a", Target: "b"}, {User: "a:b:/"}} {
		if token, err := h.Mint(t.Context(), r); err == nil {
			t.Errorf("%+v: %s", r, token)
		}
	}
	token, err := h.Mint(t.Context(), MintRequest{User: "guest"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := h.AuthenticateToken(t.Context(), token, "catalog", false); err != nil || p.Subject != "user:default/guest" {
		t.Errorf("%+v, %v", p, err)
	}
}

func BenchmarkAuthenticate_CachedToken(b *testing.B) {
	h := newHost(b, storetest.SQLite(b), testConfig)
	token := h.guestToken(b)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Authenticate(r, "catalog", 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthenticate_NewToken(b *testing.B) {
	h := newHost(b, storetest.SQLite(b), testConfig)
	token := h.guestToken(b)
	b.ReportAllocs()
	for b.Loop() {
		h.epoch.Add(1)
		if _, err := h.AuthenticateToken(b.Context(), token, "catalog", false); err != nil {
			b.Fatal(err)
		}
	}
}
