package estimate

import "github.com/callboard/callboard/plugins/cost/money"

// difference is what changes between two breakdowns: resources whose costs differ, with the amounts that are added.
// Resources and components are the same when they have the same name.
func difference(past, now *Breakdown) *Breakdown {
	d := breakdown(nil)
	d.Resources = append(d.Resources, changedResources(past.Resources, now.Resources)...)
	d.TotalHourlyCost, d.TotalMonthlyCost = minus(now.TotalHourlyCost, past.TotalHourlyCost), minus(now.TotalMonthlyCost, past.TotalMonthlyCost)
	return d
}

func changedResources(past, now []Resource) []Resource {
	var out []Resource
	pairs(past, now, func(r Resource) string { return r.ResourceType + "\x00" + r.Name }, func(before, after *Resource) {
		b, a := orEmpty(before), orEmpty(after)
		r := Resource{
			Name: either(b.Name, a.Name), ResourceType: either(b.ResourceType, a.ResourceType),
			HourlyCost: minus(a.HourlyCost, b.HourlyCost), MonthlyCost: minus(a.MonthlyCost, b.MonthlyCost),
			CostComponents: changedComponents(b.CostComponents, a.CostComponents), Subresources: changedResources(b.Subresources, a.Subresources),
		}
		if len(r.CostComponents) > 0 || len(r.Subresources) > 0 {
			out = append(out, r)
		}
	})
	return out
}

func changedComponents(past, now []CostComponent) []CostComponent {
	var out []CostComponent
	pairs(past, now, func(c CostComponent) string { return c.Name }, func(before, after *CostComponent) {
		b, a := orEmpty(before), orEmpty(after)
		if before != nil && after != nil && same(a.MonthlyCost, b.MonthlyCost) && same(a.MonthlyQuantity, b.MonthlyQuantity) && a.Price == b.Price {
			return
		}
		out = append(out, CostComponent{
			Name: either(b.Name, a.Name), Unit: either(b.Unit, a.Unit), UsageBased: a.UsageBased || b.UsageBased,
			PriceNotFound: a.PriceNotFound || b.PriceNotFound, Price: a.Price.Sub(b.Price),
			HourlyQuantity: minus(a.HourlyQuantity, b.HourlyQuantity), MonthlyQuantity: minus(a.MonthlyQuantity, b.MonthlyQuantity),
			HourlyCost: minus(a.HourlyCost, b.HourlyCost), MonthlyCost: minus(a.MonthlyCost, b.MonthlyCost),
		})
	})
	return out
}

// pairs calls visit for each thing that is in one of the lists: in the order of now, then what is gone. Of several with the
// same name, the first is the first.
func pairs[T any](past, now []T, name func(T) string, visit func(before, after *T)) {
	waiting := map[string][]int{}
	for i, p := range past {
		waiting[name(p)] = append(waiting[name(p)], i)
	}
	met := make([]bool, len(past))
	for i := range now {
		key := name(now[i])
		var before *T
		if w := waiting[key]; len(w) > 0 {
			before, met[w[0]], waiting[key] = &past[w[0]], true, w[1:]
		}
		visit(before, &now[i])
	}
	for i := range past {
		if !met[i] {
			visit(&past[i], nil)
		}
	}
}

func orEmpty[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func either(a, b string) string {
	if b != "" {
		return b
	}
	return a
}

func same(a, b *money.Amount) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}
