package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// The states of an authorization session.
const (
	sessionPending  = "pending"
	sessionApproved = "approved"
	sessionRejected = "rejected"

	sessionLifetime = time.Hour
	codeLifetime    = 10 * time.Minute
)

// oidcProvider lets clients such as command lines and assistants sign a user in: authorization code with PKCE, clients
// known by their metadata documents (auth.clientIdMetadataDocuments). Registration of clients and refresh tokens are
// not offered, and the discovery document says so.
type oidcProvider struct {
	enabled          bool
	development      bool
	issuer, appURL   string
	clientPatterns   []urlPattern
	redirectPatterns []urlPattern
	public, vouched  *http.Client // for clients that a pattern allows, and for those that are named exactly
	fetches          *rate.Limiter
	clients          *otter.Cache[string, cachedClient]
	now              func() time.Time
	db               *database
}

type cachedClient struct {
	client *oauthClient
	until  time.Time
}

func (s *Service) readOIDC(o Options) *oidcProvider {
	issuer := s.discovery.External("auth")
	app := o.Config.Section("app")
	p := &oidcProvider{
		issuer: issuer, development: o.Development, now: s.now, db: s.db,
		appURL:  strings.TrimRight(app.String("baseUrl", defaultApp), "/"),
		fetches: rate.NewLimiter(1, 30),
		clients: otter.Must(&otter.Options[string, cachedClient]{MaximumSize: 256, Executor: func(fn func()) { fn() }}),
	}
	key := "clientIdMetadataDocuments"
	if !o.Config.Section("auth").Has(key) {
		key = "experimentalClientIdMetadataDocuments"
	}
	section := o.Config.Section("auth." + key)
	p.enabled = section.Bool("enabled", false)
	p.clientPatterns = readPatterns(section, "allowedClientIdPatterns",
		"https://claude.ai/*", "https://vscode.dev/*", "https://chatgpt.com/oauth/codex/*/client.json")
	p.redirectPatterns = readPatterns(section, "allowedRedirectUriPatterns", "http://localhost:*/*", "http://127.0.0.1:*/*", "http://[::1]:*/*")
	if own, ok := parseURLPattern(p.cliClientID()); ok {
		p.clientPatterns = append(p.clientPatterns, own)
	}
	public := o.ClientTransport
	if public == nil {
		public = publicTransport()
	}
	p.public = &http.Client{Transport: public, CheckRedirect: refuseRedirect}
	p.vouched = &http.Client{Transport: o.Transport, CheckRedirect: refuseRedirect}
	return p
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func readPatterns(s *config.Section, key string, def ...string) (all []urlPattern) {
	texts := def
	if s.Has(key) {
		texts = s.Strings(key)
	}
	for _, text := range texts {
		p, ok := parseURLPattern(text)
		if !ok {
			s.Problem(key, "must be URL patterns with a protocol, such as https://example.com/*")
			continue
		}
		all = append(all, p)
	}
	return all
}

// cliClientID is the client id of the reference's command line, whose document this host serves itself.
func (p *oidcProvider) cliClientID() string { return p.issuer + "/.well-known/oauth-client/cli.json" }

var cliClient = &oauthClient{name: "Backstage CLI", redirectURIs: []string{"http://127.0.0.1:8055/callback"}}

// configuration is the discovery document.
func (p *oidcProvider) configuration() map[string]any {
	methods := []string{"client_secret_basic", "client_secret_post"}
	if p.enabled {
		methods = append(methods, "none")
	}
	doc := map[string]any{
		"issuer": p.issuer, "token_endpoint": p.issuer + "/v1/token", "userinfo_endpoint": p.issuer + "/v1/userinfo",
		"jwks_uri":                 p.issuer + "/.well-known/jwks.json",
		"response_types_supported": []string{"code", "id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"},
		"scopes_supported":                      []string{"openid"}, "token_endpoint_auth_methods_supported": methods,
		"claims_supported": []string{"sub", "ent"}, "grant_types_supported": []string{"authorization_code"},
		"authorization_endpoint": p.issuer + "/v1/authorize", "code_challenge_methods_supported": []string{"S256", "plain"},
	}
	if p.enabled {
		doc["revocation_endpoint"] = p.issuer + "/v1/revoke"
		doc["client_id_metadata_document_supported"] = true
	}
	return doc
}

// authorizeRequest is the query of /v1/authorize; empty = not given.
type authorizeRequest struct {
	ClientID, RedirectURI, ResponseType, Scope, State, Nonce, Challenge, ChallengeMethod string
}

// begin opens an authorization session and returns the address of the page that asks the user. Every refusal is an
// answer to the browser, never a redirect: the redirect address is not trusted before the client is.
func (p *oidcProvider) begin(ctx context.Context, r authorizeRequest) (string, error) {
	if r.ResponseType != "code" {
		return "", apierror.New(apierror.Input, "Only authorization code flow is supported")
	}
	client, err := p.client(ctx, r.ClientID)
	if err != nil {
		return "", err
	}
	redirect, ok := parseRedirect(r.RedirectURI)
	if !ok || redirect.User != nil || !slices.ContainsFunc(p.redirectPatterns, func(pt urlPattern) bool { return pt.matches(redirect) }) {
		return "", apierror.Newf(apierror.Input, "Invalid redirect_uri '%s'", withoutQuery(r.RedirectURI))
	}
	if !client.registered(r.RedirectURI) {
		return "", apierror.Newf(apierror.Input, "Invalid redirect_uri '%s', not registered in client metadata", withoutQuery(r.RedirectURI))
	}
	if r.Challenge == "" {
		return "", apierror.New(apierror.Input, "PKCE is required for public clients. Provide a code_challenge parameter.")
	}
	if r.ChallengeMethod != "S256" && r.ChallengeMethod != "plain" {
		return "", apierror.New(apierror.Input, "Invalid code_challenge_method")
	}
	session := &oidcSessionRow{
		ID: uuid.NewString(), ClientID: r.ClientID, ClientName: client.name, RedirectURI: r.RedirectURI,
		Scope: optional(r.Scope), State: optional(r.State), Nonce: optional(r.Nonce),
		Challenge: r.Challenge, ChallengeMethod: r.ChallengeMethod,
		Status: sessionPending, ExpiresAt: p.now().Add(sessionLifetime).UnixMilli(),
	}
	if err := p.db.addSession(ctx, session); err != nil {
		return "", err
	}
	return p.appURL + "/oauth2/authorize/" + session.ID, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func withoutQuery(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "…"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

// client finds the client with that id, by its metadata document.
func (p *oidcProvider) client(ctx context.Context, id string) (*oauthClient, error) {
	u, err := clientIDURL(id, p.development)
	if err != nil {
		// The reference asks its table of registered clients next; there are none.
		return nil, apierror.New(apierror.Input, "Invalid client_id")
	}
	i := slices.IndexFunc(p.clientPatterns, func(pt urlPattern) bool { return pt.matches(u) })
	if i < 0 {
		return nil, apierror.Newf(apierror.Input, "Invalid client_id '%s'", id)
	}
	if id == p.cliClientID() {
		return cliClient, nil
	}
	if c, ok := p.clients.GetIfPresent(id); ok && p.now().Before(c.until) {
		return c.client, nil
	}
	if !p.fetches.AllowN(p.now(), 1) {
		return nil, apierror.New(apierror.ServiceUnavailable, "Too many sign-ins of unknown clients, try again in a moment")
	}
	httpClient := p.public
	if p.clientPatterns[i].exact() || (p.development && u.Scheme == "http") {
		httpClient = p.vouched
	}
	client, err := fetchClient(ctx, httpClient, id)
	if err != nil {
		return nil, err
	}
	p.clients.Set(id, cachedClient{client, p.now().Add(metadataFresh)})
	return client, nil
}

// mayRevoke reports whether id could be a client of ours; its document is not needed for that.
func (p *oidcProvider) mayRevoke(id string) bool {
	u, err := clientIDURL(id, p.development)
	return err == nil && slices.ContainsFunc(p.clientPatterns, func(pt urlPattern) bool { return pt.matches(u) })
}

// pending is the session with that id while it waits for the user.
func (p *oidcProvider) pending(ctx context.Context, id string) (*oidcSessionRow, error) {
	session, err := p.db.session(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case session == nil:
		return nil, apierror.New(apierror.NotFound, "Invalid authorization session")
	case session.ExpiresAt < p.now().UnixMilli():
		return nil, apierror.New(apierror.Input, "Authorization session expired")
	case session.Status != sessionPending:
		return nil, errNotPending
	}
	return session, nil
}

var errNotPending = apierror.New(apierror.NotFound, "Authorization session not found or expired")

// approve lets user in and returns where the browser takes the code.
func (p *oidcProvider) approve(ctx context.Context, id, user string) (string, error) {
	session, err := p.pending(ctx, id)
	if err != nil {
		return "", err
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", err
	}
	code := base64.RawURLEncoding.EncodeToString(secret[:])
	row := &oidcCodeRow{Hash: codeHash(code), SessionID: session.ID, ExpiresAt: p.now().Add(codeLifetime).UnixMilli()}
	decided, err := p.db.decide(ctx, session.ID, sessionApproved, user, row)
	if err != nil {
		return "", err
	}
	if !decided {
		return "", errNotPending
	}
	return session.answer(true, "code", code)
}

// reject tells the client that user said no.
func (p *oidcProvider) reject(ctx context.Context, id, user string) (string, error) {
	session, err := p.pending(ctx, id)
	if err != nil {
		return "", err
	}
	decided, err := p.db.decide(ctx, session.ID, sessionRejected, user, nil)
	if err != nil {
		return "", err
	}
	if !decided {
		return "", errNotPending
	}
	return session.answer(false, "error", "access_denied", "error_description", "User denied the request")
}

// answer is the redirect address with parameters and the client's state; keep says whether the query that the address
// has already stays.
func (r *oidcSessionRow) answer(keep bool, pairs ...string) (string, error) {
	u, err := url.Parse(r.RedirectURI)
	if err != nil {
		return "", err
	}
	if r.State != nil {
		pairs = append(pairs, "state", *r.State)
	}
	var query []string
	if keep && u.RawQuery != "" {
		query = append(query, u.RawQuery)
	}
	for i := 0; i < len(pairs); i += 2 {
		query = append(query, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
	}
	u.RawQuery = strings.Join(query, "&")
	return u.String(), nil
}

func codeHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// redeem turns a code into the session it was given for. A code is good once.
func (p *oidcProvider) redeem(ctx context.Context, code, redirectURI, verifier string) (*oidcSessionRow, error) {
	refused := func(text string) error { return apierror.New(apierror.Authentication, text) }
	row, err := p.db.code(ctx, codeHash(code))
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, refused("Invalid authorization code")
	case row.ExpiresAt < p.now().UnixMilli():
		return nil, refused("Authorization code expired")
	case row.Used:
		return nil, refused("Authorization code already used")
	}
	session, err := p.db.session(ctx, row.SessionID)
	switch {
	case err != nil:
		return nil, err
	case session == nil:
		return nil, apierror.New(apierror.NotFound, "Invalid authorization session")
	case session.RedirectURI != redirectURI:
		return nil, refused("Redirect URI mismatch")
	case session.Status != sessionApproved:
		return nil, refused("Authorization not approved")
	case session.User == nil:
		return nil, refused("No user associated with authorization")
	case verifier == "":
		return nil, refused("Code verifier required for PKCE")
	case !session.proves(verifier):
		return nil, refused("Invalid code verifier")
	}
	first, err := p.db.useCode(ctx, row.Hash)
	if err != nil {
		return nil, err
	}
	if !first {
		return nil, refused("Authorization code already used")
	}
	return session, nil
}

// proves checks a PKCE verifier.
func (r *oidcSessionRow) proves(verifier string) bool {
	if r.ChallengeMethod == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(r.Challenge)) == 1
}
