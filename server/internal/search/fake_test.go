package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// shelf is a Source whose documents tests put and remove.
type shelf struct {
	mu         sync.Mutex
	generation uint64
	documents  map[string]Document
	versions   map[string]uint64
	reads      int
	fails      bool
}

func newShelf() *shelf {
	return &shelf{documents: map[string]Document{}, versions: map[string]uint64{}}
}

func (s *shelf) put(key string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.documents[key], s.versions[key] = Document{Values: values, ResourceRef: key}, s.generation
}

func (s *shelf) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	delete(s.documents, key)
}

func (s *shelf) Generation() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

func (s *shelf) Documents(context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, d := range s.documents {
			read := func() (Document, bool, error) { s.reads++; return d, true, nil }
			if !yield(Entry{Key: key, Version: s.versions[key], Read: read}, nil) {
				return
			}
		}
		if s.fails {
			yield(Entry{}, errors.New("the source is away"))
		}
	}
}

// noteFields is the small type of document that most tests use.
var noteFields = []string{"title", "text", "kind", "location"}

func (s *shelf) note(key, title, text, kind string) { s.put(key, title, text, kind, "/notes/"+key) }

// decisions answers authorize by permission name; what is not listed is allowed.
type decisions map[string]permission.Decision

func (d decisions) Authorize(_ context.Context, _ *principal.Principal, p permission.Permission) (permission.Decision, error) {
	if decision, ok := d[p.Name]; ok {
		return decision, nil
	}
	return permission.Decision{Result: permission.Allow}, nil
}

func newTestEngine(tb testing.TB, d decisions, types ...Type) *Engine {
	tb.Helper()
	e, err := New(Options{Types: types, Authorizer: d, Logger: slog.New(slog.NewTextHandler(tb.Output(), nil))})
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.Update(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return e
}

func notes(s *shelf) Type { return Type{Name: "notes", Fields: noteFields, Source: s} }

var guest = &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}

// ask runs a raw query string and returns the locations that were found, in order.
func ask(tb testing.TB, e *Engine, raw string) []string {
	tb.Helper()
	return locations(query(tb, e, raw))
}

func query(tb testing.TB, e *Engine, raw string) Results {
	tb.Helper()
	q, err := ParseQuery(raw, e.TypeNames(), Limits{TermLength: 100, PageLimit: 100})
	if err != nil {
		tb.Fatal(err)
	}
	r, err := e.Query(tb.Context(), guest, q)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func locations(r Results) []string {
	found := []string{}
	for _, res := range r.Results {
		found = append(found, res.Document.Values[slices.Index(res.Fields, locationField)])
	}
	return found
}

func generated(n int) *shelf {
	s := newShelf()
	words := []string{"payment", "order", "billing", "search", "profile", "invoice", "catalog", "shipping", "pricing",
		"session", "audit", "report", "media", "inventory", "ledger", "fraud", "coupon", "basket", "refund", "notify"}
	kinds := []string{"Component", "Component", "Component", "API", "Resource", "System", "Group"}
	for i := range n {
		a, b, kind := words[i%len(words)], words[i/len(words)%len(words)], kinds[i%len(kinds)]
		name := fmt.Sprintf("%s-%s-%d", a, b, i)
		key := fmt.Sprintf("%s:default/%s", kind, name)
		s.put(key, name, "Handles "+a+" and "+b+" for team "+words[i*7%len(words)], "service", "service", "default", kind,
			"production", "group:default/team-"+words[i*3%len(words)], "/catalog/default/"+kind+"/"+name)
	}
	return s
}

var catalogFields = []string{"title", "text", "componentType", "type", "namespace", "kind", "lifecycle", "owner", "location"}
