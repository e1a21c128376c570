package lifecycle_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

func TestKey_LivesFromTheRequestToItsRevocation(t *testing.T) {
	r := start(t)
	a, err := r.CreateApp(t.Context(), ann, lifecycle.AppChange{Name: "1st Web-Shop!", Owner: "Group:default/Shop"}, "")
	if err != nil || !strings.HasPrefix(string(a.ID), "st-web-shop-") || a.Owner != "group:default/shop" {
		t.Fatalf("%+v, %v", a, err)
	}
	ask := lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "orders", Plan: "bronze", By: ann, Reason: "checkout"}
	req, err := r.RequestAccess(t.Context(), ask)
	if err != nil || req.Status != lifecycle.Pending {
		t.Fatalf("%+v, %v", req, err)
	}
	if again, err := r.RequestAccess(t.Context(), ask); err != nil || again.ID != req.ID {
		t.Errorf("asking twice made %s, %v", again.ID, err)
	}
	_, err = r.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann})
	wantErr(t, err, sdk.ErrNotAllowed, "ask for it first")
	if req, err = r.Decide(t.Context(), req.ID, lifecycle.Decision{Approve: true, By: bob, Comment: "fine"}); err != nil || req.Status != lifecycle.Granted {
		t.Fatalf("%+v, %v", req, err)
	}

	k := r.key(a.ID)
	c := k.Credential
	if c.State != lifecycle.Active || c.Plan != "bronze" || !strings.HasPrefix(k.Secret.Reveal(), c.Prefix) || !c.Matches(k.Secret) || !c.Expires.Equal(epoch.Add(30*24*time.Hour)) {
		t.Errorf("%+v", c)
	}
	r.wantStatus(k.Secret, http.StatusOK, "a new key")
	next, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: c.ID, By: ann})
	if err != nil {
		t.Fatal(err)
	}
	r.tell(next)
	r.wantStatus(k.Secret, http.StatusOK, "the old key in its grace")
	r.wantStatus(next.Secret, http.StatusOK, "the new key")
	r.clock.Advance(time.Hour)
	if s := r.sweep(); s.Retired != 1 {
		t.Errorf("%+v", s)
	}
	r.wantStatus(k.Secret, http.StatusUnauthorized, "the old key after its grace")

	if c, err = r.SuspendKey(t.Context(), next.Credential.ID, lifecycle.Ending{By: ann, Secret: next.Secret}); err != nil || c.State != lifecycle.Suspended {
		t.Fatalf("%+v, %v", c, err)
	}
	r.wantStatus(next.Secret, http.StatusUnauthorized, "a suspended key")
	if c, err = r.ResumeKey(t.Context(), c.ID, lifecycle.Ending{By: ann}); err != nil || c.State != lifecycle.Active {
		t.Fatalf("%+v, %v", c, err)
	}
	r.wantStatus(next.Secret, http.StatusOK, "a resumed key")
	if c, err = r.Revoke(t.Context(), c.ID, lifecycle.Ending{By: ann, Reason: "leaked", Secret: next.Secret}); err != nil || c.State != lifecycle.Revoked || c.Reason != "leaked" {
		t.Fatalf("%+v, %v", c, err)
	}
	if len(c.Proofs) != 2 || c.Proofs[1].Result != lifecycle.Refused || c.Proofs[1].By != "request" {
		t.Errorf("%+v", c.Proofs)
	}
	r.consistent()
	r.tellsNoSecret(k.Secret, next.Secret)
	r.wantTrail(a, "app.create", "access.request", "access.approve", "access.grant", "key.issue", "key.rotate", "key.revoke", "key.suspend", "key.resume", "key.revoke")
}

func (r *rig) tellsNoSecret(secrets ...sdk.Secret) {
	r.Helper()
	for _, s := range secrets {
		if strings.Contains(r.kv.text(), s.Reveal()) {
			r.Error("the store has a secret")
		}
	}
}

func (r *rig) wantTrail(a lifecycle.App, want ...string) {
	r.Helper()
	events, err := r.Trail(r.Context(), a.ID, 100)
	if err != nil {
		r.Fatal(err)
	}
	var got []string
	for _, e := range slices.Backward(events) {
		got = append(got, e.What)
	}
	if !slices.Equal(got, want) || len(r.events) != len(want) {
		r.Errorf("the trail is %v, want %v", got, want)
	}
}

func TestRequest_IsHeldAgainstThePolicy(t *testing.T) {
	r := start(t)
	a, err := r.CreateApp(t.Context(), ann, lifecycle.AppChange{Name: "shop", Owner: ann}, "")
	if err != nil {
		t.Fatal(err)
	}
	ask := lifecycle.AccessRequest{App: a.ID, Gateway: "edge", Environment: "production", API: "orders", Plan: "gold", By: ann, Groups: []string{ann}, TTL: 20}
	r.gate.verdict.Critical = []lifecycle.Finding{{Rule: "owner", Message: "a person owns it"}}
	_, err = r.RequestAccess(t.Context(), ask)
	wantErr(t, err, sdk.ErrNotAllowed, "a person owns it (owner)")
	if q := r.gate.asked; q.Plan.Name != "Gold" || q.TTL != 20 || q.App.ID != a.ID || q.Environment != "production" || !q.Now.Equal(epoch) {
		t.Errorf("%+v", q)
	}
	r.gate.verdict = lifecycle.Verdict{Warning: []lifecycle.Finding{{Rule: "quota", Message: "that is a lot"}}, Approval: lifecycle.ApprovalAuto}
	_, err = r.RequestAccess(t.Context(), ask)
	wantErr(t, err, sdk.ErrInput, "that is a lot (quota)")
	ask.Override = "black friday"
	req, err := r.RequestAccess(t.Context(), ask)
	if err != nil || req.Status != lifecycle.Granted || req.DecidedBy != lifecycle.PolicyApproval {
		t.Errorf("%+v, %v", req, err)
	}
	if e := r.events[len(r.events)-3]; !strings.Contains(e.Detail, "black friday") {
		t.Errorf("the override is not in the trail: %+v", e)
	}
	ask.API, ask.TTL = "billing", 0
	if _, err = r.Preview(t.Context(), ask); err != nil || r.gate.asked.TTL != 30 {
		t.Errorf("nobody said how long keys live, and the policy was asked about %d days: %v", r.gate.asked.TTL, err)
	}
	r.gate.err = errors.New("the policy is broken")
	if _, err = r.RequestAccess(t.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "gold", By: ann}); err == nil {
		t.Error("a request passes a broken policy")
	}
	r.gate.err = nil
	_, err = r.RequestAccess(t.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "platinum", By: ann})
	wantErr(t, err, sdk.ErrNotFound, `no plan "platinum"`)
	_, err = r.RequestAccess(t.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "elsewhere", API: "billing", By: ann})
	wantErr(t, err, sdk.ErrNotFound, "elsewhere")
}

func TestRequest_IsDecidedOnce(t *testing.T) {
	r := start(t)
	a := r.app()
	ask := lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "gold", By: ann}
	req, err := r.RequestAccess(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if req, err = r.Decide(t.Context(), req.ID, lifecycle.Decision{By: bob, Comment: "no"}); err != nil || req.Status != lifecycle.Rejected {
		t.Fatalf("%+v, %v", req, err)
	}
	_, err = r.Decide(t.Context(), req.ID, lifecycle.Decision{Approve: true, By: bob})
	wantErr(t, err, sdk.ErrConflict, "rejected already")
	if again, err := r.RequestAccess(t.Context(), ask); err != nil || again.ID == req.ID {
		t.Errorf("a rejected request cannot be made again: %v", err)
	} else if again, err = r.Cancel(t.Context(), again.ID, ann); err != nil || again.Status != lifecycle.Cancelled {
		t.Errorf("%+v, %v", again, err)
	}
	if open, err := r.OpenRequests(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("%v, %v", open, err)
	}
	if all, err := r.Requests(t.Context(), a.ID); err != nil || len(all) != 3 {
		t.Errorf("%d requests, %v", len(all), err)
	}
}

func TestIssue_WithOneIdempotencyKeyMakesOneKey(t *testing.T) {
	r := start(t)
	a := r.app()
	ask := lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann, IdempotencyKey: "1"}
	k, err := r.Issue(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Issue(t.Context(), ask)
	wantErr(t, err, sdk.ErrConflict, "under way")
	r.tell(k)
	again, err := r.Issue(t.Context(), ask)
	if err != nil || !again.Replayed || again.Secret != "" || again.Credential.ID != k.Credential.ID {
		t.Errorf("%+v, %v", again.Credential, err)
	}
	other := ask
	other.Label = "another"
	_, err = r.Issue(t.Context(), other)
	wantErr(t, err, sdk.ErrInput, "another request")
	ask.By = bob // keys of other people are other keys
	if k2, err := r.Issue(t.Context(), ask); err != nil || k2.Credential.ID == k.Credential.ID {
		t.Errorf("%v", err)
	}
	rotation := lifecycle.Rotation{Credential: k.Credential.ID, By: ann, IdempotencyKey: "2"}
	next, err := r.Rotate(t.Context(), rotation)
	if err != nil {
		t.Fatal(err)
	}
	r.tell(next)
	if again, err := r.Rotate(t.Context(), rotation); err != nil || !again.Replayed || again.Credential.ID != next.Credential.ID {
		t.Errorf("%+v, %v", again.Credential, err)
	}
	if n := len(r.gw.Alive()); n != 3 {
		t.Errorf("%d keys", n)
	}
}

func TestKeys_StayWithinWhatIsGranted(t *testing.T) {
	r := start(t)
	a := r.app()
	day := 24 * time.Hour
	_, err := r.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann, TTL: 400 * day})
	wantErr(t, err, sdk.ErrInput, "longer than")
	first := r.key(a.ID)
	r.key(a.ID)
	r.key(a.ID)
	_, err = r.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann})
	wantErr(t, err, sdk.ErrConflict, "3 keys")
	grace := 48 * time.Hour
	_, err = r.Rotate(t.Context(), lifecycle.Rotation{Credential: first.Credential.ID, By: ann, Grace: &grace})
	wantErr(t, err, sdk.ErrInput, "grace")
	grace = 0
	next, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: first.Credential.ID, By: ann, Grace: &grace})
	if err != nil {
		t.Fatal(err)
	}
	r.tell(next)
	r.wantStatus(first.Secret, http.StatusUnauthorized, "a key that was rotated without a grace")
	_, err = r.Rotate(t.Context(), lifecycle.Rotation{Credential: first.Credential.ID, By: ann})
	wantErr(t, err, sdk.ErrConflict, "revoked")
	r.consistent()
}

func TestKeys_EndWhenTheirTimeIsOverWhateverTheGatewayCan(t *testing.T) {
	for name, without := range map[string][]string{"by itself": nil, "by the reaper": {"keyTTL"}} {
		t.Run(name, func(t *testing.T) {
			r := start(t, without...)
			k := r.key(r.app().ID)
			r.clock.Advance(30*24*time.Hour - time.Minute)
			if s := r.sweep(); s.Expired != 0 {
				t.Errorf("%+v", s)
			}
			r.wantStatus(k.Secret, http.StatusOK, "a key before its end")
			r.clock.Advance(time.Minute)
			if s := r.sweep(); s.Expired != 1 {
				t.Errorf("%+v", s)
			}
			c := r.credential(k.Credential.ID)
			if c.State != lifecycle.Expired || len(c.Proofs) != 1 || c.Proofs[0].By != "management" || c.Proofs[0].Result != lifecycle.Refused {
				t.Errorf("%+v", c)
			}
			r.wantStatus(k.Secret, http.StatusUnauthorized, "an expired key")
			r.sweep()
			if n := r.kv.count("due/"); n != 0 {
				t.Errorf("%d entries are left", n)
			}
		})
	}
}

func TestSlots_RotateWithinOneKey(t *testing.T) {
	r := startSlots(t)
	a := r.app()
	k := r.key(a.ID)
	next, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann})
	if err != nil {
		t.Fatal(err)
	}
	r.tell(next)
	r.wantStatus(k.Secret, http.StatusOK, "the old slot in its grace")
	r.wantStatus(next.Secret, http.StatusOK, "the new slot")
	_, err = r.Rotate(t.Context(), lifecycle.Rotation{Credential: next.Credential.ID, By: ann})
	wantErr(t, err, sdk.ErrConflict, "other slot")
	r.clock.Advance(time.Hour)
	r.sweep()
	r.wantStatus(k.Secret, http.StatusUnauthorized, "the old slot after its grace")
	r.wantStatus(next.Secret, http.StatusOK, "the new slot after the grace")
	third, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: next.Credential.ID, By: ann})
	if err != nil {
		t.Fatal(err)
	}
	r.tell(third)
	if _, err := r.Revoke(t.Context(), third.Credential.ID, lifecycle.Ending{By: ann}); err != nil {
		t.Fatal(err)
	}
	if c := r.credential(next.Credential.ID); c.State != lifecycle.Revoked {
		t.Errorf("the slot that shares a revoked key is %s", c.State)
	}
	r.consistent()
}

func TestSlots_GoOnAsBeforeWhenARotationIsGivenUp(t *testing.T) {
	r := startSlots(t)
	k := r.key(r.app().ID)
	lost, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Untold(t.Context(), lost.Credential.ID, "the caller has gone"); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(k.Secret, http.StatusOK, "the key whose rotation was given up")
	r.wantStatus(lost.Secret, http.StatusUnauthorized, "the slot that was given up")
	next, err := r.Rotate(t.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann})
	if err != nil {
		t.Fatal(err)
	}
	r.tell(next)
	r.wantStatus(next.Secret, http.StatusOK, "the new slot")
	r.wantStatus(k.Secret, http.StatusOK, "the old slot in its grace")
	r.calm()
	r.consistent()
}

func TestGateways_ThatCannotSaySo(t *testing.T) {
	r := start(t, "suspend", "rotateDual")
	k := r.key(r.app().ID)
	_, err := r.SuspendKey(t.Context(), k.Credential.ID, lifecycle.Ending{By: ann})
	wantErr(t, err, sdk.ErrNotImplemented, "cannot suspend")
	_, err = r.Rotate(t.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann})
	wantErr(t, err, sdk.ErrNotImplemented, "beside each other")
	if c := r.credential(k.Credential.ID); c.State != lifecycle.Active || c.Intent != nil {
		t.Errorf("%+v", c)
	}
}

func TestProof_SaysHowItWasSeen(t *testing.T) {
	r := start(t)
	a := r.app()
	lagging := 0
	r.o.HTTP = through(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if lagging--; lagging >= 0 {
			w.WriteHeader(http.StatusOK)
			return
		}
		r.gw.ServeHTTP(w, req)
	}))
	e := lifecycle.New(r.o)
	for _, c := range []struct {
		name    string
		lag     int
		secret  bool
		by      string
		result  lifecycle.Outcome
		atLeast int
	}{
		{"a gateway that follows slowly", 4, true, "request", lifecycle.Refused, 4},
		{"a gateway that does not follow", 1000, true, "request", lifecycle.Accepted, 5},
		{"a caller without the secret", 0, false, "management", lifecycle.Refused, 1},
	} {
		k := r.key(a.ID)
		ending := lifecycle.Ending{By: ann}
		if c.secret {
			ending.Secret = k.Secret
		}
		lagging = c.lag
		got, err := e.Revoke(t.Context(), k.Credential.ID, ending)
		if err != nil || len(got.Proofs) != 1 {
			t.Fatalf("%s: %+v, %v", c.name, got, err)
		}
		if p := got.Proofs[0]; p.By != c.by || p.Result != c.result || p.Attempts < c.atLeast || p.Took > 11*time.Second {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	k := r.key(a.ID)
	_, err := e.Revoke(t.Context(), k.Credential.ID, lifecycle.Ending{By: ann, Secret: "guessed"})
	wantErr(t, err, sdk.ErrInput, "not that of credential")
	if err := r.gw.RevokeKey(t.Context(), a.ID, k.Credential.Key); err != nil {
		t.Fatal(err)
	}
	got, err := e.Revoke(t.Context(), k.Credential.ID, lifecycle.Ending{By: ann, Secret: k.Secret})
	if err != nil || got.Proofs[0].By != "management" || !strings.Contains(got.Proofs[0].Detail, "prove nothing") {
		t.Errorf("a gateway that refuses everybody proves something: %+v, %v", got.Proofs, err)
	}
}

func TestApp_IsDeletedWithItsKeysAndAccess(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a.ID)
	if _, err := r.RequestAccess(t.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "gold", By: ann}); err != nil {
		t.Fatal(err)
	}
	if err := r.Withdraw(t.Context(), ann, a.ID, "edge", "orders"); err != nil {
		t.Fatal(err)
	}
	if c := r.credential(k.Credential.ID); c.State != lifecycle.Revoked {
		t.Errorf("%+v", c)
	}
	if plan, err := r.memory.PlanOf(t.Context(), a.ID, "orders"); err != nil || plan != "" {
		t.Errorf("plan %q, %v", plan, err)
	}
	r.access(a.ID, "gold")
	k = r.key(a.ID)
	if err := r.DeleteApp(t.Context(), ann, a.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(k.Secret, http.StatusUnauthorized, "a key of an application that was deleted")
	_, err := r.App(t.Context(), a.ID)
	wantErr(t, err, sdk.ErrNotFound, string(a.ID))
	if open, err := r.OpenRequests(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("%v, %v", open, err)
	}
	r.calm()
}

func TestHosts_DoNotDoTheSameTwice(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a.ID)
	engines := []*lifecycle.Engine{lifecycle.New(r.o), lifecycle.New(r.o)}
	var all sync.WaitGroup
	issued, failed := make([]lifecycle.Issued, 8), make([]error, 8)
	for i := range issued {
		all.Go(func() {
			issued[i], failed[i] = engines[i%2].Rotate(t.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann, IdempotencyKey: "once"})
			if failed[i] == nil && !issued[i].Replayed {
				_, failed[i] = engines[i%2].Told(t.Context(), issued[i].Credential.ID)
			}
		})
	}
	all.Wait()
	told := 0
	for i := range issued {
		if failed[i] == nil && issued[i].Secret != "" {
			told++
		} else if failed[i] != nil && !errors.Is(failed[i], sdk.ErrConflict) {
			t.Error(failed[i])
		}
	}
	if told != 1 {
		t.Errorf("the secret was told %d times", told)
	}
	r.calm()
	r.consistent()
	if n := len(r.gw.Alive()); n != 2 {
		t.Errorf("%d keys, not the old one in its grace and the new one", n)
	}
}
