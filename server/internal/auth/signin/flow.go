package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/callboard/callboard/sdk/apierror"
)

// Start sends the browser to the provider.
func (e *Engine) Start(w http.ResponseWriter, r *http.Request, id string) error {
	way, err := e.way(r, id)
	if err != nil {
		return err
	}
	return way.start(w, r)
}

func (w *way) start(rw http.ResponseWriter, r *http.Request) error {
	s := state{env: queryText(r, "env"), redirectURL: queryText(r, "redirectUrl"), flow: queryText(r, "flow")}
	if r.URL.Query().Has("origin") {
		origin, ok := originOf(queryText(r, "origin"))
		if !ok {
			return apierror.New(apierror.Input, "App origin is invalid, failed to parse")
		}
		if !w.e.origins.allowed(origin) {
			return apierror.NotAllowedf("Origin '%s' is not allowed", origin)
		}
		s.origin = origin
	}
	if s.env == "" {
		return apierror.New(apierror.Input, "No env provided in request query parameters")
	}
	if s.redirectURL != "" && !w.e.origins.leadsHome(s.redirectURL) {
		return apierror.Inputf("The query parameter redirectUrl must be an address of the app, of this host or of an origin in auth.experimentalExtraAllowedOrigins, and have at most %d characters", maxAddress)
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	s.nonce = base64.StdEncoding.EncodeToString(nonce)
	verifier := oauth2.GenerateVerifier()
	scope := w.scope(r)
	s.scope, s.hasScope = scope, w.preset.persist
	address, err := w.auth.address(r.Context(), departure{scope: scope, state: s.encode(), verifier: verifier})
	if err != nil {
		return w.deliver(rw, r, s, nil, err)
	}
	w.jar.departure(page{rw, r, s.origin}, s.nonce, verifier)
	send(rw, address)
	return nil
}

// send redirects without a body.
func send(w http.ResponseWriter, address string) {
	h := w.Header()
	h.Set("Location", address)
	h.Set("Content-Length", "0")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}

// scope is what the request asks for, with what was granted, is required and is configured.
func (w *way) scope(r *http.Request) string {
	s := scopes{requested: splitScope(queryText(r, "scope")), required: w.preset.required, additional: w.scopes}
	if w.preset.persist {
		s.granted = splitScope(w.jar.read(r, w.jar.grantedScope))
	}
	return s.effective(w.preset.transform)
}

// Frame takes what the browser came back with. How it went is told to the page that waits, or to the one it is sent to.
func (e *Engine) Frame(w http.ResponseWriter, r *http.Request, id string) error {
	way, err := e.way(r, id)
	if err != nil {
		return err
	}
	s, session, err := way.frame(w, r)
	return way.deliver(w, r, s, session, err)
}

func (w *way) frame(rw http.ResponseWriter, r *http.Request) (state, *Session, error) {
	s, err := decodeState(queryText(r, "state"))
	if err != nil {
		return s, nil, err
	}
	origin := w.e.origins.app
	if s.origin != "" {
		var ok bool
		if origin, ok = originOf(s.origin); !ok {
			s.origin = ""
			return s, nil, apierror.New(apierror.NotAllowed, "App origin is invalid, failed to parse")
		}
		if !w.e.origins.allowed(origin) {
			s.origin = ""
			return s, nil, apierror.NotAllowedf("Origin '%s' is not allowed", origin)
		}
		s.origin = origin
	}
	if s.redirectURL != "" && !w.e.origins.leadsHome(s.redirectURL) {
		s.redirectURL = ""
		return s, nil, apierror.New(apierror.NotAllowed, "The redirectUrl of the OAuth state is not allowed")
	}
	nonce, verifier := w.jar.read(r, w.jar.nonce), w.jar.read(r, w.jar.verifier)
	switch {
	case nonce == "" || verifier == "":
		return s, nil, apierror.New(apierror.NotAllowed, "Auth response is missing cookie nonce")
	case subtle.ConstantTimeCompare([]byte(nonce), []byte(s.nonce)) == 0:
		return s, nil, apierror.New(apierror.NotAllowed, "Invalid nonce")
	}
	p := page{rw, r, origin}
	w.jar.arrived(p)
	session, err := w.enter(p, s, verifier)
	return s, session, err
}

// enter asks the provider who came, and lets them in.
func (w *way) enter(p page, s state, verifier string) (*Session, error) {
	query := p.r.URL.Query()
	if query.Get("code") == "" && query.Get("error") == "" && p.r.Method == http.MethodPost {
		query.Set("code", p.r.PostFormValue("code"))
	}
	got, err := w.auth.redeem(p.r.Context(), arrival{query: query, verifier: verifier})
	if err != nil {
		return nil, err
	}
	session, err := w.session(p.r.Context(), got)
	if err != nil {
		return nil, err
	}
	if w.preset.persist {
		if !s.hasScope {
			return nil, apierror.New(apierror.Authentication, "No scope found in OAuth state")
		}
		session.Provider.Scope = &s.scope
		w.jar.keep(p, w.jar.grantedScope, s.scope)
	}
	w.keepRefreshToken(p, got.refresh)
	if s.flow == "redirect" && s.redirectURL == "" {
		return nil, apierror.New(apierror.Input, "No redirectUrl provided in request query parameters")
	}
	w.e.log.InfoContext(p.r.Context(), "signed in", "provider", w.id, "user", session.user())
	return session, nil
}

func (w *way) keepRefreshToken(p page, token string) {
	if token != "" && !w.jar.keep(p, w.jar.refreshToken, token) {
		w.e.log.WarnContext(p.r.Context(), "the provider's refresh token is too long for cookies, so the session ends with its first token", "provider", w.id)
	}
}

func (s *Session) user() string {
	if s.Identity == nil {
		return ""
	}
	return s.Identity.Identity.User
}

// session finds the user, if resolvers are configured, and issues the identity.
func (w *way) session(ctx context.Context, got *result) (*Session, error) {
	session := &Session{Profile: got.profile, Provider: ProviderInfo{IDToken: got.id, AccessToken: got.access, ExpiresIn: got.expires}}
	if !w.preset.persist {
		scope := scopes{requested: splitScope(got.scope)}.effective(nil)
		session.Provider.Scope = &scope
	}
	if len(w.resolvers) == 0 {
		return session, nil
	}
	identity, err := w.e.identify(ctx, w.resolvers, claimant{got.profile, got.person})
	session.Identity = identity
	return session, err
}

func (e *Engine) identify(ctx context.Context, resolvers []resolver, who claimant) (*Identity, error) {
	claims, err := resolve(ctx, resolvers, who)
	if err != nil {
		return nil, err
	}
	return e.o.SignIn(ctx, claims)
}

// deliver tells the outcome of a sign-in: to the page it is sent to, or to the one that opened the popup.
func (w *way) deliver(rw http.ResponseWriter, r *http.Request, s state, session *Session, err error) error {
	var problem *failure
	if err != nil {
		problem, session = w.told(r.Context(), err), nil
	}
	if to, parseErr := url.Parse(s.redirectURL); s.flow == "redirect" && s.redirectURL != "" && parseErr == nil {
		if problem != nil {
			q := to.Query()
			q.Set("error", problem.Message)
			to.RawQuery = q.Encode()
		} else if w.e.o.Landed != nil && session.Identity != nil && w.e.own(to) {
			w.e.o.Landed(rw, r, w.id, to, session.Identity.Token)
		}
		send(rw, to.String())
		return nil
	}
	return tell(rw, firstOf(s.origin, w.e.origins.app), session, problem)
}

// told is what people hear of an error: what is meant for them, or that there is more in the log.
func (w *way) told(ctx context.Context, err error) *failure {
	w.e.log.WarnContext(ctx, "sign-in failed", "provider", w.id, "error", err)
	public := shown(err)
	return &failure{public.Name, public.Message}
}

// shown is the part of an error that is meant for the caller. What the reference would tell of others could hold anything.
func shown(err error) *apierror.Error {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e
	}
	return apierror.New(apierror.Generic, "Authentication failed, an internal error is in the log of the host")
}

// Refresh renews a session by its cookie.
func (e *Engine) Refresh(w http.ResponseWriter, r *http.Request, id string) (*Session, error) {
	way, err := e.way(r, id)
	if err != nil {
		return nil, err
	}
	if err := byScript(r); err != nil {
		return nil, err
	}
	session, err := way.renew(page{w, r, r.Header.Get("Origin")})
	if err != nil {
		e.log.DebugContext(r.Context(), "a session is not renewed", "provider", id, "error", err)
		return nil, apierror.Wrap(apierror.Authentication, "Refresh failed", shown(err))
	}
	w.Header().Set("Cache-Control", "no-store")
	return session, nil
}

// byScript refuses requests that another site could make a browser send: this header needs its consent.
func byScript(r *http.Request) error {
	if r.Header.Get("X-Requested-With") != "XMLHttpRequest" {
		return apierror.New(apierror.Authentication, "Invalid X-Requested-With header")
	}
	return nil
}

func (w *way) renew(p page) (*Session, error) {
	token := w.jar.read(p.r, w.jar.refreshToken)
	if token == "" {
		return nil, apierror.New(apierror.Input, "Missing session cookie")
	}
	asked := renewal{refreshToken: token, scope: w.scope(p.r)}
	if w.preset.persist {
		asked.granted = contains(splitScope(w.jar.read(p.r, w.jar.grantedScope)), splitScope(asked.scope))
	}
	got, err := w.auth.renew(p.r.Context(), asked)
	if err != nil {
		return nil, err
	}
	// The provider may have taken the old token back already, so the new one is kept whatever follows.
	if got.refresh != token {
		w.keepRefreshToken(p, got.refresh)
	}
	session, err := w.session(p.r.Context(), got)
	if err != nil {
		return nil, err
	}
	if w.preset.persist {
		session.Provider.Scope = &asked.scope
		w.jar.keep(p, w.jar.grantedScope, asked.scope)
	}
	return session, nil
}

func contains(all, some []string) bool {
	has := make(map[string]bool, len(all))
	for _, s := range all {
		has[s] = true
	}
	for _, s := range some {
		if !has[s] {
			return false
		}
	}
	return true
}

// Logout ends a session here, and at the provider where that can be done. It does the first whatever comes of the second.
func (e *Engine) Logout(w http.ResponseWriter, r *http.Request, id string) error {
	way, err := e.way(r, id)
	if err != nil {
		return err
	}
	if err := byScript(r); err != nil {
		return err
	}
	origin := r.Header.Get("Origin")
	if origin != "" && !e.origins.allowed(origin) {
		return apierror.NotAllowedf("Origin '%s' is not allowed", origin)
	}
	p := page{w, r, origin}
	if token := way.jar.read(r, way.jar.refreshToken); token != "" {
		if err := way.auth.revoke(r.Context(), token); err != nil {
			e.log.WarnContext(r.Context(), "the session at the provider could not be ended", "provider", id, "error", err)
		}
	}
	way.jar.drop(p, way.jar.refreshToken)
	if way.preset.persist {
		way.jar.drop(p, way.jar.grantedScope)
	}
	return nil
}
