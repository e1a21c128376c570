package sdk

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Permission is something that a policy can allow or deny, such as "sentry.issue.read".
type Permission struct {
	Name string
	// Action is "create", "read", "update", "delete" or "".
	Action string
	// ResourceType makes it a permission about resources of that type, on which [Rule]s decide; "" = a basic one.
	ResourceType string
}

// Permission registers a permission. Ask for it with [Permissions.Authorize].
func (p *Plugin) Permission(permission Permission) {
	switch permission.Action {
	case "", "create", "read", "update", "delete":
	default:
		misusef("Permission %q: action %q is none of create, read, update, delete", permission.Name, permission.Action)
	}
	p.permits.add(p, "permission", permission.Name, permission)
}

// Rule registers a rule that policies can build conditions from: whether it holds for a resource, which is named by its
// ref. The struct Params is what a condition says beside the rule's name; its JSON Schema checks it.
//
// holds reads what it needs to know about the resource, for many refs in a row: keep it quick. A resource that does not
// exist is [ErrNotFound]: it is denied, also where a policy wants the rule not to hold. Any other error denies all of the
// question.
func Rule[Params any](p *Plugin, name, resourceType string, holds func(ctx context.Context, ref string, params Params) (bool, error), description ...string) {
	if holds == nil {
		misusef("Rule %q: the function is nil", name)
	}
	what := fmt.Sprintf("Rule %q", name)
	sch := schemaOf(what+" params", reflect.TypeFor[Params]())
	listed := &pluginv1.PermissionRule{Name: name, ResourceType: resourceType, Description: only(what, description), ParamsSchemaJson: sch.text}
	p.rules.add(p, "permission rule", name, rule{listed: listed, evaluate: func(ctx context.Context, data []byte, refs []string) (*pluginv1.EvaluateRulesResponse, error) {
		var params Params
		if wrong := sch.decode(data, &params); len(wrong) > 0 {
			return nil, fmt.Errorf("params: %s: %w", wrong[0].GetSummary(), ErrInput)
		}
		out := &pluginv1.EvaluateRulesResponse{Results: make([]bool, len(refs))}
		for i, ref := range refs {
			ok, err := holds(ctx, ref, params)
			switch {
			case errors.Is(err, ErrNotFound):
				out.Missing = append(out.Missing, uint32(i))
			case err != nil:
				return nil, fmt.Errorf("%s: %w", ref, err)
			default:
				out.Results[i] = ok
			}
		}
		return out, nil
	}})
}

type rule struct {
	listed   *pluginv1.PermissionRule
	evaluate func(ctx context.Context, params []byte, refs []string) (*pluginv1.EvaluateRulesResponse, error)
}

type ruleServer struct {
	pluginv1.UnimplementedPermissionRulesServiceServer

	p *Plugin
}

func (s ruleServer) ListRules(context.Context, *pluginv1.ListRulesRequest) (*pluginv1.ListRulesResponse, error) {
	out := &pluginv1.ListRulesResponse{}
	for _, name := range s.p.permits.names {
		pm := s.p.permits.byName[name]
		out.Permissions = append(out.Permissions, &pluginv1.Permission{Name: name, Action: pm.Action, ResourceType: pm.ResourceType})
	}
	for _, name := range s.p.rules.names {
		out.Rules = append(out.Rules, s.p.rules.byName[name].listed)
	}
	return out, nil
}

func (s ruleServer) EvaluateRules(ctx context.Context, req *pluginv1.EvaluateRulesRequest) (*pluginv1.EvaluateRulesResponse, error) {
	r, err := s.p.rules.get("permission rule", req.GetRule())
	if err != nil {
		return nil, err
	}
	out, err := r.evaluate(ctx, req.GetParamsJson(), req.GetResourceRefs())
	if err != nil {
		return nil, fmt.Errorf("rule %s: %w", req.GetRule(), err)
	}
	return out, nil
}

var _ pluginv1.PermissionRulesServiceServer = ruleServer{}
