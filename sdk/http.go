package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
)

// Handle registers an HTTP handler. Patterns are those of [http.ServeMux], relative to the plugin: "GET /issues/{project}"
// answers GET /api/<id>/issues/shop. The host has checked who calls before the request arrives: [Principal] tells.
func (p *Plugin) Handle(pattern string, h http.Handler, access ...Access) {
	p.registering(fmt.Sprintf("Handle %q", pattern))
	if h == nil {
		misusef("Handle %q: the handler is nil", pattern)
	}
	r := route{pattern: pattern, access: only("Handle", access)}
	r.prefix = r.literal()
	p.routes = append(p.routes, r)
	defer func() {
		if wrong := recover(); wrong != nil {
			misusef("Handle %q: %v", pattern, wrong)
		}
	}()
	p.mux.Handle(pattern, h)
}

// HandleFunc is [Plugin.Handle] for a function.
func (p *Plugin) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request), access ...Access) {
	if h == nil {
		misusef("HandleFunc %q: the function is nil", pattern)
	}
	p.Handle(pattern, http.HandlerFunc(h), access...)
}

// Access says who may call a route. It is written in plugin.yaml as well, where operators see it before they install.
type Access int

const (
	// Authenticated routes, the default, are for signed-in users, services and other plugins.
	Authenticated Access = iota
	// UserCookie routes accept the cookie that Backstage's frontend sets for downloads and images, beside tokens.
	UserCookie
	// Unauthenticated routes are open to everybody, such as webhooks that bring a signature of their own.
	Unauthenticated
)

type route struct {
	pattern string
	prefix  string
	access  Access
}

// literal is the path of the pattern as far as it has no wildcard: what the host can compare paths with.
func (r route) literal() string {
	_, path, found := strings.Cut(r.pattern, " ")
	if !found {
		path = r.pattern
	}
	if i := strings.IndexByte(path, '/'); i > 0 {
		misusef("Handle %q: leave the host name out, a plugin has none", r.pattern)
	}
	path, _, _ = strings.Cut(strings.TrimSpace(path), "/{")
	return "/" + strings.Trim(path, "/")
}

// under reports whether the route lies below a prefix, on the border of a segment.
func (r route) under(prefix string) bool {
	return prefix == "/" || r.prefix == prefix || strings.HasPrefix(r.prefix, prefix+"/")
}

// opened lists the prefixes of one kind of access. The host opens all paths below a prefix, so it panics when that would
// open a route which the author did not mean to.
func (p *Plugin) openedPrefixes(access Access) []string {
	var prefixes []string
	for _, r := range p.routes {
		if r.access != access {
			continue
		}
		for _, other := range p.routes {
			if other.access < access && other.under(r.prefix) {
				misusef("route %q opens every path below %q, and so %q as well; give one of them another path", r.pattern, r.prefix, other.pattern)
			}
		}
		if !slices.Contains(prefixes, r.prefix) {
			prefixes = append(prefixes, r.prefix)
		}
	}
	return prefixes
}

// routesHandler is what http.sock serves: the author's routes, with the caller and the trace in the context, and with
// panics answered.
func (i *Instance) routesHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer i.work.begin()()
		ctx := withTrace(r.Context(), r.Header.Get(traceHeader))
		ctx = context.WithValue(ctx, callerKey{}, callerOf(r.Header))
		r = r.WithContext(ctx)
		if !i.ready() {
			w.Header().Set("Retry-After", "1")
			WriteError(w, r, fmt.Errorf("plugin %s is not configured yet: %w", i.p.id, ErrServiceUnavailable))
			return
		}
		answer := &answer{ResponseWriter: w}
		defer func() {
			if panicked := recover(); panicked != nil {
				i.answerPanic(answer, r, panicked)
			}
		}()
		i.p.mux.ServeHTTP(answer, r)
	})
}

func (i *Instance) answerPanic(w *answer, r *http.Request, panicked any) {
	if panicked == http.ErrAbortHandler { //nolint:errorlint // it is a value that is thrown, never wrapped
		panic(panicked)
	}
	slog.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "path", r.URL.Path,
		"panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if w.started {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	WriteError(w, r, fmt.Errorf("panic: %v", panicked))
}

// answer knows whether anything was sent.
type answer struct {
	http.ResponseWriter

	started bool
}

func (a *answer) WriteHeader(status int) {
	a.started = a.started || status >= http.StatusOK
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(b)
}

// Flush is for handlers that ask for an [http.Flusher] directly.
func (a *answer) Flush() {
	a.started = true
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets [http.ResponseController] reach deadlines and hijacking.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

var _ http.Flusher = (*answer)(nil)
