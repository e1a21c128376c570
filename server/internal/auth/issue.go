package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth/signin"
	"github.com/callboard/callboard/server/internal/principal"
)

// UserInfo is what is known about a user since the last sign-in, as /v1/userinfo answers it.
type UserInfo struct {
	Claims UserClaims `json:"claims"`
}

// UserClaims are the user's ref and what the user owns things through.
type UserClaims = signin.Claims

// Session is what the guest's sign-in hands to the browser, in the form of the wire.
type Session struct {
	Profile  map[string]any   `json:"profile"`
	Identity *SessionIdentity `json:"backstageIdentity,omitempty"`
}

// SessionIdentity is a user token and what it says.
type SessionIdentity = signin.Identity

// UserIdentity names a user and the user's ownership.
type UserIdentity = signin.UserIdentity

// SignIn issues a user token for those claims and remembers them for /v1/userinfo and [Service.Ownership]. The caller
// has made sure that the person is that user.
func (s *Service) SignIn(ctx context.Context, c UserClaims) (*SessionIdentity, error) {
	if len(c.Ownership) == 0 {
		c.Ownership = []string{c.Subject}
	}
	token, err := s.IssueUserToken(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.db.saveUserInfo(ctx, UserInfo{c}, s.now()); err != nil {
		return nil, fmt.Errorf("remember the claims of %s: %w", c.Subject, err)
	}
	s.owners.Invalidate(c.Subject)
	return &SessionIdentity{
		Token:     token,
		Identity:  UserIdentity{Type: "user", User: c.Subject, Ownership: c.Ownership},
		ExpiresIn: s.userTokenLifetime.Seconds(),
	}, nil
}

// IssueUserToken makes a user token without any other effect.
func (s *Service) IssueUserToken(ctx context.Context, c UserClaims) (string, error) {
	if _, err := entity.ParseRef(c.Subject, entity.Defaults{}); err != nil {
		return "", apierror.New(apierror.Generic, `"sub" claim provided by the auth resolver is not a valid EntityRef.`)
	}
	key, err := s.userKeys.signer(ctx)
	if err != nil {
		return "", err
	}
	now := s.now()
	claims := userClaims{
		Issuer: s.discovery.External("auth"), Subject: c.Subject, Audience: userAudience,
		Issued: now.Unix(), Expires: now.Add(s.userTokenLifetime).Unix(),
	}
	if s.claimOwnership {
		claims.Ownership = c.Ownership
	}
	return key.signUser(claims)
}

// PluginToken issues the token with which feature from calls feature or plugin to on behalf of p:
// a service gives a plain plugin token; a user one that names the user; [principal.Nobody] is refused, except that it
// gives no token at all where backend.auth.dangerouslyDisableDefaultAuthPolicy says so. A restricted external token is
// passed on only when it may use all of the target.
func (s *Service) PluginToken(ctx context.Context, from, to string, p *principal.Principal) (string, error) {
	if p.Embed != nil {
		return "", errEmbedDelegates
	}
	switch p.Kind {
	case principal.Service:
		if err := s.mayDelegate(ctx, p, to); err != nil {
			return "", err
		}
		return s.issuePluginToken(ctx, from, to, "", time.Time{})
	case principal.User:
		limited, expires, err := s.LimitedToken(p)
		if err != nil {
			return "", err
		}
		return s.issuePluginToken(ctx, from, to, limited, expires)
	}
	if s.open {
		return "", nil
	}
	return "", apierror.Newf(apierror.Authentication, "Refused to issue service token for credential type '%s'", p.Kind)
}

// LimitedToken is the limited user token of a user principal: good for cookies and for acting on behalf of the user.
func (s *Service) LimitedToken(p *principal.Principal) (token string, expires time.Time, err error) {
	if p.Embed != nil {
		return "", time.Time{}, errEmbedDelegates
	}
	if p.Kind != principal.User || p.Token == "" {
		return "", time.Time{}, apierror.New(apierror.Authentication, "User credentials is unexpectedly missing token")
	}
	token, expires, err = limitedToken(p.Token)
	if err != nil {
		return "", time.Time{}, apierror.New(apierror.Authentication, "Failed to create limited user token, "+err.Error())
	}
	return token, expires, nil
}

func (s *Service) mayDelegate(ctx context.Context, p *principal.Principal, to string) error {
	if p.Restrictions == nil {
		return nil
	}
	// The principal knows the restrictions of the plugin it was admitted to; those of the target are asked anew.
	target, err := s.authenticate(ctx, p.Token, to, 0)
	if apierror.Has(err, apierror.NotAllowed) {
		return apierror.NotAllowedf("Access to target plugin '%s' is not included in token's access restrictions", to)
	}
	if err != nil {
		return err
	}
	if target.Restrictions.Limits() {
		return apierror.NotAllowedf("Access to target plugin '%s' is restricted and cannot be delegated", to)
	}
	return nil
}

func (s *Service) issuePluginToken(ctx context.Context, from, to, onBehalfOf string, until time.Time) (string, error) {
	ring := s.pluginRing(from)
	if ring == nil {
		return "", fmt.Errorf("issue plugin token: %q is no feature of this host", from)
	}
	key, err := ring.signer(ctx)
	if err != nil {
		return "", err
	}
	now := s.now()
	expires := now.Add(pluginTokenLifetime)
	if onBehalfOf != "" && until.Before(expires) {
		expires = until
	}
	return key.sign(typePlugin, pluginClaims{
		Subject: from, Audience: to, Issued: now.Unix(), Expires: expires.Unix(), OnBehalfOf: onBehalfOf,
	})
}

// ownership is a cached answer of [Service.Ownership].
type ownership struct {
	refs  []string
	until time.Time
}

const ownershipFresh = 5 * time.Second

// Ownership lists the refs that a user principal owns things through, as they were at the last sign-in, on whichever
// replica; nil for who never signed in or is no user. A viewer whom another portal names need not have signed in: the
// catalog says then what they own through. The answer is shared: read only.
func (s *Service) Ownership(ctx context.Context, p *principal.Principal) ([]string, error) {
	if p.Kind != principal.User {
		return nil, nil
	}
	now := s.now()
	if o, ok := s.owners.GetIfPresent(p.Subject); ok && now.Before(o.until) {
		return o.refs, nil
	}
	info, found, err := s.db.userInfo(ctx, p.Subject)
	if err != nil {
		return nil, fmt.Errorf("look up what %s owns: %w", p.Subject, err)
	}
	if !found && p.Embed != nil {
		info.Claims = s.catalogClaims(ctx, entity.Canonical(p.Subject), nil)
	}
	s.owners.Set(p.Subject, ownership{refs: info.Claims.Ownership, until: now.Add(ownershipFresh)})
	return info.Claims.Ownership, nil
}

// MintRequest is what `callboard token` asks for: a user's token, or a plugin's for one target.
type MintRequest struct {
	User           string
	Plugin, Target string
}

// Mint issues a token from the command line, on the database of a host that may be running: it finds the new key by
// itself. Whoever can write to that database can do this anyway.
func (s *Service) Mint(ctx context.Context, r MintRequest) (string, error) {
	if s.keys != keyStore(s.db) {
		return "", errors.New("auth.keyStore.provider: keys in memory are known to one process, so no host would know the token; use database")
	}
	switch {
	case r.User != "" && r.Plugin == "":
		ref, err := entity.ParseRef(r.User, entity.Defaults{Kind: "user"})
		if err != nil {
			return "", err
		}
		if !strings.EqualFold(ref.Kind, "user") {
			return "", fmt.Errorf("%s is not a user: only users sign in", ref)
		}
		id, err := s.SignIn(ctx, s.catalogClaims(ctx, ref.Canonical(), nil))
		if err != nil {
			return "", err
		}
		return id.Token, nil
	case r.User == "" && pluginID.MatchString(r.Plugin) && pluginID.MatchString(r.Target):
		s.addPlugin(r.Plugin)
		return s.issuePluginToken(ctx, r.Plugin, r.Target, "", time.Time{})
	}
	return "", errors.New("name either a user, or a plugin and its target")
}

// catalogClaims are the claims of the user with that ref: groups by the memberOf relations of its entity, or otherwise
// when the catalog has no such entity or does not answer (sign-in must work while the catalog is not).
func (s *Service) catalogClaims(ctx context.Context, ref entity.Canonical, otherwise []string) UserClaims {
	c := UserClaims{Subject: string(ref), Ownership: otherwise}
	if len(otherwise) == 0 {
		c.Ownership = []string{c.Subject}
	}
	if s.users == nil {
		return c
	}
	e, ok, err := s.users.User(ctx, ref)
	if err != nil {
		s.log.WarnContext(ctx, "could not look up a user in the catalog", "user", ref, "error", err)
	}
	if err != nil || !ok {
		return c
	}
	return signin.ClaimsOf(e)
}
