package estimate

import (
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// within fails when a month costs more than an amount; "" = there is no limit. What has no price cannot be held to one: the
// error and the summary name it.
func (d *Document) within(most string) error {
	if most == "" {
		return nil
	}
	limit, err := money.Parse(most)
	if err != nil || limit.Sign() < 0 {
		return apierror.Inputf("the highest monthly cost: %q is no amount", excerpt.Of(most, 40))
	}
	if d.TotalMonthlyCost.Cmp(limit) <= 0 {
		return nil
	}
	return apierror.Inputf("the plan costs %s %s a month, %s more than the %s that it may", rounded(*d.TotalMonthlyCost), d.Currency,
		rounded(d.TotalMonthlyCost.Sub(limit)), rounded(limit))
}
