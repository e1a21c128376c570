package apigeefake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Organization is what the fake is called.
const Organization = "contoso"

// Options of a [Server].
type Options struct {
	Now   func() time.Time
	Delay time.Duration // until the gateway sees a change
	Page  int           // what one answer lists at most; 0 = 1000
	Life  time.Duration // of a token; 0 = 1 h
}

// Server is an organization. Its handler is the Apigee API together with the login at /token.
type Server struct {
	gatewayfake.Faults // of the Apigee API, not of the login

	options Options
	handler http.Handler
	seen    gatewayfake.History[state]
	used    gatewayfake.Limiter

	mu     sync.Mutex
	state  state
	tokens map[string]time.Time // and when they end
}

// state is what the organization knows; the gateway sees copies of it.
type state struct {
	developers map[string]bool
	apps       map[appID]app
	products   map[string]product
}

func (s state) clone() state {
	apps := maps.Clone(s.apps)
	for id, a := range apps {
		a.Keys = slices.Clone(a.Keys)
		for i := range a.Keys {
			a.Keys[i].Products = slices.Clone(a.Keys[i].Products)
		}
		apps[id] = a
	}
	return state{maps.Clone(s.developers), apps, maps.Clone(s.products)}
}

// New makes one with the proxies orders and stock, and the products basic, gold, partner, which wants an approval, and open,
// which is for the environment test.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Page == 0 {
		o.Page = 1000
	}
	if o.Life == 0 {
		o.Life = time.Hour
	}
	s := &Server{options: o, state: sample(), tokens: map[string]time.Time{}}
	s.seen.Delay(o.Delay)
	s.seen.Put(o.Now(), s.state.clone())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.login)
	mux.Handle("/v1/organizations/", s.Wrap(http.HandlerFunc(s.manage)))
	s.handler = mux
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// SetDelay sets how long the gateway takes to see changes from now on.
func (s *Server) SetDelay(d time.Duration) { s.seen.Delay(d) }

// failure is an error of the Apigee API.
type failure struct {
	code            int
	status, message string
}

func notFound(what string, args ...any) *failure {
	return &failure{http.StatusNotFound, "NOT_FOUND", fmt.Sprintf(what, args...)}
}

func invalid(what string) *failure {
	return &failure{http.StatusBadRequest, "INVALID_ARGUMENT", what}
}

func exists(what string) *failure {
	return &failure{http.StatusConflict, "ALREADY_EXISTS", what + " already exists"}
}

func (f *failure) send(w http.ResponseWriter) {
	answer(w, f.code, map[string]any{"error": map[string]any{"code": f.code, "message": f.message, "status": f.status}})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller may have gone
}

// call is one request to the Apigee API.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	path []string
	body map[string]any
}

func (c call) is(method string, length int) bool {
	return c.r.Method == method && len(c.path) == length
}

func (c call) text(name string) string {
	text, _ := c.body[name].(string)
	return text
}

func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := call{w: w, r: r, body: map[string]any{}}
	for segment := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/organizations/"), "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			invalid("malformed path").send(w)
			return
		}
		c.path = append(c.path, plain)
	}
	if f := s.admit(r, c.path[0]); f != nil {
		f.send(w)
		return
	}
	c.path = c.path[1:]
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || len(data) > 0 && json.Unmarshal(data, &c.body) != nil {
		invalid("Invalid JSON payload received.").send(w)
		return
	}
	if f := s.route(c); f != nil {
		f.send(w)
		return
	}
	if r.Method != http.MethodGet {
		s.seen.Put(s.options.Now(), s.state.clone())
	}
}

func (s *Server) admit(r *http.Request, organization string) *failure {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	end, known := s.tokens[token]
	switch {
	case !bearer || !known || !s.options.Now().Before(end):
		return &failure{http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."}
	case organization != Organization:
		return &failure{http.StatusForbidden, "PERMISSION_DENIED", `Permission denied on resource "organizations/` + organization + `" (or it may not exist)`}
	}
	return nil
}

func (s *Server) route(c call) *failure {
	switch {
	case len(c.path) == 0:
		return notFound("no route")
	case c.path[0] == "developers" && len(c.path) <= 2:
		return s.developers(c)
	case c.path[0] == "developers" && c.path[2] == "apps":
		return s.apps(c)
	case c.path[0] == "apps" && c.is(http.MethodGet, 1):
		return s.everyApp(c)
	case c.path[0] == "apiproducts":
		return s.products(c)
	case c.path[0] == "apis":
		return s.proxies(c)
	}
	return notFound("no route")
}

// list answers a page of a list, which begins with the item that the query names.
func (s *Server) list(c call, member string, names []string, show func(string) any) *failure {
	slices.Sort(names)
	query := c.r.URL.Query()
	begin, _ := slices.BinarySearch(names, query.Get("startKey"))
	size := s.options.Page
	for _, name := range []string{"count", "rows"} {
		if n, err := strconv.Atoi(query.Get(name)); err == nil && n > 0 {
			size = min(size, n)
		}
	}
	if query.Get("expand") != "true" {
		return invalid("the fake lists with expand=true only")
	}
	items := []any{}
	for _, name := range names[begin:min(begin+size, len(names))] {
		items = append(items, show(name))
	}
	page := map[string]any{member: items}
	if len(items) == 0 { // as Google leaves out what is empty
		page = map[string]any{}
	}
	answer(c.w, http.StatusOK, page)
	return nil
}
