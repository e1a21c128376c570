package idptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const verifier = "a-verifier-of-forty-three-characters-or-more-0123456789"

// fetch asks the provider as a client would, without keeping the connection.
func fetch(t *testing.T, r *http.Request) (int, map[string]any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body := map[string]any{}
	_ = json.NewDecoder(answer.Body).Decode(&body) // pages are no JSON
	return answer.StatusCode, body
}

func get(t *testing.T, address, token string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return fetch(t, r)
}

// redeem asks for tokens, as the client with its secret.
func redeem(t *testing.T, s *Server, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Issuer+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.Secret))
	return fetch(t, r)
}

const callback = "https://portal.example.com/api/auth/oidc/handler/frame"

func authorize(s *Server, more url.Values) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"client_id": {s.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"}, "state": {"the state"},
		"nonce": {"the nonce"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	maps.Copy(q, more)
	return s.Issuer + "/authorize?" + q.Encode()
}

// signIn is the tokens of a person who passes the form.
func signIn(t *testing.T, s *Server, username string) map[string]any {
	t.Helper()
	back, err := s.SignIn(authorize(s, nil), username)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(back.String(), callback) || back.Query().Get("state") != "the state" {
		t.Fatalf("sent back to %s", back)
	}
	status, tokens := redeem(t, s, url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier}})
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, tokens)
	}
	return tokens
}

// verified are the claims of an ID token, if its signature is the provider's.
func verified(t *testing.T, s *Server, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil
	}
	claims := map[string]any{}
	if parsed.Claims(&s.storage.key.PublicKey, &claims) != nil {
		return nil
	}
	return claims
}

func TestProvider_SignsInWithACodeOnceAndRenews(t *testing.T) {
	s := New(t, Options{})
	status, about := get(t, s.MetadataURL, "")
	if status != http.StatusOK || about["issuer"] != s.Issuer || about["end_session_endpoint"] != s.Issuer+"/end_session" || !slices.Contains(about["grant_types_supported"].([]any), any("refresh_token")) {
		t.Fatalf("%d %v", status, about)
	}
	tokens := signIn(t, s, "ann")
	claims := verified(t, s, tokens["id_token"])
	if claims["iss"] != s.Issuer || claims["sub"] != Ann.Subject || claims["nonce"] != "the nonce" || claims["email"] != Ann.Email || claims["email_verified"] != true || claims["name"] != Ann.Name || claims["preferred_username"] != "ann" {
		t.Errorf("claims %v", claims)
	}
	access, _ := tokens["access_token"].(string)
	if status, info := get(t, s.Issuer+"/userinfo", access); status != http.StatusOK || info["sub"] != Ann.Subject || len(info["groups"].([]any)) != 2 {
		t.Errorf("user info %d %v", status, info)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}
	if status, next := redeem(t, s, form); status != http.StatusOK || verified(t, s, next["id_token"])["sub"] != Ann.Subject || next["refresh_token"] == tokens["refresh_token"] || s.RefreshTokens() != 1 {
		t.Errorf("renewed: %d %v", status, next)
	}
	if status, next := redeem(t, s, form); status != http.StatusBadRequest || next["error"] != "invalid_grant" {
		t.Errorf("renewed with a token that was used: %d %v", status, next)
	}
}

func TestProvider_RefusesWhatACertifiedProviderRefuses(t *testing.T) {
	s := New(t, Options{Redirects: []string{callback}})
	code := func() string {
		back, err := s.SignIn(authorize(s, nil), "ann")
		if err != nil {
			t.Fatal(err)
		}
		return back.Query().Get("code")
	}
	used := code()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {used}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	if status, _ := redeem(t, s, form); status != http.StatusOK {
		t.Fatalf("a good code: %d", status)
	}
	for name, change := range map[string]url.Values{
		"a code twice": {"code": {used}}, "another verifier": {"code": {code()}, "code_verifier": {verifier + "x"}}, "no verifier": {"code": {code()}, "code_verifier": {""}},
		"another address": {"code": {code()}, "redirect_uri": {"https://evil.example/"}},
	} {
		changed := maps.Clone(form)
		maps.Copy(changed, change)
		if status, answer := redeem(t, s, changed); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	wrong := &Server{Issuer: s.Issuer, ClientID: s.ClientID, Secret: "wrong"}
	form.Set("code", code())
	if status, answer := redeem(t, wrong, form); status < 400 {
		t.Errorf("a wrong secret: %d %v", status, answer)
	}
	if back, err := s.SignIn(authorize(s, url.Values{"redirect_uri": {"https://evil.example/"}}), "ann"); err == nil {
		t.Errorf("another address: %s", back)
	}
	if back, err := s.SignIn(authorize(s, nil), "nobody"); err == nil {
		t.Errorf("a stranger: %s", back)
	}
	if back, err := s.Refuse(authorize(s, nil)); err != nil || back.Query().Get("error") != "access_denied" || back.Query().Get("state") != "the state" {
		t.Errorf("%v %v", back, err)
	}
	if back, err := s.SignIn(authorize(s, url.Values{"prompt": {"none"}}), "ann"); err != nil || back.Query().Get("error") != "login_required" {
		t.Errorf("without a session: %v %v", back, err)
	}
}

// browser keeps cookies and stops where the provider's own pages end.
func browser(t *testing.T, s *Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.Issuer) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func visit(t *testing.T, b *http.Client, address string) *http.Response {
	t.Helper()
	answer, err := b.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // nothing of it is read
	return answer
}

func TestProvider_KnowsABrowserUntilItsSessionEnds(t *testing.T) {
	s := New(t, Options{})
	b := browser(t, s)
	form := visit(t, b, authorize(s, nil))
	if form.Request.URL.Path != "/login" {
		t.Fatalf("at %s", form.Request.URL)
	}
	answer, err := b.PostForm(s.Issuer+"/login", url.Values{"request": {form.Request.URL.Query().Get("request")}, "username": {"ben"}, "password": {Password}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // nothing of it is read
	for _, prompt := range []string{"", "none"} {
		if again := visit(t, b, authorize(s, url.Values{"prompt": {prompt}})); !strings.Contains(again.Header.Get("Location"), "code=") {
			t.Errorf("prompt %q: %s %v", prompt, again.Status, again.Header)
		}
	}
	if again := visit(t, b, authorize(s, url.Values{"prompt": {"login"}})); again.Request.URL.Path != "/login" {
		t.Errorf("prompt login: %s", again.Request.URL)
	}
	if ended := visit(t, b, s.Issuer+"/end_session?client_id="+url.QueryEscape(s.ClientID)); ended.Request.URL.Path != "/signed-out" {
		t.Errorf("ended: %s %s", ended.Status, ended.Request.URL)
	}
	if again := visit(t, b, authorize(s, nil)); again.Request.URL.Path != "/login" {
		t.Errorf("after the end: %s", again.Request.URL)
	}
}

func TestFaults_MakeTokensThatAreNotToBeBelieved(t *testing.T) {
	s := New(t, Options{})
	for fault, wrong := range map[Fault]func(claims map[string]any) bool{
		WrongAudience: func(c map[string]any) bool { return !strings.Contains(strings.Join(texts(c["aud"]), " "), s.ClientID) },
		WrongIssuer:   func(c map[string]any) bool { return c["iss"] != s.Issuer },
		WrongNonce:    func(c map[string]any) bool { return c["nonce"] != "the nonce" },
		ExpiredToken:  func(c map[string]any) bool { return c["exp"].(float64) < float64(time.Now().Unix()) },
		BareToken:     func(c map[string]any) bool { return c["email"] == nil && c["sub"] == Ann.Subject },
		ForeignKey:    func(c map[string]any) bool { return c == nil },
		Unsigned:      func(c map[string]any) bool { return c == nil },
	} {
		s.Set(fault)
		tokens := signIn(t, s, "ann")
		if tokens["id_token"] == nil || !wrong(verified(t, s, tokens["id_token"])) {
			t.Errorf("%s: %v", fault, tokens)
		}
	}
	s.Set(NoIDToken, NoRefreshToken)
	if tokens := signIn(t, s, "ann"); tokens["id_token"] != nil || tokens["refresh_token"] != nil || tokens["access_token"] == nil {
		t.Errorf("%v", tokens)
	}
	s.Set()
	s.Change(func(claims map[string]any) { claims["email"] = 7 })
	if claims := verified(t, s, signIn(t, s, "ann")["id_token"]); claims["email"] != 7. {
		t.Errorf("%v", claims)
	}
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		text, _ := e.(string)
		out = append(out, text)
	}
	return out
}

func TestFaults_KeepTheProviderFromAnswering(t *testing.T) {
	s := New(t, Options{})
	tokens := signIn(t, s, "ann")
	s.Set(Down)
	if _, err := s.SignIn(authorize(s, nil), "ann"); err == nil {
		t.Error("it is down, and answers")
	}
	s.Set(Failing)
	if status, _ := get(t, s.MetadataURL, ""); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
	s.Set(RefuseRefresh)
	if status, answer := redeem(t, s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("%d %v", status, answer)
	}
	s.Set(OtherUserInfo)
	if _, info := get(t, s.Issuer+"/userinfo", tokens["access_token"].(string)); info["sub"] != "somebody-else" {
		t.Errorf("%v", info)
	}
	s.Set(Slow)
	asked := make(chan error, 1)
	go func() {
		_, err := s.SignIn(authorize(s, nil), "ann")
		asked <- err
	}()
	select {
	case err := <-asked:
		t.Errorf("it is slow, and answers: %v", err)
	default:
	}
	s.Close()
	if err := <-asked; err == nil {
		t.Error("it has ended, and answers")
	}
}
