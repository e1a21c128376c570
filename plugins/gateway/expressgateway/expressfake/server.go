package expressfake

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Options say what kind of gateway it is.
type Options struct {
	// Header and Value are what a request must bring where something stands before the Admin API.
	Header, Value string
	// Reread is how long a change of the configuration takes to act; the real one takes two seconds.
	Reread time.Duration
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// Server is the [http.Handler] of the Admin API, safe for concurrent use.
type Server struct {
	options Options
	handler http.Handler
	faults  gatewayfake.Faults
	limiter gatewayfake.Limiter

	mu          sync.Mutex
	rows        []row // in the order in which they were made, as the gateway's database scans them
	users       map[string]*object
	apps        map[string]*object
	credentials map[string]*object
	owned       map[string][]string // keys of a consumer; they stay when a key is given to another
	scopes      map[string]bool
	config      gatewayfake.History[config]
	written     config
	last        int
}

// row is one entry of the database.
type row struct{ kind, id string }

type object map[string]any

// New makes one with the API orders, which needs the scope orders and has a limit of 60 requests in a minute.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		options: o, users: map[string]*object{}, apps: map[string]*object{}, credentials: map[string]*object{},
		owned: map[string][]string{}, scopes: map[string]bool{}, written: sample(),
	}
	s.config.Delay(o.Reread)
	s.config.Put(o.Now().Add(-o.Reread), s.written)
	s.handler = s.faults.Wrap(s.gate(s.routes()))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults make the Admin API fail.
func (s *Server) Faults() *gatewayfake.Faults { return &s.faults }

func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Header != "" && r.Header.Get(s.options.Header) != s.options.Value {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users", func(w http.ResponseWriter, r *http.Request) { s.list(w, r, "users", s.users) })
	mux.HandleFunc("POST /users", s.makeUser)
	mux.HandleFunc("GET /users/{id}", s.showUser)
	mux.HandleFunc("DELETE /users/{id}", s.removeUser)
	mux.HandleFunc("GET /apps", func(w http.ResponseWriter, r *http.Request) { s.list(w, r, "apps", s.apps) })
	mux.HandleFunc("POST /apps", s.makeApp)
	mux.HandleFunc("DELETE /apps/{id}", s.removeApp)
	mux.HandleFunc("PUT /scopes/{scope}", s.makeScope)
	mux.HandleFunc("POST /credentials", s.makeCredential)
	mux.HandleFunc("GET /credentials/{consumer}", s.listCredentials)
	mux.HandleFunc("GET /credentials/key-auth/{id}", s.showCredential)
	mux.HandleFunc("PUT /credentials/key-auth/{id}/status", s.setStatus)
	mux.HandleFunc("PUT /credentials/key-auth/{id}/scopes", s.setScopes)
	mux.HandleFunc("GET /{section}", s.showSection)
	mux.HandleFunc("PUT /{section}/{name}", s.writeSection)
	mux.HandleFunc("/", noRoute)
	return mux
}

// noRoute is the page of Express.
func noRoute(w http.ResponseWriter, r *http.Request) {
	text(w, http.StatusNotFound, fmt.Sprintf("<!DOCTYPE html>\n<html lang=\"en\">\n<pre>Cannot %s %s</pre>\n</html>\n", r.Method, html.EscapeString(r.URL.Path)))
}

// text answers as Express does: everything that is not JSON is a page.
func text(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, message) //nolint:gosec // as Express Gateway does, which tells what it was given
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}

// body reads a request; false = it was answered.
func body(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(into); err != nil {
		text(w, http.StatusInternalServerError, "Unexpected token in JSON")
		return false
	}
	return true
}

// list scans the database. A page without an entry of the kind ends the list, whatever follows it.
func (s *Server) list(w http.ResponseWriter, r *http.Request, kind string, of map[string]*object) {
	start, count := number(r.URL.Query().Get("start"), 0), number(r.URL.Query().Get("count"), 100)
	end := min(len(s.rows), start+count)
	found := []object{}
	for _, row := range s.rows[min(start, end):end] {
		if o := of[row.id]; row.kind == kind && o != nil {
			found = append(found, *o)
		}
	}
	next := end
	if end == len(s.rows) || len(found) == 0 {
		next = 0
	}
	answer(w, map[string]any{kind: found, "nextKey": next})
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	return otherwise
}
