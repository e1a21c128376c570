package console

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/console/portal"
	"github.com/callboard/callboard/server/internal/console/shell"
)

// fakeAPI is a host's edge with the answers of a test, by method and path. It notes what it was asked.
type fakeAPI struct {
	t       *testing.T
	answers map[string]any // a value is answered as JSON; see the types below

	mu    sync.Mutex
	asked []asked
}

type asked struct{ Method, Path, Query, Body, Token, Once, Type string }

// Answers that are not JSON with 200.
type (
	fragmentOf string
	failing    struct {
		status  int
		message string
	}
	waiting struct{} // until the caller gives up
)

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.asked = append(f.asked, asked{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("Idempotency-Key"), r.Header.Get("Content-Type")})
	answer, ok := f.answers[r.Method+" "+r.URL.EscapedPath()]
	f.mu.Unlock()
	switch a := answer.(type) {
	case nil:
		if !ok {
			fail(w, failing{http.StatusNotFound, "there is no such route"})
		}
	case fragmentOf:
		_, _ = w.Write([]byte(a))
	case failing:
		fail(w, a)
	case waiting:
		<-r.Context().Done()
	default:
		_ = json.NewEncoder(w).Encode(a)
	}
}

func fail(w http.ResponseWriter, f failing) {
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"name": "Error", "message": f.message}})
}

// of are the questions to a path.
func (f *fakeAPI) of(method, path string) []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []asked
	for _, a := range f.asked {
		if a.Method == method && a.Path == path {
			out = append(out, a)
		}
	}
	return out
}

type object = map[string]any

type array = []any

// shop is an API entity of the sample host.
func shop() object {
	return object{
		"apiVersion": "backstage.io/v1alpha1", "kind": "API",
		"metadata":  object{"name": "shop", "namespace": "default", "title": "Shop API", "description": "Sells things", "tags": array{"rest"}, "annotations": object{"backstage.io/techdocs-ref": "dir:."}, "links": array{object{"url": "https://runbook.example.com", "title": "Runbook"}, object{"url": "javascript:alert(1)", "title": "Trap"}}},
		"spec":      object{"type": "openapi", "lifecycle": "production", "definition": "openapi: 3.0.0"},
		"relations": array{object{"type": "ownedBy", "targetRef": "group:default/crew"}, object{"type": "partOf", "targetRef": "system:default/sales"}, object{"type": "apiProvidedBy", "targetRef": "component:default/shop-service"}},
	}
}

const figure = `<figure class="cb-widget" data-widget="cost/total" data-status="ok"><figcaption>Cost</figcaption><a href="/catalog/default/component/shop-service">shop-service</a></figure>`

// host is a host with a plugin for access and one for costs.
func host(t *testing.T) *fakeAPI {
	t.Helper()
	entry := object{"id": "edge/shop", "gateway": "edge", "api": "shop", "title": "Shop API", "entity": "api:default/shop", "plans": array{object{"id": "crew", "name": "Crew", "limits": array{object{"requests": 60, "window": "minute"}}}}, "served": true}
	app := object{"id": "till-1", "name": "Till", "owner": "group:default/crew", "grants": array{object{"gateway": "edge", "api": "shop", "entity": "api:default/shop", "plan": "crew", "since": "2026-05-01T00:00:00Z"}}}
	request := object{"id": "r1", "app": "other-9", "gateway": "edge", "api": "shop", "entity": "api:default/shop", "by": "user:default/ann", "status": "pending", "reason": "a new till", "mayDecide": true, "at": "2026-05-04T11:00:00Z"}
	key := object{"id": "k1", "app": "till-1", "gateway": "edge", "api": "shop", "label": "till 3", "prefix": "abc", "state": "active"}
	widgets := object{"widgets": array{object{"id": "cost/total", "title": "Cost", "view": "stat", "appliesTo": "*", "height": 180}, object{"id": "gateway/ask", "title": "Ask", "view": "form", "appliesTo": "kind:api"}}}
	page := object{"items": array{shop()}, "totalItems": 31, "pageInfo": object{"nextCursor": "next page"}}
	return &fakeAPI{t: t, answers: map[string]any{
		"POST /api/auth/guest/refresh":                                   object{"backstageIdentity": object{"token": "good-token"}},
		"GET /api/auth/v1/userinfo":                                      object{"claims": object{"sub": "user:default/guest", "ent": array{"group:default/crew"}}},
		"GET /api/catalog/entities/by-name/api/default/shop":             shop(),
		"POST /api/catalog/entities/by-query":                            page,
		"POST /api/catalog/entity-facets":                                object{"facets": object{"kind": array{object{"value": "API", "count": 31}}, "spec.type": array{object{"value": "openapi", "count": 20}}, "relations.ownedBy": array{object{"value": "group:default/crew", "count": 4}}}},
		"POST /api/catalog/entities/by-refs":                             object{"items": array{shop(), nil}},
		"GET /api/user-settings/buckets/starredEntities/keys/entityRefs": object{"value": array{"api:default/shop", "api:default/gone"}},
		"GET /api/widgets/v1/catalog":                                    widgets,
		"GET /api/widgets/v1/entities/api/default/shop":                  widgets,
		"GET /api/widgets/v1/render/cost/total.html":                     fragmentOf(figure),
		"GET /api/widgets/v1/render/gateway/ask.html":                    fragmentOf(`<figure><form method="post" action="/api/widgets/v1/forms/gateway/ask"><button>Ask</button></form></figure>`),
		"POST /api/widgets/v1/forms/gateway/ask":                         fragmentOf(`<figure><p>It is asked for.</p></figure>`),
		"GET /api/api-docs/v1/entities/api/default/shop":                 fragmentOf(`<div class="cb-docs"><a href="/api/api-docs/v1/entities/api/default/shop/operations/buy">buy</a></div>`),
		"GET /api/api-docs/v1/entities/api/default/shop/operations/buy":  fragmentOf(`<div class="cb-docs">POST /things</div>`),
		"GET /api/api-docs/v1/entities/api/default/shop/document":        fragmentOf(`<script>alert(1)</script>`),
		"GET /api/api-docs/v1/docs/api/default/shop":                     fragmentOf(`<div class="cb-docs"><img src="/api/techdocs/static/docs/default/api/shop/a.svg" alt=""></div>`),
		"GET /api/techdocs/static/docs/default/api/shop/a.svg":           fragmentOf(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"GET /api/techdocs/static/docs/default/api/shop/x.html":          fragmentOf(`<script>alert(1)</script>`),
		"GET /api/search/query":                                          object{"numberOfResults": 1, "results": array{object{"type": "software-catalog", "document": object{"title": "Shop API", "text": "Sells <b>things</b>", "location": "/catalog/default/api/shop", "kind": "API"}, "highlight": object{"preTag": "<x>", "postTag": "</x>", "fields": object{"text": "Sells <x><b>things</b></x>"}}}}},
		"GET /api/gateway/v1/apis":                                       object{"items": array{entry}},
		"GET /api/gateway/v1/apps":                                       object{"items": array{app}},
		"GET /api/gateway/v1/requests":                                   object{"items": array{request}},
		"GET /api/gateway/v1/apps/till-1/credentials":                    object{"items": array{key}},
		"GET /api/gateway/v1/apps/till-1/trail":                          object{"items": array{object{"id": "e1", "what": "key.issue", "who": "user:default/ann", "at": "2026-05-04T11:30:00Z", "gateway": "edge", "api": "shop"}}},
		"POST /api/gateway/v1/apps":                                      object{},
		"POST /api/gateway/v1/requests":                                  object{},
		"POST /api/gateway/v1/requests/r1/approve":                       object{},
		"POST /api/gateway/v1/requests/r1/reject":                        object{},
		"POST /api/gateway/v1/requests/r1/cancel":                        object{},
		"POST /api/gateway/v1/apps/till-1/credentials":                   object{"credential": key, "secret": "s3cret-canary", "present": object{"url": "https://edge.example.com", "header": "X-Key"}},
		"POST /api/gateway/v1/credentials/k1/rotate":                     object{"credential": key, "secret": "s3cret-canary"},
		"POST /api/gateway/v1/credentials/k1/suspend":                    object{},
		"POST /api/gateway/v1/credentials/k1/resume":                     object{},
		"POST /api/gateway/v1/credentials/k1/revoke":                     object{},
	}}
}

type samples struct{}

func (samples) States() []portal.Drawing {
	return []portal.Drawing{{Name: "error", Title: "It cannot be had", HTML: `<figure data-status="error"></figure>`}}
}

func (samples) Samples() []portal.Drawing {
	return []portal.Drawing{{Name: "line", Title: "Values over time", HTML: `<figure></figure>`}}
}

// people is a console on the API, which everybody must sign in to.
func people(api http.Handler) http.Handler {
	return New(Options{Settings: Settings{Enabled: true, Access: Authenticated}, Source: fixed{overview: sample()}, Auth: oneToken{}, API: api, SignIn: SignIn{Providers: []Provider{{ID: "guest", Title: "Guest", Guest: true}}, AuthURL: "http://localhost:7007/api/auth"},
		Organization: "Harbour", BaseURL: "https://portal.example.com", Drawings: samples{}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
}

// signedIn is a request with the cookie.
func signedIn(method, path string) *http.Request {
	r := local(method, path)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: "good-token"})
	return r
}

// sent is a form of a console's page, sent by who is signed in.
func sent(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:7007"+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:50000"
	r.AddCookie(&http.Cookie{Name: cookieName, Value: "good-token"})
	return r
}

// page is the text of a page that must be there.
func pageText(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := do(h, signedIn(http.MethodGet, path))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	text, _ := visibleText(t, w.Body.String())
	return text
}

func holds(t *testing.T, where, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is missing in\n%s", where, part, text)
		}
	}
}

// routesOf are all routes of a console.
func routesOf(t *testing.T, h http.Handler) []shell.Route {
	t.Helper()
	console, ok := h.(*handler)
	if !ok {
		t.Fatalf("%T has no routes", h)
	}
	return console.routes
}
