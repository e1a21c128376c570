package permission

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// Integration is what the owner of a resource type tells about it. Without a ResourceType it only lists permissions.
type Integration struct {
	ResourceType string
	Permissions  []Permission
	Rules        []Rule
	// Load returns the resources with those refs, in their order, nil for one that does not exist. The refs are
	// distinct. nil = conditions cannot be evaluated from outside.
	Load func(ctx context.Context, refs []string) ([]any, error)
}

// Rule is a question about a resource.
type Rule struct {
	Name, Description string
	// Params is the shape of the parameters; nil = any.
	Params zod.Schema
	// Apply answers for one resource; params have the shape of Params.
	Apply func(resource any, params map[string]any) (bool, error)
}

// Evaluate reports whether criteria hold for a resource. Unknown rules and wrong parameters are errors, as far as they
// are reached.
func (in *Integration) Evaluate(c *Criteria, resource any) (bool, error) {
	return c.Resolve(func(cond *Condition) (bool, error) {
		rule := in.rule(cond.Rule)
		if rule == nil {
			return false, apierror.Newf(apierror.Generic, "Permission rule '%s' does not exist for resource type '%s'", cond.Rule, in.ResourceType)
		}
		if err := rule.check(cond.Params); err != nil {
			return false, err
		}
		return rule.Apply(resource, cond.Params)
	})
}

func (in *Integration) rule(name string) *Rule {
	for i := range in.Rules {
		if in.Rules[i].Name == name {
			return &in.Rules[i]
		}
	}
	return nil
}

func (r *Rule) check(params map[string]any) error {
	if r.Params == nil {
		return nil
	}
	if e := zod.ValidateMember(r.Params, params, params != nil); e != nil {
		return e.Because("Parameters to rule are invalid")
	}
	return nil
}

// decideEach answers criteria for some refs of this type. A resource that does not exist is denied, whatever the
// criteria: "not" must not open what is not there.
func (in *Integration) decideEach(c *Criteria, refs []string, resources map[string]any) ([]Result, error) {
	results := make([]Result, len(refs))
	for i, ref := range refs {
		results[i] = Deny
		resource := resources[ref]
		if resource == nil {
			continue
		}
		ok, err := in.Evaluate(c, resource)
		if err != nil {
			return nil, err
		}
		if ok {
			results[i] = Allow
		}
	}
	return results, nil
}

// load fetches each ref once.
func (in *Integration) load(ctx context.Context, refs []string) (map[string]any, error) {
	if in.Load == nil {
		return nil, apierror.Newf(apierror.NotImplemented, "This plugin does not expose any permission rule or can't evaluate the conditions request for %s", in.ResourceType)
	}
	loaded := make(map[string]any, len(refs))
	distinct := make([]string, 0, len(refs))
	for _, ref := range refs {
		if _, seen := loaded[ref]; !seen {
			loaded[ref] = nil
			distinct = append(distinct, ref)
		}
	}
	if len(distinct) == 0 {
		return loaded, nil
	}
	resources, err := in.Load(ctx, distinct)
	if err != nil {
		return nil, err
	}
	for i, ref := range distinct {
		if i < len(resources) {
			loaded[ref] = resources[i]
		}
	}
	return loaded, nil
}

// ruleMetadata is a rule as the metadata endpoint shows it.
type ruleMetadata struct {
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	ResourceType string          `json:"resourceType"`
	ParamsSchema json.RawMessage `json:"paramsSchema,omitempty"`
}

// metadata is the body of the metadata endpoint.
type metadata struct {
	Permissions []Permission   `json:"permissions"`
	Rules       []ruleMetadata `json:"rules"`
}

func metadataOf(integrations []Integration) metadata {
	m := metadata{Permissions: []Permission{}, Rules: []ruleMetadata{}}
	for _, in := range integrations {
		m.Permissions = append(m.Permissions, in.Permissions...)
		for _, r := range in.Rules {
			shown := ruleMetadata{Name: r.Name, Description: r.Description, ResourceType: in.ResourceType}
			if r.Params != nil {
				shown.ParamsSchema = zod.JSONSchema(r.Params)
			}
			m.Rules = append(m.Rules, shown)
		}
	}
	return m
}
