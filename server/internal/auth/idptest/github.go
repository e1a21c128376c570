package idptest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// GitHubUser is somebody with an account.
type GitHubUser struct {
	ID      int64
	Node    string // the global id
	Login   string
	Name    string
	Email   string // the one that is shown to all; "" = none
	Primary string // the one that the scope user:email lets be read
	Avatar  string
}

// Octocat and Hubot have accounts at a GitHub that is not told of others.
var (
	Octocat = GitHubUser{ID: 583231, Node: "MDQ6VXNlcjU4MzIzMQ==", Login: "octocat", Name: "The Octocat", Email: "octocat@example.com", Avatar: "https://avatars.example.com/583231"}
	Hubot   = GitHubUser{ID: 480938, Node: "MDQ6VXNlcjQ4MDkzOA==", Login: "hubot", Primary: "hubot@example.com"}
)

// GitHub is an instance of GitHub's OAuth for one app: codes are good once and bound to their PKCE challenge, tokens do not
// expire, and its errors come with status 200, as those of the real one.
type GitHub struct {
	URL              string
	ClientID, Secret string

	users []GitHubUser

	mu     sync.Mutex
	codes  map[string]consented
	tokens map[string]consented
	asked  []string // requests that its API got, "GET /api/v3/user"
}

// consented is what a code or a token stands for.
type consented struct {
	user                           GitHubUser
	redirect, challenge, scope, by string
}

// NewGitHub is an instance that ends with the test; no users = [Octocat] and [Hubot].
func NewGitHub(tb testing.TB, users ...GitHubUser) *GitHub {
	tb.Helper()
	g, end := StartGitHub(users...)
	tb.Cleanup(end)
	return g
}

// StartGitHub is an instance until its end is called.
func StartGitHub(users ...GitHubUser) (*GitHub, func()) {
	if users == nil {
		users = []GitHubUser{Octocat, Hubot}
	}
	g := &GitHub{ClientID: "Iv1.0123456789", Secret: "the secret of the app", users: users, codes: map[string]consented{}, tokens: map[string]consented{}}
	server := httptest.NewServer(g)
	g.URL = server.URL
	return g, server.Close
}

// ServeHTTP answers what GitHub Enterprise has under the same paths.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked = append(g.asked, r.Method+" "+r.URL.Path)
	g.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /login/oauth/authorize":
		g.consent(w, r)
	case "POST /login/oauth/authorize":
		g.authorize(w, r)
	case "POST /login/oauth/access_token":
		g.token(w, r)
	case "GET /api/v3/user", "GET /api/v3/user/emails":
		g.api(w, r)
	default:
		http.NotFound(w, r)
	}
}

var consent = template.Must(template.New("consent").Parse(`<!doctype html><title>Authorize</title><form method="post">
{{range .}}<button name="login" value="{{.Login}}">Continue as {{.Login}}</button>{{end}}<button name="login" value="">Cancel</button></form>`))

func (g *GitHub) consent(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != g.ClientID {
		http.Error(w, "there is no such app", http.StatusNotFound)
		return
	}
	_ = consent.Execute(w, g.users) // the caller is gone; nobody to tell
}

func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != g.ClientID || !to.IsAbs() {
		http.Error(w, "there is no such app", http.StatusNotFound)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	i := slices.IndexFunc(g.users, func(u GitHubUser) bool { return u.Login == r.PostFormValue("login") })
	if i < 0 {
		back.Set("error", "access_denied")
		back.Set("error_description", "The user has denied your application access.")
	} else {
		code := secret()
		g.mu.Lock()
		g.codes[code] = consented{user: g.users[i], redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), scope: q.Get("scope"), by: q.Get("code_challenge_method")}
		g.mu.Unlock()
		back.Set("code", code)
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	code := r.PostFormValue("code")
	v, known := g.codes[code]
	delete(g.codes, code)
	answer := url.Values{}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case r.PostFormValue("client_id") != g.ClientID || r.PostFormValue("client_secret") != g.Secret:
		answer.Set("error", "incorrect_client_credentials")
		answer.Set("error_description", "The client_id and/or client_secret passed are incorrect.")
	case !known || v.redirect != r.PostFormValue("redirect_uri") || v.challenge != "" && (v.by != "S256" || encoded(sum[:]) != v.challenge):
		answer.Set("error", "bad_verification_code")
		answer.Set("error_description", "The code passed is incorrect or expired.")
	default:
		token := "gho_" + secret()
		g.tokens[token] = v
		answer = url.Values{"access_token": {token}, "token_type": {"bearer"}, "scope": {strings.ReplaceAll(v.scope, " ", ",")}}
	}
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte(answer.Encode())) // the caller is gone; nobody to tell
		return
	}
	object := map[string]string{}
	for name := range answer {
		object[name] = answer.Get(name)
	}
	say(w, http.StatusOK, object)
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone; nobody to tell
}

func (g *GitHub) api(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	v, known := g.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	g.mu.Unlock()
	switch {
	case !known:
		say(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
	case r.URL.Path == "/api/v3/user":
		u := v.user
		text := func(s string) any {
			if s == "" {
				return nil
			}
			return s
		}
		say(w, http.StatusOK, map[string]any{"id": u.ID, "node_id": u.Node, "login": u.Login, "name": text(u.Name), "email": text(u.Email), "avatar_url": text(u.Avatar), "html_url": g.URL + "/" + u.Login})
	case !slices.Contains(strings.Fields(v.scope), "user:email"):
		say(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
	default:
		say(w, http.StatusOK, []map[string]any{
			{"email": strconv.FormatInt(v.user.ID, 10) + "@noreply.example.com", "primary": false, "verified": true},
			{"email": v.user.Primary, "primary": true, "verified": true},
		})
	}
}

// SignIn does what a browser does in the hands of somebody: it opens the address of the authorization page, consents as the
// user with that login, and answers where it is sent back to, which it does not open. No login = they refuse.
func (g *GitHub) SignIn(address, login string) (*url.URL, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	browser := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(url.Values{"login": {login}}.Encode()))
	if err != nil {
		return nil, fmt.Errorf("idptest: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := browser.Do(r)
	if err != nil {
		return nil, fmt.Errorf("idptest: %w", err)
	}
	_ = answer.Body.Close() // nothing of it is read
	return answer.Location()
}

// Forget makes all tokens worthless.
func (g *GitHub) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.tokens)
}

// Requests are what it was asked, in order.
func (g *GitHub) Requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}
