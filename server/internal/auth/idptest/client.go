package idptest

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client is the one that the provider knows, as zitadel/oidc asks about it.
type client struct{ o Options }

func (c client) GetID() string                       { return c.o.ClientID }
func (c client) RedirectURIs() []string              { return c.o.Redirects }
func (c client) PostLogoutRedirectURIs() []string    { return c.o.AfterLogout }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
func (c client) LoginURL(id string) string            { return "/login?request=" + url.QueryEscape(id) }
func (c client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration       { return c.o.TokenLifetime }
func (c client) DevMode() bool                        { return false }
func (c client) IsScopeAllowed(scope string) bool     { return scope == "groups" }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) ClockSkew() time.Duration             { return 0 }
func (c client) PostLogoutRedirectURIGlobs() []string { return nil }
func all(scopes []string) []string                    { return scopes }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive,staticcheck // its name is op's
	return all
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return all }

// RedirectURIGlobs lets every address be returned to, when none are named.
func (c client) RedirectURIGlobs() []string {
	if c.o.Redirects == nil {
		return []string{"**"}
	}
	return nil
}

// What zitadel/oidc asks a request about.

func (r request) GetID() string          { return r.id }
func (r request) GetACR() string         { return "" }
func (r request) GetAMR() []string       { return []string{"pwd"} }
func (r request) GetAudience() []string  { return []string{r.asked.ClientID} }
func (r request) GetAuthTime() time.Time { return r.signed }
func (r request) GetClientID() string    { return r.asked.ClientID }
func (r request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.asked.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: r.asked.CodeChallengeMethod}
}
func (r request) GetNonce() string                   { return r.asked.Nonce }
func (r request) GetRedirectURI() string             { return r.asked.RedirectURI }
func (r request) GetResponseType() oidc.ResponseType { return r.asked.ResponseType }
func (r request) GetResponseMode() oidc.ResponseMode { return r.asked.ResponseMode }
func (r request) GetState() string                   { return r.asked.State }
func (r request) GetSubject() string                 { return r.user.subject() }
func (r request) Done() bool                         { return !r.signed.IsZero() }

// GetScopes has offline_access whether it was asked for or not: refresh tokens are given as most providers give them to
// confidential clients.
func (r request) GetScopes() []string {
	if slices.Contains(r.asked.Scopes, oidc.ScopeOfflineAccess) {
		return r.asked.Scopes
	}
	return append(slices.Clone([]string(r.asked.Scopes)), oidc.ScopeOfflineAccess)
}

// renewal is a request with a refresh token.
type renewal struct{ grant }

func (r *renewal) GetAMR() []string                 { return []string{"pwd"} }
func (r *renewal) GetAudience() []string            { return []string{r.client} }
func (r *renewal) GetAuthTime() time.Time           { return r.at }
func (r *renewal) GetClientID() string              { return r.client }
func (r *renewal) GetScopes() []string              { return r.scopes }
func (r *renewal) GetSubject() string               { return r.user.subject() }
func (r *renewal) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// What it asks the storage about keys.

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s}, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s}}, nil }

type signingKey struct{ s *storage }

func (signingKey) ID() string                                  { return keyID }
func (signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                  { return k.s.key }

type publicKey struct{ s *storage }

func (publicKey) ID() string                         { return keyID }
func (publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                         { return &k.s.key.PublicKey }
