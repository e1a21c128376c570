package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// CookieName is the cookie that holds a limited user token.
const CookieName = "backstage-auth"

// tokenHash is the SHA-256 of a token's text. The cache holds no token as a key, and two tokens never share an entry.
type tokenHash [sha256.Size]byte

// verified is a token that proved good, with everything that depends on who asks left open. It is immutable.
type verified struct {
	principal *principal.Principal
	// expires is in seconds since 1970; 0 = never.
	expires int64
	epoch   uint64
	// audience lists the features that a plugin token is for; nil = any.
	audience []string
	// access restricts an external token; perPlugin is its principals.
	access    *externalAccess
	perPlugin map[string]*principal.Principal
}

var (
	errIllegalToken   = apierror.New(apierror.Authentication, "Illegal token")
	errIllegalLimited = apierror.New(apierror.Authentication, "Illegal limited user token")
	errUserToken      = apierror.New(apierror.Authentication, "Failed user token verification")
	errUserSubject    = apierror.New(apierror.Authentication, "No user sub found in token")
	errUserExpiration = apierror.New(apierror.Authentication, "User token is missing expiration")
	errPluginToken    = apierror.New(apierror.Authentication, "Failed plugin token verification")
	errPluginSubject  = apierror.New(apierror.Authentication, "Invalid plugin token: missing subject")
	errPluginFormat   = apierror.New(apierror.Authentication, "Invalid plugin token: forbidden subject format")
	errOnBehalfOf     = apierror.New(apierror.Authentication, "Invalid user token in plugin token obo claim")
)

// Authenticate implements [httpx.Authenticator]. A cookie is believed only for reading, so that no other site can have
// a browser change something here, and only when it holds a token of a user: nothing else is ever put there by us.
func (s *Service) Authenticate(r *http.Request, feature string, accept httpx.Allowance) (*principal.Principal, error) {
	if token := bearer(r.Header); token != "" {
		p, err := s.authenticate(r.Context(), token, feature, accept)
		if err == nil && p.Embed != nil {
			err = s.checkOrigin(r.Header["Origin"], p.Embed)
		}
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	if accept.Has(httpx.AllowUserCookie) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		if token := cookieToken(r); token != "" {
			p, err := s.authenticate(r.Context(), token, feature, httpx.AllowUserCookie)
			if err == nil && p.Kind != principal.User {
				return nil, errIllegalToken
			}
			return p, err
		}
	}
	return principal.Nobody, nil
}

// AuthenticateToken verifies a token that did not come in the Authorization header, such as the subprotocol of a
// WebSocket. limited says whether limited user tokens are good enough. Tokens of embedding pages never are.
func (s *Service) AuthenticateToken(ctx context.Context, token, feature string, limited bool) (*principal.Principal, error) {
	if limited {
		return s.authenticate(ctx, token, feature, httpx.AllowUserCookie)
	}
	return s.authenticate(ctx, token, feature, 0)
}

// bearer is the token of the Authorization header: scheme in any case, blanks, one word. Anything else is no
// credentials, as in the reference.
func bearer(h http.Header) string {
	values := h["Authorization"]
	if len(values) == 0 {
		return ""
	}
	v := values[0]
	const scheme = "bearer "
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return ""
	}
	token := strings.TrimLeft(v[len(scheme):], " ")
	// net/http lets no other blanks through.
	if strings.IndexByte(token, ' ') >= 0 || strings.IndexByte(token, '\t') >= 0 {
		return ""
	}
	return token
}

func cookieToken(r *http.Request) string {
	if len(r.Header["Cookie"]) == 0 {
		return ""
	}
	c, err := r.Cookie(CookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *Service) authenticate(ctx context.Context, token, feature string, accept httpx.Allowance) (*principal.Principal, error) {
	v, err := s.lookup(ctx, token, feature)
	if err != nil {
		return nil, err
	}
	p, err := v.admit(feature, accept)
	if err != nil || p.Embed == nil {
		return p, err
	}
	return p, s.embeds.Holds(p.Embed)
}

// lookup is what is known about a token, from the cache or by verifying it. It may have been made for another feature.
func (s *Service) lookup(ctx context.Context, token, feature string) (*verified, error) {
	if len(token) > maxTokenLength {
		return nil, errIllegalToken
	}
	hash := hashToken(token)
	v, ok := s.verified.GetIfPresent(hash)
	if !ok || v.epoch != s.epoch.Load() || (v.expires != 0 && v.expires <= s.now().Unix()) {
		epoch := s.epoch.Load() // before verifying: a revocation meanwhile makes the result old
		var err error
		if v, err = s.verify(ctx, token, feature); err != nil {
			return nil, err
		}
		v.epoch = epoch
		s.verified.Set(hash, v)
	}
	return v, nil
}

// hashToken copies tokens of usual length to the stack: converting them would be the only allocation of a request's
// authentication.
func hashToken(token string) tokenHash {
	var usual [1024]byte
	if len(token) <= len(usual) {
		return sha256.Sum256(usual[:copy(usual[:], token)])
	}
	return sha256.Sum256([]byte(token))
}

// admit answers what depends on the feature and the route.
func (v *verified) admit(feature string, accept httpx.Allowance) (*principal.Principal, error) {
	switch {
	case v.principal.Embed != nil && !accept.Has(httpx.AllowEmbed):
		return nil, errEmbedElsewhere
	case v.audience != nil && !slices.Contains(v.audience, feature):
		return nil, errPluginToken
	case v.principal.Limited && !accept.Has(httpx.AllowUserCookie):
		return nil, errIllegalLimited
	case v.access != nil:
		p := v.perPlugin[feature]
		if p == nil {
			return nil, apierror.New(apierror.NotAllowed, v.access.refusal())
		}
		return p, nil
	}
	return v.principal, nil
}

// verify asks in the order of the reference: plugin, user, external. Tokens of embedding pages, which the reference does
// not have, are known by their type alone, whatever else they say.
func (s *Service) verify(ctx context.Context, token, feature string) (*verified, error) {
	h, members, err := readHeader(token)
	if err == nil {
		switch {
		case h.Type == typeEmbed:
			return s.verifyEmbed(ctx, token, h, members)
		case h.Type == typePlugin:
			return s.verifyPlugin(ctx, token, h, members, feature)
		case h.Type == typeUser || h.Type == typeLimited || audienceIsUser(token):
			return s.verifyUser(ctx, token, h, members)
		}
	}
	for i := range s.external {
		a := &s.external[i]
		subject, expires, err := a.handler.verify(ctx, token)
		if err == nil {
			return a.accept(subject, token, expires), nil
		}
		if !errors.Is(err, errNotMine) {
			s.log.DebugContext(ctx, "an external token was refused", "reason", err)
		}
	}
	return nil, errIllegalToken
}

// accept makes the principals that a good external token stands for.
func (a *externalAccess) accept(subject, token string, expires time.Time) *verified {
	v := &verified{principal: &principal.Principal{Kind: principal.Service, Subject: subject, Token: token}}
	if !expires.IsZero() {
		v.expires = expires.Unix()
	}
	if a.restrictions != nil {
		v.restrict(a)
	}
	return v
}

// restrict narrows v to the plugins of a. Restrictions of permissions are a service's: a user has those of the policy.
func (v *verified) restrict(a *externalAccess) {
	v.access, v.perPlugin = a, make(map[string]*principal.Principal, len(a.restrictions))
	for plugin, r := range a.restrictions {
		p := *v.principal
		if p.Kind == principal.Service {
			p.Restrictions = r
		}
		v.perPlugin[plugin] = &p
	}
}

// audienceIsUser tells tokens of old holders: no type that we know, but the audience of users, as a single string.
func audienceIsUser(token string) bool {
	c, err := readClaims(token)
	return err == nil && c.Audience.single && c.Audience.values[0] == userAudience
}

// plainHeader reports whether a header holds what our tokens hold and nothing else: no keys, no addresses of keys, no
// extensions.
func plainHeader(members map[string]any) bool {
	for name := range members {
		if name != "typ" && name != "alg" && name != "kid" {
			return false
		}
	}
	return true
}

// ownAlgorithms is what our keys sign with.
var ownAlgorithms = []jose.SignatureAlgorithm{jose.ES256}

func (s *Service) verifyUser(ctx context.Context, token string, h header, members map[string]any) (*verified, error) {
	c, err := s.verifyUserSignature(ctx, token, h, members)
	if err != nil {
		s.log.WarnContext(ctx, "failed to verify incoming user token", "reason", err)
		return nil, errUserToken
	}
	if c.Subject == "" {
		return nil, errUserSubject
	}
	if c.Expires == nil {
		return nil, errUserExpiration
	}
	return &verified{
		principal: &principal.Principal{Kind: principal.User, Subject: c.Subject, Limited: h.Type == typeLimited, Token: token},
		expires:   int64(*c.Expires),
	}, nil
}

func (s *Service) verifyUserSignature(ctx context.Context, token string, h header, members map[string]any) (c claims, err error) {
	if !plainHeader(members) {
		return c, errors.New("the header has members that user tokens do not have")
	}
	key, err := s.userKeys.find(ctx, h.KeyID)
	if err != nil {
		return c, err
	}
	if key == nil {
		return c, errNoSuchKey
	}
	if c, err = verifySignature(token, key.Key, ownAlgorithms); err != nil {
		return c, err
	}
	if err := c.checkTimes(s.now()); err != nil {
		return c, err
	}
	typed := h.Type == typeUser || h.Type == typeLimited
	switch {
	case typed && (c.Subject == "" || c.Expires == nil || c.Issued == nil):
		return c, errors.New("a required claim is missing")
	case h.Type == typeUser && !c.Audience.includes(userAudience), !typed && !c.Audience.single:
		return c, errors.New(`unexpected "aud" claim value`)
	}
	return c, nil
}

// pluginID is the form of plugin ids; the length is bounded because the id is quoted in an answer.
var pluginID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (s *Service) verifyPlugin(ctx context.Context, token string, h header, members map[string]any, feature string) (*verified, error) {
	unverified, err := readClaims(token)
	if err != nil || !plainHeader(members) {
		return nil, errPluginToken
	}
	id := unverified.Subject
	if id == "" {
		return nil, errPluginSubject
	}
	if !pluginID.MatchString(id) {
		return nil, errPluginFormat
	}
	c, remote, err := s.verifyPluginSignature(ctx, token, h, id)
	if err == nil {
		err = c.checkTimes(s.now())
	}
	if err == nil && (c.Subject != id || c.Expires == nil || c.Issued == nil || !c.Audience.includes(feature)) {
		err = errors.New("a required claim is missing or not for here")
	}
	if errors.Is(err, errNoJWKS) {
		return nil, apierror.Newf(apierror.Authentication, "Received a plugin token where the source '%s' plugin unexpectedly does not have a JWKS endpoint. The target plugin needs to be migrated to be installed in an app using the new backend system.", id)
	}
	if err != nil {
		s.log.WarnContext(ctx, "failed to verify incoming plugin token", "plugin", id, "reason", err)
		return nil, errPluginToken
	}
	v := &verified{
		principal: &principal.Principal{Kind: principal.Service, Subject: "plugin:" + id, Token: token},
		expires:   int64(*c.Expires), audience: c.Audience.values,
	}
	if remote {
		v.expires = trustUntil(c, s.now()).Unix()
	}
	if c.OnBehalfOf == nil || *c.OnBehalfOf == "" {
		return v, nil
	}
	return v, s.actFor(ctx, v, *c.OnBehalfOf)
}

// actFor turns the principal of a plugin token into the user that the plugin acts for.
func (s *Service) actFor(ctx context.Context, v *verified, userToken string) error {
	h, members, err := readHeader(userToken)
	if err != nil || (h.Type != typeUser && h.Type != typeLimited && !audienceIsUser(userToken)) {
		return errOnBehalfOf
	}
	user, err := s.verifyUser(ctx, userToken, h, members)
	if err != nil {
		return err
	}
	v.expires = min(v.expires, user.expires)
	v.principal = &principal.Principal{
		Kind: principal.User, Subject: user.principal.Subject, Actor: v.principal.Subject, Token: userToken,
	}
	return nil
}

// verifyPluginSignature finds the keys of plugin id, in our tables or where it is configured to run.
func (s *Service) verifyPluginSignature(ctx context.Context, token string, h header, id string) (c claims, remote bool, err error) {
	if ring := s.pluginRing(id); ring != nil {
		key, err := ring.find(ctx, h.KeyID)
		if err != nil {
			return c, false, err
		}
		if key == nil {
			return c, false, errNoSuchKey
		}
		c, err = verifySignature(token, key.Key, ownAlgorithms)
		return c, false, err
	}
	keys, err := s.remotePlugin(id)
	if err != nil {
		return c, true, err
	}
	if h.KeyID == "" {
		return c, true, errNoSuchKey
	}
	found, err := keys.find(ctx, h.KeyID)
	if err != nil {
		return c, true, err
	}
	c, err = verifyWithAny(token, found, jose.ES256)
	return c, true, err
}

var _ httpx.Authenticator = (*Service)(nil)
