package opencost

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// Provider is that of all charges of OpenCost.
const Provider = "OpenCost"

// part is what an allocation's cost is made of, and the service that it becomes.
type part struct {
	service, category string
	of                func(*Allocation) []json.Number
}

var parts = []part{
	{"CPU", "Compute", func(a *Allocation) []json.Number { return []json.Number{a.CPUCost, a.CPUCostAdjustment} }},
	{"RAM", "Compute", func(a *Allocation) []json.Number { return []json.Number{a.RAMCost, a.RAMCostAdjustment} }},
	{"GPU", "Compute", func(a *Allocation) []json.Number { return []json.Number{a.GPUCost, a.GPUCostAdjustment} }},
	{"Persistent volumes", "Storage", func(a *Allocation) []json.Number { return []json.Number{a.PVCost, a.PVCostAdjustment} }},
	{"Network", "Networking", func(a *Allocation) []json.Number { return []json.Number{a.NetworkCost, a.NetworkCostAdjustment} }},
	{"Load balancer", "Networking", func(a *Allocation) []json.Number {
		return []json.Number{a.LoadBalancerCost, a.LoadBalancerCostAdjustment}
	}},
	{"Shared", "Compute", func(a *Allocation) []json.Number { return []json.Number{a.SharedCost} }},
	{"External", "Other", func(a *Allocation) []json.Number { return []json.Number{a.ExternalCost} }},
}

// places is how exactly costs are taken: what floating-point sums have beyond that is noise.
const places = 9

// charges makes charges of a day's allocations, in an order that does not depend on theirs. Their sum is that of the
// allocations' totals: what the parts do not explain is a charge of its own.
func charges(day ledger.Day, list []Allocation, currency string) ([]ledger.Charge, error) {
	slices.SortFunc(list, func(a, b Allocation) int { return cmp.Compare(a.Name, b.Name) })
	var all []ledger.Charge
	for i := range list {
		a := &list[i]
		c := a.charge(day, currency)
		rest, err := amountOf(a.TotalCost)
		for _, p := range parts {
			amount, partErr := sumOf(p.of(a))
			if err = cmp.Or(err, partErr); err != nil {
				return nil, fmt.Errorf("allocation %s: %w", line(a.Name), err)
			}
			rest = rest.Sub(amount)
			all = appendCharge(all, c, p.service, p.category, amount)
		}
		if a.TotalCost != "" && rest.Abs().Cmp(money.FromScaled(1, 6)) > 0 {
			all = appendCharge(all, c, "Other", "Compute", rest)
		}
	}
	return all, nil
}

func appendCharge(all []ledger.Charge, c ledger.Charge, service, category string, amount money.Amount) []ledger.Charge {
	if amount.IsZero() {
		return all
	}
	c.Service, c.ServiceCategory = service, category
	c.Effective, c.Billed, c.List, c.Contracted = amount, amount, amount, amount
	return append(all, c)
}

// charge is what all charges of an allocation have in common.
func (a *Allocation) charge(day ledger.Day, currency string) ledger.Charge {
	p := a.Properties
	tags := map[string]string{}
	maps.Copy(tags, p.Labels)
	for key, value := range map[string]string{"cluster": p.Cluster, "namespace": p.Namespace, "controllerKind": p.ControllerKind, "controller": p.Controller} {
		if value != "" {
			tags[key] = value
		}
	}
	cluster := cmp.Or(p.Cluster, "cluster")
	return ledger.Charge{
		Period: day.Period(), Day: day, Provider: Provider, BillingAccount: cluster, SubAccount: cmp.Or(p.Namespace, a.Name), SubAccountName: cmp.Or(p.Namespace, a.Name),
		Resource: a.Name, ResourceName: cmp.Or(p.Controller, lastOf(a.Name)), ResourceType: p.ControllerKind, Category: "Usage", Currency: currency, Tags: ledger.TagsOf(tags),
	}
}

// lastOf is the last part of a name such as cluster/__idle__.
func lastOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func sumOf(numbers []json.Number) (money.Amount, error) {
	var sum money.Amount
	for _, n := range numbers {
		amount, err := amountOf(n)
		if err != nil {
			return sum, err
		}
		sum = sum.Add(amount)
	}
	return sum, sum.Err()
}

// amountOf is a number's amount; what is missing, or was no number, is none.
func amountOf(n json.Number) (money.Amount, error) {
	if n == "" {
		return money.Amount{}, nil
	}
	amount, err := money.Parse(n.String())
	return amount.Round(places), err
}
