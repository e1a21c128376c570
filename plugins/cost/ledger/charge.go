package ledger

import "github.com/callboard/callboard/plugins/cost/money"

// Charge is a row of a bill as FOCUS has it, as far as the ledger keeps it. Empty texts stand for null.
type Charge struct {
	Period Period // the billing month, by BillingPeriodStart
	Day    Day    // on which the charge period begins: the whole charge counts on that day

	Provider           string // ServiceProviderName, or ProviderName before FOCUS 1.3
	BillingAccount     string
	BillingAccountName string
	SubAccount         string
	SubAccountName     string
	Service            string
	ServiceCategory    string
	Region             string
	Resource           string
	ResourceName       string
	ResourceType       string
	Category           string // Usage, Purchase, Tax, Credit or Adjustment
	Class              string // Correction, or empty
	Currency           string // ISO 4217
	Tags               Tags

	Effective  money.Amount // amortised; what teams are shown
	Billed     money.Amount // what the invoice says
	List       money.Amount
	Contracted money.Amount

	Carbon    money.Amount // kilograms of CO₂ equivalent
	HasCarbon bool         // whether the row tells them at all
}

// Metric is what is summed.
type Metric string

// The metrics. They are alternatives: a sum of two of them means nothing.
const (
	Effective  Metric = "effective"
	Billed     Metric = "billed"
	List       Metric = "list"
	Contracted Metric = "contracted"
	Carbon     Metric = "carbon" // has no currency
)

// metrics are in the order in which a cell holds them.
var metrics = []Metric{Effective, Billed, List, Contracted, Carbon}

// Dimension is what charges can be told apart by: one of the constants, or [Tag] of a key.
type Dimension string

// The dimensions that every charge has, if only with an empty value.
const (
	Provider           Dimension = "provider"
	BillingAccount     Dimension = "billingAccount"
	BillingAccountName Dimension = "billingAccountName"
	SubAccount         Dimension = "subAccount"
	SubAccountName     Dimension = "subAccountName"
	Service            Dimension = "service"
	ServiceCategory    Dimension = "serviceCategory"
	Region             Dimension = "region"
	Resource           Dimension = "resource"
	ResourceName       Dimension = "resourceName"
	ResourceType       Dimension = "resourceType"
	ChargeCategory     Dimension = "chargeCategory"
	ChargeClass        Dimension = "chargeClass"
	Currency           Dimension = "currency"

	Source        Dimension = "source"        // of the import that brought the charge
	BillingPeriod Dimension = "billingPeriod" // 2026-11

	// ByRule is the name of the first of [Query.Rules] that a charge meets; empty when it meets none.
	ByRule Dimension = "rule"
)

// columns are the dimensions that a segment keeps, each with the charge's text of it.
var columns = []struct {
	name Dimension
	of   func(*Charge) string
}{
	{Provider, func(c *Charge) string { return c.Provider }},
	{BillingAccount, func(c *Charge) string { return c.BillingAccount }},
	{BillingAccountName, func(c *Charge) string { return c.BillingAccountName }},
	{SubAccount, func(c *Charge) string { return c.SubAccount }},
	{SubAccountName, func(c *Charge) string { return c.SubAccountName }},
	{Service, func(c *Charge) string { return c.Service }},
	{ServiceCategory, func(c *Charge) string { return c.ServiceCategory }},
	{Region, func(c *Charge) string { return c.Region }},
	{Resource, func(c *Charge) string { return c.Resource }},
	{ResourceName, func(c *Charge) string { return c.ResourceName }},
	{ResourceType, func(c *Charge) string { return c.ResourceType }},
	{ChargeCategory, func(c *Charge) string { return c.Category }},
	{ChargeClass, func(c *Charge) string { return c.Class }},
	{Currency, func(c *Charge) string { return c.Currency }},
	{tagColumn, func(c *Charge) string { return c.Tags.encoded }},
}

// tagColumn keeps each charge's whole set of tags as one value.
const tagColumn Dimension = "tags"

const tagPrefix = "tag:"

// Tag is the dimension of a tag's value, such as Tag("team"). Keys are told apart by case, as clouds do.
func Tag(key string) Dimension { return Dimension(tagPrefix + key) }

// TagKey is the key of a dimension that [Tag] made.
func (d Dimension) TagKey() (string, bool) {
	if len(d) > len(tagPrefix) && d[:len(tagPrefix)] == tagPrefix {
		return string(d[len(tagPrefix):]), true
	}
	return "", false
}

// Valid reports whether there is such a dimension.
func (d Dimension) Valid() bool {
	switch d {
	case Source, BillingPeriod, ByRule:
		return true
	case tagColumn:
		return false
	}
	if _, ok := d.TagKey(); ok {
		return true
	}
	return columnOf(d) >= 0
}

// columnOf is the place of a dimension among columns, or -1.
func columnOf(d Dimension) int {
	for i := range columns {
		if columns[i].name == d {
			return i
		}
	}
	return -1
}
