// Package idptest is an OpenID Connect provider for tests and walks, in this process: people with passwords, one confidential
// client, a login form, sessions of its own, refresh tokens, the end of a session, and faults that can be switched on.
// zitadel/oidc speaks the protocol, so what a client of ours may do wrong is refused as a certified provider refuses it.
package idptest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// User is somebody who can sign in.
type User struct {
	Username string
	Subject  string // "" = the username
	Email    string
	Name     string
	Picture  string
	Groups   []string
	// Unverified tells that nobody has checked the address of the mail.
	Unverified bool
}

// Password is everybody's.
const Password = "open sesame"

// Options say who is known; all of it may be left out.
type Options struct {
	// Address to listen on; "" = a free port of 127.0.0.1.
	Address string
	// Users are who can sign in; nil = [Ann] and [Ben].
	Users []User
	// ClientID and Secret are those of the one client; "" = "callboard" and "a secret of the client".
	ClientID, Secret string
	// Redirects are where the client may send people back to; nil = anywhere.
	Redirects []string
	// AfterLogout is where the client may send people after a session has ended; nil = nowhere but to the provider's own page.
	AfterLogout []string
	// TokenLifetime is that of tokens; 0 = an hour.
	TokenLifetime time.Duration
}

// Ann and Ben are the people of a provider that is not told of others.
var (
	Ann = User{Username: "ann", Subject: "f3b1-ann", Email: "ann@example.com", Name: "Ann Archer", Groups: []string{"crew", "pilots"}, Picture: "https://example.com/ann.png"}
	Ben = User{Username: "ben", Subject: "f3b1-ben", Email: "ben@example.com", Name: "Ben Baker", Groups: []string{"crew"}}
)

// Server is a running provider.
type Server struct {
	// Issuer is its address, MetadataURL that of its discovery document.
	Issuer, MetadataURL string
	ClientID, Secret    string

	storage  *storage
	provider *op.Provider
	http     *http.Server
	ended    chan struct{}
	ending   sync.Once
	serving  sync.WaitGroup

	mu     sync.Mutex
	faults map[Fault]bool
	change func(claims map[string]any)
}

// New is a provider that ends with the test.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	s, err := Start(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Start is a provider until [Server.Close].
func Start(o Options) (*Server, error) {
	o.fill()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("idptest: listen on %s: %w", o.Address, err)
	}
	s := &Server{Issuer: "http://" + listener.Addr().String(), ClientID: o.ClientID, Secret: o.Secret, ended: make(chan struct{})}
	s.MetadataURL = s.Issuer + "/.well-known/openid-configuration"
	if s.storage, err = newStorage(o); err == nil {
		err = s.provide()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("idptest: %w", err), listener.Close())
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // it ends with Close
	return s, nil
}

func (o *Options) fill() {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Users == nil {
		o.Users = []User{Ann, Ben}
	}
	if o.ClientID == "" {
		o.ClientID = "callboard"
	}
	if o.Secret == "" {
		o.Secret = "a secret of the client"
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
}

func (s *Server) provide() error {
	config := &op.Config{
		CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true, DefaultLogoutRedirectURI: s.Issuer + "/signed-out",
		SupportedScopes: []string{"openid", "profile", "email", "groups", "offline_access"},
	}
	_, _ = rand.Read(config.CryptoKey[:]) // never fails
	var err error
	s.provider, err = op.NewProvider(config, s.storage, op.StaticIssuer(s.Issuer), op.WithAllowInsecure())
	return err
}

// Close ends the provider, and what waits for it. It may be called again.
func (s *Server) Close() {
	s.ending.Do(func() { close(s.ended) })
	_ = s.http.Close() // it serves nothing that must be finished
	s.serving.Wait()
}

// ServeHTTP answers as the provider does, or as its faults say.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.has(Down):
		panic(http.ErrAbortHandler) // the connection ends without an answer
	case s.has(Slow):
		select {
		case <-r.Context().Done():
		case <-s.ended:
		}
		panic(http.ErrAbortHandler)
	case s.has(Failing):
		http.Error(w, "the provider is being repaired", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/login":
		s.login(w, r)
	case "/signed-out":
		page(w, http.StatusOK, pageData{Title: "Signed out"})
	case "/oauth/token":
		s.token(w, r)
	case "/userinfo":
		s.userInfo(w, r)
	case "/end_session":
		s.endSession(w, r)
	default:
		s.provider.ServeHTTP(w, r.WithContext(s.withPerson(r)))
	}
}
