package idptest

import (
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed page.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page.html"))

// pageData is what the provider's own page shows: the form for a request, or a title alone.
type pageData struct {
	Title, Problem, Request string
}

func page(w http.ResponseWriter, status int, data pageData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, "page.html", data) // the caller is gone; nobody to tell
}

// sessionCookie is the provider's own: who has it need not sign in again.
const sessionCookie = "idp-session"

type personKey struct{}

// withPerson is the context of a request with who has a session with the provider.
func (s *Server) withPerson(r *http.Request) context.Context {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return r.Context()
	}
	s.storage.mu.Lock()
	defer s.storage.mu.Unlock()
	known, ok := s.storage.sessions[cookie.Value]
	if !ok {
		return r.Context()
	}
	return context.WithValue(r.Context(), personKey{}, known)
}

func personOf(ctx context.Context) (session, bool) {
	known, ok := ctx.Value(personKey{}).(session)
	return known, ok
}

// login is the form. Who has a session passes by.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("request")
	asked, err := s.storage.request(id)
	if err != nil {
		page(w, http.StatusBadRequest, pageData{Title: "This sign-in has ended"})
		return
	}
	form := pageData{Title: "Sign in", Request: id}
	switch {
	case r.Method != http.MethodPost && asked.Done():
		s.pass(w, r, id)
	case r.Method != http.MethodPost:
		page(w, http.StatusOK, form)
	case r.PostFormValue("answer") == "refuse":
		op.AuthRequestError(w, r, asked, oidc.ErrAccessDenied().WithDescription("the person said no"), s.provider)
	default:
		user, known := s.storage.named(r.PostFormValue("username"))
		if !known || r.PostFormValue("password") != Password {
			form.Problem = "The name or the password is wrong."
			page(w, http.StatusUnauthorized, form)
			return
		}
		cookie, err := s.storage.signIn(id, user)
		if err != nil {
			page(w, http.StatusBadRequest, pageData{Title: "This sign-in has ended"})
			return
		}
		setSession(w, cookie, 0)
		s.pass(w, r, id)
	}
}

func (s *Server) pass(w http.ResponseWriter, r *http.Request, id string) {
	http.Redirect(w, r, op.AuthCallbackURL(s.provider)(op.ContextWithIssuer(r.Context(), s.Issuer), id), http.StatusFound)
}

func setSession(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // the provider is on http
}

// endSession ends that of the person who comes by, too.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	if known, ok := personOf(s.withPerson(r)); ok {
		_ = s.storage.TerminateSession(r.Context(), known.user.subject(), "") // never fails
	}
	setSession(w, "", -1)
	s.provider.ServeHTTP(w, r)
}

// userInfo answers about somebody else where that is the fault.
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	said := httptest.NewRecorder()
	s.provider.ServeHTTP(said, r)
	body := said.Body.Bytes()
	var info map[string]any
	if s.has(OtherUserInfo) && json.Unmarshal(body, &info) == nil {
		info["sub"] = "somebody-else"
		body, _ = json.Marshal(info) // it was JSON
	}
	maps.Copy(w.Header(), said.Header())
	w.WriteHeader(said.Code)
	_, _ = w.Write(body) // the caller is gone; nobody to tell
}
