package search

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

func TestSet_TypesComeAndGoWhileTheEngineRuns(t *testing.T) {
	e, err := New(Options{Authorizer: permission.Fake{}, Logger: slog.New(slog.DiscardHandler), Interval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); e.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	pages := newShelf()
	pages.put("1", "apples", "/1")
	typ := Type{Name: "page", Fields: []string{"title", "location"}, Source: pages}
	if err := e.Set("wiki", []Type{typ}); err != nil {
		t.Fatal(err)
	}
	for e.Documents()["page"] == 0 {
		time.Sleep(time.Millisecond)
	}
	index := (*e.indexes.Load())[0]
	if err := e.Set("wiki", []Type{typ}); err != nil || (*e.indexes.Load())[0] != index {
		t.Errorf("the same type lost its index: %v", err)
	}
	if err := e.Set("other", []Type{typ}); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("a taken name was accepted: %v", err)
	}
	if got := e.mustFind(t, "apples"); len(got) != 1 {
		t.Errorf("found %d documents", len(got))
	}
	e.Remove("wiki")
	if len(e.TypeNames()) != 0 || len(e.mustFind(t, "apples")) != 0 {
		t.Error("a removed type is still found")
	}
}

func (e *Engine) mustFind(t *testing.T, term string) []Result {
	t.Helper()
	r, err := e.Query(t.Context(), &principal.Principal{Kind: principal.User}, Query{Term: term, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return r.Results
}

func TestNeeds_HideATypeFromThoseWithoutThePermission(t *testing.T) {
	for decision, want := range map[permission.Result]int{permission.Allow: 1, permission.Deny: 0, permission.Conditional: 0} {
		d := permission.Decision{Result: decision}
		if decision == permission.Conditional {
			d.Conditions = &permission.Criteria{}
		}
		source := newShelf()
		source.put("1", "apples", "/1")
		e, err := New(Options{Authorizer: permission.Fake{"wiki.read": d}, Logger: slog.New(slog.DiscardHandler), Types: []Type{
			{Name: "page", Fields: []string{"title", "location"}, Source: source, Needs: []permission.Permission{{Type: permission.Basic, Name: "wiki.read"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(e.mustFind(t, "apples")); got != want {
			t.Errorf("%s: found %d documents, want %d", decision, got, want)
		}
	}
}
