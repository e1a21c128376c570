package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPluginDoor_PluginsReachFeaturesAndNobodysSession(t *testing.T) {
	door := pluginDoor(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]int{
		"/api/catalog/entities":                  http.StatusTeapot,
		"/api/hello-go/greeting/a%2Fb":           http.StatusTeapot,
		"/api/auth/.well-known/jwks.json":        http.StatusTeapot,
		"/api/auth/.backstage/auth/v1/jwks.json": http.StatusTeapot,
		"/api/auth/v1/userinfo":                  http.StatusTeapot,
		"/api/auth/guest/refresh":                http.StatusForbidden,
		"/API/Auth/guest/refresh":                http.StatusForbidden,
		"/api/auth//guest/refresh":               http.StatusForbidden,
		"/api/auth/github/start":                 http.StatusForbidden,
		"/api/auth/oidc/handler/frame":           http.StatusForbidden,
		"/api/auth/OAuth2Proxy/refresh":          http.StatusForbidden,
		"/api/auth/okta/logout":                  http.StatusForbidden,
		"/api/auth/v1/token":                     http.StatusForbidden,
		"/api/auth":                              http.StatusForbidden,
		"/":                                      http.StatusForbidden,
		"/console.json":                          http.StatusForbidden,
		"//api/auth/guest/refresh":               http.StatusForbidden,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://callboard.internal/", nil)
		r.URL.Path, r.URL.RawPath = path, path
		if path == "/api/hello-go/greeting/a%2Fb" {
			r.URL.Path = "/api/hello-go/greeting/a/b"
		}
		door.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
