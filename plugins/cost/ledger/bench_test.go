package ledger

import (
	"fmt"
	"testing"

	"github.com/callboard/callboard/plugins/cost/money"
)

// manyCharges are a year of daily charges of resources.
func manyCharges(n int) func(func(Charge, error) bool) {
	const perDay = 365
	return func(yield func(Charge, error) bool) {
		c := usage("2026-01-01", "EC2", "1")
		first := c.Day
		resources := make([]string, max(1, n/perDay))
		tags := make([]Tags, len(resources))
		for i := range resources {
			resources[i] = fmt.Sprint("arn:aws:ec2:eu-north-1:100:instance/i-", i)
			tags[i] = TagsOf(map[string]string{"team": fmt.Sprint("team-", i%12), "service": fmt.Sprint("service-", i%200)})
		}
		for i := range n {
			r := i % len(resources)
			c.Day = first + Day(i/len(resources)%perDay)
			c.Period = Period(c.Day.Time().Format(periodForm))
			c.Resource, c.Tags = resources[r], tags[r]
			c.Service = resources[r%20]
			c.Effective = money.FromScaled(int64(i)*7919%1_000_000_000, 10)
			if !yield(c, nil) {
				return
			}
		}
	}
}

func BenchmarkReplace(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		l, err := Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Replace(b.Context(), Batch{Source: "aws"}, manyCharges(n)); err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "charges/s")
}

func BenchmarkQuery(b *testing.B) {
	l, err := Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Replace(b.Context(), Batch{Source: "aws"}, manyCharges(1_000_000)); err != nil {
		b.Fatal(err)
	}
	for name, by := range map[string][]Dimension{"service": {Service}, "team and region": {Tag("team"), Region}, "resource": {Resource}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Query(b.Context(), Query{From: Date(2026, 1, 1), To: Date(2027, 1, 1), Granularity: Daily, GroupBy: by, Limit: 10}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
