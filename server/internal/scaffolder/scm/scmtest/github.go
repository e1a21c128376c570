package scmtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/nacl/box"
)

// GitHub is a GitHub Enterprise Server: its API is below /api/v3.
type GitHub struct {
	host
	accounts        map[string]*account
	repositories    map[string]*GitHubRepository
	apps            map[string]app
	public, private *[32]byte // seal secrets
}

type account struct {
	id      int64
	login   string
	kind    string // "User" or "Organization"
	members []string
	teams   map[string]int64
}

type app struct {
	key   *rsa.PublicKey
	owner string
	token string
}

// GitHubRepository is what the host keeps of a repository. Maps of any are bodies as they were sent.
type GitHubRepository struct {
	ID             int64
	Owner, Name    string
	DefaultBranch  string
	CreatedAt      time.Time
	Settings       map[string]any
	Collaborators  map[string]string
	Teams          map[string]string
	Topics         []string
	Variables      map[string]string
	Secrets        map[string]string // opened
	Protections    map[string]map[string]any
	SignedBranches []string
	Environments   map[string]*GitHubEnvironment
	Hooks          []map[string]any
	Keys           []map[string]any
	Autolinks      []map[string]any
	Pages          map[string]any
	Dispatches     []map[string]any
	OIDC           map[string]any
	WorkflowAccess string
	Subscribed     bool
	Issues         []*GitHubIssue // pull requests among them
	ForkOf         string
}

// GitHubEnvironment is a deployment environment.
type GitHubEnvironment struct {
	Settings           map[string]any
	Policies           []string // "branch release/*"
	Variables, Secrets map[string]string
}

// GitHubIssue is an issue or, with Pull, a pull request.
type GitHubIssue struct {
	Number                   int
	Title, Body              string
	Labels, Assignees        []string
	Milestone                any
	Pull, Draft              bool
	Head, Base               string // Head is "owner:branch"
	Reviewers, TeamReviewers []string
}

// StartGitHub starts a GitHub, at a free port of this machine with "127.0.0.1:0".
func StartGitHub(addr string) (*GitHub, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	g := &GitHub{accounts: map[string]*account{}, repositories: map[string]*GitHubRepository{}, apps: map[string]app{}, public: public, private: private}
	g.prefix, g.failure, g.mayPush = "/api/v3", githubFailure, g.mayPushTo
	mux := http.NewServeMux()
	g.routeAccounts(mux)
	g.routeRepositories(mux)
	g.routeSettings(mux)
	g.routeGitData(mux)
	g.routeIssues(mux)
	g.handle(mux, "/", func(*call) (int, any) { return http.StatusNotFound, "Not Found" })
	return g, g.start(addr, mux)
}

func githubFailure(status int, message string) any {
	if status == http.StatusUnauthorized {
		message = "Bad credentials"
	}
	return map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status)}
}

// invalid is the form of GitHub's errors of validation.
func invalid(message, resource, field, detail string) map[string]any {
	return map[string]any{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": "422",
		"errors": []any{map[string]string{"resource": resource, "code": "custom", "field": field, "message": detail}},
	}
}

// AddUser makes a user.
func (g *GitHub) AddUser(login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[login] = &account{id: g.id(), login: login, kind: "User"}
}

// AddOrganization makes an organization whose members may make repositories in it.
func (g *GitHub) AddOrganization(login string, members ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[login] = &account{id: g.id(), login: login, kind: "Organization", members: members, teams: map[string]int64{}}
}

// AddTeam makes a team of an organization, and answers its id.
func (g *GitHub) AddTeam(organization, slug string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := g.id()
	g.accounts[organization].teams[slug] = id
	return id
}

// UserID is the id of an account.
func (g *GitHub) UserID(login string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accounts[login].id
}

// AddApp installs an app at an account. Tokens of it are the text token, and act as that account.
func (g *GitHub) AddApp(id string, key *rsa.PublicKey, owner, token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.apps[id] = app{key, owner, token}
}

// AddRepository makes an empty repository.
func (g *GitHub) AddRepository(owner, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.newRepository(owner, name, map[string]any{})
	return err
}

// View shows a repository, nil when there is none. f must not keep it.
func (g *GitHub) View(owner, name string, f func(r *GitHubRepository)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g.repositories[owner+"/"+name])
}

func (g *GitHub) newRepository(owner, name string, settings map[string]any) (*GitHubRepository, error) {
	r := &GitHubRepository{
		ID: g.id(), Owner: owner, Name: name, DefaultBranch: "main", CreatedAt: g.now().UTC().Truncate(time.Second), Settings: settings,
		Collaborators: map[string]string{}, Teams: map[string]string{}, Variables: map[string]string{}, Secrets: map[string]string{},
		Protections: map[string]map[string]any{}, Environments: map[string]*GitHubEnvironment{},
	}
	g.repositories[owner+"/"+name] = r
	return r, g.createRepo(owner+"/"+name, r.DefaultBranch)
}

// may reports whether a token may change what owner has.
func (g *GitHub) may(t Token, owner string) bool {
	if t.Scopes != nil && !slices.Contains(t.Scopes, "repo") {
		return false
	}
	a := g.accounts[owner]
	return a != nil && (t.User == owner || slices.Contains(a.members, t.User))
}

func (g *GitHub) mayPushTo(t Token, path string) bool {
	r := g.repositories[strings.TrimSuffix(path, ".git")]
	return r != nil && g.mayPushRepository(t, r)
}

func (g *GitHub) mayPushRepository(t Token, r *GitHubRepository) bool {
	return g.may(t, r.Owner) || slices.Contains([]string{"push", "admin", "maintain"}, r.Collaborators[t.User])
}

func (g *GitHub) routeAccounts(mux *http.ServeMux) {
	g.handle(mux, "GET /user", func(c *call) (int, any) { return http.StatusOK, g.accounts[c.token.User].json() })
	g.handle(mux, "GET /users/{user}", func(c *call) (int, any) {
		a := g.accounts[c.PathValue("user")]
		if a == nil {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, a.json()
	})
	g.handle(mux, "GET /orgs/{org}/teams/{team}", func(c *call) (int, any) {
		a := g.accounts[c.PathValue("org")]
		if a == nil || a.teams[c.PathValue("team")] == 0 {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, map[string]any{"id": a.teams[c.PathValue("team")], "slug": c.PathValue("team")}
	})
	g.handle(mux, "GET /user/orgs", func(c *call) (int, any) {
		var list []map[string]any
		for _, a := range g.accounts {
			if a.kind == "Organization" && slices.Contains(a.members, c.token.User) {
				list = append(list, a.json())
			}
		}
		slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a["login"]), fmt.Sprint(b["login"])) })
		return page(&g.host, c, list)
	})
	g.handle(mux, "GET /app/installations", g.installations)
	g.handle(mux, "POST /app/installations/{id}/access_tokens", g.installationToken)
}

func (a *account) json() map[string]any {
	return map[string]any{"id": a.id, "login": a.login, "type": a.kind}
}

// appOf is the app whose key signed the request's JWT.
func (g *GitHub) appOf(c *call) (app, bool) {
	parts := strings.Split(credential(c.Request), ".")
	if len(parts) != 3 {
		return app{}, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return app{}, false
	}
	var said struct {
		Issuer   string `json:"iss"`
		Exp, Iat int64
	}
	if json.Unmarshal(claims, &said) != nil || said.Exp < time.Now().Unix() || said.Exp-said.Iat > 600 {
		return app{}, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	a, ok := g.apps[said.Issuer]
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return a, ok && err == nil && rsa.VerifyPKCS1v15(a.key, crypto.SHA256, digest[:], signature) == nil
}

func (g *GitHub) installations(c *call) (int, any) {
	a, ok := g.appOf(c)
	if !ok {
		return http.StatusUnauthorized, "A JSON web token could not be decoded"
	}
	return page(&g.host, c, []any{map[string]any{"id": g.accounts[a.owner].id, "account": g.accounts[a.owner].json()}})
}

func (g *GitHub) installationToken(c *call) (int, any) {
	a, ok := g.appOf(c)
	if !ok || c.PathValue("id") != fmt.Sprint(g.accounts[a.owner].id) {
		return http.StatusUnauthorized, "A JSON web token could not be decoded"
	}
	g.tokens[a.token] = Token{User: a.owner}
	return http.StatusCreated, map[string]any{"token": a.token, "expires_at": g.now().Add(time.Hour).UTC().Format(time.RFC3339)}
}
