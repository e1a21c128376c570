package httpx

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// WholeHandler answers every request to an attached feature that the edge has no route for: any method, any path. It runs
// on the request's own goroutine, and its errors are rendered like those of a [Handler]. The body of r is as it came, up
// to the feature's BodyLimit; w can be flushed and hijacked.
type WholeHandler func(w http.ResponseWriter, r *http.Request, c Call) error

// Call is what the edge knows about a request to a [WholeHandler].
type Call struct {
	// Target is the path below the feature's mount with the query, byte for byte as the caller sent it. It begins with "/".
	Target string
	// Principal is who calls. On paths that a policy opens it is Nobody for callers without credentials that hold.
	Principal *principal.Principal
	// RequestID names the request in the log.
	RequestID string
}

// attachedBodyLimit bounds the bodies of an attached feature that sets no limit.
const attachedBodyLimit = 10 << 20

// callerGone is what the log says of a request whose caller did not wait for the answer.
const callerGone = 499

// Attach mounts f under /api/<f.ID> while the server runs: policies, keys and what else every feature has, and what
// f.Routes adds, are served by the edge from now on, everything else by h. f.LeaveBodies is implied. detach takes it away
// again; requests that h is answering go on, later ones get 404. An id that is attached may be attached anew: the later
// one takes over without a gap, and the earlier one's detach does nothing from then on.
//
// Policies of an attached feature are stricter than those of one that is compiled in, because what stands behind h may
// read a path in another way than the edge: they hold for paths spelled exactly so and without dot segments, empty
// segments, or escaped slashes.
func (s *Server) Attach(f Feature, h WholeHandler) (detach func(), err error) {
	if err := s.attachable(f, h); err != nil {
		return nil, err
	}
	f.LeaveBodies = true
	if f.BodyLimit <= 0 {
		f.BodyLimit = attachedBodyLimit
	}
	m := s.newMount(f)
	for _, rt := range m.router.table.routes {
		if !strings.HasPrefix(rt.Path, "/.") {
			return nil, fmt.Errorf("httpx: attach %q: the edge serves paths below /. only, and not %s", f.ID, rt.Path)
		}
	}
	m.whole = h
	m.handler = m.router.engine
	m.router.barrier.exact = true
	if err := s.add(m); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.remove(m) }), nil
}

func (s *Server) attachable(f Feature, h WholeHandler) error {
	switch {
	case h == nil:
		return fmt.Errorf("httpx: attach %q: there is no handler", f.ID)
	case f.OpenAPI != nil:
		return fmt.Errorf("httpx: attach %q: requests to attached features are not checked against an OpenAPI description", f.ID)
	case reserved(f.ID):
		return fmt.Errorf("httpx: attach %q: the id is reserved for a feature of the host; choose another", f.ID)
	case s.builtIn(f.ID):
		return fmt.Errorf("httpx: attach %q: the id is taken", f.ID)
	}
	for _, p := range f.Policies {
		if !strings.HasPrefix(p.Path, "/") || p.Path != "/" && !plainPath(p.Path) {
			return fmt.Errorf("httpx: attach %q: policy path %q must begin with / and have no empty, dot or escaped segments", f.ID, p.Path)
		}
	}
	return nil
}

// Attached reports whether id is that of an attached feature, in any case.
func (s *Server) Attached(id string) bool {
	m := s.mounts.Load().byID[strings.ToLower(id)]
	return m != nil && m.whole != nil
}

func (s *Server) builtIn(id string) bool {
	m := s.mounts.Load().byID[strings.ToLower(id)]
	return m != nil && m.whole == nil
}

// reserved holds for ids of features that the host has or will have, also where this one does not mount them.
func reserved(id string) bool {
	switch strings.ToLower(id) {
	case "app", "auth", "catalog", "scaffolder", "search", "techdocs", "permission", "notifications", "signals",
		"user-settings", "events", "proxy", "devtools", "mcp-actions", "widgets", "api-docs", "plugins", "callboard":
		return true
	}
	return false
}

func (s *Server) remove(m *mount) {
	s.mounting.Lock()
	now, key := s.mounts.Load(), strings.ToLower(m.id)
	if now.byID[key] != m { // another one has taken over
		s.mounting.Unlock()
		return
	}
	next := &mountTable{byID: maps.Clone(now.byID), ids: slices.DeleteFunc(slices.Clone(now.ids), func(id string) bool { return id == key })}
	delete(next.byID, key)
	s.mounts.Store(next)
	s.mounting.Unlock()
	if s.detached != nil {
		s.detached(m.id)
	}
}

// owns reports whether a path is the edge's own, whatever the method: then an attached feature never sees it. All routes
// that every feature has are below "/.", so that others cost one comparison.
func (r *Router) owns(path string) bool {
	if !strings.HasPrefix(path, "/.") {
		return false
	}
	return slices.ContainsFunc(r.table.routes, func(rt *route) bool {
		_, ok := matchPattern(rt.Path, path)
		return ok
	})
}

// serveWhole runs the attached feature's handler behind the barrier.
func (x *exchange) serveWhole() {
	body, err := x.limitBody()
	if err != nil {
		x.fail(err)
		return
	}
	p, err := x.credentials()
	if err != nil {
		p = principal.Nobody // the barrier has let it pass: the path is open
	}
	err = x.mount.whole(x, x.r, Call{Target: x.target(), Principal: p, RequestID: x.id()})
	if body != nil && body.end() && err != nil {
		err = tooLarge(map[string]any{"limit": x.router.feature.BodyLimit})
	}
	// A handler that stops reading a body ends the request's context as a caller's leaving does, but has an answer.
	_, answered := errors.AsType[*apierror.Error](err)
	switch {
	case err == nil:
	case x.r.Context().Err() != nil && !answered && !x.hijacked:
		x.broken = true
		if !x.wroteHeader {
			x.status = callerGone
		}
	default:
		x.fail(err)
	}
}

// target is the request target below the mount, as it came.
func (x *exchange) target() string {
	raw := x.r.RequestURI
	if raw != "" && raw[0] != '/' { // absolute form
		_, rest, ok := strings.Cut(raw, "://")
		slash := strings.IndexByte(rest, '/')
		if !ok || slash < 0 {
			return x.url()
		}
		raw = rest[slash:]
	}
	if len(raw) < x.mountLen || raw == "" {
		return x.url() // made by a test
	}
	raw = raw[x.mountLen:]
	if raw == "" || raw[0] != '/' {
		return "/" + raw
	}
	return raw
}

// plainPath reports whether everybody reads an escaped path in the same way: no dot segments, no empty ones, nothing
// that becomes a separator when it is decoded, once or again.
func plainPath(escaped string) bool {
	decoded, err := url.PathUnescape(escaped)
	if err != nil || strings.Count(decoded, "/") != strings.Count(escaped, "/") ||
		strings.ContainsAny(decoded, `\%`) || strings.Contains(decoded, "//") {
		return false
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		name, _, _ := strings.Cut(segment, ";") // some servers drop what follows before they look for dots
		if segment != "" && strings.Trim(name, ". ") == "" {
			return false
		}
	}
	return strings.IndexFunc(decoded, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}

// mayUseCookie keeps web sockets of other sites from using the cookie: browsers send it with them, and no preflight asks
// first.
func (x *exchange) mayUseCookie() bool {
	if x.r.Header["Upgrade"] == nil {
		return true
	}
	origin := x.r.Header["Origin"]
	if len(origin) != 1 {
		return false
	}
	if u, err := url.Parse(origin[0]); err == nil && u.Host != "" && strings.EqualFold(u.Host, x.r.Host) {
		return true
	}
	return x.server.cors != nil && !x.server.cors.any && x.server.cors.allows(origin[0])
}

var errBodyLimit = errors.New("the request body is larger than the feature allows")
