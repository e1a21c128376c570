package permission

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Feature is /api/permission.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "permission", Policies: []httpx.Policy{{Path: "/health", Allow: httpx.AllowUnauthenticated}}}
}

// Routes registers /api/permission.
func (e *Engine) Routes(r *httpx.Router) {
	schema := requestSchemas().authorize
	access := httpx.UserOnly
	if e.anonymous {
		access = httpx.Public
	}
	r.GET("/health", httpx.Public, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, map[string]string{"status": "ok"})
	})
	r.POST("/authorize", access, func(c *gin.Context) error {
		p := httpx.Principal(c)
		if p.Kind == principal.Service {
			return apierror.New(apierror.NotAllowed, "This endpoint does not allow 'service' credentials")
		}
		var body any
		if err := httpx.BindJSON(c, &body); err != nil {
			return err
		}
		items, err := parse[query](schema, body)
		if err != nil {
			return err
		}
		answers, err := e.answer(c.Request.Context(), p, items)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"items": answers})
	})
}

// answer decides a batch. Criteria are told to plugins that act for a user, so that they can filter; a user who asks
// directly must name the resource, and gets the plain result.
func (e *Engine) answer(ctx context.Context, p *principal.Principal, items []query) ([]answer, error) {
	if direct := p.Kind == principal.User && p.Actor == ""; direct {
		for _, q := range items {
			if q.Permission.Type == Resource && q.ResourceRef == nil {
				return nil, apierror.Inputf("Resource permissions require a resourceRef to be set. Direct user requests without a resourceRef are not allowed.")
			}
		}
	}
	answers := make([]answer, len(items))
	conditional := map[string][]int{} // indexes of items whose criteria have to be evaluated, by resource type
	for i, q := range items {
		d, err := e.decide(ctx, p, q.Permission)
		if err != nil {
			return nil, err
		}
		answers[i] = answer{ID: q.ID, Result: d.Result}
		if d.Result != Conditional {
			continue
		}
		answers[i].ResourceType, answers[i].Conditions = q.Permission.ResourceType, d.Conditions
		if o := e.resource(q.Permission.ResourceType); o != nil {
			answers[i].PluginID = o.plugin
		}
		if q.ResourceRef != nil {
			conditional[q.Permission.ResourceType] = append(conditional[q.Permission.ResourceType], i)
		}
	}
	for resourceType, indexes := range conditional {
		if err := e.evaluate(ctx, resourceType, items, indexes, answers); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// evaluate replaces the conditional answers of one resource type by plain ones.
func (e *Engine) evaluate(ctx context.Context, resourceType string, items []query, indexes []int, answers []answer) error {
	o := e.resource(resourceType)
	if o == nil {
		return apierror.Newf(apierror.NotImplemented, "No plugin of this host owns the resource type '%s'", resourceType)
	}
	questions := make([]question, len(indexes))
	for at, i := range indexes {
		questions[at] = question{answers[i].Conditions, items[i].ResourceRef.values}
	}
	results, err := o.integration.decide(ctx, questions)
	if err != nil {
		return err
	}
	for at, i := range indexes {
		answers[i] = answer{ID: items[i].ID, Result: items[i].ResourceRef.answer(results[at])}
	}
	return nil
}

// Mount registers the integrations of the feature that r belongs to, here and at the feature's own routes.
func (e *Engine) Mount(r *httpx.Router, integrations ...Integration) {
	for i := range integrations {
		e.add(r.Feature().ID, &integrations[i])
	}
	Mount(r, integrations...)
}

// The routes of features that own permissions.
const (
	metadataPath = "/.well-known/backstage/permissions/metadata"
	applyPath    = "/.well-known/backstage/permissions/apply-conditions"
)

// Mount registers the routes through which others learn the feature's permissions and have its conditions evaluated.
func Mount(r *httpx.Router, integrations ...Integration) {
	shown := metadataOf(integrations)
	byType := map[string]*Integration{}
	for i := range integrations {
		if t := integrations[i].ResourceType; t != "" {
			byType[t] = &integrations[i]
		}
	}
	schema := requestSchemas().apply
	access := httpx.AnyPrincipal
	if slices.Contains(r.Feature().Policies, httpx.Policy{Path: "/", Allow: httpx.AllowUnauthenticated}) {
		access = httpx.Public
	}
	r.GET(metadataPath, access, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, shown)
	})
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r.Unlisted(method, applyPath, httpx.AnyPrincipal, func(c *gin.Context) error {
			if err := refuseUsers(c); err != nil {
				return err
			}
			c.Status(http.StatusNotFound)
			return nil
		})
	}
	r.POST(applyPath, httpx.AnyPrincipal, func(c *gin.Context) error {
		if err := refuseUsers(c); err != nil {
			return err
		}
		var body any
		if err := httpx.BindJSON(c, &body); err != nil {
			return err
		}
		items, err := parse[application](schema, body)
		if err != nil {
			return err
		}
		answers, err := apply(c.Request.Context(), byType, items)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"items": answers})
	})
}

// refuseUsers keeps users from probing resources that the policy hides. Plugins may ask in their name.
func refuseUsers(c *gin.Context) error {
	if p := httpx.Principal(c); p.Kind == principal.User && p.Actor == "" {
		return apierror.New(apierror.NotAllowed, "")
	}
	return nil
}

func apply(ctx context.Context, byType map[string]*Integration, items []application) ([]answer, error) {
	var unknown []string
	wanted := map[string][]question{}
	for i := range items {
		item := &items[i]
		if byType[item.ResourceType] == nil {
			unknown = append(unknown, item.ResourceType)
		}
		wanted[item.ResourceType] = append(wanted[item.ResourceType], question{&item.Conditions, item.ResourceRef.values})
	}
	if unknown != nil {
		return nil, apierror.Inputf("Unexpected resource types: %s.", strings.Join(unknown, ", "))
	}
	decided := make(map[string][][]Result, len(wanted))
	for resourceType, questions := range wanted {
		results, err := byType[resourceType].decide(ctx, questions)
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
