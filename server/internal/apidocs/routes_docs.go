package apidocs

import (
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

// docs answers a page of an entity's documentation, or the text beside its description where it has no site.
func (h *routes) docs(c *gin.Context) error {
	ctx, p, ref := c.Request.Context(), httpx.Principal(c), refOf(c)
	o, err := h.looks(c)
	if err != nil {
		return err
	}
	o.Base = h.address(c) + "/v1/docs" + entityPath(c)
	of, err := visible(ctx, h.entities, p, DocsWidget, ref)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(c.Param("path"), "/")
	site := &documentation{sites: h.sites, of: ref, embedded: p.Embed != nil, base: o.Base,
		static: strings.TrimSuffix(h.address(c), id) + "techdocs/static/docs" + sitePath(c)}
	text, err := site.page(name, o)
	if absent(err) && name == "" {
		text, err = readme(ctx, h.texts, of, o)
	}
	if absent(err) {
		return apierror.NotFoundf("%q has no documentation at %q: none is published, and there is no README.md beside its description", ref, name)
	}
	if err != nil {
		return err
	}
	return sendPage(c, text)
}
