package embed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/httpx"
)

// Policies are what the feature that has the routes needs: a page refreshes its own token and asks what app it is part of,
// and pictures need no credentials.
var Policies = []httpx.Policy{
	{Path: "/v1/tokens/refresh", Allow: httpx.AllowEmbed},
	{Path: "/v1/apps", Allow: httpx.AllowEmbed},
	{Path: imagesPath, Allow: httpx.AllowUnauthenticated},
}

// SecretPaths are those whose rest is a credential.
var SecretPaths = []string{imagesPath}

// Routes adds the routes of e to r, which is the router of the widgets.
func Routes(r *httpx.Router, e *Engine) {
	h := &routes{e}
	r.POST("/v1/tokens", httpx.AnyPrincipal, h.mint)
	r.POST("/v1/tokens/refresh", httpx.AnyPrincipal, h.refresh)
	r.DELETE("/v1/tokens/:id", httpx.AnyPrincipal, h.revoke)
	r.GET("/v1/apps/:app", httpx.AnyPrincipal, h.app)
	r.POST("/v1/apps/:app/revoke", httpx.ServiceOnly, h.revokeApp)
	r.POST("/v1/capabilities", httpx.AnyPrincipal, h.grant)
	r.GET("/v1/capabilities", httpx.AnyPrincipal, h.capabilities)
	r.DELETE("/v1/capabilities/:id", httpx.AnyPrincipal, h.endCapability)
	r.GET(imagesPath+"/:file", httpx.Public, h.image)
}

type routes struct{ engine *Engine }

func (h *routes) mint(c *gin.Context) error {
	var r Request
	if err := bind(c, &r); err != nil {
		return err
	}
	t, err := h.engine.Mint(c.Request.Context(), httpx.Principal(c), r)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, t)
}

func (h *routes) refresh(c *gin.Context) error {
	if err := bind(c, &struct{}{}); err != nil {
		return err
	}
	t, err := h.engine.Refresh(c.Request.Context(), httpx.Principal(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, t)
}

func (h *routes) revoke(c *gin.Context) error {
	if err := h.engine.Revoke(c.Request.Context(), httpx.Principal(c), c.Param("id")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h *routes) revokeApp(c *gin.Context) error {
	if err := h.engine.RevokeApp(c.Request.Context(), httpx.Principal(c), c.Param("app")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

// app is what every caller may know.
func (h *routes) app(c *gin.Context) error {
	app, ok := h.engine.Apps.Find(c.Param("app"))
	if !ok {
		return apierror.NotFoundf("There is no app %q", excerpt.Short(c.Param("app")))
	}
	return httpx.JSON(c, http.StatusOK, map[string]string{"id": app.ID, "title": app.Title})
}

func (h *routes) grant(c *gin.Context) error {
	var r CapabilityRequest
	if err := bind(c, &r); err != nil {
		return err
	}
	made, err := h.engine.Grant(c.Request.Context(), httpx.Principal(c), r)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, made)
}

func (h *routes) capabilities(c *gin.Context) error {
	all, err := h.engine.Capabilities(c.Request.Context(), httpx.Principal(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, map[string]any{"capabilities": all})
}

func (h *routes) endCapability(c *gin.Context) error {
	if err := h.engine.EndCapability(c.Request.Context(), httpx.Principal(c), c.Param("id")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

// image is for anybody who has the address. Opened as a document, it runs nothing and reaches nobody.
func (h *routes) image(c *gin.Context) error {
	secret, format, _ := strings.Cut(c.Param("file"), ".")
	if !slices.Contains(pictureFormats, format) {
		return errNoPicture
	}
	d, err := h.engine.View(c.Request.Context(), httpx.ClientAddress(c), secret, format)
	header := c.Writer.Header()
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if err != nil {
		header.Set("Cache-Control", "no-store")
		return err
	}
	header.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(d.Fresh.Seconds())))
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex")
	return httpx.Bytes(c, http.StatusOK, d.ContentType, d.Body, nil)
}

// answer sends what holds credentials or lists of one caller.
func answer(c *gin.Context, status int, v any) error {
	c.Writer.Header().Set("Cache-Control", "no-store")
	return httpx.JSON(c, status, v)
}

// bind reads a body of which every member must be known: one that is misspelt would make a token wider than was meant.
func bind(c *gin.Context, v any) error {
	var raw json.RawMessage
	if err := httpx.BindJSON(c, &raw); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = io.ErrUnexpectedEOF
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return apierror.Inputf("%s: must not be of type %s", cmp.Or(wrong.Field, "request/body"), wrong.Value)
	}
	if name, ok := strings.CutPrefix(errorText(err), "json: unknown field "); ok {
		return apierror.Inputf("%s is not known here", name)
	}
	if err != nil {
		return apierror.Inputf("request/body: %s", errorText(err))
	}
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
