package catalogtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog"
)

// ProcessorUnderTest is a processor with a behaviour, and what can happen to it.
type ProcessorUnderTest struct {
	Processor catalog.Processor
	// Down makes whatever does the work unavailable, or available again.
	Down func(down bool)
	// Become exchanges the behaviour, as an upgrade to another version does.
	Become func(b Behaviour)
}

// Processors runs the laws of Processor. start makes a processor that does b.
func Processors(t *testing.T, start func(t *testing.T, b Behaviour) *ProcessorUnderTest) {
	t.Helper()
	s := processorSuite{start}
	for _, law := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"ItChangesEntitiesAndKeepsWhatItDoesNotKnow", s.changes},
		{"ItSeesTheKindsItDeclaresAndNoOther", s.kinds},
		{"ItKnowsAKindOfItsOwn", s.ownKind},
		{"ItEmitsRelationsAndEntities", s.emits},
		{"AnErrorFailsThatEntityAlone", s.errorsAlone},
		{"AnEntityThatBecomesAnotherFailsAlone", s.identity},
		{"ManyEntitiesAreProcessedAtOnce", s.concurrent},
		{"AnOutageWithholdsNoEntityAndIsMadeUpFor", s.outage},
		{"AnOutageKeepsWhatIsStored", s.outageKeeps},
		{"AnOutageKeepsTheStateOfItsOwnKind", s.outageKind},
		{"AnotherVersionProcessesWhatItSeesAgain", s.version},
		{"AfterAForgetEntitiesAreWithoutIt", s.forget},
	} {
		t.Run(law.name, law.run)
	}
}

type processorSuite struct {
	start func(t *testing.T, b Behaviour) *ProcessorUnderTest
}

// begin starts a catalog with the processor and a provider of entities beside it.
func (s processorSuite) begin(t *testing.T, b Behaviour) (*World, *ProcessorUnderTest, func(docs ...entity.Entity)) {
	t.Helper()
	p := s.start(t, b)
	entities := &ProviderFake{ID: "entities"}
	w := Start(t, "", func(e *catalog.Engine) {
		if err := e.Extend(t.Context(), "entities", catalog.Extension{Providers: []catalog.EntityProvider{entities}}); err != nil {
			t.Fatal(err)
		}
		if err := e.Extend(t.Context(), "test", catalog.Extension{Processors: []catalog.Processor{p.Processor}}); err != nil {
			t.Fatal(err)
		}
	})
	if d, ok := p.Processor.(catalog.DeclaringProcessor); ok {
		w.Wait("the processor knows what it does", func() bool { return !d.Declare().Unknown })
	}
	return w, p, func(docs ...entity.Entity) {
		t.Helper()
		if err := entities.Set(t.Context(), docs...); err != nil {
			t.Fatal(err)
		}
	}
}

func label(value string) func(entity.Entity) (entity.Entity, error) {
	return func(e entity.Entity) (entity.Entity, error) {
		e.Metadata()["labels"] = map[string]any{"seen": value}
		return e, nil
	}
}

func labelOf(e entity.Entity) string {
	labels, _ := e.Metadata()["labels"].(map[string]any)
	return stringOf(labels["seen"])
}

func stringOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (w *World) waitForLabel(ref, value string) {
	w.t.Helper()
	w.Wait(ref+" has the label "+strconv.Quote(value), func() bool {
		e := w.Get(ref)
		return e != nil && labelOf(e) == value
	})
}

func (s processorSuite) changes(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Pre: label("yes")})
	e := NewEntity("Component", "a")
	e.Spec()["big"] = int64(9007199254740993)
	e.Spec()["text"] = "<a> & \u2028 ü"
	e.Spec()["nested"] = map[string]any{"list": []any{nil, true, "x", map[string]any{}}}
	set(e)
	w.waitForLabel("component:default/a", "yes")
	got := w.Get("component:default/a").Spec()
	if stringOf(got["big"]) != "9007199254740993" || got["text"] != e.Spec()["text"] {
		t.Errorf("it changed what is not its own: %v", got)
	}
	if diff := cmp.Diff(e.Spec()["nested"], got["nested"]); diff != "" {
		t.Error(diff)
	}
}

func (s processorSuite) kinds(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	w, _, set := s.begin(t, Behaviour{Version: "1", Kinds: []string{"component"}, Pre: func(e entity.Entity) (entity.Entity, error) {
		mu.Lock()
		defer mu.Unlock()
		seen[e.Kind()] = true
		return label("yes")(e)
	}})
	set(NewEntity("Component", "a"), NewEntity("Resource", "b"))
	w.waitForLabel("component:default/a", "yes")
	if got := labelOf(w.WaitFor("resource:default/b")); got != "" {
		t.Errorf("it changed an entity of another kind: %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["Resource"] {
		t.Error("it saw a kind that it does not want")
	}
}

// robots is a behaviour that knows the kind Robot.
func robots(version string) Behaviour {
	return Behaviour{Version: version, Kinds: []string{"robot"}, Validate: func(e entity.Entity) (bool, error) {
		if e.Spec()["type"] == "evil" {
			return false, errors.New("spec.type must not be evil")
		}
		return true, nil
	}}
}

func (s processorSuite) ownKind(t *testing.T) {
	w, _, set := s.begin(t, robots("1"))
	evil := NewEntity("Robot", "evil")
	evil.Spec()["type"] = "evil"
	set(NewEntity("Robot", "good"), evil, NewEntity("Android", "stranger"))
	w.WaitFor("robot:default/good")
	w.waitForProblem("robot:default/evil", "must not be evil")
	w.waitForProblem("android:default/stranger", "No processor recognized")
	if refs := w.Refs(); len(refs) != 1 {
		t.Errorf("the catalog holds %v", refs)
	}
}

func (w *World) waitForProblem(ref, text string) {
	w.t.Helper()
	w.Wait(ref+" has a problem about "+text, func() bool {
		problems, err := w.Problems(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range problems {
			if string(p.EntityRef) == ref && strings.Contains(p.Message, text) {
				return true
			}
		}
		return false
	})
}

func (s processorSuite) emits(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Kinds: []string{"component"}, Post: func(e entity.Entity) (Emission, error) {
		self, other := e.Ref().String(), "resource:default/"+e.Name()+"-db"
		return Emission{
			Entities:  []entity.Entity{NewEntity("Resource", e.Name()+"-db")},
			Relations: []Relation{{self, "storesIn", other}, {other, "storesOf", self}},
		}, nil
	}})
	set(NewEntity("Component", "a"))
	w.WaitFor("resource:default/a-db")
	w.Wait("both have their relation", func() bool {
		return relates(w.Get("component:default/a"), "storesIn", "resource:default/a-db") &&
			relates(w.Get("resource:default/a-db"), "storesOf", "component:default/a")
	})
}

func relates(e entity.Entity, typ, target string) bool {
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		if m, _ := r.(map[string]any); m["type"] == typ && m["targetRef"] == target {
			return true
		}
	}
	return false
}

func (s processorSuite) errorsAlone(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Pre: func(e entity.Entity) (entity.Entity, error) {
		if e.Name() == "bad" {
			return nil, errors.New("it has no owner in Sentry")
		}
		return label("yes")(e)
	}})
	set(NewEntity("Component", "a"), NewEntity("Component", "bad"), NewEntity("Component", "c"))
	w.waitForLabel("component:default/a", "yes")
	w.waitForLabel("component:default/c", "yes")
	w.waitForProblem("component:default/bad", "no owner in Sentry")
	if w.Get("component:default/bad") != nil {
		t.Error("an entity with an error became visible")
	}
}

func (s processorSuite) identity(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Pre: func(e entity.Entity) (entity.Entity, error) {
		if e.Name() == "bad" {
			e.Metadata()["name"] = "other"
		}
		return label("yes")(e)
	}})
	set(NewEntity("Component", "a"), NewEntity("Component", "bad"))
	w.waitForLabel("component:default/a", "yes")
	w.Passes(1)
	if w.Get("component:default/other") != nil {
		t.Error("an entity became another one")
	}
}

func (s processorSuite) concurrent(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Pre: func(e entity.Entity) (entity.Entity, error) { return label(e.Name())(e) }})
	var docs []entity.Entity
	for i := range 500 {
		docs = append(docs, NewEntity("Component", "c"+strconv.Itoa(i)))
	}
	set(docs...)
	for _, e := range docs {
		w.waitForLabel(e.Ref().String(), e.Name())
	}
}

func (s processorSuite) outage(t *testing.T) {
	w, p, set := s.begin(t, Behaviour{Version: "1", Pre: label("yes")})
	p.Down(true)
	set(NewEntity("Component", "a"))
	if got := labelOf(w.WaitFor("component:default/a")); got != "" {
		t.Errorf("it has the label %q of a processor that is down", got)
	}
	p.Down(false)
	w.waitForLabel("component:default/a", "yes")
}

func (s processorSuite) outageKeeps(t *testing.T) {
	w, p, set := s.begin(t, Behaviour{Version: "1", Pre: label("yes")})
	set(NewEntity("Component", "a"))
	w.waitForLabel("component:default/a", "yes")
	p.Down(true)
	w.Passes(2)
	if got := labelOf(w.WaitFor("component:default/a")); got != "yes" {
		t.Errorf("the outage took the label: %q", got)
	}
	edited := NewEntity("Component", "a")
	edited.Spec()["lifecycle"] = "edited"
	set(edited)
	w.Wait("the edit is visible", func() bool { return w.Get("component:default/a").Spec()["lifecycle"] == "edited" })
	p.Down(false)
	w.waitForLabel("component:default/a", "yes")
}

func (s processorSuite) outageKind(t *testing.T) {
	w, p, set := s.begin(t, robots("1"))
	set(NewEntity("Robot", "a"))
	w.WaitFor("robot:default/a")
	p.Down(true)
	edited := NewEntity("Robot", "a")
	edited.Spec()["lifecycle"] = "edited"
	set(edited, NewEntity("Robot", "new"))
	w.waitForProblem("robot:default/new", "may know its kind")
	w.waitForProblem("robot:default/a", "may know its kind")
	if got := w.Get("robot:default/a"); got == nil || got.Spec()["lifecycle"] != "production" {
		t.Errorf("an entity of its kind did not keep its state: %v", got)
	}
	p.Down(false)
	w.WaitFor("robot:default/new")
	w.Wait("the edit is visible", func() bool { return w.Get("robot:default/a").Spec()["lifecycle"] == "edited" })
}

func (s processorSuite) version(t *testing.T) {
	w, p, set := s.begin(t, Behaviour{Version: "1", Kinds: []string{"component"}, Pre: label("one")})
	set(NewEntity("Component", "a"), NewEntity("Resource", "b"))
	w.waitForLabel("component:default/a", "one")
	p.Become(Behaviour{Version: "2", Kinds: []string{"component", "resource"}, Pre: label("two")})
	w.waitForLabel("component:default/a", "two")
	w.waitForLabel("resource:default/b", "two")
	p.Become(Behaviour{Version: "2", Kinds: []string{"resource"}, Pre: label("two")})
	w.waitForLabel("component:default/a", "")
}

func (s processorSuite) forget(t *testing.T) {
	w, _, set := s.begin(t, Behaviour{Version: "1", Pre: label("yes")})
	set(NewEntity("Component", "a"))
	w.waitForLabel("component:default/a", "yes")
	w.Retract(false)
	w.Passes(2)
	if got := labelOf(w.Get("component:default/a")); got != "yes" {
		t.Errorf("a stop took the label: %q", got)
	}
	w.Retract(true)
	w.waitForLabel("component:default/a", "")
}
