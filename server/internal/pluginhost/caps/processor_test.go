package caps

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
)

// moody is a plugin's processor that writes a label, hangs or breaks.
type moody struct {
	hangs, breaks atomic.Bool
	calls         atomic.Int32
}

func (m *moody) batch(ctx context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
	m.calls.Add(1)
	if m.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if m.breaks.Load() {
		return nil, errors.New("boom")
	}
	answer := &pluginv1.ProcessEntitiesResponse{}
	for _, item := range r.GetItems() {
		answer.Results = append(answer.Results, do(catalogtest.Behaviour{Pre: seen}, r.GetStage(), item))
	}
	return answer, nil
}

// begin runs a catalog with the processor and a provider.
func (m *moody) begin(t testing.TB, s *switchboard) (*catalogtest.World, *catalogtest.ProviderFake) {
	t.Helper()
	p := Processor("hello", "seer", s, ProcessorOptions{Poll: quick, Logger: silent()})
	entities := &catalogtest.ProviderFake{ID: "entities"}
	w := catalogtest.Start(t, "")
	w.Extend(catalog.Extension{Processors: []catalog.Processor{p}, Providers: []catalog.EntityProvider{entities}})
	w.Wait("the processor is met", func() bool { return !p.Declare().Unknown })
	return w, entities
}

func isSeen(w *catalogtest.World, name string) bool {
	e := w.Get("component:default/" + name)
	labels, _ := e.Metadata()["labels"].(map[string]any)
	return labels["seen"] == "yes"
}

func TestProcessor_AHangCostsOneDeadlineAndIsMadeUpFor(t *testing.T) {
	m := &moody{}
	m.hangs.Store(true)
	service := &processorService{does: catalogtest.Behaviour{Kinds: []string{"component"}}, batch: m.batch}
	w, entities := m.begin(t, one(NewClient(serve(t, service.register), options("1", limited(Limits{Batch: 2 * time.Second})))))
	var docs []entity.Entity
	for i := range 300 {
		docs = append(docs, catalogtest.NewEntity("Component", "c"+string(rune('a'+i%26))+time.Duration(i).String()))
	}
	if err := entities.Set(t.Context(), docs...); err != nil {
		t.Fatal(err)
	}
	w.Wait("all are visible", func() bool { return len(w.Refs()) == 300 })
	if n := m.calls.Load(); n > 12 {
		t.Errorf("300 entities cost %d calls to a plugin that hangs", n)
	}
	m.hangs.Store(false)
	w.Wait("all have been seen", func() bool {
		for _, e := range docs {
			if !isSeen(w, e.Name()) {
				return false
			}
		}
		return true
	})
}

func TestProcessor_ASlowPluginGetsBatchesThatItCanAnswerInTime(t *testing.T) {
	m := &moody{}
	service := &processorService{does: catalogtest.Behaviour{Kinds: []string{"component"}}, batch: func(ctx context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
		if len(r.GetItems()) > 5 { // more than it can do before the deadline
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return m.batch(ctx, r)
	}}
	w, entities := m.begin(t, one(NewClient(serve(t, service.register), options("1", limited(Limits{Batch: 200 * time.Millisecond})))))
	var docs []entity.Entity
	for i := range 20 {
		docs = append(docs, catalogtest.NewEntity("Component", "c"+time.Duration(i).String()))
	}
	if err := entities.Set(t.Context(), docs...); err != nil {
		t.Fatal(err)
	}
	for _, e := range docs {
		w.Wait(e.Name()+" has been seen", func() bool { return w.Get(e.Ref().String()) != nil && isSeen(w, e.Name()) })
	}
}

func TestProcessor_APluginThatAlwaysBreaksTripsItsBreakerAndHoldsUpNothing(t *testing.T) {
	m := &moody{}
	m.breaks.Store(true)
	service := &processorService{does: catalogtest.Behaviour{}, batch: m.batch}
	c := NewClient(serve(t, service.register), options("1", func(o *ClientOptions) { o.Retry = time.Hour }))
	w, entities := m.begin(t, one(c))
	var docs []entity.Entity
	for i := range 200 {
		docs = append(docs, catalogtest.NewEntity("Component", "c"+time.Duration(i).String()))
	}
	if err := entities.Set(t.Context(), docs...); err != nil {
		t.Fatal(err)
	}
	w.Wait("all are visible", func() bool { return len(w.Refs()) == 200 })
	if c.Tripped() || len(c.TrippedCalls()) != 1 || m.calls.Load() > 20 {
		t.Errorf("left alone: %q, after %d calls", c.TrippedCalls(), m.calls.Load())
	}
}

func TestProcessor_WhatThePluginAnsweredBeforeIsAnsweredAgainWhileItIsAway(t *testing.T) {
	m := &moody{}
	service := &processorService{does: catalogtest.Behaviour{Kinds: []string{"component"}}, batch: m.batch}
	s := one(NewClient(serve(t, service.register), options("1")))
	w, entities := m.begin(t, s)
	version := func(n string) entity.Entity {
		e := catalogtest.NewEntity("Component", "a")
		e.Spec()["lifecycle"] = n
		return e
	}
	set := func(n string) {
		t.Helper()
		if err := entities.Set(t.Context(), version(n)); err != nil {
			t.Fatal(err)
		}
		w.Wait("version "+n+" is visible", func() bool {
			e := w.Get("component:default/a")
			return e != nil && e.Spec()["lifecycle"] == n
		})
	}
	set("one")
	w.Wait("it is seen", func() bool { return isSeen(w, "a") })
	set("two")
	w.Wait("it is seen", func() bool { return isSeen(w, "a") })
	s.set(true)
	set("three")
	if isSeen(w, "a") {
		t.Error("an answer came from nowhere")
	}
	set("one")
	if !isSeen(w, "a") {
		t.Error("the earlier answer was not used")
	}
}
