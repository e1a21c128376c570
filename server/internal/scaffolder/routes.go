package scaffolder

import (
	_ "embed"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

//go:embed openapi.yaml
var openAPI []byte

// bodyLimit is larger than elsewhere, as in the reference: values may hold whole files.
const bodyLimit = 10 << 20

// Feature is /api/scaffolder.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "scaffolder", OpenAPI: openAPI, BodyLimit: bodyLimit}
}

// Routes registers the feature.
func Routes(r *httpx.Router) {
	r.GET("/v2/actions", httpx.AnyPrincipal, answer([]any{}))
	r.GET("/v2/tasks", httpx.AnyPrincipal, answer(map[string]any{"tasks": []any{}, "totalTasks": 0}))
	r.GET("/v2/templating-extensions", httpx.AnyPrincipal, answer(map[string]any{
		"filters": map[string]any{}, "globals": map[string]any{"functions": map[string]any{}, "values": map[string]any{}}}))
	r.POST("/v2/tasks", httpx.AnyPrincipal, func(*gin.Context) error {
		return apierror.New(apierror.NotImplemented, "This host cannot run templates yet")
	})
}

func answer(v any) httpx.Handler {
	return func(c *gin.Context) error { return httpx.JSON(c, http.StatusOK, v) }
}
