package apidocs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shop = `{"openapi":"3.1.0","info":{"title":"Shop <b>","version":"1"},"paths":{"/orders/{id}":{"get":{"operationId":"getOrder","summary":"One order",
"responses":{"200":{"description":"It","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}}}},"delete":{"summary":"Forget it"},"put":{"operationId":"putOrder"}}},
"components":{"schemas":{"Order":{"properties":{"next":{"$ref":"#/components/schemas/Order"},"meta":{"$ref":"http://127.0.0.1/x.json#/Meta"}}}}}}`
	events = "asyncapi: 2.6.0\ninfo: {title: Events, version: '1'}\nchannels: {orders: {subscribe: {operationId: onOrder, message: {payload: {type: string}}}}}\n"
)

// catalog is a few API entities, of which only services may read the vault.
type catalog struct{}

var definitions = map[string][2]string{
	"shop": {"openapi", shop}, "vault": {"openapi", shop}, "events": {"asyncapi", events}, "broken": {"openapi", `{"openapi": "3`},
	"other": {"raml", "#%RAML 1.0"}, "none": {"openapi", ""},
}

func (catalog) Visible(_ context.Context, p *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error) {
	name := strings.TrimPrefix(string(ref), "api:default/")
	d, ok := definitions[name]
	return entity.Entity{"kind": "API", "metadata": map[string]any{"name": name}, "spec": map[string]any{"type": d[0], "definition": d[1]}}, ok && (name != "vault" || p.Kind == principal.Service), nil
}

type rig struct {
	t      *testing.T
	server *httpx.Server
}

func start(t *testing.T) *rig { return startWith(t, Options{}) }

func startWith(t *testing.T, o Options) *rig {
	s := httpxtest.New(t)
	o.Engine, o.Entities, o.Sites, o.Texts = NewEngine(catalog{}), catalog{}, site{}, texts{}
	Routes(s.Feature(Feature()), o)
	return &rig{t, s}
}

// get asks as the guest.
func (r *rig) get(path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	res := httpxtest.Do(r.t, r.server, "GET", "/api/api-docs/v1"+path, "", headers...)
	return res, httpxtest.Body(r.t, res)
}

const index = "/entities/api/default/shop"

func TestPages_AreForThoseWhoMayReadTheEntity(t *testing.T) {
	r := start(t)
	for path, want := range map[string]int{
		index: http.StatusOK, "/entities/API/Default/Shop": http.StatusOK, "/entities/api/default/vault": http.StatusNotFound, "/entities/api/default/nobody": http.StatusNotFound,
		index + "/operations/getOrder": http.StatusOK, index + "/operations/none": http.StatusNotFound,
		index + "/schemas/components.schemas.Order": http.StatusOK, index + "/schemas/none": http.StatusNotFound, index + "/schemas/..%2F..": http.StatusNotFound,
		index + "/search.json": http.StatusOK, index + "/document": http.StatusOK, "/style.css": http.StatusOK,
		"/entities/api/default/vault/document": http.StatusNotFound, "/entities/api/default/vault/search.json": http.StatusNotFound,
		"/entities/api/default/vault/operations/getOrder": http.StatusNotFound, "/entities/api/default/vault/schemas/components.schemas.Order": http.StatusNotFound,
		"/entities/api/default/broken": http.StatusBadRequest, "/entities/api/default/other": http.StatusBadRequest, "/entities/api/default/none": http.StatusNotFound,
		index + "?view=x": http.StatusBadRequest, index + "?level=9": http.StatusBadRequest, index + "?other=1": http.StatusBadRequest, index + "?q=order&view=fragment&level=3": http.StatusOK,
	} {
		if res, body := r.get(path); res.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", path, res.StatusCode, want, body)
		}
	}
	for header, want := range map[string]int{"Bearer service:external:ci": http.StatusOK, "": http.StatusUnauthorized} {
		if res, _ := r.get("/entities/api/default/vault", "Authorization", header); res.StatusCode != want {
			t.Errorf("as %q: %d, want %d", header, res.StatusCode, want)
		}
	}
	if res, _ := r.get(index, "Authorization", "", "Cookie", "backstage-auth=user:default/guest"); res.StatusCode != http.StatusOK {
		t.Errorf("a link in a browser brings the cookie alone: %d", res.StatusCode)
	}
}

func TestPages_RunNothingAndReachNobody(t *testing.T) {
	r := start(t)
	for _, path := range []string{index, index + "/operations/getOrder", index + "/schemas/components.schemas.Order", index + "?view=fragment"} {
		res, body := r.get(path)
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "allow-scripts") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Cache-Control"), "private") ||
			res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %v", path, res.Header)
		}
		if strings.Contains(body, "<b>") || strings.Contains(body, "<script") || strings.Contains(body, " style=") {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestPages_LeadToEachOther(t *testing.T) {
	r := start(t)
	_, list := r.get(index)
	for _, want := range []string{`href="/api/api-docs/v1/entities/api/default/shop/operations/getOrder"`, `operations/delete-orders-id"`, `href="/api/api-docs/v1/style.css"`} {
		if !strings.Contains(list, want) {
			t.Errorf("the index lacks %s: %s", want, list)
		}
	}
	if _, body := r.get(index + "/operations/getOrder"); !strings.Contains(body, `shop/schemas/components.schemas.Order"`) || !strings.Contains(body, "--request GET") {
		t.Errorf("the operation: %s", body)
	}
	if _, body := r.get(index + "?q=forget"); strings.Contains(body, "getOrder") || !strings.Contains(body, "delete-orders-id") {
		t.Errorf("narrowed: %s", body)
	}
}

func TestPages_AreNotSentTwice(t *testing.T) {
	r := start(t)
	for _, path := range []string{index, index + "/operations/getOrder", index + "/search.json", index + "/document"} {
		res, _ := r.get(path)
		tag := res.Header.Get("Etag")
		if again, body := r.get(path, "If-None-Match", `"x", `+tag); again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s: %d %q", path, again.StatusCode, body)
		}
		if other, _ := r.get(path, "If-None-Match", `W/"x"`); other.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, other.StatusCode)
		}
	}
}

func TestDocument_LeadsOutNowhere(t *testing.T) {
	r := start(t)
	res, body := r.get(index + "/document")
	if !json.Valid([]byte(body)) || strings.Contains(body, `"$ref":"http`) || !strings.Contains(body, `"$ref":"#/components/schemas/Order"`) {
		t.Error(body)
	}
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Error(kind)
	}
	if _, body := r.get("/entities/api/default/events/document"); !strings.HasPrefix(body, `{"asyncapi":"2.6.0"`) {
		t.Error(body)
	}
}

func TestEngine_ReadsADocumentOnce(t *testing.T) {
	e := NewEngine(catalog{})
	var wg sync.WaitGroup
	docs := make([]any, 16)
	for i := range docs {
		wg.Go(func() {
			o, err := e.outcome(t.Context(), "openapi", shop)
			if err != nil {
				t.Error(err)
			}
			docs[i] = o
		})
	}
	wg.Wait()
	for _, d := range docs {
		if d != docs[0] {
			t.Fatal("a document was read again")
		}
	}
	if o, err := e.outcome(t.Context(), "asyncapi", "x"); err != nil || o.err == nil {
		t.Errorf("a mistake is kept: %v %v", o, err)
	}
	for range atOnce {
		e.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.outcome(ctx, "openapi", shop+" "); err == nil {
		t.Error("who has gone still waits for a turn")
	}
}

func TestErrors_NameTheEntityAndTheMistake(t *testing.T) {
	r := start(t)
	for name, want := range map[string]string{"broken": "line 1", "other": `the type is \"raml\"`} {
		_, body := r.get("/entities/api/default/" + name)
		if !strings.Contains(body, want) || !strings.Contains(body, fmt.Sprintf("default/%s", name)) {
			t.Errorf("%s: %s", name, body)
		}
	}
}
