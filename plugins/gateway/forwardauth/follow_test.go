package forwardauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// follows looks at the store once, as Run does every Poll.
func follows(t *testing.T, d *Driver) {
	t.Helper()
	if err := d.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestChanges_ActOnThisHostAtOnceAndOnOthersWithTheirNextLook(t *testing.T) {
	w := newWorld(t)
	one, two := w.host(), w.host()
	follows(t, two)
	k := w.issue(one, "shop", "free")
	want(t, one, k.Secret, 200)
	want(t, two, k.Secret, 401)
	follows(t, two)
	want(t, two, k.Secret, 200)
	for _, step := range []struct {
		do     func(*Driver) error
		status int
	}{
		{func(d *Driver) error { return d.SuspendKey(t.Context(), "shop", k.ID, true) }, 403},
		{func(d *Driver) error { return d.SuspendKey(t.Context(), "shop", k.ID, false) }, 200},
		{func(d *Driver) error { return d.SetPlan(t.Context(), "shop", "orders", "") }, 403},
		{func(d *Driver) error { return d.SetPlan(t.Context(), "shop", "orders", "gold") }, 200},
		{func(d *Driver) error { return d.RevokeKey(t.Context(), "shop", k.ID) }, 401},
	} {
		if err := step.do(one); err != nil {
			t.Fatal(err)
		}
		want(t, one, k.Secret, step.status)
		follows(t, two)
		want(t, two, k.Secret, step.status)
	}
}

// A host notes a change, and dies when it has written it: nobody tells the others that it is done.
func TestChanges_OfAHostThatDiesAreFound(t *testing.T) {
	w := newWorld(t)
	one, two := w.host(), w.host()
	k := w.issue(one, "shop", "free")
	follows(t, two)
	w.store.puts = func(key string) error {
		switch {
		case strings.Contains(key, "note/"+after):
			return errors.New("dead")
		case strings.Contains(key, "/app/"):
			follows(t, two) // between the note and the write
		}
		return nil
	}
	if err := one.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	w.store.puts = nil
	follows(t, two)
	want(t, two, k.Secret, 200)
	w.Clock.Advance(settled)
	follows(t, two)
	want(t, two, k.Secret, 401)
}

func TestChanges_ThatEndedWhileNobodyLookedAreFound(t *testing.T) {
	w := newWorld(t)
	one, two := w.host(), w.host()
	k := w.issue(one, "shop", "free")
	follows(t, two)
	w.store.puts = func(key string) error {
		if strings.Contains(key, "/app/") {
			follows(t, two)
		} else if strings.Contains(key, after) {
			return errors.New("dead")
		}
		return nil
	}
	if err := one.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	w.store.puts = nil
	w.Clock.Advance(noteLife + time.Second)
	follows(t, two)
	want(t, two, k.Secret, 401)
}

func TestChanges_OfSeveralHostsAtOnceAreAllKept(t *testing.T) {
	w := newWorld(t)
	first := w.host()
	w.issue(first, "shop", "free")
	var all sync.WaitGroup
	for n := range 6 {
		d := w.host()
		all.Go(func() {
			_, err := d.IssueKey(t.Context(), driver.KeyRequest{App: "shop", Operation: "op" + itoa(n)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	for _, err := range first.Keys(t.Context(), "shop") {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 7 {
		t.Errorf("there are %d keys, want 7", n)
	}
}

func TestStoreOutage_LeavesKnownKeysValidForAWhile(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "free")
	w.store.down.Store(true)
	want(t, d, k.Secret, 200)
	if err := d.follow(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "the database is locked") {
		t.Errorf("an outage is reported as %v", err)
	}
	for name, err := range map[string]error{
		"Health":   d.Health(t.Context()),
		"SetPlan":  d.SetPlan(t.Context(), "shop", "orders", "gold"),
		"Revoke":   d.RevokeKey(t.Context(), "shop", k.ID),
		"NewHosts": w.host().load(t.Context()),
	} {
		if !errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Errorf("%s: %v, want unavailable", name, err)
		}
	}
	w.Clock.Advance(defaultStale + time.Second)
	got := request(d, "/authz/edge/orders", "X-Api-Key", k.Secret.Reveal())
	if got.Code != 503 || got.Header().Get("Retry-After") == "" {
		t.Errorf("after a long outage: %d %v", got.Code, got.Header())
	}
	want(t, w.host(), k.Secret, 503)
	w.store.down.Store(false)
	follows(t, d)
	want(t, d, k.Secret, 200)
}

func TestLoad_IsTriedAgainWhenTheStoreIsBack(t *testing.T) {
	w := newWorld(t)
	k := w.issue(w.host(), "shop", "free")
	d := w.host()
	w.store.down.Store(true)
	want(t, d, k.Secret, 503, 503)
	w.store.down.Store(false)
	want(t, d, k.Secret, 503) // for a second nobody asks again
	w.Clock.Advance(loadAgain)
	want(t, d, k.Secret, 200)
}

func TestRun_BringsChangesToOtherHosts(t *testing.T) {
	w := newWorld(t)
	today := func(o *Options) { o.Now = time.Now }
	one, two := w.host(today), w.host(today)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { two.Run(ctx) })
	defer running.Wait()
	defer stop()
	k := w.issue(one, "shop", "free")
	until := func(status int) time.Duration {
		began := time.Now()
		for uses(two, k.Secret) != status {
			if time.Since(began) > time.Minute {
				t.Fatalf("still not %d", status)
			}
			time.Sleep(5 * time.Millisecond)
		}
		return time.Since(began)
	}
	t.Logf("issued: acts on the other host after %s", until(200))
	if err := one.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	t.Logf("revoked: acts on the other host after %s", until(401))
}
