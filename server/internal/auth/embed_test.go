package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// revocations is which sessions were ended.
type revocations struct{ ended sync.Map }

func (r *revocations) Holds(e *principal.Embed) error {
	if _, ended := r.ended.Load(e.Session); ended {
		return errEmbedToken
	}
	return nil
}

// page is an embedding page's limits, for the next five minutes.
func (h *host) page() principal.Embed {
	now := h.clock.now()
	return principal.Embed{
		App: "portal", Minter: "ci", ID: "token-1", Session: "session-1", Epoch: 3, Expires: now.Add(5 * time.Minute), SessionEnds: now.Add(time.Hour),
		Widgets: []string{"cost/*"}, Entities: []string{"component:default/shop"}, Args: map[string]json.RawMessage{"top": json.RawMessage("5")},
		Origins: []string{"https://portal.example.com"}, Features: []string{"export"},
	}
}

func newEmbedHost(t testing.TB, db *store.DB) (*host, *revocations) {
	t.Helper()
	gone := &revocations{}
	return newHost(t, db, testConfig, func(o *Options) { o.Embeds = gone }), gone
}

// known is the principal of a token.
func (h *host) known(t testing.TB, token, feature string) *principal.Principal {
	t.Helper()
	p, err := h.authenticate(t.Context(), token, feature, httpx.AllowEmbed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *host) issue(t testing.TB, by, viewer string) string {
	t.Helper()
	token, err := h.IssueEmbedToken(t.Context(), h.known(t, by, "catalog"), viewer, h.page())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEmbedToken_IsGoodWhereAPolicySaysSoAndNowhereElse(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	for name, token := range map[string]string{
		"with the minter's rights": h.issue(t, "static-token-one", ""), "with a viewer's": h.issue(t, "static-token-one", "user:default/guest"),
	} {
		if a := h.bearer(t, "GET", "/api/widgets/who/am/i", token); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		for _, path := range []string{"/api/widgets/closed", "/api/catalog/who/am/i", "/api/search/who/am/i", "/api/docs/who/am/i", "/api/docs/who/writes", "/api/catalog/nope"} {
			expect(t, h.bearer(t, "GET", path, token), http.StatusForbidden, "This endpoint does not allow embed tokens")
			expect(t, h.bearer(t, "POST", path, token), http.StatusForbidden, "This endpoint does not allow embed tokens")
		}
		expect(t, h.send(t, "GET", "/api/docs/who/am/i", "", "Cookie", CookieName+"="+token), http.StatusForbidden, "This endpoint does not allow embed tokens")
		expect(t, h.send(t, "GET", "/api/widgets/who/am/i", "", "Cookie", CookieName+"="+token), http.StatusUnauthorized, "Missing credentials")
		if a := h.bearer(t, "GET", "/api/auth/v1/userinfo", token); a.status != http.StatusForbidden {
			t.Errorf("%s: userinfo answers %d %s", name, a.status, a.body)
		}
		for _, limited := range []bool{true, false} { // a web socket, a plugin that asks who calls
			if p, err := h.AuthenticateToken(t.Context(), token, "widgets", limited); err == nil {
				t.Errorf("%s: accepted as %s without a request", name, p.Subject)
			}
		}
	}
}

func TestEmbedToken_CannotBeExchanged(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	for _, viewer := range []string{"", "user:default/guest"} {
		p := h.known(t, h.issue(t, "static-token-one", viewer), "widgets")
		if _, err := h.PluginToken(t.Context(), "search", "catalog", p); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("a plugin token for viewer %q: %v", viewer, err)
		}
		if _, _, err := h.LimitedToken(p); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("a limited token for viewer %q: %v", viewer, err)
		}
	}
}

func TestEmbedToken_CarriesLimitsAndWhoseRights(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	service := h.known(t, h.issue(t, "static-token-one", ""), "widgets")
	if service.Kind != principal.Service || service.Subject != "ci" || service.Embed.App != "portal" || string(service.Embed.Args["top"]) != "5" {
		t.Errorf("service: %+v %+v", service, service.Embed)
	}
	user := h.known(t, h.issue(t, "static-token-one", "user:default/guest"), "widgets")
	if user.Kind != principal.User || user.Subject != "user:default/guest" || user.Embed.Minter != "ci" || user.Embed.Epoch != 3 {
		t.Errorf("user: %+v %+v", user, user.Embed)
	}
	refs, err := h.Ownership(t.Context(), user)
	if err != nil || len(refs) != 2 || refs[1] != "group:default/guests" {
		t.Errorf("a viewer who never signed in owns %v through the catalog: %v", refs, err)
	}
	if _, err := h.IssueEmbedToken(t.Context(), h.known(t, h.guestToken(t), "catalog"), "", principal.Embed{
		App: "portal", Minter: "user:default/guest", ID: "1", Session: "1", Expires: h.clock.now().Add(time.Minute),
	}); err == nil {
		t.Error("a user got a token with the rights of a service")
	}
}

func TestEmbedToken_IsRestrictedAsWhoGotIt(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	for _, viewer := range []string{"", "user:default/guest"} {
		token := h.issue(t, "static-token-catalog", viewer) // plugins catalog, and search for reading
		again, err := h.IssueEmbedToken(t.Context(), h.known(t, token, "search"), viewer, h.page())
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{token, again} {
			p := h.known(t, token, "search")
			if viewer == "" && (p.Restrictions == nil || len(p.Restrictions.Actions) != 1 || p.Restrictions.Actions[0] != "read") {
				t.Errorf("restrictions are lost: %+v", p.Restrictions)
			}
			if _, err := h.authenticate(t.Context(), token, "widgets", httpx.AllowEmbed); !apierror.Has(err, apierror.NotAllowed) {
				t.Errorf("a plugin that the minter may not use: %v", err)
			}
		}
	}
}

func TestEmbedToken_IsForPagesOfItsOrigins(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	token := h.issue(t, "static-token-one", "")
	for origin, status := range map[string]int{
		"https://portal.example.com": http.StatusOK, "http://portal.test": http.StatusOK, // the host's own frame
		"https://evil.test": http.StatusForbidden, "null": http.StatusForbidden, "": http.StatusForbidden,
		"http://portal.example.com": http.StatusForbidden, "https://portal.example.com.evil.test": http.StatusForbidden,
		"https://portal.example.com:8443": http.StatusForbidden, "https://PORTAL.example.com": http.StatusForbidden,
		"https://portal.example.com/": http.StatusForbidden, "https://portal.example.com, https://evil.test": http.StatusForbidden,
	} {
		a := h.send(t, "GET", "/api/widgets/who/am/i", "", "Authorization", "Bearer "+token, "Origin", origin)
		if a.status != status {
			t.Errorf("origin %q: %d %s", origin, a.status, a.body)
		}
	}
}

func TestEmbedToken_EndsByTimeByRevocationAndWithItsKeys(t *testing.T) {
	h, gone := newEmbedHost(t, storetest.SQLite(t))
	status := func(token string) int { return h.bearer(t, "GET", "/api/widgets/who/am/i", token).status }
	token := h.issue(t, "static-token-one", "")
	if status(token) != http.StatusOK { // and it is remembered as good
		t.Fatal("a fresh token is refused")
	}
	gone.ended.Store("session-1", true)
	if status(token) != http.StatusUnauthorized {
		t.Error("a revoked token is good")
	}
	gone.ended.Delete("session-1")
	h.clock.advance(5 * time.Minute)
	if status(token) != http.StatusUnauthorized {
		t.Error("an expired token is good")
	}
	token = h.issue(t, "static-token-one", "user:default/guest")
	if status(token) != http.StatusOK {
		t.Fatal("a fresh token is refused")
	}
	if err := h.RevokeUserTokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status(token) != http.StatusUnauthorized {
		t.Error("a token for a user is good after all tokens of users were revoked")
	}
}

func TestEmbedToken_IsKnownOnEveryReplica(t *testing.T) {
	db := storetest.SQLite(t)
	one, _ := newEmbedHost(t, db)
	two, _ := newEmbedHost(t, db)
	if p := two.known(t, one.issue(t, "static-token-one", ""), "widgets"); p.Embed.ID != "token-1" {
		t.Errorf("%+v", p)
	}
	without := newHost(t, db, testConfig)
	if _, err := without.authenticate(t.Context(), one.issue(t, "static-token-one", ""), "widgets", httpx.AllowEmbed); err == nil {
		t.Error("a host without embedding apps takes a token of one")
	}
}

func TestEmbedToken_IsNotMadeTooLong(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	e := h.page()
	e.Args["query"] = json.RawMessage(`"` + strings.Repeat("x", 6000) + `"`)
	if _, err := h.IssueEmbedToken(t.Context(), h.known(t, "static-token-one", "catalog"), "", e); !apierror.Has(err, apierror.Input) {
		t.Errorf("a token that no proxy lets through: %v", err)
	}
	e = h.page()
	e.Expires = h.clock.now().Add(MaxEmbedLife + time.Second)
	if _, err := h.IssueEmbedToken(t.Context(), h.known(t, "static-token-one", "catalog"), "", e); err == nil {
		t.Error("a token that lives too long")
	}
}

// hostileEmbedTokens are attacks with and on tokens of embedding pages.
func hostileEmbedTokens(t testing.TB, h *host) []hostile {
	t.Helper()
	good := h.issue(t, "static-token-one", "")
	parts := strings.Split(good, ".")
	key, userKey := h.embedKeys.current, h.mustSigner(t)
	pluginKey, err := h.addPlugin("search").signer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.now().Unix()
	head := func(typ, alg, kid, more string) string {
		return fmt.Sprintf(`{"typ":%q,"alg":%q,"kid":%q%s}`, typ, alg, kid, more)
	}
	embed := head(typeEmbed, "ES256", key.id, "")
	claims := goodEmbedClaims(now)
	with := func(old, replacement string) string {
		if !strings.Contains(claims, old) {
			t.Fatalf("no %s in the claims", old)
		}
		return strings.Replace(claims, old, replacement, 1)
	}
	exp, iat := fmt.Sprintf(`"exp":%d`, now+300), fmt.Sprintf(`"iat":%d`, now)
	user := fmt.Sprintf(`{"iss":"http://portal.test/api/auth","sub":"user:default/admin","aud":"backstage","iat":%d,"exp":%d}`, now, now+300)
	const bad, badUser, badPlugin = "Failed embed token verification", "Failed user token verification", "Failed plugin token verification"
	zero, order := new(big.Int), elliptic.P256().Params().N
	return []hostile{
		{"alg none", encodeText(head(typeEmbed, "none", key.id, "")) + "." + encodeText(claims) + ".", bad},
		{"alg None with a signature", forge(t, key, head(typeEmbed, "None", key.id, ""), claims), bad},
		{"HS256 with the public key", hmacToken(head(typeEmbed, "HS256", key.id, ""), claims, []byte(key.id)), bad},
		{"HS256 with no key", hmacToken(head(typeEmbed, "HS256", key.id, ""), claims, nil), bad},
		{"ES384", forge(t, key, head(typeEmbed, "ES384", key.id, ""), claims), bad},
		{"EdDSA", forge(t, key, head(typeEmbed, "EdDSA", key.id, ""), claims), bad},
		{"signed by a stranger", forge(t, &signingKey{id: key.id, private: stranger}, embed, claims), bad},
		{"signed by the user key", forge(t, userKey, head(typeEmbed, "ES256", userKey.id, ""), claims), bad},
		{"user key under the embed kid", forge(t, userKey, embed, claims), bad},
		{"signed by a plugin's key", forge(t, pluginKey, head(typeEmbed, "ES256", pluginKey.id, ""), claims), bad},
		{"kid unknown", forge(t, key, head(typeEmbed, "ES256", "00000000-0000-0000-0000-000000000000", ""), claims), bad},
		{"kid empty", forge(t, key, head(typeEmbed, "ES256", "", ""), claims), bad},
		{"kid a path", forge(t, key, head(typeEmbed, "ES256", "../../etc/passwd", ""), claims), bad},
		{"kid SQL", forge(t, key, head(typeEmbed, "ES256", "' OR '1'='1", ""), claims), bad},
		{"jku", forge(t, key, head(typeEmbed, "ES256", key.id, `,"jku":"https://evil.test/jwks.json"`), claims), bad},
		{"jwk", forge(t, key, head(typeEmbed, "ES256", key.id, `,"jwk":{"kty":"EC"}`), claims), bad},
		{"crit", forge(t, key, head(typeEmbed, "ES256", key.id, `,"crit":["exp"]`), claims), bad},
		{"zip", forge(t, key, head(typeEmbed, "ES256", key.id, `,"zip":"DEF"`), claims), bad},
		{"typ twice", forge(t, key, `{"typ":"vnd.backstage.user","typ":"callboard-embed+jwt","alg":"ES256","kid":"`+key.id+`"}`, claims), "Illegal token"},
		{"no exp", forge(t, key, embed, with(exp+",", "")), bad},
		{"exp past", forge(t, key, embed, with(exp, fmt.Sprintf(`"exp":%d`, now-1))), bad},
		{"exp now", forge(t, key, embed, with(exp, fmt.Sprintf(`"exp":%d`, now))), bad},
		{"exp far", forge(t, key, embed, with(exp, fmt.Sprintf(`"exp":%d`, now+601))), bad},
		{"exp with a fraction", forge(t, key, embed, with(exp, exp+".5")), bad},
		{"exp twice", forge(t, key, embed, with(exp, `"exp":1,`+exp)), bad},
		{"no iat", forge(t, key, embed, with(iat+",", "")), bad},
		{"iat far ahead", forge(t, key, embed, strings.Replace(with(iat, fmt.Sprintf(`"iat":%d`, now+86400)), exp, fmt.Sprintf(`"exp":%d`, now+86700), 1)), bad},
		{"nbf ahead", forge(t, key, embed, with(iat, fmt.Sprintf(`"nbf":%d,%s`, now+60, iat))), bad},
		{"no jti", forge(t, key, embed, with(`"jti":"t",`, "")), bad},
		{"no sid", forge(t, key, embed, with(`"sid":"s",`, "")), bad},
		{"no app", forge(t, key, embed, with(`"app":"portal",`, "")), bad},
		{"no act", forge(t, key, embed, with(`"act":"ci",`, "")), bad},
		{"act a user, no viewer", forge(t, key, embed, with(`"act":"ci"`, `"act":"user:default/admin"`)), bad},
		{"viewer a service", forge(t, key, embed, with(`"act"`, `"sub":"plugin:catalog","act"`)), bad},
		{"sub twice", forge(t, key, embed, with(`"act"`, `"sub":"user:default/a","sub":"user:default/b","act"`)), bad},
		{"wid twice", forge(t, key, embed, with(`"wid"`, `"wid":["a/b"],"wid"`)), bad},
		{"wid a text", forge(t, key, embed, with(`["cost/*"]`, `"*"`)), bad},
		{"aud of users", forge(t, key, embed, with(embedAudience, "backstage")), bad},
		{"no aud", forge(t, key, embed, with(`"aud":"callboard-embed",`, "")), bad},
		{"aud a list", forge(t, key, embed, with(`"callboard-embed"`, `["callboard-embed"]`)), bad},
		{"claims of a user", forge(t, key, embed, user), bad},
		{"claims a list", forge(t, key, embed, "["+claims+"]"), bad},
		{"claims null", forge(t, key, embed, "null"), bad},
		{"too long", forge(t, key, embed, with(`"portal"`, `"`+strings.Repeat("p", 7000)+`"`)), bad},
		{"r=s=0", parts[0] + "." + parts[1] + "." + rawSignature(zero, zero), bad},
		{"r=s=order", parts[0] + "." + parts[1] + "." + rawSignature(order, order), bad},
		{"cut", good[:len(good)-2], bad},
		{"claims replaced", parts[0] + "." + encodeText(claims) + "." + parts[2], bad},
		{"user type, embed key", forge(t, key, head(typeUser, "ES256", key.id, ""), user), badUser},
		{"limited type, embed key", forge(t, key, head(typeLimited, "ES256", key.id, ""), user), badUser},
		{"no type, embed key", forge(t, key, `{"alg":"ES256","kid":"`+key.id+`"}`, user), badUser},
		{"plugin type, embed key", forge(t, key, head(typePlugin, "ES256", key.id, ""), fmt.Sprintf(`{"sub":"search","aud":"widgets","iat":%d,"exp":%d}`, now, now+300)), badPlugin},
		{"on behalf of an embed token", forge(t, pluginKey, head(typePlugin, "ES256", pluginKey.id, ""), fmt.Sprintf(`{"sub":"search","aud":"widgets","iat":%d,"exp":%d,"obo":%q}`, now, now+300, good)), "Invalid user token in plugin token obo claim"},
		{"typ in another case", forge(t, key, head("Callboard-Embed+JWT", "ES256", key.id, ""), claims), "Illegal token"},
		{"typ as media type", forge(t, key, head("application/callboard-embed+jwt", "ES256", key.id, ""), claims), "Illegal token"},
	}
}

func goodEmbedClaims(now int64) string {
	return fmt.Sprintf(`{"iss":"x","aud":"callboard-embed","act":"ci","app":"portal","jti":"t","sid":"s","iat":%d,"exp":%d,"ses":%d,"wid":["cost/*"],"ent":["*"],"org":[],"fea":[]}`, now, now+300, now+3600)
}

func (h *host) mustSigner(t testing.TB) *signingKey {
	t.Helper()
	k, err := h.userKeys.signer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestHostileEmbedTokens_AreRefusedWithConstantTexts(t *testing.T) {
	h, _ := newEmbedHost(t, storetest.SQLite(t))
	list := hostileEmbedTokens(t, h)
	for _, c := range list {
		for _, accept := range []httpx.Allowance{httpx.AllowEmbed, httpx.AllowEmbed | httpx.AllowUserCookie} {
			p, err := h.authenticate(t.Context(), c.token, "widgets", accept)
			if err == nil {
				t.Errorf("%s: accepted as %s", c.name, p.Subject)
			} else if strings.TrimPrefix(err.Error(), "AuthenticationError: ") != c.message {
				t.Errorf("%s: %q, want %q", c.name, err, c.message)
			}
		}
		if a := h.bearer(t, "GET", "/api/widgets/who/am/i", c.token); a.status != http.StatusUnauthorized {
			t.Errorf("%s: over HTTP %d %s", c.name, a.status, a.body)
		}
	}
	assertNoTokens(t, h.log.String(), list)
	// The same forging with nothing wrong is accepted, so that the table refuses for the reasons it names.
	key := h.embedKeys.current
	fine := forge(t, key, `{"typ":"callboard-embed+jwt","alg":"ES256","kid":"`+key.id+`"}`, goodEmbedClaims(h.clock.now().Unix()))
	if p := h.known(t, fine, "widgets"); p.Embed == nil || p.Embed.App != "portal" {
		t.Errorf("%+v", p)
	}
}

// BenchmarkVerifiedEmbedToken is what a request with a token costs that has been seen before, beside a user's.
func BenchmarkVerifiedEmbedToken(b *testing.B) {
	h, _ := newEmbedHost(b, storetest.SQLite(b))
	for name, token := range map[string]string{"user": h.guestToken(b), "embed": h.issue(b, "static-token-one", "user:default/guest")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://portal.test/api/widgets/v1/catalog", http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Origin", "https://portal.example.com")
			for b.Loop() {
				if _, err := h.Authenticate(r, "widgets", httpx.AllowEmbed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
