package caps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

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
	byType := map[string]*permission.Integration{}
	of := func(resourceType string) *permission.Integration {
		if byType[resourceType] == nil {
			byType[resourceType] = &permission.Integration{ResourceType: resourceType, Hold: (&ruleBook{plugin: c.plugin, source: s}).hold}
		}
		return byType[resourceType]
	}
	var names []string
	for _, p := range answer.GetPermissions() {
		names = append(names, p.GetName())
		shown, err := readPermission(p)
		if err != nil {
			return nil, c.wrong(call, "%s", err)
		}
		of(p.GetResourceType()).Permissions = append(of(p.GetResourceType()).Permissions, shown)
	}
	for _, r := range answer.GetRules() {
		names = append(names, r.GetName())
		if r.GetResourceType() == "" {
			return nil, c.wrong(call, "the rule %q has no resource type", clip(r.GetName()))
		}
		rule, err := readRule(r)
		if err != nil {
			return nil, c.wrong(call, "the rule %q: %s", clip(r.GetName()), err)
		}
		of(r.GetResourceType()).Rules = append(of(r.GetResourceType()).Rules, rule)
	}
	if err := c.listed(call, names, promised); err != nil {
		return nil, err
	}
	var integrations []permission.Integration
	for _, in := range byType {
		integrations = append(integrations, *in)
	}
	slices.SortFunc(integrations, func(a, b permission.Integration) int { return cmp.Compare(a.ResourceType, b.ResourceType) })
	return integrations, nil
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
		return shown, fmt.Errorf("the permission %q has the action %q", clip(p.GetName()), clip(p.GetAction()))
	}
}

func readRule(r *pluginv1.PermissionRule) (permission.Rule, error) {
	rule := permission.Rule{Name: r.GetName(), Description: cut(r.GetDescription(), 4000)}
	var err error
	if rule.ParamsSchema, err = readObject("a params schema", []byte(r.GetParamsSchemaJson()), maxSchema); err != nil || rule.ParamsSchema == nil {
		return rule, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(rule.ParamsSchema, &schema); err != nil {
		return rule, fmt.Errorf("a params schema that cannot be read: %s", clip(err.Error()))
	}
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		return rule, fmt.Errorf("a params schema that cannot be used: %s", clip(err.Error()))
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

func (b *ruleBook) hold(ctx context.Context, cond *permission.Condition, refs []string) ([]bool, error) {
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
	held := make([]bool, 0, len(refs))
	for chunk := range slices.Chunk(refs, refsAtOnce) {
		answer, err := unary(ctx, c, call, c.limits.Quick, func(ctx context.Context, r *pluginv1.EvaluateRulesRequest, o ...callOption) (*pluginv1.EvaluateRulesResponse, error) {
			answer, err := pluginv1.NewPermissionRulesServiceClient(c.conn).EvaluateRules(ctx, r, o...)
			if err == nil && len(answer.GetResults()) != len(chunk) {
				return nil, c.wrong(call, "%d results for %d resources", len(answer.GetResults()), len(chunk))
			}
			return answer, err
		}, &pluginv1.EvaluateRulesRequest{Rule: cond.Rule, ParamsJson: params, ResourceRefs: chunk})
		if err != nil {
			return nil, err
		}
		held = append(held, answer.GetResults()...)
	}
	if len(held) != len(refs) {
		return nil, errors.New("answers are missing")
	}
	return held, nil
}

var _ RuleEngine = (*permission.Engine)(nil)
