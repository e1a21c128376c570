package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// tagger is a processor from outside that writes a tag and counts what it sees.
type tagger struct {
	name, tag string
	declared  Declaration

	mu   sync.Mutex
	seen map[string]int // by ref
	down error
}

func newTagger(name string, kinds ...string) *tagger {
	return &tagger{name: name, tag: "tagged", declared: Declaration{Version: "1", Kinds: kinds}, seen: map[string]int{}}
}

func (g *tagger) Name() string         { return g.name }
func (g *tagger) Declare() Declaration { return g.declared }

func (g *tagger) PreProcess(_ context.Context, _ *Processing, e entity.Entity) (entity.Entity, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down != nil {
		return nil, Unavailable(g.down)
	}
	g.seen[string(e.Ref().Canonical())]++
	return withMetadata(e, "tags", []any{g.tag}), nil
}

func (g *tagger) count(ref string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen[ref]
}

func (c *catalogTest) extend(source string, x Extension) {
	c.t.Helper()
	if err := c.Extend(c.t.Context(), source, x); err != nil {
		c.t.Fatal(err)
	}
}

func (c *catalogTest) retract(source string, forget bool) {
	c.t.Helper()
	if err := c.Retract(c.t.Context(), source, forget); err != nil {
		c.t.Fatal(err)
	}
}

func (c *catalogTest) tags(ref string) string {
	c.t.Helper()
	tags, _ := c.must(ref).Metadata()["tags"].([]any)
	texts := make([]string, len(tags))
	for i, t := range tags {
		texts[i], _ = t.(string)
	}
	return strings.Join(texts, ",")
}

func TestExtend_AProcessorSeesItsKindsAndTheOthersStayDrivenByChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		resource := strings.NewReplacer("kind: Component", "kind: Resource", "name: b", "name: b").Replace(component("b"))
		c := newCatalog(t, db, allKinds+oneFile, map[string]string{"catalog.yaml": component("a") + resource})
		c.settle()
		g := newTagger("tags", "component")
		c.extend("plugin", Extension{Processors: []Processor{g}})
		c.settle()
		if c.tags("component:default/a") != "tagged" || c.tags("resource:default/b") != "" {
			t.Errorf("tags: %q and %q", c.tags("component:default/a"), c.tags("resource:default/b"))
		}
		before := polled(t, db)
		if want := []string{"component:default/a", locationEntityRef(entity.Location{Type: "file", Target: c.dir + "/catalog.yaml"})}; !cmp.Equal(want, before) {
			t.Errorf("%v are processed each interval, want %v", before, want)
		}
		c.nextRound()
		if g.count("component:default/a") != 2 || g.count("resource:default/b") != 0 {
			t.Errorf("it saw %v", g.seen)
		}
	})
}

// polled lists what is processed each interval.
func polled(t *testing.T, db *store.DB) []string {
	t.Helper()
	refs, err := texts(t.Context(), db.Read(), "SELECT entity_ref FROM catalog_refresh_state WHERE polled = 1 ORDER BY entity_ref")
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

func TestExtend_ARestartWithTheSameProcessorWritesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a")})
		g := newTagger("tags")
		c.extend("plugin", Extension{Processors: []Processor{g}})
		c.settle()
		before := dump(t, db)
		c.open()
		c.extend("plugin", Extension{Processors: []Processor{g}})
		c.settle()
		if diff := cmp.Diff(before, dump(t, db)); diff != "" {
			t.Errorf("rows changed: %s", diff)
		}
		if got := g.count("component:default/a"); got != 1 {
			t.Errorf("it was processed %d times", got)
		}
	})
}

func TestExtend_BeforeTheProcessorIsBackItsWorkStays(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	g := newTagger("tags")
	c.extend("plugin", Extension{Processors: []Processor{g}})
	c.settle()
	c.open() // nobody extends it yet
	c.nextRound()
	if got := c.tags("component:default/a"); got != "tagged" {
		t.Errorf("tags are %q while the processor is away", got)
	}
	c.write("catalog.yaml", component("a", "  changed: true\n"))
	c.nextRound()
	if c.must("component:default/a").Spec()["changed"] != true {
		t.Error("an edit waits for a processor that is away")
	}
	c.hasProblem("processor tags", "is not there")
	c.extend("plugin", Extension{Processors: []Processor{g}})
	c.nextRound()
	if got := c.tags("component:default/a"); got != "tagged" {
		t.Errorf("tags are %q after the processor came back", got)
	}
}

func TestExtend_AHostUpgradeBeforeTheProcessorIsBackKeepsItsWork(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	g := newTagger("tags")
	c.extend("plugin", Extension{Processors: []Processor{g}})
	c.settle()
	c.deps.Config = configOf(oneFile+"  rules: [{ allow: [Component, Location] }]\n", c.dir) // everything is processed again
	c.open()
	c.settle()
	if got := c.tags("component:default/a"); got != "tagged" {
		t.Errorf("tags are %q", got)
	}
	c.extend("plugin", Extension{Processors: []Processor{g}})
	c.nextRound()
	if got := g.count("component:default/a"); got != 2 {
		t.Errorf("it was processed %d times", got)
	}
}

func TestExtend_AProcessorThatSeesLocationsDoesNotStopReadingWhileItIsDown(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	g := newTagger("tags")
	c.extend("plugin", Extension{Processors: []Processor{g}})
	c.settle()
	g.down = apierror.New(apierror.ServiceUnavailable, "Plugin tags is starting")
	c.write("catalog.yaml", component("a")+component("b"))
	c.nextRound()
	c.must("component:default/b")
	c.hasProblem("processor tags", "is starting")
	g.down = nil
	c.nextRound()
	if c.tags("component:default/b") != "tagged" {
		t.Error("it was not made up for")
	}
	if got := c.problemTexts(); len(got) > 0 {
		t.Errorf("problems stay: %v", got)
	}
}

func TestExtend_ReplacesWhatTheSameSourceBrought(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a")})
		old, crm := newTagger("old"), &scripted{name: "crm"}
		c.extend("plugin", Extension{Processors: []Processor{old}, Providers: []EntityProvider{crm}})
		crm.apply(t, true, providedComponent("provided"))
		c.settle()
		c.must("component:default/provided")
		next := newTagger("new")
		next.tag = "renewed"
		c.extend("plugin", Extension{Processors: []Processor{next}})
		c.settle()
		if got := c.tags("component:default/a"); got != "renewed" {
			t.Errorf("tags are %q", got)
		}
		c.gone("component:default/provided")
		if err := crm.conn.ApplyMutation(t.Context(), Mutation{Full: true, Added: []DeferredEntity{providedComponent("late")}}); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("a provider that was replaced could still provide: %v", err)
		}
	})
}

func TestExtend_TakenNamesAreRefusedAndNothingChanges(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	c.extend("one", Extension{Processors: []Processor{newTagger("tags")}, Providers: []EntityProvider{&scripted{name: "crm"}}})
	for name, x := range map[string]Extension{
		"a built-in processor":   {Processors: []Processor{newTagger(builtinKinds)}},
		"another's processor":    {Processors: []Processor{newTagger("tags")}},
		"the same twice":         {Processors: []Processor{newTagger("x"), newTagger("x")}},
		"a built-in provider":    {Providers: []EntityProvider{&scripted{name: configProviderName}}},
		"another's own provider": {Providers: []EntityProvider{&scripted{name: "crm"}}},
	} {
		if err := c.Extend(t.Context(), "two", x); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(c.extended.bySource) != 1 {
		t.Error("a refused extension stayed")
	}
}

func TestExtend_WhatTheConfigurationDisablesIsLeftOut(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile+"  processorOptions: { tags: { disabled: true } }\n  providerOptions: { crm: { disabled: true } }\n",
		map[string]string{"catalog.yaml": component("a")})
	crm := &scripted{name: "crm"}
	c.extend("plugin", Extension{Processors: []Processor{newTagger("tags")}, Providers: []EntityProvider{crm}})
	c.settle()
	if c.tags("component:default/a") != "" || crm.conn != nil {
		t.Error("what is disabled took part")
	}
}

func TestInstalled_RemovesWhatUninstalledSourcesLeft(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a")})
		for _, source := range []string{"kept", "removed"} {
			p := &scripted{name: "of-" + source}
			c.extend(source, Extension{Processors: []Processor{newTagger("tags-" + source)}, Providers: []EntityProvider{p}})
			p.apply(t, true, providedComponent(source))
		}
		c.settle()
		c.open() // after which none of them is there yet
		c.settle()
		c.must("component:default/kept")
		c.must("component:default/removed")
		if err := c.Installed(t.Context(), []string{"kept"}); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.must("component:default/kept")
		if err := c.follower.catchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.gone("component:default/removed")
		if got := c.extended.known.sources(); !slices.Equal(got, []string{"kept"}) {
			t.Errorf("it remembers %v", got)
		}
	})
}

func TestRetract_OfOneThatIsNotThereIsNoError(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	c.retract("nobody", false)
	c.retract("nobody", true)
}

// lasting is a provider whose goroutine ends late.
type lasting struct {
	scripted

	running, over chan struct{}
}

func (l *lasting) Run(ctx context.Context) {
	close(l.running)
	<-ctx.Done()
	close(l.over)
}

func TestRetract_WaitsForWhatRuns(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	stop := c.running()
	<-c.Ready()
	p := &lasting{scripted{name: "crm"}, make(chan struct{}), make(chan struct{})}
	c.extend("plugin", Extension{Providers: []EntityProvider{p}})
	<-p.running
	c.retract("plugin", false)
	select {
	case <-p.over:
	default:
		t.Error("Retract did not wait")
	}
	q := &lasting{scripted{name: "crm"}, make(chan struct{}), make(chan struct{})}
	c.extend("plugin", Extension{Providers: []EntityProvider{q}})
	<-q.running
	stop()
	select {
	case <-q.over:
	default:
		t.Error("the engine ended before its providers")
	}
}

func TestExtend_WhileEntitiesAreProcessed(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), allKinds+oneFile, map[string]string{"catalog.yaml": generatedCatalog(500)})
	stop := c.running()
	defer stop()
	g := newTagger("tags")
	for range 5 {
		c.extend("plugin", Extension{Processors: []Processor{g}})
		c.retract("plugin", true)
	}
	c.extend("plugin", Extension{Processors: []Processor{g}})
	eventually(t, func() bool { return c.get("group:default/group-0") != nil && c.Index().Snapshot().Len() == 501 })
	eventually(t, func() bool {
		for doc := range c.Index().Snapshot().All() {
			if !strings.Contains(string(doc.JSON), `"tagged"`) {
				return false
			}
		}
		return true
	})
}

func TestExtend_AnnotationsThatPluginsReadAreKnownWhileTheyAreThere(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	c.extend("plugin:sonarqube", Extension{Annotations: []string{"sonarqube.org/project-key"}})
	c.extend("plugin:cost", Extension{Annotations: []string{"callboard.dev/cost-filter"}})
	want := []ReadAnnotation{{"callboard.dev/cost-filter", "plugin:cost"}, {"sonarqube.org/project-key", "plugin:sonarqube"}}
	if diff := cmp.Diff(want, c.Annotations()); diff != "" {
		t.Error(diff)
	}
	c.retract("plugin:cost", false)
	if diff := cmp.Diff(want[1:], c.Annotations()); diff != "" {
		t.Error(diff)
	}
}
