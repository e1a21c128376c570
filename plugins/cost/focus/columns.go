package focus

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// field is a column that is read.
type field int

const (
	billedCost field = iota
	effectiveCost
	listCost
	contractedCost
	billingCurrency
	billingPeriodStart
	billingPeriodEnd
	chargePeriodStart
	chargePeriodEnd
	chargeCategory
	chargeClass
	serviceProviderName
	providerName
	billingAccountID
	billingAccountName
	subAccountID
	subAccountName
	serviceName
	serviceCategory
	regionID
	regionName
	resourceID
	resourceName
	resourceType
	tags
	carbon
	nFields
)

// names are those of the fields in FOCUS. Carbon has none there; see [Options.CarbonColumns].
var names = [nFields]string{
	"BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
	"ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ChargeClass", "ServiceProviderName", "ProviderName", "BillingAccountId",
	"BillingAccountName", "SubAccountId", "SubAccountName", "ServiceName", "ServiceCategory", "RegionId", "RegionName", "ResourceId",
	"ResourceName", "ResourceType", "Tags", "",
}

// required are the columns without which there is nothing to count. Others that FOCUS demands may be missing.
var required = []field{billedCost, effectiveCost, billingCurrency, billingPeriodStart, chargePeriodStart, chargeCategory, serviceName, billingAccountID}

// introduced are columns that a version has brought.
var introduced = []struct {
	version string
	columns []string
}{
	{"1.3", []string{"ServiceProviderName", "HostProviderName", "AllocatedMethodId", "AllocatedMethodDetails", "AllocatedResourceId", "AllocatedTags", "ContractApplied"}},
	{"1.2", []string{"BillingAccountType", "InvoiceId", "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "SubAccountType"}},
	{"1.1", []string{"CapacityReservationId", "CapacityReservationStatus", "CommitmentDiscountQuantity", "CommitmentDiscountUnit", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails"}},
}

// carbonColumns are what exports are known to call kilograms of CO₂ equivalent.
var carbonColumns = []string{"x_CarbonKgCO2e", "x_CarbonEmissionsKgCO2e", "x_CarbonKg", "x_EmissionsKgCO2e"}

// layout is where a file has the fields.
type layout struct {
	version string
	at      [nFields]int // -1 for none
	columns int
}

// others are tables that are mistaken for FOCUS, told by a column.
var others = map[string]string{
	"lineitem/unblendedcost":   "an AWS Cost and Usage Report; export the table FOCUS with AWS columns instead",
	"line_item_unblended_cost": "an AWS Cost and Usage Report; export the table FOCUS with AWS columns instead",
	"costinbillingcurrency":    "an Azure cost and usage export; export the dataset FOCUS instead",
	"pretaxcost":               "an Azure cost and usage export; export the dataset FOCUS instead",
	"contractcommitmentid":     "FOCUS contract commitments, which hold no charges; export the dataset of cost and usage",
}

// arrange finds the fields among a file's columns. Case does not matter, nor do blanks around names.
func arrange(header []string, carbonNames []string) (layout, error) {
	l := layout{columns: len(header)}
	places := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := places[name]; twice && isField(name) {
			return l, apierror.Inputf("column %s is there twice", excerpt.Short(header[i]))
		}
		places[name] = i
	}
	for f, name := range names {
		l.at[f] = place(places, name)
	}
	for _, name := range append(slices.Clone(carbonNames), carbonColumns...) {
		if l.at[carbon] < 0 {
			l.at[carbon] = place(places, name)
		}
	}
	if err := l.complete(header, places); err != nil {
		return l, err
	}
	l.version = version(places)
	return l, nil
}

func isField(lower string) bool {
	return lower != "" && slices.ContainsFunc(names[:], func(name string) bool { return strings.EqualFold(name, lower) })
}

func place(places map[string]int, name string) int {
	if at, found := places[strings.ToLower(name)]; found && name != "" {
		return at
	}
	return -1
}

func (l *layout) complete(header []string, places map[string]int) error {
	var missing []string
	for _, f := range required {
		if l.at[f] < 0 {
			missing = append(missing, names[f])
		}
	}
	if l.at[providerName] < 0 && l.at[serviceProviderName] < 0 {
		missing = append(missing, "ServiceProviderName (ProviderName before FOCUS 1.3)")
	}
	if len(missing) == 0 {
		return nil
	}
	for column, what := range others {
		if _, found := places[column]; found {
			return apierror.Inputf("this is %s", what)
		}
	}
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t|") {
		return apierror.Inputf("columns are separated by commas in FOCUS, not by what this file has: %q", excerpt.Short(header[0]))
	}
	return apierror.Inputf("this is no FOCUS export: it lacks the columns %s", strings.Join(missing, ", "))
}

// version is the newest that brought one of the columns.
func version(places map[string]int) string {
	for _, v := range introduced {
		for _, name := range v.columns {
			if _, found := places[strings.ToLower(name)]; found {
				return v.version
			}
		}
	}
	return "1.0"
}
