package kong

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/sdk"
)

const operationA, operationB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

// app makes an application known.
func (r *rig) app(id driver.AppID) driver.AppID {
	r.t.Helper()
	if err := r.EnsureConsumer(r.t.Context(), driver.App{ID: id, Name: string(id), Owner: "group:default/x"}); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// granted makes the application shop known and gives it a plan of orders and a key.
func (r *rig) granted(plan driver.PlanID) driver.IssuedKey {
	r.t.Helper()
	r.plan(r.app("shop"), "orders", plan)
	return r.issue(driver.KeyRequest{App: "shop", API: "orders", Operation: operationA, Secret: "secret-of-32-characters-for-shop"})
}

func (r *rig) plan(app driver.AppID, api driver.APIID, plan driver.PlanID) {
	r.t.Helper()
	if err := r.SetPlan(r.t.Context(), app, api, plan); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) issue(request driver.KeyRequest) driver.IssuedKey {
	r.t.Helper()
	k, err := r.IssueKey(r.t.Context(), request)
	if err != nil {
		r.t.Fatal(err)
	}
	return k
}

// call presents a key to the data plane of a node.
func call(node *kongfake.Server, path string, key sdk.Secret) *http.Response {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	if key != "" {
		req.Header.Set("apikey", key.Reveal())
	}
	w := httptest.NewRecorder()
	node.Gateway().ServeHTTP(w, req)
	return w.Result()
}

func (r *rig) wantStatus(path string, key sdk.Secret, want int) {
	r.t.Helper()
	for i, node := range r.nodes {
		if got := call(node, path, key).StatusCode; got != want {
			r.t.Errorf("node %d answers %d to %s, want %d", i, got, path, want)
		}
	}
}

func TestConsumer_ThatOthersMadeIsLeftAlone(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.fake.Put("consumers", map[string]any{"username": "shop"})
	r.fake.Put("services", map[string]any{"name": "theirs", "host": "theirs"})
	err := r.EnsureConsumer(t.Context(), driver.App{ID: "shop"})
	if !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "that the portal did not make") {
		t.Error(err)
	}
	_, err = r.Publish(t.Context(), driver.Publication{ID: "theirs", Upstream: "http://x", Paths: []string{"/x"}})
	if !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
}

func TestKey_EndsAndIsSuspendedWithItsTimeToLive(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	r.plan(r.app("shop"), "orders", "gold")
	const secret = "a-secret-of-more-than-32-characters"
	k := r.issue(driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret, Label: "ci, nightly/build", Expires: epoch.Add(time.Hour)})
	r.clock.Advance(20 * time.Minute)
	listed := r.only("shop")
	if !listed.Expires.Equal(epoch.Add(time.Hour)) || listed.Label != "ci nightly build" || listed.Prefix != "a-secret" || !listed.Created.Equal(epoch) {
		t.Errorf("%+v", listed)
	}
	for range 2 {
		if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err != nil {
			t.Fatal(err)
		}
	}
	r.wantStatus("/orders", secret, 401)
	r.wantStatus("/orders", "suspended-"+secret, 401)
	if s := r.only("shop"); !s.Suspended || s.Prefix != listed.Prefix || !s.Expires.Equal(listed.Expires) {
		t.Errorf("%+v", s)
	}
	if again := r.issue(driver.KeyRequest{App: "shop", Operation: operationA, Secret: secret}); again.Secret != secret || !again.Suspended {
		t.Errorf("the operation of a suspended key: %+v", again.Key)
	}
	if err := r.SuspendKey(t.Context(), "shop", k.ID, false); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", secret, 200)
	r.clock.Advance(40 * time.Minute)
	r.wantStatus("/orders", secret, 401)
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: operationB, Expires: r.clock.Now()})
	if !errors.Is(err, sdk.ErrInput) {
		t.Errorf("a key that has expired: %v", err)
	}
	forever := r.issue(driver.KeyRequest{App: "shop", Operation: operationB, Expires: r.clock.Now().Add(10 * 365 * day)})
	if !forever.Expires.IsZero() || len(forever.Secret) < 32 {
		t.Errorf("longer than Kong can: %+v", forever.Key)
	}
}

// only is the one key of an application.
func (r *rig) only(app driver.AppID) driver.Key {
	r.t.Helper()
	var all []driver.Key
	for k, err := range r.Keys(r.t.Context(), app) {
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, k)
	}
	if len(all) != 1 {
		r.t.Fatalf("%d keys", len(all))
	}
	return all[0]
}

func TestKey_OfSomebodyElseIsAConflictThatDoesNotTellIt(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	k := r.granted("gold")
	r.app("other")
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: k.Secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(fmt.Sprintf("%+v", err), k.Secret.Reveal()) {
		t.Error(err)
	}
	_, err = r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: "../key-auths", Secret: k.Secret})
	if !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	if err := r.RevokeKey(t.Context(), "other", k.ID); err != nil {
		t.Error(err)
	}
	r.wantStatus("/orders", k.Secret, 200) // one application cannot take another's key away
}

func TestKey_GoesOnForAsLongAsDataPlanesKnowIt(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{}, 1)
	k := r.granted("gold")
	r.fake.Delay(5 * time.Second)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", k.Secret, 200)
	r.clock.Advance(5 * time.Second)
	r.wantStatus("/orders", k.Secret, 401)
}

// admin calls the Admin API as an operator does.
func (r *rig) admin(method, path, body string) int {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Kong-Admin-Token", adminToken)
	w := httptest.NewRecorder()
	r.fake.ServeHTTP(w, req)
	return w.Code
}
