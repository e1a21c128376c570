package widget

import (
	_ "embed"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

//go:embed openapi.yaml
var openAPI []byte

// Feature is what the edge needs to know. The style sheet is for pages of every origin and holds nothing of anybody.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "widgets", OpenAPI: openAPI, Policies: []httpx.Policy{{Path: "/v1/style.css", Allow: httpx.AllowUnauthenticated}}}
}

// Routes adds the routes of e to r.
func Routes(r *httpx.Router, e *Engine) {
	h := &routes{e}
	r.GET("/v1/catalog", httpx.AnyPrincipal, h.catalog)
	r.GET("/v1/entities/:kind/:namespace/:name", httpx.AnyPrincipal, h.entity)
	r.GET("/v1/data/:plugin/:widget", httpx.AnyPrincipal, h.data)
	r.GET("/v1/render/:plugin/:file", httpx.AnyPrincipal, h.render)
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
}

func describedOf(d Description) described {
	return described{d.ID, d.Title, d.Description, d.View, d.AppliesTo.String(), d.ArgsSchema, int(refreshOf(d).Seconds()), d.Permission}
}

func (h *routes) catalog(c *gin.Context) error {
	list := []described{}
	for _, w := range h.engine.Registry.List() {
		list = append(list, describedOf(w.Description()))
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"widgets": list})
}

func (h *routes) entity(c *gin.Context) error {
	ref := c.Param("kind") + ":" + c.Param("namespace") + "/" + c.Param("name")
	found, err := h.engine.For(c.Request.Context(), httpx.Principal(c), ref)
	if err != nil {
		return err
	}
	list := []described{}
	for _, d := range found {
		list = append(list, describedOf(d))
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"widgets": list})
}

// answered is the data of a widget as the API shows it.
type answered struct {
	ID     ID             `json:"id"`
	View   View           `json:"view"`
	Title  string         `json:"title"`
	Status string         `json:"status"` // ok, empty or stale
	AsOf   time.Time      `json:"asOf"`
	Notice string         `json:"notice,omitempty"` // why it is stale
	Frames []*frame.Frame `json:"frames"`
}

func (h *routes) data(c *gin.Context) error {
	d, a, err := h.ask(c, c.Param("widget"))
	if err != nil {
		return err
	}
	out := answered{ID: d.ID, View: d.View, Title: d.Title, Status: "ok", AsOf: a.At.UTC(), Frames: a.Frames}
	if a.empty() {
		out.Status = "empty"
	}
	if out.Frames == nil {
		out.Frames = []*frame.Frame{}
	}
	if a.Stale != nil {
		out.Status, out.Notice = "stale", told(a.Stale)
	}
	h.mayKeep(c, d, a)
	return httpx.JSON(c, http.StatusOK, out)
}

func (h *routes) render(c *gin.Context) error {
	name, ending, ok := cutLast(c.Param("file"), ".")
	contentType := contentTypes[Format(ending)]
	if !ok || contentType == "" {
		return apierror.NotFoundf("There is no %q; a widget is served as .html, .svg, .txt and .csv", c.Param("file"))
	}
	d, a, err := h.ask(c, name)
	if err != nil {
		return err
	}
	o, err := drawOptions(c.Request.URL.Query())
	if err != nil {
		return err
	}
	out, err := Render(d, a, Format(ending), o)
	if err != nil {
		return err
	}
	h.mayKeep(c, d, a)
	header := c.Writer.Header()
	// A picture or fragment that is opened as a document runs nothing and reaches nobody.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	header.Set("X-Content-Type-Options", "nosniff")
	if Format(ending) == CSV {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".csv"}))
	}
	return httpx.Bytes(c, http.StatusOK, contentType, []byte(out), nil)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i > 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// mayKeep lets the viewer's own browser keep an answer as long as the widget says.
func (h *routes) mayKeep(c *gin.Context, d Description, a *Answer) {
	age := h.engine.Now().Sub(a.At)
	left := max(0, a.life(d)-age)
	c.Writer.Header().Set("Cache-Control", "private, max-age="+strconv.Itoa(int(left.Seconds())))
	c.Writer.Header().Set("Age", strconv.Itoa(int(age.Seconds())))
}

func (h *routes) style(c *gin.Context) error {
	c.Writer.Header().Set("Cache-Control", "public, max-age=3600")
	return httpx.Bytes(c, http.StatusOK, "text/css; charset=utf-8", []byte(draw.Stylesheet), nil)
}

// ask reads the question and answers it.
func (h *routes) ask(c *gin.Context, name string) (Description, *Answer, error) {
	q := c.Request.URL.Query()
	r := Request{ID: ID(c.Param("plugin") + "/" + name), Entity: q.Get("entityRef"), Locale: q.Get("lang"), TimeZone: q.Get("tz")}
	_, err := drawOptions(q)
	if err != nil {
		return Description{}, nil, err
	}
	if r.From, err = moment(q.Get("from"), "from"); err != nil {
		return Description{}, nil, err
	}
	if r.To, err = moment(q.Get("to"), "to"); err != nil {
		return Description{}, nil, err
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return Description{}, nil, apierror.Inputf("from: must be before to")
	}
	if r.MaxPoints, err = count(q.Get("maxPoints"), "maxPoints", 0, 100_000); err != nil {
		return Description{}, nil, err
	}
	if args := q.Get("args"); args != "" {
		r.Args = json.RawMessage(args)
	}
	d, err := h.engine.Describe(r.ID)
	if err != nil {
		return d, nil, err
	}
	a, err := h.engine.Data(c.Request.Context(), httpx.Principal(c), r)
	return d, a, err
}

// moment reads RFC 3339, or milliseconds since 1970.
func moment(text, name string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 && ms < 1<<53 {
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return t, apierror.Inputf("%s: must be a time such as 2026-11-01T00:00:00Z, or milliseconds since 1970", name)
	}
	return t.UTC(), nil
}

func count(text, name string, least, most int) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, apierror.Inputf("%s: must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

func drawOptions(q url.Values) (o draw.Options, err error) {
	if o.Width, err = count(q.Get("w"), "w", 160, 4096); err != nil {
		return o, err
	}
	if o.Height, err = count(q.Get("h"), "h", 60, 4096); err != nil {
		return o, err
	}
	if lang := q.Get("lang"); lang != "" {
		if o.Language, err = language.Parse(lang); err != nil {
			return o, apierror.Inputf("lang: must be a language such as en or pt-BR")
		}
	}
	if zone := q.Get("tz"); zone != "" {
		if len(zone) > 64 {
			zone = "too long"
		}
		if o.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return o, apierror.Inputf("tz: must be a time zone such as Europe/Berlin")
		}
	}
	return o, nil
}
