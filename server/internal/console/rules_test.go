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

	"github.com/callboard/callboard/server/internal/console/shell"
	"github.com/callboard/callboard/server/internal/xsstest"
)

// posts are all routes that change something, each with the rule that it is under beside that of its origin.
var posts = map[string]shell.Access{
	"/console/session":                       shell.Everybody,
	"/console/session/guest":                 shell.Everybody,
	"/console/session/end":                   shell.Everybody,
	"/console/plugin/restart":                shell.Operators,
	"/console/forms/{plugin}/{id}":           shell.SignedIn,
	"/console/access/apps":                   shell.SignedIn,
	"/console/access/apps/{app}/keys":        shell.SignedIn,
	"/console/access/requests":               shell.SignedIn,
	"/console/access/requests/{id}/{action}": shell.SignedIn,
	"/console/access/keys/{id}/{action}":     shell.SignedIn,
}

// example is a path that a pattern matches.
var example = strings.NewReplacer("{namespace}", "default", "{kind}", "api", "{name}", "shop", "{plugin}", "cost", "{file}", "total.html", "{path...}", "a.svg",
	"{app}", "till-1", "{action}", "approve", "{provider}", "github", "{$}", "")

func exampleOf(route shell.Route) (method, path string) {
	method, path, _ = strings.Cut(route.Pattern, " ")
	id := "r1"
	if strings.Contains(path, "gallery") {
		id = "total"
	}
	return method, strings.ReplaceAll(example.Replace(path), "{id}", id)
}

func TestRoutes_ThatChangeSomethingAreListedWithTheirRule(t *testing.T) {
	found := map[string]shell.Access{}
	for _, route := range routesOf(t, people(host(t))) {
		method, pattern, _ := strings.Cut(route.Pattern, " ")
		switch method {
		case http.MethodPost:
			found[pattern] = route.Access
		case http.MethodGet:
		default:
			t.Errorf("%s: only GET and POST are forms' methods", route.Pattern)
		}
	}
	for pattern, access := range posts {
		if got, ok := found[pattern]; !ok || got != access {
			t.Errorf("%s: there %v, access %v", pattern, ok, got)
		}
	}
	if len(found) != len(posts) {
		t.Errorf("routes that are not listed: %v", found)
	}
}

func TestRoutes_RefuseFormsOfOtherSitesAndReachNothing(t *testing.T) {
	shared := &switched{}
	h := people(shared)
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		for pattern := range posts {
			api := host(t)
			shared.Handler = api
			_, path := exampleOf(shell.Route{Pattern: "POST " + pattern})
			r := sent(path, url.Values{"once": {"o"}, "token": {"good-token"}, "id": {"sentry"}})
			r.Header.Set(name, value)
			w := do(h, r)
			if w.Code != http.StatusForbidden || len(api.asked) != 0 || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "another site") {
				t.Errorf("%s with %s: %d, asked %v", path, name, w.Code, api.asked)
			}
		}
	}
}

func TestRoutes_AskWhoIsNotSignedInToSignInAndReachNothing(t *testing.T) {
	shared := &switched{}
	h := people(shared)
	for _, route := range routesOf(t, h) {
		if route.Access == shell.Everybody {
			continue
		}
		for name, change := range map[string]func(*http.Request){
			"nobody":    func(*http.Request) {},
			"bad token": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: "bad"}) },
			"a token in the address": func(r *http.Request) {
				r.URL.RawQuery = "token=good-token&access_token=good-token"
			},
			"the cookie of the API": func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: "backstage-auth", Value: "good-token"})
			},
		} {
			api := host(t)
			shared.Handler = api
			method, path := exampleOf(route)
			r := local(method, path)
			change(r)
			w := do(h, r)
			if w.Code != http.StatusUnauthorized || len(api.asked) != 0 || !strings.Contains(w.Body.String(), `action="/console/session"`) {
				t.Errorf("%s %s: %d, asked %v", route.Pattern, name, w.Code, api.asked)
			}
			if strings.Contains(w.Body.String(), "good-token") && name != "a token in the address" {
				t.Errorf("%s %s: the token is on the page", route.Pattern, name)
			}
		}
	}
}

func TestPages_HoldNoTokenAndKeepToTheirHeaders(t *testing.T) {
	var log strings.Builder
	shared := &switched{}
	h := New(Options{Settings: Settings{Enabled: true, Access: Authenticated}, Source: fixed{overview: sample()}, Auth: oneToken{}, API: shared,
		Drawings: samples{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, route := range routesOf(t, h) {
		method, path := exampleOf(route)
		if method != http.MethodGet || route.Access == shell.Operators || strings.HasSuffix(path, "changes") {
			continue
		}
		api := host(t)
		shared.Handler = api
		w := do(h, signedIn(method, path))
		if w.Code >= 400 && w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
		header := w.Result().Header
		if strings.Contains(w.Body.String()+header.Get("Location")+log.String(), "good-token") {
			t.Errorf("%s: the token is on the page, in an address or in the log", path)
		}
		for _, a := range api.asked {
			if a.Token != "good-token" || strings.Contains(a.Path+a.Query+a.Body, "good-token") || !strings.HasPrefix(a.Path, "/api/") {
				t.Errorf("%s asks %+v", path, a)
			}
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "script-src 'unsafe") || header.Get("X-Frame-Options") != "DENY" || header.Get("X-Content-Type-Options") != "nosniff" ||
			!slices.Contains([]string{"no-store", "no-cache"}, header.Get("Cache-Control")) {
			t.Errorf("%s: %v", path, header)
		}
		if strings.HasPrefix(header.Get("Content-Type"), "text/html") && policy != shell.Policy && !strings.Contains(policy, "sandbox") {
			t.Errorf("%s: %s", path, policy)
		}
		if _, elements := visibleText(t, w.Body.String()); elements["style"] != 0 || elements["@style"] != 0 || elements["@onclick"] != 0 {
			t.Errorf("%s holds code or style of its own: %v", path, elements)
		}
	}
}

func TestSession_IsSetByTheGuestAndByATokenAndLeadsBackOnlyInside(t *testing.T) {
	h := people(host(t))
	for back, want := range map[string]string{
		"/console/catalog?kind=API": "/console/catalog?kind=API", shopPage: shopPage, "": "/console/", "https://evil.example/": "/console/", "//evil.example": "/console/",
		"/\\evil.example": "/console/", "/console/../api/x": "/console/", "/console/%2e%2e/x": "/console/", "/console//evil.example": "/console/", "javascript:alert(1)": "/console/",
		"/console/\r\nSet-Cookie: a=b": "/console/", "/catalog": "/console/", "/consoleevil": "/console/",
	} {
		for path, values := range map[string]url.Values{"/console/session": {"token": {"good-token"}}, "/console/session/guest": {}} {
			values.Set("return", back)
			r := sent(path, values)
			r.Header.Del("Cookie")
			r.Header.Set("X-Forwarded-Proto", "https")
			w := do(h, r)
			cookies := w.Result().Cookies()
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || len(cookies) == 0 {
				t.Fatalf("%s back to %q: %d %v", path, back, w.Code, w.Header())
			}
			if c := cookieOf(t, w, cookieName); c.Value != "good-token" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/console" || c.Domain != "" || c.MaxAge != 0 {
				t.Errorf("%s: cookie %v", path, c)
			}
		}
	}
	api := host(t)
	api.answers["POST /api/auth/guest/refresh"] = failing{403, "Guests are not let in"}
	w := do(people(api), sent("/console/session/guest", url.Values{"return": {shopPage}}))
	if w.Code != 403 || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "Guests are not let in") || !strings.Contains(w.Body.String(), `value="`+shopPage+`"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSession_ThatHasEndedLeadsBackToThePage(t *testing.T) {
	r := local(http.MethodGet, "/console/catalog?kind=API&q=a+b")
	r.AddCookie(&http.Cookie{Name: cookieName, Value: "bad"})
	w := do(people(host(t)), r)
	holds(t, "page", w.Body.String(), "Your session has ended.", `name="return" value="/console/catalog?kind=API&amp;q=a&#43;b"`)
	sending := sent("/console/access/apps", url.Values{"name": {"x"}})
	sending.Header.Set("Cookie", cookieName+"=bad")
	sending.Header.Set("Referer", "https://evil.example/console/access?done=app")
	w = do(people(host(t)), sending)
	if w.Code != 401 || !strings.Contains(w.Body.String(), `name="return" value="/console/access?done=app"`) || strings.Contains(w.Body.String(), "evil.example") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// switched is an API that a test replaces: a console is made once.
type switched struct{ http.Handler }

// chunk is how many texts of the corpus are in one text: what is not escaped shows itself in the first one already.
const chunk = 48

func TestPages_KeepHostileTextsOfTheAPIAsText(t *testing.T) {
	paths := []string{"/console/", "/console/catalog", shopPage, shopPage + "/raw", shopPage + "/access", "/console/apis", "/console/access", "/console/audit", "/console/search?term=x", "/console/gallery", "/console/gallery/cost/total"}
	api := &switched{}
	h := people(api)
	pages := func(text string) map[string]string {
		answers := host(t)
		for path, answer := range answers.answers {
			if _, isFragment := answer.(fragmentOf); !isFragment {
				answers.answers[path] = replaced(answer, text, "")
			}
		}
		api.Handler = answers
		all := map[string]string{}
		for _, path := range paths {
			w := do(h, signedIn(http.MethodGet, path))
			if w.Code != http.StatusOK {
				t.Fatalf("%s with %q: %d", path, text, w.Code)
			}
			all[path] = w.Body.String()
		}
		return all
	}
	harmless := pages("plain")
	for hostile := range slices.Chunk(xsstest.Corpus(), chunk) {
		text := strings.Join(hostile, " ")
		for path, page := range pages(text) {
			_, before := visibleText(t, harmless[path])
			_, after := visibleText(t, page)
			for name, n := range after {
				if n > before[name] && name != "a" && name != "@href" && name != "@rel" { // a text that is a ref is a link; see below
					t.Errorf("%s with %q: %d of %s instead of %d", path, text, n, name, before[name])
				}
			}
			for _, address := range leadsTo(t, page) {
				if !mayLead.MatchString(address) {
					t.Errorf("%s with %q leads to %q", path, text, address)
				}
			}
		}
	}
}

// mayLead are addresses that a page may lead to: of this host, of the page itself, of the web.
var mayLead = regexp.MustCompile(`^(|/|/[^/\\].*|\?.*|#.*|https?://.*)$`)

// leadsTo are the addresses of a page.
func leadsTo(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	tokens := html.NewTokenizer(strings.NewReader(page))
	for tokens.Next() != html.ErrorToken {
		for _, a := range tokens.Token().Attr {
			if slices.Contains([]string{"href", "src", "action", "formaction", "data", "poster", "srcset"}, a.Key) {
				all = append(all, a.Val)
			}
		}
	}
	return all
}

// kept are members that say what something is; everything else is somebody's text.
var kept = []string{"id", "kind", "namespace", "name", "entity", "status", "state", "view", "appliesTo", "token", "preTag", "postTag", "at", "since", "gateway", "api", "app", "targetRef"}

func replaced(v any, text, key string) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, member := range v {
			out[k] = replaced(member, text, k)
		}
		return out
	case array:
		var out array
		for _, member := range v {
			out = append(out, replaced(member, text, key))
		}
		return out
	case string:
		if slices.Contains(kept, key) || key == "type" && v != "openapi" {
			return v
		}
		return text
	}
	return v
}

func TestHeaders_OfProgramsWorkAsTheCookieDoes(t *testing.T) {
	r := local(http.MethodGet, shopPage)
	r.Header.Set("Authorization", "Bearer good-token")
	if w := do(people(host(t)), r); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	r = httptest.NewRequest(http.MethodHead, "http://localhost:7007"+shopPage, nil)
	r.Header.Set("Authorization", "Bearer good-token")
	if w := do(people(host(t)), r); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}
