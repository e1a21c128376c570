package estimate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/estimate/pricebook"
	"github.com/callboard/callboard/plugins/cost/estimate/rules"
	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// hoursPerMonth is what the providers count a month as: 365 × 24 ÷ 12.
var hoursPerMonth = money.FromUnits(730)

// highestMonthly is more than a resource costs: what is above is a mistake in a quantity, and would spoil the total.
var highestMonthly = money.FromUnits(1_000_000_000)

// Request is a plan to estimate.
type Request struct {
	// Name is what people call the plan.
	Name string
	Plan *tfplan.Plan
	// Usage may be nil.
	Usage *Usage
	// Regions are by provider, for resources that do not tell theirs: {"aws": "eu-west-1"}.
	Regions map[string]string
}

// price estimates a plan by a price book.
func price(book *pricebook.Book, set *rules.Set, q Request) (*Document, error) {
	p := &pricer{book: book, rules: set, Request: q}
	p.summary.UnsupportedResourceCounts, p.summary.NoPriceResourceCounts = map[string]int{}, map[string]int{}
	var past, now []Resource
	for _, r := range q.Plan.Resources {
		if r.Before != nil {
			past = p.side(past, r, r.Before, r.After == nil)
		}
		if r.After != nil {
			now = p.side(now, r, r.After, true)
		}
	}
	d := &Document{
		Version: Version, Currency: book.Currency, Metadata: Metadata{Source: "callboard", PriceBook: book.Version},
		Projects: []Project{{
			Name: q.Name, Metadata: ProjectMetadata{Type: "terraform_plan_json", TerraformVersion: q.Plan.TerraformVersion},
			PastBreakdown: breakdown(past), Breakdown: breakdown(now), Summary: p.summary,
		}},
	}
	if err := d.finish(); err != nil {
		return nil, apierror.Inputf("estimate: its total %v", err)
	}
	return d, nil
}

// pricer is one estimate.
type pricer struct {
	Request

	book    *pricebook.Book
	rules   *rules.Set
	summary Summary
}

// side prices a resource as it was or as it will be, and adds it to a list when it costs something. It is counted as it will
// be; what is deleted counts for nothing, and is only listed where its price is missing.
func (p *pricer) side(list []Resource, r tfplan.Resource, at *tfplan.Attributes, last bool) []Resource {
	if r.After == at {
		p.summary.TotalDetectedResources++
	}
	switch {
	case p.rules.IsFree(r.Type):
		if r.After == at {
			p.summary.TotalNoPriceResources++
			p.summary.NoPriceResourceCounts[r.Type]++
		}
		return list
	case !p.rules.Supports(r.Type):
		if last {
			p.unsupported(r, at)
		}
		return list
	}
	g := &gaps{pricer: p, provider: r.Provider, region: at.Region()}
	if g.region == "" {
		g.region = p.Regions[r.Provider]
	}
	out := g.resource(p.rules.Parts(r.Type, at, p.Usage.of(r.Address, r.Type)))
	out.Name, out.ResourceType, out.Metadata.Region = r.Address, r.Type, g.region
	if r.After == at {
		p.summary.TotalSupportedResources++
		if g.usage {
			p.summary.TotalUsageBasedResources++
		}
	}
	if len(g.reasons) > 0 && last {
		p.summary.TotalUnpricedResources++
		p.summary.UnpricedResources = listed(p.summary.UnpricedResources, Missing{r.Address, r.Type, g.region, g.reason()})
	}
	return append(list, out)
}

func (p *pricer) unsupported(r tfplan.Resource, at *tfplan.Attributes) {
	p.summary.TotalUnsupportedResources++
	p.summary.UnsupportedResourceCounts[r.Type]++
	p.summary.UnsupportedResources = listed(p.summary.UnsupportedResources, Missing{r.Address, r.Type, at.Region(), ""})
}

// gaps is one resource, and why parts of it have no price.
type gaps struct {
	*pricer

	provider, region string
	usage            bool
	reasons          map[string]bool
}

func (g *gaps) reason() string {
	return strings.Join(slices.Sorted(maps.Keys(g.reasons)), "; ")
}

func (g *gaps) missingf(format string, args ...any) {
	if g.reasons == nil {
		g.reasons = map[string]bool{}
	}
	g.reasons[fmt.Sprintf(format, args...)] = true
}

func (g *gaps) resource(p rules.Part) Resource {
	r := Resource{Name: p.Name}
	for _, c := range p.Components {
		r.CostComponents = append(r.CostComponents, g.components(c)...)
	}
	for _, sub := range p.Parts {
		if s := g.resource(sub); len(s.CostComponents)+len(s.Subresources) > 0 {
			r.Subresources = append(r.Subresources, s)
		}
	}
	return r
}

// components prices one thing: a component for each tier of its price that it reaches, none for nothing.
func (g *gaps) components(c rules.Component) []CostComponent {
	g.usage = g.usage || c.UsageBased
	out := CostComponent{Name: c.Name, Unit: c.Unit, UsageBased: c.UsageBased}
	tiers, ok := g.tiers(c)
	if !ok {
		out.PriceNotFound = true
		return []CostComponent{out}
	}
	if c.Quantity == nil { // the usage is not given
		out.Price = tiers[0].Price
		return []CostComponent{out}
	}
	if c.Quantity.IsZero() {
		return nil
	}
	monthly := *c.Quantity
	if c.Hourly {
		monthly = monthly.Mul(hoursPerMonth)
	}
	var list []CostComponent
	for i, t := range tiers {
		part, more := within(monthly, tiers, i)
		if !more {
			break
		}
		one := out
		if i > 0 {
			one.Name += fmt.Sprintf(" (beyond %s %s)", t.From, t.Unit)
		}
		one.cost(t.Price, part)
		list = append(list, one)
	}
	return g.believable(list)
}

// within is the part of a quantity that lies in tier i; false when it does not reach it.
func within(quantity money.Amount, tiers []pricebook.Tier, i int) (money.Amount, bool) {
	if i > 0 && quantity.Cmp(tiers[i].From) <= 0 {
		return money.Amount{}, false
	}
	if i+1 < len(tiers) && quantity.Cmp(tiers[i+1].From) > 0 {
		quantity = tiers[i+1].From
	}
	return quantity.Sub(tiers[i].From), true
}

func (c *CostComponent) cost(price, monthly money.Amount) {
	cost := price.Mul(monthly)
	hourlyQuantity, hourlyCost := monthly.Quo(hoursPerMonth), cost.Quo(hoursPerMonth)
	c.Price, c.MonthlyQuantity, c.HourlyQuantity, c.MonthlyCost, c.HourlyCost = price, &monthly, &hourlyQuantity, &cost, &hourlyCost
}

// tiers finds the price of a component; false says why there is none.
func (g *gaps) tiers(c rules.Component) ([]pricebook.Tier, bool) {
	if c.Gap != "" {
		g.missingf("%s", c.Gap)
		return nil, false
	}
	tiers, ok := g.book.Find(g.provider, g.region, c.Item)
	switch {
	case !ok && g.region == "":
		g.missingf("its region is not known")
	case !ok:
		g.missingf("the price book has no %s in %s", c.Item, g.region)
	case tiers[0].Unit != c.Unit:
		g.missingf("the price book has %s by %s, and it is counted by %s", c.Item, tiers[0].Unit, c.Unit)
	default:
		return tiers, true
	}
	return nil, false
}

// believable takes costs away that can only come of a mistake.
func (g *gaps) believable(list []CostComponent) []CostComponent {
	for i := range list {
		c := &list[i]
		if c.MonthlyCost.Cmp(highestMonthly) <= 0 && c.MonthlyCost.Err() == nil {
			continue
		}
		g.missingf("%s: the quantity cannot be right: it would cost more than %s a month", c.Name, highestMonthly)
		*c = CostComponent{Name: c.Name, Unit: c.Unit, UsageBased: c.UsageBased, Price: c.Price, PriceNotFound: true}
	}
	return list
}
