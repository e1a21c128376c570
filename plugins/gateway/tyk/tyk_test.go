package tyk

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

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/plugins/gateway/tyk/tykfake"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	adminSecret = "admin-secret-of-tyk"
	secret      = sdk.Secret("a-secret-of-more-than-32-characters")
	operationA  = "11111111-1111-4111-8111-111111111111"
	operationB  = "22222222-2222-4222-8222-222222222222"
	data        = "application/json"
	month       = 30 * 24 * time.Hour
)

// rig is a driver beside a fake Tyk.
type rig struct {
	*Driver

	t    *testing.T
	fake *tykfake.Server
	ns   atomic.Int64
}

func (r *rig) now() time.Time { return epoch.Add(time.Duration(r.ns.Load())) }

func start(t *testing.T, f tykfake.Options) *rig {
	t.Helper()
	r := &rig{t: t}
	f.Secret, f.Now = adminSecret, r.now
	r.fake = tykfake.New(f)
	r.fake.Sample()
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	d, err := New(Options{
		Name: "eu", HTTP: &http.Client{Transport: transport}, URL: server.URL, Secret: adminSecret, Org: "acme", Proxy: "http://tyk.example", Now: r.now,
		Plans: []driver.Plan{
			{ID: "gold", Name: "Gold", Limits: []driver.Limit{{Requests: 100, Window: time.Minute}, {Requests: 1000, Window: month}}},
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
		Driver: r.Driver, API: "orders", Plan: "gold", OtherPlan: "open", Gateway: r.fake.Gateway(),
		Advance: func(d time.Duration) { r.ns.Add(int64(d)) }, Secrets: []string{adminSecret},
		Foreign: func(t *testing.T, app driver.AppID) driver.KeyID {
			r.fake.PutKey("made-by-somebody-else", map[string]any{"alias": string(app), "access_rights": map[string]any{"orders": map[string]any{"api_id": "orders"}}})
			for f, err := range r.all(t.Context()) {
				if err == nil && f.alias == string(app) && f.operation == "" {
					return foreignID(f.place)
				}
			}
			t.Fatal("the key of somebody else is not there")
			return ""
		},
		Fail: func(f drivertest.Failure) func() {
			return r.fake.Faults().Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
		},
	}
}

func TestTyk_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject { return start(t, tykfake.Options{}).subject() })
}

func TestTyk_ThatHashesKeysKeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		return start(t, tykfake.Options{Hashed: true, Listing: true}).subject()
	})
}

// granted makes the application shop known and gives it a plan of orders and a key.
func (r *rig) granted(plan driver.PlanID) driver.IssuedKey {
	r.t.Helper()
	if err := r.EnsureConsumer(r.t.Context(), driver.App{ID: "shop", Name: "Shop"}); err != nil {
		r.t.Fatal(err)
	}
	r.plan("orders", plan)
	k, err := r.IssueKey(r.t.Context(), driver.KeyRequest{App: "shop", API: "orders", Operation: operationA, Secret: secret, Label: "nightly"})
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

func (r *rig) call(path string, key sdk.Secret) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Authorization", key.Reveal())
	w := httptest.NewRecorder()
	r.fake.Gateway().ServeHTTP(w, req)
	return w
}

func (r *rig) wantStatus(path string, key sdk.Secret, want int, text string) {
	r.t.Helper()
	if got := r.call(path, key); got.Code != want || !strings.Contains(got.Body.String(), text) {
		r.t.Errorf("%s is answered with %d %s, want %d %s", path, got.Code, got.Body, want, text)
	}
}

func TestPlan_IsOfOneAPIWithItsRateAndQuota(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.granted("silver")
	r.wantStatus("/payments/7", secret, 403, "Access to this API has been disallowed")
	for range 3 {
		r.wantStatus("/orders/7", secret, 200, `"alias":"shop"`)
	}
	r.wantStatus("/orders", secret, 429, "Rate limit exceeded")
	if _, err := r.Quota(t.Context(), "shop", "orders"); !errors.Is(err, sdk.ErrNotImplemented) {
		t.Errorf("the quota of a plan without one: %v", err)
	}
	r.plan("payments", "gold")
	r.wantStatus("/payments", secret, 200, "")
	q, err := r.Quota(t.Context(), "shop", "payments")
	if err != nil || q.Limit.Requests != 1000 || q.Limit.Window != month || q.Used != 1 || q.Remaining != 999 || q.Resets.Format(time.DateOnly) != "2026-12-01" {
		t.Errorf("%+v %v", q, err)
	}
	for api, want := range map[driver.APIID]driver.PlanID{"orders": "silver", "payments": "gold", "status": ""} {
		if got, err := r.PlanOf(t.Context(), "shop", api); err != nil || got != want {
			t.Errorf("the plan of %s is %q, %v", api, got, err)
		}
	}
	r.plan("payments", "")
	r.plan("orders", "")
	r.wantStatus("/orders", secret, 403, "disallowed") // a session without any rights would get in
	r.wantStatus("/payments", secret, 403, "disallowed")
	if got := r.fake.Metrics().(*gatewayfake.Metrics).Text(); !strings.Contains(got, `tyk_http_requests_total{response_code="429",api_name="orders",method="GET",api_key="****ters",alias="shop",path="/orders"} 1`) {
		t.Error(got)
	}
}

func TestPlan_CanBeAPolicyThatOthersMadeForOneAPI(t *testing.T) {
	r := start(t, tykfake.Options{})
	right := func(api string) map[string]any {
		return map[string]any{api: map[string]any{"api_id": api, "limit": map[string]any{"quota_max": 5, "quota_renewal_rate": 3600}}}
	}
	r.fake.PutPolicy(map[string]any{"id": "partners", "name": "Partners", "active": true, "access_rights": right("orders"), "rate": 10, "per": 60, "quota_max": 5, "quota_renewal_rate": 3600})
	both := right("orders")
	both["payments"] = map[string]any{"api_id": "payments"}
	r.fake.PutPolicy(map[string]any{"id": "all", "active": true, "access_rights": both})
	r.fake.PutPolicy(map[string]any{"id": "off", "access_rights": right("orders")})
	plans := map[driver.PlanID]driver.Plan{}
	for p, err := range r.Plans(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		plans[p.ID] = p
	}
	if got := plans["partners"]; len(plans) != 4 || got.Name != "Partners" || fmt.Sprint(got.Limits) != "[{10 1m0s} {5 1h0m0s}]" {
		t.Errorf("%v", plans)
	}
	r.granted("partners")
	r.wantStatus("/orders", secret, 200, "")
	if err := r.SetPlan(t.Context(), "shop", "payments", "partners"); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
	if got, err := r.PlanOf(t.Context(), "shop", "orders"); got != "partners" || err != nil {
		t.Error(got, err)
	}
}

func TestPlan_FollowsItsSettingsAndActsAfterAReload(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.granted("silver")
	r.plans["silver"] = driver.Plan{ID: "silver", Limits: []driver.Limit{{Requests: 1, Window: time.Minute}}}
	r.plan("orders", "silver")
	r.wantStatus("/orders", secret, 200, "")
	r.wantStatus("/orders", secret, 429, "")
	reloads := 0
	for _, call := range r.fake.Faults().Calls() {
		if call == "GET /tyk/reload/group" {
			reloads++
		}
	}
	if reloads != 2 {
		t.Errorf("%d reloads", reloads)
	}
}

func TestTyk_LeavesAloneWhatOthersMade(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.granted("gold")
	for _, c := range []struct {
		api  driver.APIID
		plan driver.PlanID
		want error
		text string
	}{
		{"status", "gold", sdk.ErrConflict, "lets in everybody"},
		{"nothing", "gold", sdk.ErrNotFound, "API not found"},
		{"orders", "platinum", sdk.ErrNotFound, `no plan "platinum"`},
	} {
		if err := r.SetPlan(t.Context(), "shop", c.api, c.plan); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s at %s: %v", c.plan, c.api, err)
		}
	}
	if _, err := r.Publish(t.Context(), driver.Publication{ID: "orders", Upstream: "http://x", Paths: []string{"/x"}}); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(fmt.Sprintf("%+v", err), secret.Reveal()) {
		t.Errorf("a secret that another application has: %v", err)
	}
	if err := r.RevokeKey(t.Context(), "other", operationA); err != nil {
		t.Error(err)
	}
	r.wantStatus("/orders", secret, 200, "")
}

func TestPublish_LetsNobodyInUntilAPlanIsGiven(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.granted("gold")
	p := driver.Publication{ID: "stock", Name: "Stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}, Tags: []string{"beta"}}
	made, err := r.Publish(t.Context(), p)
	if err != nil || made.BaseURL != "http://tyk.example/stock" || made.Name != "Stock" {
		t.Fatalf("%+v %v", made, err)
	}
	r.wantStatus("/stock/7", "", 401, "Authorization field missing")
	r.wantStatus("/stock/7", secret, 403, "")
	r.plan("stock", "gold")
	r.wantStatus("/stock/7", secret, 200, "")
	var def map[string]any
	path := "/tyk/apis/stock"
	if err := r.get(t.Context(), path, &def); err != nil {
		t.Fatal(err)
	}
	def["CORS"] = map[string]any{"enable": true} // of somebody else
	if _, err := r.write(t.Context(), rest.Request{Method: http.MethodPut, Path: path, Body: def}); err != nil {
		t.Fatal(err)
	}
	p.Upstream = "http://stock.internal"
	if _, err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := r.get(t.Context(), path, &def); err != nil || fmt.Sprint(def["CORS"]) != "map[enable:true]" || fmt.Sprint(def["proxy"]) != "map[listen_path:/stock/ strip_listen_path:true target_url:http://stock.internal:80]" {
		t.Errorf("%v %v", def, err)
	}
	p.Paths = append(p.Paths, "/more")
	if _, err := r.Publish(t.Context(), p); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
}

func TestKey_IsWrittenBackWhole(t *testing.T) {
	r := start(t, tykfake.Options{})
	k := r.granted("gold")
	s, err := r.read(t.Context(), place{ID: secret})
	if err != nil {
		t.Fatal(err)
	}
	s["monitor"] = map[string]any{"trigger_limits": []any{80.0}} // of somebody else
	if err := r.replace(t.Context(), place{ID: secret}, s); err != nil {
		t.Fatal(err)
	}
	r.plan("payments", "gold")
	for _, suspended := range []bool{true, false} {
		if err := r.SuspendKey(t.Context(), "shop", k.ID, suspended); err != nil {
			t.Fatal(err)
		}
	}
	s, err = r.read(t.Context(), place{ID: secret})
	if err != nil || fmt.Sprint(s["monitor"]) != "map[trigger_limits:[80]]" || fmt.Sprint(s["apply_policies"]) != "[portal-orders.gold portal-payments.gold]" {
		t.Errorf("%v %v", s, err)
	}
}

func TestKey_OfAnInterruptedOperationIsFound(t *testing.T) {
	for _, o := range []tykfake.Options{{}, {Hashed: true, Listing: true}, {Hashed: true}} {
		r := start(t, o)
		if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); err != nil {
			t.Fatal(err)
		}
		r.plan("orders", "gold")
		undo := r.fake.Faults().Set(gatewayfake.Fault{Method: http.MethodPost, Path: "/tyk/keys", Cut: true, After: true})
		request := driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret}
		if _, err := r.IssueKey(t.Context(), request); err == nil {
			t.Fatal("a lost answer is taken for success")
		}
		undo()
		request.Secret = "another-secret-of-more-than-32-characters"
		k, err := r.IssueKey(t.Context(), request)
		if o.Hashed && !o.Listing {
			if !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), "enable_hashed_keys_listing") {
				t.Errorf("%+v: %v", o, err)
			}
			continue
		}
		if err != nil || !o.Hashed && k.Secret != secret || o.Hashed && k.Secret != "" {
			t.Errorf("%+v: %+v %v", o, k.Key, err)
		}
		if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
			t.Error(err)
		}
		r.wantStatus("/orders", secret, 403, "")
	}
}

func TestKeys_AreThoseOfTheApplicationWhereTykListsNone(t *testing.T) {
	r := start(t, tykfake.Options{Hashed: true})
	k := r.granted("gold")
	n := 0
	for found, err := range r.Keys(t.Context(), "shop") {
		if n++; err != nil || found.ID != k.ID || found.Prefix != "a-secret" || found.Label != "nightly" || !found.Created.Equal(epoch) {
			t.Errorf("%+v %v", found, err)
		}
	}
	if n != 1 {
		t.Errorf("%d keys", n)
	}
	for _, err := range r.Keys(t.Context(), "") {
		if !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), "enable_hashed_keys_listing") {
			t.Error(err)
		}
	}
}

func TestSession_OfAnApplicationOpensNothing(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.granted("gold")
	r.wantStatus("/orders", "portal-app-shop", 403, "inactive")
}

func TestOptions_RefusePlansThatTykCannotKeep(t *testing.T) {
	minute, hour := driver.Limit{Requests: 1, Window: time.Minute}, driver.Limit{Requests: 1, Window: time.Hour}
	for _, plan := range []driver.Plan{
		{ID: "a.b"}, {ID: "a", Limits: []driver.Limit{minute, minute}}, {ID: "a", Limits: []driver.Limit{minute, hour, hour}},
		{ID: "a", Limits: []driver.Limit{{Window: time.Minute}}}, {ID: "a", Limits: []driver.Limit{{Requests: 1, Window: time.Millisecond}}},
	} {
		if _, err := New(Options{Plans: []driver.Plan{plan}}); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%+v: %v", plan, err)
		}
	}
}
