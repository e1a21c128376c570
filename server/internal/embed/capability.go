package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/principal"
)

const (
	// imagesPath is where capabilities are used, below the feature's mount.
	imagesPath = "/v1/images"
	// mostCapabilities is how many one owner may have.
	mostCapabilities = 1000
	// longestCapability is how long one may last that ends by itself.
	longestCapability = 10 * 365 * 24 * time.Hour
	// publicFresh is the least time for which browsers and the caches between may keep a picture.
	publicFresh = time.Minute
)

// pictureFormats are what a capability is served as.
var pictureFormats = []string{"svg", "png", "json"}

// CapabilityRequest asks for a picture at an address of its own.
type CapabilityRequest struct {
	Widget    string          `json:"widget"`
	EntityRef string          `json:"entityRef"`
	Args      json.RawMessage `json:"args"`
	// ExpiresIn is in seconds; 0 = until it is revoked.
	ExpiresIn int64 `json:"expiresIn"`
}

// Capability is such a picture. URL is told once, to who made it; it ends with .svg, and .png and .json are the same.
type Capability struct {
	ID        string          `json:"id"`
	URL       string          `json:"url,omitempty"`
	Widget    string          `json:"widget"`
	EntityRef string          `json:"entityRef,omitempty"`
	Args      json.RawMessage `json:"args,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	ExpiresAt *time.Time      `json:"expiresAt,omitempty"`
}

// Grant makes a capability of p, who must be able to see now what it shows.
func (e *Engine) Grant(ctx context.Context, p *principal.Principal, r CapabilityRequest) (*Capability, error) {
	if err := e.mayGrant(p, r); err != nil {
		return nil, err
	}
	if string(r.Args) == "null" {
		r.Args = nil
	}
	shown := Shown{r.Widget, r.EntityRef, r.Args}
	if err := e.mayPublish(p, shown); err != nil {
		return nil, err
	}
	if err := e.Widgets.Check(ctx, p, shown); err != nil {
		return nil, err
	}
	secret := random(secretBytes)
	row, err := e.rowOf(p, shown, secret, time.Duration(r.ExpiresIn)*time.Second)
	if err != nil {
		return nil, err
	}
	if err := e.db.addCapability(ctx, row, mostCapabilities); err != nil {
		return nil, err
	}
	c := row.capability()
	c.URL = strings.TrimSuffix(e.BaseURL, "/") + "/api/widgets" + imagesPath + "/" + secret + ".svg"
	e.Logger.InfoContext(ctx, "public picture made", "event", "capability", "id", c.ID, "by", p.Subject, "widget", c.Widget, "entity", c.EntityRef, "expires", c.ExpiresAt)
	return &c, nil
}

// mayGrant is what can be said of a request without looking at what it names.
func (e *Engine) mayGrant(p *principal.Principal, r CapabilityRequest) error {
	switch {
	case p.Embed != nil:
		return apierror.New(apierror.NotAllowed, "An embed token cannot make public pictures")
	case !e.Apps.pictures():
		return apierror.New(apierror.NotAllowed, "Public pictures are switched off by callboard.embed.pictures")
	case !strings.Contains(r.Widget, "/"):
		return apierror.Inputf("widget: must be the id of a widget, such as cost/summary")
	case r.ExpiresIn < 0 || r.ExpiresIn > int64(longestCapability.Seconds()):
		return apierror.Inputf("expiresIn: must be seconds, at most %d", int64(longestCapability.Seconds()))
	}
	return nil
}

// mayPublish holds services to what their apps show. There is no other place where the configuration says that a service
// may show anything to others, and none that says when it may not any more: their tokens alone are not asked for at a view.
func (e *Engine) mayPublish(p *principal.Principal, w Shown) error {
	if p.Kind == principal.Service && !e.Apps.show(p.Subject, w) {
		return apierror.NotAllowedf("widget: %q may not publish %s; no app of callboard.embed.apps that lists the service shows it for such an entity", p.Subject, excerpt.Short(w.Widget))
	}
	return nil
}

// rowOf is a capability that ends after so long, 0 = when somebody ends it.
func (e *Engine) rowOf(p *principal.Principal, w Shown, secret string, life time.Duration) (*capabilityRow, error) {
	restrictions, err := json.Marshal(p.Restrictions)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	row := &capabilityRow{ID: random(9), SecretHash: hashOf(secret), Widget: w.Widget, EntityRef: w.Entity, Args: string(w.Args),
		OwnerKind: p.Kind.String(), Owner: p.Subject, Restrictions: string(restrictions), CreatedAt: now.UnixMilli()}
	if life > 0 {
		at := now.Add(life).UnixMilli()
		row.ExpiresAt = &at
	}
	return row, nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (r *capabilityRow) capability() Capability {
	c := Capability{ID: r.ID, Widget: r.Widget, EntityRef: r.EntityRef, CreatedAt: time.UnixMilli(r.CreatedAt).UTC()}
	if r.Args != "" {
		c.Args = json.RawMessage(r.Args)
	}
	if r.ExpiresAt != nil {
		at := time.UnixMilli(*r.ExpiresAt).UTC()
		c.ExpiresAt = &at
	}
	return c
}

// Capabilities lists those of p, oldest first.
func (e *Engine) Capabilities(ctx context.Context, p *principal.Principal) ([]Capability, error) {
	rows, err := e.db.capabilitiesOf(ctx, p.Kind.String(), p.Subject)
	if err != nil {
		return nil, err
	}
	all := []Capability{}
	for i := range rows {
		if !rows[i].over(e.Now()) {
			all = append(all, rows[i].capability())
		}
	}
	return all, nil
}

func (r *capabilityRow) over(now time.Time) bool {
	return r.ExpiresAt != nil && *r.ExpiresAt <= now.UnixMilli()
}

// EndCapability ends one of p, at once and everywhere.
func (e *Engine) EndCapability(ctx context.Context, p *principal.Principal, id string) error {
	removed, err := e.db.removeCapability(ctx, p.Kind.String(), p.Subject, id)
	if err != nil {
		return err
	}
	if !removed {
		return apierror.NotFoundf("You have no public picture %q", excerpt.Short(id))
	}
	e.Logger.InfoContext(ctx, "public picture ended", "event", "capability-ended", "id", id, "by", p.Subject)
	return nil
}

var (
	errNoPicture = apierror.New(apierror.NotFound, "There is no such picture, or it has ended")
	errNotDrawn  = apierror.New(apierror.ServiceUnavailable, "The picture cannot be drawn at the moment")
	errTooOften  = &apierror.Error{Name: "TooManyRequestsError", Status: 429, Message: "The picture is asked for too often; try again in a minute"}
)

// secretBytes is how much nobody can guess, secretLength how long that is in an address.
const secretBytes, secretLength = 16, 22

// View draws the picture behind a secret for a caller at an address. Why there is none is not told: the caller is nobody.
func (e *Engine) View(ctx context.Context, address, secret, format string) (*Drawing, error) {
	if !e.Apps.pictures() {
		return nil, errNoPicture
	}
	if !e.views.address(address, e.Now()) {
		return nil, errTooOften
	}
	if len(secret) != secretLength {
		return nil, errNoPicture
	}
	row, err := e.db.capabilityBySecret(ctx, hashOf(secret))
	if err != nil {
		return nil, err
	}
	if row == nil || row.over(e.Now()) {
		return nil, errNoPicture
	}
	if !e.views.secret(row.ID, e.Now()) {
		return nil, errTooOften
	}
	d, err := e.draw(ctx, row, format)
	if err != nil {
		return nil, e.hidden(ctx, row, err)
	}
	d.Fresh = max(d.Fresh, publicFresh)
	return &d, nil
}

// draw draws what a capability shows, as far as its owner may show it now.
func (e *Engine) draw(ctx context.Context, row *capabilityRow, format string) (Drawing, error) {
	p, err := row.owner()
	if err != nil {
		return Drawing{}, err
	}
	shown := Shown{row.Widget, row.EntityRef, row.capability().Args}
	if err := e.mayPublish(p, shown); err != nil {
		return Drawing{}, err
	}
	return e.Widgets.Draw(ctx, p, shown, format)
}

// owner is who made the capability, with the rights of now and, for a service, the restrictions of then.
func (r *capabilityRow) owner() (*principal.Principal, error) {
	p := &principal.Principal{Kind: principal.User, Subject: r.Owner}
	if r.OwnerKind == principal.Service.String() {
		p.Kind = principal.Service
	}
	return p, json.Unmarshal([]byte(r.Restrictions), &p.Restrictions)
}

// hidden is what nobody in particular is told of an error: the widget, its entity or the right to see it is gone, or it is
// an outage, which the log explains.
func (e *Engine) hidden(ctx context.Context, row *capabilityRow, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	e.Logger.InfoContext(ctx, "a public picture is not shown", "id", row.ID, "widget", row.Widget, "entity", row.EntityRef, "owner", row.Owner, "reason", apierror.Describe(err))
	switch apierror.NameOf(err) {
	case apierror.NotFound, apierror.NotAllowed, apierror.Input, apierror.Authentication, apierror.Conflict:
		return errNoPicture
	}
	return errNotDrawn
}
