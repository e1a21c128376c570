package estimate

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// ActionInput is what a template gives to cost:estimate.
type ActionInput struct {
	Plan           json.RawMessage   `json:"plan,omitempty" desc:"The plan: output json of terraform:plan or terraform:show"`
	PlanPath       string            `json:"planPath,omitempty" desc:"File of the workspace with the plan, as terraform show -json writes it, or with an estimate of Infracost's" example:"plan.json"`
	Usage          json.RawMessage   `json:"usage,omitempty" desc:"How much is used, in the form of Infracost's usage file"`
	UsagePath      string            `json:"usagePath,omitempty" desc:"File of the workspace that says how much is used" example:"infracost-usage.yml"`
	Regions        map[string]string `json:"regions,omitempty" desc:"Region by provider, for resources that do not tell theirs: the output of terraform:plan has no provider configuration"`
	Name           string            `json:"name,omitempty" desc:"What the estimate calls the plan" max:"200"`
	MaxMonthlyCost *float64          `json:"maxMonthlyCost,omitempty" desc:"Fails the step when a month costs more" min:"0" example:"500"`
}

// ActionOutput is what later steps may use. Amounts are decimals with two places.
type ActionOutput struct {
	MonthlyCost     string `json:"monthlyCost" desc:"What a month costs"`
	PastMonthlyCost string `json:"pastMonthlyCost" desc:"What a month costs before"`
	DiffMonthlyCost string `json:"diffMonthlyCost" desc:"How much more that is"`
	Currency        string `json:"currency" desc:"Currency of the amounts"`
	Unpriced        int    `json:"unpriced" desc:"Resources that the amounts lack: without a price, or not supported"`
	Text            string `json:"text" desc:"The estimate as people read it"`
}

var actionOptions = sdk.ActionOptions{
	Description: "Estimates what a Terraform plan costs a month, by the price book of the plugin, and can hold it to a limit",
	DryRun:      true, Repeatable: true, // it changes nothing
	Examples: []sdk.ActionExample{{Description: "Estimate what terraform:plan has planned, and go no further when it is too much", YAML: `steps:
  - id: plan
    action: terraform:plan
  - id: cost
    action: cost:estimate
    input:
      plan: ${{ steps.plan.output.json }}
      regions:
        aws: eu-west-1
      maxMonthlyCost: 500
`}, {Description: "Estimate a plan that is in the workspace", YAML: `steps:
  - id: cost
    action: cost:estimate
    input:
      planPath: plan.json
      usagePath: infracost-usage.yml
`}},
}

// maxText bounds the output; the host takes 256 KiB in one message.
const maxText = 128 << 10

// errNoPlan is what a step without a plan fails with, but in a dry run, where the steps before make none.
var errNoPlan error = apierror.Inputf("plan or planPath must be given; terraform:plan leaves its output json out when it is longer than 1 MiB, write it to a file then")

// Run is the scaffolder action cost:estimate.
func (e *Estimator) Run(a sdk.ActionContext[ActionInput]) (ActionOutput, error) {
	in := a.Input
	data, q, err := in.read(a)
	if a.DryRun && (errors.Is(err, errNoPlan) || errors.Is(err, sdk.ErrNotFound)) {
		a.Log.Info("there is no plan in this dry run, and nothing is estimated")
		nothing, currency := places(money.Amount{}), e.current.Load().book.Currency
		return ActionOutput{MonthlyCost: nothing, PastMonthlyCost: nothing, DiffMonthlyCost: nothing, Currency: currency}, nil
	}
	if err != nil {
		return ActionOutput{}, err
	}
	d, err := e.Read(a, data, q)
	if err != nil {
		return ActionOutput{}, err
	}
	a.Log.Info(d.String(), "resources", d.Summary.TotalDetectedResources)
	for _, m := range d.Summary.UnpricedResources {
		a.Log.Warn("no price: "+m.Reason, "resource", m.Name)
	}
	for _, m := range d.Summary.UnsupportedResources {
		a.Log.Warn("not supported, and not in the estimate", "resource", m.Name)
	}
	out := ActionOutput{
		MonthlyCost: places(*d.TotalMonthlyCost), PastMonthlyCost: places(*d.PastTotalMonthlyCost), DiffMonthlyCost: places(*d.DiffTotalMonthlyCost),
		Currency: d.Currency, Unpriced: d.Summary.TotalUnpricedResources + d.Summary.TotalUnsupportedResources, Text: excerpt.Of(d.Table(), maxText),
	}
	if in.MaxMonthlyCost == nil {
		return out, nil
	}
	return out, d.within(strconv.FormatFloat(*in.MaxMonthlyCost, 'f', -1, 64))
}

// read finds plan and usage, each of which is in the input or in a file.
func (in ActionInput) read(a sdk.ActionContext[ActionInput]) (data []byte, q Request, err error) {
	q = Request{Name: in.Name, Regions: in.Regions}
	if err := checkRegions(in.Regions); err != nil {
		return nil, q, err
	}
	if data, err = oneOf(a, "plan", in.Plan, in.PlanPath); err != nil {
		return nil, q, err
	}
	if len(data) == 0 {
		return nil, q, errNoPlan
	}
	usage, err := oneOf(a, "usage", in.Usage, in.UsagePath)
	if err != nil {
		return nil, q, err
	}
	q.Usage, err = ReadUsage(usage)
	return data, q, err
}

func oneOf(a sdk.ActionContext[ActionInput], name string, value json.RawMessage, path string) ([]byte, error) {
	if string(value) == "null" {
		value = nil
	}
	switch {
	case len(value) > 0 && path != "":
		return nil, apierror.Inputf("%s and %sPath are both given", name, name)
	case path == "":
		return value, nil
	}
	return a.Workspace.ReadFile(a, path)
}
