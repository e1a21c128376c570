package estimate

import (
	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// ReadInfracost reads what `infracost breakdown --format json` and `infracost diff --format json` write. What Infracost's
// form has beyond [Document] is left out. Sums and differences are made anew of the components, so that they are right
// whatever the sender wrote.
func ReadInfracost(data []byte) (*Document, error) {
	if err := tfplan.Check("infracost", data); err != nil {
		return nil, err
	}
	d := &Document{}
	if err := tfplan.Decode("infracost", data, d); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	for i := range d.Projects {
		p := &d.Projects[i]
		if p.PastBreakdown == nil {
			p.PastBreakdown = &Breakdown{}
		}
		p.PastBreakdown, p.Breakdown = breakdown(p.PastBreakdown.Resources), breakdown(p.Breakdown.Resources)
	}
	whole := d.Summary
	d.Summary = Summary{}
	if err := d.finish(); err != nil {
		return nil, apierror.Inputf("infracost: its total %v", err)
	}
	if d.Summary.TotalDetectedResources == 0 { // some versions only have the summary of the whole
		d.Summary = Summary{}
		d.Summary.join(whole)
	}
	d.Version, d.Metadata = Version, Metadata{Source: "infracost"}
	return d, nil
}

const (
	maxProjects = 1000
	maxParts    = 50_000 // resources and components in all
	maxName     = 1000
)

func (d *Document) check() error {
	switch {
	case !currencyForm.MatchString(d.Currency):
		return apierror.Inputf("infracost: currency %q is no code of ISO 4217", excerpt.Of(d.Currency, 20))
	case len(d.Projects) == 0:
		return apierror.Inputf("infracost: projects is empty")
	case len(d.Projects) > maxProjects:
		return apierror.Inputf("infracost: it has %d projects, at most %d are read", len(d.Projects), maxProjects)
	}
	left := maxParts
	for _, p := range d.Projects {
		if p.Breakdown == nil {
			return apierror.Inputf("infracost: project %q has no breakdown", excerpt.Of(p.Name, 100))
		}
		if len(p.Name) > maxName {
			return apierror.Inputf("infracost: the name of a project has more than %d bytes", maxName)
		}
		sides := [][]Resource{p.Breakdown.Resources}
		if p.PastBreakdown != nil {
			sides = append(sides, p.PastBreakdown.Resources)
		}
		for _, side := range sides {
			if err := checkResources(side, &left); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkResources(list []Resource, left *int) error {
	for i := range list {
		r := &list[i]
		if *left -= 1 + len(r.CostComponents); *left < 0 {
			return apierror.Inputf("infracost: it has more than %d resources and components", maxParts)
		}
		if r.Name == "" || len(r.Name) > maxName {
			return apierror.Inputf("infracost: a resource has no name, or one of more than %d bytes", maxName)
		}
		for _, c := range r.CostComponents {
			if err := c.check(); err != nil {
				return apierror.Inputf("infracost: %s: %s: %v", excerpt.Of(r.Name, 200), excerpt.Of(c.Name, 200), err)
			}
		}
		if len(r.CostComponents)+len(r.Subresources) == 0 && r.MonthlyCost != nil { // a total without its parts
			whole := CostComponent{Name: "Total", Unit: "months", HourlyCost: r.HourlyCost, MonthlyCost: r.MonthlyCost}
			if err := whole.check(); err != nil {
				return apierror.Inputf("infracost: %s: %v", excerpt.Of(r.Name, 200), err)
			}
			r.CostComponents = []CostComponent{whole}
		}
		if err := checkResources(r.Subresources, left); err != nil {
			return err
		}
	}
	return nil
}

func (c CostComponent) check() error {
	for name, a := range map[string]*money.Amount{
		"price": &c.Price, "hourlyQuantity": c.HourlyQuantity, "monthlyQuantity": c.MonthlyQuantity, "hourlyCost": c.HourlyCost, "monthlyCost": c.MonthlyCost,
	} {
		switch {
		case a == nil:
		case a.Sign() < 0:
			return apierror.Inputf("%s %s is negative", name, a)
		case (name == "monthlyCost" || name == "hourlyCost") && a.Cmp(highestMonthly) > 0:
			return apierror.Inputf("%s %s cannot be right: it is above %s", name, a, highestMonthly)
		}
	}
	return nil
}
