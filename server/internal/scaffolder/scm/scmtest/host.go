package scmtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/server/internal/scaffolder/program"
)

// Token is a credential of a user.
type Token struct {
	User string
	// Scopes are GitHub's, such as "repo"; nil = the token of an app, which has none and may do everything.
	Scopes []string
}

// Answer is what a host says instead of its own answer, for the next Times requests that fit.
type Answer struct {
	Method string // "" = any
	Path   string // the end of the escaped path, "" = any
	Status int
	Header http.Header
	Body   string
	Times  int // 0 = once
	// After: the request is carried out, and only then answered so. Drop: there is no answer, the connection ends.
	After, Drop bool
}

// Request is one request that was made.
type Request struct{ Method, Path string }

// host is what both hosts have in common. One lock guards all state: requests are handled one after another.
type host struct {
	URL string // "http://127.0.0.1:34567"

	mu       sync.Mutex
	root     string // where repositories are
	git      string
	tokens   map[string]Token
	planned  []Answer
	lose     int // the answer to so many requests from now is lost; 0 = none
	requests []Request
	repos    map[string]objects // by "owner/name"
	lastID   int64
	now      func() time.Time

	prefix   string // of the API
	mayPush  func(t Token, path string) bool
	failure  func(status int, message string) any
	server   *http.Server
	finished chan struct{}
}

func (h *host) start(addr string, api http.Handler) error {
	git, err := program.Find("git")
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "callboard-scmtest-")
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return errors.Join(err, os.RemoveAll(root))
	}
	h.root, h.git, h.URL, h.finished = root, git, "http://"+listener.Addr().String(), make(chan struct{})
	h.tokens, h.repos, h.now = map[string]Token{}, map[string]objects{}, time.Now
	h.server = &http.Server{Handler: h.handler(api), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(h.finished)
		_ = h.server.Serve(listener) // ends with Close
	}()
	return nil
}

// Close ends the server and removes its repositories.
func (h *host) Close() error {
	err := h.server.Close()
	<-h.finished
	return errors.Join(err, os.RemoveAll(h.root))
}

// Host is the host as repoUrl and integrations name it, "127.0.0.1:34567".
func (h *host) Host() string { return strings.TrimPrefix(h.URL, "http://") }

// API is the address for apiBaseUrl.
func (h *host) API() string { return h.URL + h.prefix }

// AddToken makes a credential.
func (h *host) AddToken(secret string, t Token) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[secret] = t
}

// Plan queues an answer.
func (h *host) Plan(a Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.Times = max(a.Times, 1)
	h.planned = append(h.planned, a)
}

// Lose loses the answer to the n-th request from now, 1 = the next: it is carried out, and the connection ends.
func (h *host) Lose(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lose = n
}

// Requests are all requests so far, of the API and of git.
func (h *host) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// Files are the texts of a branch by path. A mode other than that of a plain file follows the path after a blank.
func (h *host) Files(repository, branch string) (map[string]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.repos[repository].texts(branch)
}

// Commit is the hash, author and message of a branch's commit.
func (h *host) Commit(repository, branch string) (id, author, message string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.repos[repository]
	id = o.branch(branch)
	c, err := o.commit(id)
	return id, c.author, c.message, err
}

// Seed makes the first commit of a repository, or one on top of it.
func (h *host) Seed(repository, branch string, texts map[string]string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.repos[repository]
	files := map[string]leaf{}
	if o.branch(branch) != "" {
		var err error
		if files, err = o.filesOf(branch); err != nil {
			return err
		}
	}
	for path, text := range texts {
		id, err := o.write("blob", []byte(text))
		if err != nil {
			return err
		}
		files[path] = leaf{"100644", id}
	}
	_, err := o.commitOn(branch, files, "Seed <seed@example.com>", "seed\n")
	return err
}

func (h *host) createRepo(repository, branch string) error {
	o, err := createObjects(filepath.Join(h.root, filepath.FromSlash(repository)+".git"), branch)
	h.repos[repository] = o
	return err
}

func (h *host) id() int64 { h.lastID++; return h.lastID }

// graphql is GitHub's other API, which the reference asks for a branch's pull request.
const graphql = "/api/graphql"

// handler takes planned answers first, then git, then the API.
func (h *host) handler(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		planned, found := h.note(r)
		if found && !planned.After {
			planned.write(w)
			return
		}
		target := w
		if found {
			target = discard{http.Header{}}
		}
		below, ok := strings.CutPrefix(r.URL.EscapedPath(), h.prefix)
		switch {
		case ok:
			h.serveAPI(target, r, below, api)
		case r.URL.Path == graphql:
			h.serveAPI(target, r, graphql, api)
		default:
			h.serveGit(target, r)
		}
		if found {
			planned.write(w)
		}
	})
}

func (h *host) serveAPI(w http.ResponseWriter, r *http.Request, below string, api http.Handler) {
	inner := r.Clone(r.Context())
	inner.URL.RawPath = below
	inner.URL.Path, _ = url.PathUnescape(below) // net/http has parsed it
	inner.RequestURI = ""
	api.ServeHTTP(w, inner)
}

func (h *host) note(r *http.Request) (Answer, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, Request{r.Method, r.URL.EscapedPath()})
	if h.lose > 0 {
		if h.lose--; h.lose == 0 {
			return Answer{After: true, Drop: true}, true
		}
	}
	for i := range h.planned {
		a := &h.planned[i]
		if a.Times > 0 && (a.Method == "" || a.Method == r.Method) && strings.HasSuffix(r.URL.EscapedPath(), a.Path) {
			a.Times--
			return *a, true
		}
	}
	return Answer{}, false
}

func (a Answer) write(w http.ResponseWriter) {
	if a.Drop {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // nobody is left to be told
}

// discard takes an answer that nobody shall see.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// call is one request to the API.
type call struct {
	*http.Request
	token  Token
	header http.Header // of the answer
	body   map[string]any
}

func (c *call) text(name string) string { s, _ := c.body[name].(string); return s }
func (c *call) flag(name string) bool   { b, _ := c.body[name].(bool); return b }
func (c *call) texts(name string) []string {
	var all []string
	list, _ := c.body[name].([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// handle registers one route. f runs under the lock; a status below 300 without a body has none.
func (h *host) handle(mux *http.ServeMux, pattern string, f func(c *call) (int, any)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		c := &call{Request: r, header: w.Header()}
		token, ok := h.tokens[credential(r)]
		if !ok && !strings.HasPrefix(r.URL.Path, "/app/") {
			h.answer(w, http.StatusUnauthorized, h.failure(http.StatusUnauthorized, ""))
			return
		}
		c.token = token
		if data, err := io.ReadAll(r.Body); err != nil || len(data) > 0 && json.Unmarshal(data, &c.body) != nil {
			h.answer(w, http.StatusBadRequest, h.failure(http.StatusBadRequest, "Problems parsing JSON"))
			return
		}
		if token.Scopes != nil {
			w.Header().Set("X-Oauth-Scopes", strings.Join(token.Scopes, ", "))
		}
		status, body := f(c)
		if message, ok := body.(string); ok && status >= 300 {
			body = h.failure(status, message)
		}
		h.answer(w, status, body)
	})
}

func (h *host) answer(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(strconv.Quote(err.Error()))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // nobody is left to be told
}

func credential(r *http.Request) string {
	if token := r.Header.Get("Private-Token"); token != "" {
		return token
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token
}

// page answers one page of a list and says in Link where the next is.
func page[T any](h *host, c *call, list []T) (int, any) {
	query := c.URL.Query()
	size := number(query.Get("per_page"), 30)
	at := number(query.Get("page"), 1)
	from := min((at-1)*size, len(list))
	to := min(from+size, len(list))
	if to < len(list) {
		query.Set("page", strconv.Itoa(at+1))
		c.header.Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next", <%s>; rel="last"`, h.API(), c.URL.EscapedPath(), query.Encode(), h.API()))
	}
	return http.StatusOK, append([]T{}, list[from:to]...)
}

func number(text string, def int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return def
	}
	return n
}
