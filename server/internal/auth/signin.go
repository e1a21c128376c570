package auth

import (
	"log/slog"

	"github.com/callboard/callboard/server/internal/auth/signin"
	"github.com/callboard/callboard/server/internal/weblink"
)

// SignInProvider is a way for people to sign in, as app-config.yaml has set it up.
type SignInProvider struct {
	ID string
	// Title is what people know it by: "GitHub", "Okta", "OpenID Connect".
	Title string
	// Guest: it asks nothing and is entered with one request, instead of being led to another site.
	Guest bool
}

// SignInProviders lists the ways to sign in that work here, in a fixed order, guest last. Those that are no guest's are
// started in the environment that [Service.SignInEnvironment] names.
func (s *Service) SignInProviders() []SignInProvider {
	var list []SignInProvider
	for _, p := range s.signIn.Offered() {
		list = append(list, SignInProvider{ID: p.ID, Title: p.Title})
	}
	if s.guest.configured && s.guest.allowed {
		list = append(list, SignInProvider{ID: "guest", Title: "Guest", Guest: true})
	}
	return list
}

// SignInEnvironment is auth.environment, the "env" that browsers name when they start a sign-in.
func (s *Service) SignInEnvironment() string { return s.signIn.Environment() }

// readSignIn reads auth.providers, all but the guest.
func (s *Service) readSignIn(o Options) *signin.Engine {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler) // a configuration is only checked
	}
	app := o.Config.Section("app")
	appURL := app.String("baseUrl", defaultApp)
	if weblink.Origin(appURL) == "" {
		app.Problem("baseUrl", "must be an absolute http or https URL")
	}
	return signin.New(signin.Options{
		Config: o.Config.Section("auth"), App: appURL, Base: s.discovery.External("auth"),
		Catalog: o.Users, SignIn: s.SignIn, Landed: o.Landed, Development: o.Development, Transport: o.Transport, Now: s.now, Logger: log,
	})
}
