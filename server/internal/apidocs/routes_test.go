package apidocs

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// site is the documentation of the shop.
type site struct{}

var siteFiles = map[string]string{
	"index.html":       `<article class="md-content__inner"><h1>Shop</h1><script>canary()</script><p><a href="guide/#x">Guide</a><img src="map.svg" alt="Map"><img src="map.png" alt="Plan"></p></article>`,
	"guide/index.html": `<nav class="md-nav--primary"><ul><li><a class="md-nav__link" href="..">Start</a></li><li><a class="md-nav__link md-nav__link--active" href="./">Guide</a></li></ul></nav><article class="md-content__inner"><h1>Guide</h1><p><a href="..">Home</a><a href="a.pdf">PDF</a></p></article>`,
	"map.svg":          `<svg xmlns="http://www.w3.org/2000/svg"><script>canary()</script></svg>`,
	"map.png":          "png",
}

func (site) File(ref entity.Ref, name string, most int64) ([]byte, error) {
	text, ok := siteFiles[name]
	if !ok || !strings.EqualFold(ref.Name, "shop") || int64(len(text)) > most {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

// texts has a README for one entity.
type texts struct{}

func (texts) Readme(_ context.Context, of entity.Entity) (text, source string, err error) {
	if kind, _ := of.Spec()["type"].(string); kind != "asyncapi" {
		return "", "", fs.ErrNotExist
	}
	return "# Events\n\n<script>canary()</script>\n\n[more](docs/more.md) [up](javascript:canary())", "https://git.test/events/README.md", nil
}

func TestDocs_AreThePagesOfTheSiteOrTheReadme(t *testing.T) {
	r := start(t)
	for path, want := range map[string]string{
		"/docs/api/default/shop/":      `<a href="/api/api-docs/v1/docs/api/default/shop/guide#cb-md-x" data-cb-doc="guide#cb-md-x">Guide</a><img src="data:image/svg+xml;base64,`,
		"/docs/API/Default/Shop":       `src="/api/techdocs/static/docs/default/api/shop/map.png" alt="Plan">`,
		"/docs/api/default/shop/guide": `<a href="/api/api-docs/v1/docs/api/default/shop/" data-cb-doc="">Home</a><a href="/api/techdocs/static/docs/default/api/shop/guide/a.pdf">`,
		"/docs/api/default/shop/guide/": `<li><a href="/api/api-docs/v1/docs/api/default/shop/" data-cb-doc="">Start</a></li>` +
			`<li><a href="/api/api-docs/v1/docs/api/default/shop/guide" aria-current="page" data-cb-doc="guide">Guide</a></li></ul></nav></details><article class="cb-docs-article"><h1 id="cb-md-Guide">Guide</h1>`,
		"/docs/api/default/shop/index.html": `>Shop</h1>`,
		"/docs/api/default/events/":         `<a href="https://git.test/events/docs/more.md" rel="nofollow noreferrer">more</a> up</p>`,
	} {
		res, body := r.get(path)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "canary") {
			t.Errorf("%s: %d, want %s in %s", path, res.StatusCode, want, body)
		}
		if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "allow-scripts") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	for path, want := range map[string]int{
		"/docs/api/default/shop/none": 404, "/docs/api/default/shop/..%2f..%2fother": 404, "/docs/api/default/vault/": 404, "/docs/api/default/none/": 404, "/docs/api/default/nobody/": 404,
		"/docs/api/default/events/more": 404, "/docs/api/default/shop/?view=x": 400,
	} {
		if res, body := r.get(path); res.StatusCode != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestFragments_AreForEmbeddingPagesThatMayShowThem(t *testing.T) {
	backend, _ := url.Parse("https://host.test/base/")
	r := startWith(t, Options{Backend: backend})
	page := []string{"Authorization", "Bearer embed:portal"}
	for path, want := range map[string]string{
		index + "?view=fragment":                                  `href="https://host.test/base/api/api-docs/v1/entities/api/default/shop/operations/getOrder" data-cb-operation="getOrder"`,
		index + "/operations/getOrder?view=fragment":              `data-cb-schema="components.schemas.Order"`,
		index + "/schemas/components.schemas.Order?view=fragment": `data-cb-docs="schema"`,
		index + "/search.json":                                    `"complete":true`,
		"/docs/api/default/shop/?view=fragment":                   `<img src="data:image/png;base64,cG5n" alt="Plan">`,
	} {
		if res, body := r.get(path, page...); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if _, body := r.get(index); !strings.Contains(body, `href="/base/api/api-docs/v1/style.css"`) || !strings.Contains(body, `href="/base/api/api-docs/v1/entities/`) {
		t.Errorf("pages below a path: %s", body)
	}
	for why, e := range map[string]*principal.Embed{
		"another widget": {Widgets: []string{"cost/*"}, Entities: []string{"*"}}, "another entity": {Widgets: []string{"*"}, Entities: []string{"api:default/events"}},
	} {
		p := &principal.Principal{Kind: principal.Service, Subject: "portal", Embed: e}
		if _, _, err := NewEngine(catalog{}).Document(t.Context(), p, entity.Ref{Kind: "api", Namespace: "default", Name: "shop"}); err == nil {
			t.Errorf("a page that may show %s is shown the shop", why)
		}
	}
}

func TestViewer_IsForOpenAPIAndForThoseWhoMayRead(t *testing.T) {
	r := start(t)
	for path, want := range map[string]int{index + "/viewer/swagger-ui": 200, index + "/viewer/redoc": 200, index + "/viewer/other": 404,
		"/entities/api/default/events/viewer/redoc": 404, "/entities/api/default/vault/viewer/redoc": 404} {
		res, body := r.get(path)
		if res.StatusCode != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if want == http.StatusOK && (!strings.HasSuffix(res.Header.Get("Content-Security-Policy"), "sandbox allow-scripts") || strings.Contains(body, `"$ref":"http`) || !strings.Contains(body, "/embed/v1/viewers/")) {
			t.Errorf("%s: %s %s", path, res.Header.Get("Content-Security-Policy"), body)
		}
	}
}

// tried is a rig whose shop has a server that may be reached.
func tried(t *testing.T) *rig {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.Method+" "+q.RequestURI+" "+q.Header.Get("Authorization"))
	}))
	t.Cleanup(up.Close)
	c := config.FromYAML("callboard: {apiDocs: {tryIt: {enabled: true, servers: [{url: '" + up.URL + "', methods: [GET, DELETE], credentials: [{id: k, value: very-secret-key}]}]}}}")
	engine, err := tryit.New(t.Context(), tryit.Options{Settings: tryit.ReadSettings(c), DB: storetest.SQLite(t), Authorizer: permission.Fake{}, Logger: httpxtest.Logger(t),
		Ownership: func(context.Context, *principal.Principal) ([]string, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	definitions["tried"] = [2]string{"openapi", strings.Replace(strings.ReplaceAll(shop, `"operationId":"getOrder"`, `"operationId":"getOrder","parameters":[{"name":"id","in":"path","required":true}]`), `"paths"`, `"servers":[{"url":"`+up.URL+`"}],"paths"`, 1)}
	t.Cleanup(func() { delete(definitions, "tried") })
	return startWith(t, Options{Try: engine})
}

func (r *rig) post(path, body string, headers ...string) (status int, answer string) {
	r.t.Helper()
	res := httpxtest.Do(r.t, r.server, "POST", "/api/api-docs/v1"+path, body, headers...)
	return res.StatusCode, httpxtest.Body(r.t, res)
}

func TestTry_IsAFormInFragmentsAndTwoStepsForWhatChangesSomething(t *testing.T) {
	r := tried(t)
	const get, forget = "/entities/api/default/tried/operations/getOrder", "/entities/api/default/tried/operations/delete-orders-id"
	if _, body := r.get(get + "?view=fragment"); !strings.Contains(body, `<form data-cb-try="/api/api-docs/v1`+get+`/try" data-cb-verb="GET"`) || !strings.Contains(body, `<option value="k"`) || strings.Contains(body, "very-secret") {
		t.Errorf("fragment: %s", body)
	}
	for _, other := range []string{get, index + "/operations/getOrder?view=fragment"} {
		if _, body := r.get(other); strings.Contains(body, "data-cb-try") {
			t.Errorf("%s has a form that nothing serves", other)
		}
	}
	if _, body := r.get("/entities/api/default/tried/operations/putOrder?view=fragment"); !strings.Contains(body, "this host sends no PUT to http://127.0.0.1") {
		t.Errorf("an operation that cannot be tried: %s", body)
	}
	status, body := r.post(get+"/try", `{"credential":"k","params":{"path":{"id":"7"}}}`)
	if status != http.StatusOK || !strings.Contains(body, `"body":"GET /orders/7 [removed]"`) {
		t.Errorf("%d %s", status, body)
	}
	status, body = r.post(forget+"/try", `{}`)
	if status != http.StatusBadRequest { // its path has a parameter that nobody describes
		t.Errorf("%d %s", status, body)
	}
	for why, headers := range map[string][]string{"a cookie": {"Authorization", "", "Cookie", "backstage-auth=user:default/guest"}, "a page without the feature": {"Authorization", "Bearer embed:portal"}} {
		if status, body := r.post(get+"/try", `{"params":{"path":{"id":"7"}}}`, headers...); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", why, status, body)
		}
	}
	for path, want := range map[string]int{"/entities/api/default/vault/operations/getOrder/try": 404, "/entities/api/default/tried/operations/none/try": 404, index + "/operations/getOrder/try": 403} {
		if status, body := r.post(path, `{}`); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := start(t).post(index+"/operations/getOrder/try", `{}`); status != http.StatusNotFound {
		t.Errorf("switched off: %d %s", status, body)
	}
}

func TestTry_AnswersAQuestionFirst(t *testing.T) {
	r := tried(t)
	definitions["tried"] = [2]string{"openapi", strings.ReplaceAll(definitions["tried"][1], `"delete":{`, `"delete":{"parameters":[{"name":"id","in":"path","required":true}],`)}
	const path = "/entities/api/default/tried/operations/delete-orders-id/try"
	status, body := r.post(path, `{"params":{"path":{"id":"7"}}}`)
	var q question
	if err := json.Unmarshal([]byte(body), &q); err != nil || status != http.StatusConflict || q.Confirm.Summary.Method != "DELETE" || q.Error.Name != "ConflictError" {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if status, body := r.post(path, `{"params":{"path":{"id":"7"}},"confirm":"`+q.Confirm.Token+`"}`); status != http.StatusOK || !strings.Contains(body, "DELETE /orders/7") {
		t.Errorf("%d %s", status, body)
	}
}
