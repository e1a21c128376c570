package fake

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what kind of SonarQube it is.
type Options struct {
	// Cloud behaves as SonarQube Cloud: it wants bearers, and hides projects that a token may not browse with a 404.
	Cloud bool
	// Metrics are which metrics it knows: Both of them unless said otherwise.
	Metrics Metrics
	// NoBearer refuses bearers, as servers before 10.5 do.
	NoBearer bool
	// Token is the user token that it accepts.
	Token string
	// TokenExpires is told in a header of every answer; zero = not told, as by older servers.
	TokenExpires time.Time
	// PageSize is the most that a list answers at once; 0 = 500.
	PageSize int
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// Metrics are the metrics of a version and mode.
type Metrics int

// The sets of metrics.
const (
	Both     Metrics = iota // since 10.8, whatever the mode: the standard metrics stay readable
	Standard                // before 10.8
	MQR                     // software qualities only
)

// Server is a SonarQube. It is an [http.Handler], safe for concurrent use.
type Server struct {
	options Options
	mux     *http.ServeMux

	mu       sync.Mutex
	projects map[string]*Project
	token    string
	fault    http.HandlerFunc
	faultAt  string
	budget   int // requests left before the rate limit; negative = no limit
	after    time.Duration
	calls    []string
}

// New makes an empty one.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageSize == 0 {
		o.PageSize = 500
	}
	s := &Server{options: o, mux: http.NewServeMux(), projects: map[string]*Project{}, token: o.Token, budget: -1}
	s.mux.HandleFunc("GET /api/authentication/validate", s.validate)
	s.mux.HandleFunc("GET /api/metrics/search", s.signedIn(s.metrics))
	s.mux.HandleFunc("GET /api/components/show", s.signedIn(s.of("component", s.show)))
	s.mux.HandleFunc("GET /api/measures/component", s.signedIn(s.of("component", s.measures)))
	s.mux.HandleFunc("GET /api/measures/search_history", s.signedIn(s.of("component", s.history)))
	s.mux.HandleFunc("GET /api/qualitygates/project_status", s.signedIn(s.of("projectKey", s.gate)))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			refuse(w, http.StatusNotFound, "Unknown url : "+r.URL.Path)
			return
		}
		HTMLPage(http.StatusOK)(w, r) // the single-page application
	})
	return s
}

// Put adds or replaces projects.
func (s *Server) Put(projects ...*Project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range projects {
		s.projects[p.Key] = p
	}
}

// Analyse adds an analysis to a project.
func (s *Server) Analyse(key string, a Analysis) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.projects[key]; p != nil {
		p.Analyses = append(p.Analyses, a)
	}
}

// SetToken replaces the token, as if the former one had been revoked.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Fail has a handler answer every path that begins so, until it is called with nil.
func (s *Server) Fail(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faultAt, s.fault = path, h
}

// Limit answers 429 after so many requests, and asks to come back after a while; a negative number ends it.
func (s *Server) Limit(requests int, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget, s.after = requests, after
}

// Calls are the paths that were asked for.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, limited := s.admit(r.URL.Path)
	switch {
	case fault != nil:
		fault(w, r)
	case limited > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int(limited/time.Second)))
		refuse(w, http.StatusTooManyRequests, "Too many requests")
	default:
		if at := s.options.TokenExpires; !at.IsZero() {
			w.Header().Set("SonarQube-Authentication-Token-Expiration", stamp(at))
		}
		s.mux.ServeHTTP(w, r)
	}
}

// admit counts a request and finds what is to go wrong with it.
func (s *Server) admit(path string) (http.HandlerFunc, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, path)
	if s.fault != nil && strings.HasPrefix(path, s.faultAt) {
		return s.fault, 0
	}
	if s.budget == 0 {
		return nil, s.after
	}
	if s.budget > 0 {
		s.budget--
	}
	return nil, 0
}

// accepts reports whether the credentials are good.
func (s *Server) accepts(r *http.Request) bool {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme {
	case "Bearer":
		return !s.options.NoBearer && value == token
	case "Basic":
		plain, err := base64.StdEncoding.DecodeString(value)
		return err == nil && !s.options.Cloud && string(plain) == token+":"
	}
	return false
}

// signedIn answers 401 with an empty body, as SonarQube does.
func (s *Server) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.accepts(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

// of finds the project that a parameter names, on the branch that is asked for.
func (s *Server) of(parameter string, next func(http.ResponseWriter, *http.Request, Project)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, branch := r.URL.Query().Get(parameter), r.URL.Query().Get("branch")
		if key == "" {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("The '%s' parameter is missing", parameter))
			return
		}
		p, found := s.project(key, branch)
		switch {
		case !found || p.Hidden && s.options.Cloud:
			refuse(w, http.StatusNotFound, unknown(key, branch))
		case p.Hidden:
			refuse(w, http.StatusForbidden, "Insufficient privileges")
		default:
			next(w, r, p)
		}
	}
}

func unknown(key, branch string) string {
	if branch != "" {
		return fmt.Sprintf("Component '%s' on branch '%s' not found", key, branch)
	}
	return fmt.Sprintf("Component key '%s' not found", key)
}

// project is a copy, whose analyses are those of the branch.
func (s *Server) project(key, branch string) (Project, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[key]
	if p == nil {
		return Project{}, false
	}
	found := *p
	if branch != "" && branch != p.mainBranch() {
		analyses, ok := p.Branches[branch]
		found.Analyses = slices.Clone(analyses)
		return found, ok
	}
	found.Analyses = slices.Clone(p.Analyses)
	return found, true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"msg": message}}})
}

// stamp writes a point in time as SonarQube does.
func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05-0700") }
