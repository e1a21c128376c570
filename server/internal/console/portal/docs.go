package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

// docs is a page of an entity's documentation, which the host's api-docs have sanitised.
func (p *Portal) docs(v *visit) {
	e, err := v.entity()
	if err != nil {
		v.fail(err)
		return
	}
	view := v.viewOf(e, "Docs")
	r := refOf(v.Request)
	base := "/api-docs/v1/docs" + escaped(r.Kind, r.Namespace, r.Name)
	below := ""
	if page := v.PathValue("path"); page != "" {
		below = escaped(strings.Split(page, "/")...)
	}
	body, err := v.api.send(v.Context(), request{method: http.MethodGet, path: base + below, query: url.Values{"view": {"fragment"}, "level": {"2"}}})
	switch {
	case isMissing(err):
	case err != nil:
		v.missed("This documentation", err)
	default:
		site := "/api/techdocs/static/docs" + strings.ToLower(escaped(r.Namespace, r.Kind, r.Name))
		view.Body = fragment(body, func(address string) string {
			if rest, ok := beneath(address, "/api"+base); ok {
				return view.Path + "/docs" + rest
			}
			if rest, ok := beneath(address, site); ok {
				return view.Path + "/files" + rest
			}
			return consoleLinks(address)
		})
	}
	if view.Body == nil {
		view.Body = template.HTML("")
	}
	v.renderEntity(view, shell.Page{Styles: []string{apiDocsStyle}})
}

// beneath is what follows in an address that is at or below a path.
func beneath(address, path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(address, path)
	return rest, ok && (rest == "" || strings.ContainsAny(rest[:1], "/?#"))
}

// fileTypes are the files of documentation that a browser shows inside of a page. Everything else is saved.
var fileTypes = map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".svg": "image/svg+xml", ".ico": "image/x-icon"}

// file is a file of an entity's documentation, such as a picture. None can run or be a page.
func (p *Portal) file(v *visit) {
	r := refOf(v.Request)
	name := v.PathValue("path")
	body, err := v.api.send(v.Context(), request{method: http.MethodGet,
		path: "/techdocs/static/docs" + strings.ToLower(escaped(r.Namespace, r.Kind, r.Name)) + escaped(strings.Split(name, "/")...)})
	if err != nil {
		v.fail(err)
		return
	}
	header := v.w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	kind, shown := fileTypes[strings.ToLower(path.Ext(name))]
	if !shown {
		kind = "application/octet-stream"
		header.Set("Content-Disposition", "attachment")
	}
	header.Set("Content-Type", kind)
	_, _ = v.w.Write(body) // the caller is gone; nobody to tell
}
