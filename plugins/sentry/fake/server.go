package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are of a [Server]. The zero value is one organization "acme" with sample data.
type Options struct {
	// Organization is its slug, "" = acme.
	Organization string
	// Token is what calls must bring, "" = "sntrys_sample".
	Token string
	// URL is the server's own address, for links; "" = https://sentry.example.test.
	URL string
	// Now is the server's clock, nil = the system's.
	Now func() time.Time
	// PerSecond is how many calls it takes in a second; 0 = any number.
	PerSecond int
	// Empty leaves the sample data out.
	Empty bool
	// Teams are those that projects can be made for; none = "payments".
	Teams []string
}

// Server is the fake. It is an [http.Handler].
type Server struct {
	options Options
	mux     *http.ServeMux

	mu       sync.Mutex
	state    state
	scopes   []string
	failures []*failure
	calls    []string
	second   int64 // that inSecond counts
	inSecond int
}

// Scopes are those of a token that can do everything the plugin does.
var Scopes = []string{"org:read", "project:read", "event:read", "project:write", "project:releases"}

// New returns a fake.
func New(o Options) *Server {
	if o.Organization == "" {
		o.Organization = "acme"
	}
	if o.Token == "" {
		o.Token = "sntrys_sample"
	}
	if o.URL == "" {
		o.URL = "https://sentry.example.test"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Teams) == 0 {
		o.Teams = []string{"payments"}
	}
	s := &Server{options: o, mux: http.NewServeMux(), scopes: slices.Clone(Scopes), state: state{teams: o.Teams, nextID: 700100200}}
	if !o.Empty {
		s.state.fill(o.Now(), s.pages())
	}
	s.routes()
	return s
}

// pages is the address of the organization's pages, for links.
func (s *Server) pages() string { return s.options.URL + "/organizations/" + s.options.Organization }

// failure is an answer that replaces the usual one.
type failure struct {
	path  string
	times int
	serve http.HandlerFunc
}

// Fail has the next calls whose path contains a text answered by serve; times < 0 = all of them, until [Server.Heal].
func (s *Server) Fail(path string, times int, serve http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, &failure{path, times, serve})
}

// Heal ends all failures.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
}

// Revoke takes scopes from the token.
func (s *Server) Revoke(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = slices.DeleteFunc(s.scopes, func(have string) bool { return slices.Contains(scopes, have) })
}

// Calls are the requests so far, "GET /api/0/…?query".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	if serve := s.noted(r); serve != nil {
		serve(w, r)
		return
	}
	switch {
	case !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, r.URL.EscapedPath()+"/?"+r.URL.RawQuery, http.StatusMovedPermanently) //nolint:gosec // a fake for loopback, which redirects as Sentry does
	case r.Header.Get("Authorization") == "":
		refuse(w, http.StatusUnauthorized, "Authentication credentials were not provided.")
	case r.Header.Get("Authorization") != "Bearer "+s.options.Token:
		refuse(w, http.StatusUnauthorized, "Invalid token")
	case s.tooMany(w):
		refuse(w, http.StatusTooManyRequests, "You are attempting to use this endpoint too frequently. Limit is 5 requests in 1 seconds")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// noted writes a call down, and finds the failure that is meant for it.
func (s *Server) noted(r *http.Request) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.RequestURI())
	for _, f := range s.failures {
		if f.times != 0 && strings.Contains(r.URL.Path, f.path) {
			f.times--
			return f.serve
		}
	}
	return nil
}

func (s *Server) tooMany(w http.ResponseWriter) bool {
	if s.options.PerSecond == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.options.Now().Unix(); now != s.second {
		s.second, s.inSecond = now, 0
	}
	s.inSecond++
	h := w.Header()
	h.Set("X-Sentry-Rate-Limit-Limit", strconv.Itoa(s.options.PerSecond))
	h.Set("X-Sentry-Rate-Limit-Remaining", strconv.Itoa(max(0, s.options.PerSecond-s.inSecond)))
	h.Set("X-Sentry-Rate-Limit-Reset", strconv.FormatInt(s.second+1, 10))
	return s.inSecond > s.options.PerSecond
}

// handle adds a route that needs a scope. Paths have {organization}, which must be the server's own.
func (s *Server) handle(pattern, scope string, serve func(w http.ResponseWriter, r *http.Request)) {
	s.mux.HandleFunc(pattern+"{$}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case r.PathValue("organization") != s.options.Organization:
			refuse(w, http.StatusNotFound, "The requested resource does not exist")
		case !slices.Contains(s.scopes, scope):
			refuse(w, http.StatusForbidden, "You do not have permission to perform this action.")
		default:
			serve(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, status int, detail string) {
	answer(w, status, map[string]string{"detail": detail})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// page cuts a page out of a list and links to its neighbours, which Sentry does even if there are none.
func page[T any](w http.ResponseWriter, r *http.Request, list []T, sizeParam string, size int) []T {
	if n, err := strconv.Atoi(r.FormValue(sizeParam)); err == nil && n > 0 {
		size = min(n, 100)
	}
	from := 0
	if parts := strings.Split(r.FormValue("cursor"), ":"); len(parts) == 3 {
		offset, _ := strconv.Atoi(parts[1])
		from = min(max(0, offset), len(list))
	}
	to := min(from+size, len(list))
	link := func(rel string, offset int, results bool) string {
		q := r.URL.Query()
		cursor := fmt.Sprintf("0:%d:%d", max(0, offset), map[bool]int{true: 1}[rel == "previous"])
		q.Set("cursor", cursor)
		return fmt.Sprintf(`<%s?%s>; rel=%q; results="%t"; cursor=%q`, (&url.URL{Path: r.URL.Path}).String(), q.Encode(), rel, results, cursor)
	}
	w.Header().Set("Link", link("previous", from-size, from > 0)+", "+link("next", to, to < len(list)))
	w.Header().Set("X-Hits", strconv.Itoa(len(list)))
	return list[from:to]
}
