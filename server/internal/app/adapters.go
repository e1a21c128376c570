package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/maypok86/otter/v2"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/widget"
)

// users answers auth's questions from the catalog's index.
type users struct{ engine *catalog.Engine }

func (u users) User(_ context.Context, ref entity.Canonical) (entity.Entity, bool, error) {
	return lookUp(u.engine, ref)
}

// readable answers which entities a caller may read, for features that show what hangs on an entity.
type readable struct {
	engine *catalog.Engine
	authz  permission.Authorizer
}

func (r readable) Visible(ctx context.Context, p *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error) {
	return r.visible(ctx, p, ref, lookUp)
}

func (r readable) visible(ctx context.Context, p *principal.Principal, ref entity.Canonical,
	find func(*catalog.Engine, entity.Canonical) (entity.Entity, bool, error)) (entity.Entity, bool, error) {
	decision, err := r.authz.Authorize(ctx, p, catalog.PermissionRead)
	if err != nil || decision.Result == permission.Deny {
		return nil, false, err
	}
	e, ok, err := find(r.engine, ref)
	if err != nil || !ok || decision.Result == permission.Allow {
		return e, ok, err
	}
	ok, err = catalog.EvaluateCriteria(decision.Conditions, e)
	return e, ok, err
}

// remembering is readable for entities that are asked for again and again and are large, as descriptions of APIs are:
// decoding one of ten megabytes takes longer than what is shown of it. Who asks must not change what is answered.
type remembering struct {
	readable

	decoded *otter.Cache[*index.Doc, widget.Entity] // a document of the index never changes
}

// rememberedBytes is about how much memory remembered entities take.
const rememberedBytes = 64 << 20

func newRemembering(r readable) remembering {
	return remembering{r, otter.Must(&otter.Options[*index.Doc, widget.Entity]{
		MaximumWeight: rememberedBytes,
		Weigher:       func(doc *index.Doc, _ widget.Entity) uint32 { return uint32(2*len(doc.JSON) + 1<<10) },
	})}
}

func (r remembering) Visible(ctx context.Context, p *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error) {
	found, ok, err := r.Read(ctx, p, ref)
	return found.Entity, ok, err
}

// Read implements [widget.Entities].
func (r remembering) Read(ctx context.Context, p *principal.Principal, ref entity.Canonical) (found widget.Entity, ok bool, err error) {
	_, ok, err = r.visible(ctx, p, ref, func(engine *catalog.Engine, ref entity.Canonical) (entity.Entity, bool, error) {
		doc := engine.Index().Snapshot().ByRef(ref)
		if doc == nil {
			return nil, false, nil
		}
		found, err = r.of(doc)
		return found.Entity, err == nil, err
	})
	if err != nil || !ok {
		return widget.Entity{}, false, err
	}
	return found, true, nil
}

// of decodes a document once. The version is a digest of all of it: documents of the same content have the same, also after
// one of them was forgotten, and on other hosts.
func (r remembering) of(doc *index.Doc) (widget.Entity, error) {
	if found, ok := r.decoded.GetIfPresent(doc); ok {
		return found, nil
	}
	e, _, err := decode(doc)
	if err != nil {
		return widget.Entity{}, err
	}
	sum := sha256.Sum256(doc.JSON)
	found := widget.Entity{Entity: e, Version: string(sum[:])}
	r.decoded.Set(doc, found)
	return found, nil
}

func lookUp(engine *catalog.Engine, ref entity.Canonical) (entity.Entity, bool, error) {
	doc := engine.Index().Snapshot().ByRef(ref)
	if doc == nil {
		return nil, false, nil
	}
	return decode(doc)
}

func decode(doc *index.Doc) (entity.Entity, bool, error) {
	var e entity.Entity
	if err := json.Unmarshal(doc.JSON, &e); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", doc.Ref, err)
	}
	return e, true, nil
}

// entityJSON is an entity as it is answered, nil when there is none.
func (a *App) entityJSON(ref entity.Canonical) []byte {
	doc := a.features.catalog.Index().Snapshot().ByRef(ref)
	if doc == nil {
		return nil
	}
	return doc.JSON
}

// environment is the last value of a variable in a list as os.Environ gives it.
func environment(env []string, name string) string {
	for _, pair := range slices.Backward(env) {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// identities says who opened a WebSocket, from the token that came as its subprotocol.
type identities struct{ auth *auth.Service }

func (i identities) Identify(ctx context.Context, token string) (signals.Identity, error) {
	p, err := i.auth.AuthenticateToken(ctx, token, "signals", false)
	if err != nil || p.Kind != principal.User {
		return signals.Identity{}, err
	}
	ownership, err := i.auth.Ownership(ctx, p)
	if err != nil {
		return signals.Identity{}, err
	}
	return signals.Identity{User: p.Subject, Ownership: ownership}, nil
}

var _ widget.Entities = remembering{}
