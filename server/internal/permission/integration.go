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
	// Hold answers for an owner in another process, which is asked about many resources at once, in place of Load and of
	// the rules' Apply: whether the condition holds for each ref, in their order. The refs are distinct, parameters have
	// been checked.
	Hold func(ctx context.Context, c *Condition, refs []string) ([]Held, error)
}

// Rule is a question about a resource.
type Rule struct {
	Name, Description string
	// Params is the shape of the parameters; nil = any.
	Params zod.Schema
	// ParamsSchema is shown for a rule without Params, and Check looks at its parameters; nil = any.
	ParamsSchema json.RawMessage
	Check        func(params map[string]any) error
	// Apply answers for one resource; params have the shape of Params.
	Apply func(resource any, params map[string]any) (bool, error)
}

// Evaluate reports whether criteria hold for a resource. Unknown rules and wrong parameters are errors, as far as they
// are reached.
func (in *Integration) Evaluate(c *Criteria, resource any) (bool, error) {
	return c.Resolve(func(cond *Condition) (bool, error) {
		rule := in.rule(cond.Rule)
		if rule == nil {
			return false, in.noRule(cond)
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
	if r.Check != nil {
		if err := r.Check(params); err != nil {
			return apierror.Wrap(apierror.Input, "Parameters to rule are invalid", err)
		}
	}
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

// decide answers a list of questions about resources of this type. The owner is asked for everything at once.
func (in *Integration) decide(ctx context.Context, questions []question) ([][]Result, error) {
	if in.Hold != nil {
		return in.hold(ctx, questions)
	}
	answers := make([][]Result, len(questions))
	var all []string
	for _, q := range questions {
		all = append(all, q.refs...)
	}
	resources, err := in.load(ctx, all)
	if err != nil {
		return nil, err
	}
	for i, q := range questions {
		if answers[i], err = in.decideEach(q.criteria, q.refs, resources); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// question is whether criteria hold for some resources.
type question struct {
	criteria *Criteria
	refs     []string
}

// load fetches each ref once.
func (in *Integration) load(ctx context.Context, refs []string) (map[string]any, error) {
	if in.Load == nil {
		return nil, apierror.Newf(apierror.NotImplemented, "This plugin does not expose any permission rule or can't evaluate the conditions request for %s", in.ResourceType)
	}
	loaded := make(map[string]any, len(refs))
	wanted := distinct(refs)
	if len(wanted) == 0 {
		return loaded, nil
	}
	resources, err := in.Load(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for i, ref := range wanted {
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
	ParamsSchema json.RawMessage `json:"paramsSchema"`
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
			shown := ruleMetadata{Name: r.Name, Description: r.Description, ResourceType: in.ResourceType, ParamsSchema: r.ParamsSchema}
			switch {
			case r.Params != nil:
				shown.ParamsSchema = zod.JSONSchema(r.Params)
			case r.ParamsSchema == nil:
				shown.ParamsSchema = zod.JSONSchema(zod.Object()) // as the reference shows a rule without one
			}
			m.Rules = append(m.Rules, shown)
		}
	}
	return m
}
