package auth

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Feature is /api/auth: open to everybody, every route asks for credentials by itself where it needs them.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "auth", Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}}
}

// keysPath is where every feature publishes the keys of its plugin tokens; the edge lets everybody pass to it.
const keysPath = "/.backstage/auth/v1/jwks.json"

const cookiePath = "/.backstage/auth/v1/cookie"

// PluginRoutes registers what every feature has: its public keys and the cookie. From then on the feature can issue
// plugin tokens, and tokens that name it are verified with its own keys. It is meant for httpx.Options.EveryFeature.
func (s *Service) PluginRoutes(r *httpx.Router) {
	ring := s.addPlugin(r.Feature().ID)
	r.GET(keysPath, httpx.Public, func(c *gin.Context) error {
		keys, err := ring.list(c.Request.Context())
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"keys": keys})
	})
	r.GET(cookiePath, httpx.UserOnly, s.giveCookie)
	// Clearing needs no more than the feature's barrier asks for. It cannot be forged from other sites: browsers send
	// DELETE across origins only after a preflight.
	access := httpx.AnyPrincipal
	if slices.Contains(r.Feature().Policies, httpx.Policy{Path: "/", Allow: httpx.AllowUnauthenticated}) {
		access = httpx.Public
	}
	r.DELETE(cookiePath, access, s.clearCookie)
}

// giveCookie cannot be forged from other sites either: it needs the Authorization header.
func (s *Service) giveCookie(c *gin.Context) error {
	p := httpx.Principal(c)
	expires, setCookie, err := s.issueCookie(c.Request, p)
	if err != nil {
		return err
	}
	if setCookie != "" {
		c.Writer.Header().Set("Set-Cookie", setCookie)
	}
	return httpx.JSON(c, http.StatusOK, map[string]string{"expiresAt": expires.UTC().Format("2006-01-02T15:04:05.000Z")})
}

func (s *Service) clearCookie(c *gin.Context) error {
	c.Writer.Header().Set("Set-Cookie", s.cookie.cleared())
	return httpx.NoContent(c)
}

// Routes registers /api/auth, beyond what every feature has.
func (s *Service) Routes(r *httpx.Router) {
	s.providerRoutes(r)
	r.GET("/.well-known/openid-configuration", httpx.Public, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, s.oidc.configuration())
	})
	r.GET("/.well-known/jwks.json", httpx.Public, s.userKeySet)
	r.GET("/.well-known/oauth-client/cli.json", httpx.Public, s.cliMetadata)
	r.GET("/v1/userinfo", httpx.Public, s.userInfo)
	if s.oidc.enabled {
		s.oidcRoutes(r)
	}
}

func (s *Service) providerRoutes(r *httpx.Router) {
	if s.guest.configured {
		refresh := func(c *gin.Context) error {
			session, err := s.signInGuest(c.Request.Context())
			if err != nil {
				return err
			}
			return httpx.JSON(c, http.StatusOK, session)
		}
		refreshRoutes(r, "guest", refresh)
		unstartable(r, "guest")
	}
	s.signInRoutes(r)
	unknown := func(c *gin.Context) error { return s.noProvider(c.Param("provider")) }
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		r.Unlisted(method, "/:provider", httpx.Public, unknown)
		r.Unlisted(method, "/:provider/*rest", httpx.Public, unknown)
	}
}

func (s *Service) userKeySet(c *gin.Context) error {
	keys, err := s.userKeys.list(c.Request.Context())
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"keys": keys})
}

func (s *Service) cliMetadata(c *gin.Context) error {
	if !s.oidc.enabled {
		return oauthError(c, http.StatusNotFound, "not_found", "Client ID metadata documents not enabled")
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{
		"client_id": s.oidc.cliClientID(), "client_name": cliClient.name, "redirect_uris": cliClient.redirectURIs,
		"response_types": []string{"code"}, "grant_types": []string{"authorization_code"},
		"token_endpoint_auth_method": "none", "scope": "openid offline_access",
	})
}

func (s *Service) userInfo(c *gin.Context) error {
	token := bearer(c.Request.Header)
	if token == "" {
		return apierror.New(apierror.Authentication, "No token provided")
	}
	p, err := s.authenticate(c.Request.Context(), token, "auth", httpx.AllowUserCookie)
	if err != nil {
		return err
	}
	if p.Kind != principal.User {
		return apierror.New(apierror.Input, "Userinfo endpoint must be called with a token that represents a user principal")
	}
	info, found, err := s.db.userInfo(c.Request.Context(), p.Subject)
	if err != nil {
		return err
	}
	if !found {
		return httpx.Bytes(c, http.StatusNotFound, "text/html; charset=utf-8", []byte("User info not found"), nil)
	}
	return httpx.JSON(c, http.StatusOK, info)
}

func (s *Service) oidcRoutes(r *httpx.Router) {
	r.GET("/v1/authorize", httpx.Public, s.authorize)
	r.GET("/v1/sessions/:session", httpx.Public, oauthAnswer(s.showSession))
	r.POST("/v1/sessions/:session/approve", httpx.Public, oauthAnswer(s.approveSession))
	r.POST("/v1/sessions/:session/reject", httpx.Public, s.rejectSession)
	r.POST("/v1/token", httpx.Public, s.token)
	r.POST("/v1/revoke", httpx.Public, s.revokeToken)
}

func (s *Service) authorize(c *gin.Context) error {
	f := queryFields(c.Request.URL.Query())
	request := authorizeRequest{
		ClientID: f.required("client_id"), RedirectURI: f.address("redirect_uri", true), ResponseType: f.required("response_type"),
		Scope: f.text("scope"), State: f.text("state"), Nonce: f.text("nonce"),
		Challenge: f.text("code_challenge"), ChallengeMethod: f.text("code_challenge_method"),
	}
	if f.problems != nil {
		return oauthError(c, http.StatusBadRequest, "invalid_request", f.message())
	}
	page, err := s.oidc.begin(c.Request.Context(), request)
	if err != nil {
		return err
	}
	c.Redirect(http.StatusFound, page)
	return nil
}

func (s *Service) showSession(c *gin.Context) error {
	session, err := s.oidc.pending(c.Request.Context(), c.Param("session"))
	if err != nil {
		return err
	}
	answer := map[string]any{"id": session.ID, "clientId": session.ClientID, "clientName": session.ClientName, "redirectUri": session.RedirectURI}
	if session.Scope != nil {
		answer["scope"] = *session.Scope
	}
	return httpx.JSON(c, http.StatusOK, answer)
}

// consenting is the user who answers on the consent page: directly, not through a plugin, with a full token.
func (s *Service) consenting(c *gin.Context) (*principal.Principal, error) {
	p, err := s.Authenticate(c.Request, "auth", 0)
	if err != nil {
		return nil, err
	}
	if p.Kind != principal.User || p.Actor != "" {
		return nil, errConsent
	}
	return p, nil
}

var errConsent = apierror.New(apierror.NotAllowed, "Authentication required")

func (s *Service) approveSession(c *gin.Context) error {
	p, err := s.consenting(c)
	if err != nil {
		return err
	}
	location, err := s.oidc.approve(c.Request.Context(), c.Param("session"), p.Subject)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]string{"redirectUrl": location})
}

// rejectSession differs from approve as in the reference: bad credentials are an ordinary error.
func (s *Service) rejectSession(c *gin.Context) error {
	p, err := s.consenting(c)
	if err != nil && !errors.Is(err, errConsent) {
		return err
	}
	return oauthAnswer(func(c *gin.Context) error {
		if err != nil {
			return err
		}
		location, err := s.oidc.reject(c.Request.Context(), c.Param("session"), p.Subject)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]string{"redirectUrl": location})
	})(c)
}

func (s *Service) token(c *gin.Context) error {
	f, err := bodyFields(c)
	if err != nil {
		return err
	}
	grant, code, redirect := f.required("grant_type"), f.text("code"), f.address("redirect_uri", false)
	verifier, refresh := f.text("code_verifier"), f.text("refresh_token")
	f.text("client_id")
	f.text("client_secret")
	switch {
	case f.problems != nil:
		return oauthError(c, http.StatusBadRequest, "invalid_request", f.message())
	case grant == "refresh_token" && refresh == "":
		return oauthError(c, http.StatusBadRequest, "invalid_request", "Missing refresh_token parameter for refresh_token grant")
	case grant == "refresh_token":
		return oauthError(c, http.StatusBadRequest, "invalid_request", "Refresh tokens are not enabled")
	case grant != "authorization_code":
		return oauthError(c, http.StatusBadRequest, "unsupported_grant_type", "Grant type "+grant+" is not supported")
	case code == "" || redirect == "":
		return oauthError(c, http.StatusBadRequest, "invalid_request", "Missing code or redirect_uri parameters for authorization_code grant")
	}
	session, err := s.oidc.redeem(c.Request.Context(), code, redirect, verifier)
	if e, ok := errors.AsType[*apierror.Error](err); ok && e.Name == apierror.Authentication {
		return oauthError(c, http.StatusBadRequest, "invalid_grant", e.Message)
	}
	if err != nil {
		return oauthFailure(c, err)
	}
	info, _, err := s.db.userInfo(c.Request.Context(), *session.User)
	if err != nil {
		return err
	}
	token, err := s.IssueUserToken(c.Request.Context(), UserClaims{Subject: *session.User, Ownership: info.Claims.Ownership})
	if err != nil {
		return err
	}
	scope := "openid"
	if session.Scope != nil {
		scope = *session.Scope
	}
	c.Writer.Header().Set("Cache-Control", "no-store")
	return httpx.JSON(c, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(s.userTokenLifetime / time.Second), "id_token": token, "scope": scope,
	})
}

// revokeToken knows the clients but has nothing to revoke, as refresh tokens are not issued.
func (s *Service) revokeToken(c *gin.Context) error {
	f, err := bodyFields(c)
	if err != nil {
		return err
	}
	f.required("token")
	f.text("token_type_hint")
	client := f.text("client_id")
	f.text("client_secret")
	if id, _, ok := c.Request.BasicAuth(); ok && id != "" {
		client = id
	}
	switch {
	case f.problems != nil:
		return oauthError(c, http.StatusBadRequest, "invalid_request", f.message())
	case client == "":
		return oauthError(c, http.StatusUnauthorized, "invalid_client", "Client authentication required")
	case !s.oidc.mayRevoke(client):
		return oauthError(c, http.StatusUnauthorized, "invalid_client", "Invalid client credentials")
	}
	return httpx.Bytes(c, http.StatusOK, "text/html; charset=utf-8", nil, nil)
}

// oauthAnswer words the errors of h as OAuth does.
func oauthAnswer(h httpx.Handler) httpx.Handler {
	return func(c *gin.Context) error {
		if err := h(c); err != nil {
			return oauthFailure(c, err)
		}
		return nil
	}
}

// oauthFailure translates an error that may be shown; others stay what they are, and are not shown.
func oauthFailure(c *gin.Context, err error) error {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return err
	}
	switch e.Name {
	case apierror.Input, apierror.NotFound:
		return oauthError(c, http.StatusBadRequest, "invalid_request", e.Message)
	case apierror.Authentication:
		return oauthError(c, http.StatusUnauthorized, "invalid_client", e.Message)
	case apierror.NotAllowed:
		return oauthError(c, http.StatusForbidden, "access_denied", e.Message)
	}
	return err
}

func oauthError(c *gin.Context, status int, code, description string) error {
	return httpx.JSON(c, status, map[string]string{"error": code, "error_description": description})
}
