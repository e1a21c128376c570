package konnect

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/konnect/konnectfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token      = "kpat_0123456789"
	secret     = sdk.Secret("a-secret-of-more-than-32-characters")
	operationA = "11111111-1111-4111-8111-111111111111"
	operationB = "22222222-2222-4222-8222-222222222222"
	data       = "application/json"
	problem    = "application/problem+json"
)

// rig is a driver beside a fake Konnect.
type rig struct {
	*Driver

	t       *testing.T
	fake    *konnectfake.Server
	options Options
	ns      atomic.Int64
}

func start(t *testing.T, f konnectfake.Options) *rig {
	t.Helper()
	r := &rig{t: t}
	f.Token, f.Now = token, func() time.Time {
		return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(time.Duration(r.ns.Load()))
	}
	r.fake = konnectfake.New(f)
	r.fake.Kong().Sample()
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	r.options = Options{
		Name: "eu", HTTP: &http.Client{Transport: transport}, URL: server.URL, ControlPlane: konnectfake.ControlPlane, Token: token, Proxy: "http://kong.example", Now: f.Now,
		Plans: []driver.Plan{{ID: "gold", Limits: []driver.Limit{{Requests: 100, Window: time.Minute}}}, {ID: "open"}},
	}
	d, err := New(r.options)
	if err != nil {
		t.Fatal(err)
	}
	r.Driver = d
	return r
}

func TestKonnect_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		r := start(t, konnectfake.Options{PageSize: 5})
		return drivertest.Subject{
			Driver: r.Driver, API: "orders", Plan: "gold", OtherPlan: "open", Gateway: r.fake.Gateway(), Page: 8, Secrets: []string{token},
			Advance: func(d time.Duration) { r.ns.Add(int64(d)) },
			Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
				return driver.KeyID(r.fake.Kong().Put("key-auths", map[string]any{"consumer": string(app), "key": "made-by-somebody-else"}))
			},
			Fail: func(f drivertest.Failure) func() {
				return r.fake.Faults().Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
		}
	})
}

func (r *rig) granted() driver.IssuedKey {
	r.t.Helper()
	err := r.EnsureConsumer(r.t.Context(), driver.App{ID: "shop"})
	if err == nil {
		err = r.SetPlan(r.t.Context(), "shop", "orders", "gold")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	k, err := r.IssueKey(r.t.Context(), driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret, Expires: r.options.Now().Add(time.Hour)})
	if err != nil {
		r.t.Fatal(err)
	}
	return k
}

func TestKonnect_IsAskedForConsumersByTheirIdsAndForNothingOfANode(t *testing.T) {
	r := start(t, konnectfake.Options{})
	r.granted()
	if err := r.Health(t.Context()); err != nil {
		t.Error(err)
	}
	for _, call := range r.fake.Faults().Calls() {
		if !strings.Contains(call, " /v2/control-planes/"+konnectfake.ControlPlane) || strings.Contains(call, "/consumers/shop") {
			t.Error(call)
		}
	}
	c, err := r.Capabilities(t.Context())
	if err != nil || !c.Keys || c.KeyTTL || c.Why["keyTTL"] == "" || !c.Usage {
		t.Errorf("%+v %v", c, err)
	}
}

func TestKonnect_IsReadOnlyWhereItsControlPlaneIs(t *testing.T) {
	for kind, text := range map[string]string{"CLUSTER_TYPE_CONTROL_PLANE_GROUP": "is a group", "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER": "belongs to Kubernetes"} {
		r := start(t, konnectfake.Options{Type: kind})
		c, err := r.Capabilities(t.Context())
		if err != nil || c.Keys || !c.APIs || !strings.Contains(c.Why["keys"], text) {
			t.Errorf("%+v %v", c, err)
		}
		if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	}
}

func TestKonnect_SaysWhichControlPlanesThereAre(t *testing.T) {
	r := start(t, konnectfake.Options{})
	o := r.options
	o.ControlPlane = "00000000-0000-4000-8000-000000000000"
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Health(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) || errors.Is(err, sdk.ErrNotFound) || !strings.Contains(err.Error(), "it sees default ("+konnectfake.ControlPlane+")") {
		t.Error(err)
	}
	for _, wrong := range []string{"", "default", "../x"} {
		o.ControlPlane = wrong
		if _, err := New(o); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestKonnect_SaysWhatItRefuses(t *testing.T) {
	r := start(t, konnectfake.Options{})
	r.granted()
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: secret})
	if !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "key (type: unique) constraint failed for value '[secret]'") || strings.Contains(err.Error(), secret.Reveal()) {
		t.Error(err)
	}
	r.fake.Kong().Put("consumers", map[string]any{"username": "theirs"})
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "theirs"}); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
	r.fake.SetToken("another")
	if err := r.Health(t.Context()); !errors.Is(err, rest.ErrCredentials) || !strings.Contains(err.Error(), "does not accept the access token") {
		t.Error(err)
	}
}

func TestPublish_KeepsWhatOthersHaveTuned(t *testing.T) {
	r := start(t, konnectfake.Options{})
	p := driver.Publication{ID: "stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}}
	if _, err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	tuned := httptest.NewRecorder()
	r.fake.Kong().ServeHTTP(tuned, httptest.NewRequest(http.MethodPatch, "/services/stock", strings.NewReader(`{"retries":1}`)))
	p.Upstream = "http://stock.internal"
	if _, err := r.Publish(t.Context(), p); err != nil || tuned.Code != 200 {
		t.Fatal(tuned.Code, err)
	}
	now := httptest.NewRecorder()
	r.fake.Kong().ServeHTTP(now, httptest.NewRequest(http.MethodGet, "/services/stock", nil))
	if !strings.Contains(now.Body.String(), `"retries":1`) || !strings.Contains(now.Body.String(), `"port":80`) || !strings.Contains(now.Body.String(), `"path":null`) {
		t.Error(now.Body)
	}
}

func TestKonnect_IsNeverTrustedToAnswerWell(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault gatewayfake.Fault
		want  error
		text  string
	}{
		{"a wrong token", gatewayfake.Fault{Status: 401, ContentType: problem, Body: `{"status":401,"title":"Unauthorized","detail":"A valid token is required"}`}, rest.ErrCredentials, "does not accept the access token"},
		{"a token without a role", gatewayfake.Fault{Status: 403, ContentType: problem, Body: `{"status":403,"title":"Forbidden","detail":"You do not have permission to perform this action"}`}, rest.ErrCredentials, "reached a limit: You do not have permission"},
		{"another address", gatewayfake.Fault{Status: 404, ContentType: data, Body: `{"message":"no Route matched with those values"}`}, sdk.ErrServiceUnavailable, "its address is not that of a region"},
		{"too many calls", gatewayfake.Fault{Status: 429, ContentType: data, Body: `{"message":"API rate limit exceeded"}`}, sdk.ErrServiceUnavailable, "limits the rate of calls"},
		{"an outage", gatewayfake.Fault{Status: 503, ContentType: "text/html", Body: `<html>`}, sdk.ErrServiceUnavailable, "answers 503"},
		{"another object", gatewayfake.Fault{ContentType: data, Body: `{"hello":"world"}`}, sdk.ErrServiceUnavailable, ""},
		{"truncated", gatewayfake.Fault{ContentType: data, Body: `{"data":[{"id":"1`}, sdk.ErrServiceUnavailable, ""},
		{"a page", gatewayfake.Fault{ContentType: "text/html", Body: `<html>`}, sdk.ErrServiceUnavailable, "a page instead of data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, konnectfake.Options{})
			k := r.granted()
			defer r.fake.Faults().Set(c.fault)()
			ctx := t.Context()
			_, publish := r.Publish(ctx, driver.Publication{ID: "x", Upstream: "http://x", Paths: []string{"/x"}})
			_, issue := r.IssueKey(ctx, driver.KeyRequest{App: "shop", Operation: operationB, Secret: "another-secret"})
			_, credential := r.Credential(ctx, "orders")
			_, capabilities := r.Capabilities(ctx)
			for name, err := range map[string]error{
				"ensure": r.EnsureConsumer(ctx, driver.App{ID: "new"}), "publish": publish, "issue": issue, "credential": credential, "health": r.Health(ctx),
				"capabilities": capabilities, "plan": r.SetPlan(ctx, "shop", "orders", "open"), "revoke": r.RevokeKey(ctx, "shop", k.ID), "suspend": r.SuspendKey(ctx, "shop", k.ID, true),
			} {
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || errors.Is(err, sdk.ErrNotFound) || strings.Contains(err.Error(), token) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestFake_AnswersAsKonnectDoes(t *testing.T) {
	s := konnectfake.New(konnectfake.Options{Token: token})
	s.Kong().Sample()
	s.Kong().Put("consumers", map[string]any{"username": "shop"})
	base := "/v2/control-planes/" + konnectfake.ControlPlane
	for _, c := range []struct {
		call, body string
		status     int
		text       string
	}{
		{"GET /v2/control-planes", "", 200, `"name":"default"`},
		{"GET " + base + "/core-entities/services/orders", "", 200, `"host":"orders.internal"`},
		{"GET " + base + "/core-entities/services/nothing", "", 404, `{"code":5,"details":[],"message":"Not found"}`},
		{"GET " + base + "/core-entities/consumers/shop/key-auth", "", 404, `"code":5`},
		{"GET " + base + "/core-entities/nothing", "", 404, `"title":"Not Found"`},
		{"GET /services", "", 404, `"title":"Not Found"`},
		{"POST " + base + "/core-entities/services", `{"name":"orders","host":"x"}`, 400, `"messages":["name (type: unique) constraint failed for value 'orders': "]`},
		{"PATCH " + base + "/core-entities/services/orders", `{"retries":1}`, 405, `"message":"Method Not Allowed"`},
		{"POST " + base + "/core-entities/services", `{"name":"x"}`, 400, `"message":"validation error"`},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s: %d %s", c.call, w.Code, w.Body)
		}
	}
	if calls := s.Faults().Calls(); !slices.Contains(calls, "GET /services") {
		t.Error(calls)
	}
}
