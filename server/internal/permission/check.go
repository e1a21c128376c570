package permission

import (
	"context"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Question asks for a permission, about the resource Ref when it is one of a resource.
type Question struct {
	Permission Permission
	Ref        string
}

// Check decides questions for p plainly, for callers that cannot evaluate conditions: they are evaluated here. What is
// conditional and names no resource is denied.
func (e *Engine) Check(ctx context.Context, p *principal.Principal, questions []Question) ([]Result, error) {
	results := make([]Result, len(questions))
	for i, q := range questions {
		d, err := e.Authorize(ctx, p, q.Permission)
		if err != nil {
			return nil, err
		}
		results[i] = d.Result
		if d.Result == Conditional {
			if results[i], err = e.resolve(ctx, d.Conditions, q); err != nil {
				return nil, err
			}
		}
	}
	return results, nil
}

func (e *Engine) resolve(ctx context.Context, c *Criteria, q Question) (Result, error) {
	if q.Ref == "" {
		return Deny, nil
	}
	o := e.resource(q.Permission.ResourceType)
	if o == nil {
		return Deny, apierror.Newf(apierror.NotImplemented, "No plugin of this host owns the resource type '%s'", q.Permission.ResourceType)
	}
	results, err := o.integration.decide(ctx, []question{{c, []string{q.Ref}}})
	if err != nil {
		return Deny, err
	}
	return results[0][0], nil
}
