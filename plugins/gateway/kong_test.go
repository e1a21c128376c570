package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// startKong runs the plugin beside a Kong whose service orders is an API of the catalog.
func startKong(t *testing.T) (*rig, *kongfake.Server) {
	t.Helper()
	r := start(t, func(s *settings) {
		s.Gateways = []gatewaySettings{{
			Name: "eu", Type: "kong", URL: "https://kong.example.com", ProxyURL: "https://api.example.com", Token: "admin-token", AutoApprove: true,
			Plans: []planSettings{{ID: "bronze", Limits: []limitSettings{{Requests: 100, Per: "minute"}}}},
		}}
	})
	k := kongfake.New(kongfake.Options{Token: "admin-token", Now: r.clock.Now})
	k.Sample()
	r.Outgoing.Handle("https://kong.example.com", k)
	r.Outgoing.Handle("https://api.example.com", k.Gateway())
	r.Catalog.Put(plugintest.Annotated(api("orders", "eu/orders", "orders"), kongServiceAnnotation, "orders"))
	return r, k
}

// calls is what the data plane of a Kong answers to a key.
func calls(t *testing.T, k *kongfake.Server, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("apikey", secret)
	w := httptest.NewRecorder()
	k.Gateway().ServeHTTP(w, req)
	return w.Code
}

func TestKong_ServesTheWholeLifeOfAKey(t *testing.T) {
	r, k := startKong(t)
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	req := answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "api:default/orders", "plan": "bronze", "ttlDays": 90, "reason": "checkout"}, ann))
	if req.Status != lifecycle.Granted {
		t.Fatalf("%+v", req)
	}
	issued := answered[issuedAnswer](r, 201, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "eu/orders"}, ann))
	if got := calls(t, k, issued.Secret); got != 200 {
		t.Fatalf("a new key is answered %d", got)
	}
	path := "/v1/credentials/" + issued.Credential.ID
	next := answered[issuedAnswer](r, 201, r.Do("POST", path+"/rotate", nil, ann))
	if calls(t, k, issued.Secret) != 200 || calls(t, k, next.Secret) != 200 {
		t.Error("old and new key do not work beside each other")
	}
	paused := answered[lifecycle.Credential](r, 200, r.Do("POST", "/v1/credentials/"+next.Credential.ID+"/suspend", object{"secret": next.Secret}, ann))
	if p := paused.Proofs[0]; p.By != "request" || p.Result != lifecycle.Refused {
		t.Errorf("%+v", p)
	}
	answered[lifecycle.Credential](r, 200, r.Do("POST", "/v1/credentials/"+next.Credential.ID+"/resume", nil, ann))
	ended := answered[lifecycle.Credential](r, 200, r.Do("POST", path+"/revoke", object{"secret": issued.Secret}, ann))
	if p := ended.Proofs[0]; p.By != "request" || p.Result != lifecycle.Refused || calls(t, k, issued.Secret) != 401 || calls(t, k, next.Secret) != 200 {
		t.Errorf("%+v", p)
	}
	if d := answered[lifecycle.Drift](r, 200, r.Get("/v1/gateways/eu/drift", pete)); len(d.Findings) != 0 || d.Keys != 1 {
		t.Errorf("%+v", d)
	}
	answered[any](r, 204, r.Do("DELETE", "/v1/apps/"+string(a.ID), nil, ann))
	if calls(t, k, next.Secret) != 401 {
		t.Error("a key of a deleted application works")
	}
}

func TestKong_ThatIsDownIsToldLater(t *testing.T) {
	r, k := startKong(t)
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "eu/orders", "plan": "bronze", "ttlDays": 90, "reason": "checkout"}, ann))
	issued := answered[issuedAnswer](r, 201, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "eu/orders"}, ann))
	undo := k.Faults().Set(gatewayfake.Fault{Status: 502, ContentType: "text/html", Body: "<html>502 Bad Gateway</html>"})
	path := "/v1/credentials/" + issued.Credential.ID
	waiting := answered[lifecycle.Credential](r, 202, r.Do("POST", path+"/revoke", object{"reason": "leaked"}, ann))
	if waiting.Intent == nil || !strings.Contains(waiting.Reason, "502") && !strings.Contains(waiting.Reason, "page") {
		t.Errorf("%+v", waiting)
	}
	r.refusedWith(r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "eu/orders"}, ann), 503, "")
	undo()
	r.clock.Advance(10 * time.Minute)
	if err := r.RunTask("sweep"); err != nil {
		t.Fatal(err)
	}
	if got := answered[lifecycle.Credential](r, 200, r.Get(path, ann)); got.State != lifecycle.Revoked || got.Reason != "leaked" || calls(t, k, issued.Secret) != 401 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(r.Metrics(), `gateway_swept_total{what="recovered"}`) {
		t.Error("what was swept is not counted")
	}
}

func TestKong_IsShownToItsCommunityFrontend(t *testing.T) {
	r, _ := startKong(t)
	answered[any](r, 200, r.Get("/facades/kong/health"))
	res := r.Harness.Get("/facades/kong/eu/services/orders", ann)
	if res.Status != 200 || !strings.Contains(res.Text(), `"orders.internal"`) {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestPermissions_MakeApproversAndOperatorsWhereTheSettingsSaySo(t *testing.T) {
	r := start(t, func(s *settings) { s.Permissions = true })
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	req := answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "edge/orders", "plan": "bronze", "ttlDays": 90, "reason": "checkout"}, ann))
	if !req.MayDecide && len(answered[list[requestAnswer]](r, 200, r.Get("/v1/requests", ann)).Items) != 1 {
		t.Error("whom the policy allows may not decide")
	}
	answered[lifecycle.Drift](r, 200, r.Get("/v1/gateways/edge/drift", ann))
	r.Permissions.Deny("gateway.request.approve")
	r.Permissions.Deny("gateway.operate")
	r.refusedWith(r.Do("POST", "/v1/requests/"+req.ID+"/approve", nil, ann), 403, "you may not decide")
	r.refusedWith(r.Get("/v1/gateways/edge/drift", ann), 403, "only operators")
	r.FailHost("Authorize", sdk.ErrServiceUnavailable)
	r.refusedWith(r.Get("/v1/gateways/edge/drift", ann), 503, "")
}
