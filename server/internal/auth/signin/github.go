package signin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// github gives access tokens that do not expire, to clients that have not asked for others: those are kept in place of a
// refresh token.
type github struct {
	*oauth
	userURL, emailsURL string
}

// accessTokenPrefix marks them.
const accessTokenPrefix = "access-token-v2."

func (g *github) redeem(ctx context.Context, a arrival) (*result, error) {
	r, err := g.oauth.redeem(ctx, a)
	if err != nil {
		return nil, err
	}
	if r.refresh == "" && r.expires == nil {
		r.refresh = accessTokenPrefix + r.access
	}
	return r, nil
}

func (g *github) renew(ctx context.Context, r renewal) (*result, error) {
	token, ok := strings.CutPrefix(r.refreshToken, accessTokenPrefix)
	if !ok {
		return g.oauth.renew(ctx, r)
	}
	if !r.granted {
		return nil, apierror.New(apierror.Generic, "Refresh failed, session has not been granted the requested scope")
	}
	who, err := g.who(ctx, token)
	if said, ok := asRefusal(err); ok && said.status == http.StatusUnauthorized {
		return nil, apierror.New(apierror.Generic, "Invalid access token")
	}
	if err != nil {
		return nil, apierror.New(apierror.Generic, cleaner(token)(obtained("Failed to fetch user profile", err)))
	}
	profile, err := describe(who, "", g.credentials.id)
	return &result{tokens: tokens{access: token, scope: r.scope, refresh: r.refreshToken}, person: who, profile: profile}, err
}

func (g *github) user(ctx context.Context, token string) (person, error) {
	var u struct {
		ID        int64  `json:"id"`
		Node      string `json:"node_id"`
		Login     string `json:"login"`
		Name      string `json:"name"`
		Email     string `json:"email"`
		AvatarURL string `json:"avatar_url"`
		PageURL   string `json:"html_url"`
	}
	if _, err := fetch(ctx, g.client, http.MethodGet, g.userURL, token, &u); err != nil {
		return person{}, err
	}
	p := person{known: true, id: strconv.FormatInt(u.ID, 10), node: u.Node, username: u.Login, display: u.Name, email: u.Email, picture: u.AvatarURL, pageURL: u.PageURL}
	if p.email == "" {
		p.email = g.primaryEmail(ctx, token)
	}
	return p, nil
}

// primaryEmail is the address of somebody who does not show one, if GitHub has checked it and the token may read it. The
// reference does not ask, so there such people have none.
func (g *github) primaryEmail(ctx context.Context, token string) string {
	if g.emailsURL == "" {
		return ""
	}
	var emails []struct {
		Email             string `json:"email"`
		Primary, Verified bool
	}
	if _, err := fetch(ctx, g.client, http.MethodGet, g.emailsURL, token, &emails); err != nil {
		return "" // it needs the scope user:email
	}
	for _, e := range emails {
		if e.Primary && e.Verified {
			return e.Email
		}
	}
	return ""
}

// readsEmails reports whether one of the scopes lets a token read addresses.
func readsEmails(scopes []string) bool {
	return slices.Contains(scopes, "user:email") || slices.Contains(scopes, "user")
}
