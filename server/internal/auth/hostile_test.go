package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// forge signs any header and claims text with a key of the service itself: what is refused then is refused for what it
// says, not for its signature.
func forge(t testing.TB, k *signingKey, header, claims string) string {
	t.Helper()
	input := encodeText(header) + "." + encodeText(claims)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + rawSignature(r, s)
}

func rawSignature(r, s *big.Int) string {
	var b [64]byte
	r.FillBytes(b[:32])
	s.FillBytes(b[32:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hmacToken(header, claims string, key []byte) string {
	input := encodeText(header) + "." + encodeText(claims)
	m := hmac.New(sha256.New, key)
	m.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

type hostile struct {
	name, token, message string
}

// hostileTokens are attacks on the host h. Where one is signed by the right key, everything but the attack is right.
func hostileTokens(t testing.TB, h *host) []hostile {
	t.Helper()
	ctx := t.Context()
	good := h.guestToken(t)
	key := h.userKeys.current
	pluginKey, err := h.addPlugin("search").signer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strangerKey := &signingKey{id: key.id, private: stranger}
	publicDER, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	publicJWK, err := json.Marshal(jose.JSONWebKey{Key: &key.private.PublicKey, KeyID: key.id, Algorithm: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	strangerJWK, err := json.Marshal(jose.JSONWebKey{Key: &stranger.PublicKey, KeyID: key.id, Algorithm: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.now().Unix()
	head := func(typ, alg, kid, more string) string {
		return fmt.Sprintf(`{"typ":%q,"alg":%q,"kid":%q%s}`, typ, alg, kid, more)
	}
	user := head(typeUser, "ES256", key.id, "")
	limited := head(typeLimited, "ES256", key.id, "")
	plugin := head(typePlugin, "ES256", pluginKey.id, "")
	claims := fmt.Sprintf(`{"iss":"http://portal.test/api/auth","sub":"user:default/admin","aud":"backstage","iat":%d,"exp":%d}`, now, now+600)
	with := func(old, replacement string) string { return strings.Replace(claims, old, replacement, 1) }
	service := func(sub, aud string, iat, exp int64, more string) string {
		return fmt.Sprintf(`{"sub":%q,"aud":%q,"iat":%d,"exp":%d%s}`, sub, aud, iat, exp, more)
	}
	parts := strings.Split(good, ".")
	zero := new(big.Int)
	order := elliptic.P256().Params().N
	exp := fmt.Sprintf(`"exp":%d`, now+600)
	iat := fmt.Sprintf(`"iat":%d`, now)
	const (
		illegal = "Illegal token"
		badUser = "Failed user token verification"
		badPlug = "Failed plugin token verification"
	)
	list := []hostile{
		{"alg none, no signature", encodeText(head(typeUser, "none", key.id, "")) + "." + encodeText(claims) + ".", badUser},
		{"alg None", encodeText(head(typeUser, "None", key.id, "")) + "." + encodeText(claims) + ".", badUser},
		{"alg NONE with a signature", forge(t, key, head(typeUser, "NONE", key.id, ""), claims), badUser},
		{"alg none for a plugin", encodeText(head(typePlugin, "none", pluginKey.id, "")) + "." + encodeText(service("search", "catalog", now, now+600, "")) + ".", badPlug},
		{"unsigned and untyped", encodeText(`{"alg":"none"}`) + "." + encodeText(`{"sub":"user:default/admin"}`) + ".", illegal},
		{"HS256 with the public key as PEM", hmacToken(head(typeUser, "HS256", key.id, ""), claims, publicPEM), badUser},
		{"HS256 with the public key as DER", hmacToken(head(typeUser, "HS256", key.id, ""), claims, publicDER), badUser},
		{"HS256 with the public key as JWK", hmacToken(head(typeUser, "HS256", key.id, ""), claims, publicJWK), badUser},
		{"HS256 with no key", hmacToken(head(typeUser, "HS256", key.id, ""), claims, nil), badUser},
		{"HS256 for a plugin", hmacToken(head(typePlugin, "HS256", pluginKey.id, ""), service("search", "catalog", now, now+600, ""), publicPEM), badPlug},
		{"RS256", forge(t, key, head(typeUser, "RS256", key.id, ""), claims), badUser},
		{"PS256", forge(t, key, head(typeUser, "PS256", key.id, ""), claims), badUser},
		{"ES384", forge(t, key, head(typeUser, "ES384", key.id, ""), claims), badUser},
		{"EdDSA", forge(t, key, head(typeUser, "EdDSA", key.id, ""), claims), badUser},
		{"alg missing", forge(t, key, `{"typ":"vnd.backstage.user","kid":"`+key.id+`"}`, claims), badUser},
		{"alg a number", forge(t, key, `{"typ":"vnd.backstage.user","alg":256,"kid":"`+key.id+`"}`, claims), badUser},
		{"alg es256 in lower case", forge(t, key, head(typeUser, "es256", key.id, ""), claims), badUser},
		{"signed by a stranger", forge(t, strangerKey, user, claims), badUser},
		{"kid unknown", forge(t, key, head(typeUser, "ES256", "00000000-0000-0000-0000-000000000000", ""), claims), badUser},
		{"kid empty", forge(t, key, head(typeUser, "ES256", "", ""), claims), badUser},
		{"kid missing", forge(t, key, `{"typ":"vnd.backstage.user","alg":"ES256"}`, claims), badUser},
		{"kid a path", forge(t, key, head(typeUser, "ES256", "../../../../etc/passwd", ""), claims), badUser},
		{"kid SQL", forge(t, key, head(typeUser, "ES256", "' OR '1'='1", ""), claims), badUser},
		{"kid SQL union", forge(t, key, head(typeUser, "ES256", "x' UNION SELECT '"+string(strangerJWK)+"' --", ""), claims), badUser},
		{"kid a URL", forge(t, key, head(typeUser, "ES256", "http://169.254.169.254/latest", ""), claims), badUser},
		{"kid with NUL", forge(t, key, `{"typ":"vnd.backstage.user","alg":"ES256","kid":"`+key.id+`\u0000"}`, claims), badUser},
		{"kid a list", forge(t, key, `{"typ":"vnd.backstage.user","alg":"ES256","kid":["`+key.id+`"]}`, claims), badUser},
		{"kid of the plugin key", forge(t, pluginKey, head(typeUser, "ES256", pluginKey.id, ""), claims), badUser},
		{"jku", forge(t, key, head(typeUser, "ES256", key.id, `,"jku":"https://evil.test/jwks.json"`), claims), badUser},
		{"x5u", forge(t, key, head(typeUser, "ES256", key.id, `,"x5u":"https://evil.test/cert.pem"`), claims), badUser},
		{"jwk of a stranger", forge(t, strangerKey, head(typeUser, "ES256", key.id, `,"jwk":`+string(strangerJWK)), claims), badUser},
		{"jwk of the right key", forge(t, key, head(typeUser, "ES256", key.id, `,"jwk":`+string(publicJWK)), claims), badUser},
		{"x5c", forge(t, key, head(typeUser, "ES256", key.id, `,"x5c":["MIIB"]`), claims), badUser},
		{"crit", forge(t, key, head(typeUser, "ES256", key.id, `,"crit":["exp"]`), claims), badUser},
		{"crit with b64", forge(t, key, head(typeUser, "ES256", key.id, `,"b64":false,"crit":["b64"]`), claims), badUser},
		{"crit empty", forge(t, key, head(typeUser, "ES256", key.id, `,"crit":[]`), claims), badUser},
		{"zip", forge(t, key, head(typeUser, "ES256", key.id, `,"zip":"DEF"`), claims), badUser},
		{"cty JWT, nested", forge(t, key, head(typeUser, "ES256", key.id, `,"cty":"JWT"`), good), badUser},
		{"a token as payload", forge(t, key, user, good), badUser},
		{"header member twice", forge(t, key, `{"typ":"vnd.backstage.user","alg":"none","alg":"ES256","kid":"`+key.id+`"}`, claims), illegal},
		{"typ twice", forge(t, key, `{"typ":"vnd.backstage.plugin","typ":"vnd.backstage.user","alg":"ES256","kid":"`+key.id+`"}`, claims), illegal},
		{"Typ and typ", forge(t, key, `{"Typ":"vnd.backstage.plugin","typ":"vnd.backstage.user","alg":"ES256","kid":"`+key.id+`"}`, claims), badUser},
		{"sub twice", forge(t, key, user, with(`"aud"`, `"sub":"user:default/root","aud"`)), badUser},
		{"exp twice", forge(t, key, user, with(exp, `"exp":1,`+exp)), badUser},
		{"no exp", forge(t, key, user, with(","+exp, "")), badUser},
		{"exp null", forge(t, key, user, with(exp, `"exp":null`)), badUser},
		{"exp a text", forge(t, key, user, with(exp, fmt.Sprintf(`"exp":"%d"`, now+600))), badUser},
		{"exp in the past", forge(t, key, user, with(exp, fmt.Sprintf(`"exp":%d`, now-1))), badUser},
		{"exp now", forge(t, key, user, with(exp, fmt.Sprintf(`"exp":%d`, now))), badUser},
		{"exp beyond all numbers", forge(t, key, user, with(exp, `"exp":1e400`)), badUser},
		{"exp beyond all time", forge(t, key, user, with(exp, `"exp":1e300`)), badUser},
		{"exp negative", forge(t, key, user, with(exp, `"exp":-1`)), badUser},
		{"no iat", forge(t, key, user, with(iat+",", "")), badUser},
		{"iat far ahead", forge(t, key, user, with(iat, fmt.Sprintf(`"iat":%d`, now+86400))), badUser},
		{"nbf ahead", forge(t, key, user, with(iat, fmt.Sprintf(`"nbf":%d,%s`, now+60, iat))), badUser},
		{"no sub", forge(t, key, user, with(`"sub":"user:default/admin",`, "")), badUser},
		{"sub a list", forge(t, key, user, with(`"user:default/admin"`, `["user:default/admin"]`)), badUser},
		{"user token for another audience", forge(t, key, user, with(`"backstage"`, `"other"`)), badUser},
		{"user token without audience", forge(t, key, user, with(`"aud":"backstage",`, "")), badUser},
		{"claims a list", forge(t, key, user, "["+claims+"]"), badUser},
		{"claims null", forge(t, key, user, "null"), badUser},
		{"claims not JSON", forge(t, key, user, "sub=user:default/admin"), badUser},
		{"claims in broken UTF-8", forge(t, key, user, with("admin", "adm\xffn")), badUser},
		{"limited token without exp", forge(t, key, limited, fmt.Sprintf(`{"sub":"user:default/admin","iat":%d}`, now)), badUser},
		{"user claims under the limited signature", encodeText(user) + "." + parts[1] + "." + strings.Split(mustLimited(t, good), ".")[2], badUser},
		{"typ in upper case", forge(t, key, head("VND.BACKSTAGE.USER", "ES256", key.id, ""), with(`"backstage"`, `"x"`)), illegal},
		{"typ as media type", forge(t, key, head("application/vnd.backstage.user", "ES256", key.id, ""), with(`"backstage"`, `"x"`)), illegal},
		{"typ JWT", forge(t, key, head("JWT", "ES256", key.id, ""), with(`"backstage"`, `"x"`)), illegal},
		{"untyped with a list of audiences", forge(t, key, `{"alg":"ES256","kid":"`+key.id+`"}`, with(`"backstage"`, `["backstage"]`)), illegal},
		{"untyped without exp", forge(t, key, `{"alg":"ES256","kid":"`+key.id+`"}`, with(","+exp, "")), "User token is missing expiration"},
		{"untyped without sub", forge(t, key, `{"alg":"ES256","kid":"`+key.id+`"}`, with(`"sub":"user:default/admin",`, "")), "No user sub found in token"},
		{"untyped by a stranger", forge(t, strangerKey, `{"alg":"ES256","kid":"`+key.id+`"}`, claims), badUser},
		{"signature r=s=0", parts[0] + "." + parts[1] + "." + rawSignature(zero, zero), badUser},
		{"signature r=s=order", parts[0] + "." + parts[1] + "." + rawSignature(order, order), badUser},
		{"signature r=1 s=1", parts[0] + "." + parts[1] + "." + rawSignature(big.NewInt(1), big.NewInt(1)), badUser},
		{"signature empty", parts[0] + "." + parts[1] + ".", badUser},
		{"signature cut", good[:len(good)-2], badUser},
		{"signature as DER", parts[0] + "." + parts[1] + "." + derSignature(t, key, parts[0]+"."+parts[1]), badUser},
		{"claims replaced", parts[0] + "." + encodeText(claims) + "." + parts[2], badUser},
		{"two parts", parts[0] + "." + parts[1], illegal},
		{"four parts", good + ".x", illegal},
		{"five parts, encrypted", parts[0] + ".a.b.c.d", illegal},
		{"JSON serialisation", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, illegal},
		{"padded parts", parts[0] + "==." + parts[1] + "." + parts[2], illegal},
		{"100 kB", forge(t, key, user, with("admin", strings.Repeat("a", 100_000))), illegal},
		{"100 kB of dots", strings.Repeat(".", 100_000), illegal},
		{"dots", "..", illegal},
		{"header deeply nested", forge(t, key, `{"typ":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}`, claims), illegal},
		{"header null", forge(t, key, "null", claims), illegal},
		{"plugin for another plugin", forge(t, pluginKey, plugin, service("search", "scaffolder", now, now+600, "")), badPlug},
		{"plugin without audience", forge(t, pluginKey, plugin, fmt.Sprintf(`{"sub":"search","iat":%d,"exp":%d}`, now, now+600)), badPlug},
		{"plugin expired", forge(t, pluginKey, plugin, service("search", "catalog", now-7200, now-3600, "")), badPlug},
		{"plugin without exp", forge(t, pluginKey, plugin, fmt.Sprintf(`{"sub":"search","aud":"catalog","iat":%d}`, now)), badPlug},
		{"plugin that names another", forge(t, pluginKey, plugin, service("catalog", "catalog", now, now+600, "")), badPlug},
		{"plugin signed by the user key", forge(t, key, head(typePlugin, "ES256", key.id, ""), service("search", "catalog", now, now+600, "")), badPlug},
		{"plugin unknown", forge(t, pluginKey, plugin, service("nope", "catalog", now, now+600, "")), noKeys("nope")},
		{"plugin sub a path", forge(t, pluginKey, plugin, service("../search", "catalog", now, now+600, "")), "Invalid plugin token: forbidden subject format"},
		{"plugin sub a host", forge(t, pluginKey, plugin, service("search@evil.test", "catalog", now, now+600, "")), "Invalid plugin token: forbidden subject format"},
		{"plugin sub with a line break", forge(t, pluginKey, plugin, service("search\n", "catalog", now, now+600, "")), "Invalid plugin token: forbidden subject format"},
		{"plugin sub very long", forge(t, pluginKey, plugin, service(strings.Repeat("a", 5000), "catalog", now, now+600, "")), "Invalid plugin token: forbidden subject format"},
		{"plugin without sub", forge(t, pluginKey, plugin, `{}`), "Invalid plugin token: missing subject"},
		{"plugin claims not JSON", encodeText(plugin) + ".zzz.c2ln", badPlug},
		{"plugin with jku", forge(t, pluginKey, head(typePlugin, "ES256", pluginKey.id, `,"jku":"https://evil.test/"`), service("search", "catalog", now, now+600, "")), badPlug},
		{"obo not a token", forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, `,"obo":"x"`)), "Invalid user token in plugin token obo claim"},
		{"obo a plugin token", forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, `,"obo":"`+forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, ""))+`"`)), "Invalid user token in plugin token obo claim"},
		{"obo a static token", forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, `,"obo":"static-token-one"`)), "Invalid user token in plugin token obo claim"},
		{"obo signed by the plugin", forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, `,"obo":"`+forge(t, pluginKey, head(typeLimited, "ES256", pluginKey.id, ""), fmt.Sprintf(`{"sub":"user:default/admin","iat":%d,"exp":%d}`, now, now+600))+`"`)), badUser},
		{"obo expired", forge(t, pluginKey, plugin, service("search", "catalog", now, now+600, `,"obo":"`+forge(t, key, limited, fmt.Sprintf(`{"sub":"user:default/admin","iat":%d,"exp":%d}`, now-9, now-5))+`"`)), badUser},
		{"legacy with an audience", hmacToken(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"backstage-server","aud":"x","exp":%d}`, now+60), []byte("shared-secret-shared-secret-shared")), illegal},
		{"legacy of another subject", hmacToken(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"root","exp":%d}`, now+60), []byte("shared-secret-shared-secret-shared")), illegal},
		{"legacy expired", hmacToken(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"backstage-server","exp":%d}`, now-60), []byte("shared-secret-shared-secret-shared")), illegal},
		{"legacy with the wrong secret", hmacToken(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"backstage-server","exp":%d}`, now+60), []byte("wrong")), illegal},
		{"legacy with crit", hmacToken(`{"alg":"HS256","crit":["exp"]}`, fmt.Sprintf(`{"sub":"backstage-server","exp":%d}`, now+60), []byte("shared-secret-shared-secret-shared")), illegal},
		{"legacy HS512", hmacToken(`{"alg":"HS512"}`, fmt.Sprintf(`{"sub":"backstage-server","exp":%d}`, now+60), []byte("shared-secret-shared-secret-shared")), illegal},
		{"static token and more", "static-token-one1", illegal},
		{"static token cut", "static-token-on", illegal},
		{"static token in upper case", "STATIC-TOKEN-ONE", illegal},
		{"a word", "garbage", illegal},
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey}, (&jose.SignerOptions{EmbedJWK: true}).WithType(typeUser))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return append(list, hostile{"RS256 with its own key embedded", embedded, badUser})
}

func noKeys(id string) string {
	return "Received a plugin token where the source '" + id + "' plugin unexpectedly does not have a JWKS endpoint. The target plugin needs to be migrated to be installed in an app using the new backend system."
}

func mustLimited(t testing.TB, token string) string {
	t.Helper()
	l, _, err := limitedToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func derSignature(t testing.TB, k *signingKey, input string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	der, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(der)
}

func TestHostileTokens_AreRefusedWithConstantTexts(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	list := hostileTokens(t, h)
	if len(list) < 100 {
		t.Fatalf("only %d tokens", len(list))
	}
	names := map[string]bool{}
	for _, c := range list {
		if names[c.name] {
			t.Errorf("%q is there twice", c.name)
		}
		names[c.name] = true
		for _, feature := range []string{"catalog", "docs"} { // with and without limited tokens
			p, err := h.AuthenticateToken(t.Context(), c.token, feature, feature == "docs")
			if err == nil {
				t.Errorf("%s: accepted as %+v", c.name, p.Subject)
				continue
			}
			if feature == "catalog" && strings.TrimPrefix(err.Error(), "AuthenticationError: ") != c.message {
				t.Errorf("%s: %q, want %q", c.name, err, c.message)
			}
		}
		if strings.ContainsAny(c.token, " \n") || len(c.token) > 60_000 {
			continue
		}
		if a := h.bearer(t, "GET", "/api/catalog/who/am/i", c.token); a.status != http.StatusUnauthorized || a.message() != c.message {
			t.Errorf("%s: over HTTP %d %q", c.name, a.status, a.message())
		}
	}
	assertNoTokens(t, h.log.String(), list)
	// The same forging with nothing wrong is accepted, so that the table refuses for the reasons it names.
	now := h.clock.now().Unix()
	key := h.userKeys.current
	good := forge(t, key, `{"typ":"vnd.backstage.user","alg":"ES256","kid":"`+key.id+`"}`,
		fmt.Sprintf(`{"sub":"user:default/admin","aud":"backstage","iat":%d,"exp":%d}`, now, now+600))
	if p, err := h.AuthenticateToken(t.Context(), good, "catalog", false); err != nil || p.Subject != "user:default/admin" {
		t.Errorf("the good one: %v, %v", p, err)
	}
	legacy := hmacToken(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"backstage-server","exp":%d}`, now+60), []byte("shared-secret-shared-secret-shared"))
	if p, err := h.AuthenticateToken(t.Context(), legacy, "catalog", false); err != nil || p.Subject != "old-friend" {
		t.Errorf("the good legacy one: %v, %v", p, err)
	}
}

// assertNoTokens looks for tokens and signatures in the log.
func assertNoTokens(t testing.TB, log string, list []hostile) {
	t.Helper()
	for _, c := range list {
		for part := range strings.SplitSeq(c.token, ".") {
			if len(part) > 40 && strings.Contains(log, part) {
				t.Errorf("%s: a part of the token is in the log", c.name)
			}
		}
	}
}

func TestTokens_AppearInNoLogAndNoError(t *testing.T) {
	h := newHost(t, storetest.SQLite(t), testConfig)
	token := h.guestToken(t)
	limited := mustLimited(t, token)
	p, err := h.AuthenticateToken(t.Context(), token, "catalog", false)
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := h.PluginToken(t.Context(), "search", "catalog", p)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{token, limited, plugin, "static-token-one", "static-token-catalog", "shared-secret"}
	var bodies strings.Builder
	for _, secret := range secrets {
		for _, path := range []string{"/api/catalog/who/am/i", "/api/docs/who/am/i", "/api/auth/v1/userinfo", "/api/auth/v1/sessions/x/approve", "/api/search/who/am/i", "/api/catalog/nope"} {
			for _, variant := range []string{secret, secret + "x", secret[:len(secret)-3]} {
				bodies.WriteString(h.bearer(t, "GET", path, variant).body)
				bodies.WriteString(h.bearer(t, "POST", path, variant).body)
			}
		}
	}
	h.clock.advance(2 * time.Hour) // everything has expired
	for _, secret := range secrets {
		bodies.WriteString(h.bearer(t, "GET", "/api/catalog/who/am/i", secret).body)
	}
	for _, secret := range secrets {
		needle := secret
		if i := strings.LastIndexByte(secret, '.'); i > 0 {
			needle = secret[i+1 : i+31] // of the signature
		}
		if strings.Contains(h.log.String(), needle) {
			t.Errorf("the log holds %q", needle)
		}
		if strings.Contains(bodies.String(), needle) {
			t.Errorf("an answer holds %q", needle)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	h := newHost(f, storetest.SQLite(f), testConfig)
	for _, c := range hostileTokens(f, h) {
		if len(c.token) < 2000 {
			f.Add(c.token)
		}
	}
	good := h.guestToken(f)
	f.Add(good)
	f.Add(mustLimited(f, good))
	known := []string{"user:default/guest", "ci", "catalog-reader", "old-friend", "external:backstage-plugin", "plugin:search"}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := h.AuthenticateToken(t.Context(), token, "catalog", true)
		if (p == nil) == (err == nil) {
			t.Fatalf("principal %v and error %v", p, err)
		}
		if err == nil && (p.Kind == principal.None || !slices.Contains(known, p.Subject)) {
			t.Fatalf("%q was accepted as %s", token, p.Subject)
		}
		if _, _, err := limitedToken(token); err == nil && strings.Count(token, ".") != 2 {
			t.Fatalf("%q was narrowed", token)
		}
	})
}
