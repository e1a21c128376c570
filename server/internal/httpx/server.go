package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/callboard/callboard/server/internal/principal"
)

// Authenticator turns the credentials of a request into a principal. The auth feature implements it.
type Authenticator interface {
	// Authenticate verifies the Authorization header, or the cookie when accept has [AllowUserCookie] and there is no header.
	// Tokens of embedding pages are refused unless accept has [AllowEmbed]. accept never makes credentials unnecessary.
	// No credentials at all: principal.Nobody and no error; the barrier decides. feature is the id being called.
	// Bad credentials: an AuthenticationError or NotAllowedError of package apierror with the reference's text.
	// It is on the hot path of every request: verified tokens come from a cache, and it must not block on I/O for those.
	Authenticate(r *http.Request, feature string, accept Allowance) (*principal.Principal, error)
}

// Options is what a [Server] is made of.
type Options struct {
	Auth     Authenticator        // required
	Logger   *slog.Logger         // required
	Metrics  *prometheus.Registry // nil = counted, but for nobody
	Settings Settings
	// EveryFeature, if not nil, adds the routes that each feature has (keys, cookie, permission metadata). It runs when
	// the feature is mounted, before the feature's own routes.
	EveryFeature func(*Router)
	// Detached, if not nil, is told the id of a feature that was taken away again; see [Server.Attach].
	Detached func(id string)
}

// Server is the edge as a value: features are added to it, then it is served as an http.Handler.
//
// A request passes, in this order: security headers, CORS, rate limit, health, the choice of a feature, the feature's
// rate limit, the gate that waits for the start, the credentials barrier, then the route (see [Router]).
type Server struct {
	auth     Authenticator
	log      *slog.Logger
	settings Settings
	metrics  *metrics
	every    func(*Router)
	detached func(id string)

	security      []header
	cors          *cors
	limiter       *limiter
	proxies       TrustProxy
	healthHeaders http.Header
	logAll        bool

	startupPause, requestTimeout time.Duration

	life   *lifecycle
	ending context.Context //nolint:containedctx // the server's own: over when it shuts down
	endAll context.CancelFunc
	up     atomic.Bool // life is serving or draining; read by every request

	mounts   atomic.Pointer[mountTable] // read by every request
	mounting sync.Mutex                 // held by who replaces mounts
	index    http.Handler

	exchanges, buffers sync.Pool
	encoders           encoders
}

// mount is what answers under /api/<id>: a feature's router, or a handler of its own.
type mount struct {
	id      string
	router  *Router
	handler http.Handler
	whole   WholeHandler // of an attached feature: everything that the router has no path for
	limiter *limiter
	metrics *routeMetrics // of requests that reach no route
}

// mountTable is every mount at one time. It is never changed, only replaced.
type mountTable struct {
	byID map[string]*mount // by lower-case id
	ids  []string          // in the order of registration
}

// New makes a server without features.
func New(o Options) (*Server, error) {
	if o.Auth == nil || o.Logger == nil {
		return nil, errors.New("httpx: Auth and Logger are required")
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	counted, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // else gin prints routes; it has no setting per engine
	s := &Server{
		auth: o.Auth, log: o.Logger, settings: o.Settings, metrics: counted,
		every: o.EveryFeature, detached: o.Detached,
		security: securityHeaders(o.Settings), cors: newCORS(o.Settings.CORS), limiter: newLimiter(o.Settings.RateLimit),
		proxies: o.Settings.TrustProxy, healthHeaders: o.Settings.HealthHeaders, logAll: o.Settings.LogAllRequests,
		startupPause:   orDefault(o.Settings.StartupPause, 5*time.Second),
		requestTimeout: orDefault(o.Settings.RequestTimeout, time.Minute),
		life:           newLifecycle(),
	}
	s.mounts.Store(&mountTable{byID: map[string]*mount{}})
	s.ending, s.endAll = context.WithCancel(context.Background())
	s.exchanges.New = func() any { return new(exchange) }
	s.buffers.New = func() any { return new(bytes.Buffer) }
	s.encoders.init()
	return s, nil
}

// Feature mounts f under /api/<f.ID> and returns the router for its routes. An id that is taken is a programmer's error.
func (s *Server) Feature(f Feature) *Router {
	m := s.newMount(f)
	m.handler = m.router.engine
	s.mustAdd(m)
	return m.router
}

// Mount puts a handler under /api/<id> without the edge's barrier: it gets the path with the prefix stripped.
func (s *Server) Mount(id string, h http.Handler) { s.mustAdd(&mount{id: id, handler: h}) }

// newMount makes the router of f with the routes that every feature has.
func (s *Server) newMount(f Feature) *mount {
	r := &Router{server: s, feature: f, barrier: barrier{policies: f.Policies, off: s.settings.NoBarrier}}
	r.engine = newEngine(r)
	if f.OpenAPI != nil {
		r.spec = loadOpenAPI(f.ID, f.OpenAPI)
		r.GET("/openapi.json", AnyPrincipal, r.spec.serve)
	}
	if s.every != nil {
		s.every(r)
	}
	if f.Routes != nil {
		f.Routes(r)
	}
	return &mount{id: f.ID, router: r}
}

func (s *Server) mustAdd(m *mount) {
	if err := s.add(m); err != nil {
		panic(err.Error())
	}
}

func (s *Server) add(m *mount) error {
	key := strings.ToLower(m.id)
	if key == "" || strings.ContainsAny(key, "/%?#") {
		return fmt.Errorf("httpx: feature id %q is not a path segment", m.id)
	}
	m.limiter = newLimiter(s.settings.FeatureRateLimits[m.id])
	m.metrics = s.metrics.route(m.id, "", "unknown")
	s.mounting.Lock()
	defer s.mounting.Unlock()
	now := s.mounts.Load()
	next := &mountTable{byID: maps.Clone(now.byID), ids: now.ids}
	switch before := now.byID[key]; {
	case before == nil:
		next.ids = append(slices.Clip(now.ids), key)
	case before.whole == nil || m.whole == nil:
		return fmt.Errorf("httpx: feature id %q is taken", m.id)
	}
	next.byID[key] = m
	s.mounts.Store(next)
	return nil
}

// Index sets the handler of every path outside /api: the served frontend, or the console.
func (s *Server) Index(h http.Handler) { s.index = h }

// Routes lists what is registered, for tests and the console.
func (s *Server) Routes() []Route {
	var all []Route
	mounts := s.mounts.Load()
	for _, id := range mounts.ids {
		if r := mounts.byID[id].router; r != nil {
			for _, rt := range r.table.routes {
				all = append(all, rt.Route)
			}
		}
	}
	return all
}

// Features lists the ids under /api, in the order of registration.
func (s *Server) Features() []string { return slices.Clone(s.mounts.Load().ids) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.exchanges.Get().(*exchange) //nolint:forcetypeassert // the pool makes nothing else
	x.server, x.w, x.r, x.began = s, w, r, time.Now()
	x.path, x.rawPath, x.status = r.URL.Path, r.URL.RawPath, http.StatusOK
	x.metrics = s.metrics.unknown
	if r.ContentLength != 0 { // a body may not trickle in for ever, whoever reads it; net/http reads what nobody reads
		_ = http.NewResponseController(w).SetReadDeadline(x.began.Add(s.requestTimeout))
	}
	s.metrics.inFlight.Inc()
	defer s.end(x)
	s.serve(x)
}

// end contains panics, completes the answer and accounts for it.
func (s *Server) end(x *exchange) {
	if failure := recover(); failure != nil {
		if err, ok := failure.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			x.broken = true
		} else {
			x.fail(fmt.Errorf("panic: %v\n%s", failure, debug.Stack()))
		}
	}
	x.leave()
	if !x.hijacked {
		x.finishBody(x.broken)
	}
	if x.slow && !x.hijacked {
		_ = http.NewResponseController(x.w).SetWriteDeadline(time.Time{})
	}
	if x.taken[0] != nil {
		s.limiter.settle(x.taken[0], x.status)
	}
	if x.taken[1] != nil {
		x.mount.limiter.settle(x.taken[1], x.status)
	}
	if x.route != nil {
		x.metrics = x.route.metrics
	}
	s.metrics.inFlight.Dec()
	x.metrics.observe(x.status, time.Since(x.began))
	s.logAccess(x)
	broken := x.broken
	*x = exchange{}
	s.exchanges.Put(x)
	if broken {
		panic(http.ErrAbortHandler) // net/http then cuts the connection
	}
}

func (s *Server) serve(x *exchange) {
	h := x.w.Header()
	for i := range s.security {
		h[s.security[i].name] = s.security[i].values
	}
	if s.settings.EchoRequestID {
		h["X-Request-Id"] = []string{x.id()}
	}
	if s.crossOrigin(x) {
		return
	}
	if s.limiter != nil {
		taken, refused := s.limiter.take(x)
		if refused {
			return
		}
		x.taken[0] = taken
	}
	path := x.routedPath()
	if id, mountLen, ok := apiSegment(path); ok {
		s.serveFeature(x, id, mountLen)
		return
	}
	if len(path) > len(healthPath) && strings.EqualFold(path[:len(healthPath)], healthPath) && x.rawPath == "" {
		s.serveHealth(x)
		return
	}
	if s.index == nil {
		x.notFound()
		return
	}
	x.metrics = s.metrics.index
	s.index.ServeHTTP(x, x.r)
}

func (s *Server) serveFeature(x *exchange, id string, mountLen int) {
	mounts := s.mounts.Load().byID
	m := mounts[id]
	if m == nil {
		m = mounts[strings.ToLower(id)]
	}
	if m == nil || !isASCII(id) {
		x.notFound()
		return
	}
	x.mount, x.metrics = m, m.metrics
	if m.router != nil && m.whole == nil && strings.HasPrefix(x.routedPath()[mountLen:], "//") {
		mountLen++ // a router's mount takes its own trailing slash
	}
	x.enter(mountLen)
	if m.limiter != nil {
		taken, refused := m.limiter.take(x)
		if refused {
			return
		}
		x.taken[1] = taken
	}
	if !s.up.Load() && x.routedPath() != keysPath {
		if err := s.gate(x.r); err != nil {
			x.fail(err)
			return
		}
	}
	if m.router != nil && !x.admit(m) {
		return
	}
	m.handler.ServeHTTP(x, x.r)
}

// admit takes the request through the barrier and reads the body for the feature's router. False: it has been answered.
func (x *exchange) admit(m *mount) bool {
	x.router = m.router
	if err := m.router.barrier.pass(x); err != nil {
		x.fail(err)
		return false
	}
	if m.whole != nil && !m.router.owns(x.routedPath()) {
		x.serveWhole()
		return false
	}
	if !x.hasBody() || x.leavesBody() {
		return true
	}
	if _, err := x.jsonBody(); err != nil {
		x.fail(err)
		return false
	}
	return true
}

// notFound is the reference's answer for paths that nobody serves: no body, no content type.
func (x *exchange) notFound() { x.WriteHeader(http.StatusNotFound) }

// apiSegment splits "/api/<id>/…"; mountLen is the length of "/api/<id>". The path is as escaped as it came, so an
// escaped slash or letter makes an id that nobody has.
func apiSegment(path string) (id string, mountLen int, isAPI bool) {
	const prefix = "/api"
	if !underPath(prefix, path) {
		return "", 0, false
	}
	rest := path[len(prefix):]
	if rest == "" {
		return "", len(prefix), true
	}
	rest = rest[1:]
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		rest = rest[:i]
	}
	return rest, len(prefix) + 1 + len(rest), true
}
