package apim

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func TestSetPlan_SaysWhichProductLacksTheAPI(t *testing.T) {
	r := start(t, nil)
	r.issue(t, "starter")
	if err := r.SetPlan(t.Context(), "shop", "stock", "starter"); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "product starter does not have API stock") {
		t.Errorf("got %v", err)
	}
	if err := r.SetPlan(t.Context(), "shop", "orders", noAccess); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("the product without APIs is a plan: %v", err)
	}
	if err := r.SetPlan(t.Context(), "nobody", "orders", "starter"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("an application that is not there: %v", err)
	}
	if err := r.SetPlan(t.Context(), "nobody", "orders", ""); err != nil {
		t.Errorf("take access from an application that is not there: %v", err)
	}
}

func TestSetPlan_KeepsGrantsOfOthersAndNotes(t *testing.T) {
	r := start(t, nil)
	r.issue(t, "starter")
	var all sync.WaitGroup
	for api, plan := range map[driver.APIID]driver.PlanID{"orders": "gold", "stock": "partner"} {
		all.Go(func() {
			if err := r.SetPlan(t.Context(), "shop", api, plan); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var u user
	if err := r.get(t.Context(), []string{"users", userID("shop")}, &u); err != nil {
		t.Fatal(err)
	}
	want := map[driver.APIID]driver.PlanID{"orders": "gold", "stock": "partner"}
	if diff := cmp.Diff(want, u.granted()); diff != "" || !strings.HasPrefix(u.Properties.Note, "Application of the portal, owned by group:default/shop\n") {
		t.Errorf("%s the note is %q", diff, u.Properties.Note)
	}
}

func TestSetPlan_LeavesAKeyForEverythingWhereItIsStillNeeded(t *testing.T) {
	r := start(t, nil)
	r.issue(t, "starter")
	for _, api := range []driver.APIID{"orders", "stock"} {
		if err := r.SetPlan(t.Context(), "shop", api, "gold"); err != nil {
			t.Fatal(err)
		}
	}
	k, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Plan: "gold", Operation: op2})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		api    driver.APIID
		status int
	}{{"stock", 200}, {"orders", 401}} {
		if err := r.SetPlan(t.Context(), "shop", step.api, ""); err != nil {
			t.Fatal(err)
		}
		if got := r.call(t, k.Secret); got != step.status {
			t.Errorf("without %s the key is answered %d", step.api, got)
		}
	}
}

func TestPlanOf_SeesWhatSomebodyElseChanged(t *testing.T) {
	r := start(t, nil)
	is := func(want driver.PlanID) {
		t.Helper()
		if got, err := r.PlanOf(t.Context(), "shop", "orders"); got != want || err != nil {
			t.Errorf("got plan %q, %v, want %q", got, err, want)
		}
	}
	is("")
	k := r.issue(t, "starter")
	is("starter") // a key that no grant is for
	if err := r.SetPlan(t.Context(), "shop", "orders", "gold"); err != nil {
		t.Fatal(err)
	}
	is("gold")
	s, err := r.subscription(t.Context(), string(k.ID))
	if err != nil {
		t.Fatal(err)
	}
	for _, product := range []string{"partner", noAccess} {
		if err := r.move(t.Context(), "shop", s, product); err != nil {
			t.Fatal(err)
		}
		is(driver.PlanID(strings.TrimSuffix(product, noAccess)))
	}
	if err := r.SetPlan(t.Context(), "shop", "orders", "gold"); err != nil {
		t.Fatal(err)
	}
	is("gold")
}

func TestDriver_LeavesKeysOfOthersAlone(t *testing.T) {
	r := start(t, nil)
	k := r.issue(t, "starter")
	foreign, secret := r.fake.Subscribe(userID("shop"), "starter")
	for _, app := range []driver.AppID{"other", "sho"} {
		if err := r.RevokeKey(t.Context(), app, k.ID); err != nil {
			t.Error(err)
		}
		if err := r.SuspendKey(t.Context(), app, k.ID, true); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("suspend another's key: %v", err)
		}
		if _, err := r.RotateKey(t.Context(), app, k.ID, op2); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("rotate another's key: %v", err)
		}
		if err := r.RetireSlot(t.Context(), app, k.ID); err != nil {
			t.Error(err)
		}
	}
	if err := r.RevokeKey(t.Context(), "shop", "master"); err != nil {
		t.Error(err)
	}
	if err := r.SetPlan(t.Context(), "shop", "orders", ""); err != nil {
		t.Fatal(err)
	}
	if got := r.call(t, sdk.Secret(secret)); got != 200 {
		t.Errorf("the foreign key %s is answered %d", foreign, got)
	}
	if got := r.call(t, k.Secret); got != 401 {
		t.Errorf("the key without access is answered %d", got)
	}
}
