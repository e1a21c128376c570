package insight_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

// kept is a real ledger of charges.
func kept(t *testing.T, charges []ledger.Charge) *ledger.Ledger {
	t.Helper()
	l, err := ledger.OpenAt(t.Context(), t.TempDir(), func() time.Time { return (day + 3).Time() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err = l.Replace(t.Context(), ledger.Batch{Source: "cloud", Run: "1"}, func(yield func(ledger.Charge, error) bool) {
		for _, c := range charges {
			if c.Period = c.Day.Period(); !yield(c, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAllocation_OfTheLedgerIsThatOfItsChargesOneByOne(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 11))
		m := &memory{complete: day, charges: randomCharges(random, 200+random.IntN(800))}
		actual := &insight.Costs{Ledger: kept(t, m.charges), Now: costs(m).Now}
		d := randomDirectory(random)
		q := ledger.Query{From: day - 3, To: day + 1}
		want, err := costs(m).Allocate(t.Context(), d, q)
		if err != nil {
			t.Fatal(err)
		}
		got, err := actual.Allocate(t.Context(), d, q)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Accounts, want.Accounts) || got.Unallocated != want.Unallocated || got.Total != want.Total {
			t.Fatalf("seed %d:\n got %v and %s of %s\nwant %v and %s of %s", seed, got.Accounts, got.Unallocated, got.Total, want.Accounts, want.Unallocated, want.Total)
		}
		sum := exactly(new(big.Rat), got.Unallocated)
		var refs []string
		for _, a := range got.Accounts {
			exactly(sum, a.Amount)
			refs = append(refs, a.Ref)
		}
		if sum.Cmp(exactly(new(big.Rat), got.Total)) != 0 {
			t.Fatalf("seed %d: shares are %s, the total %s", seed, sum.FloatString(18), got.Total)
		}
		sameScopes(t, d, refs, q, costs(m), actual)
	}
}

// sameScopes compares the costs of entities together, by day and by service.
func sameScopes(t *testing.T, d *insight.Directory, refs []string, q ledger.Query, one, other *insight.Costs) {
	t.Helper()
	q.Granularity, q.GroupBy = ledger.Daily, []ledger.Dimension{ledger.Service}
	for n := range refs {
		s := insight.Scope{Directory: d, Refs: refs[:n+1]}
		a, err := one.Query(t.Context(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := other.Query(t.Context(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		if a.Total != b.Total || len(a.Series) != len(b.Series) {
			t.Fatalf("%v: %s in %d series, %s in %d", s.Refs, a.Total, len(a.Series), b.Total, len(b.Series))
		}
		for i := range a.Series {
			if !slices.Equal(a.Series[i].Points, b.Series[i].Points) {
				t.Fatalf("%v: %v, %v", s.Refs, a.Series[i], b.Series[i])
			}
		}
		shares, err := other.Shares(t.Context(), s, ledger.Query{From: q.From, To: q.To})
		sum, total := new(big.Rat), exactly(new(big.Rat), b.Total)
		for _, share := range shares {
			exactly(sum, share.Amount)
		}
		if err != nil || sum.Cmp(total) != 0 {
			t.Fatalf("%v: shares are %s of %s: %v", s.Refs, sum.FloatString(18), total.FloatString(18), err)
		}
	}
}
