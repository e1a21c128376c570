package app

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// identityWith is a host's identity with the plugins hello and other beside the catalog; user tokens last ten minutes.
func identityWith(t *testing.T) *auth.Service {
	t.Helper()
	cfg := config.FromValue(map[string]any{
		"backend":   map[string]any{"baseUrl": "https://portal.example.com"},
		"auth":      map[string]any{"backstageTokenExpiration": "10 minutes"},
		"discovery": map[string]any{"endpoints": []any{map[string]any{"target": "http://10.1.1.1/{{pluginId}}", "plugins": []any{"far"}}}},
	})
	s, err := auth.New(t.Context(), auth.Options{Config: cfg, DB: storetest.SQLite(t), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	server := httpxtest.NewWith(t, httpx.Options{Auth: s, EveryFeature: s.PluginRoutes})
	for _, id := range []string{"hello", "other", "catalog"} {
		server.Feature(httpx.Feature{ID: id})
	}
	return s
}

// limited is what a plugin is given of a user who calls it.
func limited(t *testing.T, s *auth.Service, user string) string {
	t.Helper()
	session, err := s.SignIn(t.Context(), auth.UserClaims{Subject: user, Ownership: []string{user, "group:default/team"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.AuthenticateToken(t.Context(), session.Token, "hello", false)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.LimitedToken(p)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestPluginToken_IsThePluginsOwnOrNamesTheUserForNoLongerThanTheUsersToken(t *testing.T) {
	s := identityWith(t)
	identity := pluginIdentity{s}
	own, err := identity.PluginToken(t.Context(), "hello", "catalog", "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.AuthenticateToken(t.Context(), own.Text, "catalog", false)
	if err != nil || p.Kind != principal.Service || p.Subject != "plugin:hello" {
		t.Errorf("the plugin's own token is %+v, %v", p, err)
	}
	if left := time.Until(own.Expires); left > time.Hour || left < 59*time.Minute {
		t.Errorf("it lasts %s", left)
	}
	if _, err := s.AuthenticateToken(t.Context(), own.Text, "other", false); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("it is good at another target: %v", err)
	}
	acting, err := identity.PluginToken(t.Context(), "hello", "catalog", limited(t, s, "user:default/ann"))
	if err != nil {
		t.Fatal(err)
	}
	p, err = s.AuthenticateToken(t.Context(), acting.Text, "catalog", false)
	if err != nil || p.Kind != principal.User || p.Subject != "user:default/ann" || p.Actor != "plugin:hello" {
		t.Errorf("the token on behalf of a user is %+v, %v", p, err)
	}
	if left := time.Until(acting.Expires); left > 10*time.Minute {
		t.Errorf("it outlives the user's: %s", left)
	}
}

func TestPluginToken_OnBehalfOfWhatIsNoUserIsRefused(t *testing.T) {
	s := identityWith(t)
	identity := pluginIdentity{s}
	service, err := identity.PluginToken(t.Context(), "other", "hello", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"a service": service.Text, "nonsense": "a.b.c"} {
		if _, err := identity.PluginToken(t.Context(), "hello", "catalog", token); !apierror.Has(err, apierror.Authentication) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerify_SaysWhoCame(t *testing.T) {
	s := identityWith(t)
	identity := pluginIdentity{s}
	id, err := identity.Verify(t.Context(), "hello", limited(t, s, "user:default/ann"))
	if err != nil || id.Type != "user" || id.Subject != "user:default/ann" || !slices.Contains(id.Ownership, "group:default/team") {
		t.Errorf("got %+v, %v", id, err)
	}
	token, err := identity.PluginToken(t.Context(), "other", "hello", "")
	if err != nil {
		t.Fatal(err)
	}
	if id, err = identity.Verify(t.Context(), "hello", token.Text); err != nil || id.Type != "service" || id.Subject != "plugin:other" {
		t.Errorf("got %+v, %v", id, err)
	}
	if _, err = identity.Verify(t.Context(), "catalog", token.Text); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("a token for another plugin: %v", err)
	}
}

// onlyAnn allows one user everything.
type onlyAnn struct{}

func (onlyAnn) Decide(_ context.Context, _ permission.Permission, u *permission.User) (permission.Decision, error) {
	if u != nil && u.Subject == "user:default/ann" {
		return permission.Decision{Result: permission.Allow}, nil
	}
	return permission.Decision{Result: permission.Deny}, nil
}

func TestPluginPermission_IsAskedForTheUserOrForThePlugin(t *testing.T) {
	s := identityWith(t)
	p := pluginPermission{auth: s, engine: permission.New(permission.Options{Enabled: true, Policy: onlyAnn{}, Logger: slog.New(slog.DiscardHandler)})}
	questions := []hostsvc.Question{{Permission: "release.create", Action: "create"}}
	for user, want := range map[string]bool{"": true, "user:default/ann": true, "user:default/bob": false} {
		token := ""
		if user != "" {
			token = limited(t, s, user)
		}
		allowed, err := p.Authorize(t.Context(), "hello", token, questions)
		if err != nil || len(allowed) != 1 || allowed[0] != want {
			t.Errorf("%q: %v, %v", user, allowed, err)
		}
	}
	if _, err := p.Authorize(t.Context(), "hello", "a.b.c", questions); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestPluginDiscovery_TellsAddressesForInsideAndOutside(t *testing.T) {
	d := pluginDiscovery{identityWith(t).Discovery()}
	for target, want := range map[string][2]string{
		"catalog": {"https://portal.example.com/api/catalog", "http://callboard.internal/api/catalog"},
		"far":     {"http://10.1.1.1/far", "http://10.1.1.1/far"},
	} {
		external, internal, err := d.BaseURL(t.Context(), target)
		if err != nil || external != want[0] || internal != want[1] {
			t.Errorf("%s: %s, %s, %v", target, external, internal, err)
		}
	}
}

func TestPluginEvents_SayWhoPublishedThem(t *testing.T) {
	bus := events.New(slog.New(slog.DiscardHandler))
	defer bus.Close()
	got := make(chan events.Event, 1)
	if _, err := bus.Subscribe(events.Subscriber{ID: "test", Topics: []string{"releases"}, Deliver: func(_ context.Context, batch []events.Event) error {
		got <- batch[0]
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	sent := map[string]string{publisherKey: "catalog", "a": "b"}
	if err := (pluginEvents{bus}).Publish(t.Context(), "hello", hostsvc.Event{Topic: "releases", Payload: []byte(`1`), Metadata: sent}); err != nil {
		t.Fatal(err)
	}
	if e := <-got; e.Metadata[publisherKey] != "hello" || e.Metadata["a"] != "b" || sent[publisherKey] != "catalog" {
		t.Errorf("event %+v", e)
	}
}
