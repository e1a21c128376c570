package signin

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/callboard/callboard/sdk/apierror"
)

// oauth is a provider of OAuth 2.0 with an API that tells who somebody is.
type oauth struct {
	client      *http.Client
	credentials credentials
	callback    string

	authorizeURL, tokenURL string
	// params go to the authorization endpoint as they are.
	params url.Values
	// who asks the provider's API; nil = there is none, and ID tokens tell what they tell.
	who func(ctx context.Context, accessToken string) (person, error)
	// revokeURL takes refresh tokens back; "" = the provider does not.
	revokeURL string
}

func (o *oauth) address(_ context.Context, d departure) (string, error) {
	return authorizationAddress(o.authorizeURL, o.params, url.Values{
		"response_type": {"code"}, "client_id": {o.credentials.id}, "redirect_uri": {o.callback}, "scope": {d.scope}, "state": {d.state},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(d.verifier)}, "code_challenge_method": {"S256"},
	})
}

// authorizationAddress adds parameters to those that an endpoint has; later ones win.
func authorizationAddress(endpoint string, parameters ...url.Values) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", failed("the address of the authorization endpoint cannot be read")
	}
	q := u.Query()
	for _, values := range parameters {
		for name, value := range values {
			if len(value) > 0 && value[0] != "" {
				q[name] = value
			}
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (o *oauth) redeem(ctx context.Context, a arrival) (*result, error) {
	clean := cleaner(o.credentials.secret, a.code(), a.verifier)
	if code := a.query.Get("error"); code != "" {
		description := clean(a.query.Get("error_description"))
		if code == "access_denied" {
			return nil, rejected(description)
		}
		return nil, failed(firstOf(description, clean(code)))
	}
	if a.code() == "" {
		return nil, apierror.New(apierror.Generic, "Unexpected redirect")
	}
	t, err := redeem(ctx, o.client, o.tokenURL, o.credentials, url.Values{
		"grant_type": {"authorization_code"}, "code": {a.code()}, "redirect_uri": {o.callback}, "code_verifier": {a.verifier},
	})
	if err != nil {
		return nil, failed(clean(obtained("Failed to obtain access token", err)))
	}
	if t.access == "" {
		return nil, failed("Failed to obtain access token")
	}
	return o.describe(ctx, t)
}

// obtained words a failure as the reference does: by the provider's description where it has one.
func obtained(otherwise string, err error) string {
	said, ok := asRefusal(err)
	switch {
	case !ok || said.err != nil:
		return otherwise
	case said.code != "":
		return firstOf(said.description, said.code)
	case said.message != "":
		return otherwise + " - " + said.message
	}
	return otherwise
}

// describe completes a session with who has it.
func (o *oauth) describe(ctx context.Context, t *tokens) (*result, error) {
	r := &result{tokens: *t}
	var err error
	if o.who != nil {
		if r.person, err = o.who(ctx, t.access); err != nil {
			return nil, failed(cleaner(o.credentials.secret, t.access)(obtained("Failed to fetch user profile", err)))
		}
	}
	r.profile, err = describe(r.person, t.id, o.credentials.id)
	return r, err
}

func (o *oauth) renew(ctx context.Context, r renewal) (*result, error) {
	t, err := redeem(ctx, o.client, o.tokenURL, o.credentials, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {r.refreshToken}, "scope": {r.scope},
	})
	if err != nil {
		clean := cleaner(o.credentials.secret, r.refreshToken)
		return nil, apierror.New(apierror.Generic, "Failed to refresh access token; caused by "+clean(err.Error()))
	}
	if t.access == "" {
		return nil, apierror.New(apierror.Generic, "Failed to refresh access token, no access token received")
	}
	return o.describe(ctx, t)
}

func (o *oauth) revoke(ctx context.Context, refreshToken string) error {
	if o.revokeURL == "" {
		return nil
	}
	_, err := redeem(ctx, o.client, o.revokeURL, o.credentials, url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}})
	return err
}
