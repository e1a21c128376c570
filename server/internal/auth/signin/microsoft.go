package signin

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// microsoft tells who somebody is by an API of its own, Graph, which takes tokens that are meant for it.
type microsoft struct {
	*oauth
	graphURL    string
	skipProfile bool
}

const (
	graphURL      = "https://graph.microsoft.com/v1.0"
	graphAudience = "00000003-0000-0000-c000-000000000000"
	graphScope    = "openid email User.Read offline_access"
	maxPhoto      = 64 << 10
)

var graphReaders = []string{"https://graph.microsoft.com/user.read", "https://graph.microsoft.com/user.read.all", "user.read", "user.read.all"}

func (m *microsoft) redeem(ctx context.Context, a arrival) (*result, error) {
	r, err := m.oauth.redeem(ctx, a)
	if err != nil {
		return nil, err
	}
	return m.complete(ctx, r, r.refresh)
}

func (m *microsoft) renew(ctx context.Context, renew renewal) (*result, error) {
	r, err := m.oauth.renew(ctx, renew)
	if err != nil {
		return nil, err
	}
	return m.complete(ctx, r, firstOf(r.refresh, renew.refreshToken))
}

// complete asks Graph with a token of its own when the session's is for something else.
func (m *microsoft) complete(ctx context.Context, r *result, refreshToken string) (*result, error) {
	if r.person.known || m.skipProfile || refreshToken == "" {
		return r, nil
	}
	other, err := m.oauth.renew(ctx, renewal{refreshToken: refreshToken, scope: graphScope})
	if err != nil {
		return nil, err
	}
	r.person, r.refresh = other.person, firstOf(other.refresh, refreshToken)
	r.profile, err = describe(r.person, r.id, m.credentials.id)
	return r, err
}

// forGraph reports whether Graph would take a token; an opaque one it may.
func forGraph(token string) bool {
	var c struct {
		Audience string `json:"aud"`
		Scopes   string `json:"scp"`
	}
	if !readClaims(token, &c) {
		return true
	}
	return c.Audience == graphAudience && slices.ContainsFunc(strings.Fields(strings.ToLower(c.Scopes)), func(s string) bool {
		return slices.Contains(graphReaders, s)
	})
}

func (m *microsoft) user(ctx context.Context, token string) (person, error) {
	if m.skipProfile || !forGraph(token) {
		return person{}, nil
	}
	var u struct {
		ID          string `json:"id"`
		DisplayName string `json:"displayName"`
		Mail        string `json:"mail"`
		Principal   string `json:"userPrincipalName"`
	}
	if _, err := fetch(ctx, m.client, http.MethodGet, m.graphURL+"/me/", token, &u); err != nil {
		return person{}, err
	}
	return person{known: true, id: u.ID, display: u.DisplayName, email: firstOf(u.Mail, u.Principal), picture: m.photo(ctx, token)}, nil
}

// photo is a small picture as an address that holds it, "" when there is none.
func (m *microsoft) photo(ctx context.Context, token string) string {
	body, err := fetch(ctx, m.client, http.MethodGet, m.graphURL+"/me/photos/96x96/$value", token, nil)
	if err != nil || len(body) > maxPhoto || !strings.HasPrefix(http.DetectContentType(body), "image/") {
		return ""
	}
	return fmt.Sprintf("data:%s;base64,%s", http.DetectContentType(body), base64.StdEncoding.EncodeToString(body))
}
