package permission

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
)

// remote is an integration whose rules another process answers: PREFIX holds for refs with that prefix.
func remote(calls *[][]string) *Integration {
	return &Integration{
		ResourceType: "thing",
		Rules: []Rule{{Name: "STARTS", Check: func(params map[string]any) error {
			if _, ok := params["with"].(string); !ok {
				return errors.New("with: is required")
			}
			return nil
		}}},
		Hold: func(_ context.Context, c *Condition, refs []string) ([]bool, error) {
			*calls = append(*calls, refs)
			held := make([]bool, len(refs))
			for i, ref := range refs {
				with, _ := c.Params["with"].(string)
				held[i] = ref[:1] == with
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
		{&a, []string{"b1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]Result{{Allow, Deny, Allow, Allow}, {Deny}}, results); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"a1", "b1", "c1", "a2"}, {"b1", "c1"}, {"b1"}}, calls); diff != "" {
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
	in.Hold = func(context.Context, *Condition, []string) ([]bool, error) { return nil, nil }
	a := starts("a")
	if _, err := in.decide(t.Context(), []question{{&a, []string{"a"}}}); err == nil {
		t.Error("an answer without results was taken")
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
	e.Remove("hello")
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
		got, err := in.holdEach(t.Context(), &c, refs)
		if err != nil {
			t.Fatal(err)
		}
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
