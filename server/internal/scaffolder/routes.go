package scaffolder

import (
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
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
func Routes(r *httpx.Router, actions *action.Registry) {
	r.GET("/v2/actions", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, listed(actions))
	})
	r.GET("/v2/tasks", httpx.AnyPrincipal, answer(map[string]any{"tasks": []any{}, "totalTasks": 0}))
	r.GET("/v2/templating-extensions", httpx.AnyPrincipal, answer(map[string]any{
		"filters": map[string]any{}, "globals": map[string]any{"functions": map[string]any{}, "values": map[string]any{}}}))
	r.POST("/v2/tasks", httpx.AnyPrincipal, func(*gin.Context) error {
		return apierror.New(apierror.NotImplemented, "This host cannot run templates yet")
	})
}

// listedAction is an action as the reference lists it.
type listedAction struct {
	ID          string          `json:"id"`
	Description string          `json:"description,omitempty"`
	Examples    []listedExample `json:"examples,omitempty"`
	Schema      *listedSchema   `json:"schema,omitempty"`
}

type listedExample struct {
	Description string `json:"description"`
	Example     string `json:"example"`
}

type listedSchema struct {
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
}

func listed(actions *action.Registry) []listedAction {
	list := []listedAction{}
	for _, a := range actions.List() {
		d := a.Description()
		l := listedAction{ID: d.ID, Description: d.Description}
		for _, e := range d.Examples {
			l.Examples = append(l.Examples, listedExample(e))
		}
		if d.Input != nil || d.Output != nil {
			l.Schema = &listedSchema{Input: d.Input, Output: d.Output}
		}
		list = append(list, l)
	}
	return list
}

func answer(v any) httpx.Handler {
	return func(c *gin.Context) error { return httpx.JSON(c, http.StatusOK, v) }
}
