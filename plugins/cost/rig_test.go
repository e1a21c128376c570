package main

import (
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// today is the day on which the tests are. Bills reach to last, a Friday, which has been over for a day when they come.
var (
	today   = ledger.Date(2026, time.November, 22)
	last    = today - 2
	morning = today.Time().Add(9 * time.Hour)
)

// rig is the plugin with a ledger of its own, beside a catalog.
type rig struct {
	*plugintest.Harness

	clock *plugintest.Clock
	c     *plugin
}

var ann, eve, ci = plugintest.As("user:default/ann", "group:default/web"), plugintest.As("user:default/eve"), plugintest.As("external:ci")

// start runs the plugin. The catalog has a system shop, made of cart and of vault, which eve may not read; both are team web's.
func start(t *testing.T, s any) *rig {
	t.Helper()
	k := plugintest.NewClock(morning)
	p, c := newPluginAt(k.Now)
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{clock: k, c: c}
	r.Harness = plugintest.Start(t, p, plugintest.Config(s))
	r.Catalog.Put(
		related("Component", "cart", "partOf", "system:default/shop", "ownedBy", "group:default/web"),
		related("Component", "vault", "partOf", "system:default/shop", "ownedBy", "group:default/web"),
		related("System", "shop", "ownedBy", "group:default/web"), related("Group", "web"), related("Component", "idle"),
		plugintest.Annotated(related("Component", "backups"), "callboard.dev/cost-filter", "service=Glacier"),
		plugintest.Annotated(related("Component", "broken"), "callboard.dev/cost-filter", "flavour=sweet"),
	)
	r.Catalog.HideFrom("user:default/eve", "component:default/vault")
	return r
}

// related is an entity with relations, "partOf", "system:default/shop", ….
func related(kind, name string, pairs ...string) sdk.Entity {
	e := plugintest.Component(name)
	e["kind"] = kind
	e.Metadata()["namespace"] = "default" // as the catalog serves it
	relations := []any{}
	for i := 0; i < len(pairs); i += 2 {
		relations = append(relations, map[string]any{"type": pairs[i], "targetRef": pairs[i+1]})
	}
	e["relations"] = relations
	return e
}

// charge is one of 20 November, with tags "service", "cart", ….
func charge(amount, service string, tags ...string) ledger.Charge {
	set := map[string]string{}
	for i := 0; i < len(tags); i += 2 {
		set[tags[i]] = tags[i+1]
	}
	return ledger.Charge{
		Period: "2026-11", Day: last, Provider: "AWS", Service: service, Category: "Usage", Currency: "USD", Tags: ledger.TagsOf(set),
		Effective: money.MustParse(amount), Billed: money.MustParse(amount),
	}
}

// on moves a charge to another day.
func on(d ledger.Day, c ledger.Charge) ledger.Charge {
	c.Day, c.Period = d, d.Period()
	return c
}

// bill brings charges in.
func (r *rig) bill(t *testing.T, source string, charges ...ledger.Charge) {
	t.Helper()
	slices.SortStableFunc(charges, func(a, b ledger.Charge) int { return int(a.Day - b.Day) })
	_, err := r.c.ledger.Replace(t.Context(), ledger.Batch{Source: source, Run: "1", FocusVersion: "1.2"}, all(charges))
	if err != nil {
		t.Fatal(err)
	}
}

func all(charges []ledger.Charge) iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		for _, c := range charges {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// months are charges of cart (EC2 100 on weekdays, 40 on weekends; S3 10) and of vault (RDS 7) for some days until the last,
// and of nobody (1).
func months(days int) []ledger.Charge {
	var out []ledger.Charge
	for d := last - ledger.Day(days) + 1; d <= last; d++ {
		amount := "100"
		if wd := d.Time().Weekday(); wd == time.Saturday || wd == time.Sunday {
			amount = "40"
		}
		out = append(out, on(d, charge(amount, "EC2", "service", "cart")), on(d, charge("10", "S3", "service", "cart")),
			on(d, charge("7", "RDS", "service", "vault")), on(d, charge("1", "EC2")))
	}
	return out
}

// get answers the JSON of a route, and fails the test when it is an error or not as described.
func (r *rig) get(t *testing.T, path string, into any, as plugintest.RequestOption) {
	t.Helper()
	res := r.Get(path, as)
	if res.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, res.Status, res.Text())
	}
	if err := json.Unmarshal(res.Body, into); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, res.Text())
	}
	fits(t, path, res.Body)
}

// refusal is the message of an error.
func refusal(t *testing.T, res *plugintest.Response) string {
	t.Helper()
	var e struct {
		Error struct{ Name, Message string }
	}
	if err := json.Unmarshal(res.Body, &e); err != nil || e.Error.Name == "" {
		t.Fatalf("%d is no error: %s", res.Status, res.Text())
	}
	return e.Error.Message
}
