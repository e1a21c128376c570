package catalog

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// generatedCatalog is one multi-document file with n entities that look like those of a real company: components,
// APIs with a definition of about 5 KB, resources, systems, groups and users.
func generatedCatalog(n int) string {
	var b strings.Builder
	definition := "openapi: 3.0.3\ninfo: { title: Orders, version: 1.0.0 }\npaths:\n" + strings.Repeat("  /orders:\n    get: { summary: lists what was ordered, responses: { '200': { description: ok } } }\n", 50)
	group := func(i int) string { return fmt.Sprintf("group-%d", i%max(n/25, 1)) }
	for i := range n {
		kind, spec := "Component", fmt.Sprintf("type: service\n  lifecycle: production\n  owner: %s\n  system: system-%d\n  providesApis: [api-%d]\n  consumesApis: [api-%d]\n  dependsOn: ['resource:resource-%d']",
			group(i), i%max(n/25, 1), i%max(n/7, 1), (i+1)%max(n/7, 1), i%max(n/10, 1))
		switch i % 20 {
		case 0:
			kind, spec = "Group", "type: team\n  children: []\n  parent: "+group(i/2)
		case 1:
			kind, spec = "System", "owner: "+group(i)+"\n  domain: main"
		case 2, 3, 4:
			kind, spec = "User", "memberOf: ["+group(i)+"]\n  profile: { displayName: Somebody, email: somebody@example.com }"
		case 5, 6, 7:
			kind, spec = "API", "type: openapi\n  lifecycle: production\n  owner: "+group(i)+"\n  definition: |\n    "+strings.ReplaceAll(strings.TrimSpace(definition), "\n", "\n    ")
		case 8, 9:
			kind, spec = "Resource", "type: database\n  owner: "+group(i)
		}
		name := map[string]string{"Group": "group", "System": "system", "User": "user", "API": "api", "Resource": "resource", "Component": "component"}[kind]
		fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata:\n  name: %s-%d\n  description: Handles what customers ask for, and keeps records of it for as long as they may be needed\n  tags: [go, tier-%d]\n  annotations:\n    github.com/project-slug: example/service-%d\nspec:\n  %s\n",
			kind, name, i, i%4, i, spec)
	}
	return b.String()
}

const allKinds = "  rules: [{ allow: [Component, API, Resource, System, Domain, Group, User, Location] }]\n"

// BenchmarkIngest reads a generated file into an empty database until every entity is visible.
func BenchmarkIngest(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *store.DB{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			const n = 10_000
			text := generatedCatalog(n)
			before := cpuSeconds(b)
			for b.Loop() {
				b.StopTimer()
				c := newCatalog(b, open(b), allKinds+oneFile, map[string]string{"catalog.yaml": text})
				b.StartTimer()
				c.settle()
				if got := c.Index().Snapshot().Len(); got != n+1 {
					b.Fatalf("%d entities are visible, not %d: %v", got, n+1, c.problemTexts()[:1])
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entities/s")
			b.ReportMetric(float64(n)*float64(b.N)/(cpuSeconds(b)-before), "entities/cpu-s")
		})
	}
}

// cpuSeconds is what this process has used of all cores: on a busy machine it says more than the clock.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}
