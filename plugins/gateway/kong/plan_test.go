package kong

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/sdk"
)

func TestPlan_OpensOneAPIWithItsLimits(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	key := r.granted("silver").Secret
	r.wantStatus("/payments", key, 403)
	for range 3 {
		r.wantStatus("/orders", key, 200)
	}
	res := call(r.fake, "/orders", key)
	if res.StatusCode != 429 || res.Header.Get("X-RateLimit-Limit-Minute") != "3" || res.Header.Get("X-RateLimit-Remaining-Minute") != "0" || res.Header.Get("RateLimit-Reset") != "60" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	r.clock.Advance(time.Minute)
	r.wantStatus("/orders", key, 200)
	r.plan("shop", "orders", "gold")
	if h := call(r.fake, "/orders", key).Header; h.Get("X-RateLimit-Limit-Month") != "1000" || h.Get("X-RateLimit-Limit-Minute") != "100" {
		t.Errorf("another plan has other limits: %v", h)
	}
	r.plan("shop", "orders", "open")
	if h := call(r.fake, "/orders", key).Header; h.Get("RateLimit-Limit") != "" {
		t.Errorf("a plan without limits has none: %v", h)
	}
	r.plan("shop", "payments", "gold")
	r.plan("shop", "orders", "")
	r.wantStatus("/orders", key, 403)
	r.wantStatus("/payments", key, 200)
}

func TestPlan_IsRefusedWhereItWouldMeanNothing(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("services", map[string]any{"name": "denying", "host": "x"})
	r.fake.Put("plugins", map[string]any{"name": "key-auth", "service": "denying"})
	r.fake.Put("plugins", map[string]any{"name": "acl", "service": "denying", "config": map[string]any{"deny": []any{"bad"}}})
	r.app("shop")
	for _, c := range []struct {
		app  driver.AppID
		api  driver.APIID
		plan driver.PlanID
		want error
		text string
	}{
		{"shop", "status", "gold", sdk.ErrConflict, "plugin key-auth is not on"},
		{"shop", "denying", "gold", sdk.ErrConflict, "denies groups instead of allowing some"},
		{"shop", "nothing", "gold", sdk.ErrNotFound, "has nothing there"},
		{"nobody", "orders", "gold", sdk.ErrNotFound, "has nothing there"},
		{"shop", "orders", "platinum", sdk.ErrNotFound, `no plan "platinum" for orders`},
		{"shop", "payments", "internal", sdk.ErrNotFound, `no plan "internal"`}, // two services allow it
	} {
		err := r.SetPlan(t.Context(), c.app, c.api, c.plan)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s of %s at %s: %v", c.plan, c.app, c.api, err)
		}
	}
	if err := r.SetPlan(t.Context(), "nobody", "orders", ""); err != nil {
		t.Errorf("taking away what nobody has: %v", err)
	}
}

func TestPlan_CanBeAGroupThatOthersMadeForOneService(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("services", map[string]any{"name": "stock", "host": "stock"})
	r.fake.Put("routes", map[string]any{"name": "stock", "service": "stock", "paths": []any{"/stock"}})
	r.fake.Put("plugins", map[string]any{"name": "key-auth", "service": "stock"})
	r.fake.Put("plugins", map[string]any{"name": "acl", "service": "stock", "config": map[string]any{"allow": []any{"partners", "internal"}}})
	plans := map[driver.PlanID]driver.Plan{}
	for p, err := range r.Plans(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		plans[p.ID] = p
	}
	if _, there := plans["internal"]; there || plans["partners"].Name != "partners" || len(plans) != 4 {
		t.Errorf("%v", plans)
	}
	for a, err := range r.APIs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ID == "stock" && (!slices.Equal(a.Plans, []driver.PlanID{"gold", "silver", "open", "partners"}) || a.BaseURL != "http://kong.example:8000/stock") {
			t.Errorf("%+v", a)
		}
	}
	key := r.granted("gold").Secret
	r.plan("shop", "stock", "partners")
	r.wantStatus("/stock", key, 200)
	for api, want := range map[driver.APIID]driver.PlanID{"stock": "partners", "orders": "gold", "payments": ""} {
		if got, err := r.PlanOf(t.Context(), "shop", api); err != nil || got != want {
			t.Errorf("the plan of %s is %q, %v", api, got, err)
		}
	}
	if got, err := r.PlanOf(t.Context(), "nobody", "stock"); got != "" || err != nil {
		t.Error(got, err)
	}
	r.plan("shop", "stock", "gold")
	r.plan("shop", "stock", "")
	r.wantStatus("/stock", key, 403)
	r.wantStatus("/orders", key, 200)
}

func TestPublish_LetsNobodyInUntilAPlanIsGivenAndKeepsWhatOthersAdd(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	key := r.granted("gold").Secret
	p := driver.Publication{ID: "stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}, Tags: []string{"beta", "a,b"}}
	made, err := r.Publish(t.Context(), p)
	if err != nil || made.BaseURL != "http://kong.example:8000/stock" || made.ID != "stock" {
		t.Fatalf("%+v %v", made, err)
	}
	r.wantStatus("/stock", "", 401)
	r.wantStatus("/stock", key, 403)
	r.plan("shop", "stock", "gold")
	r.wantStatus("/stock", key, 200)
	patched := r.admin(http.MethodPatch, "/plugins/"+stableID("acl", stableID("service", "stock")), `{"config":{"allow":["partners","stock:gold"]}}`)
	tuned := r.admin(http.MethodPatch, "/services/stock", `{"retries":1}`)
	p.Upstream = "http://stock.internal"
	if _, err := r.Publish(t.Context(), p); err != nil || patched != 200 || tuned != 200 {
		t.Fatal(patched, tuned, err)
	}
	r.wantStatus("/stock", key, 200)
	var now map[string]any
	if err := r.get(t.Context(), &now, "services", "stock"); err != nil || now["retries"] != 1.0 || now["path"] != nil || now["port"] != 80.0 {
		t.Errorf("%v %v", now, err)
	}
	if _, err := r.Publish(t.Context(), driver.Publication{ID: "a/b", Upstream: p.Upstream, Paths: p.Paths}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
}

func TestOptions_RefusePlansThatKongCannotKeep(t *testing.T) {
	for text, plan := range map[string]driver.Plan{
		"letters, digits":    {ID: "a b"},
		"more than no":       {ID: "a", Limits: []driver.Limit{{Window: time.Minute}}},
		"two limits":         {ID: "a", Limits: []driver.Limit{{Requests: 1, Window: time.Minute}, {Requests: 2, Window: time.Minute}}},
		"cannot be lower":    {ID: "a", Limits: []driver.Limit{{Requests: 9, Window: time.Minute}, {Requests: 2, Window: time.Hour}}},
		"no window of 5m0s;": {ID: "a", Limits: []driver.Limit{{Requests: 9, Window: 5 * time.Minute}}},
	} {
		if _, err := New(Options{Name: "eu", Plans: []driver.Plan{plan}}); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := New(Options{Policy: "redis"}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	if _, err := New(Options{Plans: []driver.Plan{{ID: "a"}, {ID: "a"}}}); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
}
