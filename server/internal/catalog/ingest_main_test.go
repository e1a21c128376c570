package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		ingestUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// running starts the engine's own loop and returns what stops it and waits.
func (c *catalogTest) running() (stop func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	e, err := New(c.t.Context(), c.deps)
	if err != nil {
		c.t.Fatal(err)
	}
	e.patience = 10 * time.Millisecond
	c.Engine = e
	go func() { ended <- e.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Errorf("Run: %v", err)
		}
	}
}

func TestRun_IsReadyAfterTheFirstPassAndFollowsChangesUntilItEnds(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a")})
		stop := c.running()
		defer stop()
		<-c.Ready()
		c.must("component:default/a")
		c.web.set("https://a.test/x.yaml", component("b"))
		made, err := c.CreateLocation(t.Context(), LocationSpec{Type: "url", Target: "https://a.test/x.yaml"}, "")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return c.get("component:default/b") != nil })
		if err := c.DeleteLocation(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		c.gone("component:default/b")
		counts, err := c.CountsByKind(t.Context())
		if diff := cmp.Diff(map[string]int{"Component": 1, "Location": 1}, counts); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func TestRun_ASlowURLHoldsUpNeitherReadinessForEverNorOtherFiles(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), "  locations: [{ type: url, target: 'https://slow.test/x.yaml' }, { type: file, target: catalog.yaml }]\n",
		map[string]string{"catalog.yaml": component("a")}, func(d *Deps) { d.URLs.(*web).blocked = make(chan struct{}) })
	stop := c.running()
	defer stop()
	eventually(t, func() bool { return c.get("component:default/a") != nil })
	<-c.Ready()
}

func TestRun_WithProcessingSwitchedOffServesWhatIsThere(t *testing.T) {
	c := newCatalog(t, storetest.SQLite(t), oneFile, map[string]string{"catalog.yaml": component("a")})
	c.settle()
	c.deps.Config = config.FromYAML("catalog: { processingInterval: false, locations: [{ type: file, target: catalog.yaml }] }")
	stop := c.running()
	<-c.Ready()
	c.must("component:default/a")
	stop()
}

// Replicas share the work and see the same, whoever did it.
func TestRun_ReplicasConverge(t *testing.T) {
	section := map[string]any{"backend": map[string]any{"database": storetest.PostgreSQLConfig(t)}}
	files := map[string]string{"catalog.yaml": generatedCatalog(200)}
	var replicas []*catalogTest
	for range 2 {
		db, err := store.Open(t.Context(), config.FromValue(section).Section("backend.database"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		c := newCatalog(t, db, allKinds, files)
		c.dir = replicaDir(replicas, c)
		c.deps.Config, c.deps.Dir = configOf(allKinds+oneFile, c.dir), c.dir
		replicas = append(replicas, c)
	}
	for _, c := range replicas {
		defer c.running()()
	}
	for _, c := range replicas {
		eventually(t, func() bool { return c.Index().Snapshot().Len() == 201 })
	}
	a, b := replicas[0], replicas[1]
	a.write("catalog.yaml", generatedCatalog(100))
	if err := b.Refresh(t.Context(), locationEntityRef(entity.Location{Type: "file", Target: a.dir + "/catalog.yaml"})); err != nil {
		t.Fatal(err)
	}
	orphans := func() bool { // marked, on both
		n := 0
		for _, c := range replicas {
			for doc := range c.Index().Snapshot().All() {
				if strings.Contains(string(doc.JSON), `"backstage.io/orphan":"true"`) {
					n++
				}
			}
		}
		return n == 200
	}
	eventually(t, orphans)
	if err := a.cleanOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range replicas {
		eventually(t, func() bool { return c.Index().Snapshot().Len() == 101 })
	}
	eventually(t, func() bool { return maps.Equal(contents(a), contents(b)) })
}

func replicaDir(before []*catalogTest, c *catalogTest) string {
	if len(before) > 0 {
		return before[0].dir
	}
	return c.dir
}

func contents(c *catalogTest) map[string]string {
	all := map[string]string{}
	for doc := range c.Index().Snapshot().All() {
		all[string(doc.Ref)] = string(doc.JSON)
	}
	return all
}

// Law: what the catalog ends with depends on the documents, not on the order in which they were read. (Who owns a ref
// that two files fight for does depend on it, by contract, so every ref is in one file here.)
func TestLaw_TheOrderOfIngestionDoesNotMatter(t *testing.T) {
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "entities")
		files := map[string]string{}
		for i := range n {
			deps := rapid.SliceOfDistinct(rapid.IntRange(0, n), rapid.ID[int]).Draw(rt, "dependencies")
			refs := make([]string, len(deps))
			for j, d := range deps {
				refs[j] = fmt.Sprintf("'component:c%d'", d)
			}
			files[fmt.Sprintf("f%d.yaml", i)] = component(fmt.Sprintf("c%d", i), "  dependsOn: ["+strings.Join(refs, ", ")+"]\n")
		}
		order := rapid.Permutation(slices.Collect(func(yield func(string) bool) {
			for i := range n {
				if !yield(fmt.Sprintf("f%d.yaml", i)) {
					return
				}
			}
		})).Draw(rt, "order")
		states := make([]map[string]string, 2)
		for i := range states {
			run++
			states[i] = ingestInOrder(t, fmt.Sprintf("%s/%d", base, run), files, order)
			slices.Reverse(order)
		}
		if diff := cmp.Diff(states[0], states[1]); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// ingestInOrder adds one file after the other to the configuration and returns all entities without uid and folder.
func ingestInOrder(t *testing.T, dir string, files map[string]string, order []string) map[string]string {
	db, err := store.Open(t.Context(), config.FromYAML("client: better-sqlite3\nconnection: ':memory:'").Root())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := newCatalog(t, db, "", nil)
	c.dir, c.deps.Dir = dir, dir
	yaml := "  locations:\n"
	for _, name := range order {
		c.write(name, files[name])
		yaml += "    - { type: file, target: " + name + " }\n"
		c.reconfigure(yaml)
		c.settle()
	}
	all := map[string]string{}
	for doc := range c.Index().Snapshot().All() {
		e := c.must(string(doc.Ref))
		delete(e.Metadata(), "uid")
		delete(e.Metadata(), "etag")
		if !isLocationRef(doc.Ref) {
			all[string(doc.Ref)] = strings.ReplaceAll(string(appendCanonical(nil, e)), dir, "")
		}
	}
	return all
}

func TestCanonical_IsTheJSONOfTheValueWithSortedKeys(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := drawValue(rt, 3)
		var got any
		data := appendCanonical(nil, v)
		if err := json.Unmarshal(data, &got); err != nil {
			rt.Fatalf("%s: %v", data, err)
		}
		var want any
		std, err := json.Marshal(v)
		if err != nil {
			rt.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
	for want, v := range map[string]any{
		`{"a":1,"b":[true,null,"<&>\u0001\n"],"c":1e+21,"d":0.1}`: map[string]any{"d": 0.1, "c": 1e21, "b": []any{true, nil, "<&>\x01\n"}, "a": 1.0},
		`[null,null,9007199254740993,-5,"\ufffd"]`:                []any{math.NaN(), math.Inf(1), json.Number("9007199254740993"), int64(-5), "\xff"},
	} {
		if got := string(appendCanonical(nil, v)); got != strings.ReplaceAll(want, `\ufffd`, "\uFFFD") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func drawValue(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.String().Draw(t, "text")
	case 3:
		return rapid.Float64().Draw(t, "number")
	case 4:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range list {
			list[i] = drawValue(t, depth-1)
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "size") {
		m[rapid.String().Draw(t, "key")] = drawValue(t, depth-1)
	}
	return m
}

// An engine that is behind by more than the log holds loads everything.
func TestFollow_ALogThatWasCutIsNoticed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *store.DB) {
		c := newCatalog(t, db, oneFile, map[string]string{"catalog.yaml": component("a") + component("b") + component("c")})
		c.settle()
		behind := &follower{db: c.db, index: c.index, log: c.log, seq: 1}
		if err := c.db.pruneLog(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), execAll("DELETE FROM catalog_final_entities WHERE entity_ref = 'component:default/b'")); err != nil {
			t.Fatal(err)
		}
		if err := behind.catchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.gone("component:default/b")
		c.must("component:default/a")
	})
}

func BenchmarkLoad(b *testing.B) {
	c := newCatalog(b, storetest.SQLite(b), allKinds+oneFile, map[string]string{"catalog.yaml": generatedCatalog(10_000)})
	c.settle()
	for b.Loop() {
		c.open()
		if c.Index().Snapshot().Len() < 10_000 {
			b.Fatal("not loaded")
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "entities/s")
}

// The default configuration of Backstage is a database in memory: reading it must work while it is written.
func TestRun_AnInMemoryDatabaseCanBeReadDuringIngestion(t *testing.T) {
	db, err := store.Open(t.Context(), config.FromYAML("client: better-sqlite3\nconnection: ':memory:'").Root())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := newCatalog(t, db, allKinds+oneFile, map[string]string{"catalog.yaml": generatedCatalog(300)})
	stop := c.running()
	defer stop()
	reads := 0
	eventually(t, func() bool {
		if _, err := c.Locations(t.Context()); err != nil {
			t.Fatalf("read %d: %v", reads, err)
		}
		if texts := c.problemTexts(); len(texts) > 0 {
			t.Fatalf("problems: %v", texts)
		}
		reads++
		return c.Index().Snapshot().Len() == 301
	})
}

// ingestUntilKilled is the body of a process that is killed: see TestLife_AKilledProcessLeavesAConsistentCatalog.
func ingestUntilKilled(dir string) {
	db, err := store.Open(context.Background(), killedDatabase(dir))
	if err != nil {
		panic(err)
	}
	e, err := New(context.Background(), Deps{DB: db, Config: configOf(allKinds+oneFile, dir), URLs: newWeb(nil), Integrations: plainURLs{}, Dir: dir})
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stdout, "running")
	panic(e.Run(context.Background()))
}

func killedDatabase(dir string) *config.Section {
	return config.FromValue(map[string]any{"client": "better-sqlite3", "connection": dir + "/killed.sqlite"}).Root()
}

const killedDir = "CALLBOARD_TEST_KILLED_DIR"

func TestLife_AKilledProcessLeavesAConsistentCatalog(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	c := newCatalog(t, storetest.SQLite(t), "", nil)
	for round := range 12 {
		c.write("catalog.yaml", generatedCatalog(300+20*round))
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedDir+"="+c.dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1))
		time.Sleep(time.Duration(round*20) * time.Millisecond) // where it dies does not matter, only that it differs
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	db, err := store.Open(t.Context(), killedDatabase(c.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c.deps.DB, c.deps.Config, c.deps.Dir = db, configOf(allKinds+oneFile, c.dir), c.dir
	c.open()
	c.clock.Advance(time.Hour)
	c.settle()
	c.cleanUp()
	if got := c.Index().Snapshot().Len(); got != 300+20*11+1 {
		t.Errorf("%d entities", got)
	}
	c.consistent()
}
