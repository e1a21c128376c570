package auth

import (
	"context"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

// guestProvider signs everybody in as one user, without asking anything.
type guestProvider struct {
	configured bool
	allowed    bool
	user       string
	ownership  []string
}

func readGuest(auth *config.Section, development bool) *guestProvider {
	g := &guestProvider{configured: auth.Section("providers").Has("guest")}
	s := auth.Section("providers.guest")
	g.allowed = development || s.Bool("dangerouslyAllowOutsideDevelopment", false)
	g.user = s.String("userEntityRef", "user:development/guest")
	g.ownership = s.Strings("ownershipEntityRefs")
	if _, err := entity.ParseRef(g.user, entity.Defaults{Kind: "user"}); err != nil {
		s.Problem("userEntityRef", "must be an entity ref such as user:default/guest")
	}
	return g
}

// signInGuest is the guest's session.
func (s *Service) signInGuest(ctx context.Context) (*Session, error) {
	g := s.guest
	if !g.allowed {
		return nil, apierror.New(apierror.NotAllowed, "The guest provider cannot be used outside of a development environment unless 'auth.providers.guest.dangerouslyAllowOutsideDevelopment' is enabled")
	}
	ref, err := entity.ParseRef(g.user, entity.Defaults{Kind: "user"})
	if err != nil {
		return nil, err
	}
	identity, err := s.SignIn(ctx, s.catalogClaims(ctx, ref.Canonical(), g.ownership))
	if err != nil {
		return nil, err
	}
	return &Session{Profile: map[string]any{}, Identity: identity}, nil
}
