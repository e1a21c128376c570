package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

var byAnn = plugintest.ActionRequest{User: "user:default/ann"}

func TestActions_AskForAccessAndMakeAndEndKeys(t *testing.T) {
	r := start(t, func(s *settings) { s.Gateways[0].AutoApprove = true })
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	ask := object{"app": a.ID, "api": "api:default/orders", "plan": "gold", "ttlDays": 200}
	for range 2 {
		run := r.RunAction("gateway:key:request", ask, byAnn)
		if run.Err != nil || run.Output["granted"] != true || run.Output["api"] != "edge/orders" || !strings.Contains(strings.Join(run.Logs, "\n"), "long-ttl") {
			t.Fatal(run.Output, run.Logs, run.Err)
		}
	}
	if all := answered[list[requestAnswer]](r, 200, r.Get("/v1/requests?app="+string(a.ID), ann)); len(all.Items) != 1 {
		t.Errorf("a repeated step made %d requests", len(all.Items))
	}
	issued := r.RunAction("gateway:key:issue", object{"app": a.ID, "api": "api:default/orders", "ttl": "720h"}, byAnn)
	if issued.Err != nil || r.presents(issued.Output["secret"].(string)) != 200 || len(issued.Checkpoints) != 0 {
		t.Fatal(issued.Output, issued.Checkpoints, issued.Err)
	}
	rotated := r.RunAction("gateway:key:rotate", object{"credential": issued.Output["credentialId"], "grace": "0s"}, byAnn)
	if rotated.Err != nil || r.presents(rotated.Output["secret"].(string)) != 200 || r.presents(issued.Output["secret"].(string)) != 401 {
		t.Fatal(rotated.Output, rotated.Err)
	}
	ended := r.RunAction("gateway:key:revoke", object{"credential": rotated.Output["credentialId"], "secret": rotated.Output["secret"]}, byAnn)
	if ended.Err != nil || ended.Output["state"] != "revoked" || ended.Output["proof"] != "refused" || ended.Output["by"] != "request" {
		t.Error(ended.Output, ended.Err)
	}
	for _, run := range []*plugintest.ActionRun{issued, rotated, ended} {
		if logs := strings.Join(run.Logs, "\n"); strings.Contains(logs, rotated.Output["secret"].(string)) || strings.Contains(logs, issued.Output["secret"].(string)) {
			t.Error("a step logs a secret")
		}
	}
	r.tellsNoSecret(issued.Output["secret"].(string), rotated.Output["secret"].(string))
}

func TestIssueAction_ThatWasInterruptedLeavesOneKey(t *testing.T) {
	r := start(t)
	a := r.app()
	in := object{"app": a.ID, "api": "edge/orders"}
	first := r.RunAction("gateway:key:issue", in, byAnn)
	again := r.RunAction("gateway:key:issue", in, byAnn) // the host has not noted that it ended
	if first.Err != nil || again.Err != nil || first.Output["credentialId"] == again.Output["credentialId"] {
		t.Fatal(first.Err, again.Err)
	}
	if r.presents(first.Output["secret"].(string)) != 401 || r.presents(again.Output["secret"].(string)) != 200 {
		t.Error("the key of the interrupted step goes on")
	}
}

func TestActions_AreForTheOwnersOfTheApplication(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	eve := plugintest.ActionRequest{User: "user:default/eve"}
	for action, in := range map[string]object{
		"gateway:key:request": {"app": a.ID, "api": "edge/orders", "plan": "gold"},
		"gateway:key:issue":   {"app": a.ID, "api": "edge/orders"},
		"gateway:key:rotate":  {"credential": k.Credential.ID},
		"gateway:key:revoke":  {"credential": k.Credential.ID},
	} {
		if run := r.RunAction(action, in, eve); !errors.Is(run.Err, sdk.ErrNotFound) {
			t.Errorf("%s: %v", action, run.Err)
		}
		if run := r.RunAction(action, in); !errors.Is(run.Err, sdk.ErrNotAllowed) && !errors.Is(run.Err, sdk.ErrNotFound) {
			t.Errorf("%s by nobody: %v", action, run.Err)
		}
	}
	if run := r.RunAction("gateway:api:publish", object{"gateway": "edge", "api": "x", "upstream": "http://x", "paths": []string{"/x"}}, byAnn); !errors.Is(run.Err, sdk.ErrNotAllowed) {
		t.Error(run.Err)
	}
}

func TestActions_DoNothingInADryRun(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	before := len(r.Audit.Written())
	dry := plugintest.ActionRequest{User: "user:default/ann", DryRun: true}
	for action, in := range map[string]object{
		"gateway:key:request": {"app": a.ID, "api": "edge/orders", "plan": "gold"},
		"gateway:key:issue":   {"app": a.ID, "api": "edge/orders"},
		"gateway:key:rotate":  {"credential": k.Credential.ID},
		"gateway:key:revoke":  {"credential": k.Credential.ID},
		"gateway:api:publish": {"gateway": "edge", "api": "x", "upstream": "http://x", "paths": []string{"/x"}},
	} {
		if run := r.RunAction(action, in, dry); run.Err != nil || len(run.Output) == 0 || !strings.Contains(run.Logs[0], "dry run") {
			t.Errorf("%s: %v %v", action, run.Logs, run.Err)
		}
	}
	if n := len(r.Audit.Written()); n != before {
		t.Errorf("dry runs left %d events", n-before)
	}
}

func TestWidgets_ShowTheViewersKeysAndQuota(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	r.presents(k.Secret)
	keys := r.QueryWidget("keys", sdk.WidgetQuery{User: "user:default/ann"})
	if keys.Err != nil || len(keys.Frames) != 1 || keys.Frames[0].Rows() != 1 || keys.Frames[0].Column("key").Values[0] != k.Credential.Prefix+"…" {
		t.Errorf("%+v", keys)
	}
	if none := r.QueryWidget("keys", sdk.WidgetQuery{User: "user:default/eve"}); none.Err != nil || none.Frames[0].Rows() != 0 {
		t.Errorf("%+v", none)
	}
	orders := api("orders", "edge/orders", "orders")
	quota := r.QueryWidget("gateway-quota", sdk.WidgetQuery{User: "user:default/ann", Entity: orders})
	if quota.Err != nil || fmt.Sprint(quota.Frames[0].Column("used").Values, quota.Frames[0].Column("limit").Values) != "[1] [3 requests per day]" {
		t.Errorf("%+v", quota)
	}
	if none := r.QueryWidget("gateway-quota", sdk.WidgetQuery{User: "user:default/eve", Entity: orders}); none.Err != nil || len(none.Frames) != 0 {
		t.Errorf("%+v", none)
	}
	for entity, rows := range map[string]int{"orders": 1, "billing": 0} {
		keys := r.QueryWidget("api-keys", sdk.WidgetQuery{User: "user:default/ann", Entity: api(entity, "edge/"+entity, entity)})
		if keys.Err != nil || keys.Frames[0].Rows() != rows {
			t.Errorf("%s: %+v", entity, keys)
		}
	}
	for _, id := range []string{"gateway-requests", "gateway-latency", "gateway-quota", "api-keys", "request", "issue-key"} {
		if none := r.QueryWidget(id, sdk.WidgetQuery{Entity: plugintest.Component("plain")}); none.Err != nil || len(none.Frames) != 0 {
			t.Errorf("%s of an entity without an API: %+v", id, none)
		}
	}
	if run := r.QueryWidget("gateway-requests", sdk.WidgetQuery{Entity: orders}); !errors.Is(run.Err, sdk.ErrNotImplemented) || !strings.Contains(run.Err.Error(), "set usage") {
		t.Errorf("%+v", run)
	}
}
