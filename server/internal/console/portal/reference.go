package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

const apiDocsStyle = "/api/api-docs/v1/style.css"

// reference is the description of an API: its index, one operation or one schema, as the host's api-docs draws them, with
// links that stay in the console.
func (p *Portal) reference(v *visit) {
	e, err := v.entity()
	if err != nil {
		v.fail(err)
		return
	}
	view := v.viewOf(e, "API")
	r := refOf(v.Request)
	base := "/api-docs/v1/entities" + escaped(r.Kind, r.Namespace, r.Name)
	path, q := base, url.Values{"view": {"fragment"}, "level": {"2"}}
	here := catalogPath + escaped(r.Namespace, r.Kind, r.Name) + "/api"
	switch below, _ := strings.CutPrefix(v.URL.EscapedPath(), here); {
	case strings.HasPrefix(below, "/operations/"):
		path += "/operations" + escaped(v.PathValue("id"))
	case strings.HasPrefix(below, "/schemas/"):
		path += "/schemas" + escaped(v.PathValue("id"))
	default:
		if words := v.URL.Query().Get("q"); words != "" {
			q.Set("q", words)
		}
	}
	body, err := v.api.send(v.Context(), request{method: http.MethodGet, path: path, query: q})
	switch {
	case isMissing(err) && path != base:
		p.o.Missing(v.w, v.Request)
		return
	case err != nil:
		v.missed("The description of this API", asFailure(err))
	default:
		view.Body = fragment(body, func(address string) string {
			if rest, ok := beneath(address, "/api"+base); ok {
				return view.Path + "/api" + rest
			}
			return consoleLinks(address)
		})
	}
	if view.Body == nil {
		view.Body = template.HTML("")
	}
	v.renderEntity(view, shell.Page{Styles: []string{apiDocsStyle}})
}

// asFailure makes what is missing a failure that is told: the entity is there, so something is wrong.
func asFailure(err error) error {
	if isMissing(err) {
		return &failure{Status: http.StatusBadRequest, Message: Told(err, "")}
	}
	return err
}

// document is the source of an API's description, as a text that no browser runs.
func (p *Portal) document(v *visit) {
	r := refOf(v.Request)
	body, err := v.api.send(v.Context(), request{method: http.MethodGet, path: "/api-docs/v1/entities" + escaped(r.Kind, r.Namespace, r.Name) + "/document"})
	if err != nil {
		v.fail(err)
		return
	}
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, _ = v.w.Write(body) // the caller is gone; nobody to tell
}
