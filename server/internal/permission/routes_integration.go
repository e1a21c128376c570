package permission

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
)

// The routes of features that own permissions.
const (
	metadataPath = "/.well-known/backstage/permissions/metadata"
	applyPath    = "/.well-known/backstage/permissions/apply-conditions"
)

// Mount registers the routes through which others learn the feature's permissions and have its conditions evaluated.
func Mount(r *httpx.Router, integrations ...Integration) {
	known := offerOf(integrations)
	shown := metadataOf(integrations)
	known.shown = &shown
	integrationRoutes{func() (*offer, error) { return known, nil }}.register(r)
}

// Source tells what a feature has at the time of a request. An error is what those who ask are told. Neither integrations
// nor an error: the feature has no part in permissions, and there is nothing at its routes.
type Source func() ([]Integration, error)

// MountSource is [Mount] for a feature whose integrations come and go.
func MountSource(r *httpx.Router, source Source) {
	integrationRoutes{func() (*offer, error) {
		integrations, err := source()
		if err != nil || len(integrations) == 0 {
			return nil, err
		}
		return offerOf(integrations), nil
	}}.register(r)
}

// offer is what a feature's routes show and evaluate.
type offer struct {
	integrations []Integration
	byType       map[string]*Integration
	shown        *metadata // nil = to be made
}

func offerOf(integrations []Integration) *offer {
	o := &offer{integrations: integrations, byType: map[string]*Integration{}}
	for i := range integrations {
		if t := integrations[i].ResourceType; t != "" {
			o.byType[t] = &integrations[i]
		}
	}
	return o
}

func (o *offer) metadata() metadata {
	if o.shown != nil {
		return *o.shown
	}
	return metadataOf(o.integrations)
}

// integrationRoutes are over an offer that is asked for at each request; nil = there is none.
type integrationRoutes struct {
	offered func() (*offer, error)
}

func (i integrationRoutes) register(r *httpx.Router) {
	access := httpx.AnyPrincipal
	if slices.Contains(r.Feature().Policies, httpx.Policy{Path: "/", Allow: httpx.AllowUnauthenticated}) {
		access = httpx.Public
	}
	r.GET(metadataPath, access, i.showMetadata)
	r.POST(applyPath, httpx.AnyPrincipal, i.applyConditions(requestSchemas().apply))
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r.Unlisted(method, applyPath, httpx.AnyPrincipal, i.refuseOthers)
	}
}

func (i integrationRoutes) showMetadata(c *gin.Context) error {
	o, err := i.offered()
	switch {
	case err != nil:
		return err
	case o == nil:
		c.Status(http.StatusNotFound)
		return nil
	}
	return httpx.JSON(c, http.StatusOK, o.metadata())
}

// refuseOthers answers methods of the path that evaluates which it does not have.
func (i integrationRoutes) refuseOthers(c *gin.Context) error {
	if o, err := i.offered(); o != nil || err != nil {
		if err := refuseUsers(c); err != nil {
			return err
		}
	}
	c.Status(http.StatusNotFound)
	return nil
}

func (i integrationRoutes) applyConditions(schema zod.Schema) httpx.Handler {
	return func(c *gin.Context) error {
		o, unavailable := i.offered()
		if o == nil && unavailable == nil {
			c.Status(http.StatusNotFound)
			return nil
		}
		if err := refuseUsers(c); err != nil {
			return err
		}
		if unavailable != nil {
			return unavailable
		}
		var body any
		if err := httpx.BindJSON(c, &body); err != nil {
			return err
		}
		items, err := parse[application](schema, body)
		if err != nil {
			return err
		}
		answers, err := o.apply(c.Request.Context(), items)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"items": answers})
	}
}

// refuseUsers keeps users from probing resources that the policy hides. Plugins may ask in their name.
func refuseUsers(c *gin.Context) error {
	if p := httpx.Principal(c); p.Kind == principal.User && p.Actor == "" {
		return apierror.New(apierror.NotAllowed, "")
	}
	return nil
}

func (o *offer) apply(ctx context.Context, items []application) ([]answer, error) {
	var unknown []string
	wanted := map[string][]question{}
	for i := range items {
		item := &items[i]
		if o.byType[item.ResourceType] == nil {
			unknown = append(unknown, item.ResourceType)
		}
		wanted[item.ResourceType] = append(wanted[item.ResourceType], question{&item.Conditions, item.ResourceRef.values})
	}
	if unknown != nil {
		return nil, apierror.Inputf("Unexpected resource types: %s.", strings.Join(unknown, ", "))
	}
	decided := make(map[string][][]Result, len(wanted))
	for resourceType, questions := range wanted {
		results, err := o.byType[resourceType].decide(ctx, questions)
		if err != nil {
			return nil, err
		}
		decided[resourceType] = results
	}
	answers := make([]answer, len(items))
	for i, item := range items {
		results := decided[item.ResourceType]
		decided[item.ResourceType] = results[1:]
		answers[i] = answer{ID: item.ID, Result: item.ResourceRef.answer(results[0])}
	}
	return answers, nil
}
