package policy

import (
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Decision is what a policy says of a request. Findings are in the order of their rules' names, then of their messages.
type Decision struct {
	Critical []Finding `json:"critical,omitempty"`
	Warning  []Finding `json:"warning,omitempty"`
	Advisory []Finding `json:"advisory,omitempty"`
	Approval Approval  `json:"approval,omitempty"`
}

// Finding is one message of a rule.
type Finding struct {
	Rule    string `json:"rule"` // the list's name where the rule has none
	Message string `json:"message"`
}

// Approval says whether somebody must approve.
type Approval string

// What the rule approval can be.
const (
	ApprovalByGateway Approval = ""         // the policy leaves it to the gateway's settings
	ApprovalAuto      Approval = "auto"     // nobody needs to
	ApprovalRequired  Approval = "required" // whoever may approve for the API
)

// Refusal says why the request may not go on: critical findings always refuse it, warnings unless override says why they
// do not matter. nil = it may.
func (d Decision) Refusal(override string) error {
	switch {
	case len(d.Critical) > 0:
		return apierror.NotAllowedf("the policy refuses the request: %s", list(d.Critical))
	case len(d.Warning) > 0 && strings.TrimSpace(override) == "":
		return apierror.Inputf("the policy warns, and overrideReason does not say why to go on: %s", list(d.Warning))
	}
	return nil
}

func list(findings []Finding) string {
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.Message + " (" + f.Rule + ")"
	}
	return strings.Join(texts, "; ")
}
