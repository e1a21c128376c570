package cataloginfo

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

//go:embed schema/*.json
var schemaFiles embed.FS

// The processors of the reference that know kinds. Their names appear in error texts and in catalog.processorOptions.
const (
	BuiltinKindsProcessor = "BuiltinKindsEntityProcessor"
	TemplateProcessor     = "ScaffolderEntitiesProcessor"
)

// Kind is one kind of entity and its JSON Schema (draft 7, the keywords of entity kinds; see [NewKinds]).
type Kind struct {
	Name        string
	APIVersions []string
	Schema      []byte
}

// Kinds are the kinds that one processor answers for, in the order in which they are tried. Immutable.
type Kinds struct {
	processor string
	kinds     []Kind
	schemas   []*schema
}

// NewKinds compiles the schemas of a processor's kinds. A schema has an $id of its own, restricts /kind and /apiVersion by
// enum (that is how an entity of another kind is told from a broken one), and may refer to "Entity", "EntityMeta" and the
// other schemas given. A keyword that is not supported is an error.
func NewKinds(processor string, schemas ...[]byte) (*Kinds, error) {
	set, err := baseSchemas()
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(schemas))
	for i, data := range schemas {
		if ids[i], err = set.add(data); err != nil {
			return nil, fmt.Errorf("kind schema %d of %s: %w", i+1, processor, err)
		}
	}
	k := &Kinds{processor: processor}
	for i, id := range ids {
		s, err := set.compile(id)
		if err != nil {
			return nil, fmt.Errorf("kind schema %s of %s: %w", id, processor, err)
		}
		k.schemas = append(k.schemas, s)
		k.kinds = append(k.kinds, describeKind(set.documents[id], schemas[i])) //nolint:gosec // one id per schema
	}
	return k, nil
}

// BuiltinKinds are the eight kinds of the catalog itself.
func BuiltinKinds() *Kinds {
	return mustKinds(BuiltinKindsProcessor, "API", "Component", "Resource", "Group", "Location", "User", "System", "Domain")
}

// TemplateKinds is the scaffolder's Template.
func TemplateKinds() *Kinds { return mustKinds(TemplateProcessor, "Template") }

// Processor is the name that errors give.
func (k *Kinds) Processor() string { return k.processor }

// All lists the kinds with their schemas.
func (k *Kinds) All() []Kind { return k.kinds }

// Validate asks each kind in turn. It returns true for an entity that one of them accepts, false when none is concerned,
// and a TypeError with the first violation when the entity is of one of the kinds but wrong.
//
// A kind is not concerned when what it has against /kind and /apiVersion is only that the value is not in its list.
func (k *Kinds) Validate(e entity.Entity) (claimed bool, err error) {
	for i, s := range k.schemas {
		if k.kinds[i].excludes(e) {
			continue
		}
		violations := s.validate(map[string]any(e))
		if len(violations) == 0 {
			return true, nil
		}
		if !foreign(violations) {
			return false, apierror.New(apierror.TypeErr, violations[0].String())
		}
	}
	return false, nil
}

// excludes is a short cut for what [foreign] would find: the schema names its kinds, and e is plainly of another.
func (k Kind) excludes(e entity.Entity) bool {
	return k.Name != "" && e.Kind() != "" && e.APIVersion() != "" && !slices.Contains(strings.Split(k.Name, ","), e.Kind())
}

// violations is like Validate, but returns everything that is wrong; ok tells whether a kind was concerned.
func (k *Kinds) violations(e entity.Entity) (all []violation, concerned bool) {
	for _, s := range k.schemas {
		v := s.validate(map[string]any(e))
		if len(v) == 0 || !foreign(v) {
			return v, true
		}
	}
	return nil, false
}

func foreign(violations []violation) bool {
	found := false
	for _, v := range violations {
		if v.path == "/kind" || v.path == "/apiVersion" {
			if v.keyword != "enum" {
				return false
			}
			found = true
		}
	}
	return found
}

// Registry is what a catalog knows of kinds: every processor's, in order. Extend it with append.
type Registry []*Kinds

// DefaultRegistry is what the reference starts with.
func DefaultRegistry() Registry { return Registry{BuiltinKinds(), TemplateKinds()} }

// Validate asks every processor, as the reference does: one error is enough to refuse the entity, one acceptance enough
// to take it. Errors are InputErrors and name the processor and the entity.
func (r Registry) Validate(e entity.Entity) error {
	claimed := false
	for _, k := range r {
		mine, err := k.Validate(e)
		if err != nil {
			return apierror.Wrap(apierror.Input, fmt.Sprintf(
				"Processor %s threw an error while validating the entity %s", k.processor, e.Ref()), err)
		}
		claimed = claimed || mine
	}
	if !claimed {
		return apierror.Inputf("No processor recognized the entity %s as valid, possibly caused by a foreign kind or apiVersion", e.Ref())
	}
	return nil
}

func mustKinds(processor string, names ...string) *Kinds {
	schemas := make([][]byte, len(names))
	for i, name := range names {
		schemas[i] = schemaFile(name)
	}
	k, err := NewKinds(processor, schemas...)
	if err != nil {
		panic(err)
	}
	return k
}

func baseSchemas() (*schemaSet, error) {
	set := newSchemaSet()
	for _, name := range []string{"EntityEnvelope", "EntityMeta", "Entity"} {
		if _, err := set.add(schemaFile(name)); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// schemaFile is an embedded schema; a missing one is a mistake in this package.
func schemaFile(name string) []byte {
	data, err := schemaFiles.ReadFile("schema/" + name + ".json")
	if err != nil {
		panic(err)
	}
	return data
}

// describeKind finds the names that the schema's enums allow, wherever in its allOf they stand.
func describeKind(doc *object, data []byte) Kind {
	k := Kind{Schema: data}
	parts := []any{doc}
	if list, ok := doc.values["allOf"].([]any); ok {
		parts = append(parts, list...)
	}
	for _, part := range parts {
		o, _ := part.(*object)
		if names := enumOf(o, "kind"); len(names) > 0 {
			k.Name = strings.Join(names, ",")
		}
		k.APIVersions = append(k.APIVersions, enumOf(o, "apiVersion")...)
	}
	return k
}

func enumOf(o *object, property string) []string {
	for _, key := range []string{"properties", property} {
		if o == nil {
			return nil
		}
		o, _ = o.values[key].(*object)
	}
	if o == nil {
		return nil
	}
	list, _ := o.values["enum"].([]any)
	names := make([]string, 0, len(list))
	for _, x := range list {
		names = append(names, scriptText(x))
	}
	return names
}
