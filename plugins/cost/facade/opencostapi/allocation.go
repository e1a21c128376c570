package opencostapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// allocation is OpenCost's, with all members that its frontend reads. What the ledger does not know, hours and requests,
// is zero. JSON has no NaN, and OpenCost's own efficiency of nothing is one.
type allocation struct {
	Name            string            `json:"name"`
	Properties      map[string]string `json:"properties"`
	Window          window            `json:"window"`
	Start           time.Time         `json:"start"`
	End             time.Time         `json:"end"`
	Minutes         float64           `json:"minutes"`
	CPUReqCoreHrs   float64           `json:"cpuReqCoreHrs"`
	CPUCoreHours    float64           `json:"cpuCoreHours"`
	CPUCost         float64           `json:"cpuCost"`
	CPUEfficiency   float64           `json:"cpuEfficiency"`
	GPUHours        float64           `json:"gpuHours"`
	GPUCost         float64           `json:"gpuCost"`
	NetworkCost     float64           `json:"networkCost"`
	LoadBalancer    float64           `json:"loadBalancerCost"`
	PVByteHours     float64           `json:"pvByteHours"`
	PVCost          float64           `json:"pvCost"`
	RAMReqByteHrs   float64           `json:"ramReqByteHrs"`
	RAMByteHours    float64           `json:"ramByteHours"`
	RAMCost         float64           `json:"ramCost"`
	RAMEfficiency   float64           `json:"ramEfficiency"`
	SharedCost      float64           `json:"sharedCost"`
	ExternalCost    float64           `json:"externalCost"`
	TotalCost       float64           `json:"totalCost"`
	TotalEfficiency float64           `json:"totalEfficiency"`
}

type window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// unallocated is the name of what belongs to none of an aggregate's values.
const unallocated = "__unallocated__"

// usual are the dimensions of aggregates that are no tags of the same name.
var usual = map[string]ledger.Dimension{"cluster": ledger.SubAccountName, "node": ledger.ResourceName}

// known are the aggregates that have no prefix.
var known = []string{"cluster", "node", "namespace", "controllerKind", "controller", "service", "pod", "container", "department", "environment", "owner", "product", "team"}

const mostAggregates = 5

// aggregates reads "namespace", "cluster,namespace", "label:app".
func aggregates(text string) ([]string, error) {
	if text == "" {
		return []string{"cluster", "node", "namespace", "pod", "container"}, nil // as OpenCost
	}
	var out []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		prefix, key, labelled := strings.Cut(name, ":")
		if !labelled && !slices.Contains(known, name) || labelled && (prefix != "label" && prefix != "annotation" || key == "") {
			return nil, apierror.Inputf("aggregate: %q is none of %s, label:<name>, annotation:<name>", excerpt.Short(name), strings.Join(known, ", "))
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) > mostAggregates {
		return nil, apierror.Inputf("aggregate: there are more than %d", mostAggregates)
	}
	return out, nil
}

func (a *api) dimension(aggregate string) ledger.Dimension {
	if d, ok := a.Dimensions[aggregate]; ok {
		return d
	}
	if d, ok := usual[aggregate]; ok {
		return d
	}
	if _, key, labelled := strings.Cut(aggregate, ":"); labelled {
		return ledger.Tag(key)
	}
	return ledger.Tag(aggregate)
}

// mostSeries bounds what is read; the rest is one allocation more.
const mostSeries = 5000

// set is OpenCost's: the allocations of one step by name.
type set map[string]*allocation

// fromLedger makes allocations of charges: effective costs, split by what the charges are for.
func (a *api) fromLedger(ctx context.Context, q question) (any, error) {
	found, err := a.Costs.Query(ctx, "", a.query(q))
	if err != nil {
		return nil, err
	}
	sums := make([]map[string]*sum, q.steps())
	for i := range sums {
		sums[i] = map[string]*sum{}
	}
	for _, series := range found.Series {
		a.add(sums, q, series)
	}
	sets := make([]set, len(sums))
	for i := range sets {
		sets[i] = q.set(sums[i], i)
	}
	return map[string]any{"code": http.StatusOK, "data": sets}, nil
}

func (a *api) query(q question) ledger.Query {
	out := ledger.Query{From: q.from, To: q.to, Granularity: ledger.Daily, Limit: mostSeries}
	if q.accumulate {
		out.Granularity = ledger.Total
	}
	groups := []ledger.Dimension{}
	for _, aggregate := range q.aggregate {
		groups = append(groups, a.dimension(aggregate))
	}
	for _, d := range append(groups, ledger.Service, ledger.ServiceCategory) {
		if !slices.Contains(out.GroupBy, d) {
			out.GroupBy = append(out.GroupBy, d)
		}
	}
	return out
}

// steps is how many sets are answered.
func (q question) steps() int {
	if q.accumulate {
		return 1
	}
	return int(q.to - q.from)
}

// sum is an allocation while it is added up, exactly.
type sum struct {
	properties map[string]string
	parts      map[part]money.Amount
}

func (a *api) add(sums []map[string]*sum, q question, series ledger.Series) {
	name, properties := a.name(q, series)
	p := partOf(series.Keys[ledger.Service], series.Keys[ledger.ServiceCategory])
	for _, point := range series.Points {
		if point.Amount.IsZero() {
			continue
		}
		step := 0
		if !q.accumulate {
			step = int(point.Day - q.from)
		}
		s := sums[step][name]
		if s == nil {
			s = &sum{properties, map[part]money.Amount{}}
			sums[step][name] = s
		}
		s.parts[p] = s.parts[p].Add(point.Amount)
	}
}

// name is that of an allocation, "shop/cart" for two aggregates.
func (a *api) name(q question, series ledger.Series) (string, map[string]string) {
	properties := map[string]string{}
	if series.Other {
		return "__other__", properties
	}
	var names []string
	for _, aggregate := range q.aggregate {
		value := series.Keys[a.dimension(aggregate)]
		if value == "" {
			names = append(names, unallocated)
			continue
		}
		names = append(names, value)
		if !strings.Contains(aggregate, ":") {
			properties[aggregate] = value
		}
	}
	return strings.Join(names, "/"), properties
}

// part is what a charge is for, in OpenCost's terms.
type part int

const (
	external part = iota // a cloud's service whose CPU and memory the bill does not tell apart
	cpu
	ram
	gpu
	pv
	network
	loadBalancer
)

// partOf tells by the words of a charge's service, else by its category.
func partOf(service, category string) part {
	words := strings.FieldsFunc(strings.ToLower(service), func(r rune) bool { return r < 'a' || r > 'z' })
	for _, w := range words {
		switch w {
		case "cpu", "vcpu":
			return cpu
		case "ram", "memory":
			return ram
		case "gpu":
			return gpu
		case "pv", "persistentvolume":
			return pv
		}
	}
	switch text := strings.Join(words, " "); {
	case strings.Contains(text, "load balanc"), strings.Contains(text, "loadbalanc"):
		return loadBalancer
	case strings.Contains(text, "persistent volume"), category == "Storage":
		return pv
	case category == "Networking":
		return network
	}
	return external
}

// set makes allocations of the sums of a step.
func (q question) set(sums map[string]*sum, step int) set {
	from, to := q.from+ledger.Day(step), q.from+ledger.Day(step)+1
	if q.accumulate {
		to = q.to
	}
	w := window{from.Time(), to.Time()}
	out := set{}
	for name, s := range sums {
		var total money.Amount
		for _, amount := range s.parts {
			total = total.Add(amount)
		}
		out[name] = &allocation{
			Name: name, Properties: s.properties, Window: w, Start: w.Start, End: w.End, Minutes: w.End.Sub(w.Start).Minutes(),
			CPUCost: s.parts[cpu].Float64(), RAMCost: s.parts[ram].Float64(), GPUCost: s.parts[gpu].Float64(), PVCost: s.parts[pv].Float64(),
			NetworkCost: s.parts[network].Float64(), LoadBalancer: s.parts[loadBalancer].Float64(), ExternalCost: s.parts[external].Float64(),
			TotalCost: total.Float64(),
		}
	}
	return out
}
