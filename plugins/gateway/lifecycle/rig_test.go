package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // failures are what is tested here
	goleak.VerifyTestMain(m)
}

// memoryKV is a key-value store in memory. Before and After surround each write.
type memoryKV struct {
	before, after func(key string) error

	mu      sync.Mutex
	entries map[string]sdk.Stored
	version int64
}

func newKV() *memoryKV { return &memoryKV{entries: map[string]sdk.Stored{}} }

func (kv *memoryKV) Get(_ context.Context, key string) (sdk.Stored, error) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	s, ok := kv.entries[key]
	if !ok {
		return s, apierror.NotFoundf("no key %q", key)
	}
	return s, nil
}

func (kv *memoryKV) write(key string, effect func() error) error {
	if kv.before != nil {
		if err := kv.before(key); err != nil {
			return err
		}
	}
	kv.mu.Lock()
	err := effect()
	kv.mu.Unlock()
	if err == nil && kv.after != nil {
		return kv.after(key)
	}
	return err
}

func (kv *memoryKV) Put(_ context.Context, key string, data []byte, options ...sdk.PutOptions) (int64, error) {
	var version int64
	err := kv.write(key, func() error {
		if len(options) > 0 && options[0].IfVersion != nil && *options[0].IfVersion != kv.entries[key].Version {
			return apierror.Conflictf("key %q has another version", key)
		}
		kv.version++
		version = kv.version
		kv.entries[key] = sdk.Stored{Data: slices.Clone(data), Version: version}
		return nil
	})
	return version, err
}

func (kv *memoryKV) Delete(_ context.Context, key string) error {
	return kv.write(key, func() error { delete(kv.entries, key); return nil })
}

func (kv *memoryKV) Keys(_ context.Context, prefix string) iter.Seq2[string, error] {
	kv.mu.Lock()
	keys := slices.Sorted(maps.Keys(kv.entries))
	kv.mu.Unlock()
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

// text is all that the store holds.
func (kv *memoryKV) text() string {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	var b strings.Builder
	for key, s := range kv.entries {
		fmt.Fprintln(&b, key, string(s.Data))
	}
	return b.String()
}

func (kv *memoryKV) count(prefix string) (n int) {
	for _, err := range kv.Keys(context.Background(), prefix) {
		if err == nil {
			n++
		}
	}
	return n
}

// epoch is when tests begin.
var epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// gate is a policy that says what it is told to.
type gate struct {
	verdict lifecycle.Verdict
	err     error
	asked   lifecycle.Question
}

func (g *gate) Decide(_ context.Context, q lifecycle.Question) (lifecycle.Verdict, error) {
	g.asked = q
	return g.verdict, g.err
}

// gateway is what tests need of a gateway in memory.
type gateway interface {
	driver.Driver
	http.Handler
	Alive() map[driver.KeyID]driver.Key
}

// rig is an engine over a store and a gateway.
type rig struct {
	*testing.T
	*lifecycle.Engine

	o      lifecycle.Options
	kv     *memoryKV
	gw     gateway
	memory *drivertest.Memory
	clock  *plugintest.Clock
	gate   *gate
	mu     sync.Mutex
	events []lifecycle.Event
}

// through is a client whose requests end in a handler.
func through(h http.Handler) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func start(t *testing.T, without ...string) *rig {
	t.Helper()
	c := plugintest.NewClock(epoch)
	m := drivertest.NewMemory(drivertest.MemoryOptions{Name: "edge", Now: c.Now, Without: without})
	return startWith(t, c, m, m)
}

func startSlots(t *testing.T) *rig {
	t.Helper()
	c := plugintest.NewClock(epoch)
	s := drivertest.NewSlots(drivertest.MemoryOptions{Name: "edge", Now: c.Now, Without: []string{"ownSecret"}})
	return startWith(t, c, s, s.Memory)
}

func startWith(t *testing.T, c *plugintest.Clock, gw gateway, m *drivertest.Memory) *rig {
	r := &rig{T: t, kv: newKV(), gw: gw, memory: m, clock: c, gate: &gate{}}
	r.o = lifecycle.Options{
		KV: r.kv, Gate: r.gate, HTTP: through(gw), Now: c.Now,
		Driver: func(name string) (driver.Driver, error) {
			if name != "edge" {
				return nil, apierror.NotFoundf("no gateway %q", name)
			}
			return gw, nil
		},
		Rules: lifecycle.Rules{TTL: 30 * 24 * time.Hour, MaxTTL: 365 * 24 * time.Hour, Grace: time.Hour, MaxGrace: 24 * time.Hour, MaxKeys: 3},
		Pause: func(_ context.Context, d time.Duration) error { c.Advance(d); return nil },
		Record: func(_ context.Context, e lifecycle.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	r.Engine = lifecycle.New(r.o)
	return r
}

const (
	ann = "user:default/ann"
	bob = "user:default/bob"
)

// app makes an application with access to the API orders.
func (r *rig) app() lifecycle.App {
	r.Helper()
	a, err := r.CreateApp(r.Context(), ann, lifecycle.AppChange{Name: "Web Shop", Owner: "group:default/shop"}, "")
	if err != nil {
		r.Fatal(err)
	}
	r.access(a.ID, "bronze")
	a, err = r.App(r.Context(), a.ID)
	if err != nil {
		r.Fatal(err)
	}
	return a
}

func (r *rig) access(app driver.AppID, plan driver.PlanID) {
	r.Helper()
	req, err := r.RequestAccess(r.Context(), lifecycle.AccessRequest{App: app, Gateway: "edge", API: "orders", Plan: plan, By: ann, AutoApprove: true})
	if err != nil || req.Status != lifecycle.Granted {
		r.Fatalf("%+v, %v", req, err)
	}
}

// key issues and tells one.
func (r *rig) key(app driver.AppID) lifecycle.Issued {
	r.Helper()
	k, err := r.Issue(r.Context(), lifecycle.KeyRequest{App: app, Gateway: "edge", API: "orders", By: ann})
	if err != nil || k.Secret == "" {
		r.Fatalf("issue: %v", err)
	}
	return r.tell(k)
}

func (r *rig) tell(k lifecycle.Issued) lifecycle.Issued {
	r.Helper()
	c, err := r.Told(r.Context(), k.Credential.ID)
	if err != nil {
		r.Fatalf("told: %v", err)
	}
	k.Credential = c
	return k
}

// presents is what the gateway answers to a secret.
func (r *rig) presents(secret sdk.Secret) int {
	r.Helper()
	p, err := r.gw.Credential(r.Context(), "orders")
	if err != nil {
		r.Fatal(err)
	}
	req, err := lifecycle.Present(r.Context(), p, secret)
	if err != nil {
		r.Fatal(err)
	}
	res, err := through(r.gw).Do(req)
	if err != nil {
		r.Fatal(err)
	}
	return res.StatusCode
}

func (r *rig) wantStatus(secret sdk.Secret, want int, what string) {
	r.Helper()
	if got := r.presents(secret); got != want {
		r.Errorf("%s: the gateway answers %d, want %d", what, got, want)
	}
}

func (r *rig) credential(id string) lifecycle.Credential {
	r.Helper()
	c, err := r.Credential(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) sweep() lifecycle.Swept {
	r.Helper()
	s, err := r.Sweep(r.Context())
	if err != nil {
		r.Fatalf("sweep: %v", err)
	}
	return s
}

// calm moves the time until everything that was interrupted must have been ended, and sweeps.
func (r *rig) calm() {
	r.Helper()
	for range 3 {
		r.clock.Advance(10 * time.Minute)
		r.sweep()
	}
	if n := r.kv.count("intent/"); n != 0 {
		r.Errorf("%d intents are left", n)
	}
}

// consistent checks the law: each key at the gateway has one living credential, and the other way round.
func (r *rig) consistent() {
	r.Helper()
	apps, err := r.Apps(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	alive := r.gw.Alive()
	for _, a := range apps {
		all, err := r.Credentials(r.Context(), a.ID)
		if err != nil {
			r.Fatal(err)
		}
		for _, c := range all {
			_, there := alive[c.Key]
			if c.State.Alive() != there && c.Slot == "" {
				r.Errorf("credential %s is %s, and the gateway has it: %t", c.ID, c.State, there)
			}
			delete(alive, c.Key)
		}
	}
	for id := range alive {
		r.Errorf("the gateway has key %s, which nobody knows", id)
	}
}

func wantErr(t *testing.T, err, kind error, part string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), part) {
		t.Errorf("got %v, want %v with %q", err, kind, part)
	}
}
