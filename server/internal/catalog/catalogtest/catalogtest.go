// Package catalogtest holds the laws of the catalog's extension points as suites: [Providers] for an EntityProvider and
// [Processors] for a Processor. Each implementation, in this process or behind a plugin's socket, runs them with a few
// lines; what they prove, the engine relies on. Each law runs in a real engine on an empty SQLite database.
package catalogtest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// World is a catalog that runs until the test ends.
type World struct {
	*catalog.Engine

	t testing.TB
}

// Start runs a catalog that processes what is polled every second. Its configuration is YAML below "catalog:".
func Start(t testing.TB, yaml string, prepare ...func(*catalog.Engine)) *World {
	t.Helper()
	deps := catalog.Deps{
		DB: storetest.SQLite(t), URLs: noURLs{}, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		Config: config.FromYAML("catalog:\n  processingInterval: { seconds: 1 }\n  rules: [{ allow: [Component, API, Resource, Group, User, Location, Robot] }]\n" + yaml),
	}
	e, err := catalog.New(t.Context(), deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range prepare {
		f(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the catalog broke: %v", err)
		}
	})
	<-e.Ready()
	return &World{Engine: e, t: t}
}

// Extend adds providers and processors under the source "test".
func (w *World) Extend(x catalog.Extension) {
	w.t.Helper()
	if err := w.Engine.Extend(w.t.Context(), "test", x); err != nil {
		w.t.Fatal(err)
	}
}

// Retract ends what Extend added.
func (w *World) Retract(forget bool) {
	w.t.Helper()
	if err := w.Engine.Retract(w.t.Context(), "test", forget); err != nil {
		w.t.Fatal(err)
	}
}

// Get is the visible entity with that ref, nil when there is none.
func (w *World) Get(ref string) entity.Entity {
	w.t.Helper()
	doc := w.Index().Snapshot().ByRef(entity.Canonical(ref))
	if doc == nil {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(doc.JSON)))
	d.UseNumber()
	var e entity.Entity
	if err := d.Decode(&e); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// Refs lists what is visible, sorted.
func (w *World) Refs() []string {
	var refs []string
	for doc := range w.Index().Snapshot().All() {
		refs = append(refs, string(doc.Ref))
	}
	slices.Sort(refs)
	return refs
}

// Wait waits until something holds; what says what, for the failure.
func (w *World) Wait(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			problems, _ := w.Problems(w.t.Context())
			refs := w.Refs()
			w.t.Fatalf("it did not happen within a minute that %s; the catalog holds %d entities (%v …), its problems are %v", what,
				len(refs), refs[:min(len(refs), 20)], problems[:min(len(problems), 20)])
		}
	}
}

// WaitFor waits for an entity and returns it.
func (w *World) WaitFor(ref string) entity.Entity {
	w.t.Helper()
	w.Wait(ref+" is visible", func() bool { return w.Get(ref) != nil })
	return w.Get(ref)
}

// Passes waits until the engine has processed the entities that are due: a marker entity that comes after them is there.
func (w *World) Passes(n int) {
	w.t.Helper()
	for range n {
		markers := &ProviderFake{ID: "markers"}
		if err := w.Engine.Extend(w.t.Context(), "markers", catalog.Extension{Providers: []catalog.EntityProvider{markers}}); err != nil {
			w.t.Fatal(err)
		}
		name := "marker-" + time.Now().Format("150405.000000000")
		if err := markers.Set(w.t.Context(), NewEntity("Resource", strings.ReplaceAll(name, ".", "-"))); err != nil {
			w.t.Fatal(err)
		}
		w.WaitFor("resource:default/" + strings.ReplaceAll(name, ".", "-"))
		time.Sleep(1100 * time.Millisecond) // processingInterval: it is by time that entities become due
	}
}

// NewEntity is a small valid entity of a built-in kind, or of kind Robot, which the catalog does not know.
func NewEntity(kind, name string) entity.Entity {
	spec := map[string]any{"type": "service", "lifecycle": "production", "owner": "team"}
	if kind == "Location" {
		spec = map[string]any{"targets": []any{}}
	}
	return entity.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": kind, "spec": spec,
		"metadata": map[string]any{"name": name, "annotations": map[string]any{
			entity.AnnotationLocation: "url:https://test.example/all.yaml", entity.AnnotationOriginLocation: "url:https://test.example/all.yaml",
		}},
	}
}

// noURLs is a URLReader that finds nothing.
type noURLs struct{}

func (noURLs) ReadURL(_ context.Context, url, _ string) (catalog.URLDocument, error) {
	return catalog.URLDocument{}, apierror.NotFoundf("%s is not there", url)
}

func (noURLs) Search(context.Context, string, string) (catalog.URLFiles, error) {
	return catalog.URLFiles{}, errors.New("nothing is there")
}
