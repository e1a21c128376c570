package scaffolder

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

type fixed struct{ d action.Description }

func (f fixed) Description() action.Description                                 { return f.d }
func (fixed) Execute(context.Context, action.Invocation, action.Listener) error { return nil }

func TestActions_AreListedByIDInTheFormOfTheReference(t *testing.T) {
	a := action.NewRegistry()
	for source, d := range map[string]action.Description{
		"sentry": {ID: "sentry:release:create", Description: "Announces a release", Input: json.RawMessage(`{"type":"object"}`),
			Examples: []action.Example{{Description: "the least", Example: "steps: []"}}},
		"hello": {ID: "hello:greet"},
	} {
		if err := a.Set(source, []action.Action{fixed{d}}); err != nil {
			t.Fatal(err)
		}
	}
	s := &Service{Deps: Deps{Actions: a}}
	actions, err := s.listed(t.Context(), principal.Nobody)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(actions)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"id":"hello:greet"},{"id":"sentry:release:create","description":"Announces a release",` +
		`"examples":[{"description":"the least","example":"steps: []"}],"schema":{"input":{"type":"object"}}}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	a.Remove("hello")
	if _, err := a.Find("hello:greet"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("a removed action is found: %v", err)
	}
}
