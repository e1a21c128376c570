package ledger

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
)

// TestQuery_EqualsASumOfTheCharges asks hundreds of queries made by chance of a ledger with many small segments, and compares
// each answer with a plain sum over all charges in numbers of any size.
func TestQuery_EqualsASumOfTheCharges(t *testing.T) {
	t.Parallel()
	l := openTest(t)
	l.room = 100_000
	charges := random(3, 6_000)
	replace(t, l, "aws", "1", charges...)
	if n := countSegments(t, l, "partition_id IS NOT NULL"); n < 10 {
		t.Fatalf("the charges are in %d segments: too few to prove anything", n)
	}
	r := rand.New(rand.NewPCG(11, 12))
	found := 0
	for range 40 {
		q := randomQuery(r)
		got, err := l.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		found += len(got.Series)
		compare(t, q, got, expected(q, charges))
	}
	if found < 300 {
		t.Errorf("only %d series were compared", found)
	}
}

func randomQuery(r *rand.Rand) Query {
	dimensions := []Dimension{Provider, SubAccount, Service, Region, Resource, ChargeCategory, Tag("team"), Tag("environment"), Source, BillingPeriod, ByRule}
	q := Query{Metric: metrics[r.IntN(len(metrics))], Granularity: []Granularity{Daily, Monthly, Total}[r.IntN(3)]}
	q.From = Date(2026, 7, 20) + Day(r.IntN(80))
	q.To = q.From + 1 + Day(r.IntN(60))
	for range r.IntN(4) {
		q.GroupBy = append(q.GroupBy, dimensions[r.IntN(len(dimensions))])
	}
	for i := range r.IntN(5) {
		q.Rules = append(q.Rules, Rule{fmt.Sprint("rule ", i%3), randomFilter(r, 1)})
	}
	if r.IntN(2) == 0 {
		q.Filter = randomFilter(r, 2)
	}
	return q
}

func randomFilter(r *rand.Rand, depth int) Filter {
	terms := []Term{
		Is(Provider, "AWS"), IsNot(Provider, "AWS", "Microsoft"), Is(Service), IsNot(Service), Is(Service, "", "S3"), Is(Tag("team"), "team-a", "team-b"),
		IsNot(Tag("team"), "team-a"), Is(Tag("service")), Is(Resource, "r-1", "r-2", "r-3", "r-4", "r-5", "r-6", "r-7", "r-8", "r-9", "r-10"), IsNot(Source, "aws"),
		Is(BillingPeriod, "2026-09"), Is(Region, "north"), Is(Tag("environment"), "environment-"),
	}
	var f Filter
	for range r.IntN(3) {
		f.All = append(f.All, terms[r.IntN(len(terms))])
	}
	for range r.IntN(3) * min(depth, 1) {
		f.Any = append(f.Any, randomFilter(r, depth-1))
	}
	return f
}

// expected sums charges by keys and first days of points.
func expected(q Query, charges []Charge) map[string]map[Day]*big.Rat {
	sums := map[string]map[Day]*big.Rat{}
	for i := range charges {
		c := &charges[i]
		if c.Day < q.From || c.Day >= q.To || !meets(c, &q.Filter, q.Rules) {
			continue
		}
		day := q.From
		switch q.Granularity {
		case Daily:
			day = c.Day
		case Monthly:
			day = max(q.From, c.Day.Period().First())
		}
		key := ""
		for _, d := range q.GroupBy {
			key += valueOf(c, d, q.Rules) + "|"
		}
		if sums[key] == nil {
			sums[key] = map[Day]*big.Rat{}
		}
		if sums[key][day] == nil {
			sums[key][day] = new(big.Rat)
		}
		amount, _ := new(big.Rat).SetString(amountOf(c, q.Metric).String())
		sums[key][day].Add(sums[key][day], amount)
	}
	return sums
}

func amountOf(c *Charge, m Metric) money.Amount {
	return map[Metric]money.Amount{Effective: c.Effective, Billed: c.Billed, List: c.List, Contracted: c.Contracted, Carbon: c.Carbon}[m]
}

func valueOf(c *Charge, d Dimension, rules []Rule) string {
	if key, ok := d.TagKey(); ok {
		return c.Tags.Map()[key]
	}
	switch d {
	case Source:
		return "aws"
	case BillingPeriod:
		return string(c.Period)
	case ByRule:
		for i := range rules {
			if meets(c, &rules[i].Filter, nil) {
				return rules[i].Name
			}
		}
		return ""
	}
	return map[Dimension]string{Provider: c.Provider, SubAccount: c.SubAccount, Service: c.Service, Region: c.Region, Resource: c.Resource, ChargeCategory: c.Category}[d]
}

func meets(c *Charge, f *Filter, rules []Rule) bool {
	for _, t := range f.All {
		value := valueOf(c, t.Dimension, rules)
		if (slices.Contains(t.Values, value) || len(t.Values) == 0 && value != "") == t.Not {
			return false
		}
	}
	return len(f.Any) == 0 || slices.ContainsFunc(f.Any, func(inner Filter) bool { return meets(c, &inner, rules) })
}

func compare(t *testing.T, q Query, got Result, want map[string]map[Day]*big.Rat) {
	t.Helper()
	if len(got.Series) != len(want) {
		t.Fatalf("%+v: %d series, want %d", q, len(got.Series), len(want))
	}
	last := money.Overflow
	for _, s := range got.Series {
		key := ""
		for _, d := range q.GroupBy {
			key += s.Keys[d] + "|"
		}
		var total money.Amount
		for _, p := range s.Points {
			total = total.Add(p.Amount)
			exact, _ := new(big.Rat).SetString(p.Amount.String())
			sum := want[key][p.Day]
			if sum == nil {
				sum = new(big.Rat)
			}
			if exact.Cmp(sum) != 0 {
				t.Fatalf("%+v: %s on %s is %s, want %s", q, key, p.Day, p.Amount, sum.FloatString(18))
			}
		}
		if total != s.Total || last != money.Overflow && s.Total.Cmp(last) > 0 {
			t.Fatalf("%+v: total of %s is %s, after %s", q, key, s.Total, last)
		}
		last = s.Total
	}
}

func TestQuery_SumsTheRestBeyondALimit(t *testing.T) {
	l := openTest(t)
	replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "1"), usage("2026-11-02", "S3", "5"), usage("2026-11-02", "RDS", "3"), usage("2026-11-03", "EC2", "3.5"))
	r := query(t, l, Query{GroupBy: []Dimension{Service}, Limit: 1, Granularity: Daily, From: Date(2026, 11, 1), To: Date(2026, 11, 4)})
	same(t, "series", list(r, Service), []string{"S3 5", "other 2 7.5"})
	var points []string
	for _, p := range r.Series[1].Points {
		points = append(points, p.Day.String()+" "+p.Amount.String())
	}
	same(t, "points", points, []string{"2026-11-01 1", "2026-11-02 3", "2026-11-03 3.5"})
	if r.Total != money.MustParse("12.5") || r.Currency != "EUR" {
		t.Errorf("total is %s %s", r.Total, r.Currency)
	}
}

func TestQuery_RanksManyGroupsBeforeItSumsThemByDay(t *testing.T) {
	l := openTest(t)
	var charges []Charge
	for i := range 9000 {
		c := usage("2026-11-01", "EC2", fmt.Sprint(i))
		c.Day += Day(i % 28)
		c.Resource = fmt.Sprint("i-", i)
		charges = append(charges, c)
	}
	replace(t, l, "aws", "1", charges...)
	q := Query{GroupBy: []Dimension{Resource}, Granularity: Daily, From: Date(2026, 1, 1), To: Date(2027, 1, 1)}
	if _, err := l.Query(t.Context(), Query{GroupBy: q.GroupBy, Granularity: Daily, From: Date(2010, 1, 1), To: Date(2029, 1, 1)}); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("too many points: %v", err)
	}
	q.Limit = 2
	r := query(t, l, q)
	same(t, "series", list(r, Resource), []string{"i-8999 8999", "i-8998 8998", "other 8998 40477503"})
	if n := len(r.Series[0].Points); n != 365 {
		t.Errorf("%d points", n)
	}
}

func TestQuery_RefusesToAddCurrencies(t *testing.T) {
	l := openTest(t)
	dollars := usage("2026-11-05", "S3", "7")
	dollars.Currency = "USD"
	i := replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "1"), dollars)
	if got := i.Partitions[0].Currencies; !slices.Equal(got, []string{"EUR", "USD"}) {
		t.Errorf("currencies are %q", got)
	}
	year := Query{From: Date(2026, 1, 1), To: Date(2027, 1, 1)}
	_, err := l.Query(t.Context(), year)
	mixed, ok := errors.AsType[*MixedCurrenciesError](err)
	if !ok || !errors.Is(err, ErrMixedCurrencies) || !errors.Is(err, sdk.ErrInput) || !slices.Equal(mixed.Currencies, []string{"EUR", "USD"}) {
		t.Fatalf("error is %v", err)
	}
	for name, q := range map[string]Query{
		"by currency":    {Currency: "USD"},
		"by filter":      {Filter: Where(Is(Service, "S3"))},
		"by days":        {From: Date(2026, 11, 2), To: Date(2026, 12, 1)},
		"by another one": {Filter: Where(IsNot(Currency, "EUR"))},
	} {
		if r := query(t, l, q); r.Currency != "USD" || r.Total != money.FromUnits(7) {
			t.Errorf("%s: %s %s", name, r.Total, r.Currency)
		}
	}
	r := query(t, l, Query{GroupBy: []Dimension{Currency}})
	same(t, "grouped", list(r, Currency), []string{"USD 7", "EUR 1"})
	if r.Currency != "" || !r.Total.IsZero() {
		t.Errorf("a total of currencies: %s %s", r.Total, r.Currency)
	}
	year.GroupBy, year.Limit = []Dimension{Service, Currency}, 1
	if _, err := l.Query(t.Context(), year); !errors.Is(err, ErrMixedCurrencies) {
		t.Errorf("the rest was added: %v", err)
	}
	if r := query(t, l, Query{Metric: Carbon}); r.Currency != "" {
		t.Errorf("carbon in %s", r.Currency)
	}
}

func TestQuery_GivesEachChargeToTheFirstRuleItMeets(t *testing.T) {
	l := openTest(t)
	replace(t, l, "aws", "1",
		usage("2026-11-01", "EC2", "1", "service", "booking-service", "team", "booking-crew"),
		usage("2026-11-01", "EC2", "2", "team", "booking-crew"),
		usage("2026-11-01", "S3", "4"), usage("2026-11-02", "Tax", "8"))
	rules := []Rule{
		{"component:default/booking-service", Where(Is(Tag("service"), "booking-service"))},
		{"group:default/booking-crew", Filter{Any: []Filter{Where(Is(Tag("team"), "booking-crew")), Where(Is(SubAccount, "999"))}}},
		{"shared", Where(IsNot(Service, "EC2"), IsNot(Service, "S3"))},
	}
	r := query(t, l, Query{GroupBy: []Dimension{ByRule}, Rules: rules})
	same(t, "allocation", list(r, ByRule), []string{"shared 8", " 4", "group:default/booking-crew 2", "component:default/booking-service 1"})
	r = query(t, l, Query{GroupBy: []Dimension{Service}, Rules: rules, Filter: Where(Is(ByRule, ""))})
	same(t, "unallocated", list(r, Service), []string{"S3 4"})
}

func TestQuery_NamesWhatIsWrongWithIt(t *testing.T) {
	l := openTest(t)
	deep := Filter{}
	for range 20 {
		deep = Filter{Any: []Filter{deep}}
	}
	for want, change := range map[string]func(*Query){
		`metric: there is no "profit"`:            func(q *Query) { q.Metric = "profit" },
		`granularity: "week"`:                     func(q *Query) { q.Granularity = "week" },
		"no range of days":                        func(q *Query) { q.To = q.From },
		"days: a query may":                       func(q *Query) { q.From = 0 },
		"limit:":                                  func(q *Query) { q.Limit = -1 },
		`groupBy: there is no dimension "colour"`: func(q *Query) { q.GroupBy = []Dimension{"colour"} },
		"groupBy: at most":                        func(q *Query) { q.GroupBy = slices.Repeat([]Dimension{Service}, 9) },
		`filter: there is no dimension "tags"`:    func(q *Query) { q.Filter = Where(Is("tags", "x")) },
		"levels deep":                             func(q *Query) { q.Filter = deep },
		"terms and values":                        func(q *Query) { q.Filter = Where(Is(Service, slices.Repeat([]string{"x"}, maxTerms)...)) },
		"rule 0: it has no name":                  func(q *Query) { q.Rules = []Rule{{}} },
		"cannot be about rules":                   func(q *Query) { q.Rules = []Rule{{"a", Filter{Any: []Filter{Where(Is(ByRule, "b"))}}}} },
	} {
		q := Query{From: Date(2026, 1, 1), To: Date(2027, 1, 1)}
		change(&q)
		if _, err := l.Query(t.Context(), q); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one about %q", err, want)
		}
	}
}

func TestQuery_OfNothingIsEmpty(t *testing.T) {
	r := query(t, openTest(t), Query{GroupBy: []Dimension{Service}, Limit: 5})
	if len(r.Series) != 0 || !r.Total.IsZero() || r.Currency != "" || len(r.Sources) != 0 {
		t.Errorf("got %+v", r)
	}
}
