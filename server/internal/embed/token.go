package embed

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/principal"
)

// The life of a token in seconds.
const (
	usualLife, leastLife, longestLife = 300, 30, 600
	// mostNames bounds each list of a request; the length of the token bounds them together.
	mostNames = 100
)

// Request asks for a token. What is left out is as wide as the app allows.
type Request struct {
	App      string                     `json:"app"`
	Widgets  []string                   `json:"widgets"`
	Entities []string                   `json:"entities"`
	Args     map[string]json.RawMessage `json:"args"` // which the page cannot choose
	Origins  []string                   `json:"origins"`
	Features []string                   `json:"features"`
	// Viewer is the user whose rights the page has, "" = who asks.
	Viewer string `json:"viewer"`
	// ExpiresIn is in seconds.
	ExpiresIn int `json:"expiresIn"`
}

// Token is what a page gets.
type Token struct {
	Token     string    `json:"token"`
	ID        string    `json:"id"`
	ExpiresAt time.Time `json:"expiresAt"`
	// RefreshAfter is when to ask for the next one, SessionEndsAt from when on there is none.
	RefreshAfter  time.Time `json:"refreshAfter"`
	SessionEndsAt time.Time `json:"sessionEndsAt"`
}

// Mint makes a token for p, which begins a session.
func (e *Engine) Mint(ctx context.Context, p *principal.Principal, r Request) (*Token, error) {
	app, err := e.mayMint(p, r.App)
	if err == nil {
		var t *Token
		if t, err = e.mint(ctx, p, app, r); err == nil {
			return t, nil
		}
	}
	e.refused(ctx, "mint", r.App, p, err)
	return nil, err
}

// refused is the line of the log for a request that was not granted. It holds no credentials: errors here quote names only.
func (e *Engine) refused(ctx context.Context, what, app string, p *principal.Principal, err error) {
	e.Logger.WarnContext(ctx, "embed token refused", "event", what, "app", excerpt.Short(app), "by", p.Subject, "reason", apierror.Describe(err))
}

// mayMint answers the app if p may get tokens for it. Whether there is an app is no secret: its id is in every page.
func (e *Engine) mayMint(p *principal.Principal, id string) (App, error) {
	app, ok := e.Apps.Find(id)
	switch {
	case p.Embed != nil:
		return app, apierror.New(apierror.NotAllowed, "An embed token cannot get others; refresh it")
	case id == "":
		return app, apierror.Inputf("app: must be the id of an app of callboard.embed.apps")
	case !ok:
		return app, apierror.NotFoundf("app: there is no app %q in callboard.embed.apps", excerpt.Short(id))
	case p.Kind == principal.User && app.Users, p.Kind == principal.Service && slices.Contains(app.Services, p.Subject):
		return app, nil
	case p.Kind == principal.User:
		return app, apierror.NotAllowedf("app: users may not get tokens of %q; callboard.embed.apps.%s.users would let them", id, id)
	}
	return app, apierror.NotAllowedf("app: %q may not get tokens of %q; callboard.embed.apps.%s.services does not list it", p.Subject, id, id)
}

func (e *Engine) mint(ctx context.Context, p *principal.Principal, app App, r Request) (*Token, error) {
	grant, err := app.narrowed(r)
	if err != nil {
		return nil, err
	}
	viewer, err := e.viewer(ctx, p, app, r.Viewer)
	if err != nil {
		return nil, err
	}
	life, err := lifeOf(r.ExpiresIn)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	grant.Minter, grant.Session, grant.Epoch = p.Subject, random(16), e.live.epoch(app.ID)
	grant.SessionEnds = now.Add(app.Session).Truncate(time.Second)
	t, err := e.issue(ctx, p, viewer, grant, life)
	if err != nil {
		return nil, err
	}
	row := &sessionRow{ID: grant.Session, App: app.ID, Minter: p.Subject, Viewer: viewer, CreatedAt: now.UnixMilli(), EndsAt: grant.SessionEnds.UnixMilli()}
	if err := e.db.insert(ctx, row); err != nil {
		return nil, err
	}
	e.Logger.InfoContext(ctx, "embed token issued", "event", "mint", "app", app.ID, "id", t.ID, "by", p.Subject, "viewer", viewer,
		"expires", t.ExpiresAt, "sessionEnds", grant.SessionEnds)
	return t, nil
}

// viewer is whose rights the page has; "" = the service's own.
func (e *Engine) viewer(ctx context.Context, p *principal.Principal, app App, asked string) (string, error) {
	if p.Kind == principal.User {
		if asked != "" && !strings.EqualFold(asked, p.Subject) {
			return "", apierror.NotAllowedf("viewer: you can get a token for yourself alone")
		}
		return p.Subject, nil
	}
	if asked == "" {
		return "", nil
	}
	if !app.MayNameViewers {
		return "", apierror.NotAllowedf("viewer: the app %q may not name viewers; callboard.embed.apps.%s.mayNameViewers would let it", app.ID, app.ID)
	}
	return e.user(ctx, asked)
}

// user is the ref of a user who is in the catalog.
func (e *Engine) user(ctx context.Context, asked string) (string, error) {
	ref, err := entity.ParseRef(asked, entity.Defaults{})
	if err != nil || !strings.EqualFold(ref.Kind, "user") {
		return "", apierror.Inputf("viewer: must be the ref of a user, such as user:default/guest")
	}
	user, ok, err := e.Users.User(ctx, ref.Canonical())
	if err != nil {
		return "", err
	}
	if !ok {
		return "", apierror.NotFoundf("viewer: there is no user %q in the catalog", excerpt.Short(asked))
	}
	return string(user.Ref().Canonical()), nil
}

func lifeOf(seconds int) (time.Duration, error) {
	switch {
	case seconds == 0:
		return usualLife * time.Second, nil
	case seconds < leastLife || seconds > longestLife:
		return 0, apierror.Inputf("expiresIn: must be from %d to %d seconds", leastLife, longestLife)
	}
	return time.Duration(seconds) * time.Second, nil
}

// issue makes the next token of a session.
func (e *Engine) issue(ctx context.Context, by *principal.Principal, viewer string, grant principal.Embed, life time.Duration) (*Token, error) {
	now := e.Now()
	grant.ID = grant.Session + "." + random(6)
	grant.Issued, grant.Expires = now, now.Add(life).Truncate(time.Second)
	if grant.Expires.After(grant.SessionEnds) {
		grant.Expires = grant.SessionEnds
	}
	text, err := e.Signer.IssueEmbedToken(ctx, by, viewer, grant)
	if err != nil {
		return nil, err
	}
	after := now.Add(grant.Expires.Sub(now) * 4 / 5).Truncate(time.Second)
	return &Token{Token: text, ID: grant.ID, ExpiresAt: grant.Expires.UTC(), RefreshAfter: after.UTC(), SessionEndsAt: grant.SessionEnds.UTC()}, nil
}

// Refresh makes the next token for a page that has one, with the same limits, or with those of the app where they have
// become narrower. The former one stays good until it ends.
func (e *Engine) Refresh(ctx context.Context, p *principal.Principal) (*Token, error) {
	old := p.Embed
	if old == nil {
		return nil, apierror.New(apierror.NotAllowed, "Only an embed token can be refreshed; get the first one from POST /tokens")
	}
	t, err := e.refresh(ctx, p)
	if err != nil {
		e.refused(ctx, "refresh", old.App, p, err)
		return nil, err
	}
	e.Logger.InfoContext(ctx, "embed token issued", "event", "refresh", "app", old.App, "id", t.ID, "former", old.ID, "by", old.Minter, "expires", t.ExpiresAt)
	return t, nil
}

func (e *Engine) refresh(ctx context.Context, p *principal.Principal) (*Token, error) {
	old := p.Embed
	if err := e.Holds(old); err != nil {
		return nil, err
	}
	if left := old.SessionEnds.Sub(e.Now()); left < time.Second {
		return nil, apierror.New(apierror.Authentication, "The session of the embed token is over; get a new one from the app")
	}
	app, _ := e.Apps.Find(old.App)
	next, ok := app.bounded(*old)
	viewer := ""
	if p.Kind == principal.User {
		viewer = p.Subject
	}
	if !ok || !app.serves(old.Minter, viewer) {
		return nil, apierror.New(apierror.NotAllowed, "The app may not have such a token any longer")
	}
	if viewer != "" && viewer != old.Minter {
		if _, err := e.user(ctx, viewer); err != nil { // who has left is not who the service has signed in
			return nil, err
		}
	}
	return e.issue(ctx, p, viewer, next, old.Expires.Sub(old.Issued))
}

// Revoke ends the token with that id and all that were refreshed from the same first one. A service of the app may, and
// who got the token.
func (e *Engine) Revoke(ctx context.Context, p *principal.Principal, id string) error {
	session, _, _ := strings.Cut(id, ".")
	row, err := e.db.session(ctx, session)
	if err != nil {
		return err
	}
	if row == nil || !e.mayRevoke(p, row) {
		return apierror.NotFoundf("There is no embed token %q that you may revoke", excerpt.Short(id))
	}
	now := e.Now()
	if err := e.db.revoke(ctx, session, now); err != nil {
		return err
	}
	e.live.merge(nil, map[string]time.Time{session: time.UnixMilli(row.EndsAt)}, now)
	e.Logger.InfoContext(ctx, "embed token revoked", "event", "revoke", "app", row.App, "id", id, "by", p.Subject)
	return nil
}

func (e *Engine) mayRevoke(p *principal.Principal, row *sessionRow) bool {
	app, _ := e.Apps.Find(row.App)
	return p.Embed == nil && (row.Minter == p.Subject || p.Kind == principal.Service && slices.Contains(app.Services, p.Subject))
}

// RevokeApp ends all tokens of an app that there are by now. Its services may.
func (e *Engine) RevokeApp(ctx context.Context, p *principal.Principal, id string) error {
	app, ok := e.Apps.Find(id)
	if !ok {
		return apierror.NotFoundf("There is no app %q in callboard.embed.apps", excerpt.Short(id))
	}
	if p.Embed != nil || p.Kind != principal.Service || !slices.Contains(app.Services, p.Subject) {
		err := apierror.NotAllowedf("Only the services of the app %q may revoke its tokens", id)
		e.refused(ctx, "revoke-app", id, p, err)
		return err
	}
	epoch, err := e.db.advance(ctx, id)
	if err != nil {
		return err
	}
	e.live.merge(map[string]int64{id: epoch}, nil, e.Now())
	e.Logger.InfoContext(ctx, "all embed tokens of an app revoked", "event", "revoke-app", "app", id, "epoch", epoch, "by", p.Subject)
	return nil
}
