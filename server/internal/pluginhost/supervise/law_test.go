package supervise

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestLaws walks at random through orders, crashes, hangs and requests, and holds the laws of the package's comment.
func TestLaws(t *testing.T) {
	walks := 300
	if testing.Short() {
		walks = 60
	}
	for seed := range walks {
		synctest.Test(t, func(t *testing.T) { walk(t, uint64(seed)) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

type walker struct {
	*story
	chance *rand.Rand
	held   map[*fake]int       // leases by instance
	until  map[*fake]time.Time // when an old one's grace ends
}

func walk(t *testing.T, seed uint64) {
	w := &walker{story: begin(t, 0), chance: rand.New(rand.NewPCG(seed, 7)), held: map[*fake]int{}, until: map[*fake]time.Time{}}
	w.slow(time.Duration(w.chance.IntN(2000)) * time.Millisecond)
	var leases []Lease
	for range 60 {
		leases = w.step(leases)
		synctest.Wait()
		w.check()
	}
	for _, l := range leases {
		l.Release()
	}
	w.over()
}

func (w *walker) step(leases []Lease) []Lease {
	all := w.all()
	pick := func() *fake { return all[w.chance.IntN(len(all))] }
	version := fmt.Sprintf("%d.0.0", w.chance.IntN(4))
	switch n := w.chance.IntN(14); {
	case n == 0:
		_ = w.Take(w.t.Context(), w.release(version, fmt.Sprint(w.chance.IntN(3))))
	case n == 1:
		go func() { _ = w.Swap(w.t.Context(), w.release(version, "s")) }()
	case n == 2:
		go func() { _ = w.Restart(w.t.Context()) }()
	case n == 3 && w.chance.IntN(3) == 0:
		go func() { _ = w.Stop(w.t.Context()) }()
	case n == 4:
		states := []State{Broken, Rejected, NeedsApproval, NeedsConfig}
		_ = w.Refuse(w.t.Context(), Refusal{states[w.chance.IntN(4)], "chance", w.chance.IntN(3) == 0})
	case n == 5 && len(all) > 0:
		pick().die("chance")
	case n == 6 && len(all) > 0:
		f := pick()
		f.with(func() { f.hung = !f.hung })
	case n == 7 && len(all) > 0:
		f := pick()
		f.with(func() { f.refuses, f.drain = !f.refuses, time.Duration(w.chance.IntN(40))*time.Second })
	case n == 8:
		if w.chance.IntN(2) == 0 {
			w.fail(version, failure{"chance"})
		} else {
			w.fail(version, nil)
		}
	case n < 11:
		if now := w.serving.Load(); now != nil {
			if l, err := w.Acquire(w.t.Context()); err == nil {
				w.held[l.Instance().(*fake)]++
				leases = append(leases, l)
			}
		}
	case n == 11 && len(leases) > 0:
		i := w.chance.IntN(len(leases))
		w.held[leases[i].Instance().(*fake)]--
		leases[i].Release()
		leases = append(leases[:i], leases[i+1:]...)
	default:
		time.Sleep(time.Duration(w.chance.IntN(8000)) * time.Millisecond)
	}
	return leases
}

// check holds what must be true whenever nothing moves.
func (w *walker) check() {
	w.t.Helper()
	now, shown := w.serving.Load(), w.Snapshot()
	if (now != nil) != shown.State.Serves() {
		w.t.Errorf("state %s with current %v", shown.State, now != nil)
	}
	for _, f := range w.all() {
		f.mu.Lock()
		dead, hung := f.reason != "" && f.reason != "stopped", f.hung
		f.mu.Unlock()
		stopped, quickly := f.stopped.Load(), f.quickly.Load()
		current := now != nil && now.instance == f
		switch {
		case current && stopped > 0:
			w.t.Errorf("%s is current and was stopped", f.name)
		case current && dead:
			w.t.Errorf("%s is current and dead", f.name)
		case stopped > 1:
			w.t.Errorf("%s was stopped %d times", f.name, stopped)
		case !current && w.held[f] > 0 && w.until[f].IsZero():
			w.until[f] = time.Now().Add(w.policy.Grace - 8*time.Second) // it was current at the last look, 8 s ago at most
		}
		if stopped > 0 && w.held[f] > 0 && !dead && !hung && !quickly && time.Now().Before(w.until[f]) {
			w.t.Errorf("%s was stopped with %d requests and time left", f.name, w.held[f])
		}
	}
}
