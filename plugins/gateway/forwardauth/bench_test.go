package forwardauth

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// silent is a response that is thrown away, so that only the handler is measured.
type silent struct{ h http.Header }

func (s silent) Header() http.Header         { return s.h }
func (s silent) Write(b []byte) (int, error) { return len(b), nil }
func (s silent) WriteHeader(int)             {}

// BenchmarkAuthorize measures a request that is let in, among 10 000 applications with a key each, beside the lookup of a
// text in a map of as many, which is the least that any store of keys does.
func BenchmarkAuthorize(b *testing.B) {
	const apps = 10_000
	p := sdk.New("gateway")
	metrics := NewMetrics(p)
	h := plugintest.Start(b, p)
	d, err := New(Options{
		Name: "edge", Store: p.Host().KV, APIs: []API{{ID: "orders"}}, Metrics: metrics, Now: h.Clock.Now,
		Plans: []Plan{{ID: "gold", Limits: []Limit{{1e12, Minute, false}, {1e14, Month, false}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := d.load(b.Context()); err != nil {
		b.Fatal(err)
	}
	bare, secrets := map[string]int{}, make([]string, apps)
	full := d.index.Load().without("")
	for n := range apps {
		app := driver.AppID("app-" + itoa(n))
		k, secret, err := newKey(driver.KeyRequest{App: app, Operation: string(app)}, h.Clock.Now())
		if err != nil {
			b.Fatal(err)
		}
		secrets[n] = secret.Reveal()
		bare[secrets[n]] = n
		full.add(d.prepare(&record{ID: app, version: 1, Keys: []key{k}, Access: map[driver.APIID]driver.PlanID{"orders": "gold"}}))
	}
	d.index.Store(full)

	b.Run("map lookup", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			if _, ok := bare[secrets[n%apps]]; !ok {
				b.Fatal("missing")
			}
		}
	})
	b.Run("decision", func(b *testing.B) {
		b.ReportAllocs()
		api, now := d.apis["orders"], h.Clock.Now()
		for n := 0; b.Loop(); n++ {
			if got := d.decide(question{api: api, secret: sdk.Secret(secrets[n%apps])}, now); got.status != 200 {
				b.Fatal(got.status)
			}
		}
	})
	b.Run("handler", func(b *testing.B) {
		b.ReportAllocs()
		handler := served(d)
		r := httptest.NewRequest(http.MethodGet, "/authz/edge/orders", nil)
		for n := 0; b.Loop(); n++ {
			r.Header["X-Api-Key"] = []string{secrets[n%apps]}
			handler.ServeHTTP(silent{http.Header{}}, r)
		}
	})
}
