package catalog

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission"
)

func permissionEntity() entity.Entity {
	return entity.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{
			"name": "berth-planner", "title": "Berth planner", "tags": []any{"Java", "quay"},
			"annotations": map[string]any{"harbour.test/Count": "42", "harbour.test/empty": ""},
			"labels":      map[string]any{"tier": "Gold"},
		},
		"spec":      map[string]any{"type": "service", "owner": "pilots", "replicas": 3.0, "nothing": nil},
		"relations": []any{map[string]any{"type": "ownedBy", "targetRef": "group:default/pilots"}, map[string]any{"type": "partOf", "targetRef": "system:default/quay"}},
	}
}

func TestEntityRules_AgreeWithTheirFilters(t *testing.T) {
	e := permissionEntity()
	rows, err := index.Rows(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		criteria string
		want     bool
	}{
		{`{"rule":"HAS_ANNOTATION","resourceType":"catalog-entity","params":{"annotation":"harbour.test/count"}}`, true},
		{`{"rule":"HAS_ANNOTATION","resourceType":"catalog-entity","params":{"annotation":"harbour.test/count","value":"42"}}`, true},
		{`{"rule":"HAS_ANNOTATION","resourceType":"catalog-entity","params":{"annotation":"harbour.test/count","value":"43"}}`, false},
		{`{"rule":"HAS_ANNOTATION","resourceType":"catalog-entity","params":{"annotation":"harbour.test/none"}}`, false},
		{`{"rule":"HAS_LABEL","resourceType":"catalog-entity","params":{"label":"TIER","value":"gold"}}`, true},
		{`{"rule":"HAS_LABEL","resourceType":"catalog-entity","params":{"label":"tier","value":"silver"}}`, false},
		{`{"rule":"HAS_METADATA","resourceType":"catalog-entity","params":{"key":"title"}}`, true},
		{`{"rule":"HAS_METADATA","resourceType":"catalog-entity","params":{"key":"tags","value":"JAVA"}}`, true},
		{`{"rule":"HAS_METADATA","resourceType":"catalog-entity","params":{"key":"tags.java","value":"true"}}`, true},
		{`{"rule":"HAS_METADATA","resourceType":"catalog-entity","params":{"key":"nope"}}`, false},
		{`{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"Type","value":"service"}}`, true},
		{`{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"replicas","value":"3"}}`, true},
		{`{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"nothing"}}`, true},
		{`{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"nothing","value":"null"}}`, false},
		{`{"rule":"IS_ENTITY_KIND","resourceType":"catalog-entity","params":{"kinds":["api","component"]}}`, true},
		{`{"rule":"IS_ENTITY_KIND","resourceType":"catalog-entity","params":{"kinds":[]}}`, false},
		{`{"rule":"IS_ENTITY_OWNER","resourceType":"catalog-entity","params":{"claims":["user:default/x","group:default/pilots"]}}`, true},
		{`{"rule":"IS_ENTITY_OWNER","resourceType":"catalog-entity","params":{"claims":["system:default/quay"]}}`, false},
		{`{"rule":"IS_ENTITY_OWNER","resourceType":"catalog-entity","params":{"claims":[]}}`, false},
		{`{"not":{"rule":"IS_ENTITY_KIND","resourceType":"catalog-entity","params":{"kinds":["api"]}}}`, true},
		{`{"allOf":[{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"type"}},{"not":{"rule":"HAS_LABEL","resourceType":"catalog-entity","params":{"label":"tier"}}}]}`, false},
		{`{"anyOf":[{"rule":"HAS_SPEC","resourceType":"catalog-entity","params":{"key":"nope"}},{"rule":"HAS_LABEL","resourceType":"catalog-entity","params":{"label":"tier"}}]}`, true},
	} {
		var criteria permission.Criteria
		if err := json.Unmarshal([]byte(c.criteria), &criteria); err != nil {
			t.Fatal(err)
		}
		if got, err := EvaluateCriteria(&criteria, e); err != nil || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.criteria, got, err, c.want)
		}
		filter, err := CriteriaFilter(&criteria)
		if err != nil || filter.Matches(rows) != c.want {
			t.Errorf("filter of %s: want %v, %v", c.criteria, c.want, err)
		}
	}
}

func TestIsEntityOwner_IsExactForOneEntityAndInAnyCaseInTheIndex(t *testing.T) {
	criteria := permission.When(ResourceType, "IS_ENTITY_OWNER", map[string]any{"claims": []string{"Group:default/Pilots"}})
	e := permissionEntity()
	if got, err := EvaluateCriteria(&criteria, e); err != nil || got {
		t.Errorf("%v, %v", got, err)
	}
	rows, err := index.Rows(e)
	if err != nil {
		t.Fatal(err)
	}
	if filter, err := CriteriaFilter(&criteria); err != nil || !filter.Matches(rows) {
		t.Errorf("the filter does not match, %v", err)
	}
}

func TestCriteriaFilter_RefusesWhatItCannotMean(t *testing.T) {
	for _, c := range []permission.Criteria{
		{},
		permission.When("other", "HAS_SPEC", map[string]any{"key": "type"}),
		permission.When(ResourceType, "NO_RULE", nil),
		permission.When(ResourceType, "HAS_SPEC", map[string]any{"key": 5}),
		permission.When(ResourceType, "HAS_SPEC", nil),
		{AllOf: []permission.Criteria{permission.When(ResourceType, "NO_RULE", nil)}},
		{Not: &permission.Criteria{AnyOf: []permission.Criteria{permission.When(ResourceType, "IS_ENTITY_KIND", map[string]any{"kinds": "component"})}}},
	} {
		if _, err := CriteriaFilter(&c); err == nil {
			t.Errorf("%s became a filter", c)
		}
	}
}

func TestPermissionIntegration_AMissingEntityIsMissing(t *testing.T) {
	in := PermissionIntegration(func(context.Context, []string) ([]entity.Entity, error) {
		return []entity.Entity{permissionEntity(), nil}, nil
	})
	resources, err := in.Load(t.Context(), []string{"a", "b"})
	if err != nil || resources[0] == nil || resources[1] != nil {
		t.Errorf("%v, %v", resources, err)
	}
	if len(in.Permissions) != 11 || len(in.Rules) != 6 {
		t.Errorf("%d permissions, %d rules", len(in.Permissions), len(in.Rules))
	}
}
