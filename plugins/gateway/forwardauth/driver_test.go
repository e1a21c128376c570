package forwardauth

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/sdk"
)

func TestDriver_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		w := newWorld(t)
		d := w.host(func(o *Options) {
			o.Plans = []Plan{
				{ID: "bronze", Limits: []Limit{{Requests: 500, Window: Day}}},
				{ID: "gold", Limits: []Limit{{Requests: 5000, Window: Day}}},
			}
			o.APIs = []API{{ID: "orders", URL: "http://edge.example/authz/edge/orders"}}
		})
		return drivertest.Subject{
			Driver: d, API: "orders", Plan: "bronze", OtherPlan: "gold", Gateway: served(d), Page: 12,
			// Requests are still decided when time has passed, since Run would follow the store meanwhile.
			Advance: func(by time.Duration) {
				w.Clock.Advance(by)
				if err := d.follow(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestStore_HoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	k := w.issue(d, "shop", "bronze")
	want(t, d, k.Secret, 200)
	if err := d.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.KV.Keys()) < 3 {
		t.Fatalf("the store has only %v", w.KV.Keys())
	}
	for _, name := range w.KV.Keys() {
		data, _ := w.KV.Get(name)
		if strings.Contains(name+string(data), k.Secret.Reveal()[:keptPrefix+1]) {
			t.Errorf("%s holds the secret: %s", name, data)
		}
	}
}

func TestIssue_TellsTheSecretAgainToWhoKnowsIt(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	secret := sdk.Secret(strings.Repeat("Ab3", 12))
	own := func(r *driver.KeyRequest) { r.Secret = secret }
	first := w.issue(d, "shop", "bronze", own)
	if again := w.issue(w.host(), "shop", "bronze", own); again.ID != first.ID || again.Secret != secret {
		t.Errorf("the same request is answered with key %s (secret told: %t)", again.ID, again.Secret != "")
	}
	other := w.issue(d, "shop", "bronze", func(r *driver.KeyRequest) { r.Secret = sdk.Secret(strings.Repeat("Zz9", 12)) })
	if other.ID != first.ID || other.Secret != "" {
		t.Errorf("another secret for the same operation is answered with key %s (secret told: %t)", other.ID, other.Secret != "")
	}
}

func TestIssue_RefusesWhatWouldBeUnsafe(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	secret := sdk.Secret(strings.Repeat("Ab3", 12))
	w.issue(d, "shop", "bronze", func(r *driver.KeyRequest) { r.Secret = secret })
	for name, c := range map[string]struct {
		r    driver.KeyRequest
		want error
	}{
		"a short secret":           {driver.KeyRequest{App: "shop", Operation: "x", Secret: "short"}, sdk.ErrInput},
		"a secret with a blank":    {driver.KeyRequest{App: "shop", Operation: "x", Secret: sdk.Secret(strings.Repeat("a b", 12))}, sdk.ErrInput},
		"no operation":             {driver.KeyRequest{App: "shop"}, sdk.ErrInput},
		"an unknown API":           {driver.KeyRequest{App: "shop", Operation: "x", API: "nope"}, sdk.ErrNotFound},
		"an unknown application":   {driver.KeyRequest{App: "nobody", Operation: "x"}, sdk.ErrNotFound},
		"a secret of another key":  {driver.KeyRequest{App: "shop", Operation: "x", Secret: secret}, sdk.ErrConflict},
		"an id that is a path":     {driver.KeyRequest{App: "../shop", Operation: "x"}, sdk.ErrNotFound},
		"a secret of another form": {driver.KeyRequest{App: "shop", Operation: "x", Secret: sdk.Secret(strings.Repeat("é", 20))}, sdk.ErrInput},
	} {
		if _, err := d.IssueKey(t.Context(), c.r); !errors.Is(err, c.want) || strings.Contains(err.Error(), secret.Reveal()) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := d.EnsureConsumer(t.Context(), driver.App{ID: "A/../b"}); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("an application with an id that is a path: %v", err)
	}
}

func TestPlans_AreThoseThatAnAPICanBeHadWith(t *testing.T) {
	w := newWorld(t)
	d := w.host()
	w.issue(d, "shop", "bronze")
	if err := d.SetPlan(t.Context(), "shop", "billing", "bronze"); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("a plan that the API cannot be had with: %v", err)
	}
	if err := d.SetPlan(t.Context(), "shop", "billing", "gold"); err != nil {
		t.Error(err)
	}
	for p, err := range d.Plans(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if p.ID == "bronze" && !slices.Equal(p.Limits, []driver.Limit{{Requests: 5, Window: 24 * time.Hour}, {Requests: 100, Window: 720 * time.Hour}}) {
			t.Errorf("plan bronze is %+v", p)
		}
	}
}

func TestOptions_SayWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Options){
		`gateway name "Edge 1"`: func(o *Options) { o.Name = "Edge 1" },
		`no store`:              func(o *Options) { o.Store = nil },
		`API "a b": an id`:      func(o *Options) { o.APIs = []API{{ID: "a b"}} },
		`API "a" is there twice`: func(o *Options) {
			o.APIs = []API{{ID: "a"}, {ID: "a"}}
		},
		`API "a": header Authorization: the portal hands it to no plugin`: func(o *Options) {
			o.APIs = []API{{ID: "a", Header: "authorization"}}
		},
		`API "a": header "x\n" is no name`:             func(o *Options) { o.APIs = []API{{ID: "a", Header: "x\n"}} },
		`API "a": url "ftp://x"`:                       func(o *Options) { o.APIs = []API{{ID: "a", URL: "ftp://x"}} },
		`API "a": it can be had with plan "silver"`:    func(o *Options) { o.APIs = []API{{ID: "a", Plans: []driver.PlanID{"silver"}}} },
		`plan "p": 0 requests per day: at least 1`:     func(o *Options) { o.Plans = []Plan{{ID: "p", Limits: []Limit{{Window: Day}}}} },
		`plan "p": two limits per day count the same`:  func(o *Options) { o.Plans = []Plan{{ID: "p", Limits: []Limit{{1, Day, false}, {2, Day, false}}}} },
		`plan "p" is there twice`:                      func(o *Options) { o.Plans = []Plan{{ID: "p"}, {ID: "p"}} },
		`plan "p": a limit has an unknown window`:      func(o *Options) { o.Plans = []Plan{{ID: "p", Limits: []Limit{{1, 9, false}}}} },
		`plan "": an id is a letter or digit, then up`: func(o *Options) { o.Plans = []Plan{{}} },
	} {
		o := Options{Name: "edge", Store: &brittle{}}
		change(&o)
		if _, err := New(o); err == nil || !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWindow_FollowsTheCalendar(t *testing.T) {
	at := time.Date(2028, 2, 29, 23, 59, 59, 5, time.FixedZone("", 3600))
	for w, want := range map[Window][2]string{
		Second: {"2028-02-29T22:59:59Z", "2028-02-29T23:00:00Z"},
		Minute: {"2028-02-29T22:59:00Z", "2028-02-29T23:00:00Z"},
		Hour:   {"2028-02-29T22:00:00Z", "2028-02-29T23:00:00Z"},
		Day:    {"2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
		Month:  {"2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
	} {
		start, end := w.around(at)
		if got := [2]string{start.Format(time.RFC3339), end.Format(time.RFC3339)}; got != want {
			t.Errorf("%s: %v, want %v", w, got, want)
		}
		if parsed, err := ParseWindow(w.String()); err != nil || parsed != w {
			t.Errorf("%s is read as %s, %v", w, parsed, err)
		}
	}
	if _, err := ParseWindow("fortnight"); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("fortnight: %v", err)
	}
}
