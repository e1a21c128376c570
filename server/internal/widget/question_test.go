package widget

import (
	"net/url"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// FuzzQuestion: whatever stands in an address is a question within bounds, or an InputError.
func FuzzQuestion(f *testing.F) {
	f.Add("entityRef=component:default/a&range=7d&lang=de&tz=Europe/Berlin&w=300&h=100&theme=dark&level=2&scale=3")
	f.Add("from=2026-11-01T00:00:00Z&to=1793577600000&maxPoints=100&args={}")
	f.Add("lang=x-y-z&tz=../../etc/passwd&w=-1&from=9e99")
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r, o, err := readQuestion("a/b", q, now)
		if err != nil {
			if apierror.NameOf(err) != apierror.Input {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if !o.Theme.Known() || o.Width > 4096 || o.Height > 4096 || o.Scale > 3 || o.Level > 6 || r.MaxPoints > 100_000 ||
			!r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
			t.Fatalf("%q: %+v %+v", query, r, o)
		}
	})
}
