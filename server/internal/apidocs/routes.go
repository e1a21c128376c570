package apidocs

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/page"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/apidocs/tree"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/httpx"
)

//go:embed openapi.yaml
var openAPI []byte

const (
	id        = "api-docs"
	stylePath = "/v1/style.css"
	htmlType  = "text/html; charset=utf-8"
	jsonType  = "application/json; charset=utf-8"
)

// Options is what the routes are made of.
type Options struct {
	Engine *Engine
	Try    *tryit.Engine // nil = operations cannot be tried
	// Entities, Sites and Texts are what pages of documentation are made of.
	Entities Entities
	Sites    Sites
	Texts    Texts
	// Backend is where browsers reach this host; its path comes before that of every link. nil = at the root.
	Backend *url.URL
}

// bodyLimit has room for the largest body that can be tried, as JSON.
const bodyLimit = 3 << 20

// Feature is what the edge needs to know. Pages are also opened by links, which bring a cookie and no header, and their
// fragments are put into pages of other origins; the style sheet is for pages of every origin and holds nothing of anybody.
func Feature() httpx.Feature {
	return httpx.Feature{ID: id, OpenAPI: openAPI, BodyLimit: bodyLimit, Policies: []httpx.Policy{
		{Path: stylePath, Allow: httpx.AllowUnauthenticated}, {Path: "/v1/entities", Allow: httpx.AllowUserCookie | httpx.AllowEmbed},
		{Path: "/v1/docs", Allow: httpx.AllowUserCookie | httpx.AllowEmbed},
	}}
}

// Routes adds the feature's routes to r.
func Routes(r *httpx.Router, o Options) {
	if o.Backend == nil {
		o.Backend = &url.URL{}
	}
	h := &routes{engine: o.Engine, try: o.Try, entities: o.Entities, sites: o.Sites, texts: o.Texts, backend: o.Backend}
	const document = "/v1/entities/:kind/:namespace/:name"
	r.GET(document, httpx.AnyPrincipal, h.index)
	r.GET(document+"/operations/:id", httpx.AnyPrincipal, h.operation)
	r.POST(document+"/operations/:id/try", httpx.AnyPrincipal, h.tryIt)
	r.GET(document+"/schemas/:id", httpx.AnyPrincipal, h.schema)
	r.GET(document+"/search.json", httpx.AnyPrincipal, h.search)
	r.GET(document+"/document", httpx.AnyPrincipal, h.document)
	r.GET(document+"/viewer/:viewer", httpx.AnyPrincipal, h.viewer)
	const docs = "/v1/docs/:kind/:namespace/:name"
	r.GET(docs, httpx.AnyPrincipal, h.docs)
	r.GET(docs+"/*path", httpx.AnyPrincipal, h.docs)
	r.GET(stylePath, httpx.Public, h.style)
}

type routes struct {
	engine   *Engine
	try      *tryit.Engine
	entities Entities
	sites    Sites
	texts    Texts
	backend  *url.URL
}

func (h *routes) index(c *gin.Context) error {
	doc, _, o, err := h.ask(c)
	if err != nil {
		return err
	}
	o.Search = c.Query("q")
	return sendPage(c, page.Index(doc, o))
}

func (h *routes) operation(c *gin.Context) error {
	doc, of, o, err := h.ask(c)
	if err != nil {
		return err
	}
	op, err := operationOf(c, doc)
	if err != nil {
		return err
	}
	if o.Fragment {
		if o.Try, err = h.form(c, of, op); err != nil {
			return err
		}
	}
	return sendPage(c, page.Operation(doc, op, o))
}

func operationOf(c *gin.Context, doc *spec.Document) (*spec.Operation, error) {
	op, ok := doc.Operation(c.Param("id"))
	if !ok {
		return nil, apierror.NotFoundf("%q has no operation %q", refOf(c), c.Param("id"))
	}
	return op, nil
}

func (h *routes) schema(c *gin.Context) error {
	doc, _, o, err := h.ask(c)
	if err != nil {
		return err
	}
	s, ok := doc.Schema(tree.Pointer(c.Param("id")))
	if !ok {
		return apierror.NotFoundf("%q has no schema %q", refOf(c), c.Param("id"))
	}
	return sendPage(c, page.Schema(doc, s, o))
}

func (h *routes) search(c *gin.Context) error {
	doc, _, err := h.engine.Document(c.Request.Context(), httpx.Principal(c), refOf(c))
	if err != nil {
		return err
	}
	return send(c, jsonType, doc.Search())
}

func (h *routes) document(c *gin.Context) error {
	doc, _, err := h.engine.Document(c.Request.Context(), httpx.Principal(c), refOf(c))
	if err != nil {
		return err
	}
	contentType, text := doc.Definition()
	return send(c, contentType, []byte(text))
}

// viewer answers a page on which a viewer from npm shows the document.
func (h *routes) viewer(c *gin.Context) error {
	v, ok := page.NewViewer(c.Param("viewer"))
	if !ok {
		return apierror.NotFoundf("There is no viewer %q; swagger-ui and redoc are known", c.Param("viewer"))
	}
	doc, _, err := h.engine.Document(c.Request.Context(), httpx.Principal(c), refOf(c))
	if err != nil {
		return err
	}
	if !page.Shows(doc) {
		return apierror.NotFoundf("The viewer %q shows OpenAPI; %q is %s", c.Param("viewer"), refOf(c), doc.Format)
	}
	v.Files, v.Nonce = strings.TrimSuffix(h.backend.EscapedPath(), "/")+"/embed/v1/viewers/", rand.Text()
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", v.Policy())
	header.Set("Cache-Control", "private, no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	return httpx.Bytes(c, http.StatusOK, htmlType, []byte(v.Page(doc, h.address(c)+"/v1/entities"+entityPath(c))), nil)
}

func (h *routes) style(c *gin.Context) error {
	c.Writer.Header().Set("Cache-Control", "public, max-age=3600")
	return httpx.Bytes(c, http.StatusOK, "text/css; charset=utf-8", []byte(page.Stylesheet), nil)
}

func refOf(c *gin.Context) entity.Ref {
	return entity.Ref{Kind: c.Param("kind"), Namespace: c.Param("namespace"), Name: c.Param("name")}
}

// ask reads how a page is wanted, and of which document.
func (h *routes) ask(c *gin.Context) (*spec.Document, entity.Entity, page.Options, error) {
	o, err := h.looks(c)
	if err != nil {
		return nil, nil, o, err
	}
	doc, of, err := h.engine.Document(c.Request.Context(), httpx.Principal(c), refOf(c))
	return doc, of, o, err
}

// looks reads how a page is wanted.
func (h *routes) looks(c *gin.Context) (page.Options, error) {
	o := page.Options{Base: h.address(c) + "/v1/entities" + entityPath(c), Style: strings.TrimSuffix(h.backend.EscapedPath(), "/") + "/api/" + id + stylePath}
	switch view := c.Query("view"); view {
	case "", "page":
	case "fragment":
		o.Fragment = true
	default:
		return o, apierror.Inputf("view: must be page or fragment, not %q", view)
	}
	if level := c.Query("level"); level != "" {
		n, err := strconv.Atoi(level)
		if err != nil || n < 1 || n > 4 {
			return o, apierror.Inputf("level: must be a number from 1 to 4")
		}
		o.Level = n
	}
	return o, nil
}

// address is where links find the feature: a path for pages of this host, the whole address for those of other origins.
func (h *routes) address(c *gin.Context) string {
	if httpx.Principal(c).Embed != nil && h.backend.Host != "" {
		return strings.TrimSuffix(h.backend.String(), "/") + "/api/" + id
	}
	return strings.TrimSuffix(h.backend.EscapedPath(), "/") + "/api/" + id
}

// sitePath is that of a site's files, where the namespace comes first.
func sitePath(c *gin.Context) string {
	ref := refOf(c)
	return "/" + url.PathEscape(strings.ToLower(ref.Namespace)) + "/" + url.PathEscape(strings.ToLower(ref.Kind)) + "/" + url.PathEscape(strings.ToLower(ref.Name))
}

func entityPath(c *gin.Context) string {
	of := func(name string) string { return "/" + url.PathEscape(c.Param(name)) }
	return of("kind") + of("namespace") + of("name")
}

// sendPage answers HTML that runs nothing, reaches nobody and is framed by nobody else, whatever a document holds. Its
// origin stays that of the host, so that its links bring the cookie.
func sendPage(c *gin.Context, text string) error {
	c.Writer.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-forms allow-same-origin")
	return send(c, htmlType, []byte(text))
}

// send answers what the viewer's own browser may keep, and 304 when it has it already. Each use asks again, for the
// viewer may have lost the right to read the entity.
func send(c *gin.Context, contentType string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
	header := c.Writer.Header()
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Etag", tag)
	for part := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		if strings.TrimSpace(part) == tag {
			c.Status(http.StatusNotModified)
			return nil
		}
	}
	return httpx.Bytes(c, http.StatusOK, contentType, body, nil)
}
