package httpx

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Handler answers one request or returns an error, which the edge renders in the error envelope. It runs on the
// request's own goroutine. An error that is returned after the answer has begun is logged and closes the connection.
type Handler func(c *gin.Context) error

// Access is the rule that one route has about its callers; it is checked after the OpenAPI check, as in the reference.
type Access uint8

// The access rules.
const (
	AnyPrincipal Access = iota // a user or a service
	UserOnly                   // a user; others get 403 "This endpoint does not allow 'service' credentials"
	ServiceOnly                // a service
	Public                     // everybody; the feature must list the path in Policies too
)

// Policy opens a path of a feature to callers that the default barrier (user or service) refuses. What several policies
// say about one path adds up.
type Policy struct {
	// Path is a prefix on segment borders, relative to the feature's mount; "/" is everything.
	Path string
	// Allow is one allowance or several, "AllowUserCookie | AllowEmbed".
	Allow Allowance
}

// Allowance is a set of what a [Policy] lets in besides users and services with tokens of their own.
type Allowance uint8

// The allowances.
const (
	// AllowUnauthenticated lets everybody in: credentials are not looked at.
	AllowUnauthenticated Allowance = 1 << iota
	// AllowUserCookie takes limited user tokens, from the backstage-auth cookie.
	AllowUserCookie
	// AllowEmbed takes tokens of embedding pages. Handlers hold the caller to its limits, which are principal.Embed.
	AllowEmbed
)

// Has reports whether all of b is part of a.
func (a Allowance) Has(b Allowance) bool { return a&b == b }

// Feature is what everything under /api/<ID> has in common.
type Feature struct {
	ID string
	// OpenAPI is the feature's openapi.yaml. When set, requests are checked against it (unknown query parameter = 400)
	// and it is served at openapi.json. nil = no checks, as for the reference's plain Express plugins.
	OpenAPI []byte
	// Policies open paths beyond the default of "user or service".
	Policies []Policy
	// BodyLimit is in bytes; 0 = 100 kB as the reference has it.
	BodyLimit int64
	// LeaveBodies leaves bodies to the handlers. Otherwise one that is declared as JSON and is none is refused on every
	// path, as by the reference's routers, which parse before they look for a route.
	LeaveBodies bool
	// LeaveBodiesBelow is the same for the paths below these, as signatures need it, which are over the bytes that came.
	// Handlers limit what they read.
	LeaveBodiesBelow []string
	// Origins, if not nil, says which pages of other origins may read the feature's answers, whatever the settings say about
	// the host. They never get to send cookies by it. It is asked for each request that names an origin, and must not block.
	Origins func(origin string) bool
	// SecretPaths are prefixes below which the path itself is a credential: the log has no more of it than the prefix.
	SecretPaths []string
	// Routes, if not nil, adds routes that the edge serves for this feature, after those of [Options.EveryFeature]. It is
	// for attached features, whose own routes the edge does not know; all must be below "/.".
	Routes func(*Router)
}

// Router registers a feature's routes. Patterns are gin's, relative to the mount; matching ignores the case of fixed
// segments and a trailing slash, as Express does. A GET route answers HEAD too. Among several matches the most specific
// wins, whatever the order: a fixed segment before ":name" before "/*rest". Registration ends with the first request;
// mistakes in it (a path registered twice, a public route that no policy opens) panic.
//
// Parameters arrive decoded once. The path was split before that, so a value may hold slashes and dots: it is text and
// never a path.
type Router struct {
	server  *Server
	feature Feature
	engine  *gin.Engine
	table   routeTable
	spec    *openAPI
	barrier barrier
}

// Route describes one registered route, for tests that walk the router.
type Route struct {
	Feature, Method, Path string
	Access                Access
}

// Feature is what the routes of r have in common.
func (r *Router) Feature() Feature { return r.feature }

// Handle registers h; see [Router].
func (r *Router) Handle(method, path string, access Access, h Handler) {
	r.register(method, path, access, h)
}

// Unlisted is [Router.Handle] for what the reference serves by middleware: OPTIONS does not tell of it.
func (r *Router) Unlisted(method, path string, access Access, h Handler) {
	r.register(method, path, access, h).unlisted = true
}

func (r *Router) register(method, path string, access Access, h Handler) *route {
	if access > Public {
		panic("httpx: " + method + " " + path + ": not an access rule")
	}
	if access == Public && !r.barrier.allowance(path).Has(AllowUnauthenticated) {
		panic("httpx: " + method + " /api/" + r.feature.ID + path + " is public, but no policy opens it")
	}
	rt := &route{
		Route:   Route{Feature: r.feature.ID, Method: method, Path: path, Access: access},
		handler: h, router: r,
	}
	_, rt.rest, _ = strings.Cut(path, "/*")
	rt.operation = r.spec.operation(method, path)
	rt.metrics = r.server.metrics.route(r.feature.ID, method, path)
	r.table.add(rt)
	if rt.rest != "" {
		return rt // served by noRoute: gin has no fixed paths beside one that takes the rest
	}
	r.engine.Handle(method, path, rt.serve)
	if method == http.MethodGet {
		r.engine.Handle(http.MethodHead, path, rt.serve)
	}
	return rt
}

// GET, POST, PUT and DELETE are [Router.Handle] with that method.

func (r *Router) GET(path string, a Access, h Handler)    { r.Handle(http.MethodGet, path, a, h) }
func (r *Router) POST(path string, a Access, h Handler)   { r.Handle(http.MethodPost, path, a, h) }
func (r *Router) PUT(path string, a Access, h Handler)    { r.Handle(http.MethodPut, path, a, h) }
func (r *Router) DELETE(path string, a Access, h Handler) { r.Handle(http.MethodDelete, path, a, h) }

// leavesBody reports whether the handler reads the body itself.
func (x *exchange) leavesBody() bool {
	f := x.router.feature
	return f.LeaveBodies || slices.ContainsFunc(f.LeaveBodiesBelow, func(prefix string) bool { return underPath(prefix, x.routedPath()) })
}

// route is one registered route with everything that is known before the first request.
type route struct {
	Route
	handler   Handler
	router    *Router
	operation *operation // nil: nothing to check
	metrics   *routeMetrics
	unlisted  bool     // OPTIONS does not tell of it
	rest      string   // name of the parameter that takes the rest of the path, "" = none
	rivals    []*route // more specific routes that gin passes over when the case of a fixed segment differs
}

// serve is the order of the reference inside a feature: body, OpenAPI check, access, handler.
func (rt *route) serve(c *gin.Context) {
	x := exchangeOf(c)
	if rt.rivals != nil && x.route == nil {
		if canonical, ok := canonicalPath(rt.rivals, x.routedPath()); ok {
			x.redispatch(c, canonical)
			return
		}
	}
	x.route = rt
	if c.Request.URL.RawPath != "" {
		decodeParams(c.Params)
	}
	for _, p := range c.Params {
		if p.Value == "" && p.Key != rt.rest { // "//" is no parameter
			x.notFound()
			return
		}
	}
	if err := rt.run(c, x); err != nil {
		x.fail(err)
	}
}

func (rt *route) run(c *gin.Context, x *exchange) error {
	if rt.router.spec != nil {
		if err := rt.router.spec.check(rt.operation, x); err != nil {
			return err
		}
	}
	if rt.Access != Public {
		p, err := x.credentials()
		if err != nil {
			return err
		}
		open := rt.router.barrier.off && rt.Access == AnyPrincipal && p.Kind == principal.None
		if err := rt.Access.admit(p); err != nil && !open {
			return err
		}
	}
	return rt.handler(c)
}

// admit words its refusals as the reference does.
func (a Access) admit(p *principal.Principal) error {
	switch p.Kind {
	case principal.User:
		if a != ServiceOnly {
			return nil
		}
	case principal.Service:
		if a != UserOnly {
			return nil
		}
	default:
		return errMissingCredentials
	}
	return apierror.NotAllowedf("This endpoint does not allow '%s' credentials", p.Kind)
}

// Principal is the caller of the request that c answers; [principal.Nobody] on public routes without credentials that
// hold. Where it matters why they do not hold, use [Credentials].
func Principal(c *gin.Context) *principal.Principal {
	p, err := exchangeOf(c).credentials()
	if err != nil {
		return principal.Nobody
	}
	return p
}

// Credentials is the caller as [Principal] has it, or why the credentials that came do not hold.
func Credentials(c *gin.Context) (*principal.Principal, error) { return exchangeOf(c).credentials() }
