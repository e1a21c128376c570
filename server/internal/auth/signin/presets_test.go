package signin

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// internet answers requests to sites that exist only here, by method and address, and notes what they got.
type internet struct {
	answers map[string]string

	mu   sync.Mutex
	seen []string
}

func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.Method + " " + r.URL.String()
	form := ""
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form = string(body)
	}
	i.mu.Lock()
	i.seen = append(i.seen, strings.TrimSpace(what+" "+r.Header.Get("Authorization")+" "+form))
	i.mu.Unlock()
	w := httptest.NewRecorder()
	if answer, ok := i.answers[what]; ok {
		_, _ = w.WriteString(answer)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

func (i *internet) got(parts ...string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, s := range i.seen {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(s, p)
		}
		if all {
			return true
		}
	}
	return false
}

// token is a JWT without a signature.
func token(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".e30"
}

func answerOf(fields map[string]any) string {
	text, _ := json.Marshal(fields)
	return string(text)
}

func TestPresets_AskEachProviderAsItWantsToBeAsked(t *testing.T) {
	const microsoftToken = "POST https://login.microsoftonline.com/our-tenant/oauth2/v2.0/token"
	graph := token(map[string]any{"aud": graphAudience, "scp": "openid User.Read"})
	for name, c := range map[string]struct {
		id, config string
		query      string
		answers    map[string]string
		leave      map[string]string // parameters of the authorization endpoint
		at         string            // its address
		got        [][]string        // what the provider was asked
		want       Profile
		user       string
	}{
		"GitLab": {
			id: "gitlab", config: "audience: 'https://gitlab.test/', signIn: {resolvers: [{resolver: usernameMatchingUserEntityName}]}",
			at: "https://gitlab.test/oauth/authorize", leave: map[string]string{"scope": "read_user", "client_id": "the-client"},
			answers: map[string]string{
				"POST https://gitlab.test/oauth/token": `{"access_token":"at","refresh_token":"rt","expires_in":7200,"scope":"read_user,openid"}`,
				"GET https://gitlab.test/api/v4/user":  `{"id":42,"username":"ann","name":"Ann","email":"ann@example.com","avatar_url":"https://a.test/x","web_url":"https://gitlab.test/ann"}`,
			},
			got:  [][]string{{"/oauth/token", "client_secret=the-secret", "code_verifier="}, {"/api/v4/user Bearer at"}},
			want: Profile{"ann@example.com", "https://a.test/x", "Ann"}, user: "user:default/ann",
		},
		"Google": {
			id: "google", config: "signIn: {resolvers: [{resolver: emailMatchingUserEntityProfileEmail}]}",
			at: "https://accounts.google.com/o/oauth2/v2/auth", leave: map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
			answers: map[string]string{
				"POST https://www.googleapis.com/oauth2/v4/token":   `{"access_token":"at","refresh_token":"rt","expires_in":"3599"}`,
				"GET https://www.googleapis.com/oauth2/v3/userinfo": `{"sub":"1","name":"Ann","email":"ann@example.com","email_verified":true,"picture":"https://a.test/x"}`,
			},
			got:  [][]string{{"userinfo Bearer at"}},
			want: Profile{"ann@example.com", "https://a.test/x", "Ann"}, user: "user:default/ann",
		},
		"Google with an address that nobody has checked": {
			id: "google", at: "https://accounts.google.com/o/oauth2/v2/auth",
			answers: map[string]string{
				"POST https://www.googleapis.com/oauth2/v4/token":   answerOf(map[string]any{"access_token": "at", "id_token": token(map[string]any{"aud": "the-client", "email": "ann@example.com", "picture": "https://a.test/i"})}),
				"GET https://www.googleapis.com/oauth2/v3/userinfo": `{"sub":"1","name":"Ann","email":"ann@example.com","email_verified":false}`,
			},
			want: Profile{"", "https://a.test/i", "Ann"},
		},
		"Okta": {
			id: "okta", config: "audience: 'https://ours.okta.test', authServerId: main, idp: '0oa', signIn: {resolvers: [{resolver: emailLocalPartMatchingUserEntityName, allowedDomains: [example.com]}]}",
			at: "https://ours.okta.test/oauth2/main/v1/authorize", leave: map[string]string{"idp": "0oa", "scope": "openid email profile offline_access"},
			answers: map[string]string{
				"POST https://ours.okta.test/oauth2/main/v1/token":    `{"access_token":"at"}`,
				"POST https://ours.okta.test/oauth2/main/v1/userinfo": `{"sub":"1","name":"Ann","email":"ann@example.com","preferred_username":"ann"}`,
			},
			got:  [][]string{{"v1/token Basic " + base64.StdEncoding.EncodeToString([]byte("the-client:the-secret"))}, {"userinfo Bearer at"}},
			want: Profile{"ann@example.com", "", "Ann"}, user: "user:default/ann",
		},
		"Microsoft": {
			id: "microsoft", config: "tenantId: our-tenant, domainHint: ours.test, signIn: {resolvers: [{resolver: emailMatchingUserEntityProfileEmail}]}",
			at: "https://login.microsoftonline.com/our-tenant/oauth2/v2.0/authorize", leave: map[string]string{"domain_hint": "ours.test", "scope": "email openid offline_access user.read"},
			answers: map[string]string{
				microsoftToken: answerOf(map[string]any{"access_token": graph, "refresh_token": "rt"}),
				"GET https://graph.microsoft.com/v1.0/me/":                    `{"id":"1","displayName":"Ann","userPrincipalName":"ann@example.com"}`,
				"GET https://graph.microsoft.com/v1.0/me/photos/96x96/$value": "\xff\xd8\xff",
			},
			got:  [][]string{{"/me/ Bearer " + graph}},
			want: Profile{"ann@example.com", "data:image/jpeg;base64,/9j/", "Ann"}, user: "user:default/ann",
		},
		"Microsoft for another resource": {
			id: "microsoft", config: "tenantId: our-tenant", query: "&scope=api://ours/read",
			at: "https://login.microsoftonline.com/our-tenant/oauth2/v2.0/authorize", leave: map[string]string{"scope": "api://ours/read offline_access"},
			answers: map[string]string{microsoftToken: answerOf(map[string]any{"access_token": token(map[string]any{"aud": "api://ours"}), "refresh_token": "rt",
				"id_token": token(map[string]any{"aud": "the-client", "name": "Ann", "email": "ann@example.com"})})},
			got:  [][]string{{"grant_type=refresh_token", url.QueryEscape("User.Read")}},
			want: Profile{"ann@example.com", "", "Ann"},
		},
		"OAuth 2.0": {
			id: "oauth2", config: "authorizationUrl: 'https://idp.test/a?b=c', tokenUrl: 'https://idp.test/t', includeBasicAuth: true, additionalScopes: [one, two]",
			at: "https://idp.test/a", leave: map[string]string{"b": "c", "scope": "one two"},
			answers: map[string]string{"POST https://idp.test/t": answerOf(map[string]any{"access_token": "at", "id_token": token(map[string]any{"aud": []string{"x", "the-client"}, "name": "Ann", "email": "ann@example.com"})})},
			got:     [][]string{{"Basic ", "client_id=the-client", "client_secret=the-secret"}},
			want:    Profile{"ann@example.com", "", "Ann"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			sites := &internet{answers: c.answers}
			w := newWorld(t, "  providers: {"+c.id+": {development: {clientId: the-client, clientSecret: the-secret, "+c.config+"}}}\n", func(o *Options) { o.Transport = sites })
			to := mustParse(t, w.start(c.id, popup+c.query))
			if !strings.HasPrefix(to.String(), c.at+"?") {
				t.Errorf("sent to %s", to)
			}
			for key, value := range c.leave {
				if got := strings.TrimSpace(to.Query().Get(key)); got != value {
					t.Errorf("%s is %q, want %q", key, got, value)
				}
			}
			said := w.told(w.open(http.MethodGet, to.Query().Get("redirect_uri")+"?code=c&state="+to.Query().Get("state")))
			if said.Error != nil {
				t.Fatalf("told %+v after %q", said.Error, sites.seen)
			}
			if said.Response.Profile != c.want || said.Response.user() != c.user {
				t.Errorf("%+v is %q, want %+v, %q", said.Response.Profile, said.Response.user(), c.want, c.user)
			}
			for _, parts := range c.got {
				if !sites.got(parts...) {
					t.Errorf("no request has %q: %q", parts, sites.seen)
				}
			}
			for _, s := range sites.seen {
				if address, _, _ := strings.Cut(strings.SplitN(s, " ", 2)[1], " "); strings.Contains(address, "at=") || strings.Contains(address, "token=") {
					t.Errorf("a token is in the address %s", address)
				}
			}
		})
	}
}
