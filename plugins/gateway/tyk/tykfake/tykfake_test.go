package tykfake

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(s *Server, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Tyk-Authorization", "k")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestGatewayAPI_AnswersAsTykDoes(t *testing.T) {
	s := New(Options{Secret: "k"})
	s.Sample()
	for _, c := range []struct {
		call, body string
		status     int
		text       string
	}{
		{"GET /tyk/apis/nothing", "", 404, `{"message":"API not found","status":"error"}`},
		{"GET /tyk/apis/orders", "", 200, `"listen_path":"/orders/"`},
		{"PUT /tyk/apis/orders", `{"api_id":"other"}`, 400, "must match"},
		{"POST /tyk/policies", `{"id":"gold"}`, 200, `{"action":"added","key":"gold","status":"ok"}`},
		{"POST /tyk/keys", `{"org_id":"acme"}`, 200, `"key":"acme`},
		{"POST /tyk/keys/k1", `{"alias":"shop","monitor":1}`, 200, `{"action":"added","key":"k1","status":"ok"}`},
		{"PUT /tyk/keys/k1", `{"alias":"shop"}`, 200, `"action":"modified"`},
		{"GET /tyk/keys/k1", "", 200, `"alias":"shop"`},
		{"GET /tyk/keys/k1?hashed=true", "", 400, "Key requested by hash but key hashing is not enabled"},
		{"GET /tyk/keys?filter=k", "", 200, `{"keys":["k1"]}`},
		{"PUT /tyk/keys/k2", `{}`, 404, "Key is not found"},
		{"DELETE /tyk/keys/k1", "", 200, `"action":"deleted"`},
		{"DELETE /tyk/keys/k1", "", 404, `"status":"error"`},
		{"POST /tyk/keys", `[`, 400, "Request malformed"},
		{"GET /nothing", "", 404, `{"error":"Not Found"}`},
		{"GET /hello", "", 200, `"status":"pass"`},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		if w := ask(s, method, path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s %s: %d %s", c.call, c.body, w.Code, w.Body)
		}
	}
	ask(s, "POST", "/tyk/keys/k1", `{"monitor":1}`)
	ask(s, "PUT", "/tyk/keys/k1", `{"alias":"shop"}`)
	if w := ask(s, "GET", "/tyk/keys/k1", ""); strings.Contains(w.Body.String(), "monitor") {
		t.Errorf("what is not sent is gone: %s", w.Body)
	}
	s.SetSecret("other")
	if w := ask(s, "GET", "/tyk/apis", ""); w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
}

func TestDataPlane_LetsSessionsWithoutRightsDoEverythingAndKnowsAPIsAfterAReload(t *testing.T) {
	s := New(Options{Secret: "k"})
	ask(s, "POST", "/tyk/apis", `{"api_id":"a","name":"a","proxy":{"listen_path":"/a/"}}`)
	ask(s, "POST", "/tyk/keys/k1", `{"access_rights":{}}`)
	call := func() int {
		r := httptest.NewRequest(http.MethodGet, "/a/x", nil)
		r.Header.Set("Authorization", "Bearer k1")
		w := httptest.NewRecorder()
		s.Gateway().ServeHTTP(w, r)
		return w.Code
	}
	if got := call(); got != 404 {
		t.Errorf("before the reload: %d", got)
	}
	ask(s, "GET", "/tyk/reload/group", "")
	if got := call(); got != 200 {
		t.Error(got)
	}
}
