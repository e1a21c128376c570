package apigeefake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	accountEmail = "portal@contoso.iam.gserviceaccount.example"
	accountKeyID = "0123456789abcdef"
)

// accountKey is made once for a process: it takes a while.
var accountKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// ServiceAccount is the key of the account that may manage the organization, for a login at that address.
func ServiceAccount(tokenURL string) string {
	der, err := x509.MarshalPKCS8PrivateKey(accountKey())
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": accountEmail, "private_key_id": accountKeyID, "token_uri": tokenURL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Token gives a token as the login does.
func (s *Server) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token()
}

func (s *Server) token() string {
	token := "ya29." + rand.Text()
	s.tokens[token] = s.options.Now().Add(s.options.Life)
	return token
}

// ForgetTokens makes the Apigee API take none of the tokens that were given, as when they were revoked.
func (s *Server) ForgetTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type", "error_description": "Invalid grant_type"})
		return
	}
	if err := s.verify(r.PostForm.Get("assertion"), "http://"+r.Host+"/token"); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": s.Token(), "expires_in": int(s.options.Life / time.Second), "token_type": "Bearer"})
}

func (s *Server) verify(assertion, audience string) error {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return errors.New("Invalid JWT: must have three parts")
	}
	var head struct{ Alg, Kid string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	if decode(parts[0], &head) != nil || decode(parts[1], &claims) != nil {
		return errors.New("Invalid JWT: no JSON")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := s.options.Now().Unix()
	switch {
	case err != nil || head.Alg != "RS256" || head.Kid != accountKeyID || rsa.VerifyPKCS1v15(&accountKey().PublicKey, crypto.SHA256, digest[:], signature) != nil:
		return errors.New("Invalid JWT Signature.")
	case claims.Iss != accountEmail:
		return errors.New("Invalid grant: account not found")
	case claims.Aud != audience || claims.Scope != "https://www.googleapis.com/auth/cloud-platform":
		return errors.New("Invalid JWT: audience or scope")
	case claims.Iat > now+60 || claims.Exp < now || claims.Exp-claims.Iat > 3600:
		return errors.New("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	}
	return nil
}

func decode(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
