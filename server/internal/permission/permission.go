package permission

import (
	"context"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Permission is one declared permission, in the form the wire has it.
type Permission struct {
	Type         string     `json:"type"` // "basic" or "resource"
	Name         string     `json:"name"`
	Attributes   Attributes `json:"attributes"`
	ResourceType string     `json:"resourceType,omitempty"`
}

// The types of permissions.
const (
	Basic    = "basic"
	Resource = "resource"
)

// Attributes qualify a permission; Action is create, read, update, delete or "".
type Attributes struct {
	Action string `json:"action,omitempty"`
}

// Result is the outcome of a decision.
type Result string

// The results.
const (
	Allow       Result = "ALLOW"
	Deny        Result = "DENY"
	Conditional Result = "CONDITIONAL"
)

// Decision is what a policy says; Conditions is set exactly when Result is [Conditional].
type Decision struct {
	Result     Result
	Conditions *Criteria
}

// Criteria is a tree of conditions on a resource: exactly one of the fields is set.
type Criteria struct {
	AllOf     []Criteria `json:"allOf,omitempty"`
	AnyOf     []Criteria `json:"anyOf,omitempty"`
	Not       *Criteria  `json:"not,omitempty"`
	Condition *Condition `json:"-"` // rendered inline: {"rule","resourceType","params"}
}

// Condition names a rule of a resource type with its parameters.
type Condition struct {
	Rule         string         `json:"rule"`
	ResourceType string         `json:"resourceType"`
	Params       map[string]any `json:"params,omitempty"`
}

// Authorizer decides; every feature takes one. It must be safe for concurrent use and is on the hot path of every read.
type Authorizer interface {
	// Authorize decides perm for p. For resource permissions the decision may be Conditional: the feature turns the
	// criteria into a filter of its own. Service principals are allowed unless their token is restricted.
	Authorize(ctx context.Context, p *principal.Principal, perm Permission) (Decision, error)
}

// Require returns a NotAllowedError with the reference's empty message unless the decision for p is Allow. It is for
// permissions without a resource: a conditional decision is a refusal.
func Require(ctx context.Context, a Authorizer, p *principal.Principal, perm Permission) error {
	d, err := a.Authorize(ctx, p, perm)
	if err != nil {
		return err
	}
	if d.Result != Allow {
		return apierror.New(apierror.NotAllowed, "")
	}
	return nil
}
