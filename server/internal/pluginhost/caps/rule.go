package caps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// RuleEngine takes plugins' integrations; [permission.Engine] is one.
type RuleEngine interface {
	Set(plugin string, integrations []permission.Integration) error
	Remove(plugin string)
}

// Rules brings plugins' permissions and rules into the permission engine, under the plugin's id. While a plugin is away
// conditions on its resources cannot be evaluated, and whoever asks is told so: nobody is let in by an outage.
func Rules(engine RuleEngine, o ImporterOptions) *Importer {
	i := newImporter("permission rules", o)
	i.announced = func(p manifest.Provides) []string { return append(slices.Clone(p.Permissions), p.PermissionRules...) }
	i.meet = func(ctx context.Context, c *Client, s Source, promised []string) error {
		integrations, err := listRules(ctx, c, s, promised)
		if err != nil {
			return err
		}
		return engine.Set(string(c.plugin), integrations)
	}
	i.remove = func(id manifest.ID) { engine.Remove(string(id)) }
	return i
}

func listRules(ctx context.Context, c *Client, s Source, promised []string) ([]permission.Integration, error) {
	const call = "ListRules"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewPermissionRulesServiceClient(c.conn).ListRules, &pluginv1.ListRulesRequest{})
	if err != nil {
		return nil, err
	}
	l := listing{hold: (&ruleBook{plugin: c.plugin, source: s}).hold}
	var names []string
	for _, p := range answer.GetPermissions() {
		names = append(names, p.GetName())
		shown, err := readPermission(p)
		if err != nil {
			return nil, c.wrong(call, "%s", err)
		}
		l.permissions = append(l.permissions, shown)
		l.resource(shown.ResourceType)
	}
	for _, r := range answer.GetRules() {
		names = append(names, r.GetName())
		if r.GetResourceType() == "" {
			return nil, c.wrong(call, "the rule %q has no resource type", excerpt.Short(r.GetName()))
		}
		rule, err := readRule(r)
		if err != nil {
			return nil, c.wrong(call, "the rule %q: %s", excerpt.Short(r.GetName()), err)
		}
		in := l.resource(r.GetResourceType())
		in.Rules, in.Hold = append(in.Rules, rule), l.hold
	}
	if err := c.listed(call, names, promised); err != nil {
		return nil, err
	}
	return l.integrations(), nil
}

// listing is what a plugin listed, in its order, which is that of the metadata.
type listing struct {
	permissions []permission.Permission
	resources   []*permission.Integration
	hold        func(context.Context, *permission.Condition, []string) ([]permission.Held, error)
}

// resource is that of a type, nil of "". Without rules nothing can be evaluated about it.
func (l *listing) resource(resourceType string) *permission.Integration {
	if resourceType == "" {
		return nil
	}
	for _, in := range l.resources {
		if in.ResourceType == resourceType {
			return in
		}
	}
	l.resources = append(l.resources, &permission.Integration{ResourceType: resourceType})
	return l.resources[len(l.resources)-1]
}

func (l *listing) integrations() (all []permission.Integration) {
	if len(l.permissions) > 0 {
		all = append(all, permission.Integration{Permissions: l.permissions})
	}
	for _, in := range l.resources {
		all = append(all, *in)
	}
	return all
}

func readPermission(p *pluginv1.Permission) (permission.Permission, error) {
	shown := permission.Permission{Type: permission.Basic, Name: p.GetName(), ResourceType: p.GetResourceType(), Attributes: permission.Attributes{Action: p.GetAction()}}
	if p.GetResourceType() != "" {
		shown.Type = permission.Resource
	}
	switch p.GetAction() {
	case "", "create", "read", "update", "delete":
		return shown, nil
	default:
		return shown, fmt.Errorf("the permission %q has the action %q", excerpt.Short(p.GetName()), excerpt.Short(p.GetAction()))
	}
}

func readRule(r *pluginv1.PermissionRule) (permission.Rule, error) {
	rule := permission.Rule{Name: r.GetName(), Description: excerpt.Of(r.GetDescription(), 4000)}
	var err error
	if rule.ParamsSchema, err = readObject("a params schema", []byte(r.GetParamsSchemaJson()), maxSchema); err != nil || rule.ParamsSchema == nil {
		return rule, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(rule.ParamsSchema, &schema); err != nil {
		return rule, fmt.Errorf("a params schema that cannot be read: %s", excerpt.Short(err.Error()))
	}
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		return rule, fmt.Errorf("a params schema that cannot be used: %s", excerpt.Short(err.Error()))
	}
	rule.Check = func(params map[string]any) error {
		if params == nil {
			params = map[string]any{}
		}
		return resolved.Validate(params)
	}
	return rule, nil
}

// ruleBook asks a plugin whether its rules hold.
type ruleBook struct {
	plugin manifest.ID
	source Source
}

// refsAtOnce bounds one question.
const refsAtOnce = 500

func (b *ruleBook) hold(ctx context.Context, cond *permission.Condition, refs []string) ([]permission.Held, error) {
	c, err := b.source.Client(ctx)
	if err != nil {
		return nil, err
	}
	params, err := json.Marshal(cond.Params)
	if err != nil {
		return nil, fmt.Errorf("parameters of rule %s: %w", cond.Rule, err)
	}
	if cond.Params == nil {
		params = nil
	}
	call := "EvaluateRules " + cond.Rule
	held := make([]permission.Held, 0, len(refs))
	for chunk := range slices.Chunk(refs, refsAtOnce) {
		answer, err := unary(ctx, c, call, c.limits.Quick, func(ctx context.Context, r *pluginv1.EvaluateRulesRequest, o ...callOption) (*pluginv1.EvaluateRulesResponse, error) {
			answer, err := pluginv1.NewPermissionRulesServiceClient(c.conn).EvaluateRules(ctx, r, o...)
			if err != nil {
				return nil, err
			}
			return answer, c.wrongResults(call, answer, len(chunk))
		}, &pluginv1.EvaluateRulesRequest{Rule: cond.Rule, ParamsJson: params, ResourceRefs: chunk})
		if err != nil {
			return nil, err
		}
		held = append(held, readHeld(answer)...)
	}
	return held, nil
}

// wrongResults is what is wrong with an answer about n resources, nil = nothing.
func (c *Client) wrongResults(call string, answer *pluginv1.EvaluateRulesResponse, n int) error {
	if len(answer.GetResults()) != n {
		return c.wrong(call, "%d results for %d resources", len(answer.GetResults()), n)
	}
	for _, i := range answer.GetMissing() {
		if int64(i) >= int64(n) {
			return c.wrong(call, "the resource %d of %d is missing", i, n)
		}
	}
	return nil
}

func readHeld(answer *pluginv1.EvaluateRulesResponse) []permission.Held {
	held := make([]permission.Held, len(answer.GetResults()))
	for i, holds := range answer.GetResults() {
		if holds {
			held[i] = permission.Holds
		}
	}
	for _, i := range answer.GetMissing() {
		held[i] = permission.Missing
	}
	return held
}

var _ RuleEngine = (*permission.Engine)(nil)
