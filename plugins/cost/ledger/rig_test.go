package ledger

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/money"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(importerVariable); dir != "" {
		importForever(dir)
	}
	goleak.VerifyTestMain(m)
}

// noon is when the tests' imports happen.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func openTest(t *testing.T) *Ledger {
	t.Helper()
	l, err := open(t.Context(), t.TempDir(), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// usage is a charge of a service on a day.
func usage(day, service, amount string, tags ...string) Charge {
	d, err := ParseDay(day)
	if err != nil {
		panic(err)
	}
	a := money.MustParse(amount)
	c := Charge{
		Period: d.Period(), Day: d, Provider: "AWS", BillingAccount: "100", BillingAccountName: "Marram", SubAccount: "200", SubAccountName: "booking",
		Service: service, ServiceCategory: "Compute", Region: "eu-north-1", Category: "Usage", Currency: "EUR",
		Effective: a, Billed: a, List: a.Add(a), Contracted: a,
	}
	m := map[string]string{}
	for i := 0; i+1 < len(tags); i += 2 {
		m[tags[i]] = tags[i+1]
	}
	c.Tags = TagsOf(m)
	return c
}

func stream(list ...Charge) iter.Seq2[Charge, error] {
	return func(yield func(Charge, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func replace(t *testing.T, l *Ledger, source, run string, list ...Charge) Import {
	t.Helper()
	i, err := l.Replace(t.Context(), Batch{Source: source, Run: run, FocusVersion: "1.2"}, stream(list...))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func query(t *testing.T, l *Ledger, q Query) Result {
	t.Helper()
	if q.To == 0 {
		q.From, q.To = Date(2026, 1, 1), Date(2027, 1, 1)
	}
	r, err := l.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// list writes a result's series as "keys: total", in the order of GroupBy.
func list(r Result, by ...Dimension) []string {
	var lines []string
	for _, s := range r.Series {
		line := ""
		for _, d := range by {
			line += s.Keys[d] + " "
		}
		if s.Other {
			line = fmt.Sprintf("other %d ", s.Groups)
		}
		lines = append(lines, line+s.Total.String())
	}
	return lines
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// random are charges of a few months in which everything varies.
func random(seed uint64, n int) []Charge {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	amount := func() money.Amount {
		if r.IntN(50) == 0 {
			return money.FromBinary(r.Int64N(64)-32, r.Uint64(), money.Places) // too wide for 64 bits
		}
		return money.FromScaled(r.Int64N(2_000_000)-200_000, r.IntN(9))
	}
	list := make([]Charge, n)
	for i := range list {
		day := Date(2026, 8, 1) + Day(r.IntN(100))
		tags := map[string]string{}
		for _, key := range []string{"team", "service", "environment"} {
			if r.IntN(3) > 0 {
				tags[key] = key + pick("-a", "-b", "-c", "")
			}
		}
		list[i] = Charge{
			Period: day.Period(), Day: day, Provider: pick("AWS", "Microsoft", "Google Cloud"), BillingAccount: pick("1", "2"),
			SubAccount: pick("", "s1", "s2", "s3"), Service: pick("EC2", "S3", "RDS", "Lambda", ""), Region: pick("north", "west"),
			Resource: fmt.Sprint("r-", r.IntN(60)), Category: pick("Usage", "Usage", "Tax", "Credit"), Currency: "EUR", Tags: TagsOf(tags),
			Effective: amount(), Billed: amount(), List: amount(), Contracted: amount(), Carbon: money.FromScaled(r.Int64N(1000), 3), HasCarbon: r.IntN(2) == 0,
		}
		if !list[i].HasCarbon {
			list[i].Carbon = money.Amount{}
		}
	}
	return list
}
