package scaffolder

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

func (s *Service) postDryRun(c *gin.Context) error {
	ctx, p := c.Request.Context(), httpx.Principal(c)
	if err := s.mayDryRun(ctx, p); err != nil { // before anything is said about the body
		return err
	}
	var plain any
	if err := httpx.BindJSON(c, &plain); err != nil {
		return err
	}
	if e := zod.Validate(dryRunShape, plain); e != nil {
		return apierror.Inputf("Malformed request: %s", e)
	}
	var body dryRunBody
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	report, err := s.DryRun(ctx, DryRun{
		Template: body.Template, Values: body.Values, Secrets: body.Secrets, Files: body.files(), Principal: p,
	})
	if err != nil {
		return refuse(c, err)
	}
	return httpx.JSON(c, http.StatusOK, report)
}
