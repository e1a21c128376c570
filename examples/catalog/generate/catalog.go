package main

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
)

var kinds = []string{"Domain", "System", "Group", "User", "API", "Resource", "Component"}

// share is how many of 1000 entities are of a kind; the rest are components.
var share = map[string]int{"Domain": 5, "System": 40, "Group": 40, "User": 160, "API": 150, "Resource": 105}

var (
	subjects = strings.Fields("payment order billing search profile invoice catalog shipping pricing session audit report media inventory ledger fraud coupon basket refund notice berth cargo crew route ticket weather")
	roles    = strings.Fields("api service worker gateway store portal batch stream proxy engine")
	words    = strings.Fields("handles stores routes checks and counts the requests of every customer with care and keeps track of what happened between two systems so that a team can find it again when somebody asks")
	tags     = strings.Fields("go java rest python web tier-1 kafka grpc typescript tier-2 gdpr pci legacy rust batch mobile graphql internal experimental kotlin")

	lifecycles     = strings.Fields("production production production experimental deprecated")
	componentTypes = strings.Fields("service service service library website worker")
	resourceTypes  = strings.Fields("database database bucket queue cache topic")
)

// catalog holds the names; documents are made one after another, so that a million of them needs little memory.
type catalog struct {
	n      int
	seed   uint64
	names  map[string][]string
	owners []string // by popularity: the first ones own the most

	owned map[string]int // entities by owner, counted while documents are made
	tags  map[string]int // entities by tag
}

func newCatalog(n int, seed uint64) *catalog {
	c := &catalog{n: n, seed: seed, names: map[string][]string{}}
	random := c.random("names")
	components := n
	for _, kind := range kinds {
		count := max(1, n*share[kind]/1000)
		if kind == "Component" {
			count = components
		}
		components -= count
		for i := range count {
			c.names[kind] = append(c.names[kind], fmt.Sprintf("%s-%s-%s-%d", pick(random, subjects), pick(random, roles), strings.ToLower(kind)[:3], i))
		}
	}
	c.owners = slices.Clone(c.names["Group"])
	random.Shuffle(len(c.owners), func(i, j int) { c.owners[i], c.owners[j] = c.owners[j], c.owners[i] })
	return c
}

// random gives a source that depends on the seed and the purpose alone, so that a change in one part of the catalog
// leaves the others as they were.
func (c *catalog) random(purpose string) *rand.Rand {
	hash := c.seed
	for _, b := range []byte(purpose) {
		hash = (hash ^ uint64(b)) * 0x100000001b3
	}
	return rand.New(rand.NewPCG(c.seed, hash))
}

// document is one entity, ready to be written.
type document struct {
	kind, name, yaml string
}

// documents makes all entities in a fixed order: what is referred to comes first.
func (c *catalog) documents() iter.Seq[document] {
	return func(yield func(document) bool) {
		c.owned, c.tags = map[string]int{}, map[string]int{}
		for _, kind := range kinds {
			w := &writer{catalog: c, random: c.random(kind)}
			w.zipfOwner = rand.NewZipf(w.random, 1.3, 4, uint64(len(c.owners)-1))
			w.zipfTag = rand.NewZipf(w.random, 1.4, 2, uint64(len(tags)-1))
			for i, name := range c.names[kind] {
				if !yield(document{kind, name, w.entity(kind, name, i)}) {
					return
				}
			}
		}
	}
}

// manifest tells a benchmark what to ask for. Counts of owners and tags are those of the documents made last.
func (c *catalog) manifest() any {
	type count struct {
		Name  string `json:"name"`
		Count int    `json:"count"`
	}
	top := func(counts map[string]int, most int) []count {
		list := make([]count, 0, len(counts))
		for name, n := range counts {
			list = append(list, count{name, n})
		}
		slices.SortFunc(list, func(a, b count) int {
			if a.Count != b.Count {
				return b.Count - a.Count
			}
			return strings.Compare(a.Name, b.Name)
		})
		return list[:min(most, len(list))]
	}
	counts, samples := map[string]int{}, map[string][]string{}
	for kind, names := range c.names {
		counts[kind] = len(names)
		step := max(1, len(names)/200)
		for i := 0; i < len(names) && len(samples[kind]) < 200; i += step {
			samples[kind] = append(samples[kind], names[i])
		}
	}
	return struct {
		N       int                 `json:"n"`
		Seed    uint64              `json:"seed"`
		Kinds   map[string]int      `json:"kinds"`
		Owners  []count             `json:"owners"`
		Tags    []count             `json:"tags"`
		Samples map[string][]string `json:"samples"`
	}{c.n, c.seed, counts, top(c.owned, 50), top(c.tags, 50), samples}
}

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }
