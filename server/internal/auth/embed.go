package auth

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Embeds says which tokens of embedding pages still hold. It is asked for each request with one, so it must not block; it
// is safe for concurrent use.
type Embeds interface {
	// Holds is an AuthenticationError when the token or all of its app were revoked.
	Holds(e *principal.Embed) error
}

type noEmbeds struct{}

func (noEmbeds) Holds(*principal.Embed) error { return errEmbedToken }

const (
	embedAudience = "callboard-embed"
	// MaxEmbedLife is the longest life of a token of an embedding page.
	MaxEmbedLife     = 10 * time.Minute
	embedKeyLifetime = time.Hour
	// maxEmbedToken is the longest such token, in bytes: it must pass every proxy as a header.
	maxEmbedToken = 6 << 10
)

var (
	errEmbedToken     = apierror.New(apierror.Authentication, "Failed embed token verification")
	errEmbedElsewhere = apierror.New(apierror.NotAllowed, "This endpoint does not allow embed tokens")
	errEmbedOrigin    = apierror.New(apierror.NotAllowed, "The embed token is not for pages of this origin")
	errEmbedDelegates = apierror.New(apierror.NotAllowed, "Embed tokens cannot be exchanged for other tokens")
)

// embedClaims are the claims of a token of an embedding page. Subject is the viewer, "" = the rights are the minter's,
// who is then a service with those restrictions.
type embedClaims struct {
	Issuer       string                        `json:"iss"`
	Audience     string                        `json:"aud"`
	Subject      string                        `json:"sub,omitempty"`
	Minter       string                        `json:"act"`
	App          string                        `json:"app"`
	ID           string                        `json:"jti"`
	Session      string                        `json:"sid"`
	Issued       int64                         `json:"iat"`
	Expires      int64                         `json:"exp"`
	SessionEnds  int64                         `json:"ses"`
	Epoch        int64                         `json:"epo"`
	Widgets      []string                      `json:"wid"`
	Entities     []string                      `json:"ent"`
	Args         map[string]stdjson.RawMessage `json:"par,omitempty"`
	Origins      []string                      `json:"org"`
	Features     []string                      `json:"fea"`
	Restrictions map[string]embedRestrictions  `json:"rst,omitempty"`
}

type embedRestrictions struct {
	Permissions []string `json:"p,omitempty"`
	Actions     []string `json:"a,omitempty"`
}

// IssueEmbedToken makes a token of an embedding page from now until e.Expires. by is who asks for it, and what by is
// restricted to is part of the token; viewer is whose rights the page has, "" = those of by, who must be a service. The
// caller has made sure that by may have all that e says.
func (s *Service) IssueEmbedToken(ctx context.Context, by *principal.Principal, viewer string, e principal.Embed) (string, error) {
	c := embedClaims{
		Issuer: s.discovery.External("auth"), Audience: embedAudience, Subject: viewer, Minter: e.Minter, App: e.App, ID: e.ID, Session: e.Session,
		Issued: s.now().Unix(), Expires: e.Expires.Unix(), SessionEnds: e.SessionEnds.Unix(), Epoch: e.Epoch,
		Widgets: e.Widgets, Entities: e.Entities, Args: e.Args, Origins: e.Origins, Features: e.Features,
	}
	access, err := s.restrictionsOf(ctx, by)
	if err != nil {
		return "", err
	}
	if access != nil {
		c.Restrictions = map[string]embedRestrictions{}
		for plugin, r := range access {
			c.Restrictions[plugin] = embedRestrictions{r.Permissions, r.Actions}
		}
	}
	if err := c.check(); err != nil {
		return "", err
	}
	key, err := s.embedKeys.signer(ctx)
	if err != nil {
		return "", err
	}
	token, err := key.sign(typeEmbed, c)
	if err == nil && len(token) > maxEmbedToken {
		return "", apierror.Inputf("the token would be %d bytes long, at most %d pass as a header: ask for fewer widgets and entities, or smaller args", len(token), maxEmbedToken)
	}
	return token, err
}

// restrictionsOf is what the credentials of p are restricted to in every feature; nil = nothing.
func (s *Service) restrictionsOf(ctx context.Context, p *principal.Principal) (map[string]*principal.Restrictions, error) {
	if p.Token == "" {
		return nil, nil
	}
	v, err := s.lookup(ctx, p.Token, "widgets")
	if err != nil || v.access == nil {
		return nil, err
	}
	return v.access.restrictions, nil
}

// check holds both for what is signed and for what is read: a token without limits must not exist.
func (c *embedClaims) check() error {
	switch {
	case c.Audience != embedAudience:
		return errors.New(`unexpected "aud" claim value`)
	case c.App == "" || c.ID == "" || c.Session == "" || c.Minter == "" || c.Issued == 0 || c.Expires == 0:
		return errors.New("a required claim is missing")
	case c.Expires <= c.Issued || c.Expires-c.Issued > int64(MaxEmbedLife.Seconds()):
		return errors.New("the life of the token is not that of an embed token")
	case c.Subject == "" && strings.HasPrefix(c.Minter, "user:"), c.Subject != "" && !strings.HasPrefix(c.Subject, "user:"):
		return errors.New("the viewer is no user")
	}
	return nil
}

func (s *Service) verifyEmbed(ctx context.Context, token string, h header, members map[string]any) (*verified, error) {
	c, err := s.verifyEmbedSignature(ctx, token, h, members)
	if err != nil {
		s.log.WarnContext(ctx, "failed to verify incoming embed token", "reason", err)
		return nil, errEmbedToken
	}
	p := &principal.Principal{Kind: principal.Service, Subject: c.Minter, Token: token, Embed: c.embed()}
	if c.Subject != "" {
		p.Kind, p.Subject = principal.User, c.Subject
	}
	v := &verified{principal: p, expires: c.Expires}
	if c.Restrictions != nil {
		v.restrict(c.access())
	}
	return v, nil
}

func (s *Service) verifyEmbedSignature(ctx context.Context, token string, h header, members map[string]any) (c embedClaims, err error) {
	if !plainHeader(members) || len(token) > maxEmbedToken {
		return c, errors.New("the header or the length is not that of an embed token")
	}
	key, err := s.embedKeys.find(ctx, h.KeyID)
	if err != nil {
		return c, err
	}
	if key == nil {
		return c, errNoSuchKey
	}
	payload, err := verifiedPayload(token, key.Key, ownAlgorithms)
	if err != nil {
		return c, err
	}
	var times claims
	if err := decodeClaims(payload, &times); err != nil {
		return c, err
	}
	if err := times.checkTimes(s.now()); err != nil {
		return c, err
	}
	if err := json.Unmarshal(payload, &c); err != nil { // as decodeClaims: no member twice, none in another case
		return c, errMalformed
	}
	return c, c.check()
}

func (c *embedClaims) embed() *principal.Embed {
	return &principal.Embed{
		App: c.App, Minter: c.Minter, ID: c.ID, Session: c.Session, Epoch: c.Epoch,
		Issued: time.Unix(c.Issued, 0), Expires: time.Unix(c.Expires, 0), SessionEnds: time.Unix(c.SessionEnds, 0),
		Widgets: c.Widgets, Entities: c.Entities, Args: c.Args, Origins: c.Origins, Features: c.Features,
	}
}

func (c *embedClaims) access() *externalAccess {
	a := &externalAccess{restrictions: map[string]*principal.Restrictions{}}
	for plugin, r := range c.Restrictions {
		a.restrictions[plugin] = &principal.Restrictions{Permissions: r.Permissions, Actions: r.Actions}
		a.order = append(a.order, plugin)
	}
	slices.Sort(a.order)
	return a
}

// checkOrigin holds a page to the origins of its token. Browsers name the page's origin in every request that carries a
// token to another one; the host's own pages, such as the frame of a widget, are those that it serves itself.
func (s *Service) checkOrigin(origin []string, e *principal.Embed) error {
	if len(origin) == 0 || len(origin) == 1 && (origin[0] == s.origin || slices.Contains(e.Origins, origin[0])) {
		return nil
	}
	return errEmbedOrigin
}
