package apigee

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
	"net/url"
	"time"

	"github.com/callboard/callboard/sdk"
)

// account is a service account of Google Cloud.
type account struct {
	Type     string `json:"type"`
	Email    string `json:"client_email"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	TokenURI string `json:"token_uri"`

	signer *rsa.PrivateKey
}

const (
	scope = "https://www.googleapis.com/auth/cloud-platform"
	// life is how long an assertion is good for; Google takes up to an hour, and clocks may differ.
	life = 30 * time.Minute
)

// readAccount reads a key as Google Cloud hands it out. Its errors tell nothing of it.
func readAccount(text sdk.Secret) (account, error) {
	var a account
	if json.Unmarshal([]byte(text.Reveal()), &a) != nil {
		return a, errors.New("must be the JSON of a service account's key")
	}
	if a.Type != "service_account" || a.Email == "" || a.TokenURI == "" {
		return a, errors.New("must be the key of a service account: type, client_email and token_uri")
	}
	block, _ := pem.Decode([]byte(a.Key))
	if block == nil {
		return a, errors.New("has no private_key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, isRSA := key.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return a, errors.New("has a private_key that is no RSA key in PKCS #8")
	}
	a.signer, a.Key = signer, ""
	return a, nil
}

// form asks for a token by an assertion (RFC 7523).
func (a account) form(now time.Time) (url.Values, error) {
	head, err := encode(map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.KeyID})
	if err != nil {
		return nil, err
	}
	claims, err := encode(map[string]any{"iss": a.Email, "scope": scope, "aud": a.TokenURI, "iat": now.Unix(), "exp": now.Add(life).Unix()})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(head + "." + claims))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.signer, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	assertion := head + "." + claims + "." + base64.RawURLEncoding.EncodeToString(signature)
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, nil
}

func encode(value any) (string, error) {
	data, err := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(data), err
}
