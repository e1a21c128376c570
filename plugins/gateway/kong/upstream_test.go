package kong

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

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

// writes are the errors of everything that writes.
func (r *rig) writes(ctx context.Context) map[string]error {
	_, issue := r.IssueKey(ctx, driver.KeyRequest{App: "shop", Operation: operationB})
	_, publish := r.Publish(ctx, driver.Publication{ID: "x", Upstream: "http://x", Paths: []string{"/x"}})
	return map[string]error{
		"ensure": r.EnsureConsumer(ctx, driver.App{ID: "new"}), "issue": issue, "publish": publish,
		"plan": r.SetPlan(ctx, "shop", "orders", "silver"), "suspend": r.SuspendKey(ctx, "shop", operationA, true), "revoke": r.RevokeKey(ctx, "shop", operationA),
	}
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
			k := r.granted("gold")
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
	k := r.granted("gold")
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
