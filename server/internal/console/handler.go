package console

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/console/portal"
	"github.com/callboard/callboard/server/internal/console/shell"
)

//go:embed assets
var assets embed.FS

// askTimeout is how long a page waits for its [Source].
const askTimeout = 5 * time.Second

// Options is what a console is made of. Source, Auth, API and Log are required.
type Options struct {
	Settings Settings
	Source   Source
	Auth     Authenticator
	// API is the host's edge: what people see is asked of it in their name.
	API http.Handler
	Log *slog.Logger
	// Now is the clock, nil = time.Now.
	Now func() time.Time
	// Operator does what the buttons ask for; nil = there are none.
	Operator Operator
	// Organization is whose host this is, "" = not told.
	Organization string
	// BaseURL is where browsers find the host, for snippets that are copied: "https://portal.example.com".
	BaseURL string
	// SignIn is how people sign in, besides with a token.
	SignIn SignIn
	// Drawings are states and samples of widgets for the gallery; nil = none are shown.
	Drawings portal.Drawings
	// DocsURL is where pages lead for documentation; "" = no link.
	DocsURL string
}

// New returns the handler of the console's pages: "/" leads to the first, "/console.json" is the state of the host,
// everything else below "/console/" a page, or not found. When the console is disabled all of it is not found, with an
// empty body as the reference has it.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if !o.Settings.Enabled {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	}
	frame := shell.New(shell.Options{Log: o.Log, Organization: o.Organization, DocsURL: o.DocsURL})
	h := &handler{
		settings: o.Settings, source: o.Source, auth: o.Auth, api: o.API, log: o.Log, now: o.Now, operate: o.Operator, signInWith: o.SignIn,
		pages: frame.Pages(assets, "assets", nil), mux: http.NewServeMux(),
	}
	people := portal.New(portal.Options{API: o.API, Shell: frame, Log: o.Log, Now: o.Now, BaseURL: o.BaseURL, Drawings: o.Drawings,
		Health: h.health, SignIn: h.askToSignIn, Missing: h.showMissing})
	h.routes = slices.Concat(h.ownRoutes(), people.Routes())
	for _, route := range h.routes {
		h.mux.Handle(route.Pattern, h.guard(route))
	}
	return h
}

func (h *handler) ownRoutes() []shell.Route {
	icon := shell.Asset("icon.svg", "image/svg+xml")
	home := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, shell.Home, http.StatusFound) }
	return []shell.Route{
		{Pattern: "GET /{$}", Serve: home},
		{Pattern: "GET /console", Serve: home},
		{Pattern: "GET /console.json", Serve: h.showJSON},
		{Pattern: "GET /console/host.json", Serve: h.showJSON},
		{Pattern: "GET /console/sign-in", Serve: h.signInPage},
		{Pattern: "GET /console/sign-in/with/{provider}", Serve: h.leave},
		{Pattern: "GET /console/sign-in/done", Serve: h.arrive},
		{Pattern: "POST /console/session", Serve: h.signIn},
		{Pattern: "POST /console/session/guest", Serve: h.signInAsGuest},
		{Pattern: "POST /console/session/end", Serve: h.signOut},
		{Pattern: "GET /console/host", Access: shell.Facts, Serve: h.showHost},
		{Pattern: "GET /console/plugins", Access: shell.Facts, Serve: h.showPlugins},
		{Pattern: "GET /console/problems", Access: shell.Facts, Serve: h.showProblems},
		{Pattern: "GET /console/plugin", Access: shell.Operators, Serve: h.showPlugin},
		{Pattern: "GET /console/plugin/log", Access: shell.Operators, Serve: h.streamLogs},
		{Pattern: "GET /console/changes", Access: shell.Facts, Serve: h.streamChanges},
		{Pattern: "POST /console/plugin/restart", Access: shell.Operators, Serve: h.restart},
		{Pattern: "GET /console/console.css", Serve: shell.Asset("console.css", "text/css; charset=utf-8")},
		{Pattern: "GET /console/console.js", Serve: shell.Asset("console.js", "text/javascript; charset=utf-8")},
		{Pattern: "GET /console/icon.svg", Serve: icon},
		{Pattern: "GET /favicon.ico", Serve: icon},
	}
}

type handler struct {
	settings Settings
	source   Source
	auth     Authenticator
	api      http.Handler
	log      *slog.Logger
	now      func() time.Time
	operate  Operator
	// signInWith are the providers.
	signInWith SignIn
	pages      *shell.Pages
	routes     []shell.Route
	mux        *http.ServeMux
}

// ServeHTTP answers paths as they are: the multiplexer would redirect untidy ones, to places that the caller chooses.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shell.SetHeaders(w.Header())
	r = h.withViewer(r)
	if _, pattern := h.mux.Handler(r); pattern == "" || !tidy(r.URL.EscapedPath()) || r.Method == http.MethodConnect {
		h.showMissing(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// tidy reports whether a path has no segment that is empty or a step, decoded or not.
func tidy(escaped string) bool {
	if strings.ContainsAny(escaped, "\\") || escaped != "/" && path.Clean(escaped) != strings.TrimSuffix(escaped, "/") {
		return false
	}
	for segment := range strings.SplitSeq(strings.ToLower(escaped), "/") {
		if dots := strings.ReplaceAll(segment, "%2e", "."); dots == "." || dots == ".." {
			return false
		}
	}
	return true
}

// guard holds a route to its rule.
func (h *handler) guard(route shell.Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := shell.ViewerOf(r.Context())
		switch {
		case r.Method == http.MethodPost && shell.Foreign(r):
			h.pages.Render(w, r, http.StatusForbidden, "foreign", shell.Page{Title: "Refused"})
		case route.Access == shell.SignedIn && !v.SignedIn(), route.Access >= shell.Facts && !v.Facts:
			h.askToSignIn(w, r)
		case route.Access == shell.Operators && !v.Operate:
			h.pages.Render(w, r, http.StatusForbidden, "operators", shell.Page{Title: "For operators"})
		default:
			if r.Method == http.MethodPost {
				r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			}
			route.Serve(w, r)
		}
	}
}

// maxForm bounds what a form may send.
const maxForm = 64 << 10

// ask answers the state of the host as far as the viewer may see it.
func (h *handler) ask(r *http.Request) (Overview, error) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	overview, err := h.source.Overview(ctx)
	if !shell.ViewerOf(r.Context()).Operate {
		overview.Plugins = withoutLines(overview.Plugins)
	}
	if err != nil && r.Context().Err() == nil {
		h.log.Error("the console could not get its facts", "error", err)
	}
	return overview, err
}

func (h *handler) showJSON(w http.ResponseWriter, r *http.Request) {
	if !shell.ViewerOf(r.Context()).Facts {
		answerJSON(w, http.StatusUnauthorized, map[string]any{"error": map[string]string{"name": "AuthenticationError",
			"message": "The console needs a token from here: send it as 'Authorization: Bearer <token>'"}})
		return
	}
	overview, err := h.ask(r)
	if err != nil {
		answerJSON(w, http.StatusServiceUnavailable, map[string]any{"error": map[string]string{"name": "ServiceUnavailableError",
			"message": "The facts could not be read; the log of the host says why"}})
		return
	}
	answerJSON(w, http.StatusOK, overview)
}

// eventStream begins an event stream and answers what sends one event at once.
func (h *handler) eventStream(w http.ResponseWriter) func(name string, data any) error {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_, _ = w.Write([]byte(": connected\n\n")) // the caller is gone; nobody to tell
	_ = out.Flush()
	return func(name string, data any) error {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, text); err != nil {
			return err
		}
		return out.Flush()
	}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller is gone; nobody to tell
}

func (h *handler) showMissing(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.pages.Render(w, r, http.StatusNotFound, "missing", shell.Page{Title: "Not found"})
}
