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
	switch {
	case p.Embed != nil:
		return nil, apierror.New(apierror.NotAllowed, "An embed token cannot make public pictures")
	case !e.Apps.pictures():
		return nil, apierror.New(apierror.NotAllowed, "Public pictures are switched off by callboard.embed.pictures")
	case !strings.Contains(r.Widget, "/"):
		return nil, apierror.Inputf("widget: must be the id of a widget, such as cost/summary")
	case r.ExpiresIn < 0 || r.ExpiresIn > int64(longestCapability.Seconds()):
		return nil, apierror.Inputf("expiresIn: must be seconds, at most %d", int64(longestCapability.Seconds()))
	}
	if string(r.Args) == "null" || len(r.Args) == 0 {
		r.Args = nil
	}
	if err := e.Widgets.Check(ctx, p, Shown{r.Widget, r.EntityRef, r.Args}); err != nil {
		return nil, err
	}
	restrictions, err := json.Marshal(p.Restrictions)
	if err != nil {
		return nil, err
	}
	secret, now := random(16), e.Now()
	row := &capabilityRow{ID: random(9), SecretHash: hashOf(secret), Widget: r.Widget, EntityRef: r.EntityRef, Args: string(r.Args),
		OwnerKind: p.Kind.String(), Owner: p.Subject, Restrictions: string(restrictions), CreatedAt: now.UnixMilli()}
	if r.ExpiresIn > 0 {
		at := now.Add(time.Duration(r.ExpiresIn) * time.Second).UnixMilli()
		row.ExpiresAt = &at
	}
	if err := e.db.addCapability(ctx, row, mostCapabilities); err != nil {
		return nil, err
	}
	c := row.capability()
	c.URL = strings.TrimSuffix(e.BaseURL, "/") + "/api/widgets" + imagesPath + "/" + secret + ".svg"
	e.Logger.InfoContext(ctx, "public picture made", "event", "capability", "id", c.ID, "by", p.Subject, "widget", c.Widget, "entity", c.EntityRef, "expires", c.ExpiresAt)
	return &c, nil
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
		return apierror.NotFoundf("You have no public picture %q", clip(id))
	}
	e.Logger.InfoContext(ctx, "public picture ended", "event", "capability-ended", "id", id, "by", p.Subject)
	return nil
}

var (
	errNoPicture = apierror.New(apierror.NotFound, "There is no such picture, or it has ended")
	errNotDrawn  = apierror.New(apierror.ServiceUnavailable, "The picture cannot be drawn at the moment")
	errTooOften  = &apierror.Error{Name: "TooManyRequestsError", Status: 429, Message: "The picture is asked for too often; try again in a minute"}
	secretLength = len(random(16))
)

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
	p, err := row.owner()
	if err != nil {
		return nil, err
	}
	d, err := e.Widgets.Draw(ctx, p, Shown{row.Widget, row.EntityRef, row.capability().Args}, format)
	if err != nil {
		return nil, e.hidden(ctx, row, err)
	}
	d.Fresh = max(d.Fresh, publicFresh)
	return &d, nil
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
