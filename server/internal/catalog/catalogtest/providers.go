package catalogtest

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog"
)

// ProviderUnderTest is a provider and what stands behind it.
type ProviderUnderTest struct {
	Provider catalog.EntityProvider
	// Set makes docs all that there is upstream; nothing is provided by it alone.
	Set func(docs ...entity.Entity)
	// Break makes upstream fail, nil mends it.
	Break func(err error)
	// Refresh provides what there is now, and returns how that went. The provider is connected.
	Refresh func() error
}

// Providers runs the laws of EntityProvider. start makes a provider over an empty upstream.
func Providers(t *testing.T, start func(t *testing.T) *ProviderUnderTest) {
	t.Helper()
	begin := func(t *testing.T) (*World, *ProviderUnderTest) {
		t.Helper()
		p := start(t)
		w := Start(t, "")
		w.Extend(catalog.Extension{Providers: []catalog.EntityProvider{p.Provider}})
		return w, p
	}
	refresh := func(t *testing.T, p *ProviderUnderTest) {
		t.Helper()
		if err := p.Refresh(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("ItsNameStaysTheSame", func(t *testing.T) {
		a, b := start(t).Provider.Name(), start(t).Provider.Name()
		if a == "" || a != b {
			t.Errorf("two starts are named %q and %q", a, b)
		}
	})
	t.Run("WhatItHasIsVisibleWithItsLocation", func(t *testing.T) {
		w, p := begin(t)
		e := NewEntity("Component", "a")
		e.Metadata()["labels"] = map[string]any{"count": "9007199254740993"}
		e.Spec()["big"] = int64(9007199254740993)
		p.Set(e)
		refresh(t, p)
		got := w.WaitFor("component:default/a")
		if got.Annotation(entity.AnnotationLocation) == "" || got.Annotation(entity.AnnotationOriginLocation) == "" {
			t.Errorf("it has no location: %v", got.Metadata())
		}
		if s := stringOf(got.Spec()["big"]); s != "9007199254740993" {
			t.Errorf("a large number became %s", s)
		}
	})
	t.Run("WhatIsGoneUpstreamGoes", func(t *testing.T) {
		w, p := begin(t)
		p.Set(NewEntity("Component", "a"), NewEntity("Component", "b"))
		refresh(t, p)
		w.WaitFor("component:default/b")
		p.Set(NewEntity("Component", "a"))
		refresh(t, p)
		w.Wait("b is gone", func() bool { return w.Get("component:default/b") == nil })
		w.WaitFor("component:default/a")
	})
	t.Run("AFailureKeepsWhatWasThere", func(t *testing.T) {
		w, p := begin(t)
		p.Set(NewEntity("Component", "a"))
		refresh(t, p)
		w.WaitFor("component:default/a")
		p.Set(NewEntity("Component", "b"))
		p.Break(errors.New("upstream is down"))
		if err := p.Refresh(); err == nil {
			t.Error("a refresh without upstream went well")
		}
		w.Passes(1)
		w.WaitFor("component:default/a")
		if w.Get("component:default/b") != nil {
			t.Error("half of a failed refresh was applied")
		}
		p.Break(nil)
		refresh(t, p)
		w.WaitFor("component:default/b")
	})
	t.Run("OneMalformedEntityRefusesTheWholeSet", func(t *testing.T) {
		w, p := begin(t)
		p.Set(NewEntity("Component", "a"))
		refresh(t, p)
		w.WaitFor("component:default/a")
		broken := NewEntity("Component", "c")
		delete(broken, "kind")
		p.Set(NewEntity("Component", "b"), broken)
		if err := p.Refresh(); err == nil {
			t.Error("a malformed entity was taken")
		}
		w.Passes(1)
		if w.Get("component:default/a") == nil || w.Get("component:default/b") != nil {
			t.Errorf("part of a refused set was applied: %v", w.Refs())
		}
	})
	t.Run("ItCannotTakeWhatAnotherOwns", func(t *testing.T) {
		w, p := begin(t)
		owner := &ProviderFake{ID: "owner"}
		if err := w.Engine.Extend(t.Context(), "owner", catalog.Extension{Providers: []catalog.EntityProvider{owner}}); err != nil {
			t.Fatal(err)
		}
		theirs := NewEntity("Component", "a")
		theirs.Spec()["lifecycle"] = "theirs"
		if err := owner.Set(t.Context(), theirs); err != nil {
			t.Fatal(err)
		}
		w.WaitFor("component:default/a")
		p.Set(NewEntity("Component", "a"), NewEntity("Component", "b"))
		refresh(t, p)
		w.WaitFor("component:default/b")
		p.Set()
		refresh(t, p)
		w.Wait("b is gone", func() bool { return w.Get("component:default/b") == nil })
		if got := w.WaitFor("component:default/a"); got.Spec()["lifecycle"] != "theirs" {
			t.Errorf("it was taken over: %v", got)
		}
	})
	t.Run("AStopKeepsItsEntitiesAndAForgetRemovesThem", func(t *testing.T) {
		w, p := begin(t)
		p.Set(NewEntity("Component", "a"))
		refresh(t, p)
		w.WaitFor("component:default/a")
		w.Retract(false)
		w.Passes(1)
		w.WaitFor("component:default/a")
		w.Extend(catalog.Extension{Providers: []catalog.EntityProvider{p.Provider}})
		refresh(t, p)
		w.Retract(true)
		w.Wait("a is gone", func() bool { return w.Get("component:default/a") == nil })
	})
	t.Run("AThousandEntitiesComeAtOnce", func(t *testing.T) {
		w, p := begin(t)
		var docs []entity.Entity
		var want []string
		for i := range 1000 {
			docs = append(docs, NewEntity("Component", "c"+strconv.Itoa(10_000+i)))
			want = append(want, "component:default/c"+strconv.Itoa(10_000+i))
		}
		p.Set(docs...)
		refresh(t, p)
		w.Wait("all are visible", func() bool { return len(w.Refs()) == 1000 })
		if diff := cmp.Diff(want, w.Refs()); diff != "" {
			t.Error(diff)
		}
	})
}
