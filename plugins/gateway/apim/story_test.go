package apim

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/apim/apimfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

const (
	op1 = "11111111-0000-4000-8000-000000000001"
	op2 = "22222222-0000-4000-8000-000000000002"
)

func (r rig) issue(t *testing.T, plan driver.PlanID) driver.IssuedKey {
	t.Helper()
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop", Name: "Shop", Owner: "group:default/shop"}); err != nil {
		t.Fatal(err)
	}
	k, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "orders", Plan: plan, Operation: op1, Label: "checkout [2 x]", Secret: "own0123456789own0123456789own012"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRotateKey_IsDoneOnceWhateverIsCutOff(t *testing.T) {
	const subscriptions = "/subscriptions/" + apimfake.Subscription
	for name, fault := range map[string]gatewayfake.Fault{
		"before the slot is renewed":   {Method: "POST", Status: 503, Times: 1},
		"after the slot was renewed":   {Method: "POST", Status: 200, Cut: true, After: true, Times: 1},
		"before the slot is chosen":    {Method: "PATCH", Status: 503, Times: 1},
		"after the slot was chosen":    {Method: "PATCH", Status: 200, Cut: true, After: true, Times: 1},
		"somebody came between, often": {Method: "PATCH", Status: 412, Body: `{"error":{"code":"PreconditionFailed","message":"x"}}`, Times: conflicts},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			old := r.issue(t, "starter")
			fault.Path = subscriptions
			undo := r.fake.Set(fault)
			if _, err := r.RotateKey(t.Context(), "shop", old.ID, op2); err == nil {
				t.Fatal("what was cut off is taken for success")
			}
			undo()
			next, err := r.RotateKey(t.Context(), "shop", old.ID, op2)
			if err != nil || next.Secret == old.Secret || next.Operation != op2 || next.Label != "checkout (2 x)" {
				t.Fatalf("%+v, %v", next, err)
			}
			if was, is := r.call(t, old.Secret), r.call(t, next.Secret); was != 200 || is != 200 {
				t.Errorf("the old key is answered %d, the new one %d", was, is)
			}
			again, err := r.RotateKey(t.Context(), "shop", old.ID, op2)
			if err != nil || again.Secret != next.Secret {
				t.Errorf("the same rotation again: another key, %v", err)
			}
		})
	}
}

func TestRotateKey_GoesBackAndForthBetweenTheSlots(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, "starter")
	for _, operation := range []string{op2, "33333333-0000-4000-8000-000000000003", "44444444-0000-4000-8000-000000000004"} {
		next, err := r.RotateKey(t.Context(), "shop", k.ID, operation)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.RetireSlot(t.Context(), "shop", k.ID); err != nil {
			t.Fatal(err)
		}
		if was, is := r.call(t, k.Secret), r.call(t, next.Secret); was != 401 || is != 200 {
			t.Errorf("the old key is answered %d, the new one %d", was, is)
		}
		k = next
	}
	for key, err := range r.Keys(t.Context(), "shop") {
		if err != nil || key.Operation != k.Operation || key.Label != "checkout (2 x)" {
			t.Errorf("listed %+v, %v", key, err)
		}
	}
}

func TestSuspendKey_TriesAgainWhereSomebodyCameBetween(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, "starter")
	defer r.fake.Set(gatewayfake.Fault{Method: "PATCH", Status: 412, Times: conflicts - 1})()
	if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err != nil {
		t.Fatal(err)
	}
	if got := r.call(t, k.Secret); got != 401 {
		t.Errorf("a suspended key is answered %d", got)
	}
}

func TestDriver_RespectsWhatTheServiceDecides(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, "partner")
	if !k.Suspended || r.call(t, k.Secret) != 401 {
		t.Errorf("a key that waits for approval: %+v", k.Key)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "waits for approval") {
		t.Errorf("the driver approves by itself: %v", err)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err != nil {
		t.Errorf("suspend what is refused already: %v", err)
	}
	r.fake.SetState(string(k.ID), "active")
	if got := r.call(t, k.Secret); got != 200 {
		t.Errorf("an approved key is answered %d", got)
	}
	r.fake.SetState(string(k.ID), "cancelled")
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("the driver brings back what was cancelled: %v", err)
	}
}

func TestGateway_SeesChangesLate(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, "starter")
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

func TestDriver_RenewsItsToken(t *testing.T) {
	r := start(t, nil)
	for _, end := range []func(){func() {}, func() { r.clock.Advance(2 * time.Hour) }, r.fake.ForgetTokens} {
		end()
		if err := r.Health(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestDriver_SaysWhichSettingIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*Options)
		want        string
		credentials bool
	}{
		"secret":        {func(o *Options) { o.ClientSecret = "wrong" }, "Azure eu: login refuses the plugin's credentials: AADSTS7000215", true},
		"tenant":        {func(o *Options) { o.Tenant = "other" }, "AADSTS90002: Tenant 'other' not found", true},
		"subscription":  {func(o *Options) { o.Subscription = "other" }, "there is no such service; check subscription", false},
		"resourceGroup": {func(o *Options) { o.ResourceGroup = "other" }, "there is no such service", false},
		"service":       {func(o *Options) { o.Service = "other" }, "there is no such service", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.change)
			_, issue := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "orders", Plan: "starter", Operation: op1})
			for _, err := range []error{r.Health(t.Context()), issue, r.RevokeKey(t.Context(), "shop", "x")} {
				if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) || errors.Is(err, rest.ErrCredentials) != c.credentials {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
	for _, change := range []func(*Options){func(o *Options) { o.Service = "" }, func(o *Options) { o.Tenant = "" }, func(o *Options) { o.LoginURL = "login" }} {
		o := Options{Name: "Azure eu", Tenant: "t", ClientID: "c", Subscription: "s", ResourceGroup: "g", Service: "s"}
		if change(&o); func() error { _, err := New(o); return err }() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestDriver_EndsWhateverTheServiceAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"null": `null`, "a list": `[]`, "a text": `"x"`, "nothing": ``, "an empty object": `{}`, "half": `{"value":[`, "wrong types": `{"name":7,"value":{},"properties":[]}`,
		"a page that is its own next": `{"value":[],"nextLink":"https://evil.example/x?$skip=1"}`,
		"no address":                  `{"value":[],"nextLink":"%zz"}`,
		"entries of nothing":          `{"value":[null,{}],"name":null,"properties":null}`,
		"another subscription":        `{"name":"master","properties":{"ownerId":"/users/1","state":"active"},"value":[{"name":"cb~","properties":{"displayName":" [9 x]"}}],"primaryKey":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			k := r.issue(t, "starter")
			defer r.fake.Set(gatewayfake.Fault{Status: 200, ContentType: "application/json", Body: body})()
			if issued, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", API: "orders", Plan: "starter", Operation: op2}); err == nil {
				t.Errorf("a key is issued: %+v", issued.Key)
			}
			if _, err := r.RotateKey(t.Context(), "shop", k.ID, op2); err == nil {
				t.Error("a key is rotated")
			}
			if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err == nil {
				t.Error("a key is suspended")
			}
			_, _ = r.Credential(t.Context(), "orders")
			for _, err := range r.Keys(t.Context(), "") {
				_ = err
			}
			for _, err := range r.APIs(t.Context()) {
				_ = err
			}
			for _, err := range r.Plans(t.Context()) {
				_ = err
			}
			_ = r.SetPlan(t.Context(), "shop", "orders", "gold")
			for _, call := range r.fake.Calls() {
				if strings.Contains(call, "evil") {
					t.Errorf("called %s", call)
				}
			}
		})
	}
}

// The address of a next page is the service's word; where the token goes is not.
func TestAll_FollowsNextPagesToItsOwnServiceOnly(t *testing.T) {
	r := start(t, nil)
	r.issue(t, "starter")
	for range 5 {
		r.fake.Subscribe(userID("shop"), "starter")
	}
	transport := r.options.HTTP.Transport
	own := strings.TrimPrefix(r.options.URL, "http://")
	r.options.HTTP.Transport = watched(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host != own {
			t.Errorf("called %s", req.URL)
		}
		return transport.RoundTrip(req)
	})
	if keys := collect(t, r.Keys(t.Context(), "shop")); len(keys) != 6 {
		t.Errorf("%d keys of 6", len(keys))
	}
}

type watched func(*http.Request) (*http.Response, error)

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }
