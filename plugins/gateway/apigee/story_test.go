package apigee

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func operation(n int) string { return fmt.Sprintf("11111111-0000-4000-8000-%012d", n) }

func request(n int) driver.KeyRequest {
	return driver.KeyRequest{App: "shop", API: "orders", Plan: "basic", Operation: operation(n), Label: "checkout\n of  the shop", Secret: sdk.Secret(fmt.Sprintf("own0123456789own0123456789own%d", n))}
}

func (r rig) ensure(t *testing.T) {
	t.Helper()
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop", Name: "Shop", Owner: "group:default/shop"}); err != nil {
		t.Fatal(err)
	}
}

func (r rig) issue(t *testing.T, request driver.KeyRequest) driver.IssuedKey {
	t.Helper()
	r.ensure(t)
	k, err := r.IssueKey(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (r rig) grant(t *testing.T, api driver.APIID, plan driver.PlanID) {
	t.Helper()
	if err := r.SetPlan(t.Context(), "shop", api, plan); err != nil {
		t.Fatal(err)
	}
}

func collect[T any](t *testing.T, list func(func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

const developer = "portal@callboard.invalid"

func TestIssueKey_IsDoneOnceWhateverIsCutOff(t *testing.T) {
	keys := "/v1/organizations/contoso/developers/" + developer + "/apps/shop/keys"
	for name, fault := range map[string]gatewayfake.Fault{
		"before the key is made":     {Path: keys, Status: 503, Times: 1},
		"after the key was made":     {Path: keys, Status: 201, Cut: true, After: true, Times: 1},
		"before it gets its product": {Path: keys + "/own", Status: 503, Times: 1},
		"after it got its product":   {Path: keys + "/own", Status: 200, Cut: true, After: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.ensure(t)
			fault.Method = http.MethodPost
			defer r.fake.Set(fault)()
			_, err := r.IssueKey(t.Context(), request(1))
			if err == nil {
				t.Fatal("what was cut off is taken for success")
			}
			if strings.Contains(err.Error(), request(1).Secret.Reveal()) {
				t.Errorf("%v tells the key", err)
			}
			k := r.issue(t, request(1))
			if k.Secret != request(1).Secret || r.call(t, k.Secret) != 200 {
				t.Errorf("the key is answered %d", r.call(t, k.Secret))
			}
			listed := collect(t, r.Keys(t.Context(), "shop"))
			want := driver.Key{ID: k.ID, App: "shop", Operation: operation(1), Label: "checkout of the shop", Prefix: "own012", Created: r.clock.Now()}
			if diff := cmp.Diff([]driver.Key{want}, listed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIssueKey_IsDoneOnceByManyAtOnce(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	var all sync.WaitGroup
	ids := make([]driver.KeyID, 8)
	for n := range ids {
		all.Go(func() {
			k, err := r.IssueKey(t.Context(), request(1))
			if ids[n] = k.ID; err != nil || k.Secret != request(1).Secret {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if keys := collect(t, r.Keys(t.Context(), "shop")); len(keys) != 1 || keys[0].Operation != operation(1) {
		t.Errorf("left %+v", keys)
	}
}

func TestIssueKey_LeavesAKeyOfAnotherAppAlone(t *testing.T) {
	r := start(t, nil)
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	of := request(1)
	of.App = "other"
	if _, err := r.IssueKey(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	r.ensure(t)
	if _, err := r.IssueKey(t.Context(), request(1)); !errors.Is(err, sdk.ErrConflict) || strings.Contains(err.Error(), of.Secret.Reveal()) {
		t.Errorf("got %v", err)
	}
}

func TestEnsureConsumer_LeavesNoKeyThatApigeeMade(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	a, err := r.app(t.Context(), "shop")
	if err != nil || len(a.Credentials) != 0 || a.Attributes.get(ownerAttribute) != "group:default/shop" || a.Attributes.get("DisplayName") != "Shop" {
		t.Errorf("the app is %+v, %v", a, err)
	}
	other := start(t, nil)
	undo := other.fake.Set(gatewayfake.Fault{Method: http.MethodDelete, Status: 503})
	if err := other.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); err == nil {
		t.Error("a key was left, and nobody is told")
	}
	undo()
	if keys := collect(t, other.Keys(t.Context(), "shop")); len(keys) != 0 {
		t.Errorf("a key that opens nothing is told: %+v", keys)
	}
}

func TestKeys_AreSuspendedByAnyOfThreeStatuses(t *testing.T) {
	for name, c := range map[string]struct {
		key, product bool // whose status it is; none = the app's
		resume       error
	}{
		"the app's":     {false, false, sdk.ErrConflict},
		"the key's":     {true, false, nil},
		"the product's": {true, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			k := r.issue(t, request(1))
			key, product := "", ""
			if c.key {
				key = k.Secret.Reveal()
			}
			if c.product {
				product = "basic"
			}
			r.fake.SetStatus(developer, "shop", key, product, "revoked")
			if listed := collect(t, r.Keys(t.Context(), "shop")); !listed[0].Suspended || r.call(t, k.Secret) != 401 {
				t.Errorf("listed %+v, answered %d", listed, r.call(t, k.Secret))
			}
			if err := r.SuspendKey(t.Context(), "shop", k.ID, false); !errors.Is(err, c.resume) {
				t.Errorf("resume: %v, want %v", err, c.resume)
			}
		})
	}
}

func TestDriver_RespectsProductsThatAskForApproval(t *testing.T) {
	r := start(t, nil)
	of := request(1)
	of.Plan = "partner"
	k := r.issue(t, of)
	if !k.Suspended || r.call(t, k.Secret) != 401 {
		t.Errorf("a key that waits for approval: %+v", k.Key)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "waits for approval") {
		t.Errorf("the driver approves by itself: %v", err)
	}
	r.fake.SetStatus(developer, "shop", k.Secret.Reveal(), "partner", "approved")
	if got := r.call(t, k.Secret); got != 200 {
		t.Errorf("an approved key is answered %d", got)
	}
}

func TestSetPlan_ChangesTheKeysOfItsAPIOnly(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	r.grant(t, "orders", "gold")
	r.grant(t, "stock", "gold")
	of, other, everything := request(1), request(2), request(3)
	of.Plan, other.Plan, everything.Plan = "gold", "gold", "gold"
	other.API, everything.API = "stock", ""
	keys := map[string]driver.IssuedKey{"orders": r.issue(t, of), "stock": r.issue(t, other), "all": r.issue(t, everything)}
	foreign := r.fake.Create(developer, "shop", "gold")
	for _, step := range []struct {
		plan        driver.PlanID
		orders, all []string
	}{
		{"gold", []string{"gold"}, []string{"gold"}},
		{"basic", []string{"basic"}, []string{"gold", "basic"}},
		{"", nil, []string{"gold"}},
	} {
		r.grant(t, "orders", step.plan)
		if got, err := r.PlanOf(t.Context(), "shop", "stock"); got != "gold" || err != nil {
			t.Errorf("%q: stock has plan %q, %v", step.plan, got, err)
		}
		for name, want := range map[string][]string{"orders": step.orders, "stock": {"gold"}, "all": step.all} {
			if diff := cmp.Diff(want, r.productsOf(t, keys[name].Secret.Reveal())); diff != "" {
				t.Errorf("%q: key of %s: %s", step.plan, name, diff)
			}
		}
		if diff := cmp.Diff([]string{"gold"}, r.productsOf(t, foreign)); diff != "" {
			t.Errorf("%q: the foreign key: %s", step.plan, diff)
		}
	}
	if k := r.issue(t, of); k.Operation != operation(1) || k.Label == "" {
		t.Errorf("the key has lost its attributes: %+v", k.Key)
	}
}

func (r rig) productsOf(t *testing.T, key string) (names []string) {
	t.Helper()
	a, err := r.app(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := a.find(func(c credential) bool { return c.Key == key })
	for _, p := range c.Products {
		names = append(names, p.Name)
	}
	return names
}

func TestPlanOf_SeesWhatSomebodyElseChanged(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	is := func(want driver.PlanID) {
		t.Helper()
		if got, err := r.PlanOf(t.Context(), "shop", "orders"); got != want || err != nil {
			t.Errorf("got plan %q, %v, want %q", got, err, want)
		}
	}
	is("")
	r.grant(t, "orders", "basic")
	is("basic")
	k := r.issue(t, request(1))
	is("basic")
	if err := r.Driver.call(t.Context(), rest.Request{Method: http.MethodDelete, Path: r.appPath("shop", "keys", k.Secret.Reveal(), "apiproducts", "basic")}, nil); err != nil {
		t.Fatal(err)
	}
	is("")
	a, err := r.app(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.add(t.Context(), "shop", a.Credentials[0], "gold"); err != nil {
		t.Fatal(err)
	}
	is("gold")
	r.grant(t, "orders", "basic")
	is("basic")
	if got, err := r.PlanOf(t.Context(), "nobody", "orders"); got != "" || err != nil {
		t.Errorf("of nobody: %q, %v", got, err)
	}
}

func TestGateway_SeesChangesLate(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, request(1))
	r.fake.SetDelay(30 * time.Second)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		later  time.Duration
		status int
	}{{0, 200}, {29 * time.Second, 200}, {time.Second, 401}} {
		r.clock.Advance(step.later)
		if got := r.call(t, k.Secret); got != step.status {
			t.Errorf("after %v: %d", step.later, got)
		}
	}
}

func TestDriver_TellsAPIsAndPlans(t *testing.T) {
	r := start(t, nil)
	if diff := cmp.Diff([]driver.API{
		{ID: "orders", Name: "orders", Plans: []driver.PlanID{"basic", "gold", "partner"}}, {ID: "stock", Name: "stock", Plans: []driver.PlanID{"gold", "partner"}},
	}, collect(t, r.APIs(t.Context()))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]driver.Plan{
		{ID: "basic", Name: "Basic", Description: "1000 requests a day", Limits: []driver.Limit{{Requests: 1000, Window: 24 * time.Hour}}},
		{ID: "gold", Name: "Gold", Limits: []driver.Limit{{Requests: 1000, Window: time.Minute}}},
		{ID: "partner", Name: "Partner", Approval: true},
	}, collect(t, r.Plans(t.Context()))); diff != "" {
		t.Error(diff)
	}
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"}); err != nil {
		t.Fatal(err)
	}
	if err := r.SetPlan(t.Context(), "shop", "stock", "basic"); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "product basic does not have proxy stock") {
		t.Errorf("got %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   driver.Presentation
	}{
		"as it is":         {nil, driver.Presentation{URL: "https://api.example.com/orders", Header: "x-apikey"}},
		"elsewhere":        {func(o *Options) { o.Environment = "test" }, driver.Presentation{URL: "https://api.example.com/beta/orders", Header: "x-apikey"}},
		"nowhere":          {func(o *Options) { o.Environment = "none" }, driver.Presentation{Header: "x-apikey"}},
		"of an address":    {func(o *Options) { o.GatewayURL = "" }, driver.Presentation{Header: "x-apikey"}},
		"in a query":       {func(o *Options) { o.KeyQuery = "apikey" }, driver.Presentation{URL: "https://api.example.com/orders", Query: "apikey"}},
		"in another place": {func(o *Options) { o.KeyHeader = "X-Key" }, driver.Presentation{URL: "https://api.example.com/orders", Header: "X-Key"}},
	} {
		d := start(t, c.change)
		if got, err := d.Credential(t.Context(), "orders"); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, err := d.Credential(t.Context(), "none"); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("%s: a proxy that is not there: %v", name, err)
		}
	}
}

func TestLimits_AreThoseOfTheQuota(t *testing.T) {
	for name, c := range map[string]struct {
		product product
		want    []driver.Limit
	}{
		"none":           {product{}, nil},
		"two weeks":      {product{Quota: 5, Interval: 2, Unit: "week"}, []driver.Limit{{Requests: 5, Window: 14 * 24 * time.Hour}}},
		"a month":        {product{Quota: 5, Interval: 1, Unit: "MONTH"}, []driver.Limit{{Requests: 5, Window: 30 * 24 * time.Hour}}},
		"of another age": {product{Quota: 5, Interval: 1, Unit: "century"}, nil},
		"negative":       {product{Quota: -5, Interval: 1, Unit: "day"}, nil},
		"endless":        {product{Quota: 5, Interval: 1 << 62, Unit: "day"}, nil},
	} {
		if diff := cmp.Diff(c.want, c.product.limits()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
