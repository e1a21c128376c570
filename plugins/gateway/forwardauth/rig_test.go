package forwardauth

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the store of a portal and its clock, which any number of hosts share.
type world struct {
	*plugintest.Harness
	t     *testing.T
	store *brittle
}

// brittle is a store that can be down.
type brittle struct {
	Store

	down atomic.Bool
	puts func(key string) error // called before each write; nil = nothing
}

var errDown = errors.New("the database is locked")

func (b *brittle) Get(ctx context.Context, key string) (sdk.Stored, error) {
	if b.down.Load() {
		return sdk.Stored{}, errDown
	}
	return b.Store.Get(ctx, key)
}

func (b *brittle) Put(ctx context.Context, key string, data []byte, o ...sdk.PutOptions) (int64, error) {
	if b.down.Load() {
		return 0, errDown
	}
	if b.puts != nil {
		if err := b.puts(key); err != nil {
			return 0, err
		}
	}
	return b.Store.Put(ctx, key, data, o...)
}

func (b *brittle) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if b.down.Load() {
		return func(yield func(string, error) bool) { yield("", errDown) }
	}
	return b.Store.Keys(ctx, prefix)
}

func newWorld(t *testing.T) *world {
	p := sdk.New("gateway")
	h := plugintest.Start(t, p)
	return &world{h, t, &brittle{Store: p.Host().KV}}
}

var sample = Options{
	Name: "edge",
	APIs: []API{
		{ID: "orders", Name: "Orders", URL: "https://api.example.com/orders", Query: "key"},
		{ID: "billing", URL: "https://api.example.com/billing", Header: "X-Token", Scheme: "Key", Plans: []driver.PlanID{"gold"}},
	},
	Plans: []Plan{
		{ID: "bronze", Limits: []Limit{{Requests: 5, Window: Day}, {Requests: 100, Window: Month}}},
		{ID: "gold", Limits: []Limit{{Requests: 1000, Window: Day}}},
		{ID: "each", Limits: []Limit{{Requests: 2, Window: Minute, PerKey: true}, {Requests: 3, Window: Hour}}},
		{ID: "free"},
	},
}

// host is one more host of the portal.
func (w *world) host(change ...func(*Options)) *Driver {
	w.t.Helper()
	o := sample
	o.Store, o.Now = w.store, w.Clock.Now
	for _, c := range change {
		c(&o)
	}
	d, err := New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// issue gives an application a key.
func (w *world) issue(d *Driver, app driver.AppID, plan driver.PlanID, change ...func(*driver.KeyRequest)) driver.IssuedKey {
	w.t.Helper()
	ctx := w.t.Context()
	if err := d.EnsureConsumer(ctx, driver.App{ID: app, Name: "Café " + string(app), Owner: "group:default/payments"}); err != nil {
		w.t.Fatal(err)
	}
	if err := d.SetPlan(ctx, app, "orders", plan); err != nil {
		w.t.Fatal(err)
	}
	r := driver.KeyRequest{App: app, Operation: "op-" + string(app) + "-" + sdk.Secret(w.t.Name()).Reveal()}
	for _, c := range change {
		c(&r)
	}
	k, err := d.IssueKey(ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// served is the handler as a plugin mounts it.
func served(hosts ...*Driver) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Pattern, Handler(func(name string) *Driver {
		for _, d := range hosts {
			if d.Name() == name {
				return d
			}
		}
		return nil
	}))
	return mux
}

// request asks about one; headers are names and values.
func request(d *Driver, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	served(d).ServeHTTP(w, r)
	return w
}

// uses presents a key to the API orders.
func uses(d *Driver, secret sdk.Secret) int {
	return request(d, "/authz/edge/orders", "X-Api-Key", secret.Reveal()).Code
}

// want compares the statuses of the same request made again and again.
func want(t *testing.T, d *Driver, secret sdk.Secret, statuses ...int) {
	t.Helper()
	for n, status := range statuses {
		if got := uses(d, secret); got != status {
			t.Errorf("request %d is answered %d, want %d", n+1, got, status)
		}
	}
}

func text(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b)
	return b.String()
}
