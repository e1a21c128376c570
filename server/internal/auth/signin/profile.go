package signin

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Profile is who somebody is to look at.
type Profile struct {
	Email       string `json:"email,omitempty"`
	Picture     string `json:"picture,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
}

// idClaims are what is read of an ID token.
type idClaims struct {
	Audience          audience `json:"aud"`
	AuthorizedParty   string   `json:"azp"`
	Subject           string   `json:"sub"`
	Tenant            string   `json:"tid"`
	Email             string   `json:"email"`
	EmailVerified     any      `json:"email_verified"`
	Name              string   `json:"name"`
	Picture           string   `json:"picture"`
	PreferredUsername string   `json:"preferred_username"`
}

// audience is a string or a list of some.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// readClaims reads the claims of a token without looking at its signature.
func readClaims(token string, into any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	return err == nil && json.Unmarshal(body, into) == nil
}

// describe makes a profile of what a provider's API tells, and of its ID token where that tells too little. The token came
// from the token endpoint over TLS, so OpenID Connect (3.1.3.7) lets the signature be; one that is meant for another client
// is refused all the same.
func describe(p person, idToken, client string) (Profile, error) {
	profile := Profile{Email: p.email, Picture: p.picture, DisplayName: firstOf(p.display, p.username, p.id)}
	if p.emailRefused {
		profile.Email = ""
	}
	if idToken == "" || (profile.Email != "" || p.emailRefused) && profile.Picture != "" && profile.DisplayName != "" {
		return profile, nil
	}
	var c idClaims
	if !readClaims(idToken, &c) || !c.meantFor(client) {
		return Profile{}, apierror.New(apierror.Generic, "Failed to parse id token and get profile info")
	}
	if profile.Email == "" && !p.emailRefused && c.EmailVerified != false {
		profile.Email = c.Email
	}
	profile.Picture = firstOf(profile.Picture, c.Picture)
	profile.DisplayName = firstOf(profile.DisplayName, c.Name)
	return profile, nil
}

func (c idClaims) meantFor(client string) bool {
	for _, a := range c.Audience {
		if a == client {
			return true
		}
	}
	return false
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
