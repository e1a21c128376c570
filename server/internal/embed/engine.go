package embed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
)

// Signer makes tokens; the auth feature is one.
type Signer interface {
	// IssueEmbedToken signs what e says, with the rights of viewer, or of by where viewer is "". It adds what by is
	// restricted to.
	IssueEmbedToken(ctx context.Context, by *principal.Principal, viewer string, e principal.Embed) (string, error)
}

// Users answers who is a user.
type Users interface {
	User(ctx context.Context, ref entity.Canonical) (entity.Entity, bool, error)
}

// Widgets draws what capabilities show.
type Widgets interface {
	// Check is an error when p may not see the widget for that entity, or the arguments do not fit it.
	Check(ctx context.Context, p *principal.Principal, w Shown) error
	// Draw makes the picture, or "json" its data. An error that is told to viewers names nothing that they must not know.
	Draw(ctx context.Context, p *principal.Principal, w Shown, format string) (Drawing, error)
}

// Shown is one widget of one entity with its arguments; Entity may be "", and Args nil.
type Shown struct {
	Widget, Entity string
	Args           json.RawMessage
}

// Drawing is a widget as it is served.
type Drawing struct {
	ContentType string
	Body        []byte
	// Fresh is how long it need not be asked for again.
	Fresh time.Duration
}

// Options is what an engine is made of. All but Now are required.
type Options struct {
	DB      *store.DB
	Apps    *Apps
	Signer  Signer
	Users   Users
	Widgets Widgets
	Logger  *slog.Logger
	// BaseURL is the host's own address, for addresses of pictures.
	BaseURL string
	Now     func() time.Time
}

// Engine gets and ends tokens and capabilities. It is safe for concurrent use.
type Engine struct {
	Options

	db    database
	live  revocations
	views *views
}

// New prepares the tables and reads what is revoked.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{Options: o, db: database{o.DB}, views: newViews()}
	if err := e.db.migrate(ctx); err != nil {
		return nil, err
	}
	return e, e.load(ctx, time.UnixMilli(0))
}

// random is n bytes that nobody can guess, as text for addresses.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
