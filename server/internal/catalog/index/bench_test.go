package index

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
)

var million = flag.Bool("million", false, "run the benchmarks at one million entities as well")

func sizes() []int {
	if *million {
		return []int{10_000, 100_000, 1_000_000}
	}
	return []int{10_000, 100_000}
}

// generated is a believable component of about 1.5 KB: shared and unique values in the proportions of real catalogs.
func generated(i int, r *rand.Rand) *Doc {
	uid := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.Uint32N(1<<16), r.Uint32N(1<<12), r.Uint32N(1<<12), i)
	kind := "Component"
	if i%5 == 0 {
		kind = "API"
	} else if i%17 == 0 {
		kind = "System"
	}
	name := fmt.Sprintf("svc-%07d", (i*7919)%10_000_019)
	owner := fmt.Sprintf("team-%03d", r.IntN(500))
	e := map[string]any{
		"apiVersion": "backstage.io/v1alpha1", "kind": kind,
		"metadata": map[string]any{
			"name": name, "namespace": "default", "uid": uid, "etag": fmt.Sprintf("%040x", i),
			"title": "Service " + name, "description": "Handles the " + name + " part of the business and everything that belongs to it. " + strings.Repeat("More words. ", 6),
			"tags":   []any{fmt.Sprintf("tag-%03d", r.IntN(300)), fmt.Sprintf("tag-%03d", r.IntN(300))},
			"labels": map[string]any{"tier": fmt.Sprint(r.IntN(4)), "region": fmt.Sprintf("eu-%d", r.IntN(9))},
			"annotations": map[string]any{
				"backstage.io/managed-by-location":        "url:https://git.example.com/org/" + name + "/blob/main/catalog-info.yaml",
				"backstage.io/managed-by-origin-location": "url:https://git.example.com/org/index.yaml",
				"backstage.io/source-location":            "url:https://git.example.com/org/" + name + "/",
			},
			"links": []any{map[string]any{"url": "https://dash.example.com/" + name, "title": "Dashboard"}},
		},
		"spec": map[string]any{
			"type": []string{"service", "website", "library"}[r.IntN(3)], "lifecycle": []string{"production", "experimental"}[r.IntN(2)],
			"owner": owner, "system": fmt.Sprintf("system-%04d", r.IntN(2000)),
		},
		"relations": []any{
			map[string]any{"type": "ownedBy", "targetRef": "group:default/" + owner},
			map[string]any{"type": "partOf", "targetRef": fmt.Sprintf("system:default/system-%04d", r.IntN(2000))},
		},
	}
	data, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return &Doc{UID: uid, Ref: entity.Canonical(strings.ToLower(kind) + ":default/" + name), JSON: data}
}

func generatedChanges(n int) []Change {
	r := rand.New(rand.NewPCG(1, 2))
	changes := make([]Change, n)
	for i := range changes {
		d := generated(i, r)
		changes[i] = Change{Seq: int64(i + 1), UID: d.UID, Doc: d}
	}
	return changes
}

func loaded(b *testing.B, n int) (*Index, []Change) {
	b.Helper()
	changes := generatedChanges(n)
	ix := New()
	if err := ix.Apply(changes); err != nil {
		b.Fatal(err)
	}
	return ix, changes
}

// cpuTime reports the processor time of the whole process per operation, which other load does not distort.
func cpuTime(b *testing.B) func() {
	used := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

func atSizes(b *testing.B, f func(b *testing.B, n int)) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) { f(b, n) })
	}
}

func BenchmarkRowsOf(b *testing.B) {
	d := generatedChanges(1)[0].Doc
	f := newFlattener()
	b.SetBytes(int64(len(d.JSON)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.rows(d.JSON); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		changes := generatedChanges(n)
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if err := New().Apply(changes); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The memory beside the documents' own bytes, as the collector sees it.
func BenchmarkMemory(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		changes := generatedChanges(n)
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		for b.Loop() {
			before := heap()
			ix := New()
			if err := ix.Apply(changes); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(heap()-before)/float64(n), "B/entity")
			ix.Snapshot().Query(Query{Order: &Order{Key: "metadata.name"}, Limit: 1})
			b.ReportMetric(float64(heap()-before)/float64(n), "B/entity-with-order")
			runtime.KeepAlive(ix)
		}
	})
}

func BenchmarkApplyOfThousandChanges(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		ix, changes := loaded(b, n)
		ix.Snapshot().Query(Query{Order: &Order{Key: "metadata.name"}, Limit: 1})
		r := rand.New(rand.NewPCG(3, 4))
		batches := make([][]Change, 16)
		for j := range batches {
			batch := make([]Change, 1000)
			for i := range batch {
				c := changes[r.IntN(n)]
				text := strings.Replace(string(c.Doc.JSON), `"lifecycle":"`, fmt.Sprintf(`"lifecycle":"x%d`, r.IntN(3)), 1)
				batch[i] = Change{UID: c.UID, Doc: &Doc{UID: c.UID, Ref: c.Doc.Ref, JSON: []byte(text)}}
			}
			batches[j] = batch
		}
		b.ReportAllocs()
		defer cpuTime(b)()
		for i := 0; b.Loop(); i++ {
			if err := ix.Apply(batches[i%len(batches)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkApplyOfThousandAddedAndRemoved(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		ix, _ := loaded(b, n)
		fresh := generatedChanges(n + 1000)[n:]
		gone := make([]Change, len(fresh))
		for i := range fresh {
			gone[i] = Change{UID: fresh[i].UID}
		}
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if err := ix.Apply(fresh); err != nil {
				b.Fatal(err)
			}
			if err := ix.Apply(gone); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkQuery(b *testing.B) {
	byName := &Order{Key: "metadata.name"}
	for name, q := range map[string]Query{
		"byKind":       {Filter: In("kind", "component"), Order: byName},
		"threeFilters": {Filter: All(In("kind", "component"), In("spec.type", "service"), In("spec.lifecycle", "production")), Order: byName, From: &Position{Value: "svc-5000000"}},
		"selective":    {Filter: All(In("relations.ownedBy", "group:default/team-007"), HasPrefix("metadata.tags", "tag-0")), Order: byName},
		"ownedBy":      {Filter: In("relations.ownedBy", "group:default/team-007"), Order: byName},
		"unordered":    {},
		"text":         {Text: Text{Term: "0042", Keys: []string{"metadata.name", "metadata.title"}}, Order: byName},
	} {
		b.Run(name, func(b *testing.B) {
			atSizes(b, func(b *testing.B, n int) {
				ix, _ := loaded(b, n)
				q.Limit = 21
				s := ix.Snapshot()
				b.ReportAllocs()
				defer cpuTime(b)()
				for b.Loop() {
					if page := s.Query(q); page.Total == 0 {
						b.Fatal("nothing found")
					}
				}
			})
		})
	}
}

func BenchmarkFacetsOfThreeKeysWithTwoFilters(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		ix, _ := loaded(b, n)
		s := ix.Snapshot()
		f := All(In("kind", "component"), In("spec.lifecycle", "production"))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if len(s.Facets(f, []string{"spec.type", "relations.ownedBy", "metadata.tags"})[1]) == 0 {
				b.Fatal("no values")
			}
		}
	})
}

func BenchmarkByRef(b *testing.B) {
	atSizes(b, func(b *testing.B, n int) {
		ix, changes := loaded(b, n)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i = (i + 7919) % n
			if ix.Snapshot().ByRef(changes[i].Doc.Ref) == nil {
				b.Fatal("not found")
			}
		}
	})
}
