package widget

import (
	_ "embed"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/widget/draw"
	"github.com/gin-gonic/gin"
)

//go:embed openapi.yaml
var openAPI []byte

// Feature is what the edge needs to know. The style sheet is for pages of every origin and holds nothing of anybody. Pages
// of embedding apps may ask for what their tokens name.
func Feature() httpx.Feature {
	f := httpx.Feature{ID: "widgets", OpenAPI: openAPI, BodyLimit: bodyLimit, Policies: []httpx.Policy{{Path: "/v1/style.css", Allow: httpx.AllowUnauthenticated}}}
	for _, path := range []string{"/v1/catalog", "/v1/entities", "/v1/data", "/v1/render", "/v1/batch", "/v1/badge", "/v1/forms"} {
		f.Policies = append(f.Policies, httpx.Policy{Path: path, Allow: httpx.AllowEmbed})
	}
	return f
}

// bodyLimit has room for a batch of questions with their arguments.
const bodyLimit = 1 << 20

// Routes adds the routes of e to r.
func Routes(r *httpx.Router, e *Engine) {
	h := &routes{e}
	r.GET("/v1/catalog", httpx.AnyPrincipal, h.catalog)
	r.GET("/v1/entities/:kind/:namespace/:name", httpx.AnyPrincipal, h.entity)
	r.GET("/v1/data/:plugin/:widget", httpx.AnyPrincipal, h.data)
	r.GET("/v1/render/:plugin/:file", httpx.AnyPrincipal, h.render)
	r.POST("/v1/batch", httpx.AnyPrincipal, h.batch)
	r.GET("/v1/badge/:plugin/:file", httpx.AnyPrincipal, h.badge)
	r.POST("/v1/forms/:plugin/:widget", httpx.AnyPrincipal, h.submit)
	r.GET("/v1/style.css", httpx.Public, h.style)
}

type routes struct{ engine *Engine }

// described is a widget as the API shows it.
type described struct {
	ID          ID              `json:"id"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	View        View            `json:"view"`
	AppliesTo   string          `json:"appliesTo"`
	Args        json.RawMessage `json:"argsSchema,omitempty"`
	Refresh     int             `json:"refreshSeconds"`
	Permission  string          `json:"permission,omitempty"`
	Submits     bool            `json:"submits,omitempty"`
	Height      int             `json:"height,omitempty"`
}

func describedOf(d Description) described {
	return described{d.ID, d.Title, d.Description, d.View, d.AppliesTo.String(), d.ArgsSchema, int(refreshOf(d).Seconds()), d.Permission, d.Submits, d.View.UsualHeight()}
}

func (h *routes) catalog(c *gin.Context) error {
	return listed(c, h.engine.All(c.Request.Context(), httpx.Principal(c)))
}

func listed(c *gin.Context, found []Description) error {
	list := []described{}
	for _, d := range found {
		list = append(list, describedOf(d))
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"widgets": list})
}

func (h *routes) entity(c *gin.Context) error {
	ref := c.Param("kind") + ":" + c.Param("namespace") + "/" + c.Param("name")
	found, err := h.engine.For(c.Request.Context(), httpx.Principal(c), ref)
	if err != nil {
		return err
	}
	return listed(c, found)
}

// answered is the data of a widget as the API shows it.
type answered struct {
	ID      ID             `json:"id"`
	View    View           `json:"view"`
	Title   string         `json:"title"`
	Status  string         `json:"status"` // ok, empty, partial or stale
	AsOf    time.Time      `json:"asOf"`
	Notice  string         `json:"notice,omitempty"`  // why it is stale
	Missing []string       `json:"missing,omitempty"` // sources that are not in it
	Frames  []*frame.Frame `json:"frames"`
}

// answeredOf is an answer in that form.
func answeredOf(d Description, a *Answer) answered {
	out := answered{ID: d.ID, View: d.View, Title: d.Title, Status: a.status(), AsOf: a.At.UTC(), Missing: a.missing(), Frames: a.shown()}
	if out.Frames == nil {
		out.Frames = []*frame.Frame{}
	}
	if a.Stale != nil {
		out.Notice = told(a.Stale)
	}
	return out
}

func (h *routes) data(c *gin.Context) error {
	r, _, err := readQuestion(idOf(c, c.Param("widget")), c.Request.URL.Query(), h.engine.Now())
	if err != nil {
		return err
	}
	a, err := h.engine.Data(c.Request.Context(), httpx.Principal(c), r)
	if err != nil {
		return err
	}
	d, err := h.engine.Describe(r.ID)
	if err != nil {
		return err
	}
	mayKeep(c, h.engine.ageOf(d, a), h.engine.Now().Sub(a.At))
	return httpx.JSON(c, http.StatusOK, answeredOf(d, a))
}

func idOf(c *gin.Context, name string) ID { return ID(c.Param("plugin") + "/" + name) }

func (h *routes) render(c *gin.Context) error {
	name, ending, ok := cutLast(c.Param("file"), ".")
	format := Format(ending)
	if !ok || contentTypes[format] == "" {
		return apierror.NotFoundf("There is no %q; a widget is served as .html, .svg, .png, .txt and .csv", c.Param("file"))
	}
	ctx := c.Request.Context()
	r, o, err := readQuestion(idOf(c, name), c.Request.URL.Query(), h.engine.Now())
	var s Shown
	switch {
	case err == nil:
		s = h.engine.Show(ctx, httpx.Principal(c), r, format, o)
	case format == HTML:
		s = h.engine.Refuse(ctx, r, err, o)
	default:
		return err
	}
	if s.Body == nil {
		return s.Err
	}
	return sendShown(c, s, format, name)
}

// sendShown writes what is shown, with what keeps a browser from making more of it.
func sendShown(c *gin.Context, s Shown, f Format, name string) error {
	header := c.Writer.Header()
	// A picture or fragment that is opened as a document runs nothing and reaches nobody.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	header.Set("X-Content-Type-Options", "nosniff")
	if f == CSV {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".csv"}))
	}
	if s.Err != nil {
		header.Set("Cache-Control", "no-store")
		return httpx.Bytes(c, s.Status, contentTypes[f], s.Body, nil)
	}
	mayKeep(c, s.MaxAge, s.Age)
	return httpx.Tagged(c, s.Status, contentTypes[f], s.Body)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i > 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// mayKeep lets the viewer's own browser keep an answer as long as the widget says; afterwards it asks whether there is
// another.
func mayKeep(c *gin.Context, left, age time.Duration) {
	c.Writer.Header().Add("Vary", "Authorization") // the next viewer in the same browser has another answer
	c.Writer.Header().Set("Cache-Control", "private, max-age="+strconv.Itoa(int(left.Seconds())))
	c.Writer.Header().Set("Age", strconv.Itoa(int(age.Seconds())))
}

func (h *routes) style(c *gin.Context) error {
	c.Writer.Header().Set("Cache-Control", "public, max-age=3600")
	return httpx.Bytes(c, http.StatusOK, "text/css; charset=utf-8", []byte(draw.Stylesheet), nil)
}
