package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const settingsText = `
callboard:
  embed:
    apps:
      portal:
        title: Portal
        origins: [https://portal.example.com, https://staging.example.com]
        widgets: ['cost/*', sentry/open-issues]
        entities: ['component:*', group:default/payments]
        features: [export]
        services: [ci]
        mayNameViewers: true
        session: 1h
      quiet: {widgets: ['*'], services: [ci], users: true}`

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// desk plays what an engine asks of others: tokens are "token-of-<id>", kept with what they say; there is one user.
type desk struct {
	mu     sync.Mutex
	issued map[string]principal.Embed
	viewer string
	left   bool // the user has left the catalog

	seen     []principal.Principal
	problem  error
	problemD error
}

func (d *desk) IssueEmbedToken(_ context.Context, _ *principal.Principal, viewer string, e principal.Embed) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.issued["token-of-"+e.ID], d.viewer = e, viewer
	return "token-of-" + e.ID, nil
}

func (d *desk) User(_ context.Context, ref entity.Canonical) (entity.Entity, bool, error) {
	e := entity.Entity{"kind": "User", "metadata": map[string]any{"name": "Guest"}}
	return e, ref == "user:default/guest" && !d.left, nil
}

func (d *desk) Check(context.Context, *principal.Principal, Shown) error { return d.problem }

func (d *desk) Draw(_ context.Context, p *principal.Principal, w Shown, format string) (Drawing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, *p)
	return Drawing{ContentType: "image/svg+xml", Body: []byte(w.Widget + "." + format)}, d.problemD
}

// rig is an engine with its surroundings.
type rig struct {
	*Engine
	desk  *desk
	clock *clock
	log   *bytes.Buffer
}

func newRig(t testing.TB, db *store.DB) *rig {
	t.Helper()
	r := &rig{desk: &desk{issued: map[string]principal.Embed{}}, clock: &clock{at: time.Unix(1_795_000_000, 0)}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewJSONHandler(r.log, nil))
	cfg := config.FromYAML(settingsText)
	apps := NewApps(cfg, log)
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	var err error
	r.Engine, err = New(t.Context(), Options{DB: db, Apps: apps, Signer: r.desk, Users: r.desk, Widgets: r.desk, Logger: log, BaseURL: "https://host.test/", Now: r.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var (
	ci    = &principal.Principal{Kind: principal.Service, Subject: "ci", Token: "canary-credential"}
	other = &principal.Principal{Kind: principal.Service, Subject: "other"}
	guest = &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}
)

func (r *rig) minted(t testing.TB, request Request) (*Token, *principal.Principal) {
	t.Helper()
	token, err := r.Mint(t.Context(), ci, request)
	if err != nil {
		t.Fatal(err)
	}
	return token, r.page(token)
}

// page is the caller that a token stands for.
func (r *rig) page(token *Token) *principal.Principal {
	e := r.desk.issued[token.Token]
	if r.desk.viewer != "" {
		return &principal.Principal{Kind: principal.User, Subject: r.desk.viewer, Embed: &e}
	}
	return &principal.Principal{Kind: principal.Service, Subject: e.Minter, Embed: &e}
}

func TestMint_IsAsWideAsTheAppUnlessAskedForLess(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	token, page := r.minted(t, Request{App: "portal"})
	e, now := page.Embed, r.clock.now()
	if !slices.Equal(e.Widgets, []string{"cost/*", "sentry/open-issues"}) || len(e.Origins) != 2 || !e.Has(Export) || e.Minter != "ci" || e.App != "portal" {
		t.Errorf("%+v", e)
	}
	if !token.ExpiresAt.Equal(now.Add(5*time.Minute)) || !token.RefreshAfter.Equal(now.Add(4*time.Minute)) || !e.SessionEnds.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", token)
	}
	_, page = r.minted(t, Request{App: "portal", Widgets: []string{"cost/summary"}, Entities: []string{"Component:Shop"}, Origins: []string{"https://STAGING.example.com/"},
		Features: []string{}, Args: map[string]json.RawMessage{"top": json.RawMessage("5")}, ExpiresIn: 600})
	e = page.Embed
	if e.AllowsWidget("cost/trend") || !e.AllowsEntity("component:default/shop") || e.AllowsEntity("component:default/other") || e.Has(Export) ||
		!slices.Equal(e.Origins, []string{"https://staging.example.com"}) || string(e.Args["top"]) != "5" || !e.Expires.Equal(now.Add(10*time.Minute)) {
		t.Errorf("%+v", e)
	}
}

func TestMint_IsNeverWiderThanTheAppAndTheCaller(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	page := &principal.Principal{Kind: principal.Service, Subject: "ci", Embed: &principal.Embed{App: "portal"}}
	many := slices.Repeat([]string{"cost/a"}, 101)
	for _, c := range []struct {
		who     *principal.Principal
		request Request
		want    string
	}{
		{ci, Request{}, "InputError: app: must be"},
		{ci, Request{App: "nope"}, `NotFoundError: app: there is no app "nope"`},
		{other, Request{App: "portal"}, "NotAllowedError: app: "},
		{guest, Request{App: "portal"}, "NotAllowedError: app: users may not"},
		{page, Request{App: "portal"}, "NotAllowedError: An embed token cannot get others"},
		{ci, Request{App: "portal", Widgets: []string{"*"}}, `NotAllowedError: widgets: the app may not show "*"`},
		{ci, Request{App: "portal", Widgets: []string{"sentry/*"}}, "NotAllowedError: widgets: "},
		{ci, Request{App: "portal", Widgets: []string{"cost/a", "gateway/keys"}}, `NotAllowedError: widgets: the app may not show "gateway/keys"`},
		{ci, Request{App: "portal", Widgets: []string{""}}, `InputError: widgets: ""`},
		{ci, Request{App: "portal", Widgets: many}, "InputError: widgets: must be at most 100"},
		{ci, Request{App: "portal", Entities: []string{"api:default/x"}}, "NotAllowedError: entities: "},
		{ci, Request{App: "portal", Entities: []string{"*"}}, "NotAllowedError: entities: "},
		{ci, Request{App: "portal", Entities: []string{"shop"}}, "InputError: entities: "},
		{ci, Request{App: "portal", Origins: []string{"https://evil.test"}}, `NotAllowedError: origins: the app does not have "https://evil.test"`},
		{ci, Request{App: "portal", Origins: []string{"*"}}, "NotAllowedError: origins: "},
		{ci, Request{App: "quiet", Origins: []string{""}}, "NotAllowedError: origins: "},
		{ci, Request{App: "portal", Features: []string{"forms"}}, `NotAllowedError: features: the app does not have "forms"`},
		{ci, Request{App: "portal", ExpiresIn: 601}, "InputError: expiresIn: "},
		{ci, Request{App: "portal", ExpiresIn: -1}, "InputError: expiresIn: "},
		{ci, Request{App: "quiet", Viewer: "user:default/guest"}, `NotAllowedError: viewer: the app "quiet" may not name viewers`},
		{ci, Request{App: "portal", Viewer: "user:default/nobody"}, "NotFoundError: viewer: "},
		{ci, Request{App: "portal", Viewer: "group:default/payments"}, "InputError: viewer: "},
		{ci, Request{App: "portal", Viewer: "guest"}, "InputError: viewer: "},
		{guest, Request{App: "quiet", Viewer: "user:default/admin"}, "NotAllowedError: viewer: "},
	} {
		token, err := r.Mint(t.Context(), c.who, c.request)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s, %+v: %v %v, want %s", c.who.Subject, c.request, token, err, c.want)
		}
	}
	if len(r.desk.issued) > 0 {
		t.Errorf("tokens were signed: %v", slices.Collect(maps.Keys(r.desk.issued)))
	}
}

func TestMint_HasTheRightsOfTheViewerOrOfWhoAsks(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	for _, c := range []struct {
		who    *principal.Principal
		app    string
		asked  string
		viewer string
	}{
		{ci, "portal", "", ""}, {ci, "portal", "User:Default/GUEST", "user:default/guest"}, {guest, "quiet", "", "user:default/guest"},
		{guest, "quiet", "user:default/guest", "user:default/guest"}, {ci, "quiet", "", ""},
	} {
		if _, err := r.Mint(t.Context(), c.who, Request{App: c.app, Viewer: c.asked}); err != nil || r.desk.viewer != c.viewer {
			t.Errorf("%+v: viewer %q, %v", c, r.desk.viewer, err)
		}
	}
}

func TestRefresh_KeepsLimitsWithinTheSession(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	first, page := r.minted(t, Request{App: "portal", Widgets: []string{"cost/summary"}, ExpiresIn: 60, Viewer: "user:default/guest"})
	r.clock.advance(50 * time.Second)
	second, err := r.Refresh(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	e := r.desk.issued[second.Token]
	if second.ID == first.ID || e.Session != page.Embed.Session || !slices.Equal(e.Widgets, []string{"cost/summary"}) ||
		!second.ExpiresAt.Equal(r.clock.now().Add(time.Minute)) || r.desk.viewer != "user:default/guest" {
		t.Errorf("%+v %+v", second, e)
	}
	if err := r.Holds(page.Embed); err != nil {
		t.Errorf("the former token is good until it ends: %v", err)
	}
	r.clock.advance(time.Hour - 80*time.Second) // 30 seconds before the session ends
	last, err := r.Refresh(t.Context(), r.page(second))
	if err != nil || !last.ExpiresAt.Equal(e.SessionEnds) {
		t.Errorf("the last token ends with the session: %+v, %v", last, err)
	}
	r.clock.advance(30 * time.Second)
	if _, err := r.Refresh(t.Context(), r.page(last)); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("after the session: %v", err)
	}
	if _, err := r.Refresh(t.Context(), ci); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("who has no embed token: %v", err)
	}
}

func TestRefresh_EndsForAViewerWhoHasLeftTheCatalog(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	_, page := r.minted(t, Request{App: "portal", Viewer: "user:default/guest"})
	r.desk.left = true
	if _, err := r.Refresh(t.Context(), page); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("the viewer is gone, the session goes on: %v", err)
	}
	own, err := r.Mint(t.Context(), guest, Request{App: "quiet"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Refresh(t.Context(), r.page(own)); err != nil {
		t.Errorf("who has signed in without being in the catalog: %v", err)
	}
}

func TestRefresh_FollowsTheConfiguration(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	_, page := r.minted(t, Request{App: "portal"})
	reload := func(old, replacement string) {
		r.Apps.Reload(config.FromYAML(strings.Replace(settingsText, old, replacement, 1)))
	}
	reload("widgets: ['cost/*', sentry/open-issues]", "widgets: [sentry/open-issues]")
	next, err := r.Refresh(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	if e := r.desk.issued[next.Token]; !slices.Equal(e.Widgets, []string{"sentry/open-issues"}) {
		t.Errorf("the app has become narrower, the token has not: %v", e.Widgets)
	}
	reload("widgets: ['cost/*', sentry/open-issues]", "widgets: [other/x]")
	if _, err := r.Refresh(t.Context(), page); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("nothing is left of the token: %v", err)
	}
	reload("services: [ci]", "services: [new]")
	if _, err := r.Refresh(t.Context(), page); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("the service is none of the app any longer: %v", err)
	}
	reload("portal:", "renamed:")
	if err := r.Holds(page.Embed); !apierror.Has(err, apierror.Authentication) {
		t.Errorf("the app is gone, its token is good: %v", err)
	}
}

func TestRevoke_EndsTheSessionHereAtOnceAndOnOtherReplicasSoon(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one, two := newRig(t, db), newRig(t, db)
		first, page := one.minted(t, Request{App: "portal"})
		second, err := two.Refresh(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		_, unrelated := one.minted(t, Request{App: "portal"})
		for _, who := range []*principal.Principal{other, guest, page} {
			if err := one.Revoke(t.Context(), who, first.ID); !apierror.Has(err, apierror.NotFound) {
				t.Errorf("%s may revoke it: %v", who.Subject, err)
			}
		}
		if err := one.Revoke(t.Context(), ci, first.ID); err != nil {
			t.Fatal(err)
		}
		later := two.page(second)
		if one.Holds(page.Embed) == nil || one.Holds(later.Embed) == nil {
			t.Error("a token of the session is good where it was revoked")
		}
		if err := two.load(t.Context(), two.clock.now().Add(-slack)); err != nil {
			t.Fatal(err)
		}
		if two.Holds(page.Embed) == nil || two.Holds(later.Embed) == nil {
			t.Error("a token of the session is good on another replica")
		}
		if _, err := two.Refresh(t.Context(), later); !apierror.Has(err, apierror.Authentication) {
			t.Errorf("a revoked token was refreshed: %v", err)
		}
		if err := two.Holds(unrelated.Embed); err != nil {
			t.Errorf("another session ended too: %v", err)
		}
		if started := newRig(t, db); started.Holds(page.Embed) == nil {
			t.Error("a replica that starts later does not know of the revocation")
		}
		if err := one.Revoke(t.Context(), ci, "nope"); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("no such token: %v", err)
		}
	})
}

func TestRevokeApp_EndsWhatThereIsAndNotWhatComes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one, two := newRig(t, db), newRig(t, db)
		_, old := one.minted(t, Request{App: "portal"})
		_, quiet := one.minted(t, Request{App: "quiet"})
		for _, who := range []*principal.Principal{other, guest, old} {
			if err := one.RevokeApp(t.Context(), who, "portal"); !apierror.Has(err, apierror.NotAllowed) {
				t.Errorf("%s may revoke: %v", who.Subject, err)
			}
		}
		for range 2 {
			if err := one.RevokeApp(t.Context(), ci, "portal"); err != nil {
				t.Fatal(err)
			}
		}
		_, fresh := one.minted(t, Request{App: "portal"})
		if fresh.Embed.Epoch != 2 || one.Holds(old.Embed) == nil || one.Holds(fresh.Embed) != nil || one.Holds(quiet.Embed) != nil {
			t.Errorf("epoch %d: old %v, fresh %v, another app %v", fresh.Embed.Epoch, one.Holds(old.Embed), one.Holds(fresh.Embed), one.Holds(quiet.Embed))
		}
		if err := two.Holds(fresh.Embed); err != nil {
			t.Errorf("a replica that has not heard yet refuses a newer epoch: %v", err)
		}
		if err := two.load(t.Context(), two.clock.now()); err != nil || two.Holds(old.Embed) == nil {
			t.Errorf("another replica does not follow: %v", err)
		}
	})
}
