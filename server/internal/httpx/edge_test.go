package httpx_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func echo(names ...string) httpx.Handler {
	return func(c *gin.Context) error {
		values := map[string]string{}
		for _, n := range names {
			values[n] = c.Param(n)
		}
		return httpx.JSON(c, http.StatusOK, values)
	}
}

// demo has one route of every sort.
func demo(tb testing.TB, o httpx.Options) *httpx.Server {
	s := httpxtest.NewWith(tb, o)
	r := s.Feature(httpx.Feature{ID: "demo", Policies: []httpx.Policy{
		{Path: "/public", Allow: httpx.AllowUnauthenticated},
		{Path: "/static", Allow: httpx.AllowUserCookie},
	}})
	r.GET("/things", httpx.AnyPrincipal, echo())
	r.GET("/things/:name", httpx.AnyPrincipal, echo("name"))
	r.GET("/things/special", httpx.AnyPrincipal, func(c *gin.Context) error { return httpx.JSON(c, 200, "special") })
	r.POST("/things", httpx.AnyPrincipal, func(c *gin.Context) error {
		var body map[string]any
		if err := httpx.BindJSON(c, &body); err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, body)
	})
	r.GET("/files/:owner/*path", httpx.AnyPrincipal, echo("owner", "path"))
	r.GET("/files/:owner/index", httpx.AnyPrincipal, func(c *gin.Context) error { return httpx.JSON(c, 200, "index") })
	r.Unlisted(http.MethodGet, "/hidden", httpx.AnyPrincipal, who)
	r.GET("/who", httpx.AnyPrincipal, who)
	r.GET("/users", httpx.UserOnly, who)
	r.GET("/services", httpx.ServiceOnly, who)
	r.GET("/public/who", httpx.Public, who)
	r.GET("/public/users", httpx.UserOnly, who)
	r.GET("/static/who", httpx.AnyPrincipal, who)
	r.DELETE("/things", httpx.AnyPrincipal, httpx.NoContent)
	r.GET("/fail/:how", httpx.AnyPrincipal, fail)
	return s
}

func who(c *gin.Context) error {
	p := httpx.Principal(c)
	return httpx.JSON(c, http.StatusOK, map[string]any{"kind": p.Kind.String(), "subject": p.Subject, "limited": p.Limited})
}

func fail(c *gin.Context) error {
	switch c.Param("how") {
	case "cause":
		return apierror.Wrap(apierror.NotFound, "no <thing>", apierror.TypeErrorf("inner"))
	case "fields":
		return &apierror.Error{Name: "OddError", Message: "odd", Status: 418, Fields: map[string]any{"b": 1, "a": "<x>", "name": "forged"}}
	case "internal":
		return fmt.Errorf("open /etc/secret: %w", errors.ErrUnsupported)
	case "wrapped":
		return fmt.Errorf("while looking: %w", apierror.Conflictf("taken"))
	case "panic":
		panic("secret of the panic")
	case "late":
		c.Writer.WriteHeader(http.StatusOK)
		_, _ = c.Writer.WriteString(strings.Repeat("x", 4096))
		return errors.New("too late")
	}
	return nil
}

func TestEdge_FindsRoutesAsExpressDoes(t *testing.T) {
	s := demo(t, httpx.Options{})
	for _, tc := range []struct{ target, want string }{
		{"/api/demo/things/a", `{"name":"a"}`},
		{"/API/Demo/Things/A/", `{"name":"A"}`},
		{"/api/demo/things/a%2Fb+c", `{"name":"a/b+c"}`},
		{"/api/demo/things/a%20b", `{"name":"a b"}`},
		{"/api/demo/things/%2e%2e", `{"name":".."}`},
		{"/api/demo/things/%252e%252e%252fwho", `{"name":"%2e%2e%2fwho"}`},
		{"/api/demo/things/special", `"special"`},
		{"/api/demo/things/SPECIAL", `"special"`},
		{"/api/demo/things/Special/", `"special"`},
		{"/api/demo/files/o/a/b%2Fc/../d", `{"owner":"o","path":"/a/b/c/../d"}`},
		{"/api/demo/files/o/index", `"index"`},
		{"/api/demo/FILES/o/Index", `"index"`},
		{"/api/demo/files/o/", `{"owner":"o","path":"/"}`},
		{"/api/demo/things/", `{}`},
	} {
		res := httpxtest.Do(t, s, http.MethodGet, tc.target, "")
		if got := httpxtest.Body(t, res); got != tc.want || res.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %d %s, want %s", tc.target, res.StatusCode, got, tc.want)
		}
	}
}

func TestEdge_AnswersUnknownPathsWithAnEmpty404(t *testing.T) {
	s := demo(t, httpx.Options{})
	s.Index(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("index of " + r.URL.Path)) }))
	for _, target := range []string{
		"/api", "/api/", "/API", "/api/nope", "/api/nope/x", "/api//demo/things", "/api/demo%2Fthings", "/api/%64emo/things",
		"/api/demo", "/api/demo/", "/api/demo///things", "/api/demo/things//", "/api/demo/nope", "/api/demo/%74hings", "/api/nope/../demo/things",
		"/api/demo/things/a/b", "/api/demo/th\u0131ngs", "/api/demo/thing\u017f",
	} {
		res := httpxtest.Do(t, s, http.MethodGet, target, "")
		if body := httpxtest.Body(t, res); res.StatusCode != http.StatusNotFound || body != "" || res.Header.Get("Content-Type") != "" {
			t.Errorf("GET %s: %d %q %q", target, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
	}
	if got := httpxtest.Body(t, httpxtest.Do(t, s, http.MethodGet, "/apix/y", "")); got != "index of /apix/y" {
		t.Errorf("outside /api: %s", got)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, "BREW"} {
		if res := httpxtest.Do(t, s, method, "/api/demo/things", ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}

func TestEdge_AnswersHeadAndOptionsOfRoutes(t *testing.T) {
	s := demo(t, httpx.Options{})
	res := httpxtest.Do(t, s, http.MethodHead, "/api/demo/Things/x", "")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Length") != "12" || httpxtest.Body(t, res) != "" {
		t.Errorf("HEAD: %d %v", res.StatusCode, res.Header)
	}
	if res = httpxtest.Do(t, s, http.MethodGet, "/api/demo//things", ""); res.StatusCode != http.StatusOK {
		t.Errorf("a mount with its trailing slash: %d", res.StatusCode)
	}
	if res = httpxtest.Do(t, s, http.MethodOptions, "/.backstage/health/v1/Readiness/", ""); res.Header.Get("Allow") != "GET,HEAD" {
		t.Errorf("OPTIONS of health: %d %v", res.StatusCode, res.Header)
	}
	if res = httpxtest.Do(t, s, http.MethodOptions, "/api/demo/hidden", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("OPTIONS of an unlisted route: %d", res.StatusCode)
	}
	res = httpxtest.Do(t, s, http.MethodOptions, "/api/demo/things", "")
	if allow := res.Header.Get("Allow"); res.StatusCode != http.StatusOK || allow != "GET,HEAD,POST,DELETE" || httpxtest.Body(t, res) != allow {
		t.Errorf("OPTIONS: %d %q", res.StatusCode, allow)
	}
	if res = httpxtest.Do(t, s, http.MethodOptions, "/api/demo/nope", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("OPTIONS of nothing: %d", res.StatusCode)
	}
	if res = httpxtest.Do(t, s, http.MethodDelete, "/api/demo/things", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: %d", res.StatusCode)
	}
}

func TestBarrier_AsksForCredentialsBeforeAnythingElse(t *testing.T) {
	s := demo(t, httpx.Options{})
	const missing = `{"error":{"name":"AuthenticationError","message":"Missing credentials"}`
	for _, tc := range []struct {
		target, auth string
		status       int
		want         string
	}{
		{"/api/demo/who", "", 401, missing + `,"request":{"method":"GET","url":"/who"},"response":{"statusCode":401}}`},
		{"/api/Demo/nope?a=<b>&c", "", 401, missing + `,"request":{"method":"GET","url":"/nope?a=<b>&c"}`},
		{"/api/demo", "", 401, `"url":"/"}`},
		{"/api/demo/who", "Basic x", 401, missing},
		{"/api/demo/who", "Bearer nonsense", 401, `"Illegal token"`},
		{"/api/demo/who", "Bearer user:default/a", 200, `{"kind":"user","limited":false,"subject":"user:default/a"}`},
		{"/api/demo/users", "Bearer service:x", 403, `{"error":{"name":"NotAllowedError","message":"This endpoint does not allow 'service' credentials"}`},
		{"/api/demo/services", "Bearer user:default/a", 403, `This endpoint does not allow 'user' credentials`},
		{"/api/demo/services", "Bearer service:x", 200, `"service"`},
		{"/api/demo/public/who", "", 200, `"none"`},
		{"/api/demo/Public/Who/", "", 200, `"none"`},
		{"/api/demo/public/who", "Bearer nonsense", 200, `"none"`},
		{"/api/demo/public/who", "Bearer user:default/a", 200, `"user:default/a"`},
		{"/api/demo/public/users", "", 401, missing},
		{"/api/demo/public/users", "Bearer nonsense", 401, `"Illegal token"`},
		{"/api/demo/publicity", "", 401, missing},
		{"/api/demo/public/../who", "", 404, ``},
		{"/api/demo/public%2F..%2Fwho", "", 401, missing},
		{"/api/demo/%70ublic/who", "", 401, missing},
		{"/api/nope/who", "", 404, ``},
	} {
		res := httpxtest.Do(t, s, http.MethodGet, tc.target, "", "Authorization", tc.auth)
		if body := httpxtest.Body(t, res); res.StatusCode != tc.status || !strings.Contains(body, tc.want) || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("GET %s as %q: %d %s", tc.target, tc.auth, res.StatusCode, body)
		}
	}
}

func TestBarrier_TakesTheCookieOnlyWhereAPolicySaysSo(t *testing.T) {
	s := demo(t, httpx.Options{})
	cookie := []string{"Authorization", "", "Cookie", "backstage-auth=user:default/c"}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", "", cookie...); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("outside the policy: %d", res.StatusCode)
	}
	res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/static/who", "", cookie...)
	if got := httpxtest.Body(t, res); got != `{"kind":"user","limited":true,"subject":"user:default/c"}` {
		t.Errorf("under the policy: %s", got)
	}
}

func TestErrors_SpeakOnlyWhereTheyAreMeantTo(t *testing.T) {
	var log strings.Builder
	s := demo(t, httpx.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	for how, want := range map[string]string{
		"cause":   `{"error":{"name":"NotFoundError","message":"no <thing>; caused by TypeError: inner","cause":{"name":"TypeError","message":"inner"}},"request":{"method":"GET","url":"/fail/cause"},"response":{"statusCode":404}}`,
		"fields":  `{"error":{"name":"OddError","message":"odd","a":"<x>","b":1},"request":{"method":"GET","url":"/fail/fields"},"response":{"statusCode":418}}`,
		"wrapped": `{"error":{"name":"ConflictError","message":"taken"},"request":{"method":"GET","url":"/fail/wrapped"},"response":{"statusCode":409}}`,
	} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/fail/"+how, "")
		if got := httpxtest.Body(t, res); got != want {
			t.Errorf("%s: %s", how, got)
		}
		if got := res.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: %s", how, got)
		}
	}
	for _, how := range []string{"internal", "panic"} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/fail/"+how, "")
		body := httpxtest.Body(t, res)
		_, id, ok := strings.Cut(body, `{"error":{"name":"Error","message":"An internal error occurred logId=`)
		if res.StatusCode != 500 || !ok || strings.Contains(body, "secret") || strings.Contains(body, ".go") {
			t.Fatalf("%s: %d %s", how, res.StatusCode, body)
		}
		if id, _, _ = strings.Cut(id, `"`); len(id) != 20 || !strings.Contains(log.String(), id) {
			t.Errorf("%s: the log does not know %q", how, id)
		}
	}
	if !strings.Contains(log.String(), "secret of the panic") || !strings.Contains(log.String(), "edge_test.go") {
		t.Error("the log does not say where the panic was")
	}
}

func TestErrors_AfterTheAnswerBeganCutTheConnection(t *testing.T) {
	s := demo(t, httpx.Options{})
	defer func() {
		if got, ok := recover().(error); !ok || !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("recovered %v", got)
		}
	}()
	httpxtest.Do(t, s, http.MethodGet, "/api/demo/fail/late", "")
	t.Error("the half answer looks complete")
}

func TestJSON_TagsBodiesAsExpressDoes(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "catalog"})
	r.GET("/one", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, []map[string]string{{"kind": "API"}})
	})
	const tag = `W/"10-fbxgzKufRhMcOsvuO/d84lJLiCA"` // made by the reference of the same body
	res := httpxtest.Do(t, s, http.MethodGet, "/api/catalog/one", "")
	if got := res.Header.Get("ETag"); got != tag {
		t.Errorf("ETag %s", got)
	}
	for value, status := range map[string]int{
		tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200,
	} {
		res := httpxtest.Do(t, s, http.MethodGet, "/api/catalog/one", "", "If-None-Match", value)
		if res.StatusCode != status || (status == 304 && (res.Header.Get("ETag") != tag || res.Header.Get("Content-Type") != "" || httpxtest.Body(t, res) != "")) {
			t.Errorf("If-None-Match %s: %d %v", value, res.StatusCode, res.Header)
		}
	}
	res = httpxtest.Do(t, s, http.MethodGet, "/api/catalog/one", "", "If-None-Match", tag, "Cache-Control", "no-cache")
	if res.StatusCode != http.StatusOK {
		t.Errorf("reload: %d", res.StatusCode)
	}
}

func TestRegistration_RefusesMistakes(t *testing.T) {
	for name, register := range map[string]func(*httpx.Server){
		"an unknown access rule":         func(s *httpx.Server) { s.Feature(httpx.Feature{ID: "x"}).GET("/a", 99, echo()) },
		"a public route behind barrier":  func(s *httpx.Server) { s.Feature(httpx.Feature{ID: "x"}).GET("/a", httpx.Public, echo()) },
		"the same feature twice":         func(s *httpx.Server) { s.Feature(httpx.Feature{ID: "x"}); s.Feature(httpx.Feature{ID: "X"}) },
		"an id that is no segment":       func(s *httpx.Server) { s.Mount("a/b", http.NotFoundHandler()) },
		"a specification that is broken": func(s *httpx.Server) { s.Feature(httpx.Feature{ID: "x", OpenAPI: []byte("openapi: [")}) },
		"the same route twice": func(s *httpx.Server) {
			r := s.Feature(httpx.Feature{ID: "x"})
			r.GET("/a/*rest", httpx.AnyPrincipal, echo())
			r.GET("/a/*other", httpx.AnyPrincipal, echo())
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			register(httpxtest.New(t))
		})
	}
}

func TestRoutes_ListsEveryRouteWithItsAccessRule(t *testing.T) {
	s := demo(t, httpx.Options{EveryFeature: func(r *httpx.Router) {
		r.GET("/.backstage/auth/v1/jwks.json", httpx.Public, echo())
	}})
	listed := map[string]httpx.Access{}
	for _, rt := range s.Routes() {
		listed[rt.Method+" /api/"+rt.Feature+rt.Path] = rt.Access
	}
	for route, access := range map[string]httpx.Access{
		"GET /api/demo/who": httpx.AnyPrincipal, "GET /api/demo/users": httpx.UserOnly, "GET /api/demo/public/who": httpx.Public,
		"GET /api/demo/.backstage/auth/v1/jwks.json": httpx.Public,
	} {
		if got, ok := listed[route]; !ok || got != access {
			t.Errorf("%s: %v %v", route, got, ok)
		}
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/.backstage/auth/v1/jwks.json", "", "Authorization", ""); res.StatusCode != 200 {
		t.Errorf("keys: %d", res.StatusCode)
	}
}

func TestMount_StripsThePrefixAndHasNoBarrier(t *testing.T) {
	s := httpxtest.New(t)
	s.Mount("plugin", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprint(w, r.URL.EscapedPath(), " ", r.RequestURI)
	}))
	res := httpxtest.Do(t, s, http.MethodGet, "/api/plugin/a%2Fb", "", "Authorization", "")
	if got := httpxtest.Body(t, res); got != "/a%2Fb /api/plugin/a%2Fb" {
		t.Error(got)
	}
	if got := httpxtest.Body(t, httpxtest.Do(t, s, http.MethodGet, "/api/Plugin", "")); got != "/ /api/Plugin" {
		t.Error(got)
	}
}

func TestBarrier_CanBeSwitchedOffForADesk(t *testing.T) {
	s := demo(t, httpx.Options{Settings: httpx.Settings{NoBarrier: true}})
	for target, status := range map[string]int{"/api/demo/who": 200, "/api/demo/users": 401, "/api/demo/nope": 404} {
		if res := httpxtest.Do(t, s, http.MethodGet, target, "", "Authorization", ""); res.StatusCode != status {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
}
