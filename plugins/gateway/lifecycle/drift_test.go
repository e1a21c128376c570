package lifecycle_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

func (r *rig) drift() map[lifecycle.DifferenceKind]lifecycle.Difference {
	r.Helper()
	d, err := r.Drift(r.Context(), "edge")
	if err != nil {
		r.Fatal(err)
	}
	found := map[lifecycle.DifferenceKind]lifecycle.Difference{}
	for _, f := range d.Findings {
		found[f.Kind] = f
	}
	return found
}

func (r *rig) repair(f lifecycle.Difference, how lifecycle.Repair) {
	r.Helper()
	if err := r.Repair(r.Context(), bob, "edge", f.ID, how); err != nil {
		r.Errorf("repair %s: %v", f.Kind, err)
	}
}

func TestDrift_IsToldAndRepairedWhenSomebodySaysSo(t *testing.T) {
	r := start(t)
	a := r.app()
	gone, paused := r.key(a.ID), r.key(a.ID)
	if found := r.drift(); len(found) != 0 {
		t.Fatalf("a gateway as it should be drifts: %+v", found)
	}
	ctx := t.Context()
	_ = r.gw.RevokeKey(ctx, a.ID, gone.Credential.Key)
	_ = r.gw.SuspendKey(ctx, a.ID, paused.Credential.Key, true)
	_ = r.gw.SetPlan(ctx, a.ID, "orders", "gold")
	foreign := r.memory.Foreign(a.ID)
	orphan, err := r.gw.IssueKey(ctx, driver.KeyRequest{App: a.ID, API: "orders", Operation: "0192d1d0-0000-7000-8000-000000000000", Secret: "somebody else's"})
	if err != nil {
		t.Fatal(err)
	}
	found := r.drift()
	if len(found) != 5 || found[lifecycle.KeyMissing].Credential != gone.Credential.ID || found[lifecycle.KeyForeign].Key != foreign ||
		found[lifecycle.KeyOrphan].Key != orphan.ID || found[lifecycle.KeyState].Credential != paused.Credential.ID || found[lifecycle.PlanDiffers].API != "orders" {
		t.Fatalf("%+v", found)
	}
	wantErr(t, r.Repair(ctx, bob, "edge", found[lifecycle.KeyForeign].ID, lifecycle.RepairForget), sdk.ErrInput, "none of [revoke]")
	wantErr(t, r.Repair(ctx, bob, "edge", "none", lifecycle.RepairForget), sdk.ErrNotFound, "any more")
	r.repair(found[lifecycle.KeyMissing], lifecycle.RepairForget)
	r.repair(found[lifecycle.KeyForeign], lifecycle.RepairRevoke)
	r.repair(found[lifecycle.KeyOrphan], lifecycle.RepairRevoke)
	r.repair(found[lifecycle.KeyState], lifecycle.RepairRestore)
	r.repair(found[lifecycle.PlanDiffers], lifecycle.RepairRestore)
	if found := r.drift(); len(found) != 0 {
		t.Errorf("after the repairs: %+v", found)
	}
	r.wantStatus(paused.Secret, http.StatusOK, "the key that was suspended at the gateway")
	r.consistent()
	if n := len(slices.DeleteFunc(slices.Clone(r.events), func(e lifecycle.Event) bool { return e.What != "drift.repair" })); n != 5 {
		t.Errorf("%d repairs are in the trail", n)
	}
}

func TestDrift_DoesNotTakeWhatIsUnderWayForDrift(t *testing.T) {
	r := start(t)
	a := r.app()
	k, err := r.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann})
	if err != nil {
		t.Fatal(err)
	}
	if found := r.drift(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	r.tell(k)
	if found := r.drift(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}
