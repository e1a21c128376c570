package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
)

// Plugins are the plugins of this host, for targets plugin://<id>/<path>.
type Plugins interface {
	// Relay answers r in the name of who. r is one to /api/<plugin>/<path>, without credentials; its body streams. An
	// error means that nothing was answered, and becomes the answer.
	Relay(w http.ResponseWriter, r *http.Request, plugin string, who *principal.Principal) error
}

// Options is what a [Proxy] is made of.
type Options struct {
	Config  *config.Config       // required
	Logger  *slog.Logger         // required
	Metrics *prometheus.Registry // nil = counted, but for nobody
	Plugins Plugins              // nil = there are none
	// Ending is over when the host shuts down; streams and web sockets end with it. nil = never.
	Ending context.Context //nolint:containedctx // the host's own
}

// Caller tells who calls. It is asked only where that matters: a bad token on an open route is no error.
type Caller func() (*principal.Principal, error)

// Proxy carries requests to the configured endpoints.
type Proxy struct {
	log       *slog.Logger
	plugins   Plugins
	ending    context.Context //nolint:containedctx // see Options
	limits    Limits
	noBarrier bool
	metrics   *metrics
	mentions  *rate.Limiter // of failures in the log: a target may fail as often as it is called
	buffers   sync.Pool

	endpoints atomic.Pointer[[]*endpoint]
}

// New makes a proxy with the endpoints of the configuration; see [CheckConfig] for its mistakes.
func New(o Options) (*Proxy, error) {
	counted, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	p := &Proxy{log: o.Logger, plugins: o.Plugins, ending: o.Ending, limits: ReadLimits(o.Config.Section("callboard.proxy")),
		noBarrier: o.Config.Section("backend.auth").Bool("dangerouslyDisableDefaultAuthPolicy", false),
		metrics:   counted, mentions: rate.NewLimiter(1, 5)}
	if p.ending == nil {
		p.ending = context.Background()
	}
	p.buffers.New = func() any { return make([]byte, copySize) }
	p.endpoints.Store(&[]*endpoint{})
	p.Reload(o.Config)
	return p, nil
}

// Reload takes the endpoints of a new configuration. Requests on their way go on. Endpoints that are wrong are left out
// with proxy.skipInvalidProxies; without it all stay as they were.
func (p *Proxy) Reload(c *config.Config) {
	section := c.Section("proxy")
	read := readEndpoints(section)
	skip := section.Bool("skipInvalidProxies", false)
	for _, wrong := range read.problems {
		p.log.Warn("proxy endpoint cannot be used", slog.String("key", strings.Trim(wrong.section.Path()+"."+wrong.key, ".")),
			slog.String("problem", wrong.rule), slog.Bool("skipped", skip))
	}
	if len(read.problems) > 0 && !skip {
		return
	}
	for _, note := range read.notes {
		p.log.Warn(note)
	}
	for _, e := range read.endpoints {
		e.live = p.serving(e)
	}
	for _, old := range *p.endpoints.Swap(&read.endpoints) {
		old.close()
	}
}

// Close closes the connections that no request uses, now and later.
func (p *Proxy) Close() error {
	for _, e := range *p.endpoints.Swap(&[]*endpoint{}) {
		e.close()
	}
	return nil
}

// find gives the longest route that a path is under, and what follows it.
func (p *Proxy) find(path string) (found *endpoint, rest string, ok bool) {
	all := *p.endpoints.Load()
	for _, e := range all {
		if rest, found := cutRoute(path, e.segments); found {
			return e, rest, unambiguous(all, e, path)
		}
	}
	return nil, "", true
}

// unambiguous reports whether nobody could read the path as one of another endpoint, or of another place.
func unambiguous(all []*endpoint, found *endpoint, path string) bool {
	segments, ok := understood(path)
	if !ok {
		return false
	}
	at := slices.IndexFunc(all, func(e *endpoint) bool { return under(segments, e.segments) })
	return at >= 0 && all[at] == found
}

var errMissingCredentials = apierror.New(apierror.Authentication, "Missing credentials")

// Serve carries one request, whose URL is below the mount. Its error is for the edge to render; nothing was answered then.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, caller Caller) error {
	e, rest, certain := p.find(rawPath(r.URL))
	who, err := p.admit(e, caller)
	switch {
	case err != nil:
		return err
	case e == nil:
		w.WriteHeader(http.StatusNotFound)
		return nil
	case !certain:
		p.metrics.count(e, outcomeRefused)
		return plainAnswer(w, http.StatusBadRequest, "Bad Request")
	case e.methods != nil && !slices.Contains(e.methods, r.Method):
		p.metrics.count(e, outcomeRefused)
		w.WriteHeader(http.StatusNotFound)
		return nil
	}
	path, query, ok := e.upstreamPath(rest, r)
	if !ok {
		p.metrics.count(e, outcomeRefused)
		return plainAnswer(w, http.StatusBadRequest, "Bad Request")
	}
	select {
	case e.places <- struct{}{}:
		defer func() { <-e.places }()
	default:
		p.metrics.count(e, outcomeBusy)
		w.Header().Set("Retry-After", "1")
		return apierror.Newf(apierror.ServiceUnavailable, "The proxy endpoint '%s' is busy: it is answering %d requests; try again", e.name(), cap(e.places))
	}
	passage := &passage{proxy: p, endpoint: e, in: r, who: who, path: path, query: query}
	return passage.carry(w)
}

// admit asks who calls, where the endpoint wants to know. Where there is no endpoint callers need credentials too.
func (p *Proxy) admit(e *endpoint, caller Caller) (*principal.Principal, error) {
	if p.noBarrier || e != nil && e.credentials == open {
		if e == nil || e.plugin == "" {
			return principal.Nobody, nil
		}
		if who, err := caller(); err == nil {
			return who, nil
		}
		return principal.Nobody, nil
	}
	who, err := caller()
	if err != nil {
		return nil, err
	}
	if who.Kind == principal.None {
		return nil, errMissingCredentials
	}
	return who, nil
}

// upstreamPath is where a request goes below the target's host: always under the target's path.
func (e *endpoint) upstreamPath(rest string, r *http.Request) (path, query string, ok bool) {
	path, query = rest, r.URL.RawQuery
	if e.rewrites {
		target := mountPath + e.route + rest
		if query != "" {
			target += "?" + query
		}
		path, query, _ = strings.Cut(rewrite(e.rules, target), "?")
	}
	path = escape(path, plainInPath)
	if _, ok := understood(path); !ok { // an expression may join what was apart
		return "", "", false
	}
	return path, escape(query, plainInQuery), true
}

func (e *endpoint) name() string {
	if e.route == "" {
		return "/"
	}
	return e.route
}

func plainAnswer(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if _, err := fmt.Fprint(w, text); err != nil {
		return fmt.Errorf("send to the caller: %w", err)
	}
	return nil
}
