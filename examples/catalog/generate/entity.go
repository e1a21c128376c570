package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// writer makes the documents of one kind. All text comes from word lists without characters that mean something in
// YAML, so nothing has to be quoted.
type writer struct {
	catalog            *catalog
	random             *rand.Rand
	zipfOwner, zipfTag *rand.Zipf
	b                  strings.Builder
}

func (w *writer) entity(kind, name string, i int) string {
	w.b.Reset()
	w.linef(0, "apiVersion: backstage.io/v1alpha1")
	w.linef(0, "kind: %s", kind)
	w.linef(0, "metadata:")
	w.linef(1, "name: %s", name)
	if w.chance(40) {
		parts := strings.Split(name, "-")
		w.linef(1, "title: %s %s %d", strings.ToUpper(parts[0][:1])+parts[0][1:], parts[1], i)
	}
	w.linef(1, "description: %s", w.sentence(6+w.random.IntN(12)))
	switch kind {
	case "Domain":
		w.domain(i)
	case "System":
		w.tagList(2)
		w.spec()
		w.linef(1, "domain: %s", pick(w.random, w.catalog.names["Domain"]))
	case "Group":
		w.group(name, i)
	case "User":
		w.user(name)
	case "API":
		w.api(name)
	case "Resource":
		w.spec()
		w.linef(1, "type: %s", pick(w.random, resourceTypes))
		w.linef(1, "system: %s", pick(w.random, w.catalog.names["System"]))
	case "Component":
		w.component(name, i)
	}
	return w.b.String()
}

func (w *writer) domain(i int) {
	w.spec()
	if i > 2 && w.chance(30) {
		w.linef(1, "subdomainOf: %s", w.catalog.names["Domain"][w.random.IntN(3)])
	}
}

// group builds a tree: the first three are roots, the others hang below earlier ones.
func (w *writer) group(name string, i int) {
	w.linef(0, "spec:")
	kind := "team"
	if i < 3 {
		kind = "department"
	}
	w.linef(1, "type: %s", kind)
	w.linef(1, "profile: { displayName: %s, email: %s@example.com }", strings.ReplaceAll(name, "-", " "), name)
	if i >= 3 {
		w.linef(1, "parent: %s", w.catalog.names["Group"][w.random.IntN(min(i, max(3, i/4)))])
	}
	w.linef(1, "children: []")
}

func (w *writer) user(name string) {
	groups := []string{pick(w.random, w.catalog.names["Group"])}
	if second := pick(w.random, w.catalog.names["Group"]); w.chance(20) && second != groups[0] {
		groups = append(groups, second)
	}
	w.linef(0, "spec:")
	w.linef(1, "profile: { displayName: %s, email: %s@example.com }", strings.ReplaceAll(name, "-", " "), name)
	w.linef(1, "memberOf: [%s]", strings.Join(groups, ", "))
}

func (w *writer) api(name string) {
	w.tagList(3)
	w.spec()
	w.linef(1, "type: openapi")
	w.linef(1, "lifecycle: %s", pick(w.random, lifecycles))
	w.linef(1, "system: %s", pick(w.random, w.catalog.names["System"]))
	w.linef(1, "definition: |")
	w.linef(2, "openapi: 3.0.3")
	w.linef(2, "info: { title: %s, version: 1.%d.0 }", name, w.random.IntN(20))
	w.linef(2, "paths:")
	// Most definitions have a few operations; one in twenty is ten times as long.
	operations := 3 + w.random.IntN(12)
	if w.chance(5) {
		operations *= 10
	}
	for i := range operations {
		subject := pick(w.random, subjects)
		w.linef(3, "/%ss/%d:", subject, i)
		w.linef(4, "get:")
		w.linef(5, "operationId: get%s%d", subject, i)
		w.linef(5, "summary: %s", w.sentence(6))
		w.linef(5, "responses:")
		w.linef(6, "'200':")
		w.linef(7, "description: found")
		w.linef(7, "content:")
		w.linef(8, "application/json:")
		w.linef(9, "schema: { type: object, properties: { id: { type: string }, total: { type: number } } }")
	}
}

func (w *writer) component(name string, i int) {
	w.tagList(4)
	w.linef(1, "labels: { example.com/tier: %s }", pick(w.random, []string{"gold", "silver", "bronze"}))
	w.linef(1, "annotations:")
	w.linef(2, "github.com/project-slug: example/%s", name)
	w.linef(2, "example.com/cost-centre: c%d", 1000+w.random.IntN(200))
	if w.chance(50) {
		w.linef(1, "links: [{ url: https://dash.example.com/%s, title: Dashboard, icon: dashboard }]", name)
	}
	w.spec()
	w.linef(1, "type: %s", pick(w.random, componentTypes))
	w.linef(1, "lifecycle: %s", pick(w.random, lifecycles))
	w.linef(1, "system: %s", pick(w.random, w.catalog.names["System"]))
	w.list("providesApis", w.some(w.catalog.names["API"], 2))
	w.list("consumesApis", w.some(w.catalog.names["API"], 3))
	depends := prefixed("resource:", w.some(w.catalog.names["Resource"], 2))
	if i > 0 {
		depends = append(depends, prefixed("component:", w.some(w.catalog.names["Component"][:i], 2))...)
	}
	w.list("dependsOn", depends)
	if i > 10 && w.chance(8) {
		w.linef(1, "subcomponentOf: %s", w.catalog.names["Component"][w.random.IntN(i)])
	}
}

// spec opens the spec of an owned entity.
func (w *writer) spec() {
	owner := w.catalog.owners[w.zipfOwner.Uint64()]
	w.catalog.owned["group:default/"+owner]++
	w.linef(0, "spec:")
	w.linef(1, "owner: %s", owner)
}

func (w *writer) tagList(most int) {
	var chosen []string
	for range w.random.IntN(most + 1) {
		if tag := tags[w.zipfTag.Uint64()]; !slices.Contains(chosen, tag) {
			chosen = append(chosen, tag)
			w.catalog.tags[tag]++
		}
	}
	w.list("tags", chosen)
}

func (w *writer) list(key string, values []string) {
	if len(values) > 0 {
		w.linef(1, "%s: [%s]", key, strings.Join(values, ", "))
	}
}

func (w *writer) some(list []string, most int) []string {
	var chosen []string
	for range w.random.IntN(most + 1) {
		if one := pick(w.random, list); !slices.Contains(chosen, one) {
			chosen = append(chosen, one)
		}
	}
	return chosen
}

func (w *writer) sentence(length int) string {
	text := make([]string, length)
	for i := range text {
		text[i] = pick(w.random, words)
	}
	return strings.Join(text, " ")
}

func (w *writer) chance(percent int) bool { return w.random.IntN(100) < percent }

func (w *writer) linef(depth int, format string, args ...any) {
	for range depth {
		w.b.WriteString("  ")
	}
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func prefixed(prefix string, names []string) []string {
	refs := make([]string, len(names))
	for i, name := range names {
		refs[i] = prefix + name
	}
	return refs
}
