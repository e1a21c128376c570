package signin

import (
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// proxyID is the provider of people who come through OAuth2 Proxy, which names them in headers. Whoever reaches the host
// past the proxy can name anybody: the configuration says that nobody does.
const proxyID = "oauth2Proxy"

const proxyTokenHeader = "X-OAUTH2-PROXY-ID-TOKEN"

type proxy struct{ resolvers []resolver }

var proxyResolvers = with(common, map[string]resolverKind{
	"forwardedUserMatchingUserEntityName": byName(func(c claimant) string { return c.person.forwardedUser }, "Request did not contain a user"),
	"forwardedPreferredUsernameMatchingUserEntityName": byName(func(c claimant) string { return c.person.forwardedAs },
		"Request did not contain a preferred username"),
})

func readProxy(s *config.Section, catalog Catalog) *proxy {
	p := &proxy{readResolvers(s, catalog, proxyResolvers)}
	if len(p.resolvers) == 0 && !s.Has("signIn.resolvers") {
		s.Problem("signIn.resolvers", "is missing: No sign-in resolver configured for proxy auth provider '"+proxyID+"'")
	}
	return p
}

// Proxied is the session of who came through the proxy.
func (e *Engine) Proxied(w http.ResponseWriter, r *http.Request) (*Session, error) {
	token := ""
	if kind, rest, ok := strings.Cut(r.Header.Get(proxyTokenHeader), " "); ok && strings.EqualFold(kind, "Bearer") {
		token = strings.TrimLeft(rest, " ")
	}
	if token != "" && !readClaims(token, &struct{}{}) {
		return nil, apierror.New(apierror.Authentication, "Authentication failed; caused by JWTInvalid: Invalid JWT")
	}
	h := r.Header.Get
	who := claimant{
		profile: Profile{Email: h("X-Forwarded-Email"), DisplayName: firstOf(h("X-Forwarded-Preferred-Username"), h("X-Forwarded-User"))},
		person:  person{known: true, forwardedUser: h("X-Forwarded-User"), forwardedAs: h("X-Forwarded-Preferred-Username")},
	}
	identity, err := e.identify(r.Context(), e.proxy.resolvers, who)
	if err != nil {
		return nil, shown(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return &Session{Profile: who.profile, Provider: ProviderInfo{AccessToken: token}, Identity: identity}, nil
}
