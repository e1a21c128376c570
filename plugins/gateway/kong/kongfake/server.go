package kongfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Options say what kind of Kong it is.
type Options struct {
	// Token is what the header Kong-Admin-Token must bring, as with RBAC; "" = everybody may.
	Token string
	// Header and Value are what a request must bring where the Admin API stands behind Kong itself.
	Header, Value string
	// DBLess has a node without a database: entities are read-only but for POST /config.
	DBLess bool
	// JSON has the node export its configuration as JSON, which is YAML as well and read faster.
	JSON bool
	// Role is "traditional", the default, or "control_plane".
	Role string
	// Version is told by GET /; "" = 3.9.1.
	Version string
	// Workspace is the only one beside "default", whose entities are the same; "" = there is none.
	Workspace string
	// PageSize is that of lists which name none; 0 = 100.
	PageSize int
	// Now is the clock; nil = time.Now.
	Now func() time.Time
	// Upstream answers for the services: a status and how long it takes, which is told by metrics and not waited for;
	// nil = 200 after 12 ms.
	Upstream func(*http.Request) (status int, latency time.Duration)
}

// Server is one node of Kong. It is the [http.Handler] of its Admin API, safe for concurrent use.
type Server struct {
	options Options
	handler http.Handler
	faults  gatewayfake.Faults
	limiter gatewayfake.Limiter
	metrics gatewayfake.Metrics

	mu       sync.Mutex
	token    string
	readOnly bool
	offline  bool // the database is not reached
	state    state
	hash     string // of the declarative configuration
	exported string // the state as one, "" = not made yet
	seen     gatewayfake.History[state]
}

// New makes one without entities.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageSize == 0 {
		o.PageSize = 100
	}
	if o.Role == "" {
		o.Role = "traditional"
	}
	if o.Version == "" {
		o.Version = "3.9.1"
	}
	if o.Upstream == nil {
		o.Upstream = func(*http.Request) (int, time.Duration) { return http.StatusOK, 12 * time.Millisecond }
	}
	s := &Server{options: o, token: o.Token, state: state{}, hash: emptyHash}
	s.seen.Put(o.Now(), s.state)
	s.handler = s.faults.Wrap(http.HandlerFunc(s.admin))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults make the Admin API fail.
func (s *Server) Faults() *gatewayfake.Faults { return &s.faults }

// SetToken replaces the token, as if the former one had been revoked.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// SetReadOnly takes the right to write from the token, or gives it back.
func (s *Server) SetReadOnly(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = on
}

// SetOffline has the node lose its database, or find it again.
func (s *Server) SetOffline(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offline = on
}

// Delay is how long the data plane goes on with what it knew, as with caches and in hybrid mode.
func (s *Server) Delay(d time.Duration) { s.seen.Delay(d) }

func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "kong/"+s.options.Version)
	if !s.admitted(w, r) {
		return
	}
	path := strings.Trim(r.URL.EscapedPath(), "/")
	if first, rest, _ := strings.Cut(path, "/"); first == "default" || first != "" && first == s.options.Workspace {
		path = rest
	}
	switch {
	case path == "":
		s.node(w)
	case path == "status":
		s.status(w)
	case path == "metrics":
		s.Metrics().ServeHTTP(w, r)
	case path == "config":
		s.declarative(w, r)
	case strings.HasPrefix(path, "schemas/plugins/"):
		schemaOf(w, strings.TrimPrefix(path, "schemas/plugins/"))
	default:
		s.entities(w, r, strings.Split(path, "/"))
	}
}

// admitted checks the credentials, and answers as RBAC and as plugin key-auth do.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	token, readOnly := s.token, s.readOnly
	s.mu.Unlock()
	switch {
	case s.options.Header != "" && r.Header.Get(s.options.Header) != s.options.Value:
		answer(w, http.StatusUnauthorized, map[string]any{"message": "Unauthorized"})
	case token != "" && r.Header.Get("Kong-Admin-Token") != token:
		answer(w, http.StatusUnauthorized, map[string]any{"message": "Invalid credentials. Token or User credentials required"})
	case readOnly && r.Method != http.MethodGet:
		answer(w, http.StatusForbidden, map[string]any{"message": "portal, you do not have permissions to create this resource"})
	default:
		return true
	}
	return false
}

func (s *Server) node(w http.ResponseWriter) {
	database := "postgres"
	if s.options.DBLess {
		database = "off"
	}
	available := map[string]any{}
	for name := range schemas {
		available[name] = map[string]any{"version": s.options.Version, "priority": 1000}
	}
	enabled := map[string]bool{}
	s.mu.Lock()
	for _, p := range s.state["plugins"] {
		enabled[text(p["name"])] = true
	}
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"tagline": "Welcome to kong", "version": s.options.Version, "edition": "community", "hostname": "kong",
		"node_id": id("node"), "lua_version": "LuaJIT 2.1",
		"plugins":       map[string]any{"available_on_server": available, "enabled_in_cluster": sorted(enabled)},
		"configuration": map[string]any{"database": database, "role": s.options.Role, "admin_listen": []string{"127.0.0.1:8001"}},
	})
}

func (s *Server) status(w http.ResponseWriter) {
	s.mu.Lock()
	reachable, hash := !s.offline, s.hash
	s.mu.Unlock()
	status := map[string]any{
		"database": map[string]any{"reachable": reachable},
		"memory":   map[string]any{"workers_lua_vms": []any{}, "lua_shared_dicts": map[string]any{}},
		"server":   map[string]any{"connections_active": 1, "total_requests": 1},
	}
	if s.options.DBLess {
		status["configuration_hash"] = hash
	}
	answer(w, http.StatusOK, status)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}
