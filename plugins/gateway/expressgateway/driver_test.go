package expressgateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/expressgateway/expressfake"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a driver beside a fake gateway.
type rig struct {
	*Driver

	fake *expressfake.Server
}

func start(t *testing.T, o expressfake.Options) *rig {
	t.Helper()
	o.Header, o.Value = "X-Gate", "gate-secret"
	fake := expressfake.New(o)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	d, err := New(Options{
		Name: "edge", HTTP: &http.Client{Transport: transport}, URL: server.URL, Proxy: "http://edge.example:8080/", Header: "X-Gate", Value: "gate-secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{d, fake}
}

// uses presents a key and answers the status.
func (r *rig) uses(path string, secret sdk.Secret) int {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Authorization", "apiKey "+secret.Reveal())
	w := httptest.NewRecorder()
	r.fake.Gateway().ServeHTTP(w, req)
	return w.Code
}

func (r *rig) app(t *testing.T, app driver.AppID, apis ...driver.APIID) {
	t.Helper()
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: app}); err != nil {
		t.Fatal(err)
	}
	for _, api := range apis {
		if err := r.SetPlan(t.Context(), app, api, driver.PlanID(api)); err != nil {
			t.Fatal(err)
		}
	}
}

// issue makes a key of the application shop.
func (r *rig) issue(t *testing.T, api driver.APIID, operation string) driver.IssuedKey {
	t.Helper()
	k, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: api, Operation: operation})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// publish puts the API stock behind the gateway.
func (r *rig) publish(t *testing.T) {
	t.Helper()
	p := driver.Publication{ID: "stock", Upstream: "http://stock.internal", Paths: []string{"/stock/"}}
	if _, err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func TestExpressGateway_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		r := start(t, expressfake.Options{})
		return drivertest.Subject{
			Driver: r, API: "orders", Plan: "orders", Page: 60, Gateway: r.fake.Gateway(), Secrets: []string{"gate-secret"},
			Foreign: func(t *testing.T, app driver.AppID) driver.KeyID {
				u, err := r.findUser(t.Context(), string(app))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.put(t.Context(), u, "made-by-somebody-else", newCredential{ID: "0foreign", Secret: "made-by-somebody-else"}); err != nil {
					t.Fatal(err)
				}
				return "0foreign"
			},
			Fail: func(f drivertest.Failure) func() {
				return r.fake.Faults().Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
		}
	})
}

func TestKey_ForOneAPIIsNotLetInToOthers(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.publish(t)
	r.app(t, "shop", "orders", "stock")
	one, all := r.issue(t, "orders", "a"), r.issue(t, "", "b")
	for path, want := range map[string][2]int{"/orders": {200, 200}, "/stock/7": {403, 200}, "/nothing": {404, 404}} {
		if got := [2]int{r.uses(path, one.Secret), r.uses(path, all.Secret)}; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if err := r.SetPlan(t.Context(), "shop", "stock", ""); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{r.uses("/orders", all.Secret), r.uses("/stock", all.Secret)}; got != [2]int{200, 403} {
		t.Errorf("without access to stock: %v", got)
	}
}

func TestAccess_GivenLaterReachesTheKeysThatThePortalMade(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.publish(t)
	r.app(t, "shop", "orders")
	own := r.issue(t, "", "a")
	u, err := r.findUser(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.put(t.Context(), u, "foreign", newCredential{ID: "f", Secret: "foreign", Scopes: []string{"orders"}}); err != nil {
		t.Fatal(err)
	}
	r.app(t, "shop", "stock")
	if got := [3]int{r.uses("/stock", own.Secret), r.uses("/stock", "f:foreign"), r.uses("/orders", "f:foreign")}; got != [3]int{200, 403, 200} {
		t.Errorf("access to stock: %v", got)
	}
	if err := r.SetPlan(t.Context(), "shop", "orders", ""); err != nil {
		t.Fatal(err)
	}
	if got := r.uses("/orders", "f:foreign"); got != 403 {
		t.Errorf("a key that somebody made is answered %d when the access is taken away", got)
	}
}

func TestAccess_ToAnAPIWithoutScopesCannotBeTakenAway(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.fake.Configure("api-endpoints", "open", map[string]any{"host": "*", "paths": []any{"/open"}})
	r.fake.Configure("pipelines", "open", map[string]any{"apiEndpoints": []any{"open"}, "policies": []any{map[string]any{"key-auth": []any{}}}})
	r.app(t, "shop", "open")
	err := r.SetPlan(t.Context(), "shop", "open", "")
	if !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), "no scopes") {
		t.Error(err)
	}
}

func TestRevoke_LeavesNobodyASecretThatWorks(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.app(t, "shop", "orders")
	k := r.issue(t, "orders", "a")
	// The gateway loses the connection between the two calls of a revocation.
	undo := r.fake.Faults().Set(gatewayfake.Fault{Method: http.MethodPut, Path: "/credentials/key-auth/", Status: 502, Body: "<html>"})
	if err := r.RevokeKey(t.Context(), "shop", k.ID); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Errorf("revoke: %v", err)
	}
	undo()
	if got := r.uses("/orders", k.Secret); got != 401 {
		t.Errorf("a key that is half revoked is answered %d", got)
	}
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("a revoked key is resumed: %v", err)
	}
	if _, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "orders", Operation: "a"}); !errors.Is(err, sdk.ErrConflict) {
		t.Errorf("the operation of a revoked key makes it again: %v", err)
	}
}

func TestKey_OfAnotherApplicationIsNotTouched(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.app(t, "shop", "orders")
	r.app(t, "other", "orders")
	k := r.issue(t, "orders", "a")
	if err := r.RevokeKey(t.Context(), "other", k.ID); err != nil {
		t.Error(err)
	}
	if err := r.SuspendKey(t.Context(), "other", k.ID, true); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
	if _, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: "a"}); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
	if got := r.uses("/orders", k.Secret); got != 200 {
		t.Errorf("the key is answered %d", got)
	}
}

func TestAPIs_AndPlansAreWhatIsConfigured(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.fake.Configure("api-endpoints", "many", []any{map[string]any{"host": "*", "paths": "/many/:id", "scopes": map[string]any{"scope": "m"}}})
	r.fake.Configure("pipelines", "default", map[string]any{
		"apiEndpoints": "many",
		"policies":     []any{map[string]any{"rate-limit": map[string]any{"action": map[string]any{}}}, map[string]any{"rate-limit": nil}},
	})
	var apis, plans []string
	for a, err := range r.APIs(t.Context()) {
		apis = append(apis, fmt.Sprint(a.ID, " ", a.BaseURL, " ", a.Plans, err))
	}
	for p, err := range r.Plans(t.Context()) {
		plans = append(plans, fmt.Sprint(p.ID, " ", p.Limits, err))
	}
	if !slices.Equal(apis, []string{"many http://edge.example:8080/many [default] <nil>", "orders http://edge.example:8080/orders [orders] <nil>"}) {
		t.Errorf("APIs %q", apis)
	}
	if !slices.Equal(plans, []string{"default [{5 1m0s} {5 1m0s}] <nil>", "orders [{60 1m0s}] <nil>"}) {
		t.Errorf("plans %q", plans)
	}
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); err != nil {
		t.Fatal(err)
	}
	if err := r.SetPlan(t.Context(), "shop", "orders", "default"); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("the plan of another API: %v", err)
	}
}

func TestCredential_TravelsAsThePipelineSays(t *testing.T) {
	r := start(t, expressfake.Options{})
	for _, c := range []struct {
		action map[string]any
		want   driver.Presentation
	}{
		{nil, driver.Presentation{Header: "Authorization", Scheme: "apiKey", Query: "apiKey"}},
		{map[string]any{"apiKeyHeader": "X-Key", "disableHeadersScheme": true, "disableQueryParam": true}, driver.Presentation{Header: "X-Key"}},
		{map[string]any{"disableHeaders": true, "apiKeyField": "k"}, driver.Presentation{Query: "k"}},
		{map[string]any{"apiKeyHeaderScheme": "Key"}, driver.Presentation{Header: "Authorization", Scheme: "Key", Query: "apiKey"}},
	} {
		r.fake.Configure("pipelines", "orders", map[string]any{
			"apiEndpoints": []any{"orders"}, "policies": []any{map[string]any{"key-auth": []any{map[string]any{"action": c.action}}}},
		})
		c.want.URL = "http://edge.example:8080/orders"
		if got, err := r.Credential(t.Context(), "orders"); err != nil || got != c.want {
			t.Errorf("%v: %+v, %v", c.action, got, err)
		}
	}
	if _, err := r.Credential(t.Context(), "nope"); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
}

func TestPublish_WaitsUntilTheGatewayHasReadIt(t *testing.T) {
	r := start(t, expressfake.Options{Reread: 30 * time.Millisecond})
	r.publish(t)
	r.app(t, "shop", "stock")
	if got := r.uses("/stock/1", r.issue(t, "stock", "a").Secret); got != 200 {
		t.Errorf("the API is answered %d", got)
	}
	before := len(r.fake.Faults().Calls())
	r.publish(t)
	for _, call := range r.fake.Faults().Calls()[before:] {
		if strings.HasPrefix(call, "PUT") && !strings.HasPrefix(call, "PUT /scopes") {
			t.Errorf("what is there already is written again: %s", call)
		}
	}
}

func TestPublish_RefusesWhatTheGatewayWouldReadOtherwise(t *testing.T) {
	r := start(t, expressfake.Options{})
	good := driver.Publication{ID: "stock", Upstream: "http://stock.internal", Paths: []string{"/stock"}}
	for name, change := range map[string]func(*driver.Publication){
		"an id with a slash":  func(p *driver.Publication) { p.ID = "a/b" },
		"no upstream":         func(p *driver.Publication) { p.Upstream = "" },
		"an upstream of file": func(p *driver.Publication) { p.Upstream = "file:///etc/passwd" },
		"no path":             func(p *driver.Publication) { p.Paths = nil },
		"a pattern":           func(p *driver.Publication) { p.Paths = []string{"/a*"} },
		"a relative path":     func(p *driver.Publication) { p.Paths = []string{"a"} },
	} {
		p := good
		change(&p)
		if _, err := r.Publish(t.Context(), p); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.fake.Configure("pipelines", "stock", map[string]any{"apiEndpoints": []any{"orders"}, "policies": []any{}})
	if _, err := r.Publish(t.Context(), good); !errors.Is(err, sdk.ErrConflict) {
		t.Errorf("a name that is taken: %v", err)
	}
}

func TestAnswers_OfAnotherProgramAreNotBelieved(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.app(t, "shop", "orders")
	for _, body := range []string{`{}`, `[]`, `{"users":null,"credentials":null}`, `"ok"`, `{"data":[],"next":null}`} {
		undo := r.fake.Faults().Set(gatewayfake.Fault{ContentType: "application/json", Body: body})
		_, issue := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: "x"})
		for name, err := range map[string]error{"health": r.Health(t.Context()), "issue": issue, "consumer": r.EnsureConsumer(t.Context(), driver.App{ID: "shop"})} {
			if !errors.Is(err, sdk.ErrServiceUnavailable) {
				t.Errorf("%s on %s: %v", name, body, err)
			}
		}
		undo()
	}
}

func TestErrors_SayWhatTheGatewaySaysWithoutTheKey(t *testing.T) {
	r := start(t, expressfake.Options{})
	r.app(t, "shop", "orders")
	secret := sdk.Secret(strings.Repeat("SecretOfTheKey", 3))
	undo := r.fake.Faults().Set(gatewayfake.Fault{
		Method: http.MethodPost, Path: "/credentials", Status: 500, ContentType: "text/html; charset=utf-8", Body: "cannot keep " + secret.Reveal() + ": disk is full",
	})
	defer undo()
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: "x", Secret: secret})
	if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "disk is full") || strings.Contains(err.Error(), secret.Reveal()) {
		t.Error(err)
	}
}

func TestOptions_NameWhatIsWrong(t *testing.T) {
	for _, o := range []Options{{}, {URL: "127.0.0.1:9876"}, {URL: "http://u:p@x"}, {URL: "http://x", Proxy: "x"}} {
		if _, err := New(o); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func FuzzCreated_TakesAnyText(f *testing.F) {
	f.Add("Sat Nov 28 2026 19:18:49 GMT+0000 (Coordinated Universal Time)")
	f.Fuzz(func(t *testing.T, text string) {
		if got := created(text); !got.IsZero() && got.Location() != time.UTC {
			t.Errorf("%q is %v", text, got)
		}
	})
}
