package catalog

import (
	"context"
	"slices"

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
		switch x, y := a.(string), b.(string); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

func (k *kindsProcessor) PostProcess(_ context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	if k.name == scaffolderKinds && e.APIVersion() != templateAPIVersion {
		return e, nil
	}
	self, spec := e.Ref(), e.Spec()
	for _, edge := range k.edges[e.Kind()] {
		defaults := entity.Defaults{Kind: edge.defaultKind, Namespace: self.Namespace}
		targets, err := refsIn(spec, edge.field)
		if err != nil {
			return nil, err
		}
		for _, text := range targets {
			target, err := entity.ParseRef(text, defaults)
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

// refsIn reads a field that holds one ref or a list of refs; "" alone counts as missing.
func refsIn(spec map[string]any, field string) ([]string, error) {
	switch v := spec[field].(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		refs := make([]string, 0, len(v))
		for _, item := range v {
			ref, ok := item.(string)
			if !ok {
				return nil, apierror.TypeErrorf("/spec/%s must hold entity references, found %T", field, item)
			}
			refs = append(refs, ref)
		}
		return refs, nil
	default:
		return nil, apierror.TypeErrorf("/spec/%s must be an entity reference or a list of them", field)
	}
}

var (
	_ PreProcessor  = (*kindsProcessor)(nil)
	_ KindValidator = (*kindsProcessor)(nil)
	_ PostProcessor = (*kindsProcessor)(nil)
)
