package widget

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
)

type fixed struct{ d Description }

func (f fixed) Description() Description                           { return f.d }
func (fixed) Query(context.Context, Query) ([]*frame.Frame, error) { return nil, nil }

func named(id ID, applies string) Widget {
	a, err := ParseAppliesTo(applies)
	if err != nil {
		panic(err)
	}
	return fixed{Description{ID: id, AppliesTo: a}}
}

func ids(list []Widget) []ID {
	var all []ID
	for _, w := range list {
		all = append(all, w.Description().ID)
	}
	return all
}

func TestRegistry_SaysWhichWidgetsAreForAnEntity(t *testing.T) {
	r := NewRegistry()
	if err := r.Set("sentry", []Widget{named("sentry/issues", "annotation:sentry.io/project-slug"), named("sentry/all", "*")}); err != nil {
		t.Fatal(err)
	}
	if err := r.Set("cost", []Widget{named("cost/line", "kind:Component, api"), named("cost/page", "")}); err != nil {
		t.Fatal(err)
	}
	shop := entity.Entity{"kind": "Component", "metadata": map[string]any{"name": "shop", "annotations": map[string]any{"sentry.io/project-slug": "shop"}}}
	if diff := cmp.Diff([]ID{"cost/line", "sentry/all", "sentry/issues"}, ids(r.For(shop))); diff != "" {
		t.Error(diff)
	}
	user := entity.Entity{"kind": "User", "metadata": map[string]any{"name": "ann"}}
	if diff := cmp.Diff([]ID{"sentry/all"}, ids(r.For(user))); diff != "" {
		t.Error(diff)
	}
	if len(r.List()) != 4 {
		t.Errorf("it lists %v", ids(r.List()))
	}
	r.Remove("sentry")
	if _, err := r.Find("sentry/all"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("a removed widget is found: %v", err)
	}
}

func TestRegistry_ATakenIDIsRefusedAndNothingChanges(t *testing.T) {
	r := NewRegistry()
	if err := r.Set("a", []Widget{named("a/x", "*")}); err != nil {
		t.Fatal(err)
	}
	for source, list := range map[string][]Widget{"b": {named("a/x", "*")}, "a": {named("a/y", ""), named("a/y", "")}} {
		if err := r.Set(source, list); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("%s: got %v", source, err)
		}
	}
	if diff := cmp.Diff([]ID{"a/x"}, ids(r.List())); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseAppliesTo(f *testing.F) {
	for _, s := range []string{"", "*", "kind:component,api", "kind:", "kind:,", "annotation:a/b", "annotation:", "label:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAppliesTo(s)
		if err == nil && a.String() != s {
			t.Errorf("%q reads as %q", s, a)
		}
		a.To(entity.Entity{"kind": "Component"})
	})
}
