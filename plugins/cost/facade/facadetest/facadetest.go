// Package facadetest runs a facade in a plugin, over a ledger with charges, so that tests call it as frontends do.
package facadetest

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/plugintest"
)

// Today is the day on which the tests are.
var Today = ledger.Date(2026, time.November, 22)

// Now is nine o'clock of it.
func Now() time.Time { return Today.Time().Add(9 * time.Hour) }

// Costs are those of a ledger. Eve may see only the component cart, everybody else everything. The charges of an entity are
// those with its name as the tag service.
type Costs struct{ *ledger.Ledger }

// Query implements facade.Costs.
func (c Costs) Query(ctx context.Context, entity string, q ledger.Query) (ledger.Result, error) {
	switch entity {
	case "":
		if err := seesAll(ctx); err != nil {
			return ledger.Result{}, err
		}
	case "component:default/cart":
		q.Filter.All = append(slices.Clip(q.Filter.All), ledger.Is(ledger.Tag("service"), "cart"))
	case "system:default/shop":
		if err := seesAll(ctx); err != nil {
			return ledger.Result{}, apierror.NotFoundf("Entity %s not found", entity)
		}
	default:
		return ledger.Result{}, apierror.NotFoundf("Entity %s not found", entity)
	}
	return c.Ledger.Query(ctx, q)
}

// Values implements facade.Costs.
func (c Costs) Values(ctx context.Context, d ledger.Dimension, from, to ledger.Day, limit int) ([]string, error) {
	if err := seesAll(ctx); err != nil {
		return nil, err
	}
	return c.Ledger.Values(ctx, d, from, to, limit)
}

// TagKeys implements facade.Costs.
func (c Costs) TagKeys(ctx context.Context, from, to ledger.Day, limit int) ([]string, error) {
	if err := seesAll(ctx); err != nil {
		return nil, err
	}
	return c.Ledger.TagKeys(ctx, from, to, limit)
}

func seesAll(ctx context.Context) error { return MayNot(ctx, "user:default/eve") }

// MayNot fails for one of the users.
func MayNot(ctx context.Context, user string) error {
	if sdk.Principal(ctx).Subject == user {
		return apierror.NotAllowedf("the permission cost.read is missing")
	}
	return nil
}

// The callers of tests.
var (
	Ann = plugintest.As("user:default/ann")
	Eve = plugintest.As("user:default/eve")
)

// Start runs the facade that serve answers, at its path below the plugin's routes.
func Start(t *testing.T, path string, charges []ledger.Charge, serve func(*sdk.Host, Costs) http.Handler) *plugintest.Harness {
	t.Helper()
	l, err := ledger.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if len(charges) > 0 {
		if _, err := l.Replace(t.Context(), ledger.Batch{Source: "bill", Run: "1", FocusVersion: "1.2"}, each(charges)); err != nil {
			t.Fatal(err)
		}
	}
	p := sdk.New("cost", sdk.About{Version: "0.1.0", Title: "Cost", License: "Apache-2.0"})
	p.Handle(path+"/", http.StripPrefix(path, serve(p.Host(), Costs{l})))
	return plugintest.Start(t, p)
}

func each(charges []ledger.Charge) iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		for _, c := range charges {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Charge is a charge of AWS in the account acme-prod on a day, with tags "service", "cart", ….
func Charge(d ledger.Day, service, category, amount string, tags ...string) ledger.Charge {
	set := map[string]string{}
	for i := 0; i+1 < len(tags); i += 2 {
		set[tags[i]] = tags[i+1]
	}
	return ledger.Charge{
		Period: d.Period(), Day: d, Provider: "AWS", BillingAccount: "999", SubAccount: "111", SubAccountName: "acme-prod",
		Service: service, ServiceCategory: category, Category: "Usage", Currency: "USD", Tags: ledger.TagsOf(set),
		Effective: money.MustParse(amount), Billed: money.MustParse(amount),
	}
}
