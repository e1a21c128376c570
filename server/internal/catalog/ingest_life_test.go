package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestLife_AnEditShowsAfterTheNextRoundAndKeepsTheUID(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a") + component("b")})
		c.settle()
		a, b := c.must("component:default/a"), c.must("component:default/b")
		c.write("catalog.yaml", component("a", "  changed: true\n")+component("b"))
		c.settle()
		if c.must("component:default/a").Spec()["changed"] != nil {
			t.Fatal("the file was read before its time")
		}
		seq := c.Index().Snapshot().Seq()
		c.nextRound()
		now := c.must("component:default/a")
		if now.Spec()["changed"] != true || now.UID() != a.UID() || now.Metadata()["etag"] == a.Metadata()["etag"] {
			t.Errorf("before %v, now %v", a, now)
		}
		if diff := cmp.Diff(b, c.must("component:default/b")); diff != "" {
			t.Errorf("its neighbour changed: %s", diff)
		}
		if got := c.Index().Snapshot().Seq(); got != seq+1 {
			t.Errorf("%d entities were published for one edit", got-seq)
		}
	})
}

func TestLife_NothingIsWrittenWhileNothingChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile+"    - { type: url, target: 'https://a.test/x.yaml' }\n", map[string]string{"catalog.yaml": component("a")},
			func(d *Deps) { d.URLs.(*web).set("https://a.test/x.yaml", component("b")) })
		c.settle()
		c.nextRound()
		before := dump(t, db)
		for range 3 {
			c.nextRound()
		}
		if diff := cmp.Diff(before, dump(t, db)); diff != "" {
			t.Errorf("rows changed: %s", diff)
		}
		if got := c.web.reads["https://a.test/x.yaml"]; got != 1 {
			t.Errorf("the unchanged URL was read %d times", got)
		}
	})
}

func TestLife_AnEntityThatBreaksKeepsItsLastGoodContentAndGainsAStatus(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a")})
		c.settle()
		c.write("catalog.yaml", strings.Replace(component("a"), "  type: service\n", "", 1))
		c.nextRound()
		const message = "Processor BuiltinKindsEntityProcessor threw an error while validating the entity component:default/a; caused by TypeError: /spec must have required property 'type' - missingProperty: type"
		want := map[string]any{"items": []any{map[string]any{
			"type": "backstage.io/catalog-processing", "level": "error", "message": "InputError: " + message,
			"error": map[string]any{"name": "InputError", "message": message, "cause": map[string]any{
				"name": "TypeError", "message": "/spec must have required property 'type' - missingProperty: type"}},
		}}}
		broken := c.must("component:default/a")
		if diff := cmp.Diff(want, broken["status"]); diff != "" {
			t.Error(diff)
		}
		if broken.Spec()["type"] != "service" {
			t.Errorf("content is lost: %v", broken)
		}
		c.write("catalog.yaml", component("a", "  tier: 2\n"))
		c.nextRound()
		if mended := c.must("component:default/a"); mended["status"] != nil || mended.Spec()["tier"] == nil || len(c.problemTexts()) > 0 {
			t.Errorf("it is still broken: %v %v", mended, c.problemTexts())
		}
	})
}

func TestLife_AnErrorInAFileWithholdsNewDocumentsAndKeepsOldOnes(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a") + component("b")})
	c.settle()
	good := component("a") + component("b")
	for _, broken := range []string{component("a", "  changed: true\n") + component("new") + "---\na: [\n", ""} {
		if broken == "" {
			c.remove("catalog.yaml")
		} else {
			c.write("catalog.yaml", broken)
		}
		c.nextRound()
		if c.must("component:default/a").Spec()["changed"] != nil {
			t.Error("an edit came through")
		}
		c.must("component:default/b")
		c.gone("component:default/new")
		if status := c.must(locationEntityRef(entity.Location{Type: "file", Target: c.dir + "/catalog.yaml"}))["status"]; status == nil {
			t.Error("the location has no status")
		}
	}
	c.write("catalog.yaml", good)
	c.nextRound()
	if texts := c.problemTexts(); len(texts) > 0 {
		t.Errorf("problems stay after the file is back: %v", texts)
	}
}

func TestLife_ARemovedDocumentBecomesAnOrphanAndIsDeleted(t *testing.T) {
	for _, strategy := range []string{"delete", "keep"} {
		t.Run(strategy, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, db *store.DB) {
				c := newCatalog(t, db, "  orphanStrategy: "+strategy+"\n"+oneFile, map[string]string{
					"catalog.yaml": component("a", "  dependsOn: ['component:b']\n") + component("b", "  dependsOn: ['component:a']\n") + locationYAML("more", "./more.yaml"),
					"more.yaml":    component("c"),
				})
				c.settle()
				c.must("component:default/c")
				c.write("catalog.yaml", component("a", "  dependsOn: ['component:b']\n"))
				c.nextRound()
				for _, ref := range []string{"component:default/b", "location:default/more"} {
					if got := c.must(ref).Annotation(entity.AnnotationOrphan); got != "true" {
						t.Errorf("%s is not marked as an orphan", ref)
					}
				}
				c.cleanUp()
				if strategy == "keep" {
					c.must("component:default/b")
					c.must("component:default/c")
					c.write("catalog.yaml", component("a")+component("b"))
					c.nextRound()
					if got := c.must("component:default/b").Annotation(entity.AnnotationOrphan); got != "" {
						t.Error("an adopted entity is still marked")
					}
					return
				}
				for _, ref := range []string{"component:default/b", "location:default/more", "component:default/c"} {
					c.gone(ref)
				}
				want := []any{map[string]any{"type": "dependsOn", "targetRef": "component:default/b"}, map[string]any{"type": "ownedBy", "targetRef": "group:default/team"}}
				if diff := cmp.Diff(want, c.must("component:default/a")["relations"]); diff != "" {
					t.Errorf("relations of the one that stays: %s", diff)
				}
				c.consistent()
			})
		})
	}
}

func TestLife_TheFirstLocationOwnsAnEntityUntilItLetsGo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		events := &recorder{}
		c := newCatalog(t, db, "  locations:\n    - { type: file, target: first.yaml }\n", map[string]string{"first.yaml": component("a", "  from: first\n"), "second.yaml": component("a", "  from: second\n")},
			func(d *Deps) { d.Events = events })
		c.settle()
		c.reconfigure("  locations:\n    - { type: file, target: first.yaml }\n    - { type: file, target: second.yaml }\n")
		c.settle()
		if got := c.must("component:default/a").Spec()["from"]; got != "first" {
			t.Errorf("it was taken over by %v", got)
		}
		c.hasProblem("/second.yaml:5:9 component:default/a", "ConflictError", "already referenced by file:"+c.dir+"/first.yaml and now also file:"+c.dir+"/second.yaml")
		if got := events.topics[conflictTopic]; got == 0 {
			t.Error("no conflict event")
		}
		c.write("first.yaml", component("other"))
		c.nextRound()
		c.cleanUp()
		c.nextRound()
		if got := c.must("component:default/a").Spec()["from"]; got != "second" {
			t.Errorf("it is still of %v", got)
		}
		if texts := c.problemTexts(); len(texts) > 0 {
			t.Errorf("problems: %v", texts)
		}
		c.consistent()
	})
}

// Two locations that read the same file share its entities: they survive when one of the two goes away.
func TestLife_AnEntityWithTwoParentsSurvivesOneOfThem(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		const both = "  locations:\n    - { type: file, target: '*.yaml' }\n    - { type: file, target: a.yaml }\n"
		c := newCatalog(t, db, both, map[string]string{"a.yaml": component("a"), "b.yaml": component("b")})
		for range 4 {
			c.nextRound()
		}
		for _, rest := range []string{"'*.yaml'", "a.yaml"} {
			c.reconfigure("  locations:\n    - { type: file, target: " + rest + " }\n")
			c.nextRound()
			c.cleanUp()
			c.nextRound()
			c.must("component:default/a")
			c.reconfigure(both)
			c.nextRound()
		}
		c.consistent()
	})
}

func TestLife_ALocationThatIsNoLongerConfiguredTakesItsTreeWithIt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, "  locations:\n    - { type: file, target: a.yaml }\n    - { type: file, target: b.yaml }\n", map[string]string{
			"a.yaml": component("a") + locationYAML("deep", "./c.yaml"), "b.yaml": component("b", "  dependsOn: ['component:c']\n"), "c.yaml": component("c"),
		})
		c.settle()
		c.must("component:default/c")
		c.reconfigure("  locations:\n    - { type: file, target: b.yaml }\n")
		for _, ref := range []string{"component:default/a", "component:default/c", "location:default/deep"} {
			c.gone(ref)
		}
		c.settle()
		c.must("component:default/b")
		c.consistent()
	})
}

func TestLife_RefreshReadsAgainAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("A")})
		c.settle()
		c.write("catalog.yaml", component("A", "  changed: true\n"))
		if err := c.Refresh(t.Context(), "Component:Default/a"); err != nil {
			t.Fatal(err)
		}
		c.settle()
		if c.must("component:default/a").Spec()["changed"] != true {
			t.Error("the edit does not show")
		}
		if err := c.Refresh(t.Context(), "Component:default/Nope"); err == nil || err.Error() != "NotFoundError: Entity component:default/nope not found" {
			t.Errorf("error is %v", err)
		}
	})
}

func TestLife_ADeletedEntityOfALocationComesBackAsANewOne(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a", "  dependsOn: ['component:b']\n") + component("b")})
		c.settle()
		uid := c.must("component:default/a").UID()
		if err := c.DeleteEntity(t.Context(), uid); err != nil {
			t.Fatal(err)
		}
		c.gone("component:default/a")
		c.settle()
		if c.must("component:default/a").UID() == uid {
			t.Error("the uid is the same")
		}
		if err := c.DeleteEntity(t.Context(), "nobody\x00"); err != nil {
			t.Errorf("an unknown uid: %v", err)
		}
		c.consistent()
	})
}

func TestLife_ARestartServesWhatWasThereAndFinishesWhatWasBegun(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a") + component("b", "  dependsOn: ['component:a']\n")})
		// The process dies after each step of the first pass; every start goes on from there.
		for range 20 {
			l := newLoop(c.Engine)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { l.run(ctx, false); close(done) }()
			time.Sleep(2 * time.Millisecond) // where it stops does not matter
			cancel()
			<-done
			c.clock.Advance(2 * time.Minute)
			c.open()
		}
		c.settle()
		a := c.must("component:default/a")
		if got := a["relations"].([]any); len(got) != 2 {
			t.Errorf("relations are %v", got)
		}
		c.consistent()
		c.open()
		select {
		case <-c.Ready():
		default:
			t.Error("a restarted catalog is not ready at once")
		}
		if diff := cmp.Diff(a, c.must("component:default/a")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLife_EntitiesOfAProviderThatIsGoneAreRemovedUnlessKept(t *testing.T) {
	for _, strategy := range []string{"delete", "keep"} {
		db := storetest.SQLite(t)
		c := newCatalog(t, db, "  orphanProviderStrategy: "+strategy+"\n", nil, func(d *Deps) { d.Providers = []EntityProvider{&scripted{name: "crm"}} })
		c.provider("crm").apply(t, true, providedComponent("a"))
		c.settle()
		c.must("component:default/a")
		c.deps.Providers = nil
		c.open()
		if strategy == "keep" {
			c.must("component:default/a")
		} else {
			c.gone("component:default/a")
		}
	}
}

func TestProvider_MutationsReplaceAddAndRemove(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, "", nil, func(d *Deps) { d.Providers = []EntityProvider{&scripted{name: "crm"}, &scripted{name: "hr"}} })
		crm, hr := c.provider("crm"), c.provider("hr")
		names := func() []string {
			c.settle()
			refs := c.refs()
			slices.Sort(refs)
			return refs
		}
		expect := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, names()); diff != "" {
				t.Fatal(diff)
			}
		}
		crm.apply(t, true, providedComponent("a"), providedComponent("b"))
		expect("component:default/a", "component:default/b")
		crm.apply(t, false, providedComponent("c"))
		expect("component:default/a", "component:default/b", "component:default/c")
		uid := c.must("component:default/a").UID()
		crm.apply(t, true, providedComponent("a"), providedComponent("c"))
		expect("component:default/a", "component:default/c")
		if c.must("component:default/a").UID() != uid {
			t.Error("an unchanged entity has a new uid")
		}
		if err := crm.conn.ApplyMutation(t.Context(), Mutation{Removed: []entity.Canonical{"component:default/c", "component:default/unknown"}}); err != nil {
			t.Fatal(err)
		}
		expect("component:default/a")
		stolen := providedComponent("a")
		stolen.LocationKey = "hr"
		hr.apply(t, false, stolen)
		expect("component:default/a")
		c.hasProblem("ConflictError", "already referenced by crm and now also hr")
		moved := providedComponent("a")
		moved.LocationKey = "crm-2"
		crm.apply(t, true, moved)
		expect("component:default/a")
		if c.must("component:default/a").UID() == uid {
			t.Error("an entity with another location key is a new one")
		}
		err := crm.conn.ApplyMutation(t.Context(), Mutation{Added: []DeferredEntity{providedComponent("ok"), {Entity: entity.Entity{"kind": "x"}}}})
		if err == nil || !strings.HasPrefix(err.Error(), "TypeError: Malformed entity envelope, TypeError: ") {
			t.Errorf("error is %v", err)
		}
		expect("component:default/a")
		c.consistent()
	})
}

func TestProvider_RefreshByKeyProcessesWhatRecordedIt(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")}, func(d *Deps) { d.Providers = []EntityProvider{&scripted{name: "scm"}} })
	c.settle()
	c.write("catalog.yaml", component("a", "  changed: true\n"))
	if err := c.provider("scm").conn.Refresh(t.Context(), []string{"file:" + c.dir + "/catalog.yaml", "url:https://nobody"}); err != nil {
		t.Fatal(err)
	}
	c.settle()
	if c.must("component:default/a").Spec()["changed"] != true {
		t.Error("it was not processed")
	}
}

// dump is every table but the times at which things are due.
func dump(t testing.TB, db *store.DB) map[string][]string {
	t.Helper()
	tables := map[string]string{
		"state":      "SELECT entity_ref || ' ' || entity_id || ' ' || unprocessed_hash || ' ' || coalesce(location_key, '-') || ' ' || coalesce(processed_entity, '-') || coalesce(errors, '-') || result_hash || coalesce(cache, '-') FROM catalog_refresh_state",
		"references": "SELECT coalesce(source_key, '-') || ' ' || coalesce(source_entity_ref, '-') || ' ' || target_entity_ref FROM catalog_references",
		"relations":  "SELECT originating_entity_id || ' ' || source_entity_ref || ' ' || type || ' ' || target_entity_ref FROM catalog_relations",
		"final":      "SELECT entity_ref || ' ' || final_entity FROM catalog_final_entities",
		"changes":    "SELECT entity_id || op FROM catalog_changelog",
		"problems":   "SELECT entity_ref || stage || problems FROM catalog_problems",
		"queue":      "SELECT entity_ref FROM catalog_stitch_queue",
	}
	out := map[string][]string{}
	for name, query := range tables {
		rows, err := texts(t.Context(), db.Read(), query)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		out[name] = rows
	}
	return out
}

// consistent checks the laws that hold between tables and index whenever nothing is due: the index is what a new one
// would load, every final entity is what stitching it again would give, and no row speaks of an entity that is gone.
func (c *catalogTest) consistent() {
	c.t.Helper()
	c.settle()
	ctx, db := c.t.Context(), c.db.db
	fed := map[string]string{}
	for doc := range c.Index().Snapshot().All() {
		fed[doc.UID] = string(doc.JSON)
	}
	stored := map[string]string{}
	rows, err := c.db.finals(ctx, "SELECT entity_ref, entity_id, final_entity FROM catalog_final_entities")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range rows {
		stored[r.UID] = string(r.JSON)
	}
	if diff := cmp.Diff(stored, fed); diff != "" {
		c.t.Errorf("index and database differ: %s", diff)
	}
	for _, query := range []string{
		"SELECT entity_id FROM catalog_final_entities WHERE entity_id NOT IN (SELECT entity_id FROM catalog_refresh_state)",
		"SELECT originating_entity_id FROM catalog_relations WHERE originating_entity_id NOT IN (SELECT entity_id FROM catalog_refresh_state)",
		"SELECT entity_id FROM catalog_refresh_keys WHERE entity_id NOT IN (SELECT entity_id FROM catalog_refresh_state)",
		"SELECT target_entity_ref FROM catalog_references WHERE target_entity_ref NOT IN (SELECT entity_ref FROM catalog_refresh_state)",
		"SELECT source_entity_ref FROM catalog_references WHERE source_entity_ref IS NOT NULL AND source_entity_ref NOT IN (SELECT entity_ref FROM catalog_refresh_state)",
		"SELECT entity_ref FROM catalog_stitch_queue",
		"SELECT originating_entity_id FROM catalog_relations GROUP BY originating_entity_id, source_entity_ref, type, target_entity_ref HAVING count(*) > 1",
	} {
		left, err := texts(ctx, db.Read(), query)
		if err != nil || len(left) > 0 {
			c.t.Errorf("%s: %v, %v", query, left, err)
		}
	}
	before := dump(c.t, db)["final"]
	if err := db.Write(ctx, execAll("INSERT INTO catalog_stitch_queue (entity_ref) SELECT entity_ref FROM catalog_refresh_state; UPDATE catalog_final_entities SET hash = ''")); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
	if diff := cmp.Diff(before, dump(c.t, db)["final"]); diff != "" {
		c.t.Errorf("stitching again gives something else: %s", diff)
	}
}

// cleanUp is what happens every 30 seconds.
func (c *catalogTest) cleanUp() {
	c.t.Helper()
	if err := c.cleanOnce(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}

// reconfigure restarts with other catalog keys.
func (c *catalogTest) reconfigure(yaml string) {
	c.t.Helper()
	c.deps.Config = configOf(yaml, c.dir)
	c.open()
}

// scripted is a provider that does what the test says.
type scripted struct {
	name string
	conn ProviderConnection
}

func (s *scripted) Name() string { return s.name }

func (s *scripted) Connect(_ context.Context, conn ProviderConnection) error {
	s.conn = conn
	return nil
}

func (s *scripted) apply(t *testing.T, full bool, added ...DeferredEntity) {
	t.Helper()
	if err := s.conn.ApplyMutation(t.Context(), Mutation{Full: full, Added: added}); err != nil {
		t.Fatal(err)
	}
}

func (c *catalogTest) provider(name string) *scripted {
	for _, p := range c.providers {
		if s, ok := p.(*scripted); ok && s.name == name {
			return s
		}
	}
	c.t.Fatalf("no provider %s", name)
	return nil
}

func providedComponent(name string) DeferredEntity {
	return DeferredEntity{LocationKey: "crm", Entity: entity.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{"name": name, "annotations": map[string]any{
			entity.AnnotationLocation: "crm:all", entity.AnnotationOriginLocation: "crm:all"}},
		"spec": map[string]any{"type": "service", "lifecycle": "production", "owner": "team"},
	}}
}

// recorder counts events.
type recorder struct {
	mu     sync.Mutex
	topics map[string]int
}

func (r *recorder) Publish(_ context.Context, topic string, _ any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.topics == nil {
		r.topics = map[string]int{}
	}
	r.topics[topic]++
}
