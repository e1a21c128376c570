package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/server/internal/console/portal"
	"github.com/callboard/callboard/server/internal/console/shell"
	"github.com/callboard/callboard/server/internal/principal"
)

// cookieName holds the token that somebody has signed in with. Browsers send it to the console alone, never to /api, and
// scripts do not see it. It is lax, so that a link in a chat leads a signed-in person to the page: what changes something
// is a POST, which is refused when it comes from another site.
const cookieName = "callboard-console"

// cookiePath does not cover /console.json, which programs ask with a header.
const cookiePath = "/console"

// withViewer is r with who makes it: by its header, which programs send, else by the cookie.
func (h *handler) withViewer(r *http.Request) *http.Request {
	token := ""
	if header := r.Header.Get("Authorization"); header != "" {
		token, _ = strings.CutPrefix(header, "Bearer ")
		if token == header {
			token = ""
		}
	} else if cookie, err := r.Cookie(cookieName); err == nil {
		token = cookie.Value
	}
	v := shell.Viewer{}
	caller := h.caller(r, token)
	if caller.Kind != principal.None {
		v.Token, v.Subject, v.Person = token, caller.Subject, caller.Kind == principal.User
	}
	v.Ended = token != "" && !v.SignedIn()
	local := h.settings.Access == PublicOnLoopback && fromLoopback(r)
	service := caller.Kind == principal.Service && caller.Restrictions == nil
	v.Facts = v.SignedIn() || local
	v.Operate = local || service
	return r.WithContext(shell.WithViewer(r.Context(), v))
}

// caller is whose token it is: nobody's, unless it is good for the whole API.
func (h *handler) caller(r *http.Request, token string) *principal.Principal {
	if token == "" {
		return principal.Nobody
	}
	asked := r.Clone(r.Context())
	asked.Header.Set("Authorization", "Bearer "+token)
	caller, err := h.auth.Authenticate(asked, "console", 0)
	if err != nil || caller == nil || caller.Limited {
		return principal.Nobody
	}
	return caller
}

// signInView is what the page to sign in shows.
type signInView struct {
	Problem *problem
	Ways    []way
	Return  string
	Ended   bool
	// Typed tells that the problem is one of the token that was typed.
	Typed bool
	// Local tells that the state of the host may be seen without signing in.
	Local bool
}

// askToSignIn answers with the page to sign in, which leads back to where the request came from.
func (h *handler) askToSignIn(w http.ResponseWriter, r *http.Request) {
	back := shell.Home
	if r.Method == http.MethodGet {
		back = shell.Return(r.URL.RequestURI())
	} else if from, err := url.Parse(r.Referer()); err == nil {
		back = shell.Return(from.RequestURI())
	}
	status := http.StatusUnauthorized
	if r.URL.Path == shell.Home && r.Method == http.MethodGet && shell.ViewerOf(r.Context()).Facts {
		status = http.StatusOK // who opens the console on the machine itself has not done anything that is refused
	}
	h.showSignIn(w, r, status, back, problem{})
}

func (h *handler) showSignIn(w http.ResponseWriter, r *http.Request, status int, back string, why problem) {
	v := shell.ViewerOf(r.Context())
	view := signInView{Ways: h.ways(r, back), Return: back, Ended: v.Ended, Typed: why == badToken, Local: v.Facts}
	if why != (problem{}) {
		view.Problem, view.Ended = &why, false
	}
	h.pages.Render(w, r, status, "sign-in", shell.Page{Title: "Sign in", Data: view})
}

// signInPage is asked for by a link; ?return= says where it leads.
func (h *handler) signInPage(w http.ResponseWriter, r *http.Request) {
	h.showSignIn(w, r, http.StatusOK, shell.Return(r.URL.Query().Get("return")), problem{})
}

var badToken = problem{What: "This token is not valid here.", Next: "It may have expired."}

// signIn keeps the token that was typed into the page, if it is good.
func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	back := shell.Return(r.PostFormValue("return"))
	token := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("token")), "Bearer "))
	if token == "" || strings.ContainsAny(token, " \t\r\n;,\"\\") || h.caller(r, token).Kind == principal.None {
		h.showSignIn(w, r, http.StatusUnauthorized, back, badToken)
		return
	}
	setCookie(w, r, token, 0)
	remember(w, r, "")
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// signInAsGuest does what the frontend's guest button does.
func (h *handler) signInAsGuest(w http.ResponseWriter, r *http.Request) {
	back := shell.Return(r.PostFormValue("return"))
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	token, err := portal.GuestToken(ctx, h.api, r)
	if err != nil || h.caller(r, token).Kind == principal.None {
		h.showSignIn(w, r, http.StatusForbidden, back, problem{What: portal.Told(err, "Nobody can enter as a guest at the moment.")})
		return
	}
	setCookie(w, r, token, 0)
	remember(w, r, "guest")
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	setCookie(w, r, "", -1)
	h.forget(w, r)
	http.Redirect(w, r, shell.Home, http.StatusSeeOther)
}

func setCookie(w http.ResponseWriter, r *http.Request, token string, maxAge int) {
	setConsoleCookie(w, r, http.Cookie{Name: cookieName, Value: token, Path: cookiePath, MaxAge: maxAge})
}

// setConsoleCookie sets a cookie with the rules of [cookieName].
func setConsoleCookie(w http.ResponseWriter, r *http.Request, c http.Cookie) {
	c.HttpOnly, c.SameSite = true, http.SameSiteLaxMode
	// Who forges the header only keeps the cookie from working.
	c.Secure = r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	http.SetCookie(w, &c)
}
