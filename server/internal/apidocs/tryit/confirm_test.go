package tryit

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func put(token string) string {
	return `{"body":"{}","contentType":"application/json","confirm":"` + token + `",` + one + `}`
}

// TestConfirmation is what holds of confirmations on every database.
func TestConfirmation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Run("HoldsOnEveryReplicaAndOnce", func(t *testing.T) { holdsEverywhere(t, db) })
		t.Run("LetsOneOfManyThrough", func(t *testing.T) { letsOneThrough(t, db) })
		t.Run("KeepsTheNewestOfAViewer", func(t *testing.T) { keepsTheNewest(t, db) })
		t.Run("KeepsHashesAlone", func(t *testing.T) { keepsHashes(t, db) })
		t.Run("RefusesMoreThanThereIsRoomFor", func(t *testing.T) { refusesMore(t, db) })
	})
}

// replicas are two hosts on one database.
func replicas(t *testing.T, db *store.DB) (r *rig, first, second *Engine) {
	r = start(t)
	first = r.replica(r.engine.Settings, db)
	if err := fillQuestions(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return r, first, r.replica(r.engine.Settings, db)
}

func (r *rig) question(e *Engine, p *principal.Principal) string {
	r.t.Helper()
	_, q, err := r.tryAt(e, p, "put", put(""))
	if err != nil || q == nil {
		r.t.Fatal("it was not asked", err)
	}
	return q.Token
}

func holdsEverywhere(t *testing.T, db *store.DB) {
	r, first, second := replicas(t, db)
	token := r.question(first, guest)
	restarted := r.replica(first.Settings, db)
	for i, e := range []*Engine{second, first, second, restarted} {
		a, q, err := r.tryAt(e, guest, "put", put(token))
		if sent := a != nil; err != nil || sent != (i == 0) || sent == (q != nil) {
			t.Errorf("use %d: %v %v %v", i, a, q, err)
		}
	}
	token = r.question(first, guest)
	r.now = r.now.Add(confirmable)
	if a, _, err := r.tryAt(second, guest, "put", put(token)); a != nil || err != nil {
		t.Errorf("after its time: %v %v", a, err)
	}
	if n := len(r.up.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func letsOneThrough(t *testing.T, db *store.DB) {
	r, first, second := replicas(t, db)
	token := r.question(first, guest)
	op, _ := r.doc.Operation("put")
	ask := &Ask{Body: new(string), ContentType: "application/json", Confirm: token, Params: Params{Path: map[string]string{"id": "1"}}}
	*ask.Body = "{}"
	var sent atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			e := first
			if i%2 == 1 {
				e = second
			}
			a, _, err := e.Try(t.Context(), guest, r.entity, op, ask)
			if err != nil {
				t.Error(err)
			}
			if a != nil {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	if sent.Load() != 1 || len(r.up.requests()) != 1 {
		t.Errorf("%d were sent, %d came", sent.Load(), len(r.up.requests()))
	}
}

func keepsTheNewest(t *testing.T, db *store.DB) {
	r, first, _ := replicas(t, db)
	other := &principal.Principal{Kind: principal.User, Subject: "user:default/other"}
	theirs := r.question(first, other)
	var tokens []string
	for range mostOpenOf + 1 {
		r.now = r.now.Add(time.Millisecond)
		tokens = append(tokens, r.question(first, guest))
	}
	for _, c := range []struct {
		token string
		holds bool
	}{{tokens[1], true}, {tokens[mostOpenOf], true}, {tokens[0], false}} { // the last one is asked again
		if a, _, err := r.tryAt(first, guest, "put", put(c.token)); err != nil || (a != nil) != c.holds {
			t.Errorf("sent: %v, want %v: %v", a != nil, c.holds, err)
		}
	}
	if a, _, err := r.tryAt(first, other, "put", put(theirs)); a == nil || err != nil {
		t.Errorf("what another viewer was asked is forgotten: %v", err)
	}
}

func keepsHashes(t *testing.T, db *store.DB) {
	r, first, _ := replicas(t, db)
	token := r.question(first, guest)
	var rows []questionRow
	if err := db.Read().NewSelect().Model(&rows).Scan(t.Context()); err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	for _, secret := range []string{token, "guest", "orders"} {
		if strings.Contains(fmt.Sprint(rows), secret) {
			t.Errorf("%q is in the database: %v", secret, rows)
		}
	}
}

func refusesMore(t *testing.T, db *store.DB) {
	r, first, _ := replicas(t, db)
	rows := make([]questionRow, 0, mostOpen)
	for i := range mostOpen {
		rows = append(rows, questionRow{TokenHash: fmt.Sprint("t", i), Request: "r", Asker: "a", ExpiresAt: r.now.Add(confirmable).UnixMilli()})
	}
	if err := fillQuestions(t.Context(), db, rows); err != nil {
		t.Fatal(err)
	}
	if _, q, err := r.tryAt(first, guest, "put", put("")); q != nil || err == nil || !strings.Contains(err.Error(), "wait to be confirmed") {
		t.Errorf("%v %v", q, err)
	}
	r.now = r.now.Add(confirmable) // all of them have ended
	r.question(first, guest)
}

func TestNew_NeedsNoDatabaseWhereNothingCanBeTried(t *testing.T) {
	e, err := New(t.Context(), Options{Settings: ReadSettings(config.FromYAML("{}"))})
	if err != nil {
		t.Fatal(err)
	}
	_ = e.Close()
}
