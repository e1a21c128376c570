package tykfake

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Options say what kind of Tyk it is.
type Options struct {
	// Secret is what the header X-Tyk-Authorization must bring.
	Secret string
	// Hashed has it keep hashes of keys, and not the keys: hash_keys.
	Hashed bool
	// Listing has it list keys although it has their hashes only: enable_hashed_keys_listing.
	Listing bool
	// Dashboard has APIs and policies be another program's: they cannot be written here.
	Dashboard bool
	// Now is the clock; nil = time.Now.
	Now func() time.Time
	// Upstream answers for the APIs: a status and how long it takes, which is told by metrics and not waited for;
	// nil = 200 after 15 ms.
	Upstream func(*http.Request) (status int, latency time.Duration)
}

// object is an API definition, a policy or a session. It is never changed: what is written is a new one.
type object = map[string]any

// Server is a Tyk. It is the [http.Handler] of its Gateway API, safe for concurrent use.
type Server struct {
	options Options
	handler http.Handler
	mux     *http.ServeMux
	faults  gatewayfake.Faults
	limiter gatewayfake.Limiter
	metrics gatewayfake.Metrics

	mu       sync.Mutex
	secret   string
	offline  bool              // Redis is not reached
	apis     map[string]object // as written
	policies map[string]object
	loaded   loaded // as the data plane has it
	sessions map[string]object
}

// loaded is what a reload has made the data plane know.
type loaded struct{ apis, policies map[string]object }

// New makes one without APIs.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Upstream == nil {
		o.Upstream = func(*http.Request) (int, time.Duration) { return http.StatusOK, 15 * time.Millisecond }
	}
	s := &Server{options: o, secret: o.Secret, mux: http.NewServeMux(), apis: map[string]object{}, policies: map[string]object{}, sessions: map[string]object{}}
	s.mux.HandleFunc("GET /tyk/reload/group", s.reload)
	s.mux.HandleFunc("GET /tyk/keys", s.listKeys)
	s.mux.HandleFunc("POST /tyk/keys", s.addKey)
	s.mux.HandleFunc("POST /tyk/keys/create", s.addKey)
	s.mux.HandleFunc("GET /tyk/keys/{key}", s.byName(s.readKey))
	s.mux.HandleFunc("POST /tyk/keys/{key}", s.addKey)
	s.mux.HandleFunc("PUT /tyk/keys/{key}", s.byName(s.replaceKey))
	s.mux.HandleFunc("DELETE /tyk/keys/{key}", s.byName(s.removeKey))
	for _, k := range []objects{{"apis", "api_id", "API not found", func() map[string]object { return s.apis }}, {"policies", "id", "Policy not found", func() map[string]object { return s.policies }}} {
		s.mux.HandleFunc("GET /tyk/"+k.path, s.listObjects(k))
		s.mux.HandleFunc("POST /tyk/"+k.path, s.addObject(k))
		s.mux.HandleFunc("GET /tyk/"+k.path+"/{id}", s.readObject(k))
		s.mux.HandleFunc("PUT /tyk/"+k.path+"/{id}", s.replaceObject(k))
	}
	s.handler = s.faults.Wrap(http.HandlerFunc(s.admin))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults make the Gateway API fail.
func (s *Server) Faults() *gatewayfake.Faults { return &s.faults }

// SetSecret replaces the secret.
func (s *Server) SetSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = secret
}

// Metrics is what a pump tells Prometheus.
func (s *Server) Metrics() http.Handler { return &s.metrics }

func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/hello":
		s.hello(w)
	case !strings.HasPrefix(r.URL.Path, "/tyk/"):
		answer(w, http.StatusNotFound, object{"error": "Not Found"})
	case r.Header.Get("X-Tyk-Authorization") != s.secret:
		refuse(w, http.StatusForbidden, "Attempted administrative access with invalid or missing key!")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// hello tells how the gateway is, to everybody.
func (s *Server) hello(w http.ResponseWriter) {
	redis := "pass"
	if s.offline {
		redis = "fail"
	}
	answer(w, http.StatusOK, object{"status": redis, "version": "5.8.0", "details": object{"redis": object{"status": redis, "componentType": "datastore"}}})
}

// SetOffline has the gateway lose Redis, or find it again.
func (s *Server) SetOffline(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offline = on
}

// reload has the data plane know what was written; s.mu is held.
func (s *Server) reload(w http.ResponseWriter, _ *http.Request) {
	s.load()
	answer(w, http.StatusOK, object{"status": "ok", "message": ""})
}

func (s *Server) load() { s.loaded = loaded{maps.Clone(s.apis), maps.Clone(s.policies)} }

func body(w http.ResponseWriter, r *http.Request) (object, bool) {
	var o object
	data, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
	if err != nil || json.Unmarshal(data, &o) != nil || o == nil {
		refuse(w, http.StatusBadRequest, "Request malformed")
		return nil, false
	}
	return o, true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, object{"status": "error", "message": message})
}

func done(w http.ResponseWriter, key, action string) {
	answer(w, http.StatusOK, object{"key": key, "status": "ok", "action": action})
}

func text(v any) string {
	t, _ := v.(string)
	return t
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

func record(v any) object {
	o, _ := v.(object)
	return o
}
