package idptest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	keyID   = "the-key"
	keyBits = 2048
)

// storage is what the provider remembers, for as long as it runs.
type storage struct {
	o   Options
	key *rsa.PrivateKey

	mu       sync.Mutex
	requests map[string]*request // of people who are on their way, by id
	codes    map[string]string   // ids of requests
	access   map[string]grant
	refresh  map[string]grant
	sessions map[string]session // of people with the provider, by cookie
}

// request is that of a client to sign somebody in. The fields are written before others know its id, and by login.
type request struct {
	id     string
	asked  oidc.AuthRequest
	user   User
	signed time.Time // zero = not yet
}

type session struct {
	user User
	at   time.Time
}

// grant is what tokens stand for.
type grant struct {
	user   User
	client string
	scopes []string
	at     time.Time // when the person signed in
	until  time.Time
}

func newStorage(o Options) (*storage, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	return &storage{o: o, key: key, requests: map[string]*request{}, codes: map[string]string{}, access: map[string]grant{},
		refresh: map[string]grant{}, sessions: map[string]session{}}, err
}

var errUnknown = errors.New("it is not known, or has been used")

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// secret is something that cannot be guessed.
func secret() string { return rand.Text() }

func (u User) subject() string {
	if u.Subject == "" {
		return u.Username
	}
	return u.Subject
}

func (s *storage) named(username string) (User, bool) {
	i := slices.IndexFunc(s.o.Users, func(u User) bool { return u.Username == username })
	if i < 0 {
		return User{}, false
	}
	return s.o.Users[i], true
}

func (s *storage) CreateAuthRequest(ctx context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	r := &request{id: secret(), asked: *asked}
	person, known := personOf(ctx)
	switch {
	case known && !slices.Contains(asked.Prompt, oidc.PromptLogin) && !slices.Contains(asked.Prompt, oidc.PromptSelectAccount):
		r.user, r.signed = person.user, person.at
	case slices.Contains(asked.Prompt, oidc.PromptNone):
		return nil, oidc.ErrLoginRequired()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.id] = r
	return *r, nil
}

// AuthRequestByID answers a copy: who asks reads it without the lock.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.request(id)
}

func (s *storage) request(id string) (request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return request{}, errUnknown
	}
	return *r, nil
}

func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id, ok := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	if !ok {
		return nil, errUnknown
	}
	return s.request(id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// signIn notes that somebody has passed the form, and answers their session with the provider.
func (s *storage) signIn(id string, u User) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return "", errUnknown
	}
	r.user, r.signed = u, time.Now()
	cookie := secret()
	s.sessions[cookie] = session{u, r.signed}
	return cookie, nil
}

func (s *storage) CreateAccessToken(_ context.Context, asked op.TokenRequest) (string, time.Time, error) {
	g, err := s.grantOf(asked)
	if err != nil {
		return "", time.Time{}, err
	}
	id := secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access[id] = g
	return id, g.until, nil
}

func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, asked op.TokenRequest, current string) (string, string, time.Time, error) {
	id, until, err := s.CreateAccessToken(ctx, asked)
	if err != nil {
		return "", "", time.Time{}, err
	}
	next := secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refresh, current) // each is good for once
	s.refresh[next] = s.access[id]
	return id, next, until, nil
}

func (s *storage) grantOf(asked op.TokenRequest) (grant, error) {
	until := time.Now().Add(s.o.TokenLifetime)
	switch a := asked.(type) {
	case request:
		return grant{a.user, a.asked.ClientID, a.GetScopes(), a.signed, until}, nil
	case *renewal:
		return grant{a.user, a.client, a.scopes, a.at, until}, nil
	}
	return grant{}, errUnknown
}

func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh[token]
	if !ok {
		return nil, errUnknown
	}
	return &renewal{g}, nil
}

// RefreshTokens is how many refresh tokens are good.
func (s *Server) RefreshTokens() int {
	s.storage.mu.Lock()
	defer s.storage.mu.Unlock()
	return len(s.storage.refresh)
}

func (s *storage) TerminateSession(_ context.Context, subject, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, grants := range []map[string]grant{s.access, s.refresh} {
		for token, g := range grants {
			if g.user.subject() == subject {
				delete(grants, token)
			}
		}
	}
	for cookie, kept := range s.sessions {
		if kept.user.subject() == subject {
			delete(s.sessions, cookie)
		}
	}
	return nil
}

func (s *storage) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.access, token)
	delete(s.refresh, token)
	return nil
}

func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh[token]
	if !ok {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.user.subject(), token, nil
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.o.ClientID {
		return nil, errors.New("there is no such client")
	}
	return client{s.o}, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, given string) error {
	if id != s.o.ClientID || subtle.ConstantTimeCompare([]byte(given), []byte(s.o.Secret)) == 0 {
		return errors.New("the secret of the client is wrong")
	}
	return nil
}

func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills ID tokens, as most providers do.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, asked op.IDTokenRequest, scopes []string) error {
	switch a := asked.(type) {
	case request:
		describe(info, a.user, scopes)
	case *renewal:
		describe(info, a.user, scopes)
	}
	return nil
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.access[token]
	if !ok || time.Now().After(g.until) {
		return errUnknown
	}
	describe(info, g.user, g.scopes)
	return nil
}

func describe(info *oidc.UserInfo, u User, scopes []string) {
	info.Subject = u.subject()
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeEmail:
			info.Email, info.EmailVerified = u.Email, oidc.Bool(!u.Unverified)
		case oidc.ScopeProfile:
			info.Name, info.Picture, info.PreferredUsername = u.Name, u.Picture, u.Username
			if u.Groups != nil {
				info.AppendClaims("groups", u.Groups)
			}
		}
	}
}

// What follows is not offered.

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{}, nil
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnknown
}

func (s *storage) Health(context.Context) error { return nil }
