package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAccess_IsPublicToThisMachineOnlyAndNeverThroughAProxy(t *testing.T) {
	type change func(*http.Request)
	header := func(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
	remote := func(addr string) change { return func(r *http.Request) { r.RemoteAddr = addr } }
	host := func(name string) change { return func(r *http.Request) { r.Host = name } }
	public, strict := console(fixed{overview: sample()}, PublicOnLoopback), console(fixed{overview: sample()}, Authenticated)
	for name, tc := range map[string]struct {
		change change
		open   bool
	}{
		"this machine":           {func(*http.Request) {}, true},
		"IPv6":                   {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:5", "[::1]:7007" }, true},
		"mapped address":         {remote("[::ffff:127.0.0.1]:5"), true},
		"another loopback name":  {host("127.0.0.2"), true},
		"name with a dot":        {host("LOCALHOST.:7007"), true},
		"another machine":        {remote("10.0.0.5:50000"), false},
		"no address":             {remote(""), false},
		"unix socket":            {remote("@"), false},
		"rebound name":           {host("evil.example:7007"), false},
		"name that looks local":  {host("localhost.evil.example"), false},
		"public address as name": {host("203.0.113.9"), false},
		"proxy":                  {header("X-Forwarded-For", "127.0.0.1"), false},
		"standard proxy":         {header("Forwarded", "for=127.0.0.1"), false},
		"nginx":                  {header("X-Real-IP", "127.0.0.1"), false},
		"empty proxy header":     {header("X-Forwarded-For", ""), false},
	} {
		for _, path := range append(factsPages, "/console.json", "/console/host.json") {
			r := local("GET", path)
			tc.change(r)
			w := do(public, r)
			if open := w.Code == 200; open != tc.open || !open && (w.Code != 401 || strings.Contains(w.Body.String(), "/srv/a.yaml")) {
				t.Errorf("%s %s: %d", name, path, w.Code)
			}
			if w := do(strict, r); w.Code != 401 {
				t.Errorf("%s %s with access authenticated: %d", name, path, w.Code)
			}
		}
	}
}

func TestAccess_ByHeaderOrByTheFormAndItsCookie(t *testing.T) {
	h := console(fixed{overview: sample()}, Authenticated)
	for token, status := range map[string]int{"Bearer good-token": 200, "Bearer bad": 401, "good-token": 401} {
		r := local("GET", "/console.json")
		r.Header.Set("Authorization", token)
		if w := do(h, r); w.Code != status {
			t.Errorf("%s: %d", token, w.Code)
		}
	}
	w := do(h, form("/console/session", "token", " Bearer good-token\n"))
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/" || len(cookies) == 0 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if c := cookieOf(t, w, cookieName); !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/console" || c.MaxAge != 0 {
		t.Errorf("cookie %v", c)
	}
	r := local("GET", "/console/host")
	r.AddCookie(cookieOf(t, w, cookieName))
	if w := do(h, r); w.Code != 200 || !strings.Contains(w.Body.String(), "Sign out") {
		t.Errorf("with the cookie: %d", w.Code)
	}
	r.Header.Set("Authorization", "Bearer bad")
	if w := do(h, r); w.Code != 401 {
		t.Errorf("a bad header beside a good cookie: %d", w.Code)
	}
	if c := do(h, form("/console/session/end", "", "")).Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("the cookie is not removed: %v", c)
	}
}

func form(path, key, value string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:7007"+path, strings.NewReader(url.Values{key: {value}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestSignIn_RefusesBadTokensAndOtherSites(t *testing.T) {
	h := console(fixed{overview: sample()}, Authenticated)
	for _, token := range []string{"", "bad", "good-token; Domain=evil", "good-token\r\nX: y", strings.Repeat("x", 1<<20)} {
		w := do(h, form("/console/session", "token", token))
		if w.Code != 401 || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "not valid here") {
			t.Errorf("%.20q: %d %v", token, w.Code, w.Header())
		}
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := form("/console/session", "token", "good-token")
		r.Header.Set(name, value)
		if w := do(h, r); w.Code != 403 || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
		r = form("/console/session/end", "", "")
		r.Header.Set(name, value)
		if w := do(h, r); len(w.Result().Cookies()) != 0 {
			t.Errorf("%s signs out", name)
		}
	}
}
