package permission

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
)

// remote is an integration whose rules another process answers: STARTS holds for refs with that first letter, and what
// begins with a question mark does not exist.
func remote(calls *[][]string) *Integration {
	return &Integration{
		ResourceType: "thing",
		Rules: []Rule{{Name: "STARTS", Check: func(params map[string]any) error {
			if _, ok := params["with"].(string); !ok {
				return errors.New("with: is required")
			}
			return nil
		}}},
		Hold: func(_ context.Context, c *Condition, refs []string) ([]Held, error) {
			*calls = append(*calls, refs)
			held := make([]Held, len(refs))
			for i, ref := range refs {
				switch ref[:1] {
				case c.Params["with"]:
					held[i] = Holds
				case "?":
					held[i] = Missing
				}
			}
			return held, nil
		},
	}
}

func starts(with string) Criteria { return When("thing", "STARTS", map[string]any{"with": with}) }

func TestHold_AsksForAllResourcesAtOnceAndOnlyWhatIsReached(t *testing.T) {
	var calls [][]string
	in := remote(&calls)
	a, b := starts("a"), starts("b")
	results, err := in.decide(t.Context(), []question{
		{&Criteria{AnyOf: []Criteria{a, {Not: &b}}}, []string{"a1", "b1", "c1", "a2"}},
		{&a, []string{"b1", "a1"}},
		{&a, []string{"c1", "a1"}}, // the same criteria again
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]Result{{Allow, Deny, Allow, Allow}, {Deny, Allow}, {Deny, Allow}}, results); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"a1", "b1", "c1", "a2"}, {"b1", "c1"}, {"b1", "a1", "c1"}}, calls); diff != "" {
		t.Error(diff)
	}
}

func TestHold_WrongConditionsAreErrors(t *testing.T) {
	var calls [][]string
	in := remote(&calls)
	for name, c := range map[string]Criteria{"an unknown rule": When("thing", "OTHER", nil), "wrong parameters": When("thing", "STARTS", nil)} {
		if _, err := in.decide(t.Context(), []question{{&c, []string{"a"}}}); err == nil || len(calls) > 0 {
			t.Errorf("%s: got %v after %d calls", name, err, len(calls))
		}
	}
	in.Hold = func(context.Context, *Condition, []string) ([]Held, error) { return nil, nil }
	a := starts("a")
	if _, err := in.decide(t.Context(), []question{{&a, []string{"a"}}}); err == nil {
		t.Error("an answer without results was taken")
	}
}

func TestHold_WhatIsMissingIsDeniedWhateverTheCriteria(t *testing.T) {
	var calls [][]string
	in := remote(&calls)
	a, b := starts("a"), starts("b")
	for _, c := range []Criteria{{Not: &a}, {AnyOf: []Criteria{a, {Not: &b}}}, {AllOf: []Criteria{{Not: &a}, {Not: &b}}}, {Not: &Criteria{Not: &Criteria{Not: &a}}}} {
		results, err := in.decide(t.Context(), []question{{&c, []string{"?", "c"}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]Result{{Deny, Allow}}, results); diff != "" {
			t.Errorf("%s: %s", c, diff)
		}
	}
}

func TestCheck_AsksTheOwnerInAnotherProcess(t *testing.T) {
	var calls [][]string
	sees := starts("a")
	e := engine(Options{Policy: policy(func(Permission, *User) (Decision, error) {
		return Decision{Result: Conditional, Conditions: &sees}, nil
	})})
	if err := e.Set("hello", []Integration{*remote(&calls)}); err != nil {
		t.Fatal(err)
	}
	read := Permission{Type: Resource, Name: "thing.read", ResourceType: "thing"}
	results, err := e.Check(t.Context(), guest, []Question{{read, "a1"}, {read, "b1"}, {read, "?"}, {read, ""}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Result{Allow, Deny, Deny, Deny}, results); diff != "" {
		t.Error(diff)
	}
}

func TestSet_IntegrationsComeAndGo(t *testing.T) {
	e := New(Options{})
	if err := e.Set("hello", []Integration{{ResourceType: "thing"}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Set("other", []Integration{{ResourceType: "thing"}}); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("a taken resource type was accepted: %v", err)
	}
	if o := e.resource("thing"); o == nil || o.plugin != "hello" {
		t.Errorf("thing belongs to %v", o)
	}
	if set, ok := e.Integrations("hello"); !ok || len(set) != 1 {
		t.Errorf("it has %v, %v", set, ok)
	}
	if _, ok := e.Integrations("other"); ok {
		t.Error("who was refused has something")
	}
	e.Remove("hello")
	if _, ok := e.Integrations("hello"); ok {
		t.Error("removed integrations are still there")
	}
	if e.resource("thing") != nil {
		t.Error("a removed resource type is still there")
	}
}

// Law: asking for all at once answers what asking one by one answers.
func TestHold_AgreesWithResolve(t *testing.T) {
	var calls [][]string
	in := remote(&calls)
	a, b := starts("a"), starts("b")
	for _, c := range []Criteria{
		a, {Not: &a}, {AllOf: []Criteria{a, b}}, {AnyOf: []Criteria{a, b}}, {AllOf: []Criteria{{Not: &a}, {Not: &b}}},
		{AnyOf: []Criteria{{AllOf: []Criteria{a, {Not: &b}}}, b}}, {Not: &Criteria{AnyOf: []Criteria{a, b}}},
	} {
		refs := []string{"a", "b", "c"}
		answers, err := in.decide(t.Context(), []question{{&c, refs}})
		if err != nil {
			t.Fatal(err)
		}
		got := answers[0]
		for i, ref := range refs {
			held, err := c.Resolve(func(cond *Condition) (bool, error) { return cond.Params["with"] == ref[:1], nil })
			if err != nil {
				t.Fatal(err)
			}
			if held != (got[i] == Allow) {
				t.Errorf("%s for %s: %s", c, ref, got[i])
			}
		}
	}
	if slices.ContainsFunc(calls, func(refs []string) bool { return len(refs) == 0 }) {
		t.Error("a call asked for nothing")
	}
}
