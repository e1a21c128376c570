package auth

// SignInProvider is a way for people to sign in, as app-config.yaml has set it up.
type SignInProvider struct {
	ID string
	// Title is what people know it by: "GitHub", "Okta", "OpenID Connect".
	Title string
	// Guest: it asks nothing and is entered with one request, instead of being led to another site.
	Guest bool
}

// SignInProviders lists the ways to sign in that work here, in a fixed order: guest last.
func (s *Service) SignInProviders() []SignInProvider {
	var list []SignInProvider
	if s.guest.configured && s.guest.allowed {
		list = append(list, SignInProvider{ID: "guest", Title: "Guest", Guest: true})
	}
	return list
}
