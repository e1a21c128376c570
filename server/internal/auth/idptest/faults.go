package idptest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Fault is something that the provider does wrong.
type Fault string

// The faults.
const (
	// Down ends every connection without an answer; Slow answers nothing until the caller gives up; Failing answers 503.
	Down    Fault = "down"
	Slow    Fault = "slow"
	Failing Fault = "failing"
	// These make ID tokens that must not be believed.
	WrongAudience Fault = "wrong audience"
	WrongIssuer   Fault = "wrong issuer"
	WrongNonce    Fault = "wrong nonce"
	ExpiredToken  Fault = "expired token"
	ForeignKey    Fault = "foreign key" // signed by somebody else under the name of our key
	Unsigned      Fault = "unsigned"    // with the algorithm "none"
	NoIDToken     Fault = "no ID token"
	// BareToken leaves all but the subject to the userinfo endpoint, OtherUserInfo answers there with another subject.
	BareToken     Fault = "bare token"
	OtherUserInfo Fault = "other user info"
	// NoRefreshToken gives none, RefuseRefresh knows none.
	NoRefreshToken Fault = "no refresh token"
	RefuseRefresh  Fault = "refuse refresh"
)

// Set switches faults on, and all others off.
func (s *Server) Set(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = map[Fault]bool{}
	for _, f := range faults {
		s.faults[f] = true
	}
}

// Change lets a test write what it likes into the ID tokens to come; nil = nothing.
func (s *Server) Change(change func(claims map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change = change
}

func (s *Server) has(f Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults[f]
}

// token is the token endpoint, whose ID tokens are written anew where something is to be wrong with them.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if s.has(RefuseRefresh) && r.PostFormValue("grant_type") == "refresh_token" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"the refresh token is not known"}`)) // nobody to tell
		return
	}
	said := httptest.NewRecorder()
	s.provider.ServeHTTP(said, r)
	body := said.Body.Bytes()
	var answer map[string]any
	if said.Code == http.StatusOK && json.Unmarshal(body, &answer) == nil {
		s.tamper(answer)
		body, _ = json.Marshal(answer) // it was JSON
	}
	maps.Copy(w.Header(), said.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(said.Code)
	_, _ = bytes.NewReader(body).WriteTo(w) // nobody to tell
}

func (s *Server) tamper(answer map[string]any) {
	if s.has(NoRefreshToken) {
		delete(answer, "refresh_token")
	}
	token, _ := answer["id_token"].(string)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return
	}
	if s.has(NoIDToken) {
		delete(answer, "id_token")
		return
	}
	claims := map[string]any{}
	if parsed.UnsafeClaimsWithoutVerification(&claims) != nil {
		return
	}
	s.spoil(claims)
	if token, err = s.sign(claims); err == nil {
		answer["id_token"] = token
	}
}

func (s *Server) spoil(claims map[string]any) {
	for fault, change := range map[Fault]func(){
		WrongAudience: func() { claims["aud"] = []string{"another-client"}; claims["azp"] = "another-client" },
		WrongIssuer:   func() { claims["iss"] = "http://issuer.example.com" },
		WrongNonce:    func() { claims["nonce"] = "of another time" },
		ExpiredToken:  func() { claims["iat"], claims["exp"] = ago(2*time.Hour), ago(time.Hour) },
		BareToken: func() {
			for _, name := range []string{"email", "email_verified", "name", "picture", "preferred_username", "groups"} {
				delete(claims, name)
			}
		},
	} {
		if s.has(fault) {
			change()
		}
	}
	s.mu.Lock()
	change := s.change
	s.mu.Unlock()
	if change != nil {
		change(claims)
	}
}

func ago(d time.Duration) int64 { return time.Now().Add(-d).Unix() }

func (s *Server) sign(claims map[string]any) (string, error) {
	if s.has(Unsigned) {
		body, err := json.Marshal(claims)
		return strings.Join([]string{encoded([]byte(`{"alg":"none","typ":"JWT"}`)), encoded(body), ""}, "."), err
	}
	key := s.storage.key
	if s.has(ForeignKey) {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
			return "", err
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}
