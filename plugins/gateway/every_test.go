package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/apigee/apigeefake"
	"github.com/callboard/callboard/plugins/gateway/apim/apimfake"
	"github.com/callboard/callboard/plugins/gateway/apisix/apisixfake"
	"github.com/callboard/callboard/plugins/gateway/awsgateway/awsfake"
	"github.com/callboard/callboard/plugins/gateway/expressgateway/expressfake"
	"github.com/callboard/callboard/plugins/gateway/konnect/konnectfake"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/plugins/gateway/tyk/tykfake"
	"github.com/callboard/callboard/sdk"
)

// standIn is a gateway of one type: its settings, and what answers at its addresses.
type standIn struct {
	gatewaySettings

	api, plan string
	make      func(now func() time.Time) (management, plane http.Handler)
}

const managementURL, planeURL = "http://manage.example.com", "https://api.example.com"

func standIns() map[string]standIn {
	plans := []planSettings{{ID: "gold", Limits: []limitSettings{{Requests: 100, Per: "minute"}}}}
	return map[string]standIn{
		"konnect": {gatewaySettings{Token: "kpat_test", Plans: plans, Konnect: &konnectSettings{ControlPlane: konnectfake.ControlPlane}}, "orders", "gold",
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := konnectfake.New(konnectfake.Options{Token: "kpat_test", Now: now})
				f.Kong().Sample()
				return f, f.Gateway()
			}},
		"apisix": {gatewaySettings{Token: "admin-key", Plans: plans}, "orders", "gold",
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := apisixfake.New(apisixfake.Options{Key: "admin-key", Now: now})
				f.Sample()
				return f, f.Gateway()
			}},
		"tyk": {gatewaySettings{Token: "admin-secret", Plans: plans, Tyk: &tykSettings{Organization: "acme"}}, "orders", "gold",
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := tykfake.New(tykfake.Options{Secret: "admin-secret", Now: now})
				f.Sample()
				return f, f.Gateway()
			}},
		"apigee": {gatewaySettings{Apigee: &apigeeSettings{
			Organization: apigeefake.Organization, Environment: "prod", ServiceAccount: sdk.Secret(apigeefake.ServiceAccount(managementURL + "/token")),
		}}, "orders", "basic",
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := apigeefake.New(apigeefake.Options{Now: now})
				return f, f.Gateway()
			}},
		"apim": {gatewaySettings{APIM: &apimSettings{
			LoginURL: managementURL, Tenant: apimfake.Tenant, ClientID: apimfake.ClientID, ClientSecret: apimfake.ClientSecret,
			Subscription: apimfake.Subscription, ResourceGroup: apimfake.ResourceGroup, Service: apimfake.Service,
		}}, "orders", "starter",
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := apimfake.New(apimfake.Options{Now: now})
				return f, f.Gateway()
			}},
		"aws": {gatewaySettings{AWS: &awsSettings{Region: awsfake.Region, AccessKeyID: awsfake.AccessKeyID, SecretAccessKey: awsfake.SecretAccessKey}},
			awsfake.Orders + "/prod", string(awsfake.Basic),
			func(now func() time.Time) (http.Handler, http.Handler) {
				f := awsfake.New(awsfake.Options{Now: now})
				return f, f.Gateway()
			}},
		"express-gateway": {gatewaySettings{Express: &expressSettings{Header: "X-Gate", Value: "gate-secret"}}, "orders", "orders",
			func(func() time.Time) (http.Handler, http.Handler) {
				f := expressfake.New(expressfake.Options{Header: "X-Gate", Value: "gate-secret"})
				return f, f.Gateway()
			}},
	}
}

func TestEveryGateway_ServesTheWholeLifeOfAKey(t *testing.T) {
	for name, s := range standIns() {
		t.Run(name, func(t *testing.T) {
			s.Name, s.Type, s.URL, s.ProxyURL, s.AutoApprove = "gw", name, managementURL, planeURL, true
			r := start(t, func(all *settings) { all.Gateways = []gatewaySettings{s.gatewaySettings} })
			management, plane := s.make(r.clock.Now)
			r.Outgoing.Handle(managementURL, management)
			r.Outgoing.Handle(planeURL, plane)
			r.Catalog.Put(api("orders", "gw/"+s.api, "orders"))
			liveThrough(r, s, plane)
		})
	}
}

// liveThrough asks for access, makes a key, rotates it, and ends it with a proof.
func liveThrough(r *rig, s standIn, plane http.Handler) {
	r.Helper()
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	req := answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests",
		object{"app": a.ID, "api": "api:default/orders", "plan": s.plan, "ttlDays": 90, "reason": "checkout"}, ann))
	if req.Status != lifecycle.Granted {
		r.Fatalf("%+v", req)
	}
	k := answered[issuedAnswer](r, 201, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "gw/" + s.api}, ann))
	status := func(k issuedAnswer) int {
		r.Helper()
		return reach(r, plane, k)
	}
	if got := status(k); got != 200 {
		r.Fatalf("a new key is answered %d (%+v)", got, k.Present)
	}
	next := answered[issuedAnswer](r, 201, r.Do("POST", "/v1/credentials/"+k.Credential.ID+"/rotate", object{"grace": "1m"}, ann))
	if status(k) != 200 || status(next) != 200 {
		r.Errorf("beside each other, the old key is answered %d and the new one %d", status(k), status(next))
	}
	r.clock.Advance(2 * time.Minute)
	if err := r.RunTask("sweep"); err != nil {
		r.Fatal(err)
	}
	if status(k) == 200 || status(next) != 200 {
		r.Errorf("after the grace, the old key is answered %d and the new one %d", status(k), status(next))
	}
	ended := answered[lifecycle.Credential](r, 200, r.Do("POST", "/v1/credentials/"+next.Credential.ID+"/revoke", object{"secret": next.Secret}, ann))
	if p := ended.Proofs; len(p) != 1 || p[0].By != "request" || p[0].Result != lifecycle.Refused {
		r.Errorf("%+v", p)
	}
	if d := answered[lifecycle.Drift](r, 200, r.Get("/v1/gateways/gw/drift", pete)); len(d.Findings) != 0 {
		r.Errorf("%+v", d.Findings)
	}
	r.tellsNoSecret(k.Secret, next.Secret)
	answered[any](r, 204, r.Do("DELETE", "/v1/apps/"+string(a.ID), nil, ann))
}

// reach is what the data plane answers to a key that is presented as the answer of its issue said.
func reach(r *rig, plane http.Handler, k issuedAnswer) int {
	r.Helper()
	if k.Present == nil || !strings.HasPrefix(k.Present.URL, planeURL) {
		r.Fatalf("it is not told how to present a key: %+v", k.Present)
	}
	req := httptest.NewRequestWithContext(r.Context(), http.MethodGet, k.Present.URL, nil)
	if k.Present.Header == "" {
		r.Fatalf("the key does not travel in a header: %+v", k.Present)
	}
	req.Header.Set(k.Present.Header, strings.TrimSpace(k.Present.Scheme+" "+k.Secret))
	w := httptest.NewRecorder()
	plane.ServeHTTP(w, req)
	return w.Code
}
