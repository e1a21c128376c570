package sample

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
)

// Options say which bills are made.
type Options struct {
	Rows     int       // over all days; from a hundred a day on, each resource has a charge every day
	From     time.Time // the first day
	Days     int
	Seed     uint64
	Provider string // only its rows, which are then fewer; all when empty
}

// Columns are those of FOCUS 1.2, ServiceProviderName of 1.3, and a provider's own one.
var Columns = []string{
	"AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "BillingPeriodEnd",
	"BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
	"CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountStatus", "CommitmentDiscountType", "ConsumedQuantity", "ConsumedUnit",
	"ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory",
	"PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
	"ServiceCategory", "ServiceName", "ServiceProviderName", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags", "x_CarbonKgCO2e",
}

// column is the place of each of Columns.
var column = func() map[string]int {
	m := make(map[string]int, len(Columns))
	for i, name := range Columns {
		m[name] = i
	}
	return m
}()

// Rows yields rows in the order of Columns. A row is valid until the next one.
func Rows(o Options) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		g := newGenerator(o)
		for d := range o.Days {
			from, to := share(o.Rows, d, o.Days), share(o.Rows, d+1, o.Days)
			for n := range to - from {
				if row := g.row(d, n); row != nil && !yield(row) {
					return
				}
			}
		}
	}
}

// share is how many of the rows come before a day.
func share(rows, day, days int) int { return int(int64(rows) * int64(day) / int64(days)) }

// generator makes one row after the other.
type generator struct {
	o       Options
	random  *rand.Rand
	fields  []string
	sources []source
	perDay  int
	day     day
	cents   int64 // billed on the day so far, for its taxes
}

// source is a resource of a workload, before it is multiplied.
type source struct {
	workload    *workload
	use         use
	environment string
	fields      []string  // what all its rows have
	tags        [2]string // all of them, and those without the service
}

// day is what rows of a day have in common.
type day struct {
	number                                      int
	at                                          time.Time
	start, end, periodStart, periodEnd, invoice string
}

func newGenerator(o Options) *generator {
	g := &generator{o: o, random: rand.New(rand.NewPCG(o.Seed, 20)), fields: make([]string, len(Columns)), perDay: max(1, o.Rows/max(1, o.Days)), day: day{number: -1}} //nolint:gosec // a sample
	for i := range fleet {
		for _, u := range fleet[i].uses {
			g.sources = append(g.sources, source{workload: &fleet[i], use: u, environment: "production"})
		}
	}
	for _, s := range slices.Clone(g.sources) {
		s.environment = "staging"
		s.use.amount /= 5
		g.sources = append(g.sources, s)
	}
	for i := range g.sources {
		g.sources[i].prepare()
	}
	return g
}

// prepare fills in who bills, and for which account and service.
func (s *source) prepare() {
	o, c := s.use.offer, s.use.offer.cloud
	s.fields = make([]string, len(Columns))
	for name, value := range map[string]string{
		"ProviderName": c.provider, "ServiceProviderName": c.provider, "PublisherName": c.provider, "InvoiceIssuerName": c.issuer,
		"BillingAccountId": c.account, "BillingAccountName": "Marram Line", "BillingAccountType": "Organization", "BillingCurrency": "EUR",
		"SubAccountId": c.accounts[s.environment], "SubAccountName": s.workload.system + "-" + s.environment,
		"ServiceName": o.service, "ServiceCategory": o.category, "RegionId": c.region, "RegionName": c.region,
	} {
		s.fields[column[name]] = value
	}
	tags := map[string]string{"service": s.workload.service, "team": s.workload.team, "environment": s.environment, "system": s.workload.system}
	for i := range s.tags {
		text, err := json.Marshal(tags)
		if err != nil {
			panic(err) // a map of texts
		}
		s.tags[i] = string(text)
		delete(tags, "service")
	}
}

// row is the nth of a day, or nil when it is of another provider. Most are usage of resources; the first ones of some days
// are what comes once a month.
func (g *generator) row(number, n int) []string {
	if g.day.number != number {
		g.begin(number)
	}
	s := &g.sources[(n+g.turn(number))%len(g.sources)]
	if n < 3 {
		g.special(s, n)
	} else {
		g.usage(s, n)
	}
	if g.o.Provider != "" && g.fields[column["ServiceProviderName"]] != g.o.Provider {
		return nil
	}
	return g.fields
}

// turn lets each source have its turn where there are fewer rows a day than sources.
func (g *generator) turn(number int) int {
	if g.perDay < len(g.sources) {
		return number * g.perDay
	}
	return 0
}

const instantForm = "2006-01-02T15:04:05Z"

func (g *generator) begin(number int) {
	at := g.o.From.UTC().AddDate(0, 0, number)
	month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	g.day = day{number, at, at.Format(instantForm), at.AddDate(0, 0, 1).Format(instantForm), month.Format(instantForm), month.AddDate(0, 1, 0).Format(instantForm), month.Format("200601")}
}

func (g *generator) set(name, value string) { g.fields[column[name]] = value }

// place fills in a source, the time and the invoice.
func (g *generator) place(s *source) {
	copy(g.fields, s.fields)
	g.set("BillingPeriodStart", g.day.periodStart)
	g.set("BillingPeriodEnd", g.day.periodEnd)
	g.set("ChargePeriodStart", g.day.start)
	g.set("ChargePeriodEnd", g.day.end)
	g.set("InvoiceId", g.day.invoice)
}

// usage is a day of a resource.
func (g *generator) usage(s *source, n int) {
	g.place(s)
	instance := n / len(g.sources)
	o := s.use.offer
	id := fmt.Sprintf("%s-%s-%d", s.workload.service, s.environment[:4], instance)
	g.set("ChargeCategory", "Usage")
	g.set("ChargeFrequency", "Usage-Based")
	g.set("PricingCategory", "Standard")
	g.set("ChargeDescription", o.sku+" in "+o.cloud.region)
	g.set("ResourceId", fmt.Sprintf(o.cloud.prefix, o.resource, o.cloud.accounts[s.environment], o.resource, id))
	g.set("ResourceName", id)
	g.set("ResourceType", o.resource)
	g.set("SkuId", o.sku)
	g.set("SkuPriceId", o.sku+".eur")
	list := g.cost(s, instance)
	billed := list - list/100*o.discount
	effective := billed
	if o.discount > 0 && instance%3 == 0 { // covered by a commitment, which was billed when it was bought
		g.set("CommitmentDiscountCategory", "Spend")
		g.set("CommitmentDiscountId", o.cloud.provider+"-commitment-1")
		g.set("CommitmentDiscountStatus", "Used")
		g.set("CommitmentDiscountType", "Savings Plan")
		g.set("PricingCategory", "Committed")
		effective, billed = billed-billed/10, 0
	}
	g.amounts(billed, effective, list, list-list/100*o.discount)
	g.quantity(o, list)
	g.tags(s, n)
	g.cents += billed
}

// step is how many of an amount's steps make a cent: amounts have ten places.
const step = 100_000_000

// weekdays are per cent of a usual day, from Sunday.
var weekdays = [7]int64{68, 100, 103, 104, 102, 98, 71}

// cost is a resource's list price of the day: a share of the workload's, with growth, weekdays and chance.
func (g *generator) cost(s *source, instance int) int64 {
	instances := int64(max(1, g.perDay/len(g.sources)))
	base := s.use.amount * step / instances
	growth := 1000 + int64(g.day.number)*400/int64(max(365, g.o.Days)) // two fifths in a year
	chance := 900 + g.random.Int64N(200)
	cost := base / 1000 * growth / 100 * weekdays[g.day.at.Weekday()] / 1000 * chance
	if s.workload.service == "data-lake" && g.day.number >= g.o.Days-9 { // a query that runs every minute
		cost *= 3
	}
	return cost + int64(instance%7)
}

func (g *generator) amounts(billed, effective, list, contracted int64) {
	g.set("BilledCost", money.FromScaled(billed, 10).String())
	g.set("EffectiveCost", money.FromScaled(effective, 10).String())
	g.set("ListCost", money.FromScaled(list, 10).String())
	g.set("ContractedCost", money.FromScaled(contracted, 10).String())
}

func (g *generator) quantity(o *offer, list int64) {
	quantity := money.FromScaled(list/7, 8).Round(6).String()
	g.set("ConsumedQuantity", quantity)
	g.set("ConsumedUnit", o.unit)
	g.set("PricingQuantity", quantity)
	g.set("PricingUnit", o.unit)
	g.set("ListUnitPrice", "0.07")
	g.set("ContractedUnitPrice", money.FromScaled(7*(100-o.discount), 4).String())
	g.set("x_CarbonKgCO2e", strconv.FormatFloat(float64(list/step*3)/1000, 'f', -1, 64))
}

// tags forget some: a twelfth has none, and others miss one.
func (g *generator) tags(s *source, n int) {
	switch {
	case n%12 == 5:
	case n%9 == 4:
		g.set("Tags", s.tags[1])
	default:
		g.set("Tags", s.tags[0])
	}
}

// special is what does not come every day: taxes, a commitment's fee and a credit on the first of a month, a refund and a
// correction in its middle. On other days it is usage.
func (g *generator) special(s *source, n int) {
	switch on := g.day.at.Day(); {
	case on == 1 && n == 0:
		g.once(s, "Tax", "", "VAT", g.cents/500)
		g.cents = 0
	case on == 1 && n == 1:
		g.once(s, "Purchase", "", "Commitment for a month", 180_000*step)
		g.set("EffectiveCost", "0")
	case on == 1 && n == 2:
		g.once(s, "Credit", "", "Credits of the programme for carriers", -9_500*step)
	case on == 15 && n == 0:
		g.once(s, "Adjustment", "", "Refund for an outage", -2_150*step)
	case on == 15 && n == 1:
		g.once(s, "Usage", "Correction", "Correction of the former day's metering", -320*step)
	default:
		g.usage(s, n)
	}
}

func (g *generator) once(s *source, category, class, description string, amount int64) {
	g.place(s)
	g.set("ChargeCategory", category)
	g.set("ChargeClass", class)
	g.set("ChargeDescription", description)
	g.set("ChargeFrequency", "One-Time")
	g.amounts(amount, amount, amount, amount)
}
