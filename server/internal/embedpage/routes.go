package embedpage

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
)

// oembedPath is below the API of widgets.
const oembedPath = "/v1/oembed"

// Policy opens [Routes] to everybody: consumers of oEmbed have no credentials, and learn nothing of any entity.
func Policy() httpx.Policy {
	return httpx.Policy{Path: oembedPath, Allow: httpx.AllowUnauthenticated}
}

// Routes adds the oEmbed provider to the router of widgets, whose feature has [Policy].
func Routes(r *httpx.Router, p *Pages) {
	r.GET(oembedPath, httpx.Public, func(c *gin.Context) error {
		everyOrigin(c.Writer.Header())
		answer, err := p.oembed(c.Request.URL.Query())
		if err != nil {
			return err
		}
		c.Writer.Header().Set("Cache-Control", "public, max-age=3600")
		return httpx.JSON(c, http.StatusOK, answer)
	})
}
