package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/callboard/callboard/sdk/apierror"
)

// openID is a provider of OpenID Connect, which describes itself under one address.
type openID struct {
	client      *http.Client
	credentials credentials
	callback    string
	metadataURL string
	algorithm   string // of ID tokens; no other is believed
	prompt      string
	params      url.Values // of the authorization endpoint
	now         func() time.Time

	discovery discovery
}

// issuer is a provider as it has described itself.
type issuer struct {
	name                              string
	authorizeURL, tokenURL, revokeURL string
	provider                          *oidc.Provider
	verifier                          *oidc.IDTokenVerifier
	tenants                           bool // the name has a placeholder, and each tenant's tokens have it filled in
}

// tenantPlaceholder stands in the name of an issuer that Microsoft runs for all tenants.
const tenantPlaceholder = "{tenantid}"

// algorithms are those that can be checked with published keys.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// nonceOf is the nonce of ID tokens. It follows from the verifier, which is in a cookie and in no address.
func nonceOf(verifier string) string {
	sum := sha256.Sum256([]byte("nonce of an ID token for " + verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (o *openID) address(ctx context.Context, d departure) (string, error) {
	is, err := o.issuer(ctx)
	if err != nil {
		return "", err
	}
	asked := url.Values{
		"response_type": {"code"}, "client_id": {o.credentials.id}, "redirect_uri": {o.callback}, "scope": {d.scope}, "state": {d.state},
		"nonce": {nonceOf(d.verifier)}, "code_challenge": {oauth2.S256ChallengeFromVerifier(d.verifier)}, "code_challenge_method": {"S256"},
	}
	if o.prompt != "auto" {
		asked.Set("prompt", o.prompt)
	}
	return authorizationAddress(is.authorizeURL, o.params, asked)
}

func (o *openID) redeem(ctx context.Context, a arrival) (*result, error) {
	is, err := o.issuer(ctx)
	if err != nil {
		return nil, err
	}
	clean := cleaner(o.credentials.secret, a.code(), a.verifier)
	if from := a.query.Get("iss"); from != "" && from != is.name && !is.tenants {
		return nil, rejected(clean(fmt.Sprintf("iss mismatch, expected %s, got: %s", is.name, from)))
	}
	if code := a.query.Get("error"); code != "" {
		return nil, refusedBy(clean(code), clean(a.query.Get("error_description")))
	}
	if a.code() == "" {
		return nil, apierror.New(apierror.Generic, "Unexpected redirect")
	}
	t, err := redeem(ctx, o.client, is.tokenURL, o.credentials, url.Values{
		"grant_type": {"authorization_code"}, "code": {a.code()}, "redirect_uri": {o.callback}, "code_verifier": {a.verifier},
	})
	if err != nil {
		return nil, o.notObtained(err, clean)
	}
	if t.id == "" {
		return nil, rejected("id_token not present in TokenSet")
	}
	if t.access == "" {
		return nil, rejected("the provider gave no access token")
	}
	claims, err := o.verify(ctx, is, t, nonceOf(a.verifier))
	if err != nil {
		return nil, rejected(clean(err.Error()))
	}
	return o.describe(ctx, is, t, claims)
}

// refusedBy words an error of OAuth as the reference's library does.
func refusedBy(code, description string) error {
	text := code
	if description != "" {
		text += " (" + description + ")"
	}
	if code == "server_error" || strings.HasPrefix(code, "invalid") {
		return failed(text)
	}
	return rejected(text)
}

func (o *openID) notObtained(err error, clean func(string) string) error {
	if said, ok := asRefusal(err); ok && said.code != "" {
		return refusedBy(clean(said.code), clean(said.description))
	}
	return failed(clean(err.Error()))
}

// verify checks an ID token: who made it, for whom, until when, and with a nonce that it answers this sign-in. A token of a
// renewal has none.
func (o *openID) verify(ctx context.Context, is *issuer, t *tokens, nonce string) (*idClaims, error) {
	token, err := is.verifier.Verify(ctx, t.id)
	if err != nil {
		return nil, err
	}
	var c idClaims
	if err := token.Claims(&c); err != nil {
		return nil, errors.New("the claims of the ID token cannot be read")
	}
	switch {
	case is.tenants && token.Issuer != strings.ReplaceAll(is.name, tenantPlaceholder, c.Tenant):
		return nil, errors.New("unexpected iss value of the ID token")
	case nonce != "" && subtle.ConstantTimeCompare([]byte(nonce), []byte(token.Nonce)) == 0:
		return nil, errors.New("nonce mismatch of the ID token")
	case len(token.Audience) > 1 && c.AuthorizedParty == "", c.AuthorizedParty != "" && c.AuthorizedParty != o.credentials.id:
		return nil, errors.New("azp mismatch of the ID token")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(t.access) != nil:
		return nil, errors.New("at_hash mismatch of the ID token")
	}
	return &c, nil
}

// describe asks the userinfo endpoint, which must speak of the person that the ID token names.
func (o *openID) describe(ctx context.Context, is *issuer, t *tokens, claims *idClaims) (*result, error) {
	if is.provider.UserInfoEndpoint() == "" {
		return nil, failed("OIDC IdP must provide a userinfo_endpoint in the metadata response")
	}
	info, err := is.provider.UserInfo(oidc.ClientContext(ctx, o.client), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: t.access}))
	if err != nil {
		return nil, failed("the userinfo endpoint of the provider did not tell who this is")
	}
	var c idClaims
	if err := info.Claims(&c); err != nil || c.Subject == "" {
		return nil, failed("the userinfo endpoint of the provider did not tell who this is")
	}
	if claims != nil && c.Subject != claims.Subject {
		return nil, rejected("userinfo sub mismatch")
	}
	r := &result{tokens: *t, person: person{known: true, subject: c.Subject, preferred: c.PreferredUsername, display: c.Name}}
	r.profile = Profile{Picture: c.Picture, DisplayName: c.Name}
	if c.EmailVerified == true {
		r.profile.Email = c.Email
	}
	return r, nil
}

func (o *openID) renew(ctx context.Context, r renewal) (*result, error) {
	is, err := o.issuer(ctx)
	if err != nil {
		return nil, err
	}
	clean := cleaner(o.credentials.secret, r.refreshToken)
	t, err := redeem(ctx, o.client, is.tokenURL, o.credentials, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r.refreshToken}})
	if err != nil {
		return nil, o.notObtained(err, clean)
	}
	if t.access == "" {
		return nil, apierror.New(apierror.Generic, "Refresh failed")
	}
	var claims *idClaims
	if t.id != "" {
		if claims, err = o.verify(ctx, is, t, ""); err != nil {
			return nil, rejected(clean(err.Error()))
		}
	}
	return o.describe(ctx, is, t, claims)
}

func (o *openID) revoke(ctx context.Context, refreshToken string) error {
	is, err := o.issuer(ctx)
	if err != nil || is.revokeURL == "" {
		return err
	}
	_, err = redeem(ctx, o.client, is.revokeURL, o.credentials, url.Values{"token": {refreshToken}})
	return err
}

// metadata is what is read of a discovery document.
type metadata struct {
	Issuer       string `json:"issuer"`
	AuthorizeURL string `json:"authorization_endpoint"`
	TokenURL     string `json:"token_endpoint"`
	UserInfoURL  string `json:"userinfo_endpoint"`
	KeysURL      string `json:"jwks_uri"`
	RevokeURL    string `json:"revocation_endpoint"`
}

// check refuses documents that lead nowhere, or from https to http.
func (m *metadata) check(from string) error {
	if m.Issuer == "" {
		return errors.New("it names no issuer")
	}
	for name, address := range map[string]*string{
		"authorization_endpoint": &m.AuthorizeURL, "token_endpoint": &m.TokenURL, "jwks_uri": &m.KeysURL,
		"userinfo_endpoint": &m.UserInfoURL, "revocation_endpoint": &m.RevokeURL,
	} {
		if *address == "" && slices.Contains([]string{"userinfo_endpoint", "revocation_endpoint"}, name) {
			continue
		}
		u, ok := webAddress(*address)
		if !ok || strings.HasPrefix(from, "https:") && u.Scheme != "https" {
			return fmt.Errorf("its %s is no address of a web page, or not https as the document's own", name)
		}
	}
	return nil
}

// discover reads the document. It is at the configured address, or at the known place below it.
func (o *openID) discover(ctx context.Context) (*issuer, error) {
	address := o.metadataURL
	if !strings.Contains(address, "/.well-known/") {
		address = strings.TrimSuffix(address, "/") + "/.well-known/openid-configuration"
	}
	var m metadata
	if _, err := fetch(ctx, o.client, http.MethodGet, address, "", &m); err != nil {
		return nil, err
	}
	if err := m.check(address); err != nil {
		return nil, err
	}
	// The keys are fetched when they are needed, by requests that outlive this one.
	own := oidc.ClientContext(context.WithoutCancel(ctx), o.client)
	config := oidc.ProviderConfig{IssuerURL: m.Issuer, AuthURL: m.AuthorizeURL, TokenURL: m.TokenURL, UserInfoURL: m.UserInfoURL, JWKSURL: m.KeysURL, Algorithms: []string{o.algorithm}}
	is := &issuer{
		name: m.Issuer, authorizeURL: m.AuthorizeURL, tokenURL: m.TokenURL, revokeURL: m.RevokeURL,
		provider: config.NewProvider(own), tenants: strings.Contains(m.Issuer, tenantPlaceholder),
	}
	is.verifier = is.provider.VerifierContext(own, &oidc.Config{
		ClientID: o.credentials.id, SupportedSigningAlgs: []string{o.algorithm}, SkipIssuerCheck: is.tenants, Now: o.now,
	})
	return is, nil
}
