package scaffolder

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/scaffolder/trigger"
)

//go:embed openapi.yaml
var openAPI []byte

// bodyLimit is larger than elsewhere, as in the reference: values may hold whole files.
const bodyLimit = 10 << 20

// Feature is /api/scaffolder. Webhooks come without credentials: package trigger checks their signatures.
func Feature() httpx.Feature {
	return httpx.Feature{
		ID: "scaffolder", OpenAPI: openAPI, BodyLimit: bodyLimit,
		Policies: []httpx.Policy{trigger.Policy}, LeaveBodiesBelow: []string{trigger.Policy.Path},
	}
}

// Routes registers the feature on r, which mounts [Feature]. mount makes its permissions known; nil = [permission.Mount],
// which only shows them at the feature's own routes.
func (s *Service) Routes(r *httpx.Router, mount func(*httpx.Router, ...permission.Integration)) {
	r.GET("/v2/templates/:namespace/:kind/:name/parameter-schema", httpx.AnyPrincipal, s.getForm)
	r.GET("/v2/actions", httpx.AnyPrincipal, s.getActions)
	r.GET("/v2/tasks", httpx.AnyPrincipal, s.getTasks)
	r.POST("/v2/tasks", httpx.AnyPrincipal, s.postTask)
	r.GET("/v2/tasks/:taskId", httpx.AnyPrincipal, s.getTask)
	r.POST("/v2/tasks/:taskId/cancel", httpx.AnyPrincipal, s.postCancel)
	r.POST("/v2/tasks/:taskId/retry", httpx.AnyPrincipal, s.postRetry)
	r.GET("/v2/tasks/:taskId/events", httpx.AnyPrincipal, s.getEvents)
	r.GET("/v2/tasks/:taskId/eventstream", httpx.AnyPrincipal, s.getEventStream)
	r.POST("/v2/dry-run", httpx.AnyPrincipal, s.postDryRun)
	r.POST("/v2/autocomplete/:provider/:resource", httpx.AnyPrincipal, s.postAutocomplete)
	r.GET("/v2/templating-extensions", httpx.AnyPrincipal, s.getTemplatingExtensions)
	if mount == nil {
		mount = permission.Mount
	}
	mount(r, s.integrations...)
}

func (s *Service) getForm(c *gin.Context) error {
	ref := entity.Ref{Kind: c.Param("kind"), Namespace: c.Param("namespace"), Name: c.Param("name")}
	f, err := s.form(c.Request.Context(), httpx.Principal(c), ref)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, f)
}

// refuse answers what does not fit with the violations alone, which forms read, and leaves other errors to the edge.
func refuse(c *gin.Context, err error) error {
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		return httpx.JSON(c, http.StatusBadRequest, map[string]any{"errors": invalid.Violations})
	}
	return err
}
