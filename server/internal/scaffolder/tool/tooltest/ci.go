// Package tooltest has servers that answer as GitHub Actions, GitLab, Jenkins and Concourse do, as far as starting runs and
// following them goes. They keep what they were asked, and know nothing of tests.
package tooltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Credentials that the servers accept.
const (
	Token    = "ci-token"
	User     = "ann"
	Password = "sesame"
)

// Run is a run that was started.
type Run struct {
	ID int
	// Of is what runs: "acme/shop release.yaml", "group/shop", "team/shop", "main/deploy/ship".
	Of, Ref    string
	Parameters map[string]string

	looks  int
	queued bool // was seen in Jenkins' queue
	left   bool // was seen to have left it
}

// CI is what the four servers have in common. Its fields are set before it serves.
type CI struct {
	// Script is the statuses that a run has, look after look, in the server's words; the last one stays. A word after a
	// colon is what GitHub calls conclusion, and Jenkins result.
	Script []string
	// Old: GitHub does not know return_run_details.
	Old bool

	mu      sync.Mutex
	runs    []*Run
	refused []int
	mux     *http.ServeMux
}

// Refuse answers the next requests with these statuses. 0 does what is asked, and cuts the connection before the answer.
func (c *CI) Refuse(statuses ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = statuses
}

// Runs are those that were started, in order.
func (c *CI) Runs() []Run {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Run, 0, len(c.runs))
	for _, r := range c.runs {
		all = append(all, *r)
	}
	return all
}

// ServeHTTP implements [http.Handler].
func (c *CI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refused) == 0 {
		c.mux.ServeHTTP(w, r)
		return
	}
	status := c.refused[0]
	if c.refused = c.refused[1:]; status == 0 {
		c.mux.ServeHTTP(discard{}, r)
		panic(http.ErrAbortHandler) // how a handler cuts the connection
	}
	w.Header().Set("Retry-After", "0")
	answer(w, status, map[string]string{"message": "not now"})
}

// discard takes an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// handle registers a handler for those who bring the credentials.
func (c *CI) handle(pattern string, allowed func(*http.Request) bool, h http.HandlerFunc) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r) {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
			return
		}
		h(w, r)
	})
}

func withBearer(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+Token }

func (c *CI) start(of, ref string, parameters map[string]string) *Run {
	r := &Run{ID: 100 + len(c.runs), Of: of, Ref: ref, Parameters: parameters}
	c.runs = append(c.runs, r)
	return r
}

func (c *CI) find(id string) *Run {
	i := slices.IndexFunc(c.runs, func(r *Run) bool { return strconv.Itoa(r.ID) == id })
	if i < 0 {
		return nil
	}
	return c.runs[i]
}

// look is how a run is now. Each look moves it on.
func (c *CI) look(r *Run) (status, end string) {
	if len(c.Script) == 0 {
		return "", ""
	}
	status, end, _ = strings.Cut(c.Script[min(r.looks, len(c.Script)-1)], ":")
	r.looks++
	return status, end
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

func missing(w http.ResponseWriter) {
	answer(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
}

func page(r *http.Request, format string, args ...any) string {
	return "http://" + r.Host + fmt.Sprintf(format, args...)
}
