package portal

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/server/internal/console/shell"
)

//go:embed assets
var assets embed.FS

// pageTimeout is how long a page may take to ask for what it shows.
const pageTimeout = 5 * time.Second

// asked is how many questions of one page are under way at once.
const asked = 8

// Options is what a portal is made of. All but Drawings are required.
type Options struct {
	// API is the host's edge.
	API   http.Handler
	Shell *shell.Shell
	Log   *slog.Logger
	Now   func() time.Time
	// BaseURL is where browsers find the host, for snippets.
	BaseURL  string
	Drawings Drawings
	// Health is the line about the host, for who may see its state.
	Health func(*http.Request) Health
	// SignIn and Missing answer requests that need another token, and such that lead nowhere.
	SignIn, Missing http.HandlerFunc
}

// Health is the state of the host in a line.
type Health struct{ Tone, Text string }

// Portal answers the pages.
type Portal struct {
	o     Options
	pages *shell.Pages
}

// New makes a portal.
func New(o Options) *Portal {
	p := &Portal{o: o}
	p.pages = o.Shell.Pages(assets, "assets", template.FuncMap{
		"when": p.when, "day": day, "ref": linkTo, "words": words, "tone": toneOf,
	})
	return p
}

// Routes are the pages of the portal.
func (p *Portal) Routes() []shell.Route {
	const entity = "/console/catalog/{namespace}/{kind}/{name}"
	reading := map[string]func(*visit){
		"/console/{$}":     p.home,
		"/console/catalog": p.catalog,
		"/console/apis":    p.apis,
		"/console/search":  p.search,
		"/console/audit":   p.audit,

		entity:                           p.overview,
		entity + "/api":                  p.reference,
		entity + "/api/operations/{id}":  p.reference,
		entity + "/api/schemas/{id}":     p.reference,
		entity + "/api/document":         p.document,
		entity + "/docs":                 p.docs,
		entity + "/docs/{path...}":       p.docs,
		entity + "/files/{path...}":      p.file,
		entity + "/access":               p.entityAccess,
		entity + "/raw":                  p.raw,
		"/console/access":                p.access,
		"/console/gallery":               p.gallery,
		"/console/gallery/drawings":      p.drawings,
		"/console/gallery/{plugin}/{id}": p.galleryWidget,

		"/console/live/render/{plugin}/{file}": p.live,
	}
	changing := map[string]func(*visit){
		"/console/forms/{plugin}/{id}":           p.submit,
		"/console/access/apps":                   p.createApp,
		"/console/access/apps/{app}/keys":        p.issueKey,
		"/console/access/requests":               p.requestAccess,
		"/console/access/requests/{id}/{action}": p.decide,
		"/console/access/keys/{id}/{action}":     p.changeKey,
	}
	var routes []shell.Route
	for pattern, serve := range reading {
		routes = append(routes, shell.Route{Pattern: "GET " + pattern, Access: shell.SignedIn, Serve: p.serve(serve)})
	}
	for pattern, serve := range changing {
		routes = append(routes, shell.Route{Pattern: "POST " + pattern, Access: shell.SignedIn, Serve: p.serve(serve)})
	}
	return routes
}

// visit is one request of a browser for a page.
type visit struct {
	*http.Request

	p       *Portal
	w       http.ResponseWriter
	api     *client
	viewer  shell.Viewer
	mu      sync.Mutex
	notices []string
}

// serve bounds the time that a page may take, however many questions it asks.
func (p *Portal) serve(page func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		page(&visit{Request: r, p: p, w: w, api: newClient(p.o.API, r), viewer: shell.ViewerOf(ctx)})
	}
}

func (v *visit) render(status int, name string, page shell.Page) {
	v.p.pages.Render(v.w, v.Request, status, name, page)
}

// notice tells that a part of the page is missing.
func (v *visit) notice(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.notices, text) {
		v.notices = append(v.notices, text)
	}
}

// noticed are the notices in an order that does not depend on which question was answered first.
func (v *visit) noticed() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(slices.Values(v.notices))
}

// together runs parts of a page at once and waits for all of them. Each looks after its own failure.
func together(parts ...func()) {
	var g errgroup.Group
	g.SetLimit(asked)
	for _, part := range parts {
		g.Go(func() error { part(); return nil })
	}
	_ = g.Wait() // parts answer no errors
}

// missed notes that a part could not be had, unless there is no such part: "Relations" is shown as "Relations: …".
func (v *visit) missed(part string, err error) {
	if err == nil || isMissing(err) {
		return
	}
	v.log(err)
	v.notice(part + " cannot be shown at the moment. " + Told(err, "It could not be asked for; load the page again in a moment."))
}

func (v *visit) log(err error) {
	if _, answered := errors.AsType[*failure](err); !answered && v.Context().Err() == nil {
		v.p.o.Log.ErrorContext(v.Context(), "a page of the console could not ask the API", "path", v.URL.Path, "error", err)
	}
}

// failureView is what the page for failures shows.
type failureView struct {
	Title, Text string
	Retry       bool
	Again       string
}

// fail answers for a page whose main part cannot be had.
func (v *visit) fail(err error) {
	status := statusOf(err)
	view := failureView{Again: v.URL.RequestURI()}
	switch {
	case status == http.StatusUnauthorized:
		v.p.o.SignIn(v.w, v.Request)
		return
	case status == http.StatusNotFound:
		v.p.o.Missing(v.w, v.Request)
		return
	case status == http.StatusForbidden:
		view.Title, view.Text = "You may not see this.", Told(err, "Who may is decided by the owners of this host.")
	case status >= http.StatusInternalServerError:
		v.log(err)
		status = http.StatusServiceUnavailable
		view.Title, view.Text, view.Retry = "This cannot be shown at the moment.", "The host answers, but the part that this page is about does not.", true
	default:
		view.Title, view.Text = "This could not be understood.", Told(err, "")
	}
	v.render(status, "failure", shell.Page{Title: view.Title, Data: view})
}
