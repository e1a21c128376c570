package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// mortal is a process that dies at one of its steps: a write to the store, or a call to the gateway.
type mortal struct {
	mu    sync.Mutex
	steps int
	// dies is the step, from 1; 0 = never. after: the step still has its effect.
	dies  int
	after bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) before() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps++
	if m.dies > 0 && (m.steps > m.dies || m.steps == m.dies && !m.after) {
		return errDead
	}
	return nil
}

func (m *mortal) afterwards() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dies > 0 && m.steps >= m.dies {
		return errDead
	}
	return nil
}

func (m *mortal) dead() bool { return m.afterwards() != nil }

// haunt puts the process' steps under its fate.
func (r *rig) haunt(m *mortal) {
	r.kv.before, r.kv.after = func(string) error { return m.before() }, func(string) error { return m.afterwards() }
	r.memory.Before = func(context.Context, drivertest.Call) error { return m.before() }
	r.memory.After = func(context.Context, drivertest.Call) error { return m.afterwards() }
}

// told is a secret that somebody has received.
type told struct {
	id     string
	secret sdk.Secret
}

// stories are what a process does until it dies; each adds the secrets that it has told.
var stories = map[string]func(r *rig, app lifecycle.App, k lifecycle.Issued) []told{
	"issue": func(r *rig, a lifecycle.App, _ lifecycle.Issued) []told {
		k, err := r.Issue(r.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann, IdempotencyKey: "1"})
		return r.handOver(k, err)
	},
	"rotate": func(r *rig, _ lifecycle.App, k lifecycle.Issued) []told {
		next, err := r.Rotate(r.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann})
		return r.handOver(next, err)
	},
	"rotate at once": func(r *rig, _ lifecycle.App, k lifecycle.Issued) []told {
		next, err := r.Rotate(r.Context(), lifecycle.Rotation{Credential: k.Credential.ID, By: ann, Grace: new(time.Duration)})
		return r.handOver(next, err)
	},
	"revoke": func(r *rig, _ lifecycle.App, k lifecycle.Issued) []told {
		_, _ = r.Revoke(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann})
		return nil
	},
	"suspend": func(r *rig, _ lifecycle.App, k lifecycle.Issued) []told {
		_, _ = r.SuspendKey(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann})
		_, _ = r.ResumeKey(r.Context(), k.Credential.ID, lifecycle.Ending{By: ann})
		return nil
	},
	"delete": func(r *rig, a lifecycle.App, _ lifecycle.Issued) []told {
		_ = r.DeleteApp(r.Context(), ann, a.ID)
		return nil
	},
	"request": func(r *rig, a lifecycle.App, _ lifecycle.Issued) []told {
		_, _ = r.RequestAccess(r.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "gold", By: ann, AutoApprove: true})
		return nil
	},
}

func (r *rig) handOver(k lifecycle.Issued, err error) []told {
	if err != nil {
		return nil
	}
	_, _ = r.Told(r.Context(), k.Credential.ID)
	return []told{{k.Credential.ID, k.Secret}}
}

func TestKeys_AreNeitherLostNorDoubledWhereverTheProcessDies(t *testing.T) {
	for name := range stories {
		t.Run(name, func(t *testing.T) { dieEverywhere(t, name, func(t *testing.T) *rig { return start(t) }) })
	}
}

func TestSlots_AreNeitherLostNorMixedUpWhereverTheProcessDies(t *testing.T) {
	for _, name := range []string{"issue", "rotate", "rotate at once", "revoke"} {
		t.Run(name, func(t *testing.T) { dieEverywhere(t, name, startSlots) })
	}
}

// dieEverywhere dies at each step of a story, before its effect and after it.
func dieEverywhere(t *testing.T, name string, start func(*testing.T) *rig) {
	t.Helper()
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			if alive := dieAt(t, start(t), name, n, after); alive {
				if n < 4 {
					t.Errorf("the story has %d steps only", n-1)
				}
				return
			}
		}
	}
}

// dieAt runs a story that dies at a step, and what recovery makes of it. It reports whether the story came to its end.
func dieAt(t *testing.T, r *rig, name string, n int, after bool) bool {
	t.Helper()
	a := r.app()
	k := r.key(a.ID)
	m := &mortal{dies: n, after: after}
	r.haunt(m)
	secrets := append(stories[name](r, a, k), told{k.Credential.ID, k.Secret})
	alive := !m.dead()
	r.haunt(&mortal{})
	r.calm()
	r.consistent()
	for _, s := range secrets {
		c := r.credential(s.id)
		if accepted := r.presents(s.secret) == 200; accepted != (c.State == lifecycle.Active || c.State == lifecycle.Retiring) {
			t.Errorf("died at step %d (after its effect: %t): credential %s is %s (%s), and its secret accepted: %t", n, after, c.ID, c.State, c.Reason, accepted)
		}
	}
	r.settled(name, a, n)
	if t.Failed() {
		t.Fatalf("died at step %d, after its effect: %t", n, after)
	}
	return alive
}

// settled checks that what was begun has come to one of its ends.
func (r *rig) settled(name string, a lifecycle.App, n int) {
	r.Helper()
	all, err := r.Credentials(r.Context(), a.ID)
	if err != nil {
		r.Fatal(err)
	}
	for _, c := range all {
		if c.Intent != nil || c.State == lifecycle.Issuing {
			r.Errorf("credential %s is left at %s: %+v", c.ID, c.State, c.Intent)
		}
	}
	open, err := r.OpenRequests(r.Context())
	if err != nil || len(open) != 0 {
		r.Errorf("requests are left open: %+v, %v", open, err)
	}
	now, err := r.App(r.Context(), a.ID)
	if err == nil && now.Deleting {
		r.Errorf("the application is still being deleted")
	}
	plan, _ := r.memory.PlanOf(r.Context(), a.ID, "billing")
	if g, _ := now.Grant("edge", "billing"); name == "request" && g.Plan != plan {
		r.Errorf("plan %q is noted, and the gateway has %q", g.Plan, plan)
	}
	if name == "issue" && len(all) > 2 || len(r.gw.Alive()) > 2 {
		r.Errorf("%d credentials and %d keys after %s (step %d)", len(all), len(r.gw.Alive()), name, n)
	}
}

func TestIssue_ThatTheGatewayCarriesOutLateIsTakenBack(t *testing.T) {
	r := start(t)
	a := r.app()
	var late func()
	r.memory.Before = func(_ context.Context, c drivertest.Call) error {
		if c.Method != "IssueKey" || late != nil {
			return nil
		}
		late = func() {
			req := driverRequest(c)
			if _, err := r.memory.IssueKey(t.Context(), req); err != nil {
				t.Error(err)
			}
		}
		return apierror.New(apierror.ServiceUnavailable, "no answer in time")
	}
	_, err := r.Issue(t.Context(), lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann})
	wantErr(t, err, sdk.ErrServiceUnavailable, "no answer in time")
	r.sweep()
	late()
	if n := len(r.gw.Alive()); n != 1 {
		t.Fatalf("%d keys", n)
	}
	r.calm()
	r.consistent()
}

func TestGateway_ThatIsDownIsToldLater(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a.ID)
	down := true
	r.memory.Before = func(_ context.Context, c drivertest.Call) error {
		if down && (c.Method == "RevokeKey" || c.Method == "SetPlan") {
			return apierror.New(apierror.ServiceUnavailable, "connection refused")
		}
		return nil
	}
	_, err := r.Revoke(t.Context(), k.Credential.ID, lifecycle.Ending{By: ann, Reason: "leaked"})
	wantErr(t, err, sdk.ErrServiceUnavailable, "as soon as the gateway can be reached: connection refused")
	req, err := r.RequestAccess(t.Context(), lifecycle.AccessRequest{App: a.ID, Gateway: "edge", API: "billing", Plan: "gold", By: ann, AutoApprove: true})
	wantErr(t, err, sdk.ErrServiceUnavailable, "granted as soon as")
	if req.Status != lifecycle.Granting || req.Trouble != "connection refused" {
		t.Errorf("%+v", req)
	}
	r.clock.Advance(5 * time.Minute)
	for range 3 {
		if s, err := r.Sweep(t.Context()); err == nil || s.Waiting != 2 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	down = false
	r.calm()
	if c := r.credential(k.Credential.ID); c.State != lifecycle.Revoked || c.Reason != "leaked" || c.EndedBy != ann {
		t.Errorf("%+v", c)
	}
	if req, err := r.Request(t.Context(), req.ID); err != nil || req.Status != lifecycle.Granted || req.Trouble != "" {
		t.Errorf("%+v, %v", req, err)
	}
	tries := 0
	for _, e := range r.events {
		if e.What == "key.revoke" && e.Failed {
			tries++
		}
	}
	if tries != 1 {
		t.Errorf("one trouble is in the trail %d times", tries)
	}
	r.consistent()
}

func TestSecret_ThatIsNotHandedOnIsRevoked(t *testing.T) {
	r := start(t)
	a := r.app()
	ask := lifecycle.KeyRequest{App: a.ID, Gateway: "edge", API: "orders", By: ann}
	for what, leave := range map[string]func(id string) error{
		"silently": func(string) error { return nil },
		"openly":   func(id string) error { return r.Untold(t.Context(), id, "the caller has gone") },
	} {
		k, err := r.Issue(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if err := leave(k.Credential.ID); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		r.calm()
		if c := r.credential(k.Credential.ID); c.State != lifecycle.Failed || c.Reason == "" {
			t.Errorf("%s: %+v", what, c)
		}
		r.wantStatus(k.Secret, 401, fmt.Sprintf("a key that was left %s", what))
		_, err = r.Told(t.Context(), k.Credential.ID)
		wantErr(t, err, sdk.ErrConflict, "not being told")
	}
	r.consistent()
}
