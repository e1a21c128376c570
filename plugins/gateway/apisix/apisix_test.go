package apisix

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/apisix/apisixfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	adminKey               = "admin-key-of-apisix"
	secret                 = sdk.Secret("a-secret-of-more-than-32-characters")
	operationA, operationB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	data                   = "application/json"
)

// rig is a driver beside a fake APISIX.
type rig struct {
	*Driver

	t    *testing.T
	fake *apisixfake.Server
	ns   atomic.Int64
}

func (r *rig) now() time.Time { return epoch.Add(time.Duration(r.ns.Load())) }

func start(t *testing.T, f apisixfake.Options) *rig {
	t.Helper()
	r := &rig{t: t}
	f.Key, f.Now = adminKey, r.now
	r.fake = apisixfake.New(f)
	r.fake.Sample()
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	d, err := New(Options{
		Name: "eu", HTTP: &http.Client{Transport: transport}, URL: server.URL, Key: adminKey, Proxy: "http://apisix.example:9080", Now: r.now,
		Plans: []driver.Plan{
			{ID: "gold", Name: "Gold", Limits: []driver.Limit{{Requests: 100, Window: time.Minute}}},
			{ID: "silver", Limits: []driver.Limit{{Requests: 3, Window: time.Minute}}},
			{ID: "open"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Driver = d
	return r
}

func (r *rig) subject() drivertest.Subject {
	return drivertest.Subject{
		Driver: r.Driver, API: "orders", Plan: "gold", OtherPlan: "open", Gateway: r.fake.Gateway(), Page: 12,
		Advance: func(d time.Duration) { r.ns.Add(int64(d)) }, Secrets: []string{adminKey},
		Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
			r.fake.Put("consumers/"+username(app, "orders")+"/credentials/theirs", map[string]any{"plugins": map[string]any{"key-auth": map[string]any{"key": "made-by-somebody-else"}}})
			return keyID(username(app, "orders"), "theirs")
		},
		Fail: func(f drivertest.Failure) func() {
			return r.fake.Faults().Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
		},
	}
}

func TestAPISIX_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject { return start(t, apisixfake.Options{PageSize: 10}).subject() })
}

// granted makes the application shop known and gives it a plan of orders and a key.
func (r *rig) granted(plan driver.PlanID) driver.IssuedKey {
	r.t.Helper()
	if err := r.EnsureConsumer(r.t.Context(), driver.App{ID: "shop", Name: "Shop"}); err != nil {
		r.t.Fatal(err)
	}
	r.plan("orders", plan)
	k, err := r.IssueKey(r.t.Context(), driver.KeyRequest{App: "shop", API: "orders", Operation: operationA, Secret: secret, Label: "nightly, of CI"})
	if err != nil {
		r.t.Fatal(err)
	}
	return k
}

// plan gives the application shop a plan.
func (r *rig) plan(api driver.APIID, plan driver.PlanID) {
	r.t.Helper()
	if err := r.SetPlan(r.t.Context(), "shop", api, plan); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) call(path string, key sdk.Secret) *http.Response {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("apikey", key.Reveal())
	w := httptest.NewRecorder()
	r.fake.Gateway().ServeHTTP(w, req)
	return w.Result()
}

func (r *rig) wantStatus(path string, key sdk.Secret, want int) {
	r.t.Helper()
	if got := r.call(path, key).StatusCode; got != want {
		r.t.Errorf("%s is answered with %d, want %d", path, got, want)
	}
}

func TestPlan_IsOfOneAPIAndRefusesWith429(t *testing.T) {
	r := start(t, apisixfake.Options{})
	r.granted("silver")
	r.plan("payments", "gold")
	other, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "payments", Operation: operationB})
	if err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/payments", secret, 403)
	r.wantStatus("/orders", other.Secret, 403)
	for range 3 {
		r.wantStatus("/orders", secret, 200)
	}
	if res := r.call("/orders", secret); res.StatusCode != 429 || res.Header.Get("X-RateLimit-Limit") != "3" || res.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	r.wantStatus("/payments/7", other.Secret, 200)
	for api, want := range map[driver.APIID]driver.PlanID{"orders": "silver", "payments": "gold", "status": ""} {
		if got, err := r.PlanOf(t.Context(), "shop", api); err != nil || got != want {
			t.Errorf("the plan of %s is %q, %v", api, got, err)
		}
	}
	r.plan("orders", "")
	r.wantStatus("/orders", secret, 401)
	if got := r.fake.Metrics().(*gatewayfake.Metrics).Text(); !strings.Contains(got, `code="429",route="orders",matched_uri="",matched_host="",service="orders",consumer="`+r.Metered("shop", "orders")+`"`) {
		t.Error(got)
	}
}

func TestPlan_FollowsItsSettings(t *testing.T) {
	r := start(t, apisixfake.Options{})
	r.granted("silver")
	r.plans["silver"] = driver.Plan{ID: "silver", Limits: []driver.Limit{{Requests: 50, Window: time.Hour}}}
	r.plan("orders", "silver")
	if h := r.call("/orders", secret).Header; h.Get("X-RateLimit-Limit") != "50" {
		t.Error(h)
	}
}

func TestAPISIX_LeavesAloneWhatOthersMade(t *testing.T) {
	r := start(t, apisixfake.Options{})
	r.fake.Put("consumers/shop", map[string]any{"username": "shop"})
	r.fake.Put("consumer_groups/orders.gold", map[string]any{"plugins": map[string]any{}})
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "other"}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		api  driver.APIID
		plan driver.PlanID
		want error
		text string
	}{
		{"orders", "gold", sdk.ErrConflict, "consumer group orders.gold that the portal did not make"},
		{"status", "silver", sdk.ErrConflict, "plugin key-auth is not on"},
		{"nothing", "silver", sdk.ErrNotFound, "has nothing there: Key not found"},
		{"orders", "platinum", sdk.ErrNotFound, `no plan "platinum"`},
	} {
		if err := r.SetPlan(t.Context(), "other", c.api, c.plan); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s at %s: %v", c.plan, c.api, err)
		}
	}
	_, err := r.Publish(t.Context(), driver.Publication{ID: "orders", Upstream: "http://x", Paths: []string{"/x"}})
	if !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
}

func TestPublish_LetsNobodyInUntilAPlanIsGiven(t *testing.T) {
	r := start(t, apisixfake.Options{})
	r.granted("gold")
	p := driver.Publication{ID: "stock.v1", Name: "Stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}, Tags: []string{"beta", "of two words"}}
	made, err := r.Publish(t.Context(), p)
	if err != nil || made.BaseURL != "http://apisix.example:9080/stock" || fmt.Sprint(made.Tags) != "[beta of-two-words]" {
		t.Fatalf("%+v %v", made, err)
	}
	r.wantStatus("/stock/7", "", 401)
	r.wantStatus("/stock/7", secret, 403)
	r.plan("stock.v1", "gold")
	k, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "stock.v1", Operation: operationB})
	if err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/stock/7", k.Secret, 200)
	if err := r.patch(t.Context(), map[string]any{"enable_websocket": true}, "services", "stock.v1"); err != nil { // somebody else
		t.Fatal(err)
	}
	if _, err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/stock", k.Secret, 200)
	if s, err := one[map[string]any](t.Context(), r.Driver, "services", "stock.v1"); err != nil || s["enable_websocket"] != true {
		t.Errorf("%v %v", s, err)
	}
}

func TestKey_ThatAPISIXEncryptsIsNotToldAndNotSuspended(t *testing.T) {
	r := start(t, apisixfake.Options{Encrypted: true})
	k := r.granted("gold")
	if k.Secret != secret {
		t.Error("a new key comes without its secret")
	}
	again, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "orders", Operation: operationA, Secret: "another-secret"})
	if err != nil || again.Secret != "" || again.ID != k.ID || again.Prefix != "a-secret" || again.Label != "nightly, of CI" {
		t.Errorf("%+v %v", again.Key, err)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, true); !errors.Is(err, sdk.ErrNotImplemented) {
		t.Error(err)
	}
	r.wantStatus("/orders", secret, 200)
}

func TestKey_OfAnotherApplicationIsNotTouched(t *testing.T) {
	r := start(t, apisixfake.Options{})
	k := r.granted("gold")
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "sho"}); err != nil {
		t.Fatal(err)
	}
	if err := r.RevokeKey(t.Context(), "sho", k.ID); err != nil {
		t.Error(err)
	}
	if err := r.SuspendKey(t.Context(), "sho", k.ID, true); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
	r.wantStatus("/orders", secret, 200)
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "sho", API: "orders", Operation: operationB, Secret: secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(err.Error(), secret.Reveal()) {
		t.Errorf("a secret that another application has: %v", err)
	}
	if _, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: operationB}); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("a key for all APIs: %v", err)
	}
}

func TestKey_GoesOnForAsLongAsTheDataPlaneKnowsIt(t *testing.T) {
	r := start(t, apisixfake.Options{})
	k := r.granted("gold")
	r.fake.Delay(2 * time.Second)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", secret, 200)
	r.ns.Add(int64(2 * time.Second))
	r.wantStatus("/orders", secret, 401)
}

func TestUsername_NeverStandsForTwo(t *testing.T) {
	seen := map[string]string{}
	for _, app := range []driver.AppID{"a", "a-b"} {
		for _, api := range []driver.APIID{"b", "b.c", "b_c", "b-c", "b c", driver.APIID(strings.Repeat("x", 60)), driver.APIID(strings.Repeat("x", 61))} {
			name := username(app, api)
			if other, twice := seen[name]; twice || len(name) > 100 || unfit.MatchString(name) {
				t.Errorf("%s for %s %s and %s", name, app, api, other)
			}
			seen[name] = string(app) + " " + string(api)
		}
	}
}

func TestAPISIX_IsNeverTrustedToAnswerWell(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault gatewayfake.Fault
		want  error
		text  string
	}{
		{"the data plane in place of the Admin API", gatewayfake.Fault{Status: 404, ContentType: data, Body: `{"error_msg":"404 Route Not Found"}`}, sdk.ErrServiceUnavailable, "no Admin API at its address: 404 Route Not Found"},
		{"a wrong key", gatewayfake.Fault{Status: 401, ContentType: data, Body: `{"description":"wrong apikey","error_msg":"failed to check token"}`}, rest.ErrCredentials, "does not accept the key in X-API-KEY"},
		{"an address that is not allowed", gatewayfake.Fault{Status: 403, ContentType: "text/html", Body: `<html>403</html>`}, rest.ErrCredentials, "lack the right"},
		{"no etcd", gatewayfake.Fault{Status: 503, ContentType: data, Body: `{"error_msg":"has no healthy etcd endpoint available"}`}, sdk.ErrServiceUnavailable, "answers 503: has no healthy etcd"},
		{"another service", gatewayfake.Fault{ContentType: data, Body: `{"hello":"world"}`}, sdk.ErrServiceUnavailable, ""},
		{"null", gatewayfake.Fault{ContentType: data, Body: `null`}, sdk.ErrServiceUnavailable, ""},
		{"other types", gatewayfake.Fault{ContentType: data, Body: `{"total":"many","list":7,"value":[],"deleted":{}}`}, sdk.ErrServiceUnavailable, ""},
		{"truncated", gatewayfake.Fault{ContentType: data, Body: `{"total":1,"list":[{"ke`}, sdk.ErrServiceUnavailable, "no readable JSON"},
		{"a page", gatewayfake.Fault{ContentType: "text/html", Body: `<html>`}, sdk.ErrServiceUnavailable, "a page instead of data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, apisixfake.Options{})
			k := r.granted("gold")
			defer r.fake.Faults().Set(c.fault)()
			ctx := t.Context()
			_, publish := r.Publish(ctx, driver.Publication{ID: "x", Upstream: "http://x", Paths: []string{"/x"}})
			_, issue := r.IssueKey(ctx, driver.KeyRequest{App: "shop", API: "orders", Operation: operationB, Secret: "another-secret"})
			_, capabilities := r.Capabilities(ctx)
			_, credential := r.Credential(ctx, "orders")
			var keys error
			for _, err := range r.Keys(ctx, "shop") {
				keys = err
			}
			for name, err := range map[string]error{
				"ensure": r.EnsureConsumer(ctx, driver.App{ID: "new"}), "publish": publish, "issue": issue, "keys": keys, "health": r.Health(ctx),
				"capabilities": capabilities, "credential": credential, "plan": r.SetPlan(ctx, "shop", "orders", "silver"), "no plan": r.SetPlan(ctx, "shop", "orders", ""),
				"suspend": r.SuspendKey(ctx, "shop", k.ID, true), "revoke": r.RevokeKey(ctx, "shop", k.ID), "revoke nothing": r.RevokeKey(ctx, "shop", "x"),
			} {
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || errors.Is(err, sdk.ErrNotFound) || strings.Contains(err.Error(), adminKey) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestLists_MayBeEmptyObjects(t *testing.T) {
	r := start(t, apisixfake.Options{})
	defer r.fake.Faults().Set(gatewayfake.Fault{ContentType: data, Body: `{"total":0,"list":{}}`})()
	for _, err := range r.Keys(t.Context(), "") {
		t.Error(err)
	}
	if c, err := r.Capabilities(t.Context()); err != nil || c.Usage || c.Why["usage"] == "" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestOptions_RefusePlansThatAPISIXCannotKeep(t *testing.T) {
	minute := driver.Limit{Requests: 1, Window: time.Minute}
	for _, plan := range []driver.Plan{
		{ID: "a.b"}, {ID: "a", Limits: []driver.Limit{minute, minute}}, {ID: "a", Limits: []driver.Limit{{Window: time.Minute}}},
		{ID: "a", Limits: []driver.Limit{{Requests: 1, Window: time.Millisecond}}},
	} {
		if _, err := New(Options{Plans: []driver.Plan{plan}}); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%+v: %v", plan, err)
		}
	}
}
