package insight

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Assignment is a rule of the operator: charges whose dimension names an entity of one of the kinds are that entity's.
type Assignment struct {
	Dimension ledger.Dimension
	// Kinds in lower case, in the order in which a name is looked for.
	Kinds []string
}

// Directory is what the catalog says about costs: who claims which charges, and what consists of what. It is made once and
// read by many goroutines.
type Directory struct {
	assignments []Assignment
	claims      map[string]*Claim // by ref
	claimants   []string          // refs, by precedence
	entities    map[string]bool   // refs that exist
	consists    map[string][]string
	owns        map[string][]string
	subgroups   map[string][]string
	owners      map[string][]string
	titles      map[string]string

	// Problems are the annotations that cannot be read, by ref.
	Problems map[string]string
}

// DirectoryFields are the members of entities that a directory is made of.
var DirectoryFields = []string{"kind", "metadata.name", "metadata.namespace", "metadata.title", "metadata.annotations", "relations"}

// NewDirectory reads entities. An annotation that cannot be read counts as none, and is a problem.
func NewDirectory(assignments []Assignment, entities []sdk.Entity) *Directory {
	d := &Directory{
		assignments: assignments, claims: map[string]*Claim{}, entities: map[string]bool{}, consists: map[string][]string{},
		owns: map[string][]string{}, subgroups: map[string][]string{}, owners: map[string][]string{}, titles: map[string]string{},
		Problems: map[string]string{},
	}
	for _, e := range entities {
		d.add(e)
	}
	d.claimants = slices.SortedFunc(maps.Keys(d.claims), func(a, b string) int {
		return cmp.Or(cmp.Compare(d.claims[b].weight, d.claims[a].weight), cmp.Compare(a, b))
	})
	d.bound()
	return d
}

// mostClaimed bounds what all claims are made of together, so that those of a few do not break the allocation for all.
const mostClaimed = 25_000

// bound lets go of the claims that are too many, the least precise first.
func (d *Directory) bound() {
	total := 0
	d.claimants = slices.DeleteFunc(d.claimants, func(ref string) bool {
		n := size(d.claims[ref].Filter)
		if total+n <= mostClaimed {
			total += n
			return false
		}
		d.Problems[ref] = fmt.Sprintf("annotation %s: the annotations of all entities together have more than %d terms and values", d.claims[ref].Annotation, mostClaimed)
		delete(d.claims, ref)
		return true
	})
}

// size counts terms, values and alternatives, as the ledger does.
func size(f ledger.Filter) int {
	n := 0
	for _, t := range f.All {
		n += 1 + len(t.Values)
	}
	for _, alternative := range f.Any {
		n += 1 + size(alternative)
	}
	return n
}

func (d *Directory) add(e sdk.Entity) {
	ref := e.Ref().String()
	d.entities[ref] = true
	if title, ok := e.Metadata()["title"].(string); ok {
		d.titles[ref] = title
	}
	switch claim, err := ClaimOf(e); {
	case err != nil:
		d.Problems[ref] = rpcerror.Message(err)
	case claim != nil:
		d.claims[ref] = claim
	}
	for _, r := range relations(e) {
		switch r.Type {
		case "partOf":
			d.consists[r.TargetRef] = append(d.consists[r.TargetRef], ref)
		case "ownedBy":
			d.owns[r.TargetRef] = append(d.owns[r.TargetRef], ref)
			d.owners[ref] = append(d.owners[ref], r.TargetRef)
		case "childOf":
			d.subgroups[r.TargetRef] = append(d.subgroups[r.TargetRef], ref)
		}
	}
}

// relations are those of an entity as the catalog serves it.
func relations(e sdk.Entity) []relation {
	list, _ := e["relations"].([]any)
	var out []relation
	for _, v := range list {
		members, _ := v.(map[string]any)
		kind, _ := members["type"].(string)
		target, _ := members["targetRef"].(string)
		if kind != "" && target != "" {
			out = append(out, relation{kind, strings.ToLower(target)})
		}
	}
	return out
}

type relation struct{ Type, TargetRef string }

// Has reports whether there is such an entity.
func (d *Directory) Has(ref string) bool { return d.entities[ref] }

// Claim is what an entity claims; nil = nothing.
func (d *Directory) Claim(ref string) *Claim { return d.claims[ref] }

// Assignments are the dimensions that name entities, the first one first.
func (d *Directory) Assignments() []ledger.Dimension {
	out := []ledger.Dimension{}
	for _, a := range d.assignments {
		out = append(out, a.Dimension)
	}
	return out
}

// Title is what people call an entity; "" when it has no title.
func (d *Directory) Title(ref string) string { return d.titles[ref] }

// Owners are the groups and users that own an entity; a group is its own.
func (d *Directory) Owners(ref string) []string {
	if kindOf(ref) == "group" || kindOf(ref) == "user" {
		return []string{ref}
	}
	return d.owners[ref]
}

// Parts are the entities whose charges make up those of an entity, itself first: for a domain or system all that is part
// of it, for a group what it and its child groups own, for a user what the user owns. Others are themselves alone.
func (d *Directory) Parts(ref string) []string {
	switch kindOf(ref) {
	case "domain", "system":
		return closure(ref, d.consists)
	case "group", "user":
		out := closure(ref, d.subgroups)
		seen := setOf(out)
		for _, group := range out { // without what is added below
			for _, owned := range d.owns[group] {
				if !seen[owned] {
					seen[owned] = true
					out = append(out, owned)
				}
			}
		}
		return out
	}
	return []string{ref}
}

func setOf(refs []string) map[string]bool {
	set := make(map[string]bool, len(refs))
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

// closure is what can be reached from a ref, which comes first; circles do no harm.
func closure(ref string, edges map[string][]string) []string {
	seen := map[string]bool{ref: true}
	out := []string{ref}
	for i := 0; i < len(out); i++ {
		for _, next := range edges[out[i]] {
			if !seen[next] {
				seen[next] = true
				out = append(out, next)
			}
		}
	}
	return out
}

func kindOf(ref string) string {
	kind, _, _ := strings.Cut(ref, ":")
	return kind
}

// named is the entity that a value of a dimension names: by name in the default namespace, "namespace/name", or a whole
// ref; "" = none. Case does not matter, as in the catalog.
//
// Refs of the catalog are in lower case, and so are those of a directory.
func (d *Directory) named(a Assignment, value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	kind, rest, whole := strings.Cut(value, ":")
	if !whole {
		rest = value
	}
	if !strings.Contains(rest, "/") {
		rest = "default/" + rest
	}
	for _, k := range a.Kinds {
		if ref := k + ":" + rest; (!whole || kind == k) && d.entities[ref] {
			return ref
		}
	}
	return ""
}
