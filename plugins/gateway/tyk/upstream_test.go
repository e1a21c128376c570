package tyk

import (
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/plugins/gateway/tyk/tykfake"
	"github.com/callboard/callboard/sdk"
)

func TestTyk_WithADashboardSaysThatPlansAreMadeThere(t *testing.T) {
	r := start(t, tykfake.Options{Dashboard: true})
	if err := r.SetPlan(t.Context(), "shop", "orders", "gold"); !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), "the Dashboard's") {
		t.Error(err)
	}
}

func TestHealth_SaysWhatIsWrong(t *testing.T) {
	r := start(t, tykfake.Options{})
	r.fake.SetOffline(true)
	if err := r.Health(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "does not reach Redis") {
		t.Error(err)
	}
	r.fake.SetOffline(false)
	r.fake.SetSecret("another")
	if err := r.Health(t.Context()); !errors.Is(err, rest.ErrCredentials) || !strings.Contains(err.Error(), "does not accept the secret in X-Tyk-Authorization") {
		t.Error(err)
	}
}

func TestTyk_IsNeverTrustedToAnswerWell(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault gatewayfake.Fault
		want  error
		text  string
	}{
		{"something else", gatewayfake.Fault{Status: 404, ContentType: data, Body: `{"error":"Not Found"}`}, sdk.ErrServiceUnavailable, "no Gateway API at its address: Not Found"},
		{"a wrong secret", gatewayfake.Fault{Status: 403, ContentType: data, Body: `{"status":"error","message":"Attempted administrative access with invalid or missing key!"}`}, rest.ErrCredentials, "does not accept the secret in X-Tyk-Authorization: Attempted"},
		{"no Redis", gatewayfake.Fault{Status: 500, ContentType: data, Body: `{"status":"error","message":"Failed to create key, ensure security settings are correct."}`}, sdk.ErrServiceUnavailable, "answers 500: Failed to create key"},
		{"another object", gatewayfake.Fault{ContentType: data, Body: `{"hello":"world"}`}, sdk.ErrServiceUnavailable, ""},
		{"null", gatewayfake.Fault{ContentType: data, Body: `null`}, sdk.ErrServiceUnavailable, ""},
		{"other types", gatewayfake.Fault{ContentType: data, Body: `{"api_id":7,"keys":"many","status":3,"access_rights":[],"meta_data":1}`}, sdk.ErrServiceUnavailable, ""},
		{"truncated", gatewayfake.Fault{ContentType: data, Body: `{"keys":["a`}, sdk.ErrServiceUnavailable, ""},
		{"a page", gatewayfake.Fault{ContentType: "text/html", Body: `<html>`}, sdk.ErrServiceUnavailable, "a page instead of data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, tykfake.Options{})
			k := r.granted("gold")
			defer r.fake.Faults().Set(c.fault)()
			ctx := t.Context()
			_, publish := r.Publish(ctx, driver.Publication{ID: "x", Upstream: "http://x", Paths: []string{"/x"}})
			_, issue := r.IssueKey(ctx, driver.KeyRequest{App: "shop", API: "orders", Operation: operationB, Secret: "another-secret"})
			_, capabilities := r.Capabilities(ctx)
			_, credential := r.Credential(ctx, "orders")
			_, quota := r.Quota(ctx, "shop", "orders")
			var keys, all error
			for _, err := range r.Keys(ctx, "shop") {
				keys = err
			}
			for _, err := range r.Keys(ctx, "") {
				all = err
			}
			for name, err := range map[string]error{
				"ensure": r.EnsureConsumer(ctx, driver.App{ID: "new"}), "publish": publish, "issue": issue, "keys": keys, "all": all, "health": r.Health(ctx), "quota": quota,
				"capabilities": capabilities, "credential": credential, "plan": r.SetPlan(ctx, "shop", "orders", "silver"), "no plan": r.SetPlan(ctx, "shop", "orders", ""),
				"suspend": r.SuspendKey(ctx, "shop", k.ID, true), "revoke": r.RevokeKey(ctx, "shop", k.ID), "revoke nothing": r.RevokeKey(ctx, "shop", "x"),
			} {
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || errors.Is(err, sdk.ErrNotFound) ||
					strings.Contains(err.Error(), adminSecret) || strings.Contains(err.Error(), secret.Reveal()) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
