package signin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

// preset is one provider: what differs between them.
type preset struct {
	id, title string
	// required scopes are asked for always.
	required []string
	// persist: what was granted is kept in a cookie, as the provider does not tell it at each renewal.
	persist   bool
	transform func(scopes) []string // nil = all of them
	resolvers map[string]resolverKind
	make      func(s *config.Section, c connection) authenticator
}

// connection is what all providers of OAuth are made of.
type connection struct {
	transport   http.RoundTripper
	credentials credentials
	callback    string
	additional  []string // scopes
	now         func() time.Time
}

func (c connection) oauth(authorizeURL, tokenURL string, params url.Values) *oauth {
	return &oauth{
		client: newClient(c.transport, upstreamTimeout), credentials: c.credentials, callback: c.callback,
		authorizeURL: authorizeURL, tokenURL: tokenURL, params: params,
	}
}

// presets are in the order in which people are offered them.
var presets = []preset{
	{
		id: "oidc", title: "OpenID Connect", required: []string{"openid", "profile", "email"}, persist: true, make: makeOIDC,
		resolvers: with(common, map[string]resolverKind{
			// These three are those of Red Hat Developer Hub.
			"preferredUsernameMatchingUserEntityName": byName(func(c claimant) string { return c.person.preferred }, "OIDC user profile does not contain a username"),
			"oidcSubClaimMatchingKeycloakUserId":      byAnnotation("keycloak.org/id", subject, "The user profile from Keycloak is missing a sub claim"),
			"oidcSubClaimMatchingPingIdentityUserId":  byAnnotation("pingidentity.org/id", subject, "The user profile from Ping Identity is missing a sub claim"),
		}),
	},
	{
		id: "github", title: "GitHub", required: []string{"read:user"}, persist: true, make: makeGitHub,
		resolvers: with(common, map[string]resolverKind{
			"usernameMatchingUserEntityName":     byName(username, "GitHub user profile does not contain a username"),
			"userIdMatchingUserEntityAnnotation": {make: byGitHubID},
		}),
	},
	{
		id: "gitlab", title: "GitLab", required: []string{"read_user"}, make: makeGitLab,
		resolvers: with(common, map[string]resolverKind{
			"usernameMatchingUserEntityName":     byName(username, "GitLab user profile does not contain a username"),
			"userIdMatchingUserEntityAnnotation": {make: byGitLabID},
		}),
	},
	{
		id: "google", title: "Google", make: makeGoogle,
		required:  []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"},
		resolvers: with(common, map[string]resolverKind{"emailMatchingUserEntityAnnotation": byAnnotation("google.com/email", email, "Google profile contained no email")}),
	},
	{
		id: "microsoft", title: "Microsoft", required: []string{"email", "openid", "offline_access", "user.read"}, transform: microsoftScopes, make: makeMicrosoft,
		resolvers: with(common, map[string]resolverKind{
			"emailMatchingUserEntityAnnotation":  byAnnotation("microsoft.com/email", email, "Microsoft profile contained no email"),
			"userIdMatchingUserEntityAnnotation": byAnnotation("graph.microsoft.com/user-id", func(c claimant) string { return c.person.id }, "Microsoft profile contained no id"),
		}),
	},
	{
		id: "okta", title: "Okta", required: []string{"openid", "email", "profile", "offline_access"}, make: makeOkta,
		resolvers: with(common, map[string]resolverKind{"emailMatchingUserEntityAnnotation": byAnnotation("okta.com/email", email, "Okta profile contained no email")}),
	},
	{
		id: "oauth2", title: "OAuth 2.0", make: makeOAuth2,
		resolvers: with(common, map[string]resolverKind{"usernameMatchingUserEntityName": byName(username, "Oauth2 user profile does not contain a username")}),
	},
}

func subject(c claimant) string  { return c.person.subject }
func username(c claimant) string { return c.person.username }
func email(c claimant) string    { return c.profile.Email }

// required is a text that must be there.
func required(s *config.Section, key string) string {
	v := s.String(key, "")
	if v == "" && !s.Has(key) {
		s.Problem(key, "is missing")
	}
	return v
}

// endpoint is the address of a web page that must be there, or def; without a slash at its end.
func endpoint(s *config.Section, key, def string) string {
	v := s.String(key, def)
	if v == "" {
		if !s.Has(key) {
			s.Problem(key, "is missing")
		}
		return ""
	}
	if _, ok := webAddress(v); !ok {
		s.Problem(key, `is not a valid URL. It must start with "https://" or "http://"`)
	}
	return strings.TrimSuffix(v, "/")
}

// noScope refuses a key that older versions of the reference had.
func noScope(s *config.Section, provider string) {
	if s.Has("scope") {
		s.Problem("scope", fmt.Sprintf(`The %s provider no longer supports the "scope" configuration option. Please use the "additionalScopes" option instead.`, provider))
	}
}

func makeOIDC(s *config.Section, c connection) authenticator {
	noScope(s, "oidc")
	o := &openID{
		credentials: c.credentials, callback: c.callback, metadataURL: endpoint(s, "metadataUrl", ""), now: c.now,
		algorithm: s.String("tokenSignedResponseAlg", "RS256"), prompt: s.String("prompt", "none"), params: url.Values{},
		client: newClient(c.transport, min(s.Duration("timeout", upstreamTimeout), time.Minute)),
	}
	if !slices.Contains(algorithms, o.algorithm) {
		s.Problem("tokenSignedResponseAlg", "must be one of "+strings.Join(algorithms, ", "))
	}
	switch method := s.String("tokenEndpointAuthMethod", "client_secret_basic"); method {
	case "client_secret_basic":
		o.credentials.basic = true
	case "client_secret_post":
	case "none":
		o.credentials.secret = ""
	default:
		s.Problem("tokenEndpointAuthMethod", "must be client_secret_basic, client_secret_post or none")
	}
	params := s.Section("startUrlSearchParams")
	for _, name := range params.Keys() {
		o.params.Set(name, params.String(name, ""))
	}
	return o
}

func makeGitHub(s *config.Section, c connection) authenticator {
	site, api := "https://github.com", "https://api.github.com"
	if s.Has("enterpriseInstanceUrl") {
		site = endpoint(s, "enterpriseInstanceUrl", "")
		api = site + "/api/v3"
	}
	g := &github{oauth: c.oauth(site+"/login/oauth/authorize", site+"/login/oauth/access_token", nil), userURL: api + "/user"}
	if readsEmails(c.additional) {
		g.emailsURL = api + "/user/emails"
	}
	g.who = g.user
	return g
}

func makeGitLab(s *config.Section, c connection) authenticator {
	site := endpoint(s, "audience", "https://gitlab.com")
	o := c.oauth(site+"/oauth/authorize", site+"/oauth/token", nil)
	o.who = func(ctx context.Context, token string) (person, error) {
		var u struct {
			ID        int64  `json:"id"`
			Username  string `json:"username"`
			Name      string `json:"name"`
			Email     string `json:"email"`
			AvatarURL string `json:"avatar_url"`
			PageURL   string `json:"web_url"`
		}
		_, err := fetch(ctx, o.client, http.MethodGet, site+"/api/v4/user", token, &u)
		return person{known: true, id: strconv.FormatInt(u.ID, 10), username: u.Username, display: u.Name, email: u.Email, picture: u.AvatarURL, pageURL: u.PageURL}, err
	}
	return o
}

func makeGoogle(_ *config.Section, c connection) authenticator {
	o := c.oauth("https://accounts.google.com/o/oauth2/v2/auth", "https://www.googleapis.com/oauth2/v4/token",
		url.Values{"access_type": {"offline"}, "prompt": {"consent"}, "include_granted_scopes": {"true"}})
	o.who = userInfo(o.client, http.MethodGet, "https://www.googleapis.com/oauth2/v3/userinfo")
	o.revokeURL = "https://oauth2.googleapis.com/revoke"
	return o
}

// userInfo asks an endpoint that answers as OpenID Connect has it.
func userInfo(client *http.Client, method, address string) func(context.Context, string) (person, error) {
	return func(ctx context.Context, token string) (person, error) {
		var c idClaims
		_, err := fetch(ctx, client, method, address, token, &c)
		return person{
			known: true, id: c.Subject, subject: c.Subject, display: c.Name, username: c.PreferredUsername, email: c.Email, picture: c.Picture,
			emailRefused: c.Email != "" && c.EmailVerified == false,
		}, err
	}
}

func makeMicrosoft(s *config.Section, c connection) authenticator {
	tenant := required(s, "tenantId")
	if tenant != "" && strings.ContainsFunc(tenant, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}) {
		s.Problem("tenantId", "must be the id or the domain of a tenant")
	}
	params := url.Values{}
	if hint := s.String("domainHint", ""); hint != "" {
		params.Set("domain_hint", hint)
	}
	site := "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0"
	m := &microsoft{oauth: c.oauth(site+"/authorize", site+"/token", params), graphURL: graphURL, skipProfile: s.Bool("skipUserProfile", false)}
	m.who = m.user
	return m
}

// microsoftScopes: a token is for one resource, so scopes of another stand alone.
func microsoftScopes(s scopes) []string {
	if slices.ContainsFunc(s.requested, func(scope string) bool { return strings.Contains(scope, "/") }) {
		return append(slices.Clone(s.requested), "offline_access")
	}
	return s.all()
}

func makeOkta(s *config.Section, c connection) authenticator {
	site := endpoint(s, "audience", "https://okta.com") + "/oauth2"
	if server := s.String("authServerId", ""); server != "" {
		site += "/" + url.PathEscape(server)
	}
	params := url.Values{}
	if idp := s.String("idp", ""); idp != "" {
		params.Set("idp", idp)
	}
	c.credentials.basic = true
	o := c.oauth(site+"/v1/authorize", site+"/v1/token", params)
	o.who = userInfo(o.client, http.MethodPost, site+"/v1/userinfo")
	return o
}

func makeOAuth2(s *config.Section, c connection) authenticator {
	noScope(s, "oauth2")
	c.credentials.both = s.Bool("includeBasicAuth", false)
	return c.oauth(endpoint(s, "authorizationUrl", ""), endpoint(s, "tokenUrl", ""), nil)
}
