package apidocs

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/page"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/httpx"
)

// form is what an operation can be tried with by this viewer; nil = it cannot.
func (h *routes) form(c *gin.Context, of entity.Entity, op *spec.Operation) (*page.Try, error) {
	ctx, p := c.Request.Context(), httpx.Principal(c)
	if h.try == nil {
		return nil, nil //nolint:nilnil // most hosts have none
	}
	targets, refused := h.try.Targets(of, op), h.try.Refusal(op)
	if len(targets) == 0 && refused == "" {
		return nil, nil //nolint:nilnil // as above
	}
	if err := h.try.Permit(ctx, p); err != nil {
		if apierror.Has(err, apierror.NotAllowed) {
			return nil, nil //nolint:nilnil // this viewer sees the page without it
		}
		return nil, err
	}
	form := &page.Try{Refused: refused, Action: "/api/" + id + "/v1/entities" + entityPath(c) + "/operations/" + url.PathEscape(op.ID) + "/try"}
	for _, t := range targets {
		form.Servers = append(form.Servers, page.TryServer{URL: t.URL(), Environment: t.Environment()})
		form.Headers, form.Cookies = append(form.Headers, t.Headers()...), append(form.Cookies, t.Cookies()...)
		credentials, err := h.try.Credentials(ctx, p, t)
		if err != nil {
			return nil, err
		}
		for _, x := range credentials {
			form.Credentials = append(form.Credentials, page.TryCredential{ID: x.ID, Title: x.Title, Server: t.URL()})
		}
	}
	return form, nil
}

// question is what the first attempt to change something is answered with.
type question struct {
	Error   refusal             `json:"error"`
	Confirm *tryit.Confirmation `json:"confirm"`
}

type refusal struct {
	Name    apierror.Name `json:"name"`
	Message string        `json:"message"`
}

func (h *routes) tryIt(c *gin.Context) error {
	ctx, p := c.Request.Context(), httpx.Principal(c)
	doc, of, err := h.engine.Document(ctx, p, refOf(c))
	if err != nil {
		return err
	}
	op, err := operationOf(c, doc)
	if err != nil {
		return err
	}
	if h.try == nil {
		return apierror.NotFoundf("Trying operations is not enabled on this host (callboard.apiDocs.tryIt.enabled)")
	}
	var ask tryit.Ask
	if err := httpx.BindJSON(c, &ask); err != nil {
		return err
	}
	answer, confirm, err := h.try.Try(ctx, p, of, op, &ask)
	if err != nil {
		return err
	}
	c.Writer.Header().Set("Cache-Control", "no-store")
	if confirm != nil {
		return httpx.JSON(c, http.StatusConflict, question{refusal{apierror.Conflict, "The request changes something: confirm it by sending it again with this token"}, confirm})
	}
	return httpx.JSON(c, http.StatusOK, answer)
}
