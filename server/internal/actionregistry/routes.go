package actionregistry

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
)

// participants are the features that have a registry in the reference, if only an empty one. Others have no such routes.
var participants = []string{"auth", "catalog", "kubernetes", "mcp-actions", "notifications", "scaffolder", "search"}

// Routes registers the actions' routes of the feature that router mounts, if it is one that takes part.
func (r *Registry) Routes(router *httpx.Router) {
	if !slices.Contains(participants, router.Feature().ID) {
		return
	}
	// Where everybody may pass, everybody sees what there is; invoking needs credentials everywhere.
	access := httpx.AnyPrincipal
	if slices.Contains(router.Feature().Policies, httpx.Policy{Path: "/", Allow: httpx.AllowUnauthenticated}) {
		access = httpx.Public
	}
	feature := router.Feature().ID
	router.GET("/.backstage/actions/v1/actions", access, func(c *gin.Context) error {
		caller, err := httpx.Credentials(c)
		if err != nil {
			return err
		}
		list, err := r.List(c.Request.Context(), caller, feature)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"actions": list})
	})
	router.POST("/.backstage/actions/v1/actions/:action/invoke", access, r.invoke(feature, plainBody))
	router.POST("/.backstage/actions/v2/actions/:action/invoke", access, r.invoke(feature, wrappedBody))
}

func (r *Registry) invoke(feature string, read func(*gin.Context, *Invocation) error) httpx.Handler {
	return func(c *gin.Context) error {
		caller, err := httpx.Credentials(c)
		if err != nil {
			return err
		}
		i := Invocation{Feature: feature, Action: c.Param("action")}
		if err := read(c, &i); err != nil {
			return err
		}
		output, err := r.Invoke(c.Request.Context(), caller, i)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, map[string]any{"output": output})
	}
}

// plainBody is the first version's: the input itself.
func plainBody(c *gin.Context, i *Invocation) error { return httpx.BindJSON(c, &i.Input) }

// wrappedBody is the second version's.
func wrappedBody(c *gin.Context, i *Invocation) error {
	var body map[string]json.RawMessage
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	i.Input = body["input"]
	secrets := body["secrets"]
	i.Secrets = secrets != nil && string(secrets) != "null"
	return nil
}
