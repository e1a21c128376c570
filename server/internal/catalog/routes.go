package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
)

//go:embed openapi.yaml
var openAPI []byte

// Feature is how the catalog is mounted.
func Feature() httpx.Feature { return httpx.Feature{ID: "catalog", OpenAPI: openAPI} }

// Writer is what the routes ask of the writing side; [Engine] is one.
type Writer interface {
	Refresh(ctx context.Context, ref string) error
	Ancestry(ctx context.Context, ref string) ([]AncestryItem, error)
	ValidateEntity(ctx context.Context, doc entity.Entity, location string) (problems []error, err error)
	DeleteEntity(ctx context.Context, uid string) error
	Locations(ctx context.Context) ([]Location, error)
	Location(ctx context.Context, id string) (Location, error)
	LocationByEntity(ctx context.Context, ref entity.Ref) (Location, error)
	CreateLocation(ctx context.Context, spec LocationSpec, onConflict OnConflict) (Location, error)
	DryRunLocation(ctx context.Context, spec LocationSpec) (DryRun, error)
	UpdateLocation(ctx context.Context, id string, spec LocationSpec) (Location, error)
	DeleteLocation(ctx context.Context, id string) error
}

// RoutesDeps is what the routes work with. All but the last three are required.
type RoutesDeps struct {
	Writer     Writer
	Index      *index.Index
	Authorizer permission.Authorizer
	// Auth verifies the token that old callers of refresh put into the body; nil = it is not looked at.
	Auth httpx.Authenticator
	// Annotations are what plugins read of entities, which analyze-location offers; nil = nothing.
	Annotations func() []ReadAnnotation
	// Permissions makes the catalog's permissions known; nil = [permission.Mount], which only shows them at the
	// catalog's own routes.
	Permissions func(*httpx.Router, ...permission.Integration)
}

// Routes registers every route of the catalog on r, which mounts [Feature].
func Routes(r *httpx.Router, d RoutesDeps) {
	a := &api{RoutesDeps: d, predicate: predicateSchema()}
	a.cursor = cursorSchema(a.predicate)
	a.batch = batchSchema(a.predicate)
	a.location = locationSchema()
	a.analyze = zod.Object(
		zod.Field{Name: "location", Schema: a.location},
		zod.Field{Name: "catalogFilename", Schema: zod.Optional(zod.String(""))},
	)

	r.GET("/entities", httpx.AnyPrincipal, a.entities)
	r.GET("/entities/by-query", httpx.AnyPrincipal, a.byQuery)
	r.POST("/entities/by-query", httpx.AnyPrincipal, a.postByQuery)
	r.POST("/entities/by-refs", httpx.AnyPrincipal, a.byRefs)
	r.GET("/entities/by-uid/:uid", httpx.AnyPrincipal, a.byUID)
	r.DELETE("/entities/by-uid/:uid", httpx.AnyPrincipal, a.deleteByUID)
	r.GET("/entities/by-name/:kind/:namespace/:name", httpx.AnyPrincipal, named(a.byName))
	r.GET("/entities/by-name/:kind/:namespace/:name/ancestry", httpx.AnyPrincipal, named(a.ancestry))
	r.GET("/entity-facets", httpx.AnyPrincipal, a.facets)
	r.POST("/entity-facets", httpx.AnyPrincipal, a.postFacets)
	r.POST("/refresh", httpx.AnyPrincipal, a.refresh)
	r.POST("/validate-entity", httpx.AnyPrincipal, a.validateEntity)

	r.GET("/locations", httpx.AnyPrincipal, a.locations)
	r.POST("/locations", httpx.AnyPrincipal, a.createLocation)
	r.POST("/locations/by-query", httpx.AnyPrincipal, a.locationsByQuery)
	r.GET("/locations/by-entity/:kind/:namespace/:name", httpx.AnyPrincipal, named(a.locationByEntity))
	r.GET("/locations/:id", httpx.AnyPrincipal, a.locationByID)
	r.PUT("/locations/:id", httpx.AnyPrincipal, a.updateLocation)
	r.DELETE("/locations/:id", httpx.AnyPrincipal, a.deleteLocation)
	r.POST("/analyze-location", httpx.AnyPrincipal, a.analyzeLocation)

	if d.Permissions == nil {
		d.Permissions = permission.Mount
	}
	d.Permissions(r, PermissionIntegration(a.load))
}

// api holds what the handlers share: collaborators and the shapes of requests.
type api struct {
	RoutesDeps
	predicate, cursor, batch, location, analyze zod.Schema
	buffers                                     sync.Pool
}

// load gives the permission feature the entities that conditions are about.
func (a *api) load(_ context.Context, refs []string) ([]entity.Entity, error) {
	s := a.Index.Snapshot()
	entities := make([]entity.Entity, len(refs))
	for i, ref := range refs {
		doc := s.ByRef(entity.Canonical(ref))
		if doc == nil {
			continue
		}
		if err := json.Unmarshal(doc.JSON, &entities[i]); err != nil {
			return nil, err
		}
	}
	return entities, nil
}

// access is what a caller may do with entities: nothing, or what passes the filter.
type access struct {
	denied bool
	filter index.Filter
}

// hides reports whether the entity is kept from the caller.
func (x access) hides(s *index.Snapshot, ref entity.Canonical) bool {
	return x.denied || !x.filter.IsZero() && !s.Matches(ref, x.filter)
}

// access asks the policy once for all entities; conditions become a filter of the index.
func (a *api) access(c *gin.Context, p permission.Permission) (access, error) {
	return decide(c.Request.Context(), a.Authorizer, httpx.Principal(c), p)
}

func decide(ctx context.Context, authz permission.Authorizer, caller *principal.Principal, p permission.Permission) (access, error) {
	d, err := authz.Authorize(ctx, caller, p)
	switch {
	case err != nil || d.Result == permission.Deny:
		return access{denied: true}, err
	case d.Result == permission.Conditional:
		f, err := CriteriaFilter(d.Conditions)
		return access{filter: f, denied: err != nil}, err
	}
	return access{}, nil
}

// require is for permissions that are not about one entity.
func (a *api) require(c *gin.Context, p permission.Permission) error {
	return permission.Require(c.Request.Context(), a.Authorizer, httpx.Principal(c), p)
}

var errNotAllowed = apierror.New(apierror.NotAllowed, "")

// errMalformedPath is the reference's word for an escape in a path that is no text.
var errMalformedPath = apierror.Inputf("malformed uri'")

// named is for routes with an entity's address in the path: an empty part of it is no such route.
func named(h func(*gin.Context, entity.Ref) error) httpx.Handler {
	return func(c *gin.Context) error {
		ref := entity.Ref{Kind: c.Param("kind"), Namespace: c.Param("namespace"), Name: c.Param("name")}
		if ref.Kind == "" || ref.Namespace == "" || ref.Name == "" {
			c.Status(http.StatusNotFound)
			return nil
		}
		if !utf8.ValidString(ref.Kind + ref.Namespace + ref.Name) {
			return errMalformedPath
		}
		return h(c, ref)
	}
}

// acceptsGzip is a first look, so that nothing is compressed for callers that never take it; the edge decides.
func acceptsGzip(c *gin.Context) bool {
	for _, v := range c.Request.Header["Accept-Encoding"] {
		if strings.Contains(v, "gzip") {
			return true
		}
	}
	return false
}
