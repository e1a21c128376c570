package manager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prefix = "/facades/kong"

// rig is a plugin with the facade beside a Kong: user ann owns component checkout, whose service is orders; ben may read it,
// eve may not.
type rig struct {
	*plugintest.Harness

	t       *testing.T
	kong    *kongfake.Server
	manager *Manager
}

var (
	ann = plugintest.As("user:default/ann", "group:default/team")
	ben = plugintest.As("user:default/ben", "group:default/others")
	eve = plugintest.As("user:default/eve")
	bot = plugintest.As("plugin:scaffolder")
)

func start(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	fake := kongfake.New(kongfake.Options{Token: "t0ken", Workspace: "portal", PageSize: 50})
	fake.Sample()
	p := sdk.New("gateway", sdk.About{Version: "0.1.0", Title: "Gateway", License: "Apache-2.0"})
	m := New(p.Host())
	p.Handle(prefix+"/", http.StripPrefix(prefix, m))
	for _, permission := range Permissions() {
		p.Permission(permission)
	}
	r := &rig{t: t, kong: fake, manager: m}
	r.Harness = plugintest.Start(t, p)
	r.Outgoing.Handle("https://kong.example.com", fake)
	c := Config{Instances: []kong.Options{
		{Name: "eu", HTTP: &http.Client{Transport: p.Host().HTTP.Transport}, URL: "https://kong.example.com", Token: "t0ken", Workspace: "portal"},
		{Name: "us", HTTP: &http.Client{Transport: p.Host().HTTP.Transport}, URL: "https://kong.example.com", Token: "wrong"},
	}}
	for _, f := range change {
		f(&c)
	}
	m.Configure(c)
	checkout := plugintest.Annotated(plugintest.Annotated(plugintest.Component("checkout"), ServiceAnnotation, "orders"), InstanceAnnotation, "eu, us")
	checkout["relations"] = []any{
		map[string]any{"type": "ownedBy", "targetRef": "group:default/team"}, map[string]any{"type": "providesApi", "targetRef": "api:default/orders"},
		map[string]any{"type": "providesApi", "targetRef": "api:default/secret"}, map[string]any{"type": "providesApi", "targetRef": "api:default/gone"},
	}
	r.Catalog.Put(checkout, plugintest.Component("plain"), api("orders", definition), api("secret", "{}"), api("broken", "a: [1"))
	r.Catalog.HideFrom("user:default/eve", "component:default/checkout")
	r.Catalog.HideFrom("user:default/ann", "api:default/secret")
	return r
}

const definition = `
openapi: 3.0.0
x-kong-plugin-cors: {name: cors, enabled: true, config: {origins: ["*"]}}
x-kong-name: orders
base: &base {a: b}
x-kong-plugin-bomb: {name: bomb, config: *base}
x-kong-plugin-acl: {name: acl, enabled: false, config: {allow: [a]}}
paths: {}
`

func api(name, definition string) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"type": "openapi", "lifecycle": "production", "owner": "group:default/team", "definition": definition},
	}
}

// ask requests a path of the facade, "GET /eu/plugins"; the answer has "status" beside its members.
func (r *rig) ask(call string, body any, who plugintest.RequestOption) map[string]any {
	r.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	var options []plugintest.RequestOption
	if who != nil {
		options = append(options, who)
	}
	res := r.Do(method, prefix+path, body, options...)
	out := map[string]any{}
	if len(res.Body) > 0 && json.Unmarshal(res.Body, &out) != nil {
		r.t.Fatalf("%s: %s", call, res.Text())
	}
	out["status"] = float64(res.Status)
	return out
}

func at(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			list, _ := v.([]any)
			if s >= len(list) {
				return nil
			}
			v = list[s]
		}
	}
	return v
}

func TestFacade_AnswersWhatTheFrontendReads(t *testing.T) {
	r := start(t)
	service := r.ask("GET /eu/services/orders", nil, ben)
	if at(service, "status") != 200.0 || at(service, "service", "host") != "orders.internal" {
		t.Error(service)
	}
	id := at(service, "service", "id").(string)
	if got := r.ask("GET /eu/services/"+id, nil, ben); at(got, "service", "name") != "orders" {
		t.Errorf("by its id: %v", got)
	}
	plugins := r.ask("GET /eu/services/orders/plugins/associated", nil, ben)
	if first := at(plugins, "plugins", 0).(map[string]any); len(at(plugins, "plugins").([]any)) != 2 || first["enabled"] != true || first["createdAt"] == nil || first["config"] == nil || first["id"] == nil {
		t.Error(plugins)
	}
	routes := r.ask("GET /eu/services/orders/routes", nil, ben)
	if at(routes, "routes", 0, "paths", 0) != "/orders" || at(routes, "routes", 0, "service_id") != id {
		t.Error(routes)
	}
	if got := r.ask("GET /eu/services/orders/routes/orders", nil, ben); at(got, "route", "strip_path") != true || at(got, "route", "service_id") != id {
		t.Error(got)
	}
	available := r.ask("GET /eu/plugins", nil, ben)
	if !slices.Contains(available["plugins"].([]any), any("rate-limiting")) {
		t.Error(available)
	}
	if got := r.ask("GET /health", nil, nil); at(got, "status") != 200.0 {
		t.Error(got)
	}
}

func TestFacade_DescribesTheFormOfAPlugin(t *testing.T) {
	r := start(t)
	for plugin, want := range map[string]map[string]string{
		"rate-limiting": {
			"minute": `{"isMultipleArray":false,"name":"minute","required":false,"type":"number"}`,
			"policy": `{"defaultValue":"local","isMultipleArray":false,"name":"policy","required":false,"type":"string"}`,
			"redis":  `{"isMultipleArray":false,"name":"redis","required":true,"type":"record"}`,
		},
		"key-auth": {"key_names": `{"arrayType":"string","defaultValue":["apikey"],"isMultipleArray":false,"name":"key_names","required":true,"type":"array"}`},
		"cors": {
			"methods": `{"arrayOptions":["GET","HEAD","PUT","PATCH","POST","DELETE","OPTIONS","TRACE","CONNECT"],"arrayType":"string","defaultValue":["GET","HEAD","PUT","PATCH","POST","DELETE","OPTIONS","TRACE","CONNECT"],"isMultipleArray":true,"name":"methods","required":false,"type":"array"}`,
		},
		"statsd": {
			"metrics": `{"arrayType":"record","isMultipleArray":false,"name":"metrics","recordFields":[{"arrayOptions":["kong_latency","latency","request_count","response_size","upstream_latency"],"isMultipleArray":false,"name":"name","required":true,"type":"string"},{"arrayOptions":["counter","gauge","histogram","meter","set","timer"],"isMultipleArray":false,"name":"stat_type","required":true,"type":"string"},{"isMultipleArray":false,"name":"sample_rate","required":false,"type":"number"}],"required":false,"type":"array"}`,
		},
	} {
		got := r.ask("GET /eu/services/plugins/"+plugin+"/fields", nil, ben)
		found := map[string]string{}
		for _, one := range got["fields"].([]any) {
			data, _ := json.Marshal(one)
			found[at(one, "name").(string)] = string(data)
		}
		for name, text := range want {
			if found[name] != text {
				t.Errorf("%s.%s:\n%s, want\n%s", plugin, name, found[name], text)
			}
		}
	}
	if got := r.ask("GET /eu/services/plugins/nothing/fields", nil, ben); at(got, "status") != 404.0 || at(got, "error", "message") != "No plugin named 'nothing'" {
		t.Error(got)
	}
}

func TestFacade_ChangesPluginsAndRoutesForOwners(t *testing.T) {
	r := start(t)
	limit := map[string]any{"config": map[string]any{"name": "rate-limiting", "config": map[string]any{"minute": 5}, "service": map[string]any{"id": "somewhere-else"}}}
	made := r.ask("POST /eu/services/orders/plugins", limit, ann)
	id, _ := made["id"].(string)
	if made["status"] != 201.0 || at(made, "config", "minute") != 5.0 {
		t.Fatal(made)
	}
	edited := r.ask("PATCH /eu/services/orders/plugins/"+id, map[string]any{"name": "rate-limiting", "config": map[string]any{"minute": 7}}, ann)
	if edited["status"] != 200.0 || at(edited, "config", "minute") != 7.0 || fmt.Sprint(edited["tags"], edited["protocols"]) != "[devportal plugin-kong-service-manager] [https http]" {
		t.Error(edited)
	}
	if got := r.ask("DELETE /eu/services/orders/plugins/"+id, nil, ann); got["status"] != 204.0 {
		t.Error(got)
	}
	route := r.ask("POST /eu/services/orders/routes", map[string]any{"config": map[string]any{"name": "extra", "paths": []string{"/extra"}}}, ann)
	if route["status"] != 201.0 || at(route, "route", "name") != "extra" {
		t.Error(route)
	}
	moved := map[string]any{"config": map[string]any{"paths": []string{"/more"}, "service": map[string]any{"id": "somewhere-else"}}}
	if got := r.ask("PATCH /eu/services/orders/routes/extra", moved, ann); got["status"] != 200.0 || at(got, "route", "paths", 0) != "/more" {
		t.Error(got)
	}
	onRoute := r.ask("POST /eu/routes/extra/plugins", map[string]any{"config": map[string]any{"name": "cors"}}, ann)
	if onRoute["status"] != 201.0 {
		t.Error(onRoute)
	}
	if got := r.ask("GET /eu/routes/extra/plugins/associated", nil, ben); at(got, "plugins", 0, "name") != "cors" {
		t.Error(got)
	}
	onExtra := "/eu/routes/extra/plugins/" + onRoute["id"].(string)
	if got := r.ask("PATCH "+onExtra, map[string]any{"config": map[string]any{"max_age": 3}}, ann); at(got, "config", "max_age") != 3.0 {
		t.Error(got)
	}
	if got := r.ask("DELETE "+onExtra, nil, ann); got["status"] != 204.0 {
		t.Error(got)
	}
	if got := r.ask("DELETE /eu/services/orders/routes/extra", nil, ann); got["status"] != 200.0 || got["message"] != "deleted" {
		t.Error(got)
	}
	var events []string
	for _, e := range r.Audit.Written() {
		if e.Actor != "user:default/ann" || e.Failed || e.Meta["instance"] != "eu" {
			t.Errorf("%+v", e)
		}
		events = append(events, e.Event)
	}
	if want := "kong.plugin.create kong.plugin.update kong.plugin.delete kong.route.create kong.route.update kong.plugin.create kong.plugin.update kong.plugin.delete kong.route.delete"; strings.Join(events, " ") != want {
		t.Errorf("recorded %v", events)
	}
}

func TestFacade_ReadsListsWhole(t *testing.T) {
	r := start(t)
	for i := range 130 {
		r.kong.Put("routes", map[string]any{"name": fmt.Sprintf("r%d", i), "service": "orders", "paths": []any{fmt.Sprintf("/r%d", i)}})
	}
	if got := r.ask("GET /eu/services/orders/routes", nil, ben); len(got["routes"].([]any)) != 131 {
		t.Errorf("%d routes", len(got["routes"].([]any)))
	}
}

func TestFacade_LetsInWhoMay(t *testing.T) {
	body := map[string]any{"config": map[string]any{"name": "cors"}}
	byPolicy := func(c *Config) { c.ByPolicy = true }
	operated := func(c *Config) { c.Operators = []string{"group:default/Others"} }
	for _, c := range []struct {
		name   string
		change func(*Config)
		call   string
		who    plugintest.RequestOption
		deny   string
		status float64
		text   string
	}{
		{"nobody", nil, "GET /eu/services/orders", nil, "", 401, "signed-in users"},
		{"a service", nil, "GET /eu/services/orders", bot, "", 200, ""},
		{"who may not read the entity", nil, "GET /eu/services/orders", eve, "", 404, "No entity that you may read"},
		{"who may not read the entity, by its route", nil, "GET /eu/routes/orders/plugins/associated", eve, "", 404, "No entity that you may read"},
		{"a service that no entity names", nil, "GET /eu/services/payments", ann, "", 404, "No entity that you may read has the annotation kong-manager/service-name with service payments"},
		{"who lacks a permission", nil, "GET /eu/services/orders", ben, "kong.service.manager.read.service", 403, "you lack the permission kong.service.manager.read.service"},
		{"who lacks another permission", nil, "GET /eu/services/orders", ben, "kong.service.manager.read.routes", 200, ""},
		{"associated plugins ask, too", nil, "GET /eu/services/orders/plugins/associated", ben, "kong.service.manager.read.plugins.associated", 403, "you lack"},
		{"a reader who writes", nil, "POST /eu/services/orders/plugins", ben, "", 403, "may be changed by the owners of its entity"},
		{"an operator who writes", operated, "POST /eu/services/orders/plugins", ben, "", 201, ""},
		{"an operator who may not read the entity", func(c *Config) { c.Operators = []string{"user:default/eve"} }, "POST /eu/services/orders/plugins", eve, "", 404, "No entity"},
		{"whom the policy lets write", byPolicy, "POST /eu/services/orders/plugins", ben, "", 201, ""},
		{"whom the policy does not let write", byPolicy, "POST /eu/services/orders/plugins", ann, "kong.service.manager.apply.plugins.to.service", 403, "you lack"},
		{"a removal", nil, "DELETE /eu/services/orders/routes/orders", ben, "", 403, "owners"},
		{"specs", nil, "GET /component/checkout/specs", ben, "kong.service.manager.read.specs", 403, "you lack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var changes []func(*Config)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			r := start(t, changes...)
			if c.deny != "" {
				r.Permissions.Deny(c.deny)
			}
			var sent any
			if strings.HasPrefix(c.call, "POST") {
				sent = body
			}
			got := r.ask(c.call, sent, c.who)
			message, _ := at(got, "error", "message").(string)
			if got["status"] != c.status || !strings.Contains(message, c.text) {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestFacade_SaysWhatIsWrong(t *testing.T) {
	r := start(t)
	for _, c := range []struct {
		call   string
		body   any
		status float64
		text   string
		cause  string
	}{
		{"GET /asia/services/orders", nil, 404, `There is no Kong instance "asia"`, "<nil>"},
		{"GET /eu/services/nothing", nil, 404, "has nothing there: Not found", "Not found"},
		{"GET /eu/services/orders/routes/payments", nil, 404, "has nothing there", "Not found"},
		{"GET /eu/services/a%2Fb", nil, 404, "(GET /portal/services/a%2Fb)", "Not found"},
		{"GET /us/plugins", nil, 503, "does not accept the token in Kong-Admin-Token", "Invalid credentials. Token or User credentials required"},
		{"POST /eu/services/orders/plugins", map[string]any{"config": map[string]any{"name": "rate-limiting", "config": map[string]any{"minute": -1}}}, 400, "config.minute: value must be greater than 0", "schema violation (config.minute: value must be greater than 0)"},
		{"POST /eu/services/orders/plugins", map[string]any{"config": map[string]any{"name": "acl", "config": map[string]any{"allow": []string{"a"}}}}, 409, "UNIQUE violation", "UNIQUE violation detected on"},
		{"POST /eu/services/orders/plugins", map[string]any{"config": map[string]any{}}, 400, "config.name: is missing", "<nil>"},
		{"POST /eu/services/orders/plugins", map[string]any{}, 400, "config: is missing", "<nil>"},
		{"POST /eu/services/orders/plugins", `{"config":`, 400, "the body must be", "<nil>"},
		{"POST /eu/services/orders/plugins", `{"config":{"a":"` + strings.Repeat("x", longestBody) + `"}}`, 400, "is longer than", "<nil>"},
		{"PUT /eu/services/orders", nil, 405, "method PUT is not for this path", "<nil>"},
		{"GET /eu/nothing/at/all", nil, 404, "there is no route", "<nil>"},
		{"GET /component/nothing/specs", nil, 404, "Entity component:default/nothing not found", "<nil>"},
		{"GET /spec/broken/plugins", nil, 400, "the definition of api:default/broken: it is no YAML", "<nil>"},
	} {
		got := r.ask(c.call, c.body, ann)
		message, cause := fmt.Sprint(at(got, "error", "message")), fmt.Sprint(at(got, "error", "cause", "message"))
		if got["status"] != c.status || !strings.Contains(message, c.text) || !strings.Contains(cause, c.cause) || at(got, "response", "statusCode") != c.status {
			t.Errorf("%s: %v", c.call, got)
		}
	}
	defer r.kong.Faults().Set(gatewayfake.Fault{Status: 200, ContentType: "text/html", Body: "<html>"})()
	if got := r.ask("GET /eu/services/orders", nil, ann); got["status"] != 503.0 || !strings.Contains(fmt.Sprint(got), "answers a page instead of data") {
		t.Error(got)
	}
}

func TestFacade_ReadsSpecsOfTheCatalog(t *testing.T) {
	r := start(t)
	got := r.ask("GET /Component/checkout/specs", nil, ann)
	if specs, _ := got["specs"].([]any); len(specs) != 1 || at(specs, 0, "metadata", "name") != "orders" {
		t.Errorf("those that the user may read: %v", got)
	}
	if got := r.ask("GET /component/plain/specs", nil, ann); fmt.Sprint(got["specs"]) != "[]" {
		t.Error(got)
	}
	plugins := r.ask("GET /spec/orders/plugins", nil, ann)
	if fmt.Sprint(plugins["plugins"]) != "[map[config:map[allow:[a]] enabled:false name:acl] map[config:map[origins:[*]] enabled:true name:cors]]" {
		t.Error(plugins)
	}
	if got := r.ask("GET /spec/default%2Forders/plugins", nil, ann); got["status"] != 200.0 {
		t.Error(got)
	}
}

func TestFacade_MayKnowNoInstance(t *testing.T) {
	r := start(t, func(c *Config) { c.Instances = nil })
	if got := r.ask("GET /eu/services/orders", nil, ann); got["status"] != 404.0 || !strings.Contains(fmt.Sprint(got), "settings of the plugin name the instances") {
		t.Error(got)
	}
}
