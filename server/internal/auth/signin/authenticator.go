package signin

import (
	"context"
	"net/url"
)

// authenticator is how one provider is asked who somebody is. It is safe for concurrent use; its errors are for people, and
// hold no secrets.
type authenticator interface {
	// address is where the browser is sent.
	address(ctx context.Context, d departure) (string, error)
	// redeem takes what the browser came back with.
	redeem(ctx context.Context, a arrival) (*result, error)
	// renew takes what [jar] kept.
	renew(ctx context.Context, r renewal) (*result, error)
	// revoke makes a refresh token worthless at the provider, where that can be done.
	revoke(ctx context.Context, refreshToken string) error
}

// departure is what goes with the browser. verifier stays behind.
type departure struct{ scope, state, verifier string }

// arrival is the query or form that a provider sent the browser back with.
type arrival struct {
	query    url.Values
	verifier string
}

// code is the authorization code.
func (a arrival) code() string { return a.query.Get("code") }

type renewal struct {
	refreshToken, scope string
	// granted: the scopes were granted before.
	granted bool
}

// result is a session at the provider and who has it.
type result struct {
	tokens
	person  person
	profile Profile
}

// person is what a provider tells about somebody.
type person struct {
	// known: the provider has told something; Microsoft's need not.
	known                      bool
	id, node, subject          string // node is GitHub's global id
	username, display          string
	email, picture, pageURL    string
	emailRefused               bool   // the provider says that nobody has checked the address
	preferred                  string // preferred_username of OpenID Connect
	forwardedUser, forwardedAs string // of a proxy
}
