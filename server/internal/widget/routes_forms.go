package widget

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// maxForm bounds the body of a form in bytes. Its arguments have a bound of their own.
const maxForm = 64 << 10

// sentForm is a form as programs send it.
type sentForm struct {
	EntityRef string          `json:"entityRef"`
	Args      json.RawMessage `json:"args"`
	Key       string          `json:"key"`
	Lang      string          `json:"lang"`
	Tz        string          `json:"tz"`
}

// outcome is what became of it, as programs read it.
type outcome struct {
	Message string         `json:"message"`
	Secret  bool           `json:"secret,omitempty"`
	Frames  []*frame.Frame `json:"frames"`
	Next    *Link          `json:"next,omitempty"`
	HTML    string         `json:"html"`
}

// submit takes a form in the name of the caller. Cookies are never taken on this route, so that no other page can send one
// in the name of somebody who is signed in; a browser without a script therefore has no way here but through a server of
// the page, as the console is one.
func (h *routes) submit(c *gin.Context) error {
	c.Writer.Header().Set("Cache-Control", "no-store")
	r, o, key, err := h.readForm(c)
	html := wantsHTML(c.Request.Header)
	if err != nil {
		if !html {
			return err
		}
		return sendFragment(c, h.engine.Refuse(c.Request.Context(), r, err, o))
	}
	result, shown := h.engine.Send(c.Request.Context(), httpx.Principal(c), r, key, o)
	switch {
	case html:
		return sendFragment(c, shown)
	case shown.Err != nil:
		return shown.Err
	}
	out := outcome{Message: result.Message, Secret: result.Secret, Frames: result.Frames, Next: result.Next, HTML: string(shown.Body)}
	if out.Frames == nil {
		out.Frames = []*frame.Frame{}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return httpx.Bytes(c, http.StatusOK, "application/json; charset=utf-8", body, nil) // without a tag: a digest of a secret is none
}

// sendFragment answers a form's fragment. It is for a page to take over, and is nothing as a page of its own.
func sendFragment(c *gin.Context, s Shown) error {
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	header.Set("X-Content-Type-Options", "nosniff")
	return httpx.Bytes(c, s.Status, contentTypes[HTML], s.Body, nil)
}

// wantsHTML: a form of a page is answered as one unless its sender asks for JSON, and JSON as JSON.
func wantsHTML(h http.Header) bool {
	accept := h.Get("Accept")
	if urlencoded(h) {
		return strings.Contains(accept, "text/html") || !strings.Contains(accept, "application/json")
	}
	return strings.Contains(accept, "text/html")
}

func urlencoded(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded"
}

// readForm reads a form in either shape.
func (h *routes) readForm(c *gin.Context) (r Request, o draw.Options, key string, err error) {
	id := idOf(c, c.Param("widget"))
	r.ID = id
	values := url.Values{}
	if urlencoded(c.Request.Header) {
		if values, err = postedForm(c); err != nil {
			return r, o, "", err
		}
	}
	var sent sentForm
	if len(values) == 0 {
		if err := httpx.BindJSON(c, &sent); err != nil {
			return r, o, "", err
		}
		values = url.Values{"entityRef": {sent.EntityRef}, "lang": {sent.Lang}, "tz": {sent.Tz}, "key": {sent.Key}}
	}
	values.Del("args")
	if r, o, err = readQuestion(id, values, h.engine.Now()); err != nil {
		return r, o, "", err
	}
	r.Args, key = sent.Args, values.Get("key")
	if urlencoded(c.Request.Header) {
		d, err := h.engine.Describe(id)
		if err != nil {
			return r, o, "", err
		}
		if r.Args, err = draw.Filled(d.ArgsSchema, values); err != nil {
			return r, o, "", err
		}
	}
	return r, o, key, nil
}

func postedForm(c *gin.Context) (url.Values, error) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return nil, &apierror.Error{Name: "PayloadTooLargeError", Status: http.StatusRequestEntityTooLarge, Message: "request entity too large"}
		}
		return nil, apierror.Inputf("body: is no form: %v", err)
	}
	return c.Request.PostForm, nil
}
