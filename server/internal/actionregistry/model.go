package actionregistry

import (
	"fmt"
	"slices"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// relation is a kind of relation between entities, in both directions.
type relation struct{ forward, reverse, meaning string }

// relations are those that the catalog writes.
var relations = []relation{
	{"ownedBy", "ownerOf", "who answers for the entity, mostly a group or a user"},
	{"partOf", "hasPart", "what the entity belongs to: a system, a domain, or a larger component"},
	{"dependsOn", "dependencyOf", "what the entity needs in order to work"},
	{"providesApi", "apiProvidedBy", "the APIs that a component offers"},
	{"consumesApi", "apiConsumedBy", "the APIs that a component calls"},
	{"memberOf", "hasMember", "the groups that a user is in"},
	{"childOf", "parentOf", "the group above a group"},
}

// annotations are those with a meaning to the catalog itself.
var annotations = [][2]string{
	{"backstage.io/managed-by-location", "where the entity is kept up to date from"},
	{"backstage.io/managed-by-origin-location", "the location through which it was first found"},
	{"backstage.io/source-location", "where the source that it describes lives"},
	{"backstage.io/orphan", "\"true\" when no location refers to it any more"},
	{"backstage.io/view-url", "where a person can look at its description"},
	{"backstage.io/edit-url", "where a person can edit its description"},
}

const modelIntroduction = `# Catalog model

The catalog holds entities: documents with "apiVersion", "kind", "metadata" and, mostly, "spec". Locations are entities that say where others are read from.

An entity is addressed by its entity ref "kind:namespace/name", such as "component:default/my-service", in lower case. The namespace is "default" unless it says otherwise.

Queries name fields by path, such as "metadata.name" or "spec.type". Relations are asked for by "relations.<type>", such as "relations.ownedBy" with an entity ref as value; prefer that to fields of spec, which may be written in short.

## Metadata

Every kind has "name", "namespace", "title", "description", "labels", "annotations", "tags" and "links". "uid" and "etag" are set by the catalog.

`

// describeModel tells, in Markdown, what kinds of entities there are, with their fields, and how they are related.
func describeModel(registry cataloginfo.Registry) string {
	var b strings.Builder
	b.WriteString(modelIntroduction)
	for _, a := range annotations {
		fmt.Fprintf(&b, "* annotation \"%s\": %s\n", a[0], a[1])
	}
	b.WriteString("\n## Kinds\n")
	for _, kinds := range registry {
		for _, k := range kinds.All() {
			describeKind(&b, k)
		}
	}
	b.WriteString("\n## Relations\n\n")
	for _, r := range relations {
		fmt.Fprintf(&b, "* \"%s\" (in the other direction \"%s\"): %s\n", r.forward, r.reverse, r.meaning)
	}
	return b.String()
}

func describeKind(b *strings.Builder, k cataloginfo.Kind) {
	fmt.Fprintf(b, "\n### %s\n\n", k.Name)
	schema, err := zod.Decode(k.Schema)
	if err != nil {
		return // a kind whose schema does not read is not in force
	}
	if text, ok := member(schema, "description").(string); ok {
		b.WriteString(text + "\n\n")
	}
	fmt.Fprintf(b, "* apiVersion: \"%s\"\n", strings.Join(k.APIVersions, `" or "`))
	spec := specOf(schema)
	required, _ := member(spec, "required").([]any)
	names, fields, _ := zod.Members(member(spec, "properties"))
	for _, name := range names {
		fmt.Fprintf(b, "* spec.%s", name)
		if slices.Contains(required, any(name)) {
			b.WriteString(" (required)")
		}
		if text, ok := member(fields[name], "description").(string); ok {
			b.WriteString(": " + text)
		}
		b.WriteString("\n")
	}
}

// specOf is the schema of "spec": at the top, or in one of the parts that make up the kind.
func specOf(schema any) any {
	if spec := member(member(schema, "properties"), "spec"); spec != nil {
		return spec
	}
	parts, _ := member(schema, "allOf").([]any)
	for _, part := range parts {
		if spec := specOf(part); spec != nil {
			return spec
		}
	}
	return nil
}

func member(v any, name string) any {
	_, members, _ := zod.Members(v)
	return members[name]
}
