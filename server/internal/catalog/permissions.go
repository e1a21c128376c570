package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// ResourceType is the resource type of entities in permissions.
const ResourceType = "catalog-entity"

// The catalog's permissions.
var (
	PermissionRead            = entityPermission("catalog.entity.read", "read")
	PermissionCreate          = basicPermission("catalog.entity.create", "create")
	PermissionDelete          = entityPermission("catalog.entity.delete", "delete")
	PermissionRefresh         = entityPermission("catalog.entity.refresh", "update")
	PermissionValidate        = basicPermission("catalog.entity.validate", "")
	PermissionLocationRead    = basicPermission("catalog.location.read", "read")
	PermissionLocationCreate  = basicPermission("catalog.location.create", "create")
	PermissionLocationDelete  = basicPermission("catalog.location.delete", "delete")
	PermissionLocationAnalyze = basicPermission("catalog.location.analyze", "")
	PermissionIngestionRead   = basicPermission("catalog.ingestion.read", "read")
	PermissionIngestionManage = basicPermission("catalog.ingestion.manage", "update")
)

func basicPermission(name, action string) permission.Permission {
	return permission.Permission{Type: permission.Basic, Name: name, Attributes: permission.Attributes{Action: action}}
}

func entityPermission(name, action string) permission.Permission {
	p := basicPermission(name, action)
	p.Type, p.ResourceType = permission.Resource, ResourceType
	return p
}

// PermissionIntegration is what the permission feature learns about entities. load returns the entities with those
// refs, in their order, nil for one that does not exist.
func PermissionIntegration(load func(ctx context.Context, refs []string) ([]entity.Entity, error)) permission.Integration {
	in := permission.Integration{
		ResourceType: ResourceType,
		Permissions: []permission.Permission{
			PermissionRead, PermissionCreate, PermissionDelete, PermissionRefresh, PermissionValidate,
			PermissionLocationRead, PermissionLocationCreate, PermissionLocationDelete, PermissionLocationAnalyze,
			PermissionIngestionRead, PermissionIngestionManage,
		},
	}
	for _, r := range entityRules() {
		in.Rules = append(in.Rules, permission.Rule{
			Name: r.name, Description: r.description, Params: r.params,
			Apply: func(resource any, params map[string]any) (bool, error) {
				e, ok := resource.(entity.Entity)
				if !ok {
					return false, fmt.Errorf("rule %s: not an entity: %T", r.name, resource)
				}
				return r.holds(e, params)
			},
		})
	}
	if load != nil {
		in.Load = func(ctx context.Context, refs []string) ([]any, error) {
			entities, err := load(ctx, refs)
			resources := make([]any, len(entities))
			for i, e := range entities {
				if e != nil { // a nil Entity in an interface would be there
					resources[i] = e
				}
			}
			return resources, err
		}
	}
	return in
}

// EvaluateCriteria reports whether criteria hold for a final entity.
func EvaluateCriteria(c *permission.Criteria, e entity.Entity) (bool, error) {
	in := PermissionIntegration(nil)
	return in.Evaluate(c, e)
}

// CriteriaFilter turns criteria into a filter of the index. Unlike rules, which compare owners exactly, the index
// compares everything in lower case; so does the reference's.
func CriteriaFilter(c *permission.Criteria) (index.Filter, error) {
	return criteriaFilter(c, entityRules())
}

func criteriaFilter(c *permission.Criteria, rules []entityRule) (index.Filter, error) {
	switch {
	case len(c.AllOf) > 0:
		filters, err := criteriaFilters(c.AllOf, rules)
		return index.All(filters...), err
	case len(c.AnyOf) > 0:
		filters, err := criteriaFilters(c.AnyOf, rules)
		return index.Any(filters...), err
	case c.Not != nil:
		f, err := criteriaFilter(c.Not, rules)
		return index.Not(f), err
	case c.Condition == nil || c.Condition.ResourceType != ResourceType:
		return index.Filter{}, apierror.Inputf("permission criteria of entities must be allOf, anyOf, not, or a rule of resource type '%s'", ResourceType)
	}
	i := slices.IndexFunc(rules, func(r entityRule) bool { return r.name == c.Condition.Rule })
	if i < 0 {
		return index.Filter{}, apierror.Newf(apierror.Generic, "Permission rule '%s' does not exist for resource type '%s'", c.Condition.Rule, ResourceType)
	}
	params := c.Condition.Params
	if e := zod.ValidateMember(rules[i].params, params, params != nil); e != nil {
		return index.Filter{}, e.Because("Parameters to rule are invalid")
	}
	return rules[i].filter(params), nil
}

func criteriaFilters(list []permission.Criteria, rules []entityRule) ([]index.Filter, error) {
	filters := make([]index.Filter, len(list))
	for i := range list {
		var err error
		if filters[i], err = criteriaFilter(&list[i], rules); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

// entityRule is a question about an entity, answered for one entity and as a filter of the index.
type entityRule struct {
	name, description string
	params            zod.Schema
	holds             func(e entity.Entity, params map[string]any) (bool, error)
	filter            func(params map[string]any) index.Filter
}

func entityRules() []entityRule {
	return []entityRule{
		keyedRule("annotation", "annotations"),
		keyedRule("label", "labels"),
		propertyRule("metadata"),
		propertyRule("spec"),
		kindRule(),
		ownerRule(),
	}
}

// keyedRule asks for an annotation or a label, in any case.
func keyedRule(what, field string) entityRule {
	return entityRule{
		name:        "HAS_" + strings.ToUpper(what),
		description: "Allow entities with the specified " + what,
		params: zod.Object(
			zod.Field{Name: what, Schema: zod.String("Name of the " + what + " to match on")},
			zod.Field{Name: "value", Schema: zod.Optional(zod.String("Value of the " + what + " to match on"))},
		),
		holds: func(e entity.Entity, params map[string]any) (bool, error) {
			wanted, valued := params["value"].(string)
			entries, _ := e.Metadata()[field].(map[string]any)
			for k, v := range entries {
				if !sameText(k, params[what]) {
					continue
				}
				if text, ok := v.(string); !valued || (ok && sameText(text, wanted)) {
					return true, nil
				}
			}
			return false, nil
		},
		filter: func(params map[string]any) index.Filter {
			return valueFilter("metadata."+field+"."+paramText(params[what]), params)
		},
	}
}

// propertyRule asks for a field of metadata or spec, as the index flattens them.
func propertyRule(part string) entityRule {
	return entityRule{
		name:        "HAS_" + strings.ToUpper(part),
		description: "Allow entities with the specified " + part + " subfield",
		params: zod.Object(
			zod.Field{Name: "key", Schema: zod.String("Property within the entities " + part + " to match on")},
			zod.Field{Name: "value", Schema: zod.Optional(zod.String("Value of the given property to match on"))},
		),
		holds: func(e entity.Entity, params map[string]any) (bool, error) {
			rows, err := index.Rows(e)
			if err != nil {
				return false, err
			}
			return valueFilter(part+"."+paramText(params["key"]), params).Matches(rows), nil
		},
		filter: func(params map[string]any) index.Filter {
			return valueFilter(part+"."+paramText(params["key"]), params)
		},
	}
}

func kindRule() entityRule {
	return entityRule{
		name: "IS_ENTITY_KIND", description: "Allow entities matching a specified kind",
		params: zod.Object(zod.Field{Name: "kinds", Schema: zod.Array(zod.String(""), "List of kinds to match at least one of")}),
		holds: func(e entity.Entity, params map[string]any) (bool, error) {
			return slices.ContainsFunc(permission.Texts(params["kinds"]), func(kind string) bool { return sameText(kind, e.Kind()) }), nil
		},
		filter: func(params map[string]any) index.Filter {
			return index.In("kind", permission.Texts(params["kinds"])...)
		},
	}
}

func ownerRule() entityRule {
	return entityRule{
		name: "IS_ENTITY_OWNER", description: "Allow entities owned by a specified claim",
		params: zod.Object(zod.Field{Name: "claims", Schema: zod.Array(zod.String(""), "List of claims to match at least one on within ownedBy")}),
		holds: func(e entity.Entity, params map[string]any) (bool, error) {
			claims := permission.Texts(params["claims"])
			relations, _ := e["relations"].([]any)
			return slices.ContainsFunc(relations, func(v any) bool {
				r, _ := v.(map[string]any)
				target, _ := r["targetRef"].(string)
				return r["type"] == "ownedBy" && slices.Contains(claims, target)
			}), nil
		},
		filter: func(params map[string]any) index.Filter {
			return index.In("relations.ownedBy", permission.Texts(params["claims"])...)
		},
	}
}

// valueFilter asks for a key, with a value when params have one.
func valueFilter(key string, params map[string]any) index.Filter {
	if value, ok := params["value"].(string); ok {
		return index.In(key, value)
	}
	return index.Exists(key)
}

func sameText(a string, b any) bool {
	text, ok := b.(string)
	return ok && strings.ToLower(a) == strings.ToLower(text) //nolint:staticcheck // as JavaScript compares: EqualFold also folds what has no lower case
}

// paramText is a parameter whose type the rule's schema has checked.
func paramText(v any) string {
	text, _ := v.(string)
	return text
}
