package httpx

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// newEngine is gin as the edge uses it: exact matching of escaped paths, everything else done by the edge.
func newEngine(r *Router) *gin.Engine {
	e := gin.New()
	e.UseRawPath = true
	e.UnescapePathValues = false // done by route.serve, because gin reads "+" as a blank
	e.RedirectTrailingSlash = false
	e.HandleMethodNotAllowed = false
	e.NoRoute(r.noRoute)
	return e
}

// noRoute is where gin gives up: the path may differ from a pattern in case or by a trailing slash, and OPTIONS is
// answered for every path that has routes.
func (r *Router) noRoute(c *gin.Context) {
	x := exchangeOf(c)
	defer c.Writer.WriteHeaderNow() // or gin adds a body of its own
	path := x.routedPath()
	if c.Request.Method == http.MethodOptions {
		if methods := r.table.methods(path); len(methods) > 0 {
			x.sendAllow(methods)
			return
		}
	}
	if canonical, ok := r.table.canonical(c.Request.Method, path); ok && canonical != path {
		x.redispatch(c, canonical)
		return
	}
	if rt, rest := r.table.catchAll(c, path); rt != nil {
		c.Params = append(c.Params, rest...)
		c.Status(http.StatusOK)
		rt.serve(c)
		return
	}
	x.notFound()
}

// sendAllow answers OPTIONS.
func (x *exchange) sendAllow(methods []string) {
	allow := strings.Join(methods, ",")
	x.Header().Set("Allow", allow)
	_ = x.sendTagged(http.StatusOK, "text/html; charset=utf-8", []byte(allow))
}

// catchAll finds the most specific route that takes the rest of the path, and the path's parameters under it.
func (t *routeTable) catchAll(c *gin.Context, path string) (best *route, params gin.Params) {
	for _, rt := range t.routes {
		if rt.rest == "" || !rt.answers(c.Request.Method) || best != nil && !moreSpecific(rt.Path, best.Path) {
			continue
		}
		if p, ok := restParams(rt.Path, path); ok {
			best, params = rt, p
		}
	}
	return best, params
}

// methods lists what a path answers to, as Express lists it.
func (t *routeTable) methods(path string) []string {
	var all []string
	for _, rt := range t.routes {
		if _, ok := matchPattern(rt.Path, path); ok && !rt.unlisted && !slices.Contains(all, rt.Method) {
			all = append(all, rt.Method)
			if rt.Method == http.MethodGet {
				all = append(all, http.MethodHead)
			}
		}
	}
	return all
}
