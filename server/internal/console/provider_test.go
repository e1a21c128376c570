package console

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/xsstest"
)

// withProviders is a console with two providers and guests; forgotten are the providers whose cookies were taken back.
func withProviders(forgotten *[]string) http.Handler { return withProvidersOf(begins{}, forgotten) }

// begins is an API whose providers lead to an issuer, except GitLab.
type begins struct{}

func (begins) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
		http.Error(w, "who may sign in has no credentials yet", http.StatusTeapot)
		return
	}
	w.Header().Set("Set-Cookie", "oidc-nonce=n; Path=/api/auth/oidc/handler; HttpOnly")
	http.Redirect(w, r, "https://issuer.example.com/authorize?asked="+url.QueryEscape(r.URL.RequestURI()), http.StatusFound)
}

func withProvidersOf(api http.Handler, forgotten *[]string) http.Handler {
	return New(Options{Settings: Settings{Enabled: true, Access: Authenticated}, Source: fixed{overview: sample()}, Auth: oneToken{}, API: api, Log: slog.New(slog.DiscardHandler),
		SignIn: SignIn{
			Providers: []Provider{{ID: "github", Title: "GitHub"}, {ID: "oidc", Title: "OpenID Connect"}, {ID: "guest", Title: "Guest", Guest: true}},
			AuthURL:   "http://localhost:7007/api/auth", Environment: "production",
			Forget: func(_ http.ResponseWriter, _ *http.Request, provider string) {
				*forgotten = append(*forgotten, provider)
			},
		}})
}

// offered are the ways on a page to sign in, in their order: addresses of links, and actions of forms.
func offered(t *testing.T, page string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if n.Data == "a" && a.Key == "href" && strings.Contains(a.Val, "/sign-in/with/") || n.Data == "form" && a.Key == "action" && strings.HasSuffix(a.Val, "/guest") {
				all = append(all, a.Val)
			}
		}
	}
	return all
}

func TestSignIn_OffersEveryProviderAndThenTheGuestAndLeadsBack(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	w := do(h, local(http.MethodGet, "/console/catalog?kind=API&q=a+b"))
	want := []string{"/console/sign-in/with/github?return=%2Fconsole%2Fcatalog%3Fkind%3DAPI%26q%3Da%2Bb", "/console/sign-in/with/oidc?return=%2Fconsole%2Fcatalog%3Fkind%3DAPI%26q%3Da%2Bb", "/console/session/guest"}
	if got := offered(t, w.Body.String()); w.Code != http.StatusUnauthorized || !slices.Equal(got, want) {
		t.Errorf("%d %q", w.Code, got)
	}
	text, _ := visibleText(t, w.Body.String())
	holds(t, "page", text, "Sign in with GitHub", "Sign in with OpenID Connect", "Enter as guest", "With a token")
	if strings.Contains(text, "last time") {
		t.Error("somebody is said to have been here who has not")
	}
}

func TestSignIn_OffersFirstTheProviderOfTheSessionThatEnded(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	for last, first := range map[string]string{"oidc": "/console/sign-in/with/oidc", "github": "/console/sign-in/with/github", "guest": "/console/session/guest", "of-another-time": "/console/sign-in/with/github"} {
		r := local(http.MethodGet, "/console/apis")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: "bad"})
		r.AddCookie(&http.Cookie{Name: providerCookie, Value: last})
		body := do(h, r).Body.String()
		if got := offered(t, body); len(got) != 3 || !strings.HasPrefix(got[0], first) {
			t.Errorf("%s: %q", last, got)
		}
		holds(t, last, body, "Your session has ended.")
		if strings.Contains(body, "as last time") == (last == "of-another-time") {
			t.Errorf("%s: is it said to be that of last time?", last)
		}
	}
}

func TestSignIn_LeadsToTheProviderAndBackUnderTheNameOfTheHost(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	for back, want := range map[string]string{"/console/apis?type=grpc": "/console/apis?type=grpc", "https://evil.example/": "/console/", "": "/console/"} {
		r := signedIn(http.MethodGet, "/console/sign-in/with/oidc?"+url.Values{"return": {back}}.Encode())
		r.Header.Set("Authorization", "Bearer bad")
		w := do(h, r)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusFound || to.Host != "issuer.example.com" || cookieOf(t, w, "oidc-nonce").Path != "/api/auth/oidc/handler" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		if to, err = url.Parse(to.Query().Get("asked")); err != nil || to.Path != "/api/auth/oidc/start" {
			t.Fatalf("asked %s", to)
		}
		q := to.Query()
		landing, err := url.Parse(q.Get("redirectUrl"))
		if err != nil || q.Get("env") != "production" || q.Get("flow") != "redirect" || q.Get("origin") != "http://localhost:7007" || landing.Scheme+"://"+landing.Host != "http://localhost:7007" || landing.Path != "/console/sign-in/done" {
			t.Errorf("%s", to)
		}
		if got := landing.Query().Get("return"); got != want {
			t.Errorf("%q leads back to %q", back, got)
		}
		if c := cookieOf(t, w, attemptCookie); c.Path != "/console/sign-in" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge <= 0 || c.Value != "oidc."+landing.Query().Get("attempt") {
			t.Errorf("cookie %v", c)
		}
	}
	for _, id := range []string{"guest", "gitlab", "..%2f", "%2e"} {
		if w := do(h, local(http.MethodGet, "/console/sign-in/with/"+id)); w.Code != http.StatusNotFound || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", id, w.Code, w.Header())
		}
	}
	elsewhere := local(http.MethodGet, "/console/apis")
	elsewhere.Host = "127.0.0.1:7007"
	if got := offered(t, do(h, elsewhere).Body.String()); !strings.HasPrefix(got[0], "http://localhost:7007/console/sign-in/with/github?") {
		t.Errorf("under another name: %q", got)
	}
}

func TestSignIn_ThatAProviderCannotBeginIsToldInWords(t *testing.T) {
	var forgotten []string
	for want, api := range map[string]http.Handler{
		"The sign-in with GitHub did not work. Try again in a while. If it goes on, tell the people who run this portal what it says. It said: Origin 'x' is not allowed": answering{failing{http.StatusForbidden, "Origin 'x' is not allowed"}},
		"The sign-in with GitHub did not work. Try again in a while.":       answering{failing{http.StatusInternalServerError, "canary: dial tcp 10.0.0.1"}},
		"The sign-in with GitHub did not work. Try again in a while. If it": answering{fragmentOf("no redirect")},
	} {
		w := do(withProvidersOf(api, &forgotten), local(http.MethodGet, "/console/sign-in/with/github?return=%2Fconsole%2Fapis"))
		text, _ := visibleText(t, w.Body.String())
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(text, want) || strings.Contains(text, "canary") || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), `value="/console/apis"`) {
			t.Errorf("%d %s", w.Code, text)
		}
	}
}

// answering is an API with one answer.
type answering struct{ answer any }

func (a answering) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	switch answer := a.answer.(type) {
	case failing:
		fail(w, answer)
	case fragmentOf:
		_, _ = w.Write([]byte(answer))
	}
}

func cookieOf(t *testing.T, w *httptest.ResponseRecorder, name string) *http.Cookie {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, w.Header())
	return nil
}

func TestLanded_KeepsTheTokenForPagesOfTheConsoleAlone(t *testing.T) {
	for to, kept := range map[string]bool{
		"http://localhost:7007/console/sign-in/done?return=%2Fconsole%2F": true, "http://localhost:7007/console/": true,
		"http://localhost:7007/": false, "http://localhost:7007/catalog": false, "http://localhost:7007/consoleevil/": false, "http://localhost:7007/api/catalog": false,
	} {
		page, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		Landed(w, httptest.NewRequest(http.MethodGet, "https://localhost:7007/handler/frame?code=c", nil), "github", page, "good-token")
		cookies := w.Result().Cookies()
		if !kept {
			if len(cookies) != 0 {
				t.Errorf("%s: %v", to, cookies)
			}
			continue
		}
		if c := cookieOf(t, w, cookieName); c.Value != "good-token" || c.Path != "/console" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.MaxAge != 0 {
			t.Errorf("%s: %v", to, c)
		}
		if c := cookieOf(t, w, providerCookie); c.Value != "github" || c.Path != "/console" || !c.HttpOnly {
			t.Errorf("%s: %v", to, c)
		}
	}
}

// answered is the page that a provider's answer leads to, of an attempt with a provider; "" = of none.
func answered(h http.Handler, provider, query string, signedIn bool) *httptest.ResponseRecorder {
	r := local(http.MethodGet, "/console/sign-in/done?attempt=A&return=%2Fconsole%2Fapis&"+query)
	if provider != "" {
		r.AddCookie(&http.Cookie{Name: attemptCookie, Value: provider + ".A"})
	}
	if signedIn {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: "good-token"})
	}
	return do(h, r)
}

func TestSignIn_ThatWorkedLeadsToThePage(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	w := answered(h, "github", "", true)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/apis" || cookieOf(t, w, attemptCookie).MaxAge >= 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := answered(h, "github", "", false); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "did not keep the cookie") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSignIn_ThatFailedIsToldInWordsWithANextStep(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	for message, want := range map[string]string{
		"Failed to sign-in, unable to resolve user identity. Please verify that your catalog contains the expected User entities": "GitHub knows you, but nobody in the catalog here is you. Ask the people who run this portal",
		"Login failed, user profile does not contain an email":                                                                    "GitHub did not tell your e-mail address",
		"Sign-in user email is not from an allowed domain":                                                                        "is not of a domain that is let in here. Sign in with another account.",
		"User lookup resulted in multiple matches":                                                                                "More than one user of the catalog here could be you.",
		"The identity provider cannot be reached at the moment.":                                                                  "GitHub does not answer at the moment. Try again in a while",
		"access_denied":                     "The sign-in with GitHub was refused. Try again",
		"Authentication rejected, said no":  "The sign-in with GitHub was refused. Try again",
		"Invalid nonce":                     "did not belong to this attempt. It may have taken too long.",
		"login_required (no session)":       "GitHub has no session of yours",
		"dial tcp 192.0.2.1: i/o timeout":   "The sign-in with GitHub did not work. Try again in a while.",
		"":                                  "The sign-in with GitHub did not work.",
		strings.Repeat("long ", 1000) + "ö": "The sign-in with GitHub did not work.",
		"\xff\xfe\x00":                      "The sign-in with GitHub did not work.",
	} {
		w := answered(h, "github", url.Values{"error": {message}}.Encode(), false)
		text, _ := visibleText(t, w.Body.String())
		if w.Code != http.StatusUnauthorized || !strings.Contains(text, want) || len(text) > 2000 {
			t.Errorf("%.40q: %d %s", message, w.Code, text)
		}
		if !strings.Contains(w.Body.String(), `role="alert"`) || len(offered(t, w.Body.String())) != 3 || !strings.Contains(w.Body.String(), `value="/console/apis"`) {
			t.Errorf("%.40q: no way to go on", message)
		}
	}
}

func TestSignIn_ShowsNoTextOfAnAddressThatIsNoAnswerToAnAttempt(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	query := url.Values{"error": {"Call 0800 and tell your password"}}.Encode()
	for _, provider := range []string{"", "gitlab", "guest", "github.A.B"} {
		text, _ := visibleText(t, answered(h, provider, query, false).Body.String())
		if strings.Contains(text, "0800") || !strings.Contains(text, "The sign-in did not work. Try again.") {
			t.Errorf("after an attempt with %q: %s", provider, text)
		}
	}
	r := local(http.MethodGet, "/console/sign-in/done?"+query)
	r.AddCookie(&http.Cookie{Name: attemptCookie, Value: "github."})
	if text, _ := visibleText(t, do(h, r).Body.String()); strings.Contains(text, "0800") {
		t.Errorf("without the mark of an attempt: %s", text)
	}
}

func TestSignIn_KeepsHostileAnswersAndAddressesAsText(t *testing.T) {
	var forgotten []string
	h := withProviders(&forgotten)
	_, harmless := visibleText(t, answered(h, "github", "error=plain", false).Body.String())
	for _, hostile := range xsstest.Corpus() {
		_, elements := visibleText(t, answered(h, "github", url.Values{"error": {hostile}}.Encode(), false).Body.String())
		for name, n := range elements {
			if n > harmless[name] {
				t.Errorf("%q: %d of %s instead of %d", hostile, n, name, harmless[name])
			}
		}
		body := do(h, local(http.MethodGet, "/console/sign-in?"+url.Values{"return": {hostile}}.Encode())).Body.String()
		for _, address := range offered(t, body) {
			if !regexp.MustCompile(`^/console/(session/guest|sign-in/with/(github|oidc)\?return=[%A-Za-z0-9._~+-]+)$`).MatchString(address) {
				t.Errorf("%q leads to %q", hostile, address)
			}
		}
	}
}

func TestSignOut_TakesBackWhatTheProviderOfTheSessionKeepsHere(t *testing.T) {
	for last, want := range map[string][]string{"github": {"github"}, "guest": nil, "": nil, "gitlab": nil} {
		var forgotten []string
		h := withProviders(&forgotten)
		r := sent("/console/session/end", nil)
		r.AddCookie(&http.Cookie{Name: providerCookie, Value: last})
		w := do(h, r)
		if w.Code != http.StatusSeeOther || cookieOf(t, w, cookieName).MaxAge >= 0 || !slices.Equal(forgotten, want) {
			t.Errorf("%q: %d, forgotten %q", last, w.Code, forgotten)
		}
	}
}

func TestSession_RemembersHowItBeganAndNothingOfAToken(t *testing.T) {
	h := people(host(t))
	if c := cookieOf(t, do(h, sent("/console/session/guest", nil)), providerCookie); c.Value != "guest" {
		t.Errorf("%v", c)
	}
	if c := cookieOf(t, do(h, sent("/console/session", url.Values{"token": {"good-token"}})), providerCookie); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("%v", c)
	}
}
