package insight_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// related is an entity with relations, "partOf", "system:default/shop", ….
func related(kind, name string, pairs ...string) sdk.Entity {
	e := plugintest.Component(name)
	e["kind"] = kind
	relations := []any{}
	for i := 0; i < len(pairs); i += 2 {
		relations = append(relations, map[string]any{"type": pairs[i], "targetRef": pairs[i+1]})
	}
	e["relations"] = relations
	return e
}

var assignments = []insight.Assignment{
	{Dimension: ledger.Tag("service"), Kinds: []string{"component", "resource"}},
	{Dimension: ledger.Tag("team"), Kinds: []string{"group"}},
}

func TestDirectory_KnowsWhatMakesUpAnEntity(t *testing.T) {
	d := insight.NewDirectory(nil, []sdk.Entity{
		related("Domain", "sales"), related("System", "shop", "partOf", "domain:default/sales"),
		related("Component", "cart", "partOf", "system:default/shop", "ownedBy", "group:default/web"),
		related("Component", "cart-lib", "partOf", "component:default/cart", "ownedBy", "group:default/core"),
		related("Resource", "cart-db", "partOf", "system:default/shop", "ownedBy", "group:default/core"),
		related("Group", "all"), related("Group", "web", "childOf", "group:default/all"), related("Group", "core", "childOf", "group:default/web"),
		related("System", "ring", "partOf", "system:default/ring"),
	})
	for ref, want := range map[string][]string{
		"domain:default/sales":   {"component:default/cart", "component:default/cart-lib", "domain:default/sales", "resource:default/cart-db", "system:default/shop"},
		"system:default/shop":    {"component:default/cart", "component:default/cart-lib", "resource:default/cart-db", "system:default/shop"},
		"component:default/cart": {"component:default/cart"},
		"group:default/core":     {"component:default/cart-lib", "group:default/core", "resource:default/cart-db"},
		"group:default/all":      {"component:default/cart", "component:default/cart-lib", "group:default/all", "group:default/core", "group:default/web", "resource:default/cart-db"},
		"system:default/ring":    {"system:default/ring"},
	} {
		got := d.Parts(ref)
		if got[0] != ref {
			t.Errorf("%s does not come first: %v", ref, got)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s consists of %v, want %v", ref, got, want)
		}
	}
	if got := d.Owners("component:default/cart"); !slices.Equal(got, []string{"group:default/web"}) {
		t.Errorf("owners: %v", got)
	}
}

func TestDirectory_ReportsAnnotationsThatCannotBeRead(t *testing.T) {
	d := insight.NewDirectory(nil, []sdk.Entity{annotated("cart", insight.FilterAnnotation, "flavour=x"), annotated("shop", insight.FilterAnnotation, "service=S3")})
	if got := d.Problems["component:default/cart"]; len(d.Problems) != 1 || got == "" || d.Claim("component:default/cart") != nil {
		t.Errorf("%q", d.Problems)
	}
}

func TestDirectory_IsNotBrokenByClaimsWithoutEnd(t *testing.T) {
	entities := []sdk.Entity{annotated("precise", insight.FilterAnnotation, "service=S3, region=eu")}
	for i := range 200 {
		entities = append(entities, annotated(fmt.Sprintf("greedy-%03d", i), insight.FilterAnnotation, "service="+strings.Repeat("x|", 190)+fmt.Sprint(i)))
	}
	d := insight.NewDirectory(assignments, entities)
	greedy := 0
	for i := range 200 {
		if d.Claim(fmt.Sprintf("component:default/greedy-%03d", i)) != nil {
			greedy++
		}
	}
	if d.Claim("component:default/precise") == nil || greedy < 100 || greedy+len(d.Problems) != 200 {
		t.Errorf("%d claims hold, %d are problems", greedy, len(d.Problems))
	}
	charges := []ledger.Charge{charge("1", "S3", "service", "precise")}
	if _, err := (&insight.Costs{Ledger: kept(t, charges), Now: costs(nil).Now}).Allocate(t.Context(), d, ledger.Query{From: day, To: day + 1}); err != nil {
		t.Error(err)
	}
}

var day = ledger.Date(2026, time.November, 20)

func charge(amount, service string, tags ...string) ledger.Charge {
	set := map[string]string{}
	for i := 0; i < len(tags); i += 2 {
		set[tags[i]] = tags[i+1]
	}
	return ledger.Charge{Day: day, Service: service, Currency: "USD", Effective: money.MustParse(amount), Tags: ledger.TagsOf(set)}
}

func costs(m *memory) *insight.Costs {
	return &insight.Costs{Ledger: m, Now: func() time.Time { return (day + 1).Time().Add(9 * time.Hour) }}
}

func TestAllocation_GivesAChargeToTheMostPreciseClaimThenToAssignments(t *testing.T) {
	d := insight.NewDirectory(assignments, []sdk.Entity{
		annotated("storage", insight.FilterAnnotation, "service=S3"),
		annotated("backups", insight.FilterAnnotation, "service=S3, tag:purpose=backup"),
		annotated("archive", insight.FilterAnnotation, "service=S3"), // as precise as storage, and before it by ref
		annotated("anything-else", insight.FilterAnnotation, "service!=S3|EC2|RDS"),
		plugintest.Component("cart"), related("Group", "web"), related("Group", "cart"),
	})
	m := &memory{complete: day, charges: []ledger.Charge{
		charge("1", "S3"), charge("2", "S3", "purpose", "backup", "service", "cart"), charge("4", "EC2", "service", "Cart", "team", "web"),
		charge("8", "EC2", "service", "unknown", "team", "web"), charge("16", "EC2"), charge("32", "SQS", "service", "cart"),
		charge("64", "RDS", "service", "component:default/cart"), charge("128", "RDS", "service", "group:default/cart"), charge("256", "RDS", "team", "default/web"),
	}}
	a, err := costs(m).Allocate(t.Context(), d, ledger.Query{From: day, To: day + 1})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"": a.Unallocated.String()}
	for _, account := range a.Accounts {
		got[account.Ref] = account.Amount.String()
	}
	want := map[string]string{
		"component:default/archive": "1", "component:default/backups": "2", "component:default/cart": "68", "group:default/web": "264",
		"component:default/anything-else": "32", "": "144",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || a.Total.String() != "511" || a.Currency != "USD" {
		t.Errorf("got %v of %s, want %v", got, a.Total, want)
	}
	if a.Accounts[0].Ref != "group:default/web" {
		t.Errorf("the most expensive comes first: %v", a.Accounts)
	}
}

// randomCharges are of few values, so that rules meet often.
func randomCharges(random *rand.Rand, n int) []ledger.Charge {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	out := make([]ledger.Charge, n)
	for i := range out {
		out[i] = ledger.Charge{
			Day: day - ledger.Day(random.IntN(5)), Currency: "EUR", Service: pick("S3", "EC2", "RDS", ""), Region: pick("eu", "us"),
			SubAccount: pick("a", "b", "c"), Effective: money.FromBinary(0, random.Uint64()>>random.IntN(40), money.Places),
			Tags: ledger.TagsOf(map[string]string{"service": pick("one", "two", "three", "none"), "team": pick("web", "core", "")}),
		}
		if random.IntN(4) == 0 {
			out[i].Effective = out[i].Effective.Neg() // credits
		}
	}
	return out
}

func randomDirectory(random *rand.Rand) *insight.Directory {
	terms := []string{"service=S3", "service=EC2|RDS", "region=eu", "region!=eu", "subaccount=a|b", "tag:service=one", "tag:team=", "service="}
	entities := []sdk.Entity{related("Group", "web"), related("Group", "core"), plugintest.Component("one"), plugintest.Component("two")}
	for i := range random.IntN(8) {
		filter := terms[random.IntN(len(terms))]
		for range random.IntN(3) {
			filter += []string{", ", "; "}[random.IntN(2)] + terms[random.IntN(len(terms))]
		}
		entities = append(entities, annotated(fmt.Sprintf("claims-%d", i), insight.FilterAnnotation, filter))
	}
	return insight.NewDirectory(assignments, entities)
}

// exactly sums by another arithmetic than the product's.
func exactly(sum *big.Rat, a money.Amount) *big.Rat {
	r, _ := new(big.Rat).SetString(a.String())
	return sum.Add(sum, r)
}

func TestAllocation_AddsUpToTheTotalWhateverTheRules(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		m := &memory{complete: day, charges: randomCharges(random, 1+random.IntN(300))}
		d := randomDirectory(random)
		q := ledger.Query{From: day - 3, To: day + 1}
		a, err := costs(m).Allocate(t.Context(), d, q)
		if err != nil {
			t.Fatal(err)
		}
		want, shares := new(big.Rat), exactly(new(big.Rat), a.Unallocated)
		for _, c := range m.charges {
			if c.Day >= q.From && c.Day < q.To {
				exactly(want, c.Effective)
			}
		}
		for _, account := range a.Accounts {
			exactly(shares, account.Amount)
			// The costs of the entity by itself are its share.
			res, err := costs(m).Query(t.Context(), insight.Scope{Directory: d, Refs: []string{account.Ref}}, q)
			if err != nil || res.Total != account.Amount {
				t.Fatalf("seed %d: %s costs %s alone and %s among others: %v", seed, account.Ref, res.Total, account.Amount, err)
			}
		}
		if shares.Cmp(want) != 0 || exactly(new(big.Rat), a.Total).Cmp(want) != 0 {
			t.Fatalf("seed %d: shares are %s and the total %s, want %s", seed, shares.FloatString(18), a.Total, want.FloatString(18))
		}
	}
}

func TestCosts_AreNeverAddedAcrossCurrencies(t *testing.T) {
	euro := charge("5", "S3")
	euro.Currency = "EUR"
	m := &memory{complete: day, charges: []ledger.Charge{charge("1", "S3"), euro}}
	d := insight.NewDirectory(nil, []sdk.Entity{annotated("storage", insight.FilterAnnotation, "service=S3")})
	_, err := costs(m).Summarize(t.Context(), insight.SummaryQuestion{Scope: insight.Scope{Directory: d, Refs: []string{"component:default/storage"}}})
	if mixed, ok := errors.AsType[*ledger.MixedCurrenciesError](err); !ok || !slices.Equal(mixed.Currencies, []string{"EUR", "USD"}) {
		t.Error(err)
	}
}
