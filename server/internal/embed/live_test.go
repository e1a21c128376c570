package embed

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestRun_FollowsOtherReplicasAndEndsWithItsContext(t *testing.T) {
	db := storetest.SQLite(t)
	one, two := newRig(t, db), newRig(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { two.Run(ctx); close(done) }()
	token, page := one.minted(t, Request{App: "portal"})
	if err := one.Revoke(t.Context(), ci, token.ID); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); two.Holds(page.Embed) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the revocation is not known elsewhere")
		}
	}
	cancel()
	<-done
}

func TestClean_ForgetsWhatHasEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.minted(t, Request{App: "portal"})
		if _, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary", ExpiresIn: 60}); err != nil {
			t.Fatal(err)
		}
		if err := r.db.clean(t.Context(), r.clock.now()); err != nil {
			t.Fatal(err)
		}
		if text := storetest.Dump(t, db, "embed_"); !strings.Contains(text, "portal") || !strings.Contains(text, "cost/summary") {
			t.Errorf("what has not ended is gone:\n%s", text)
		}
		if err := r.db.clean(t.Context(), r.clock.now().Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if text := storetest.Dump(t, db, "embed_"); strings.Contains(text, "ci") && strings.Contains(text, "portal") || strings.Contains(text, "cost/summary") {
			t.Errorf("what has ended is kept:\n%s", text)
		}
	})
}

func TestAudit_NamesTokensByIdAndNeverHoldsOne(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	token, page := r.minted(t, Request{App: "portal"})
	next, err := r.Refresh(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.Mint(t.Context(), other, Request{App: "portal"})
	made, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Revoke(t.Context(), ci, token.ID); err != nil {
		t.Fatal(err)
	}
	text := r.log.String()
	for _, want := range []string{`"event":"mint"`, `"event":"refresh"`, `"event":"revoke"`, `"event":"capability"`, "embed token refused", token.ID, next.ID, made.ID} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not tell of %s", want)
		}
	}
	secret := made.URL[strings.LastIndexByte(made.URL, '/')+1:]
	for _, canary := range []string{token.Token, next.Token, "canary-credential", strings.TrimSuffix(secret, ".svg")} {
		if strings.Contains(text, canary) || strings.Contains(storetest.Dump(t, r.DB, "embed_"), canary) {
			t.Errorf("the log or the database holds %q", canary)
		}
	}
}
