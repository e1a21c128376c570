package lifecycle

import (
	"context"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Gate is the policy that access requests pass. An error refuses the request.
type Gate interface {
	Decide(ctx context.Context, q Question) (Verdict, error)
}

// Question is what a gate is asked.
type Question struct {
	App         App
	Gateway     string
	Environment string // of the gateway, such as "production"
	API         driver.APIID
	Plan        driver.Plan
	Entity      sdk.Entity // of the API; nil = it has none
	TTL         Days
	Reason      string
	By          string
	Groups      []string // through which the applicant owns things
	Now         time.Time
}

// Verdict is what a gate says. What is critical refuses; a warning does unless the applicant says why to go on.
type Verdict struct {
	Critical []Finding `json:"critical,omitempty"`
	Warning  []Finding `json:"warning,omitempty"`
	Advisory []Finding `json:"advisory,omitempty"`
	// Approval is "auto", "required", or "" for what the gateway's settings say.
	Approval string `json:"approval,omitempty"`
	// Policy identifies the rules that decided.
	Policy string `json:"policy,omitempty"`
}

// Finding is what one rule says.
type Finding struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// The approvals.
const (
	ApprovalAuto     = "auto"
	ApprovalRequired = "required"
)

func (v Verdict) refusal(override string) error {
	switch {
	case len(v.Critical) > 0:
		return apierror.NotAllowedf("the policy refuses the request: %s", texts(v.Critical))
	case len(v.Warning) > 0 && strings.TrimSpace(override) == "":
		return apierror.Inputf("overrideReason: the policy warns, and a reason to go on is needed: %s", texts(v.Warning))
	}
	return nil
}

func texts(findings []Finding) string {
	all := make([]string, len(findings))
	for i, f := range findings {
		all[i] = f.Message + " (" + f.Rule + ")"
	}
	return strings.Join(all, "; ")
}
