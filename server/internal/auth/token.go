package auth

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// The typ header values that tell the kinds of tokens apart.
const (
	typeUser    = "vnd.backstage.user"
	typeLimited = "vnd.backstage.limited-user"
	typePlugin  = "vnd.backstage.plugin"
	typeEmbed   = "callboard-embed+jwt"

	userAudience = "backstage"
)

// maxTokenLength is the longest token that is issued or looked at, in bytes; the limit of the reference for user tokens.
const maxTokenLength = 32768

// maxClockSkew is how far in the future a token may say it was issued: clocks of replicas and sidecars differ a little.
const maxClockSkew = 5 * time.Minute

// header is the protected header of a token. The order of the fields is part of the contract: see [limitedToken].
type header struct {
	Type      string `json:"typ"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

// limitedClaims are the claims of a limited user token, in the order that every holder of the user token rebuilds.
type limitedClaims struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

// userClaims are the claims of a user token. Proof is the signature of the limited token made of the same key, subject
// and times.
type userClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Ownership []string `json:"ent,omitempty"`
	Audience  string   `json:"aud"`
	Issued    int64    `json:"iat"`
	Expires   int64    `json:"exp"`
	Proof     string   `json:"uip"`
}

// pluginClaims are the claims of a plugin token; OnBehalfOf is a limited user token.
type pluginClaims struct {
	Subject    string `json:"sub"`
	Audience   string `json:"aud"`
	Issued     int64  `json:"iat"`
	Expires    int64  `json:"exp"`
	OnBehalfOf string `json:"obo,omitempty"`
}

// encodePart is base64url of v as JSON.stringify writes it. encoding/json differs from it in two ways, both avoided:
// HTML characters (escaping is off) and U+2028/9 ([checkSubject] refuses them).
func encodePart(v any) (string, error) {
	text, err := jsvalue.JSON(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// sign makes the compact form. It signs with crypto/ecdsa because go-jose sorts header members by name, and the order
// typ, alg, kid is what other holders rebuild.
func (k *signingKey) sign(typ string, claims any) (string, error) {
	h, err := encodePart(header{Type: typ, Algorithm: string(jose.ES256), KeyID: k.id})
	if err != nil {
		return "", err
	}
	p, err := encodePart(claims)
	if err != nil {
		return "", err
	}
	input := h + "." + p
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// signUser makes a user token with its proof.
func (k *signingKey) signUser(c userClaims) (string, error) {
	if err := checkSubject(c.Subject); err != nil {
		return "", err
	}
	limited, err := k.sign(typeLimited, limitedClaims{c.Subject, c.Issued, c.Expires})
	if err != nil {
		return "", err
	}
	c.Proof = limited[strings.LastIndexByte(limited, '.')+1:]
	token, err := k.sign(typeUser, c)
	if err != nil {
		return "", err
	}
	if len(token) > maxTokenLength {
		return "", fmt.Errorf("issue token for %s: the token would be %d bytes long, at most %d are allowed: too many ownership claims", c.Subject, len(token), maxTokenLength)
	}
	return token, nil
}

// checkSubject refuses what JSON.stringify would write in another way than we do.
func checkSubject(s string) error {
	if !utf8.ValidString(s) || strings.ContainsAny(s, "\u2028\u2029") {
		return fmt.Errorf("subject %q holds characters that cannot be part of a token", s)
	}
	return nil
}

// limitedToken rebuilds the limited token that a user token carries the proof of, and tells when it expires. A limited
// token is its own.
func limitedToken(token string) (string, time.Time, error) {
	h, c, err := readToken(token)
	if err != nil {
		return "", time.Time{}, err
	}
	if c.Expires == nil || c.Issued == nil {
		return "", time.Time{}, errors.New("token without times")
	}
	expires := time.Unix(int64(*c.Expires), 0)
	switch h.Type {
	case typeLimited, "":
		return token, expires, nil
	case typeUser:
	default:
		return "", time.Time{}, errors.New("invalid token type")
	}
	if c.Proof == "" {
		return "", time.Time{}, errors.New("missing user identity proof")
	}
	hp, err := encodePart(header{Type: typeLimited, Algorithm: h.Algorithm, KeyID: h.KeyID})
	if err != nil {
		return "", time.Time{}, err
	}
	cp, err := encodePart(limitedClaims{c.Subject, int64(*c.Issued), int64(*c.Expires)})
	if err != nil {
		return "", time.Time{}, err
	}
	return hp + "." + cp + "." + c.Proof, expires, nil
}

// claims are the registered claims as they are read, before anything is verified. Missing times are nil.
type claims struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   audience `json:"aud"`
	Issued     *float64 `json:"iat"`
	Expires    *float64 `json:"exp"`
	NotBefore  *float64 `json:"nbf"`
	Proof      string   `json:"uip"`
	OnBehalfOf *string  `json:"obo"`
}

// audience is one string or a list of strings.
type audience struct {
	values []string
	single bool
}

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{values: []string{one}, single: true}
		return nil
	}
	return json.Unmarshal(b, &a.values)
}

func (a audience) includes(s string) bool { return slices.Contains(a.values, s) }

var errMalformed = errors.New("not a compact JWS")

// readHeader reads the protected header of a compact JWS without verifying anything. all holds every member. Member
// names are case-sensitive and must not repeat: go-jose's json sees to both.
func readHeader(token string) (h header, all map[string]any, err error) {
	if len(token) > maxTokenLength || strings.Count(token, ".") != 2 {
		return h, nil, errMalformed
	}
	b, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil || json.Unmarshal(b, &all) != nil || all == nil {
		return h, nil, errMalformed
	}
	// Members of another type than string are left empty: they are not what any check asks for.
	h.Type, _ = all["typ"].(string)
	h.Algorithm, _ = all["alg"].(string)
	h.KeyID, _ = all["kid"].(string)
	return h, all, nil
}

// readClaims reads the claims of a compact JWS without verifying anything.
func readClaims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errMalformed
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errMalformed
	}
	return c, decodeClaims(b, &c)
}

func decodeClaims(b []byte, c *claims) error {
	if !utf8.Valid(b) || len(b) == 0 || b[0] != '{' {
		return errMalformed
	}
	return json.Unmarshal(b, c)
}

func readToken(token string) (h header, c claims, err error) {
	if h, _, err = readHeader(token); err != nil {
		return h, c, err
	}
	c, err = readClaims(token)
	return h, c, err
}

// checkTimes applies exp, nbf and iat as far as they are present. No leeway on exp, as in the reference.
func (c *claims) checkTimes(now time.Time) error {
	seconds := float64(now.Unix())
	for _, v := range []*float64{c.Expires, c.NotBefore, c.Issued} {
		if v != nil && (math.Abs(*v) > 1<<52 || math.IsNaN(*v)) {
			return errors.New("a time claim is out of range")
		}
	}
	switch {
	case c.Expires != nil && *c.Expires <= seconds:
		return errors.New(`"exp" claim timestamp check failed`)
	case c.NotBefore != nil && *c.NotBefore > seconds:
		return errors.New(`"nbf" claim timestamp check failed`)
	case c.Issued != nil && *c.Issued > seconds+maxClockSkew.Seconds():
		return errors.New(`"iat" claim timestamp check failed`)
	}
	return nil
}

// verifySignature checks token against key with one of the allowed algorithms and returns the claims that were signed.
func verifySignature(token string, key any, allowed []jose.SignatureAlgorithm) (claims, error) {
	var c claims
	payload, err := verifiedPayload(token, key, allowed)
	if err != nil {
		return c, err
	}
	return c, decodeClaims(payload, &c)
}

func verifiedPayload(token string, key any, allowed []jose.SignatureAlgorithm) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, allowed)
	if err != nil {
		return nil, err
	}
	return jws.Verify(key)
}
