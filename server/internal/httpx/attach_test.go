package httpx_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"
)

// whole answers with what it was called with.
func whole(w http.ResponseWriter, r *http.Request, c httpx.Call) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain")
	_, err = io.WriteString(w, r.Method+" "+c.Target+" "+c.Principal.Kind.String()+":"+c.Principal.Subject+" "+string(body))
	return err
}

func attach(t *testing.T, s *httpx.Server, f httpx.Feature, h httpx.WholeHandler) (detach func()) {
	t.Helper()
	detach, err := s.Attach(f, h)
	if err != nil {
		t.Fatal(err)
	}
	return detach
}

func TestAttach_GivesEveryMethodAndPathToTheHandlerAsItCame(t *testing.T) {
	s := httpxtest.New(t)
	attach(t, s, httpx.Feature{ID: "demo"}, whole)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		for _, path := range []string{"", "/", "/a", "//a", "///", "/a//b", "/a/../b", "/a%2fb", "/%2e%2e/x", "/a;b=c", "/a+b", "/ä", `/"`, "/a/", "/.hidden", "/a%20b?x=%20&&y;z?"} {
			want := path
			if want == "" {
				want = "/"
			}
			r := httptest.NewRequestWithContext(t.Context(), method, "/api/demo"+strings.NewReplacer(`"`, "%22").Replace(path), strings.NewReader("body"))
			r.RequestURI = "/api/demo" + path
			r.Header.Set("Authorization", httpxtest.Guest)
			r.Header.Set("Content-Type", "application/json") // and yet nobody parses it
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got, want := w.Body.String(), method+" "+want+" user:user:default/guest body"; w.Code != 200 || got != want {
				t.Errorf("%s %s: %d %q, want %q", method, path, w.Code, got, want)
			}
		}
	}
}

func TestAttach_TargetOfAnAbsoluteForm(t *testing.T) {
	s := httpxtest.New(t)
	attach(t, s, httpx.Feature{ID: "demo"}, whole)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://host/api/demo/a%2fb?q", nil)
	r.Header.Set("Authorization", httpxtest.Guest)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if !strings.HasPrefix(w.Body.String(), "GET /a%2fb?q ") {
		t.Error(w.Body)
	}
}

func TestAttach_NeedsCredentialsWhereNoPolicyOpensThePathInEverybodysReading(t *testing.T) {
	s := httpxtest.New(t)
	attach(t, s, httpx.Feature{ID: "demo", Policies: []httpx.Policy{
		{Path: "/webhook", Allow: httpx.AllowUnauthenticated}, {Path: "/page", Allow: httpx.AllowUserCookie},
	}}, whole)
	for path, want := range map[string]int{
		"/webhook": 200, "/webhook/": 200, "/webhook/a.b/c;d=1": 200, "/webhook?x=/../": 200, "/webhook/a%20b": 200,
		"/": 401, "/webhooks": 401, "/Webhook": 401, "/%77ebhook": 401, "//webhook": 401,
		"/webhook/../admin": 401, "/webhook/./x": 401, "/webhook/%2e%2e/admin": 401, "/webhook/..%2fadmin": 401,
		"/webhook/%252e%252e/admin": 401, "/webhook//admin": 401, `/webhook/..%5cadmin`: 401, "/webhook/..;/admin": 401,
		"/webhook/.%20./admin": 401, "/webhook/;/admin": 401, "/webhook/%00": 401, "/webhook/...": 401,
		"/page": 401, "/page/../webhook": 401,
	} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo"+path, "", "Authorization", "")
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
		if res = httpxtest.Do(t, s, http.MethodGet, "/api/demo"+path, ""); res.StatusCode != 200 {
			t.Errorf("%s with credentials: %d", path, res.StatusCode)
		}
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/webhook", "", "Authorization", "Bearer nonsense"); httpxtest.Body(t, res) != "GET /webhook none: " {
		t.Errorf("bad credentials on an open path: %d", res.StatusCode)
	}
}

func TestAttach_TakesACookieForAWebSocketOnlyFromItsOwnPages(t *testing.T) {
	s := httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{CORS: &httpx.CORS{Origins: []string{"https://portal.test"}, Credentials: true}}})
	attach(t, s, httpx.Feature{ID: "demo", Policies: []httpx.Policy{{Path: "/page", Allow: httpx.AllowUserCookie}}}, whole)
	const cookie = "backstage-auth=user:default/guest"
	for _, c := range []struct {
		upgrade, origin string
		want            int
	}{
		{"", "https://evil.test", 200},
		{"websocket", "https://evil.test", 401},
		{"websocket", "", 401},
		{"websocket", "null", 401},
		{"websocket", "https://portal.test", 200},
		{"websocket", "http://example.com", 200}, // the host that the request is for
	} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/page", "", "Authorization", "", "Cookie", cookie, "Upgrade", c.upgrade, "Origin", c.origin)
		if res.StatusCode != c.want {
			t.Errorf("%+v: %d", c, res.StatusCode)
		}
	}
}

func TestAttach_KeepsTheRoutesOfEveryFeatureFromTheHandler(t *testing.T) {
	s := httpxtest.NewWith(t, httpx.Options{EveryFeature: func(r *httpx.Router) {
		r.GET("/.backstage/auth/v1/jwks.json", httpx.Public, func(c *gin.Context) error { return httpx.JSON(c, 200, r.Feature().ID) })
		r.GET("/.backstage/auth/v1/cookie", httpx.UserOnly, func(c *gin.Context) error { return httpx.JSON(c, 200, "cookie") })
	}})
	attach(t, s, httpx.Feature{ID: "demo"}, whole)
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/.backstage/auth/v1/jwks.json", "", "Authorization", ""); httpxtest.Body(t, res) != `"demo"` {
		t.Errorf("keys: %d", res.StatusCode)
	}
	for _, path := range []string{"/.backstage/auth/v1/cookie", "/.Backstage/auth/v1/Cookie/"} {
		if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo"+path, ""); httpxtest.Body(t, res) != `"cookie"` {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := httpxtest.Do(t, s, http.MethodPost, "/api/demo/.backstage/auth/v1/cookie", ""); res.StatusCode != 404 {
		t.Errorf("a method that the cookie route does not have: %d", res.StatusCode)
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/.backstage/other", ""); !strings.HasPrefix(httpxtest.Body(t, res), "GET /.backstage/other") {
		t.Errorf("other hidden paths: %d", res.StatusCode)
	}
}

func TestAttach_ServesTheRoutesOfThisFeatureAtTheEdge(t *testing.T) {
	s := httpxtest.New(t)
	own := func(r *httpx.Router) {
		r.POST("/.well-known/backstage/permissions/apply-conditions", httpx.AnyPrincipal, func(c *gin.Context) error {
			var body any
			if err := httpx.BindJSON(c, &body); err != nil {
				return err
			}
			return httpx.JSON(c, 200, body)
		})
	}
	attach(t, s, httpx.Feature{ID: "demo", Routes: own}, whole)
	const path = "/api/demo/.well-known/backstage/permissions/apply-conditions"
	if res := httpxtest.Do(t, s, http.MethodPost, path, `{"a":1}`); httpxtest.Body(t, res) != `{"a":1}` {
		t.Errorf("its route: %d", res.StatusCode)
	}
	if res := httpxtest.Do(t, s, http.MethodPost, path, `{"a":"`+strings.Repeat("x", 100<<10)+`"}`); res.StatusCode != 413 {
		t.Errorf("a body beyond the limit of the reference's permission router: %d", res.StatusCode)
	}
	if res := httpxtest.Do(t, s, http.MethodPost, path, `{}`, "Authorization", ""); res.StatusCode != 401 {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	if res := httpxtest.Do(t, s, http.MethodPost, path+"/more", ""); !strings.HasPrefix(httpxtest.Body(t, res), "POST /.well-known/") {
		t.Errorf("a path below it: %d", res.StatusCode)
	}
}

func TestAttach_RefusesWhatItCannotServe(t *testing.T) {
	s := httpxtest.New(t)
	s.Feature(httpx.Feature{ID: "own"})
	for want, f := range map[string]httpx.Feature{
		"taken":        {ID: "Own"},
		"reserved":     {ID: "catalog"},
		"path segment": {ID: "a/b"},
		"description":  {ID: "demo", OpenAPI: []byte("x")},
		"policy path":  {ID: "demo", Policies: []httpx.Policy{{Path: "/a/../b", Allow: httpx.AllowUnauthenticated}}},
		"below /. only": {ID: "demo", Routes: func(r *httpx.Router) {
			r.GET("/plain", httpx.AnyPrincipal, httpx.NoContent)
		}},
		"must begin": {ID: "demo", Policies: []httpx.Policy{{Path: "*", Allow: httpx.AllowUnauthenticated}}},
	} {
		if _, err := s.Attach(f, whole); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := s.Attach(httpx.Feature{ID: "demo"}, nil); err == nil {
		t.Error("no handler")
	}
	if got := strings.Join(s.Features(), " "); got != "own" {
		t.Error(got)
	}
}

func TestDetach_LeavesNothingBehindAndTheIDFree(t *testing.T) {
	var gone []string
	s := httpxtest.NewWith(t, httpx.Options{Detached: func(id string) { gone = append(gone, id) }})
	detach := attach(t, s, httpx.Feature{ID: "demo"}, whole)
	detach()
	detach()
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/x", ""); res.StatusCode != 404 || httpxtest.Body(t, res) != "" {
		t.Errorf("detached: %d", res.StatusCode)
	}
	attach(t, s, httpx.Feature{ID: "demo"}, func(w http.ResponseWriter, _ *http.Request, _ httpx.Call) error {
		w.WriteHeader(http.StatusTeapot)
		return nil
	})
	detach() // of the one before
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/x", ""); res.StatusCode != http.StatusTeapot {
		t.Errorf("attached anew: %d", res.StatusCode)
	}
	if len(gone) != 1 || gone[0] != "demo" {
		t.Error(gone)
	}
}

func TestAttach_WhileRequestsRun(t *testing.T) {
	s := httpxtest.New(t)
	s.Feature(httpx.Feature{ID: "own"}).GET("/x", httpx.AnyPrincipal, httpx.NoContent)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				if res := httpxtest.Do(t, s, http.MethodGet, "/api/own/x", ""); res.StatusCode != 204 {
					t.Errorf("own: %d", res.StatusCode)
				}
				if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/x", ""); res.StatusCode != 200 && res.StatusCode != 404 {
					t.Errorf("demo: %d", res.StatusCode)
				}
			}
		})
	}
	for range 100 {
		attach(t, s, httpx.Feature{ID: "demo"}, whole)()
	}
	all.Wait()
}

func TestAttach_BoundsBodiesWhileTheyStream(t *testing.T) {
	s := httpxtest.New(t)
	attach(t, s, httpx.Feature{ID: "demo", BodyLimit: 1000}, whole)
	server := httptest.NewServer(s)
	defer server.Close()
	post := func(body io.Reader) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/demo/x", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", httpxtest.Guest)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, httpxtest.Body(t, res)
	}
	defer http.DefaultClient.CloseIdleConnections()
	if status, body := post(io.MultiReader(strings.NewReader(strings.Repeat("x", 1000)))); status != 200 || len(body) < 1000 {
		t.Errorf("at the limit: %d %s", status, body)
	}
	for name, body := range map[string]io.Reader{"told": strings.NewReader(strings.Repeat("x", 1001)), "untold": io.MultiReader(strings.NewReader(strings.Repeat("x", 5000)))} {
		if status, text := post(body); status != 413 || !strings.Contains(text, "PayloadTooLargeError") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestAttach_ErrorsBecomeTheEnvelope(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := httpxtest.NewWith(t, httpx.Options{Metrics: registry})
	attach(t, s, httpx.Feature{ID: "demo"}, func(_ http.ResponseWriter, r *http.Request, _ httpx.Call) error {
		switch r.URL.Path {
		case "/named":
			return apierror.New(apierror.ServiceUnavailable, "Plugin 'demo' is starting")
		case "/panic":
			panic("in the handler")
		}
		return errors.New("secret")
	})
	for path, want := range map[string]string{"/named": "Plugin 'demo' is starting", "/other": "An internal error occurred", "/panic": "An internal error occurred"} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo"+path, "")
		body := httpxtest.Body(t, res)
		if res.StatusCode < 500 || !strings.Contains(body, want) || strings.Contains(body, "secret") || !strings.Contains(body, `"url":"`+path) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, f := range families {
		if f.GetName() == "callboard_http_requests_total" {
			series = len(f.GetMetric())
		}
	}
	if series != 2 {
		t.Errorf("%d series, want one for each status", series)
	}
}

func TestAttach_HandlersSeeNobodyOnOpenPaths(t *testing.T) {
	s := httpxtest.New(t)
	attach(t, s, httpx.Feature{ID: "demo", Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}}, func(_ http.ResponseWriter, _ *http.Request, c httpx.Call) error {
		if c.Principal != principal.Nobody || c.RequestID == "" {
			t.Errorf("%+v", c)
		}
		return nil
	})
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/a/../b", "", "Authorization", ""); res.StatusCode != 200 {
		t.Error(res.StatusCode)
	}
}

// FuzzAttach_OpenPathsAreOpenInEveryReading holds policies against what servers behind the edge may do with a path: decode
// it once or twice, take backslashes for slashes, drop parameters, clean it.
func FuzzAttach_OpenPathsAreOpenInEveryReading(f *testing.F) {
	for _, seed := range []string{"/webhook/x", "/webhook/../admin", "/webhook/%2e%2e%2fadmin", "/webhook/..;/admin", "/webhook%5c..%5cadmin", "/webhook/%252e./x"} {
		f.Add(seed)
	}
	s := httpxtest.New(f)
	if _, err := s.Attach(httpx.Feature{ID: "demo", Policies: []httpx.Policy{{Path: "/webhook", Allow: httpx.AllowUnauthenticated}}}, whole); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI("/api/demo" + target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: u, RequestURI: "/api/demo" + target, Header: http.Header{}, Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code != http.StatusOK {
			return
		}
		read, _, _ := strings.Cut(target, "?")
		for range 2 {
			if decoded, err := url.PathUnescape(read); err == nil {
				read = decoded
			}
			segments := strings.Split(strings.ReplaceAll(read, `\`, "/"), "/")
			for i, segment := range segments {
				segments[i], _, _ = strings.Cut(segment, ";")
			}
			if cleaned := path.Clean(strings.Join(segments, "/")); cleaned != "/webhook" && !strings.HasPrefix(cleaned, "/webhook/") {
				t.Errorf("%q is open and may be read as %q", target, cleaned)
			}
		}
	})
}

func TestAttach_ALaterOneTakesOverWithoutAGap(t *testing.T) {
	var gone []string
	s := httpxtest.NewWith(t, httpx.Options{Detached: func(id string) { gone = append(gone, id) }})
	detach := attach(t, s, httpx.Feature{ID: "demo"}, whole)
	later := attach(t, s, httpx.Feature{ID: "Demo", Policies: []httpx.Policy{{Path: "/open", Allow: httpx.AllowUnauthenticated}}},
		func(w http.ResponseWriter, _ *http.Request, _ httpx.Call) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})
	detach()
	if len(gone) != 0 {
		t.Errorf("%v has gone while another one serves it", gone)
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/open", "", "Authorization", ""); res.StatusCode != http.StatusTeapot {
		t.Errorf("with the policies of the later one: %d", res.StatusCode)
	}
	if got := strings.Join(s.Features(), " "); got != "demo" {
		t.Error(got)
	}
	later()
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/open", ""); res.StatusCode != http.StatusNotFound || len(gone) != 1 {
		t.Errorf("after both have ended: %d, gone %v", res.StatusCode, gone)
	}
}
