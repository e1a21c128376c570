package scaffolder

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
)

type fixed struct{ d Description }

func (f fixed) Description() Description                          { return f.d }
func (fixed) Execute(context.Context, Invocation, Listener) error { return nil }

func TestActions_AreListedByIDInTheFormOfTheReference(t *testing.T) {
	a := NewActions()
	for source, d := range map[string]Description{
		"sentry": {ID: "sentry:release:create", Description: "Announces a release", Input: json.RawMessage(`{"type":"object"}`),
			Examples: []Example{{"the least", "steps: []"}}},
		"hello": {ID: "hello:greet"},
	} {
		if err := a.Set(source, []Action{fixed{d}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := json.Marshal(listed(a))
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

func TestActions_ATakenIDIsRefusedAndNothingChanges(t *testing.T) {
	a := NewActions()
	if err := a.Set("one", []Action{fixed{Description{ID: "x"}}}); err != nil {
		t.Fatal(err)
	}
	for source, list := range map[string][]Action{"two": {fixed{Description{ID: "x"}}}, "one": {fixed{Description{ID: "y"}}, fixed{Description{ID: "y"}}}} {
		if err := a.Set(source, list); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("%s: got %v", source, err)
		}
	}
	if len(a.List()) != 1 {
		t.Error("a refused list was taken")
	}
}

func TestInput_IsNotPrinted(t *testing.T) {
	run := Invocation{Input: Input(`{"token":"hush"}`)}
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(run), fmt.Sprintf("%+v %#v %s", run, run, run.Input), string(data)} {
		if strings.Contains(text, "hush") || strings.Contains(text, "104 117") {
			t.Errorf("a secret is printed: %s", text)
		}
	}
}
