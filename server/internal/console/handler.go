package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// askTimeout is how long the page waits for its [Source].
const askTimeout = 5 * time.Second

// maxToken is far above the length of any token.
const maxToken = 16 << 10

// Options is what a console is made of. Source, Auth and Log are required.
type Options struct {
	Settings Settings
	Source   Source
	Auth     Authenticator
	Log      *slog.Logger
	// Now is the clock, nil = time.Now.
	Now func() time.Time
	// Operator does what the buttons ask for; nil = there are none.
	Operator Operator
	// DocsURL is where the page leads for documentation; "" = no link.
	DocsURL string
}

// New returns the handler of every path outside /api: "/" is the page, "/console.json" its facts, "/console/…" its
// style and script, everything else is not found. When the console is disabled all of it is not found, with an empty
// body as the reference has it.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if !o.Settings.Enabled {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	}
	h := &handler{
		settings: o.Settings, source: o.Source, auth: o.Auth, log: o.Log, now: o.Now, docsURL: o.DocsURL, operate: o.Operator,
		page: template.Must(template.New("page.html").ParseFS(assets, "assets/*.html")),
	}
	icon := asset("icon.svg", "image/svg+xml")
	h.routes = map[string]http.Handler{
		"GET /":                        http.HandlerFunc(h.showPage),
		"GET /console.json":            http.HandlerFunc(h.showJSON),
		"POST /console/session":        http.HandlerFunc(h.signIn),
		"POST /console/session/end":    http.HandlerFunc(h.signOut),
		"GET /console/plugin":          http.HandlerFunc(h.showPlugin),
		"GET /console/plugin/log":      http.HandlerFunc(h.streamLogs),
		"GET /console/changes":         http.HandlerFunc(h.streamChanges),
		"POST /console/plugin/restart": http.HandlerFunc(h.restart),
		"GET /console/console.css":     asset("console.css", "text/css; charset=utf-8"),
		"GET /console/console.js":      asset("console.js", "text/javascript; charset=utf-8"),
		"GET /console/icon.svg":        icon,
		"GET /favicon.ico":             icon,
	}
	return h
}

type handler struct {
	settings Settings
	source   Source
	auth     Authenticator
	log      *slog.Logger
	now      func() time.Time
	docsURL  string
	operate  Operator
	page     *template.Template
	// routes are matched exactly, by method and path: a multiplexer would redirect paths that it finds untidy, to
	// places that the caller chooses.
	routes map[string]http.Handler
}

// ServeHTTP sets the headers of every answer: the page runs no code but its own file and may not be framed.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if route := h.routes[method+" "+r.URL.Path]; route != nil {
		route.ServeHTTP(w, r)
		return
	}
	h.showMissing(w, r)
}

func (h *handler) showPage(w http.ResponseWriter, r *http.Request) {
	if !h.allowed(r) {
		h.render(w, http.StatusUnauthorized, "signin.html", h.plainView(""))
		return
	}
	overview, err := h.ask(r)
	if err != nil {
		h.render(w, http.StatusServiceUnavailable, "page.html", view{Failed: true, Docs: h.docsURL, Now: h.now().UTC()})
		return
	}
	v := newView(overview, h.now())
	v.Docs = h.docsURL
	v.Shown = showPlugins(overview.Plugins, h.operate != nil && h.mayOperate(r), h.now())
	_, cookieErr := r.Cookie(cookieName)
	v.SignedIn = cookieErr == nil
	h.render(w, http.StatusOK, "page.html", v)
}

func (h *handler) ask(r *http.Request) (Overview, error) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	overview, err := h.source.Overview(ctx)
	if !h.mayOperate(r) {
		overview.Plugins = withoutLines(overview.Plugins)
	}
	if err != nil && r.Context().Err() == nil {
		h.log.Error("the console could not get its facts", "error", err)
	}
	return overview, err
}

func (h *handler) showJSON(w http.ResponseWriter, r *http.Request) {
	if !h.allowed(r) {
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

// signIn keeps the token that was typed into the page in a cookie, if it is good. The browser's own header tells forms
// of other sites apart.
func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	if foreign(r) {
		h.render(w, http.StatusForbidden, "signin.html", h.plainView("This form was sent by another site."))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxToken)
	token := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("token")), "Bearer "))
	if token == "" || strings.ContainsAny(token, " \t\r\n;,\"\\") || !h.knownToken(r, token) {
		h.render(w, http.StatusUnauthorized, "signin.html", h.plainView("This token is not valid here. It may have expired."))
		return
	}
	setCookie(w, r, token, 0)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	if !foreign(r) {
		setCookie(w, r, "", -1)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // secure wherever the page is
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Who forges the header only keeps the cookie from working.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}

// foreign reports whether a browser sent the request on behalf of another origin.
func foreign(r *http.Request) bool {
	return http.NewCrossOriginProtection().Check(r) != nil
}

func (h *handler) showMissing(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.render(w, http.StatusNotFound, "missing.html", h.plainView(""))
}

func (h *handler) plainView(problem string) plainView {
	return plainView{Docs: h.docsURL, Problem: problem, EvenHere: h.settings.Access == Authenticated}
}

func (h *handler) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := h.page.ExecuteTemplate(&page, name, data); err != nil {
		h.log.Error("the console could not be rendered", "page", name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the caller is gone; nobody to tell
}

// asset serves an embedded file, which a browser may keep but asks about each time.
func asset(name, contentType string) http.Handler {
	body, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(fmt.Sprintf("console: %v", err))
	}
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
