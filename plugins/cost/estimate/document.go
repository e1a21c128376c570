package estimate

import (
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
)

// Document is an estimate in the form of Infracost's JSON output, version 0.2. Amounts are decimals as strings; null is what
// depends on usage that nobody told. Infracost's readers skip the members that are not Infracost's: unpricedResources,
// unsupportedResources, priceBook.
type Document struct {
	Version              string        `json:"version"`
	Metadata             Metadata      `json:"metadata"`
	Currency             string        `json:"currency"`
	Projects             []Project     `json:"projects"`
	TotalHourlyCost      *money.Amount `json:"totalHourlyCost"`
	TotalMonthlyCost     *money.Amount `json:"totalMonthlyCost"`
	PastTotalHourlyCost  *money.Amount `json:"pastTotalHourlyCost"`
	PastTotalMonthlyCost *money.Amount `json:"pastTotalMonthlyCost"`
	DiffTotalHourlyCost  *money.Amount `json:"diffTotalHourlyCost"`
	DiffTotalMonthlyCost *money.Amount `json:"diffTotalMonthlyCost"`
	TimeGenerated        time.Time     `json:"timeGenerated"`
	Summary              Summary       `json:"summary"`
}

// Version is the version of Infracost's form that is written.
const Version = "0.2"

// Metadata says where an estimate comes from.
type Metadata struct {
	// Source is "callboard" for own estimates and "infracost" for those that were uploaded.
	Source string `json:"source"`
	// PriceBook is the version of the price book of own estimates.
	PriceBook string `json:"priceBook,omitempty"`
}

// Project is one configuration.
type Project struct {
	Name          string          `json:"name"`
	Metadata      ProjectMetadata `json:"metadata"`
	PastBreakdown *Breakdown      `json:"pastBreakdown"`
	Breakdown     *Breakdown      `json:"breakdown"`
	Diff          *Breakdown      `json:"diff"`
	Summary       Summary         `json:"summary"`
}

// ProjectMetadata is the part of Infracost's that is kept.
type ProjectMetadata struct {
	Path               string `json:"path,omitempty"`
	Type               string `json:"type,omitempty"`
	TerraformWorkspace string `json:"terraformWorkspace,omitempty"`
	TerraformVersion   string `json:"terraformVersion,omitempty"`
}

// Breakdown is what a project costs, resource by resource.
type Breakdown struct {
	Resources        []Resource    `json:"resources"`
	TotalHourlyCost  *money.Amount `json:"totalHourlyCost"`
	TotalMonthlyCost *money.Amount `json:"totalMonthlyCost"`
}

// Resource is a resource, or a part of one.
type Resource struct {
	Name           string           `json:"name"`
	ResourceType   string           `json:"resourceType,omitempty"`
	Metadata       ResourceMetadata `json:"metadata"`
	HourlyCost     *money.Amount    `json:"hourlyCost"`
	MonthlyCost    *money.Amount    `json:"monthlyCost"`
	CostComponents []CostComponent  `json:"costComponents,omitempty"`
	Subresources   []Resource       `json:"subresources,omitempty"`
}

// ResourceMetadata is empty for parts of resources.
type ResourceMetadata struct {
	Region string `json:"region,omitempty"`
}

// CostComponent is one thing that is paid for.
type CostComponent struct {
	Name            string        `json:"name"`
	Unit            string        `json:"unit"`
	HourlyQuantity  *money.Amount `json:"hourlyQuantity"`
	MonthlyQuantity *money.Amount `json:"monthlyQuantity"`
	Price           money.Amount  `json:"price"`
	HourlyCost      *money.Amount `json:"hourlyCost"`
	MonthlyCost     *money.Amount `json:"monthlyCost"`
	UsageBased      bool          `json:"usageBased,omitempty"`
	PriceNotFound   bool          `json:"priceNotFound,omitempty"`
}

// Summary counts the resources of an estimate. No price is Infracost's word for what costs nothing.
type Summary struct {
	TotalDetectedResources    int            `json:"totalDetectedResources"`
	TotalSupportedResources   int            `json:"totalSupportedResources"`
	TotalUnsupportedResources int            `json:"totalUnsupportedResources"`
	TotalUsageBasedResources  int            `json:"totalUsageBasedResources"`
	TotalNoPriceResources     int            `json:"totalNoPriceResources"`
	TotalUnpricedResources    int            `json:"totalUnpricedResources"`
	UnsupportedResourceCounts map[string]int `json:"unsupportedResourceCounts"`
	NoPriceResourceCounts     map[string]int `json:"noPriceResourceCounts"`
	// UnsupportedResources and UnpricedResources are missing in the totals, the latter at least in part. Each lists the
	// first maxListed.
	UnsupportedResources []Missing `json:"unsupportedResources,omitempty"`
	UnpricedResources    []Missing `json:"unpricedResources,omitempty"`
}

// Missing is a resource that a total lacks, and why.
type Missing struct {
	Name         string `json:"name"`
	ResourceType string `json:"resourceType"`
	Region       string `json:"region,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

const maxListed = 1000

// add sums up; nil counts as nothing, and is the sum of nothing else.
func add(a, b *money.Amount) *money.Amount {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	sum := a.Add(*b)
	return &sum
}

func minus(a, b *money.Amount) *money.Amount {
	if b != nil {
		n := b.Neg()
		b = &n
	}
	return add(a, b)
}

// zero makes an amount of a total: that of nothing is zero.
func zero(a *money.Amount) *money.Amount {
	if a == nil {
		return &money.Amount{}
	}
	return a
}

// sum sets the costs of a resource by those of its parts.
func (r *Resource) sum() {
	r.HourlyCost, r.MonthlyCost = nil, nil
	for _, c := range r.CostComponents {
		r.HourlyCost, r.MonthlyCost = add(r.HourlyCost, c.HourlyCost), add(r.MonthlyCost, c.MonthlyCost)
	}
	for i := range r.Subresources {
		s := &r.Subresources[i]
		s.sum()
		r.HourlyCost, r.MonthlyCost = add(r.HourlyCost, s.HourlyCost), add(r.MonthlyCost, s.MonthlyCost)
	}
}

// breakdown sums resources up.
func breakdown(resources []Resource) *Breakdown {
	b := &Breakdown{Resources: resources}
	for i := range resources {
		resources[i].sum()
		b.TotalHourlyCost, b.TotalMonthlyCost = add(b.TotalHourlyCost, resources[i].HourlyCost), add(b.TotalMonthlyCost, resources[i].MonthlyCost)
	}
	b.TotalHourlyCost, b.TotalMonthlyCost = zero(b.TotalHourlyCost), zero(b.TotalMonthlyCost)
	if b.Resources == nil {
		b.Resources = []Resource{}
	}
	return b
}

// finish sums the projects up.
func (d *Document) finish() error {
	var now, past Breakdown
	for i := range d.Projects {
		p := &d.Projects[i]
		p.Diff = difference(p.PastBreakdown, p.Breakdown)
		now.TotalHourlyCost, now.TotalMonthlyCost = add(now.TotalHourlyCost, p.Breakdown.TotalHourlyCost), add(now.TotalMonthlyCost, p.Breakdown.TotalMonthlyCost)
		past.TotalHourlyCost, past.TotalMonthlyCost = add(past.TotalHourlyCost, p.PastBreakdown.TotalHourlyCost), add(past.TotalMonthlyCost, p.PastBreakdown.TotalMonthlyCost)
		d.Summary.join(p.Summary)
	}
	d.TotalHourlyCost, d.TotalMonthlyCost = zero(now.TotalHourlyCost), zero(now.TotalMonthlyCost)
	d.PastTotalHourlyCost, d.PastTotalMonthlyCost = zero(past.TotalHourlyCost), zero(past.TotalMonthlyCost)
	d.DiffTotalHourlyCost, d.DiffTotalMonthlyCost = minus(d.TotalHourlyCost, d.PastTotalHourlyCost), minus(d.TotalMonthlyCost, d.PastTotalMonthlyCost)
	for _, total := range []*money.Amount{d.TotalMonthlyCost, d.PastTotalMonthlyCost, d.DiffTotalMonthlyCost} {
		if err := total.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Summary) join(other Summary) {
	s.TotalDetectedResources += other.TotalDetectedResources
	s.TotalSupportedResources += other.TotalSupportedResources
	s.TotalUnsupportedResources += other.TotalUnsupportedResources
	s.TotalUsageBasedResources += other.TotalUsageBasedResources
	s.TotalNoPriceResources += other.TotalNoPriceResources
	s.TotalUnpricedResources += other.TotalUnpricedResources
	s.UnsupportedResourceCounts = counts(s.UnsupportedResourceCounts, other.UnsupportedResourceCounts)
	s.NoPriceResourceCounts = counts(s.NoPriceResourceCounts, other.NoPriceResourceCounts)
	s.UnsupportedResources = listed(s.UnsupportedResources, other.UnsupportedResources...)
	s.UnpricedResources = listed(s.UnpricedResources, other.UnpricedResources...)
}

func counts(into, from map[string]int) map[string]int {
	if into == nil {
		into = map[string]int{}
	}
	for k, n := range from {
		into[k] += n
	}
	return into
}

func listed(list []Missing, more ...Missing) []Missing {
	return append(list, more[:min(len(more), maxListed-len(list))]...)
}
