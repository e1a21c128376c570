package trigger

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

// Policy opens the route of webhooks, whose requests carry a signature and no credentials.
var Policy = httpx.Policy{Path: "/v2/triggers", Allow: httpx.AllowUnauthenticated}

// maxBody bounds what a webhook may send.
const maxBody = 1 << 20

// Routes adds the route of webhooks to the scaffolder's.
func (e *Engine) Routes(r *httpx.Router) {
	r.POST("/v2/triggers/:id", httpx.Public, e.webhook)
}

// webhook starts the template of a trigger whose secret signed the request: 202 {"id"}, the same for a delivery that comes
// again. Which triggers exist is told to nobody who cannot sign.
func (e *Engine) webhook(c *gin.Context) error {
	body, err := io.ReadAll(io.LimitReader(c.Request.Body, maxBody+1))
	if err != nil {
		return err
	}
	if len(body) > maxBody {
		return &apierror.Error{Name: "PayloadTooLargeError", Status: http.StatusRequestEntityTooLarge, Message: "request entity too large"}
	}
	t := e.byID[c.Param("id")]
	if t.Webhook == nil {
		t.Webhook = &Webhook{Secrets: nil}
	}
	delivery, err := t.Webhook.verify(c.Request.Header, body, e.Now())
	if err != nil {
		return err
	}
	event, err := payload(body)
	if err != nil {
		return err
	}
	id, err := e.start(c.Request.Context(), t, "delivery "+delivery, event)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusAccepted, map[string]string{"id": id})
}
