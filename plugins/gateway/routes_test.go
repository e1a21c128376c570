package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestKey_FromTheRequestToTheProofOfItsRevocation(t *testing.T) {
	r := start(t)
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "shop"}, ann))
	if a.Owner != "group:default/shop" {
		t.Errorf("%+v", a)
	}
	req := answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "api:default/orders", "plan": "bronze", "ttlDays": 90, "reason": "checkout"}, ann))
	if req.Status != lifecycle.Pending || req.MayDecide || !slices.Equal(req.Approvers, []string{"group:default/orders"}) || req.Verdict.Policy == "" {
		t.Errorf("%+v", req)
	}
	r.told("group:default/orders", "Web Shop asks for access to edge/orders")
	r.refusedWith(r.Do("POST", "/v1/requests/"+req.ID+"/approve", nil, ann), 403, "approvers are group:default/orders")
	waiting := answered[list[requestAnswer]](r, 200, r.Get("/v1/requests", olga))
	if len(waiting.Items) != 1 || !waiting.Items[0].MayDecide {
		t.Errorf("%+v", waiting)
	}
	answered[lifecycle.Request](r, 200, r.Do("POST", "/v1/requests/"+req.ID+"/approve", object{"comment": "welcome"}, olga))
	r.told("user:default/ann", "Web Shop has access to edge/orders")

	k := r.key(a)
	if r.presents(k.Secret) != 200 || k.Present == nil || k.Present.Header != "X-Api-Key" || k.Credential.Hash == "" || k.Credential.Intent != nil {
		t.Errorf("%+v", k)
	}
	next := answered[issuedAnswer](r, 201, r.Do("POST", "/v1/credentials/"+k.Credential.ID+"/rotate", object{"grace": "1m"}, ann))
	if r.presents(k.Secret) != 200 || r.presents(next.Secret) != 200 {
		t.Error("old and new key do not work beside each other")
	}
	if got := r.presents(next.Secret); got != 429 {
		t.Errorf("the fourth request of three a day is answered %d", got)
	}
	r.clock.Advance(2 * time.Minute)
	if err := r.RunTask("sweep"); err != nil {
		t.Fatal(err)
	}
	if r.presents(k.Secret) != 401 {
		t.Error("the old key works after its grace")
	}
	ended := answered[lifecycle.Credential](r, 200, r.Do("POST", "/v1/credentials/"+next.Credential.ID+"/revoke", object{"reason": "leaked", "secret": next.Secret}, ann))
	if p := ended.Proofs; len(p) != 1 || p[0].Result != lifecycle.Refused || p[0].By != "request" {
		t.Errorf("%+v", p)
	}
	r.tellsNoSecret(k.Secret, next.Secret)
	trail := answered[list[lifecycle.Event]](r, 200, r.Get("/v1/apps/"+string(a.ID)+"/trail", ann))
	if want := []string{"app.create", "access.request", "access.approve", "access.grant", "key.issue", "key.rotate", "key.revoke", "key.revoke"}; len(trail.Items) != len(want) || !slices.Equal(r.events(), want) {
		t.Errorf("%v, %+v", r.events(), trail)
	}
}

func TestApps_AreThoseOfTheCaller(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	path := "/v1/apps/" + string(a.ID)
	for _, c := range []struct{ method, path string }{
		{"GET", path}, {"PUT", path}, {"DELETE", path}, {"GET", path + "/trail"}, {"GET", path + "/credentials"}, {"GET", path + "/usage"},
		{"GET", path + "/quota?api=edge/orders"}, {"POST", path + "/credentials"}, {"DELETE", path + "/access/edge/orders"},
		{"GET", "/v1/credentials/" + k.Credential.ID}, {"POST", "/v1/credentials/" + k.Credential.ID + "/rotate"},
		{"POST", "/v1/credentials/" + k.Credential.ID + "/revoke"}, {"POST", "/v1/credentials/" + k.Credential.ID + "/suspend"},
	} {
		r.refusedWith(r.Do(c.method, c.path, object{}, eve), 404, "there is no")
		if c.method != "GET" {
			r.refusedWith(r.Do(c.method, c.path, object{}, pete), 404, "there is no") // operators look, and do not touch
		}
	}
	if all := answered[list[lifecycle.App]](r, 200, r.Get("/v1/apps", eve)); len(all.Items) != 0 {
		t.Errorf("%+v", all)
	}
	r.refusedWith(r.Get("/v1/apps?all=true", eve), 403, "only operators")
	if all := answered[list[lifecycle.App]](r, 200, r.Get("/v1/apps?all=true", pete)); len(all.Items) != 1 {
		t.Errorf("%+v", all)
	}
	r.refusedWith(r.Do("POST", "/v1/apps", object{"name": "x", "owner": "group:default/orders"}, ann), 403, "you do not belong to group:default/orders")
	r.refusedWith(r.Do("PUT", path, object{"name": "x", "owner": "group:default/orders"}, ann), 403, "you do not belong")
	if got := answered[lifecycle.App](r, 200, r.Do("PUT", path, object{"name": "Shop", "owner": "user:default/ann"}, ann)); got.Name != "Shop" || got.Owner != "user:default/ann" {
		t.Errorf("%+v", got)
	}
	answered[any](r, 204, r.Do("DELETE", path, nil, ann))
	if r.presents(k.Secret) != 401 {
		t.Error("a key of a deleted application works")
	}
	r.refusedWith(r.Get(path, ann), 404, "there is no application")
}

func TestRequest_IsOnlyForWhatTheCallerMaySee(t *testing.T) {
	r := start(t)
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Spy"}, eve))
	for api, part := range map[string]string{"api:default/orders": "not found", "edge/orders": "no entity that you may read"} {
		r.refusedWith(r.Do("POST", "/v1/requests", object{"app": a.ID, "api": api, "plan": "bronze"}, eve), 404, part)
	}
	r.refusedWith(r.Get("/v1/entities/api/default/orders/apis", eve), 404, "not found")
	if all := answered[list[apiAnswer]](r, 200, r.Get("/v1/apis", eve)); len(all.Items) != 0 {
		t.Errorf("%+v", all)
	}
	b := r.app()
	for _, c := range []struct {
		body   object
		status int
		part   string
	}{
		{object{"app": b.ID, "api": "edge/orders", "plan": "platinum"}, 400, "none of those that edge/orders can be had with: bronze, gold"},
		{object{"app": b.ID, "api": "edge/billing", "plan": "bronze"}, 400, ": gold"},
		{object{"app": b.ID, "api": "edge/none", "plan": "bronze"}, 404, "no entity that you may read"},
		{object{"app": b.ID, "api": "west/orders", "plan": "bronze"}, 404, `no gateway "west"`},
		{object{"app": b.ID, "api": "orders", "plan": "bronze"}, 400, "neither gateway/api nor"},
		{object{"app": b.ID, "api": "component:default/plain", "plan": "bronze"}, 404, "names no API"},
		{object{"app": b.ID, "api": "edge/orders", "plan": "bronze", "ttl": 1}, 400, `unknown field "ttl"; known are app, api, plan, ttlDays, reason, overrideReason`},
		{object{"app": b.ID, "api": "edge/billing", "plan": "gold", "ttlDays": 400}, 403, "at most 365 are allowed (ttl)"},
		{object{"app": b.ID, "api": "edge/orders", "plan": "gold", "ttlDays": 30}, 201, ""},
	} {
		res := r.Do("POST", "/v1/requests", c.body, ann)
		if c.status == 201 {
			answered[requestAnswer](r, 201, res)
			continue
		}
		r.refusedWith(res, c.status, c.part)
	}
}

func TestRequest_OfAnOwnersOwnIsNotAskedFor(t *testing.T) {
	r := start(t, func(s *settings) { s.FourEyes = true })
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Batch", "owner": "group:default/orders"}, olga))
	req := answered[lifecycle.Request](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "edge/orders", "plan": "gold", "ttlDays": 30}, olga))
	if req.Status != lifecycle.Granted || req.DecidedBy != lifecycle.PolicyApproval {
		t.Errorf("%+v", req)
	}
	answered[any](r, 204, r.Do("DELETE", "/v1/apps/"+string(a.ID)+"/access/edge/orders", nil, olga))
	if got := answered[lifecycle.App](r, 200, r.Get("/v1/apps/"+string(a.ID), olga)); len(got.Grants) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestIssue_IsIdempotentByItsHeader(t *testing.T) {
	r := start(t)
	a := r.app()
	once := plugintest.Header("Idempotency-Key", "1")
	k := r.key(a, once)
	again := answered[issuedAnswer](r, 200, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "edge/orders"}, ann, once))
	if !again.Replayed || again.Secret != "" || again.Credential.ID != k.Credential.ID {
		t.Errorf("%+v", again)
	}
	r.refusedWith(r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "edge/orders", "label": "x"}, ann, once), 400, "another request")
	if all := answered[list[lifecycle.Credential]](r, 200, r.Get("/v1/apps/"+string(a.ID)+"/credentials", ann)); len(all.Items) != 1 {
		t.Errorf("%+v", all)
	}
}

func TestSuspend_HoldsUntilItIsResumed(t *testing.T) {
	r := start(t)
	k := r.key(r.app())
	path := "/v1/credentials/" + k.Credential.ID
	r.refusedWith(r.Do("POST", path+"/suspend", object{"secret": "guessed"}, ann), 400, "not that of credential")
	answered[lifecycle.Credential](r, 200, r.Do("POST", path+"/suspend", nil, ann))
	if r.presents(k.Secret) != 403 {
		t.Error("a suspended key works")
	}
	answered[lifecycle.Credential](r, 200, r.Do("POST", path+"/resume", nil, ann))
	if r.presents(k.Secret) != 200 {
		t.Error("a resumed key does not work")
	}
	r.refusedWith(r.Do("POST", path+"/resume", nil, ann), 409, "not suspended")
}

func TestAPIs_AreThoseOfTheCatalogWithTheirPlans(t *testing.T) {
	r := start(t)
	r.Catalog.Put(api("lost", "edge/none", "orders"), api("elsewhere", "west/x", "orders"))
	all := answered[list[apiAnswer]](r, 200, r.Get("/v1/apis", ann)).Items
	if len(all) != 3 || all[0].ID != "edge/billing" || len(all[0].Plans) != 1 || all[1].Served || all[2].Title != "Orders (edge)" || len(all[2].Plans) != 2 || all[2].Plans[0].Limits[0].Requests != 3 {
		t.Errorf("%+v", all)
	}
	r.refusedWith(r.Get("/v1/entities/api/default/elsewhere/apis", ann), 404, `gateway "west", which is not among the settings`)
	r.refusedWith(r.Get("/v1/entities/component/default/plain/apis", ann), 404, "must be gateway/api")
	if plans := answered[list[offeredPlan]](r, 200, r.Get("/v1/plans", ann)).Items; len(plans) != 2 || plans[0].Title != "Bronze" || !slices.Equal(plans[0].Gateways, []string{"edge"}) {
		t.Errorf("%+v", plans)
	}
	gateways := answered[list[gatewayAnswer]](r, 200, r.Get("/v1/gateways", ann)).Items
	if len(gateways) != 1 || gateways[0].Status != "ok" || !gateways[0].Capabilities.Suspend || gateways[0].Title != "Forward auth" {
		t.Errorf("%+v", gateways)
	}
}

func TestQuota_SaysWhatIsLeft(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	r.presents(k.Secret)
	q := answered[quotaAnswer](r, 200, r.Get("/v1/apps/"+string(a.ID)+"/quota?api=edge/orders", ann))
	if q.Requests != 3 || q.Used != 1 || q.Remaining != 2 || q.Resets == nil {
		t.Errorf("%+v", q)
	}
	r.refusedWith(r.Get("/v1/apps/"+string(a.ID)+"/quota?api=orders", ann), 400, "is not gateway/api")
}

func TestDrift_IsForOperators(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	r.refusedWith(r.Get("/v1/gateways/edge/drift", ann), 403, "only operators")
	if err := r.g.hub.Load().gateways["edge"].driver.RevokeKey(t.Context(), a.ID, k.Credential.Key); err != nil {
		t.Fatal(err)
	}
	d := answered[lifecycle.Drift](r, 200, r.Get("/v1/gateways/edge/drift", pete))
	if len(d.Findings) != 1 || d.Findings[0].Kind != lifecycle.KeyMissing {
		t.Fatalf("%+v", d)
	}
	path := "/v1/gateways/edge/drift/" + d.Findings[0].ID + "/repair"
	r.refusedWith(r.Do("POST", path, object{"repair": "forget"}, ann), 403, "only operators")
	r.refusedWith(r.Do("POST", path, object{"repair": "magic"}, pete), 400, "none of [forget]")
	answered[any](r, 204, r.Do("POST", path, object{"repair": "forget"}, pete))
	if d := answered[lifecycle.Drift](r, 200, r.Get("/v1/gateways/edge/drift", pete)); len(d.Findings) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestBodies_AreBoundedAndRead(t *testing.T) {
	r := start(t)
	for _, c := range []struct {
		body any
		part string
	}{
		{"", "empty"},
		{"{", "unexpected EOF"},
		{[]byte(`{"name":"x"} {"name":"y"}`), "more than one value"},
		{object{"name": strings.Repeat("x", 101)}, "1 to 100"},
		{object{"name": strings.Repeat("x", maxBody)}, "more than"},
		{object{"name": 7}, "cannot unmarshal"},
		{object{"name": "x", "owner": "what:ever/x"}, "no ref of a group or user"},
	} {
		res := r.Do("POST", "/v1/apps", c.body, plugintest.As("external:ci"))
		r.refusedWith(res, http.StatusBadRequest, c.part)
	}
}

func TestKey_WhoseSecretWasNotToldIsRevokedAndItsOwnerTold(t *testing.T) {
	r := start(t)
	a := r.app()
	k, err := r.g.hub.Load().engine.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: "user:default/ann"})
	if err != nil || r.presents(k.Secret.Reveal()) != 200 {
		t.Fatal(err)
	}
	r.clock.Advance(3 * time.Minute) // the process that asked for it is gone
	if err := r.RunTask("sweep"); err != nil {
		t.Fatal(err)
	}
	r.told("group:default/shop", "No key for Web Shop at edge/orders")
	got := answered[lifecycle.Credential](r, 200, r.Get("/v1/credentials/"+k.Credential.ID, ann))
	if got.State != lifecycle.Failed || !strings.Contains(got.Reason, "while its secret was being told") || r.presents(k.Secret.Reveal()) != 401 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(r.Metrics(), `gateway_swept_total{what="untold"} 1`) {
		t.Error("what was swept is not counted")
	}
}

func TestOwners_AreRemindedBeforeAKeyEnds(t *testing.T) {
	r := start(t)
	a := r.app()
	answered[issuedAnswer](r, 201, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "edge/orders", "ttl": "480h"}, ann)) // 20 days
	reminded := func() (n int) {
		if err := r.RunTask("remind"); err != nil {
			t.Fatal(err)
		}
		for _, sent := range r.Notifications.Sent() {
			if strings.Contains(sent.Title, "ends on 2026-12-10") && slices.Equal(sent.To, []string{"group:default/shop"}) {
				n++
			}
		}
		return n
	}
	for day, want := range []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3} {
		if got := reminded(); got != want {
			t.Errorf("after %d days there were %d reminders, want %d", day, got, want)
		}
		r.clock.Advance(24 * time.Hour)
	}
}
