package permission

import (
	"context"
	"net/http"

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
