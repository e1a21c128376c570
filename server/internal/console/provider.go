package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/console/shell"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/weblink"
)

// Provider is a way to sign in, as it is offered to people.
type Provider struct {
	ID, Title string
	// Guest is entered with one press, instead of being led to another site.
	Guest bool
}

// SignIn is how people sign in, besides with a token.
type SignIn struct {
	// Providers in the order in which they are offered.
	Providers []Provider
	// AuthURL is where browsers find the auth feature: "https://portal.example.com/api/auth". The console is at its origin.
	AuthURL string
	// Environment is the one of the providers' configuration: "production".
	Environment string
	// Forget takes back what a provider keeps in a browser at this host; nil = nothing.
	Forget func(w http.ResponseWriter, r *http.Request, provider string)
}

const (
	// providerCookie names the provider that somebody signed in with last. It is offered first when their token has ended.
	providerCookie = "callboard-provider"
	// attemptCookie says which provider somebody was led to, and is good for its answer alone: what an address says of a
	// failure is believed of an attempt that was made here.
	attemptCookie     = "callboard-attempt"
	attemptPath       = "/console/sign-in"
	attemptSeconds    = 15 * 60
	rememberedSeconds = 180 * 24 * 60 * 60
)

// way is a provider on the page to sign in.
type way struct {
	Provider
	Address string
	// Last tells that the person came this way last time.
	Last bool
}

// ways are the providers as r is offered them, the one of last time first.
func (h *handler) ways(r *http.Request, back string) []way {
	last := cookieValue(r, providerCookie)
	var all []way
	for _, p := range h.signInWith.Providers {
		w := way{Provider: p, Last: p.ID == last}
		if !p.Guest {
			w.Address = h.here(r) + "/console/sign-in/with/" + url.PathEscape(p.ID) + "?" + url.Values{"return": {back}}.Encode()
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b way) int {
		switch {
		case a.Last == b.Last:
			return 0
		case a.Last:
			return -1
		}
		return 1
	})
	return all
}

// here is what an address of the console begins with: nothing, unless the browser has come under another name than the one
// that providers send it back to, where it would not show its cookies.
func (h *handler) here(r *http.Request) string {
	origin := weblink.Origin(h.signInWith.AuthURL)
	if u, err := url.Parse(origin); err != nil || u.Host == r.Host {
		return ""
	}
	return origin
}

func (h *handler) provider(id string) (Provider, bool) {
	i := slices.IndexFunc(h.signInWith.Providers, func(p Provider) bool { return p.ID == id && !p.Guest })
	if i < 0 {
		return Provider{}, false
	}
	return h.signInWith.Providers[i], true
}

// leave leads to a provider, as the auth feature has it begin. It is a page of its own and no form, because a policy for
// forms holds for where they are redirected to as well. What keeps the provider from beginning is told here: the auth
// feature would tell it to programs.
func (h *handler) leave(w http.ResponseWriter, r *http.Request) {
	p, known := h.provider(r.PathValue("provider"))
	if !known {
		h.showMissing(w, r)
		return
	}
	back, attempt := shell.Return(r.URL.Query().Get("return")), rand.Text()
	answer, err := h.begin(r, p, url.Values{"attempt": {attempt}, "return": {back}})
	to := answer.Header.Get("Location")
	if err != nil || answer.Status != http.StatusFound || to == "" {
		h.log.WarnContext(r.Context(), "a provider could not begin to sign somebody in", "provider", p.ID, "status", answer.Status, "error", err)
		h.showSignIn(w, r, http.StatusServiceUnavailable, back, failureOf(p, refusalOf(answer)))
		return
	}
	for _, cookie := range answer.Header.Values("Set-Cookie") {
		w.Header().Add("Set-Cookie", cookie)
	}
	setConsoleCookie(w, r, http.Cookie{Name: attemptCookie, Value: p.ID + "." + attempt, Path: attemptPath, MaxAge: attemptSeconds})
	http.Redirect(w, r, to, http.StatusFound)
}

// begin asks where a provider's sign-in begins that leads to [handler.arrive].
func (h *handler) begin(r *http.Request, p Provider, landing url.Values) (httpx.Answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	origin := weblink.Origin(h.signInWith.AuthURL)
	start := url.Values{"env": {h.signInWith.Environment}, "flow": {"redirect"}, "origin": {origin}, "scope": {""},
		"redirectUrl": {origin + "/console/sign-in/done?" + landing.Encode()}}
	asked := r.Clone(ctx)
	asked.URL = &url.URL{Path: "/api/auth/" + p.ID + "/start", RawQuery: start.Encode()}
	asked.Header.Del("Authorization")
	asked.Header.Del("Cookie")
	return httpx.Ask(h.api, asked, maxRefusal)
}

// maxRefusal bounds what is kept of a provider's answer that is no redirect.
const maxRefusal = 64 << 10

// refusalOf is the message of an answer, when it is for people.
func refusalOf(answer httpx.Answer) string {
	var envelope struct{ Error struct{ Message string } }
	if answer.Status >= http.StatusInternalServerError && answer.Status != http.StatusServiceUnavailable || json.Unmarshal(answer.Body, &envelope) != nil {
		return "" // what is no envelope has no message
	}
	return envelope.Error.Message
}

// arrive is where a provider's answer leads. [Landed] has kept the token by then, or the address says why there is none.
func (h *handler) arrive(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back := shell.Return(query.Get("return"))
	p := h.attempted(r)
	setConsoleCookie(w, r, http.Cookie{Name: attemptCookie, Path: attemptPath, MaxAge: -1})
	switch {
	case query.Has("error"):
		h.showSignIn(w, r, http.StatusUnauthorized, back, failureOf(p, query.Get("error")))
	case shell.ViewerOf(r.Context()).SignedIn():
		http.Redirect(w, r, back, http.StatusSeeOther)
	default:
		h.showSignIn(w, r, http.StatusUnauthorized, back, problem{What: "You are not signed in.",
			Next: "This browser did not keep the cookie of the console. Let it keep cookies of this site, and try again."})
	}
}

// attempted is the provider that the browser was led to from here, for this very answer.
func (h *handler) attempted(r *http.Request) Provider {
	id, attempt, _ := strings.Cut(cookieValue(r, attemptCookie), ".")
	p, known := h.provider(id)
	if !known || attempt == "" || subtle.ConstantTimeCompare([]byte(attempt), []byte(r.URL.Query().Get("attempt"))) == 0 {
		return Provider{}
	}
	return p
}

// Landed keeps the token of somebody whom a provider has sent to a page of the console, and who that provider was. It is
// meant for auth.Options.Landed.
func Landed(w http.ResponseWriter, r *http.Request, provider string, to *url.URL, token string) {
	if !strings.HasPrefix(to.Path, shell.Home) {
		return
	}
	setCookie(w, r, token, 0)
	remember(w, r, provider)
}

// remember notes the provider that somebody signed in with; "" = with a token, which is none.
func remember(w http.ResponseWriter, r *http.Request, provider string) {
	c := http.Cookie{Name: providerCookie, Value: provider, Path: cookiePath, MaxAge: rememberedSeconds}
	if provider == "" {
		c.MaxAge = -1
	}
	setConsoleCookie(w, r, c)
}

// forget takes back what the provider of a session keeps at this host, so that it does not begin another by itself.
func (h *handler) forget(w http.ResponseWriter, r *http.Request) {
	if p, known := h.provider(cookieValue(r, providerCookie)); known && h.signInWith.Forget != nil {
		h.signInWith.Forget(w, r, p.ID)
	}
}

func cookieValue(r *http.Request, name string) string {
	if cookie, err := r.Cookie(name); err == nil {
		return cookie.Value
	}
	return ""
}

// problem is why somebody is not signed in.
type problem struct {
	What string
	// Said is what the provider or the host says about it, Next what the person can do.
	Said, Next string
}

// maxSaid bounds what is shown of a message.
const maxSaid = 300

// failures are what is known to go wrong, by a part of the message. The provider's name is put in for each %.
var failures = []struct{ part, what, next string }{
	{"unable to resolve user identity", "% knows you, but nobody in the catalog here is you.",
		"Ask the people who run this portal to add you to the catalog, or sign in another way."},
	{"cannot be reached", "% does not answer at the moment.", "Try again in a while, or sign in another way."},
	{"does not contain an email", "% did not tell your e-mail address, by which you would be found here.",
		"Ask the people who run this portal what your account there needs."},
	{"not from an allowed domain", "Your e-mail address is not of a domain that is let in here.", "Sign in with another account."},
	{"multiple", "More than one user of the catalog here could be you.", "Tell the people who run this portal."},
	{"access_denied", "The sign-in with % was refused.", "Try again, or sign in another way."},
	{"rejected", "The sign-in with % was refused.", "Try again, or sign in another way."},
	{"login_required", "% has no session of yours, and was told not to ask.",
		"Sign in there first, or ask the people who run this portal to set the prompt of the provider to auto."},
	{"nonce", "The answer of % did not belong to this attempt.", "It may have taken too long. Try again, in one window."},
}

// failureOf words what an answer says. Without a provider nobody was led to one from here: then the address is somebody
// else's text, and is not shown.
func failureOf(p Provider, message string) problem {
	if p.ID == "" {
		return problem{What: "The sign-in did not work.", Next: "Try again."}
	}
	message = excerpt.Line(message, maxSaid)
	for _, f := range failures {
		if strings.Contains(strings.ToLower(message), f.part) {
			return problem{strings.ReplaceAll(f.what, "%", p.Title), message, f.next}
		}
	}
	return problem{"The sign-in with " + p.Title + " did not work.", message,
		"Try again in a while. If it goes on, tell the people who run this portal what it says."}
}
