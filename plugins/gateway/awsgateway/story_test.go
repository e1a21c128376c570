package awsgateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/gateway/awsgateway/awsfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func operation(n int) string { return fmt.Sprintf("11111111-0000-4000-8000-%012d", n) }

func request(n int) driver.KeyRequest {
	return driver.KeyRequest{App: "shop", API: orders, Plan: awsfake.Basic, Operation: operation(n), Label: "checkout", Secret: sdk.Secret(fmt.Sprintf("own0123456789own0123456789own%d", n))}
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

func TestDriver_WaitsWhereItIsThrottled(t *testing.T) {
	const body = `{"message":"Too Many Requests"}`
	for name, c := range map[string]struct {
		fault  gatewayfake.Fault
		paused []time.Duration
		fails  bool
	}{
		"twice":           {gatewayfake.Fault{Status: 429, Body: body, Times: 2}, []time.Duration{firstPause, 2 * firstPause}, false},
		"as it asks":      {gatewayfake.Fault{Status: 429, Body: body, RetryAfter: "3", Times: 1}, []time.Duration{3 * time.Second}, false},
		"at once":         {gatewayfake.Fault{Status: 429, Body: body, RetryAfter: "0", Times: 1}, []time.Duration{0}, false},
		"too long":        {gatewayfake.Fault{Status: 429, Body: body, RetryAfter: "60", Times: 1}, nil, true},
		"always":          {gatewayfake.Fault{Status: 429, Body: body}, []time.Duration{firstPause, 2 * firstPause, 4 * firstPause, 8 * firstPause}, true},
		"of another kind": {gatewayfake.Fault{Status: 503, Body: body, Times: 1}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			c.fault.ContentType = "application/json"
			undo := r.fake.Set(c.fault)
			err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"})
			if (err != nil) != c.fails || err != nil && !errors.Is(err, sdk.ErrServiceUnavailable) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(c.paused, *r.paused, cmp.Transformer("none", func(d []time.Duration) []string {
				texts := []string{}
				for _, one := range d {
					texts = append(texts, one.String())
				}
				return texts
			})); diff != "" {
				t.Error(diff)
			}
			undo()
			if r.ensure(t); len(r.fake.Calls()) == 0 {
				t.Error("nothing was asked")
			}
		})
	}
}

func TestIssueKey_SaysThatTheAccountHasEnough(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	for n := range 199 {
		r.fake.Create(fmt.Sprint("other", n), awsfake.Open)
	}
	_, err := r.IssueKey(t.Context(), request(1))
	if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "has as many as the account may have: API Key limit exceeded") || len(*r.paused) > 0 {
		t.Errorf("got %v after waiting %v", err, *r.paused)
	}
}

func TestDriver_SaysWhichSettingIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"secret":     {func(o *Options) { o.SecretAccessKey = "wrong" }, "lack the right to do that: The request signature we calculated does not match"},
		"access key": {func(o *Options) { o.AccessKeyID = "AKIDOTHER" }, "The security token included in the request is invalid"},
		"region":     {func(o *Options) { o.Region = "us-east-1" }, "The request signature we calculated does not match"},
		"slow clock": {func(o *Options) { later(o, -time.Hour) }, "the clocks of this host and of AWS differ: Signature expired"},
		"fast clock": {func(o *Options) { later(o, time.Hour) }, "the clocks of this host and of AWS differ: Signature not yet current"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.change)
			for _, err := range []error{r.Health(t.Context()), r.RevokeKey(t.Context(), "shop", "x"), r.SetPlan(t.Context(), "shop", orders, "")} {
				if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
	for _, o := range []Options{{Region: "europe", AccessKeyID: "a", SecretAccessKey: "s"}, {Region: "eu-central-1", SecretAccessKey: "s"}, {Region: "eu-central-1", AccessKeyID: "a"}, {Region: "x.evil.example/-1", AccessKeyID: "a", SecretAccessKey: "s"}} {
		if _, err := New(o); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%+v is taken", o)
		}
	}
}

func later(o *Options, d time.Duration) {
	now := o.Now
	o.Now = func() time.Time { return now().Add(d) }
}

func TestIssueKey_IsDoneOnceWhateverIsCutOff(t *testing.T) {
	for name, fault := range map[string]gatewayfake.Fault{
		"before the key is made":      {Method: "POST", Path: "/apikeys", Status: 503, Times: 1},
		"after the key was made":      {Method: "POST", Path: "/apikeys", Status: 201, Cut: true, After: true, Times: 1},
		"before it is put into plans": {Method: "POST", Path: "/usageplans", Status: 503, Times: 1},
		"after it was put into plans": {Method: "POST", Path: "/usageplans", Status: 201, Cut: true, After: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.ensure(t)
			defer r.fake.Set(fault)()
			if _, err := r.IssueKey(t.Context(), request(1)); err == nil {
				t.Fatal("what was cut off is taken for success")
			}
			k := r.issue(t, request(1))
			if k.Secret != request(1).Secret || r.call(t, k.Secret) != 200 {
				t.Errorf("the key is answered %d", r.call(t, k.Secret))
			}
			if keys := collect(t, r.Keys(t.Context(), "shop")); len(keys) != 1 {
				t.Errorf("one operation left %d keys", len(keys))
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
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("keys %v", ids)
			break
		}
	}
}

func TestIssueKey_DoesNotGiveBackWhatWasTakenAway(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, request(1))
	r.grant(t, orders, awsfake.Gold)
	again := r.issue(t, request(1))
	if plan, err := r.PlanOf(t.Context(), "shop", orders); again.ID != k.ID || plan != awsfake.Gold || err != nil {
		t.Errorf("the key %s is in plan %s, %v", again.ID, plan, err)
	}
}

func TestSetPlan_ChangesTheKeysOfItsAPIOnly(t *testing.T) {
	const stock = driver.APIID(awsfake.Stock + "/prod")
	r := start(t, nil)
	r.ensure(t)
	r.grant(t, orders, awsfake.Gold)
	r.grant(t, stock, awsfake.Gold)
	of := request(1)
	of.Plan = awsfake.Gold
	ordersKey := r.issue(t, of)
	other := request(2)
	other.API, other.Plan = stock, awsfake.Gold
	stockKey := r.issue(t, other)
	everything := request(3)
	everything.API, everything.Plan = "", ""
	both := r.issue(t, everything)
	for _, step := range []struct {
		plan                driver.PlanID
		orders, stock, both []string
	}{
		{awsfake.Gold, []string{awsfake.Gold}, []string{awsfake.Gold}, []string{awsfake.Gold}},
		{"", nil, []string{awsfake.Gold}, []string{awsfake.Gold}},
		{awsfake.Basic, []string{awsfake.Basic}, []string{awsfake.Gold}, nil},
	} {
		err := r.SetPlan(t.Context(), "shop", orders, step.plan)
		if step.both == nil { // both plans have orders, and the key for everything still needs the one
			if !errors.Is(err, sdk.ErrConflict) {
				t.Errorf("%q: %v", step.plan, err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if got, err := r.PlanOf(t.Context(), "shop", stock); got != awsfake.Gold || err != nil {
			t.Errorf("%q: stock has plan %q, %v", step.plan, got, err)
		}
		for id, want := range map[driver.KeyID][]string{ordersKey.ID: step.orders, stockKey.ID: step.stock, both.ID: {awsfake.Gold}} {
			if diff := cmp.Diff(want, r.plansAt(t, id)); diff != "" {
				t.Errorf("%q: key %s: %s", step.plan, id, diff)
			}
		}
	}
}

func (r rig) plansAt(t *testing.T, key driver.KeyID) []string {
	t.Helper()
	var ids []string
	for p, err := range all[usagePlan](t.Context(), r.Driver, "/usageplans", map[string][]string{"keyId": {string(key)}}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	return ids
}

func TestPlanOf_SeesWhatSomebodyElseChanged(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	is := func(want driver.PlanID) {
		t.Helper()
		if got, err := r.PlanOf(t.Context(), "shop", orders); got != want || err != nil {
			t.Errorf("got plan %q, %v, want %q", got, err, want)
		}
	}
	is("")
	r.grant(t, orders, awsfake.Basic)
	is(awsfake.Basic)
	k := r.issue(t, request(1))
	is(awsfake.Basic)
	if err := r.manage(t, http.MethodDelete, "usageplans", awsfake.Basic, "keys", string(k.ID)); err != nil {
		t.Fatal(err)
	}
	is("")
	if err := r.join(t.Context(), apiKey{ID: string(k.ID)}, []driver.PlanID{awsfake.Gold}); err != nil {
		t.Fatal(err)
	}
	is(awsfake.Gold)
	r.grant(t, orders, awsfake.Basic)
	is(awsfake.Basic)
}

// manage changes the gateway as somebody with its console would.
func (r rig) manage(t *testing.T, method string, path ...string) error {
	t.Helper()
	return r.Driver.call(t.Context(), rest.Request{Method: method, Path: rest.Path(path...)}, nil)
}

func TestDriver_LeavesKeysOfOthersAlone(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, request(1))
	marker := ""
	for one, err := range all[apiKey](t.Context(), r.Driver, "/apikeys", nil) {
		if n, own := one.named(); err == nil && own && n.operation == "" {
			marker = one.ID
		}
	}
	for app, key := range map[driver.AppID]driver.KeyID{"other": k.ID, "sho": k.ID, "shop": driver.KeyID(marker)} {
		if err := r.RevokeKey(t.Context(), app, key); err != nil {
			t.Error(err)
		}
		if err := r.SuspendKey(t.Context(), app, key, key == k.ID); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("%s suspends %s: %v", app, key, err)
		}
	}
	if got := r.call(t, k.Secret); got != 200 {
		t.Errorf("the key is answered %d", got)
	}
	if _, err := r.IssueKey(t.Context(), request(2)); err != nil {
		t.Errorf("the application has gone: %v", err)
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
	}{{0, 200}, {29 * time.Second, 200}, {time.Second, 403}} {
		r.clock.Advance(step.later)
		if got := r.call(t, k.Secret); got != step.status {
			t.Errorf("after %v: %d", step.later, got)
		}
	}
}

func TestDriver_EndsWhateverTheControlPlaneAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"null": `null`, "a list": `[]`, "a text": `"x"`, "nothing": ``, "an empty object": `{}`, "half": `{"item":[`, "wrong types": `{"id":7,"item":{},"tags":[]}`,
		"a page that is its own next": `{"item":[],"position":"x"}`,
		"entries of nothing":          `{"item":[null,{}],"id":null}`,
		"keys of others":              `{"item":[{"id":"k","name":"cb~shop","customerId":"callboard:other"},{"id":"k2","name":"cb~shop~~x","customerId":"callboard:other"}]}`,
		"times out of range":          `{"item":[{"id":"k","name":"cb~shop~~x","customerId":"callboard:shop","createdDate":1e300}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			k := r.issue(t, request(1))
			defer r.fake.Set(gatewayfake.Fault{Status: 200, ContentType: "application/json", Body: body})()
			if issued, err := r.IssueKey(t.Context(), request(2)); err == nil {
				t.Errorf("a key is issued: %+v", issued.Key)
			}
			if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err == nil {
				t.Error("a key is suspended")
			}
			if q, err := r.Quota(t.Context(), "shop", orders); err == nil {
				t.Errorf("a quota is told: %+v", q)
			}
			_ = r.SetPlan(t.Context(), "shop", orders, awsfake.Gold)
			_, _ = r.PlanOf(t.Context(), "shop", orders)
			for key, err := range r.Keys(t.Context(), "") {
				if err == nil && (key.Operation == "" || !key.Created.IsZero()) {
					t.Errorf("listed %+v", key)
				}
			}
			for _, err := range r.APIs(t.Context()) {
				_ = err
			}
			for _, err := range r.Plans(t.Context()) {
				_ = err
			}
		})
	}
}
