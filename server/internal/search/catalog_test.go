package search

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/entity"
	catalogindex "github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func catalogOf(t *testing.T, entities ...string) *catalogindex.Index {
	t.Helper()
	ix := catalogindex.New()
	var changes []catalogindex.Change
	for i, text := range entities {
		var e struct {
			Kind     string
			Metadata struct{ UID, Namespace, Name string }
		}
		decodeJSON(t, text, &e)
		changes = append(changes, catalogindex.Change{Seq: int64(i + 1), UID: e.Metadata.UID, Doc: &catalogindex.Doc{
			UID: e.Metadata.UID, JSON: []byte(text),
			Ref: entity.Ref{Kind: e.Kind, Namespace: e.Metadata.Namespace, Name: e.Metadata.Name}.Canonical(),
		}})
	}
	if err := ix.Apply(changes); err != nil {
		t.Fatal(err)
	}
	return ix
}

const (
	adaJSON = `{"kind":"User","metadata":{"uid":"1","namespace":"default","name":"ada.keeper","title":"Keeper","description":"Lights lamps"},
		"spec":{"profile":{"displayName":"Ada Keeper","email":"Ada.Keeper@harbour.test"}}}`
	pilotsJSON  = `{"kind":"Group","metadata":{"uid":"2","namespace":"Ops","name":"pilots"},"spec":{"type":"team","profile":{"displayName":"The pilots","email":"x@y.test"}}}`
	plannerJSON = `{"kind":"Component","metadata":{"uid":"3","namespace":"default","name":"Berth-Planner","description":"Assigns <b>ships</b>"},
		"spec":{"type":"service","lifecycle":"production","owner":"pilots","profile":{"displayName":"not a person"}}}`
	oddJSON  = `{"kind":"Lighthouse","metadata":{"uid":"4","name":"odd","title":5},"spec":{"type":7,"lifecycle":true,"owner":{"a":1},"profile":"x"}}`
	bareJSON = `{"kind":"Thing","metadata":{"uid":"5","name":"bare"},"spec":["no object"]}`
)

func TestCatalogType_MakesADocumentOfAnEntity(t *testing.T) {
	typ := CatalogType(CatalogOptions{Index: catalogOf(t, adaJSON, pilotsJSON, plannerJSON, oddJSON, bareJSON), Config: config.FromValue(nil).Section("x")})
	got := map[string][]string{}
	for e, err := range typ.Source.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		d, ok, err := e.Read()
		if err != nil || !ok || d.ResourceRef != e.Key {
			t.Fatal(e.Key, d, ok, err)
		}
		got[e.Key] = d.Values
	}
	want := map[string][]string{
		"user:default/ada.keeper":         {"Keeper", "Lights lamps : Ada Keeper : Ada.Keeper@harbour.test", "other", "other", "default", "User", "", "", "/catalog/default/user/ada.keeper"},
		"group:ops/pilots":                {"pilots", "The pilots", "team", "team", "Ops", "Group", "", "", "/catalog/ops/group/pilots"},
		"component:default/berth-planner": {"Berth-Planner", "Assigns <b>ships</b>", "service", "service", "default", "Component", "production", "pilots", "/catalog/default/component/berth-planner"},
		"lighthouse:default/odd":          {"5", "", "7", "7", "default", "Lighthouse", "true", "", "/catalog/default/lighthouse/odd"},
		"thing:default/bare":              {"bare", "", "other", "other", "default", "Thing", "", "", "/catalog/default/thing/bare"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCatalogType_ReadsItsConfiguration(t *testing.T) {
	cfg := config.FromYAML("locationTemplate: https://portal.test/:kind/:namespace/:name\nfilter:\n  - kind: [user, group]\n  - kind: component\n    spec.type: website\n")
	e := newTestEngine(t, nil, CatalogType(CatalogOptions{Index: catalogOf(t, adaJSON, pilotsJSON, plannerJSON), Config: cfg.Root()}))
	if diff := cmp.Diff([]string{"https://portal.test/group/ops/pilots", "https://portal.test/user/default/ada.keeper"}, ask(t, e, "")); diff != "" {
		t.Error(diff)
	}
	bad := config.FromYAML("filter: all")
	CatalogType(CatalogOptions{Index: catalogOf(t), Config: bad.Root()})
	if bad.Err() == nil {
		t.Error("a filter that is a text is not reported")
	}
}

func TestCatalogType_ConditionsAreACatalogFilter(t *testing.T) {
	compile := func(_ context.Context, _ *principal.Principal, c *permission.Criteria) (catalogindex.Filter, error) {
		return catalogindex.In("kind", c.Condition.Params["kind"].(string)), nil
	}
	typ := CatalogType(CatalogOptions{Index: catalogOf(t, adaJSON, pilotsJSON, plannerJSON), Config: config.FromValue(nil).Section("x"), Compile: compile})
	onlyUsers := decisions{"catalog.entity.read": {Result: permission.Conditional, Conditions: &permission.Criteria{
		Condition: &permission.Condition{Rule: "IS_ENTITY_KIND", Params: map[string]any{"kind": "user"}}}}}
	if diff := cmp.Diff([]string{"/catalog/default/user/ada.keeper"}, ask(t, newTestEngine(t, onlyUsers, typ), "")); diff != "" {
		t.Error(diff)
	}
}

func TestCatalogType_FollowsTheIndex(t *testing.T) {
	ix := catalogOf(t, adaJSON, plannerJSON)
	e := newTestEngine(t, nil, CatalogType(CatalogOptions{Index: ix, Config: config.FromValue(nil).Section("x")}))
	if err := ix.Apply([]catalogindex.Change{{Seq: 10, UID: "1"}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/catalog/default/component/berth-planner"}, ask(t, e, "")); diff != "" {
		t.Error(diff)
	}
}
