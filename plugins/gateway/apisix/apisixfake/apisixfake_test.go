package apisixfake

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAdminAPI_AnswersErrorsAsAPISIXDoes(t *testing.T) {
	s := New(Options{Key: "k"})
	s.Sample()
	s.Put("consumer_groups/gold", map[string]any{"plugins": map[string]any{}})
	s.Put("consumers/shop", map[string]any{"username": "shop", "group_id": "gold"})
	s.Put("consumers/shop/credentials/1", map[string]any{"plugins": map[string]any{"key-auth": map[string]any{"key": "k1"}}})
	for _, c := range []struct {
		call, body string
		status     int
		text       string
	}{
		{"GET /apisix/admin/services/nothing", "", 404, `{"message":"Key not found"}`},
		{"GET /apisix/admin/nothing/1", "", 400, "Unsupported resource type"},
		{"GET /", "", 404, "404 Route Not Found"},
		{"GET /apisix/admin/services?page=1&page_size=5", "", 400, "page_size"},
		{"GET /apisix/admin/services?page=1&page_size=10", "", 200, `"total":3`},
		{"PUT /apisix/admin/consumers", `{"username":"a b"}`, 400, `property \"username\" validation failed`},
		{"PUT /apisix/admin/consumers", `{"username":"shop","group_id":"none"}`, 400, "failed to fetch consumer group info by group id [none], response code: 404"},
		{"PUT /apisix/admin/consumers", `{"username":"new"}`, 201, `"key":"/apisix/consumers/new"`},
		{"PUT /apisix/admin/consumers", `{"username":"new"}`, 200, `"username":"new"`},
		{"PUT /apisix/admin/consumers/new/credentials/1", `{"plugins":{"key-auth":{"key":"k1"}}}`, 400, "duplicate key found with consumer: shop"},
		{"PUT /apisix/admin/consumers/none/credentials/1", `{"plugins":{"key-auth":{"key":"k2"}}}`, 400, "missing consumer"},
		{"PUT /apisix/admin/services/x", `{"plugins":{"nothing":{}}}`, 400, "unknown plugin [nothing]"},
		{"PUT /apisix/admin/services/x", `{"plugins":{"limit-count":{"count":1}}}`, 400, "limit-count"},
		{"PUT /apisix/admin/services/x", `{`, 400, "invalid request body"},
		{"PUT /apisix/admin/routes/x", `{"service_id":"orders"}`, 400, "value should match only one schema"},
		{"PATCH /apisix/admin/services/nothing", `{}`, 404, "Key not found"},
		{"DELETE /apisix/admin/services/orders", "", 400, "can not delete this service, route [orders] is still using it now"},
		{"DELETE /apisix/admin/consumer_groups/gold", "", 400, "can not delete this consumer_group, consumer [shop] is still using it now"},
		{"DELETE /apisix/admin/consumers/shop", "", 200, `"deleted":"1"`},
		{"DELETE /apisix/admin/consumers/shop", "", 404, "Key not found"},
		{"GET /apisix/admin/consumers/shop/credentials", "", 200, `"list":[]`},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(c.body))
		r.Header.Set("X-API-KEY", "k")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s %s: %d %s", c.call, c.body, w.Code, w.Body)
		}
	}
	for key, text := range map[string]string{"": "missing apikey", "wrong": "wrong apikey"} {
		r := httptest.NewRequest(http.MethodGet, "/apisix/admin/services", nil)
		r.Header.Set("X-API-KEY", key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 401 || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestLimitCount_RefusesWith503UnlessItIsTold(t *testing.T) {
	s := New(Options{})
	s.Put("services/a", map[string]any{"plugins": map[string]any{"limit-count": map[string]any{"count": 1, "time_window": 60}}})
	s.Put("routes/a", map[string]any{"uri": "/a", "service_id": "a"})
	var codes []int
	for range 2 {
		w := httptest.NewRecorder()
		s.Gateway().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a", nil))
		codes = append(codes, w.Code)
	}
	if codes[0] != 200 || codes[1] != 503 {
		t.Error(codes)
	}
}
