package techdocs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Entities answers which entities a caller may read. The catalog implements it.
type Entities interface {
	// Visible returns the entity, false when there is none or p may not read it.
	Visible(ctx context.Context, p *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error)
}

// Feature is /api/techdocs: pages and their assets are also read with the cookie, by <img> and <link>.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "techdocs", LeaveBodies: true, Policies: []httpx.Policy{{Path: "/static", Allow: httpx.AllowUserCookie}}}
}

type routes struct {
	sites    *Sites
	entities Entities
}

// Routes registers the feature.
func Routes(r *httpx.Router, sites *Sites, entities Entities) {
	h := &routes{sites, entities}
	r.GET("/metadata/techdocs/:namespace/:kind/:name", httpx.AnyPrincipal, h.siteMetadata)
	r.GET("/metadata/entity/:namespace/:kind/:name", httpx.AnyPrincipal, h.entityMetadata)
	r.GET("/sync/:namespace/:kind/:name", httpx.AnyPrincipal, h.sync)
	r.Unlisted(http.MethodGet, "/static/docs/*file", httpx.AnyPrincipal, h.page)
}

func refOf(c *gin.Context) entity.Ref {
	return entity.Ref{Kind: c.Param("kind"), Namespace: c.Param("namespace"), Name: c.Param("name")}
}

func (h *routes) visible(c *gin.Context, ref entity.Ref) (entity.Entity, bool, error) {
	return h.entities.Visible(c.Request.Context(), httpx.Principal(c), ref.Canonical())
}

func (h *routes) siteMetadata(c *gin.Context) error {
	ref := refOf(c)
	_, ok, err := h.visible(c, ref)
	if err != nil {
		return err
	}
	if !ok {
		return apierror.NotFoundf("Unable to get metadata for '%s'", ref)
	}
	data, err := h.sites.Metadata(ref)
	if err != nil {
		return err
	}
	if !json.Valid(data) {
		return apierror.NotFoundf("Unable to get metadata for '%s': its %s is not JSON", ref, metadataFile)
	}
	return httpx.JSON(c, http.StatusOK, json.RawMessage(data))
}

// techdocsRef is the annotation that says where the sources of the documentation are, such as "dir:.".
const techdocsRef = "backstage.io/techdocs-ref"

func (h *routes) entityMetadata(c *gin.Context) error {
	ref := refOf(c)
	message := "Unable to get metadata for '" + ref.String() + "'"
	e, ok, err := h.visible(c, ref)
	if err != nil {
		return err
	}
	if !ok {
		return apierror.New(apierror.NotFound, message)
	}
	location, err := locationOf(e)
	if err != nil {
		return apierror.Wrap(apierror.NotFound, message, err)
	}
	e = e.Clone()
	e["locationMetadata"] = location
	return httpx.JSON(c, http.StatusOK, e)
}

type location struct {
	Type   string `json:"type"`
	Target string `json:"target"`
}

// locationOf reads the annotation; a "dir" target is relative to where the entity itself came from.
func locationOf(e entity.Entity) (location, error) {
	value := e.Annotation(techdocsRef)
	if value == "" {
		return location{}, apierror.Inputf("No %s annotation provided in entity: %s", techdocsRef, e.Name())
	}
	kind, target, ok := strings.Cut(value, ":")
	if !ok || target == "" {
		return location{}, apierror.Inputf("Unable to parse location reference '%s', expected '<type>:<target>', e.g. 'url:https://host/path'", value)
	}
	if kind != "dir" {
		return location{kind, target}, nil
	}
	source, sourceTarget, _ := strings.Cut(e.Annotation(entity.AnnotationLocation), ":")
	if source == "file" {
		return location{"dir", filepath.Join(filepath.Dir(sourceTarget), target)}, nil
	}
	return location{source, path.Join(path.Dir(sourceTarget), target)}, nil
}

// sync tells the reader whether the documentation was rebuilt. This host builds none, so what is published is final.
func (h *routes) sync(c *gin.Context) error {
	_, ok, err := h.visible(c, refOf(c))
	if err != nil {
		return err
	}
	if !ok {
		return apierror.New(apierror.NotFound, "Entity metadata UID missing")
	}
	return httpx.Stream(c, 0, func(events *httpx.Events) error {
		if !h.sites.external {
			line, _ := json.Marshal("Documentation is not built by this host: publish it to techdocs.publisher.local.publishDirectory and set techdocs.builder to external")
			if err := events.Send(httpx.Event{Name: "log", Data: line}); err != nil {
				return nil //nolint:nilerr // the caller is gone
			}
		}
		_ = events.Send(httpx.Event{Name: "finish", Data: []byte(`{"updated":false}`)})
		return nil
	})
}

// page answers a file of a site, or the index.html of a folder.
func (h *routes) page(c *gin.Context) error {
	if moved := lowerTriplet(c.Request.URL.EscapedPath()); moved != c.Request.URL.EscapedPath() {
		c.Header("Location", "/api/techdocs"+moved)
		c.Status(http.StatusMovedPermanently)
		return nil
	}
	parts := strings.SplitN(strings.TrimPrefix(c.Param("file"), "/"), "/", 4)
	if len(parts) < 3 || slices.Contains(parts[:3], "") {
		return notFound(c)
	}
	ref := entity.Ref{Namespace: parts[0], Kind: parts[1], Name: parts[2]}
	_, ok, err := h.visible(c, ref)
	if err != nil {
		return err
	}
	if !ok {
		return apierror.NotFoundf("Entity not found for %s", ref)
	}
	if len(parts) == 3 {
		return h.file(c, ref, ".", false)
	}
	name := strings.TrimSuffix(parts[3], "/")
	return h.file(c, ref, cmp.Or(name, "."), name != parts[3] || name == "")
}

// file answers what has that name in a site; asFolder tells that the path ended in a slash.
func (h *routes) file(c *gin.Context, ref entity.Ref, name string, asFolder bool) error {
	file, info, err := h.sites.open(ref, name)
	if err != nil {
		return notFound(c)
	}
	defer file.Close()
	switch {
	case !info.IsDir() && asFolder:
		return notFound(c)
	case !info.IsDir():
		return serve(c, file, info)
	case !asFolder:
		return redirectToFolder(c)
	}
	index, info, err := h.sites.open(ref, path.Join(name, "index.html"))
	if err != nil || info.IsDir() {
		return notFound(c)
	}
	defer index.Close()
	return serve(c, index, info)
}

// lowerTriplet is /static/docs/<namespace>/<kind>/<name>/… with the three in lower case.
func lowerTriplet(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i := 3; i < min(6, len(segments)); i++ {
		segments[i] = lowerLetters(segments[i])
	}
	return strings.Join(segments, "/")
}

// lowerLetters leaves the digits of escapes as they are.
func lowerLetters(escaped string) string {
	pieces := strings.SplitAfter(escaped, "%")
	for i, piece := range pieces {
		kept := 0
		if i > 0 {
			kept = min(2, len(piece))
		}
		pieces[i] = piece[:kept] + strings.ToLower(piece[kept:])
	}
	return strings.Join(pieces, "")
}

func notFound(c *gin.Context) error {
	c.Status(http.StatusNotFound)
	return nil
}

func redirectToFolder(c *gin.Context) error {
	target := "/api/techdocs" + c.Request.URL.EscapedPath() + "/"
	if query := c.Request.URL.RawQuery; query != "" {
		target += "?" + query
	}
	c.Header("Location", target)
	c.Header("Content-Type", "text/html; charset=UTF-8")
	c.Header("Content-Security-Policy", "default-src 'none'")
	c.Status(http.StatusMovedPermanently)
	_, err := io.WriteString(c.Writer, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Redirecting</title>\n</head>\n<body>\n<pre>Redirecting to "+
		html.EscapeString(target)+"</pre>\n</body>\n</html>\n")
	return err
}

// contentType is by extension; what a browser would run is text.
func contentType(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".html", ".htm", ".xhtml", ".xht", ".xml", ".svg", ".svgz", ".mht", ".mhtml", ".rdf", ".xsl", ".xslt", "":
		return "text/plain; charset=utf-8"
	case ".md", ".markdown":
		return "text/markdown; charset=utf-8"
	case ".js", ".mjs":
		return "application/javascript; charset=utf-8"
	case ".json", ".map":
		return "application/json; charset=utf-8"
	default:
		if t := mime.TypeByExtension(ext); t != "" && !strings.Contains(t, "html") && !strings.Contains(t, "xml") {
			return t
		}
		return "application/octet-stream"
	}
}

func weakTag(info fs.FileInfo) string {
	return fmt.Sprintf(`W/"%x-%x"`, info.Size(), info.ModTime().UnixMilli())
}
