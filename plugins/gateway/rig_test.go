package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // failures are what is tested here
	goleak.VerifyTestMain(m)
}

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// The people. Ann builds the shop, Olga owns the API orders, Pete runs the platform; Eve may see no API.
var (
	ann  = plugintest.As("user:default/ann", "group:default/shop")
	olga = plugintest.As("user:default/olga", "group:default/orders")
	pete = plugintest.As("user:default/pete", "group:default/platform")
	eve  = plugintest.As("user:default/eve", "group:default/others")
)

// rig is the plugin beside a gateway that asks it.
type rig struct {
	*testing.T
	*plugintest.Harness

	clock *plugintest.Clock
	g     *plugin
}

// edge is a gateway that asks the plugin about each request.
func edge() gatewaySettings {
	return gatewaySettings{
		Name: "edge", Type: "forward-auth", Environment: "staging", ProxyURL: "https://edge.example.com",
		Plans: []planSettings{
			{ID: "bronze", Name: "Bronze", Limits: []limitSettings{{Requests: 3, Per: "day"}}},
			{ID: "gold", Name: "Gold", Limits: []limitSettings{{Requests: 100_000, Per: "day"}}},
		},
		APIs: []apiSettings{{ID: "orders", Name: "Orders", URL: "https://edge.example.com/orders"}, {ID: "billing", Plans: []string{"gold"}}},
	}
}

func defaults() settings {
	day := sdk.Duration(24 * time.Hour)
	return settings{
		Gateways: []gatewaySettings{edge()}, Operators: []string{"group:default/platform"}, History: 400 * day, Timeout: sdk.Duration(15 * time.Second),
		Keys: keySettings{TTL: 90 * day, MaxTTL: 365 * day, Grace: day, MaxGrace: 7 * day, Max: 5, Proof: sdk.Duration(time.Second)},
	}
}

func start(t *testing.T, change ...func(*settings)) *rig {
	t.Helper()
	s := defaults()
	for _, f := range change {
		f(&s)
	}
	c := plugintest.NewClock(epoch)
	p, g := newPluginAt(c.Now)
	r := &rig{T: t, clock: c, g: g}
	r.Harness = plugintest.Start(t, p, plugintest.Config(s))
	r.Catalog.Put(api("orders", "edge/orders", "orders"), api("billing", "edge/billing", "billing"), plugintest.Component("plain"), user("ann", "shop"))
	r.Catalog.HideFrom("user:default/eve", "api:default/orders", "api:default/billing")
	r.Outgoing.Handle("https://edge.example.com", r.dataPlane())
	t.Cleanup(func() {
		if err := g.finish(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// dataPlane is a gateway of the kind that asks before it lets a request in.
func (r *rig) dataPlane() http.Handler {
	authorizer := http.NewServeMux()
	authorizer.Handle(forwardauth.Pattern, forwardauth.Handler(r.g.authorizer))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ask := httptest.NewRequestWithContext(req.Context(), http.MethodGet, "/authz/edge"+req.URL.Path, nil)
		ask.Header = req.Header.Clone()
		authorizer.ServeHTTP(w, ask)
	})
}

func api(name, annotation, owner string) sdk.Entity {
	return plugintest.Annotated(sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": map[string]any{"name": name, "title": strings.ToUpper(name[:1]) + name[1:]},
		"spec": map[string]any{"type": "openapi", "lifecycle": "experimental", "owner": owner, "definition": "openapi: 3.0.3"},
	}, apiAnnotation, annotation)
}

func user(name, group string) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": map[string]any{"name": name}, "spec": map[string]any{"memberOf": []any{group}},
		"relations": []any{map[string]any{"type": "memberOf", "targetRef": "group:default/" + group}},
	}
}

// answered decodes an answer of the wanted status.
func answered[T any](r *rig, want int, res *plugintest.Response) T {
	r.Helper()
	var v T
	if res.Status != want {
		r.Fatalf("%d %s, want %d", res.Status, res.Text(), want)
	}
	if want != http.StatusNoContent {
		res.JSON(r.T, &v)
	}
	return v
}

// refusedWith checks an answer in Backstage's form of errors.
func (r *rig) refusedWith(res *plugintest.Response, status int, part string) {
	r.Helper()
	var e struct {
		Error struct{ Name, Message string }
	}
	if res.JSON(r.T, &e); res.Status != status || !strings.Contains(e.Error.Message, part) {
		r.Errorf("%d %s: want %d with %q", res.Status, res.Text(), status, part)
	}
}

type object = map[string]any

// app is one of Ann's with access to the API orders.
func (r *rig) app() lifecycle.App {
	r.Helper()
	a := answered[lifecycle.App](r, 201, r.Do("POST", "/v1/apps", object{"name": "Web Shop", "owner": "group:default/shop"}, ann))
	req := answered[requestAnswer](r, 201, r.Do("POST", "/v1/requests", object{"app": a.ID, "api": "api:default/orders", "plan": "bronze", "ttlDays": 90}, ann))
	answered[lifecycle.Request](r, 200, r.Do("POST", "/v1/requests/"+req.ID+"/approve", nil, olga))
	return answered[lifecycle.App](r, 200, r.Get("/v1/apps/"+string(a.ID), ann))
}

func (r *rig) key(a lifecycle.App, opts ...plugintest.RequestOption) issuedAnswer {
	r.Helper()
	return answered[issuedAnswer](r, 201, r.Do("POST", "/v1/apps/"+string(a.ID)+"/credentials", object{"api": "edge/orders"}, append(opts, ann)...))
}

// presents is what the gateway is told about a request with a key, as the host would ask: without anybody's name.
func (r *rig) presents(secret string) int {
	r.Helper()
	return r.Get("/authz/edge/orders", plugintest.Header("X-Api-Key", secret)).Status
}

// events are what was recorded at the host, by name.
func (r *rig) events() []string {
	var names []string
	for _, e := range r.Audit.Written() {
		names = append(names, e.Event)
	}
	return names
}

// told waits for a notification to somebody.
func (r *rig) told(to, part string) {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if slices.ContainsFunc(r.Notifications.Sent(), func(n sdk.Notification) bool { return slices.Contains(n.To, to) && strings.Contains(n.Title, part) }) {
			return
		}
	}
	r.Errorf("%s was not told %q: %+v", to, part, r.Notifications.Sent())
}

// tellsNoSecret checks everything that is kept or recorded.
func (r *rig) tellsNoSecret(secrets ...string) {
	r.Helper()
	var kept strings.Builder
	for _, key := range r.KV.Keys() {
		value, _ := r.KV.Get(key)
		kept.Write(value)
	}
	recorded, err := json.Marshal(r.Audit.Written())
	if err != nil {
		r.Fatal(err)
	}
	sent, err := json.Marshal(r.Notifications.Sent())
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range secrets {
		if strings.Contains(kept.String()+string(recorded)+string(sent), s) {
			r.Error("a secret is kept, or told")
		}
	}
}
