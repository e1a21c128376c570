package policy

// Decision is what a policy says of a request. What is critical refuses it, a warning does unless the applicant says why to
// go on. Findings are in the order of their rules' names, then of their messages.
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
