package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// kindsProcessor knows a set of kinds: it validates them and emits the relations that their fields stand for.
type kindsProcessor struct {
	name  string
	kinds *cataloginfo.Kinds
	// edges are the relations by kind, in the order of emission.
	edges map[string][]edge
	// sorted are the lists in spec that are put in order first, so that their order in the file does not matter.
	sorted []string
}

// edge says that a field refers to other entities, and by which pair of relations.
type edge struct{ field, defaultKind, forward, reverse string }

// The relation types, in pairs.
const (
	ownedBy, ownerOf               = "ownedBy", "ownerOf"
	partOf, hasPart                = "partOf", "hasPart"
	providesAPI, apiProvidedBy     = "providesApi", "apiProvidedBy"
	consumesAPI, apiConsumedBy     = "consumesApi", "apiConsumedBy"
	dependsOn, dependencyOf        = "dependsOn", "dependencyOf"
	memberOf, hasMember            = "memberOf", "hasMember"
	childOf, parentOf              = "childOf", "parentOf"
	builtinKinds                   = "BuiltinKindsEntityProcessor"
	scaffolderKinds                = "ScaffolderEntitiesProcessor"
	templateAPIVersion, templateOf = "scaffolder.backstage.io/v1beta3", "Template"
)

func newBuiltinKinds() *kindsProcessor {
	owner := edge{"owner", "Group", ownedBy, ownerOf}
	system := edge{"system", "System", partOf, hasPart}
	depends := edge{"dependsOn", "", dependsOn, dependencyOf}
	dependency := edge{"dependencyOf", "", dependencyOf, dependsOn}
	return &kindsProcessor{
		name:   builtinKinds,
		kinds:  cataloginfo.BuiltinKinds(),
		sorted: []string{"providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "children", "members"},
		edges: map[string][]edge{
			"Component": {owner, {"subcomponentOf", "Component", partOf, hasPart}, {"providesApis", "API", providesAPI, apiProvidedBy},
				{"consumesApis", "API", consumesAPI, apiConsumedBy}, depends, dependency, system},
			"API":      {owner, system},
			"Resource": {owner, depends, dependency, system},
			"User":     {{"memberOf", "Group", memberOf, hasMember}},
			"Group": {{"parent", "Group", childOf, parentOf}, {"children", "Group", parentOf, childOf},
				{"members", "User", hasMember, memberOf}},
			"System": {owner, {"domain", "Domain", partOf, hasPart}},
			"Domain": {owner, {"subdomainOf", "Domain", partOf, hasPart}},
		},
	}
}

func newTemplateKinds() *kindsProcessor {
	return &kindsProcessor{
		name:  scaffolderKinds,
		kinds: cataloginfo.TemplateKinds(),
		edges: map[string][]edge{templateOf: {{"owner", "Group", ownedBy, ownerOf}}},
	}
}

func (k *kindsProcessor) Name() string { return k.name }

func (k *kindsProcessor) ValidateKind(_ context.Context, e entity.Entity) (bool, error) {
	return k.kinds.Validate(e)
}

func (k *kindsProcessor) PreProcess(_ context.Context, _ *Processing, e entity.Entity) (entity.Entity, error) {
	spec := e.Spec()
	for _, field := range k.sorted {
		if list, ok := spec[field].([]any); ok {
			sortStrings(list)
		}
	}
	return e, nil
}

// sortStrings sorts a list in place when all of its items are strings.
func sortStrings(list []any) {
	for _, item := range list {
		if _, ok := item.(string); !ok {
			return
		}
	}
	slices.SortStableFunc(list, func(a, b any) int {
		x, _ := a.(string)
		y, _ := b.(string)
		return strings.Compare(x, y)
	})
}

func (k *kindsProcessor) PostProcess(_ context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	if k.name == scaffolderKinds && e.APIVersion() != templateAPIVersion {
		return e, nil
	}
	self, spec := e.Ref(), e.Spec()
	for _, edge := range k.edges[e.Kind()] {
		defaults := entity.Defaults{Kind: edge.defaultKind, Namespace: self.Namespace}
		for _, said := range refsIn(spec, edge.field) {
			target, err := refOf(said, defaults)
			if err != nil {
				return nil, err
			}
			if err := p.Relation(self, edge.forward, target); err != nil {
				return nil, err
			}
			if err := p.Relation(target, edge.reverse, self); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// refsIn reads a field that holds one reference or a list of them. What JavaScript takes for false, alone, counts as
// missing.
func refsIn(spec map[string]any, field string) []any {
	switch v := spec[field].(type) {
	case []any:
		return v
	default:
		if falsy(v) {
			return nil
		}
		return []any{v}
	}
}

// falsy is what JavaScript takes for false.
func falsy(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case float64:
		return v == 0
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	}
	return false
}

// refOf reads a reference of any shape: a text or, where no schema asks for texts (dependencyOf), an object with kind,
// namespace and name.
func refOf(v any, defaults entity.Defaults) (entity.Ref, error) {
	if text, ok := v.(string); ok || falsy(v) {
		return entity.ParseRef(text, defaults)
	}
	parts, _ := v.(map[string]any)
	ref := entity.Ref{Kind: defaults.Kind, Namespace: defaults.Namespace}
	if ref.Namespace == "" {
		ref.Namespace = entity.DefaultNamespace
	}
	for _, part := range []struct {
		name string
		to   *string
	}{{"kind", &ref.Kind}, {"namespace", &ref.Namespace}, {"name", &ref.Name}} {
		said := parts[part.name]
		text, ok := said.(string)
		if !ok && !falsy(said) {
			return entity.Ref{}, apierror.TypeErrorf("Entity reference %s has a %s that is not a text", appendCanonical(nil, v), part.name)
		}
		if said != nil {
			*part.to = text
		}
		if *part.to == "" {
			hint := ""
			if part.name == "kind" {
				hint = ` (e.g. did not start with "component:" or similar)`
			}
			return entity.Ref{}, apierror.Newf(apierror.Generic, "Entity reference %s had missing or empty %s%s", appendCanonical(nil, v), part.name, hint)
		}
	}
	return ref, nil
}

var (
	_ PreProcessor  = (*kindsProcessor)(nil)
	_ KindValidator = (*kindsProcessor)(nil)
	_ PostProcessor = (*kindsProcessor)(nil)
)
