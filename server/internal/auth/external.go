package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
)

// externalAccess is one entry of backend.auth.externalAccess: a way to know a service that is none of our plugins.
type externalAccess struct {
	handler externalHandler
	// restrictions by plugin id; nil = the whole host. order is that of the configuration, for the refusal's text.
	restrictions map[string]*principal.Restrictions
	order        []string
}

// externalHandler recognises tokens of one kind.
type externalHandler interface {
	// verify returns the subject of a token that is good, and when to stop trusting it (zero = never). Both errNotMine
	// and any other error mean that it is no token of this handler; the other error says why, for the log.
	verify(ctx context.Context, token string) (subject string, expires time.Time, err error)
}

var errNotMine = errors.New("not a token of this kind")

// maxRemoteTrust bounds how long a verified token is believed when its keys are not ours: they may be withdrawn.
const maxRemoteTrust = 10 * time.Minute

// readExternalAccess reads backend.auth.externalAccess and the older backend.auth.keys. What is wrong with an entry is
// reported as a problem of its key, and the entry is left out.
func readExternalAccess(cfg *config.Config, client *http.Client, now func() time.Time) []externalAccess {
	var all []externalAccess
	section := cfg.Section("backend.auth")
	for _, s := range section.Sections("externalAccess") {
		h := readHandler(s, client, now)
		restrictions, order := readRestrictions(s)
		if h != nil {
			all = append(all, externalAccess{h, restrictions, order})
		}
	}
	for _, s := range section.Sections("keys") {
		restrictions, order := readRestrictions(s)
		if h := readLegacy(s, "external:backstage-plugin", now); h != nil {
			all = append(all, externalAccess{h, restrictions, order})
		}
	}
	return all
}

func readHandler(s *config.Section, client *http.Client, now func() time.Time) externalHandler {
	options := s.Section("options")
	switch s.String("type", "") {
	case "static":
		return readStatic(options)
	case "legacy":
		subject, ok := word(options, "subject")
		if h := readLegacy(options, subject, now); ok && h != nil {
			return h
		}
		return nil
	case "jwks":
		return readJWKS(options, client, now)
	}
	s.Problem("type", "must be one of 'static', 'legacy', 'jwks'")
	return nil
}

// word reads a key that must be set and hold no blanks.
func word(s *config.Section, key string) (string, bool) {
	v := s.String(key, "")
	if v == "" || strings.ContainsFunc(v, isBlank) {
		s.Problem(key, "must be a text without blanks")
		return "", false
	}
	return v, true
}

func isBlank(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f", r) }

// staticToken is one secret text.
type staticToken struct{ token, subject string }

func readStatic(s *config.Section) externalHandler {
	token, ok1 := word(s, "token")
	subject, ok2 := word(s, "subject")
	if ok1 && len(token) < 8 {
		s.Problem("token", "must be at least 8 characters long")
		ok1 = false
	}
	if !ok1 || !ok2 {
		return nil
	}
	return &staticToken{token, subject}
}

func (h *staticToken) verify(_ context.Context, token string) (string, time.Time, error) {
	if subtle.ConstantTimeCompare([]byte(token), []byte(h.token)) != 1 {
		return "", time.Time{}, errNotMine
	}
	return h.subject, time.Time{}, nil
}

// legacySecret is the shared secret of the old backend system: HS256, sub "backstage-server", no audience.
type legacySecret struct {
	key     []byte
	subject string
	now     func() time.Time
}

func readLegacy(s *config.Section, subject string, now func() time.Time) externalHandler {
	secret, ok := word(s, "secret")
	if !ok {
		return nil
	}
	// Both base64 alphabets, padded or not, as the reference's decoder takes them.
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(secret, "="))
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		s.Problem("secret", "must be base64 text")
		return nil
	}
	// go-jose refuses HMAC keys shorter than the hash, the reference does not. Zeros change nothing: HMAC itself pads
	// a key with them.
	key = append(key, make([]byte, max(0, sha256.Size-len(key)))...)
	return &legacySecret{key, subject, now}
}

func (h *legacySecret) verify(_ context.Context, token string) (string, time.Time, error) {
	head, members, err := readHeader(token)
	if err != nil || head.Algorithm != string(jose.HS256) || extended(members) {
		return "", time.Time{}, errNotMine
	}
	c, err := verifySignature(token, h.key, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return "", time.Time{}, err
	}
	if c.Subject != "backstage-server" || len(c.Audience.values) > 0 {
		return "", time.Time{}, errNotMine
	}
	if err := c.checkTimes(h.now()); err != nil {
		return "", time.Time{}, err
	}
	return h.subject, trustUntil(c, h.now()), nil
}

// jwksTokens are JWTs of an issuer that publishes its keys.
type jwksTokens struct {
	keys               *remoteKeys
	algorithms         []jose.SignatureAlgorithm
	issuers, audiences []string
	prefix             string
	now                func() time.Time
}

// asymmetric is what a published key can verify; never an HMAC, never "none".
var asymmetric = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

func readJWKS(s *config.Section, client *http.Client, now func() time.Time) externalHandler {
	address, ok := word(s, "url")
	if !ok {
		return nil
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		s.Problem("url", "must be an absolute http or https URL")
		return nil
	}
	h := &jwksTokens{
		keys: newRemoteKeys(address, client, now), now: now, algorithms: asymmetric, prefix: "external:",
		issuers: words(s, "issuer"), audiences: words(s, "audience"),
	}
	if p := s.String("subjectPrefix", ""); p != "" {
		h.prefix += p + ":"
	}
	if names := words(s, "algorithm"); len(names) > 0 {
		h.algorithms = nil
		for _, name := range names {
			if !slices.Contains(asymmetric, jose.SignatureAlgorithm(name)) {
				s.Problem("algorithm", "must be algorithms of public keys, such as RS256 or ES256")
				return nil
			}
			h.algorithms = append(h.algorithms, jose.SignatureAlgorithm(name))
		}
	}
	return h
}

func (h *jwksTokens) verify(ctx context.Context, token string) (string, time.Time, error) {
	head, members, err := readHeader(token)
	if err != nil || !slices.Contains(h.algorithms, jose.SignatureAlgorithm(head.Algorithm)) || extended(members) {
		return "", time.Time{}, errNotMine
	}
	keys, err := h.keys.find(ctx, head.KeyID)
	if err != nil {
		return "", time.Time{}, err
	}
	c, err := verifyWithAny(token, keys, jose.SignatureAlgorithm(head.Algorithm))
	if err != nil {
		return "", time.Time{}, err
	}
	if err := c.checkTimes(h.now()); err != nil {
		return "", time.Time{}, err
	}
	switch {
	case len(h.issuers) > 0 && !slices.Contains(h.issuers, c.Issuer):
		return "", time.Time{}, errors.New(`unexpected "iss" claim value`)
	case len(h.audiences) > 0 && !slices.ContainsFunc(h.audiences, c.Audience.includes):
		return "", time.Time{}, errors.New(`unexpected "aud" claim value`)
	case c.Subject == "":
		return "", time.Time{}, errors.New(`missing "sub" claim`)
	}
	return h.prefix + c.Subject, trustUntil(c, h.now()), nil
}

// verifyWithAny tries the keys that go with the algorithm.
func verifyWithAny(token string, keys []jose.JSONWebKey, alg jose.SignatureAlgorithm) (claims, error) {
	const maxKeys = 16
	err := errNoSuchKey
	for i := range keys[:min(len(keys), maxKeys)] {
		if a := keys[i].Algorithm; a != "" && a != string(alg) {
			continue
		}
		var c claims
		if c, err = verifySignature(token, keys[i].Key, []jose.SignatureAlgorithm{alg}); err == nil {
			return c, nil
		}
	}
	return claims{}, err
}

// extended reports whether a header demands that the verifier understands more than plain JWS.
func extended(members map[string]any) bool {
	_, crit := members["crit"]
	_, b64 := members["b64"]
	return crit || b64
}

// trustUntil is exp, but not longer than keys that are not ours are believed.
func trustUntil(c claims, now time.Time) time.Time {
	limit := now.Add(maxRemoteTrust)
	if c.Expires != nil {
		if exp := time.Unix(int64(*c.Expires), 0); exp.Before(limit) {
			return exp
		}
	}
	return limit
}

// words reads a list, or a text of words separated by blanks or commas.
func words(s *config.Section, key string) []string {
	var all []string
	for _, text := range s.Strings(key) {
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
			if !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
	}
	return all
}

// readRestrictions reads accessRestrictions; none = nil. What cannot be read must not open what it meant to close: the
// result then names fewer plugins, but is not nil.
func readRestrictions(s *config.Section) (map[string]*principal.Restrictions, []string) {
	sections := s.Sections("accessRestrictions")
	list, isList := s.Value("accessRestrictions").([]any)
	if !s.Has("accessRestrictions") || isList && len(list) == 0 {
		return nil, nil
	}
	all := make(map[string]*principal.Restrictions, len(sections))
	var order []string
	for _, r := range sections {
		for _, key := range r.Keys() {
			if !slices.Contains([]string{"plugin", "permission", "permissionAttribute"}, key) {
				r.Problem(key, "is not known here, expected one of 'plugin', 'permission', 'permissionAttribute'")
			}
		}
		for _, key := range r.Section("permissionAttribute").Keys() {
			if key != "action" {
				r.Section("permissionAttribute").Problem(key, "is not known here, expected 'action'")
			}
		}
		plugin, ok := word(r, "plugin")
		if !ok {
			continue
		}
		if all[plugin] != nil {
			r.Problem("plugin", fmt.Sprintf("must not name '%s' twice", plugin))
			continue
		}
		actions := words(r.Section("permissionAttribute"), "action")
		for _, a := range actions {
			if !slices.Contains([]string{"create", "read", "update", "delete"}, a) {
				r.Section("permissionAttribute").Problem("action", "must be 'create', 'read', 'update' or 'delete'")
			}
		}
		all[plugin] = &principal.Restrictions{Permissions: words(r, "permission"), Actions: actions}
		order = append(order, plugin)
	}
	return all, order
}

// refusal is the text for a plugin that the restrictions do not name.
func (a *externalAccess) refusal() string {
	quoted := make([]string, len(a.order))
	for i, p := range a.order {
		quoted[i] = "'" + p + "'"
	}
	return "This token's access is restricted to plugin(s) " + strings.Join(quoted, ", ")
}
