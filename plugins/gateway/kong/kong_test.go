package kong

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

const operationA, operationB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

// app makes an application known.
func (r *rig) app(id driver.AppID) driver.AppID {
	r.t.Helper()
	if err := r.EnsureConsumer(r.t.Context(), driver.App{ID: id, Name: string(id), Owner: "group:default/x"}); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// granted makes an application known and gives it a plan of orders and a key.
func (r *rig) granted(id driver.AppID, plan driver.PlanID) driver.IssuedKey {
	r.t.Helper()
	r.plan(r.app(id), "orders", plan)
	return r.issue(driver.KeyRequest{App: id, API: "orders", Operation: operationA, Secret: sdk.Secret("secret-of-32-characters-for-" + string(id))})
}

func (r *rig) plan(app driver.AppID, api driver.APIID, plan driver.PlanID) {
	r.t.Helper()
	if err := r.SetPlan(r.t.Context(), app, api, plan); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) issue(request driver.KeyRequest) driver.IssuedKey {
	r.t.Helper()
	k, err := r.IssueKey(r.t.Context(), request)
	if err != nil {
		r.t.Fatal(err)
	}
	return k
}

// call presents a key to the data plane of a node.
func call(node *kongfake.Server, path string, key sdk.Secret) *http.Response {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	if key != "" {
		req.Header.Set("apikey", key.Reveal())
	}
	w := httptest.NewRecorder()
	node.Gateway().ServeHTTP(w, req)
	return w.Result()
}

func (r *rig) wantStatus(path string, key sdk.Secret, want int) {
	r.t.Helper()
	for i, node := range r.nodes {
		if got := call(node, path, key).StatusCode; got != want {
			r.t.Errorf("node %d answers %d to %s, want %d", i, got, path, want)
		}
	}
}

func TestPlan_OpensOneAPIWithItsLimits(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	key := r.granted("shop", "silver").Secret
	r.wantStatus("/payments", key, 403)
	for range 3 {
		r.wantStatus("/orders", key, 200)
	}
	res := call(r.fake, "/orders", key)
	if res.StatusCode != 429 || res.Header.Get("X-RateLimit-Limit-Minute") != "3" || res.Header.Get("X-RateLimit-Remaining-Minute") != "0" || res.Header.Get("RateLimit-Reset") != "60" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	r.clock.advance(time.Minute)
	r.wantStatus("/orders", key, 200)
	r.plan("shop", "orders", "gold")
	if h := call(r.fake, "/orders", key).Header; h.Get("X-RateLimit-Limit-Month") != "1000" || h.Get("X-RateLimit-Limit-Minute") != "100" {
		t.Errorf("another plan has other limits: %v", h)
	}
	r.plan("shop", "orders", "open")
	if h := call(r.fake, "/orders", key).Header; h.Get("RateLimit-Limit") != "" {
		t.Errorf("a plan without limits has none: %v", h)
	}
	r.plan("shop", "payments", "gold")
	r.plan("shop", "orders", "")
	r.wantStatus("/orders", key, 403)
	r.wantStatus("/payments", key, 200)
}

func TestPlan_IsRefusedWhereItWouldMeanNothing(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("services", map[string]any{"name": "denying", "host": "x"})
	r.fake.Put("plugins", map[string]any{"name": "key-auth", "service": "denying"})
	r.fake.Put("plugins", map[string]any{"name": "acl", "service": "denying", "config": map[string]any{"deny": []any{"bad"}}})
	r.app("shop")
	for _, c := range []struct {
		app  driver.AppID
		api  driver.APIID
		plan driver.PlanID
		want error
		text string
	}{
		{"shop", "status", "gold", sdk.ErrConflict, "plugin key-auth is not on"},
		{"shop", "denying", "gold", sdk.ErrConflict, "denies groups instead of allowing some"},
		{"shop", "nothing", "gold", sdk.ErrNotFound, "has nothing there"},
		{"nobody", "orders", "gold", sdk.ErrNotFound, "has nothing there"},
		{"shop", "orders", "platinum", sdk.ErrNotFound, `no plan "platinum" for orders`},
		{"shop", "payments", "internal", sdk.ErrNotFound, `no plan "internal"`}, // two services allow it
	} {
		err := r.SetPlan(t.Context(), c.app, c.api, c.plan)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s of %s at %s: %v", c.plan, c.app, c.api, err)
		}
	}
	if err := r.SetPlan(t.Context(), "nobody", "orders", ""); err != nil {
		t.Errorf("taking away what nobody has: %v", err)
	}
}

func TestPlan_CanBeAGroupThatOthersMadeForOneService(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("services", map[string]any{"name": "stock", "host": "stock"})
	r.fake.Put("routes", map[string]any{"name": "stock", "service": "stock", "paths": []any{"/stock"}})
	r.fake.Put("plugins", map[string]any{"name": "key-auth", "service": "stock"})
	r.fake.Put("plugins", map[string]any{"name": "acl", "service": "stock", "config": map[string]any{"allow": []any{"partners", "internal"}}})
	plans := map[driver.PlanID]driver.Plan{}
	for p, err := range r.Plans(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		plans[p.ID] = p
	}
	if _, there := plans["internal"]; there || plans["partners"].Name != "partners" || len(plans) != 4 {
		t.Errorf("%v", plans)
	}
	for a, err := range r.APIs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ID == "stock" && (!slices.Equal(a.Plans, []driver.PlanID{"gold", "silver", "open", "partners"}) || a.BaseURL != "http://kong.example:8000/stock") {
			t.Errorf("%+v", a)
		}
	}
	key := r.granted("shop", "gold").Secret
	r.plan("shop", "stock", "partners")
	r.wantStatus("/stock", key, 200)
	for api, want := range map[driver.APIID]driver.PlanID{"stock": "partners", "orders": "gold", "payments": ""} {
		if got, err := r.PlanOf(t.Context(), "shop", api); err != nil || got != want {
			t.Errorf("the plan of %s is %q, %v", api, got, err)
		}
	}
	if got, err := r.PlanOf(t.Context(), "nobody", "stock"); got != "" || err != nil {
		t.Error(got, err)
	}
	r.plan("shop", "stock", "gold")
	r.plan("shop", "stock", "")
	r.wantStatus("/stock", key, 403)
	r.wantStatus("/orders", key, 200)
}

func TestConsumer_ThatOthersMadeIsLeftAlone(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("consumers", map[string]any{"username": "shop"})
	r.fake.Put("services", map[string]any{"name": "theirs", "host": "theirs"})
	err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"})
	if !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "that the portal did not make") {
		t.Error(err)
	}
	_, err = r.Publish(t.Context(), driver.Publication{ID: "theirs", Upstream: "http://x", Paths: []string{"/x"}})
	if !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
}

func TestKey_EndsAndIsSuspendedWithItsTimeToLive(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.plan(r.app("shop"), "orders", "gold")
	const secret = "a-secret-of-more-than-32-characters"
	k := r.issue(driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret, Label: "ci, nightly/build", Expires: epoch.Add(time.Hour)})
	r.clock.advance(20 * time.Minute)
	listed := r.only("shop")
	if !listed.Expires.Equal(epoch.Add(time.Hour)) || listed.Label != "ci nightly build" || listed.Prefix != "a-secret" || !listed.Created.Equal(epoch) {
		t.Errorf("%+v", listed)
	}
	for range 2 {
		if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err != nil {
			t.Fatal(err)
		}
	}
	r.wantStatus("/orders", secret, 401)
	r.wantStatus("/orders", "suspended-"+secret, 401)
	if s := r.only("shop"); !s.Suspended || s.Prefix != listed.Prefix || !s.Expires.Equal(listed.Expires) {
		t.Errorf("%+v", s)
	}
	if again := r.issue(driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret}); again.Secret != secret || !again.Suspended {
		t.Errorf("the operation of a suspended key: %+v", again.Key)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", secret, 200)
	r.clock.advance(40 * time.Minute)
	r.wantStatus("/orders", secret, 401)
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: operationB, Expires: r.clock.now()})
	if !errors.Is(err, sdk.ErrInput) {
		t.Errorf("a key that has expired: %v", err)
	}
	forever := r.issue(driver.KeyRequest{App: "shop", Operation: operationB, Expires: r.clock.now().Add(10 * 365 * day)})
	if !forever.Expires.IsZero() || len(forever.Secret) < 32 {
		t.Errorf("longer than Kong can: %+v", forever.Key)
	}
}

// only is the one key of an application.
func (r *rig) only(app driver.AppID) driver.Key {
	r.t.Helper()
	var all []driver.Key
	for k, err := range r.Keys(r.t.Context(), app) {
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, k)
	}
	if len(all) != 1 {
		r.t.Fatalf("%d keys", len(all))
	}
	return all[0]
}

func TestKey_OfSomebodyElseIsAConflictThatDoesNotTellIt(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	k := r.granted("shop", "gold")
	r.app("other")
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: k.Secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(fmt.Sprintf("%+v", err), k.Secret.Reveal()) {
		t.Error(err)
	}
	_, err = r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: "../key-auths", Secret: k.Secret})
	if !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	if err := r.RevokeKey(t.Context(), "other", k.ID); err != nil {
		t.Error(err)
	}
	r.wantStatus("/orders", k.Secret, 200) // one application cannot take another's key away
}

func TestKey_GoesOnForAsLongAsDataPlanesKnowIt(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	k := r.granted("shop", "gold")
	r.fake.Delay(5 * time.Second)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", k.Secret, 200)
	r.clock.advance(5 * time.Second)
	r.wantStatus("/orders", k.Secret, 401)
}

func TestPublish_LetsNobodyInUntilAPlanIsGivenAndKeepsWhatOthersAdd(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	key := r.granted("shop", "gold").Secret
	p := driver.Publication{ID: "stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}, Tags: []string{"beta", "a,b"}}
	made, err := r.Publish(t.Context(), p)
	if err != nil || made.BaseURL != "http://kong.example:8000/stock" || made.ID != "stock" {
		t.Fatalf("%+v %v", made, err)
	}
	r.wantStatus("/stock", "", 401)
	r.wantStatus("/stock", key, 403)
	r.plan("shop", "stock", "gold")
	r.wantStatus("/stock", key, 200)
	patched := r.admin(http.MethodPatch, "/plugins/"+stableID("acl", stableID("service", "stock")), `{"config":{"allow":["partners","stock:gold"]}}`)
	if _, err := r.Publish(t.Context(), p); err != nil || patched != 200 {
		t.Fatal(patched, err)
	}
	r.wantStatus("/stock", key, 200)
	if _, err := r.Publish(t.Context(), driver.Publication{ID: "a/b", Upstream: p.Upstream, Paths: p.Paths}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
}

// admin calls the Admin API as an operator does.
func (r *rig) admin(method, path, body string) int {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Kong-Admin-Token", adminToken)
	w := httptest.NewRecorder()
	r.fake.ServeHTTP(w, req)
	return w.Code
}

func TestCapabilities_FollowHowKongRuns(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      Options
		f      kongfake.Options
		keys   bool
		ttl    bool
		reason string
	}{
		{"with a database", Options{}, kongfake.Options{}, true, true, ""},
		{"hybrid", Options{}, kongfake.Options{Role: "control_plane", Version: "3.9.0.1-enterprise"}, true, true, ""},
		{"hybrid, older", Options{}, kongfake.Options{Role: "control_plane", Version: "3.4.2"}, true, false, ""},
		{"without a database", Options{}, kongfake.Options{DBLess: true}, false, false, "runs without a database"},
		{"declarative", Options{Declarative: true}, kongfake.Options{DBLess: true}, true, false, ""},
	} {
		r := start(t, c.o, c.f, 1)
		got, err := r.Capabilities(t.Context())
		if err != nil || got.Keys != c.keys || got.KeyTTL != c.ttl || got.Suspend != c.keys || !got.APIs || !got.Usage || !strings.Contains(got.Why["keys"], c.reason) || got.Declarative != c.f.DBLess {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
}

func TestCapabilities_SayWhyUsageIsNotKnown(t *testing.T) {
	for config, want := range map[string]string{
		"none":                         "plugin prometheus is not on",
		`{}`:                           "set its status_code_metrics",
		`{"status_code_metrics":true}`: "set its per_consumer",
		`{"status_code_metrics":true,"per_consumer":true}`: "",
	} {
		r := start(t, Options{}, kongfake.Options{}, 1)
		for p, err := range list[plugin](t.Context(), r.Driver, "/plugins") {
			if err == nil && p.Name == "prometheus" && r.admin(http.MethodDelete, "/plugins/"+p.ID, "") != 204 {
				t.Fatal("the plugin stays")
			}
		}
		if config != "none" && r.admin(http.MethodPost, "/plugins", `{"name":"prometheus","config":`+config+`}`) != 201 {
			t.Fatal(config)
		}
		got, err := r.Capabilities(t.Context())
		if err != nil || got.Usage != (want == "") || !strings.Contains(got.Why["usage"], want) {
			t.Errorf("%s: %v %v", config, got.Why, err)
		}
	}
}

func TestKong_WithoutADatabaseAndWithoutLeaveIsReadOnly(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{DBLess: true}, 1)
	n := 0
	for _, err := range r.APIs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := r.Health(t.Context()); err != nil || n != 3 {
		t.Errorf("%d APIs, %v", n, err)
	}
	for name, err := range r.writes(t.Context()) {
		if !errors.Is(err, sdk.ErrNotImplemented) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := r.fake.Faults().Calls(); slices.ContainsFunc(calls, func(c string) bool { return !strings.HasPrefix(c, "GET ") }) {
		t.Errorf("it was written to: %v", calls)
	}
}

// writes are the errors of everything that writes.
func (r *rig) writes(ctx context.Context) map[string]error {
	_, issue := r.IssueKey(ctx, driver.KeyRequest{App: "shop", Operation: operationB})
	_, publish := r.Publish(ctx, driver.Publication{ID: "x", Upstream: "http://x", Paths: []string{"/x"}})
	return map[string]error{
		"ensure": r.EnsureConsumer(ctx, driver.App{ID: "new"}), "issue": issue, "publish": publish,
		"plan": r.SetPlan(ctx, "shop", "orders", "silver"), "suspend": r.SuspendKey(ctx, "shop", operationA, true), "revoke": r.RevokeKey(ctx, "shop", operationA),
	}
}

func TestKong_OfSeveralNodesWithoutADatabaseHasEveryKeyOnEachOfThem(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 2)
	r.plan(r.app("shop"), "orders", "gold")
	request := driver.KeyRequest{App: "shop", Operation: operationA, Secret: "first-secret-of-at-least-32-characters"}
	undo := r.nodes[1].Faults().Set(gatewayfake.Fault{Method: http.MethodPost, Status: 500})
	if _, err := r.IssueKey(t.Context(), request); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Fatal(err)
	}
	undo()
	request.Secret = "other-secret-of-at-least-32-characters" // somebody who lost the first one tries again
	k := r.issue(request)
	if k.Secret != "first-secret-of-at-least-32-characters" {
		t.Error("the key that one node had already was replaced")
	}
	r.wantStatus("/orders", k.Secret, 200)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", k.Secret, 401)
}

func TestKong_OfSeveralNodesWithoutADatabaseIsTheSameOnAllOfThemAfterEachStepThatFailedOnOne(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 2)
	request := driver.KeyRequest{App: "shop", Operation: operationA, Secret: "a-secret-of-at-least-32-characters"}
	published := driver.Publication{ID: "stock", Upstream: "http://stock", Paths: []string{"/stock"}}
	ctx := t.Context()
	for _, step := range []struct {
		name          string
		do            func() error
		orders, stock int
	}{
		{"known", func() error { return r.EnsureConsumer(ctx, driver.App{ID: "shop"}) }, 401, 404},
		{"planned", func() error { return r.SetPlan(ctx, "shop", "orders", "gold") }, 401, 404},
		{"issued", func() error { _, err := r.IssueKey(ctx, request); return err }, 200, 404},
		{"published", func() error { _, err := r.Publish(ctx, published); return err }, 200, 403},
		{"planned again", func() error { return r.SetPlan(ctx, "shop", "stock", "gold") }, 200, 200},
		{"published again", func() error { published.Upstream = "http://other"; _, err := r.Publish(ctx, published); return err }, 200, 200},
		{"another plan", func() error { return r.SetPlan(ctx, "shop", "orders", "open") }, 200, 200},
		{"suspended", func() error { return r.SuspendKey(ctx, "shop", operationA, true) }, 401, 401},
		{"resumed", func() error { return r.SuspendKey(ctx, "shop", operationA, false) }, 200, 200},
		{"without a plan", func() error { return r.SetPlan(ctx, "shop", "orders", "") }, 403, 200},
		{"revoked", func() error { return r.RevokeKey(ctx, "shop", operationA) }, 401, 401},
	} {
		undo := r.nodes[1].Faults().Set(gatewayfake.Fault{Method: http.MethodPost, Status: 500})
		if err := step.do(); !errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Errorf("%s on one node: %v", step.name, err)
		}
		undo()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		r.wantStatus("/orders", request.Secret, step.orders)
		r.wantStatus("/stock", request.Secret, step.stock)
		var configs []string
		for _, node := range r.nodes {
			configs = append(configs, export(node))
		}
		if configs[0] != configs[1] {
			t.Fatalf("%s: nodes differ:\n%s\n%s", step.name, configs[0], configs[1])
		}
	}
}

// export is the configuration of a node.
func export(node *kongfake.Server) string {
	req := httptest.NewRequest(http.MethodGet, "/config", nil)
	req.Header.Set("Kong-Admin-Token", adminToken)
	w := httptest.NewRecorder()
	node.ServeHTTP(w, req)
	return w.Body.String()
}

func TestKong_WithoutADatabaseKeepsWhatMustBeUnique(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 1)
	r.fake.Put("consumers", map[string]any{"username": "theirs"})
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "theirs"}); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "that the portal did not make") {
		t.Error(err)
	}
	k := r.granted("shop", "gold")
	r.app("other")
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: k.Secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(err.Error(), k.Secret.Reveal()) {
		t.Error(err)
	}
}

func TestKong_WithoutADatabaseNoticesThatOthersChangeItsConfiguration(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 1)
	r.app("shop")
	meddler := &meddling{next: r.options.HTTP.Transport, times: 1, meddle: func(n int) {
		r.fake.Put("consumers", map[string]any{"username": fmt.Sprintf("somebody-%d", n)})
	}}
	r.options.HTTP.Transport = meddler
	k := r.issue(driver.KeyRequest{App: "shop", Operation: operationA})
	if status := r.admin(http.MethodGet, "/consumers/somebody-1", ""); status != 200 || r.only("shop").ID != k.ID {
		t.Errorf("what somebody else loaded is gone: %d", status)
	}
	meddler.times = 100
	if err := r.RevokeKey(t.Context(), "shop", k.ID); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "being changed by somebody else") {
		t.Error(err)
	}
}

// meddling changes Kong after its configuration was read.
type meddling struct {
	next   http.RoundTripper
	meddle func(n int)

	mu       sync.Mutex
	n, times int
}

func (m *meddling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.next.RoundTrip(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/config") && m.n < m.times {
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
		m.n++
		m.meddle(m.n)
	}
	return res, err
}

func TestKong_IsNeverTrustedToAnswerWell(t *testing.T) {
	const data = "application/json"
	for _, c := range []struct {
		name  string
		fault gatewayfake.Fault
		want  error
		text  string
	}{
		{"the proxy in place of the Admin API", gatewayfake.Fault{Status: 404, ContentType: data, Body: `{"message":"no Route matched with those values"}`}, sdk.ErrServiceUnavailable, "no Admin API at its address"},
		{"another workspace", gatewayfake.Fault{Status: 404, ContentType: data, Body: `{"message":"Workspace 'x' not found"}`}, sdk.ErrServiceUnavailable, "no such workspace"},
		{"a wrong token", gatewayfake.Fault{Status: 401, ContentType: data, Body: `{"message":"Invalid credentials. Token or User credentials required"}`}, rest.ErrCredentials, "does not accept the token in Kong-Admin-Token"},
		{"a token without rights", gatewayfake.Fault{Status: 403, ContentType: data, Body: `{"message":"portal, you do not have permissions to read this resource"}`}, rest.ErrCredentials, "the token in Kong-Admin-Token lacks a right: portal, you do not"},
		{"no database", gatewayfake.Fault{Status: 500, ContentType: data, Body: `{"message":"An unexpected error occurred"}`}, sdk.ErrServiceUnavailable, "answers 500: An unexpected error occurred"},
		{"another service", gatewayfake.Fault{ContentType: data, Body: `{"hello":"world"}`}, sdk.ErrServiceUnavailable, ""},
		{"null", gatewayfake.Fault{ContentType: data, Body: `null`}, sdk.ErrServiceUnavailable, ""},
		{"other types", gatewayfake.Fault{ContentType: data, Body: `{"data":{"a":1},"version":3,"id":[]}`}, sdk.ErrServiceUnavailable, "no readable JSON"},
		{"truncated", gatewayfake.Fault{ContentType: data, Body: `{"data":[{"id":"1","ke`}, sdk.ErrServiceUnavailable, "no readable JSON"},
		{"too many calls", gatewayfake.Fault{Status: 429, ContentType: data, Body: `{"message":"API rate limit exceeded"}`}, sdk.ErrServiceUnavailable, "limits the rate of calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, Options{}, kongfake.Options{}, 1)
			k := r.granted("shop", "gold")
			r.known.Store(nil)
			defer r.fake.Faults().Set(c.fault)()
			calls := r.writes(t.Context())
			delete(calls, "issue")
			_, calls["capabilities"] = r.Capabilities(t.Context())
			_, calls["credential"] = r.Credential(t.Context(), "orders")
			calls["health"] = r.Health(t.Context())
			for name, err := range calls {
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || errors.Is(err, sdk.ErrNotFound) {
					t.Errorf("%s: %v", name, err)
				}
				if err != nil && (strings.Contains(err.Error(), adminToken) || strings.Contains(err.Error(), k.Secret.Reveal())) {
					t.Errorf("%s tells a secret: %v", name, err)
				}
			}
		})
	}
}

func TestHealth_SaysWhatIsWrong(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.SetOffline(true)
	if err := r.Health(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "does not reach its database") {
		t.Error(err)
	}
	r.fake.SetOffline(false)
	r.fake.SetToken("another")
	if err := r.Health(t.Context()); !errors.Is(err, rest.ErrCredentials) {
		t.Error(err)
	}
	r.fake.SetToken(adminToken)
	r.fake.SetReadOnly(true)
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); !errors.Is(err, rest.ErrCredentials) || !strings.Contains(err.Error(), "do not have permissions to create") {
		t.Error(err)
	}
	defer r.fake.Faults().Set(gatewayfake.Fault{Path: "/", ContentType: "application/json", Body: `{"version":"3.9.1","configuration":{"database":"postgres"},"plugins":{"available_on_server":{"acl":true}}}`})()
	if err := r.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "has no plugin key-auth") {
		t.Error(err)
	}
}

func TestKong_IsReachedInAWorkspaceAndBehindAGateOfItsOwn(t *testing.T) {
	r := start(t, Options{Workspace: "portal", Header: "X-Gate", Value: "open-sesame", Token: "rbac"}, kongfake.Options{Workspace: "portal", Header: "X-Gate", Value: "open-sesame", Token: "rbac"}, 1)
	k := r.granted("shop", "gold")
	r.wantStatus("/orders", k.Secret, 200)
	for _, call := range r.fake.Faults().Calls() {
		if _, path, _ := strings.Cut(call, " "); path != "/" && path != "/status" && !strings.HasPrefix(path, "/portal/") {
			t.Errorf("outside of the workspace: %s", call)
		}
	}
	r.options.Value = ""
	d, err := New(r.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "the value of header X-Gate") {
		t.Error(err)
	}
}

func TestOptions_RefusePlansThatKongCannotKeep(t *testing.T) {
	for text, plan := range map[string]driver.Plan{
		"letters, digits":    {ID: "a b"},
		"more than no":       {ID: "a", Limits: []driver.Limit{{Window: time.Minute}}},
		"two limits":         {ID: "a", Limits: []driver.Limit{{Requests: 1, Window: time.Minute}, {Requests: 2, Window: time.Minute}}},
		"cannot be lower":    {ID: "a", Limits: []driver.Limit{{Requests: 9, Window: time.Minute}, {Requests: 2, Window: time.Hour}}},
		"no window of 5m0s;": {ID: "a", Limits: []driver.Limit{{Requests: 9, Window: 5 * time.Minute}}},
	} {
		if _, err := New(Options{Name: "eu", Plans: []driver.Plan{plan}}); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := New(Options{Policy: "redis"}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	if _, err := New(Options{Plans: []driver.Plan{{ID: "a"}, {ID: "a"}}}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
}
