package search

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// BenchmarkQuery answers what a person types, on 10,000 documents.
func BenchmarkQuery(b *testing.B) {
	e := newTestEngine(b, nil, Type{Name: "software-catalog", Fields: catalogFields, Source: generated(10_000)})
	for _, q := range []string{"", "term=p", "term=pay", "term=payment", "term=paymnet+ordre", "term=team-77", "term=zzzzzz",
		"term=payment&filters[kind]=API", "term=&filters[lifecycle]=production", "term=payment&pageCursor=OTk="} {
		b.Run(q, func(b *testing.B) {
			parsed, err := ParseQuery(q, e.TypeNames(), testLimits)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := e.Query(b.Context(), guest, parsed)
				if err != nil {
					b.Fatal(err)
				}
				e.render(r)
			}
		})
	}
}

// BenchmarkRoute is the same through the edge, without a network.
func BenchmarkRoute(b *testing.B) {
	e := newTestEngine(b, nil, Type{Name: "software-catalog", Fields: catalogFields, Source: generated(10_000)})
	s := serve(b, e)
	for b.Loop() {
		if res := httpxtest.Do(b, s, "GET", "/api/search/query?term=payment", ""); res.StatusCode != 200 {
			b.Fatal(res.StatusCode)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		s := generated(n)
		t := Type{Name: "c", Fields: catalogFields, Source: s}
		b.Run(fmt.Sprintf("build/%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := newIndex(t, slog.New(slog.DiscardHandler)).update(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("one-change/%d", n), func(b *testing.B) {
			ix := newIndex(t, slog.New(slog.DiscardHandler))
			for i := 0; b.Loop(); i++ {
				s.put(fmt.Sprint("k", i%100), "changed", "", "", "", "", "", "", "", "/x")
				if err := ix.update(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
