package apisixfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Options say what kind of APISIX it is.
type Options struct {
	// Key is what the header X-API-KEY must bring.
	Key string
	// PageSize is the most that a list answers at once; 0 = 500.
	PageSize int
	// Encrypted has the Admin API tell keys of consumers as it stores them, which is not as they were given.
	Encrypted bool
	// Now is the clock; nil = time.Now.
	Now func() time.Time
	// Upstream answers for the services: a status and how long it takes, which is told by metrics and not waited for;
	// nil = 200 after 9 ms.
	Upstream func(*http.Request) (status int, latency time.Duration)
}

// Server is an APISIX. It is the [http.Handler] of its Admin API, safe for concurrent use.
type Server struct {
	options Options
	handler http.Handler
	faults  gatewayfake.Faults
	limiter gatewayfake.Limiter
	metrics gatewayfake.Metrics

	mu    sync.Mutex
	key   string
	index int64
	state state
	seen  gatewayfake.History[state]
}

// New makes one without resources.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageSize == 0 {
		o.PageSize = 500
	}
	if o.Upstream == nil {
		o.Upstream = func(*http.Request) (int, time.Duration) { return http.StatusOK, 9 * time.Millisecond }
	}
	s := &Server{options: o, key: o.Key, state: state{}}
	s.seen.Put(o.Now(), s.state)
	s.handler = s.faults.Wrap(http.HandlerFunc(s.admin))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults make the Admin API fail.
func (s *Server) Faults() *gatewayfake.Faults { return &s.faults }

// Delay is how long the data plane goes on with what it knew.
func (s *Server) Delay(d time.Duration) { s.seen.Delay(d) }

// Metrics is what the export server of plugin prometheus answers.
func (s *Server) Metrics() http.Handler { return &s.metrics }

const adminPrefix = "/apisix/admin/"

func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Server", "APISIX/3.13.0")
	path, is := strings.CutPrefix(r.URL.Path, adminPrefix)
	switch {
	case !is:
		refuse(w, http.StatusNotFound, "404 Route Not Found")
	case r.Header.Get("X-API-KEY") == "":
		answer(w, http.StatusUnauthorized, map[string]any{"error_msg": "failed to check token", "description": "missing apikey"})
	case r.Header.Get("X-API-KEY") != s.key:
		answer(w, http.StatusUnauthorized, map[string]any{"error_msg": "failed to check token", "description": "wrong apikey"})
	default:
		s.resource(w, r, strings.Split(path, "/"))
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"error_msg": message})
}
