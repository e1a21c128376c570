package kongfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 11, 20, 12, 0, 30, 0, time.UTC)

// ask calls the Admin API; the answer has "status" beside its members.
func ask(t *testing.T, s *Server, method, path, body string) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	out := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	out["status"] = w.Code
	return out
}

func at(o Options) *Server {
	o.Now = func() time.Time { return epoch }
	s := New(o)
	return s
}

func TestAdminAPI_AnswersErrorsAsKongDoes(t *testing.T) {
	s := at(Options{})
	s.Sample()
	s.Put("consumers", map[string]any{"username": "shop"})
	s.Put("key-auths", map[string]any{"consumer": "shop", "key": "k1"})
	for _, c := range []struct {
		call, body string
		status     int
		code       float64
		message    string
	}{
		{"GET /services/nothing", "", 404, 0, "Not found"},
		{"GET /nothing", "", 404, 0, "Not found"},
		{"GET /consumers/nobody/key-auth", "", 404, 0, "Not found"},
		{"GET /services?offset=!!", "", 400, 7, "'!!' is not a valid offset: bad base64 encoding"},
		{"GET /services?size=0", "", 400, 9, "size must be an integer between 1 and 1000"},
		{"GET /services?size=x", "", 400, 9, "size must be a number"},
		{"GET /services?tags=a,b/c", "", 400, 11, "invalid option"},
		{"POST /services", `{"name":"x"}`, 400, 2, "schema violation (host: required field missing)"},
		{"POST /services", `{"name":"x","host":"x","colour":"red"}`, 400, 2, "schema violation (colour: unknown field)"},
		{"POST /services", `{"name":"orders","host":"x"}`, 409, 5, `UNIQUE violation detected on '{name="orders"}'`},
		{"POST /services", `{"url":"nowhere"}`, 400, 2, "missing host in url"},
		{"POST /services", `{`, 400, 0, "Cannot parse JSON body"},
		{"POST /consumers", `{}`, 400, 2, "at least one of these fields must be non-empty: 'custom_id', 'username'"},
		{"POST /consumers", `{"username":"a","tags":["a/b"]}`, 400, 2, "invalid tag 'a/b'"},
		{"POST /consumers/shop/key-auth", `{"key":"k1"}`, 409, 5, `UNIQUE violation detected on '{key="k1"}'`},
		{"POST /consumers/shop/key-auth", `{"ttl":-1}`, 400, 2, "must be an integer between 0 and 100000000"},
		{"POST /key-auths", `{}`, 405, 0, "Method not allowed"},
		{"POST /plugins", `{"name":"nothing"}`, 400, 2, "plugin 'nothing' not enabled; add it to the 'plugins' configuration property"},
		{"POST /plugins", `{"name":"rate-limiting","config":{}}`, 400, 2, "at least one of these fields must be non-empty: 'config.second'"},
		{"POST /plugins", `{"name":"rate-limiting","config":{"minute":9,"hour":3}}`, 400, 2, "The limit for hour(3.0) cannot be lower than the limit for minute(9.0)"},
		{"POST /plugins", `{"name":"rate-limiting","config":{"minute":0,"policy":"x"}}`, 400, 2, "2 schema violations (config.minute: value must be greater than 0; config.policy: expected one of: local, cluster, redis)"},
		{"POST /plugins", `{"name":"acl","service":{"id":"1b1b1b1b-0000-4000-8000-000000000000"},"config":{"allow":["a"]}}`, 400, 4, "does not reference an existing 'services' entity"},
		{"POST /plugins", `{"name":"prometheus"}`, 409, 5, "UNIQUE violation"},
		{"PUT /routes/x", `{"service":{"id":"x"}}`, 400, 2, "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis'"},
		{"PUT /routes/x", `{"paths":["x"]}`, 400, 2, "should start with: /"},
		{"DELETE /services/orders", "", 400, 4, "an existing 'routes' entity references this 'services' entity"},
		{"GET /config", "", 400, 0, "only available when Kong is configured to not use a database"},
		{"GET /schemas/plugins/nothing", "", 404, 0, "No plugin named 'nothing'"},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		got := ask(t, s, method, path, c.body)
		code, _ := got["code"].(float64)
		if got["status"] != c.status || code != c.code || !strings.Contains(fmt.Sprint(got["message"]), c.message) {
			t.Errorf("%s %s: %v", c.call, c.body, got)
		}
	}
}

func TestAdminAPI_CreatesReplacesMergesAndRemoves(t *testing.T) {
	s := at(Options{})
	made := ask(t, s, "PUT", "/services/orders", `{"url":"https://orders.internal/v1","tags":["a"]}`)
	if made["status"] != 200 || made["protocol"] != "https" || made["port"] != 443.0 || made["path"] != "/v1" || made["retries"] != 5.0 || made["url"] != nil {
		t.Error(made)
	}
	if got := ask(t, s, "PATCH", "/services/orders", `{"retries":1}`); got["retries"] != 1.0 || got["host"] != "orders.internal" {
		t.Error(got)
	}
	if got := ask(t, s, "PUT", "/services/orders", `{"host":"other"}`); got["id"] != made["id"] || got["retries"] != 5.0 || got["tags"] != nil {
		t.Error(got)
	}
	limit := ask(t, s, "POST", "/services/orders/plugins", `{"name":"rate-limiting","config":{"minute":5}}`)
	config := limit["config"].(map[string]any)
	if limit["status"] != 201 || config["policy"] != "local" || config["hour"] != nil || config["redis"].(map[string]any)["port"] != 6379.0 {
		t.Error(limit)
	}
	patched := ask(t, s, "PATCH", "/plugins/"+limit["id"].(string), `{"config":{"minute":null,"hour":9}}`)
	if c := patched["config"].(map[string]any); c["minute"] != nil || c["hour"] != 9.0 {
		t.Error(patched)
	}
	ask(t, s, "PUT", "/consumers/shop", `{"custom_id":"7"}`)
	key := ask(t, s, "POST", "/consumers/shop/key-auth", `{"ttl":60}`)
	if len(key["key"].(string)) != 32 || key["ttl"] != 60.0 {
		t.Error(key)
	}
	if got := ask(t, s, "GET", "/key-auths", ""); len(got["data"].([]any)) != 1 {
		t.Error(got)
	}
	for range 2 {
		if got := ask(t, s, "DELETE", "/consumers/shop", ""); got["status"] != 204 {
			t.Error(got)
		}
	}
	if got := ask(t, s, "GET", "/key-auths", ""); len(got["data"].([]any)) != 0 || got["next"] != nil {
		t.Errorf("credentials go with their consumer: %v", got)
	}
}

func TestAdminAPI_ListsInPagesAndByTags(t *testing.T) {
	s := at(Options{PageSize: 4})
	for i := range 10 {
		s.Put("consumers", map[string]any{"username": fmt.Sprintf("c%d", i), "tags": []any{"all", fmt.Sprintf("odd-%d", i%2)}})
	}
	seen, path := map[string]bool{}, "/consumers?tags=all,odd-1&size=2"
	for pages := 1; path != ""; pages++ {
		got := ask(t, s, "GET", path, "")
		for _, one := range got["data"].([]any) {
			seen[one.(map[string]any)["username"].(string)] = true
		}
		if path, _ = got["next"].(string); path == "" && (pages != 3 || got["offset"] != nil) {
			t.Errorf("%d pages: %v", pages, got)
		}
		if path != "" {
			path += "&size=2"
		}
	}
	if len(seen) != 5 || !seen["c9"] {
		t.Error(seen)
	}
	if got := ask(t, s, "GET", "/consumers?tags=odd-0/odd-1&size=1000", ""); len(got["data"].([]any)) != 4 {
		t.Errorf("more than the server's own size: %v", got)
	}
	if got := ask(t, s, "GET", "/tags/odd-1", ""); len(got["data"].([]any)) != 4 {
		t.Error(got)
	}
}

func TestNodeWithoutDatabase_TakesItsConfigurationAsAWhole(t *testing.T) {
	s := at(Options{DBLess: true})
	if got := ask(t, s, "GET", "/status", ""); got["configuration_hash"] != emptyHash {
		t.Error(got)
	}
	load := func(config, query string) map[string]any {
		body, _ := json.Marshal(map[string]string{"config": config})
		return ask(t, s, "POST", "/config"+query, string(body))
	}
	const config = `
_format_version: "3.0"
services:
- name: orders
  host: orders.internal
  routes:
  - name: orders
    paths: [/orders]
  plugins:
  - name: key-auth
consumers:
- username: shop
  keyauth_credentials:
  - key: k1
  acls:
  - group: gold
`
	if got := load(config, ""); got["status"] != 201 {
		t.Fatal(got)
	}
	if got := load(config, "?check_hash=1"); got["status"] != 304 {
		t.Error(got)
	}
	if got := ask(t, s, "GET", "/consumers/shop/key-auth/k1", ""); got["key"] != "k1" {
		t.Error(got)
	}
	exported := ask(t, s, "GET", "/config", "")["config"].(string)
	if got := load(exported, ""); got["status"] != 201 || ask(t, s, "GET", "/config", "")["config"] != exported {
		t.Errorf("what was exported is not what it was when it is loaded: %v", got)
	}
	for _, wrong := range []string{"{", "services: []", "_format_version: '3.0'\nservices: [{name: x}]", "_format_version: '3.0'\nnothing: []", "_format_version: '3.0'\nroutes: [{paths: [/x], service: gone}]"} {
		if got := load(wrong, ""); got["status"] != 400 {
			t.Errorf("%s: %v", wrong, got)
		}
	}
	for call, message := range map[string]string{
		"POST /consumers":                    "cannot create 'consumers' entities when not using a database",
		"PUT /consumers/x":                   "cannot create or update 'consumers' entities when not using a database",
		"PATCH /consumers/shop":              "cannot update 'consumers' entities when not using a database",
		"DELETE /consumers/shop/key-auth/k1": "cannot delete 'keyauth_credentials' entities when not using a database",
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := ask(t, s, method, path, `{"username":"y"}`); got["status"] != 405 || got["code"] != 12.0 || got["message"] != message {
			t.Errorf("%s: %v", call, got)
		}
	}
}

func TestDataPlane_TellsWhoAsksForWhatAndHowMuchIsLeft(t *testing.T) {
	s := at(Options{})
	s.Sample()
	s.Put("consumers", map[string]any{"username": "shop", "custom_id": "7"})
	s.Put("key-auths", map[string]any{"consumer": "shop", "key": "k1"})
	s.Put("acls", map[string]any{"consumer": "shop", "group": "internal"})
	s.Put("plugins", map[string]any{"name": "rate-limiting", "config": map[string]any{"hour": 100.0, "policy": "local"}})
	s.Put("plugins", map[string]any{"name": "rate-limiting", "service": "orders", "consumer": "shop", "config": map[string]any{"minute": 2.0, "day": 50.0}})
	for _, c := range []struct {
		path, key string
		status    int
		body      string
		header    string
	}{
		{"/nothing", "", 404, "no Route matched with those values", "[]"},
		{"/status", "", 200, `"service":"status"`, "[100 99 3570]"},
		{"/orders", "", 401, "No API key found in request", "[]"},
		{"/orders", "k2", 401, "Unauthorized", "[]"},
		{"/orders/7", "k1", 200, `"X-Consumer-Custom-ID":"7"`, "[2 1 30]"},
		{"/orders?apikey=k1", "", 200, `"path":"/orders"`, "[2 0 30]"},
		{"/orders", "k1", 429, "API rate limit exceeded", "[2 0 30]"},
		{"/payments", "k1", 200, `"service":"payments"`, "[100 99 3570]"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.key != "" {
			r.Header.Set("apikey", c.key)
		}
		w := httptest.NewRecorder()
		s.Gateway().ServeHTTP(w, r)
		var told []string
		for _, name := range []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
			if v := w.Header().Get(name); v != "" {
				told = append(told, v)
			}
		}
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || fmt.Sprint(told) != c.header {
			t.Errorf("%s %s: %d %v %s", c.path, c.key, w.Code, told, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`kong_http_requests_total{service="orders",route="orders",code="200",source="service",workspace="default",consumer="shop"} 2`,
		`kong_http_requests_total{service="orders",route="orders",code="429",source="exit",workspace="default",consumer="shop"} 1`,
		`kong_http_requests_total{service="orders",route="orders",code="401",source="exit",workspace="default",consumer=""} 2`,
		`kong_request_latency_ms_bucket{service="orders",route="orders",workspace="default",le="25"} 5`,
		`kong_upstream_latency_ms_count{service="orders",route="orders",workspace="default"} 2`,
		`kong_datastore_reachable 1`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("%s is not told:\n%s", line, w.Body)
		}
	}
}

func TestDataPlane_CountsNothingUnlessItIsTold(t *testing.T) {
	s := at(Options{})
	s.Put("services", map[string]any{"name": "orders", "host": "x"})
	s.Put("routes", map[string]any{"service": "orders", "paths": []any{"/"}})
	s.Put("plugins", map[string]any{"name": "prometheus"})
	s.Gateway().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	w := httptest.NewRecorder()
	s.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if strings.Contains(w.Body.String(), "kong_http_requests_total") {
		t.Error(w.Body)
	}
}
