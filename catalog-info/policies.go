package cataloginfo

import (
	"maps"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// The two schemas are constants of the program: compiled once, read-only ever after.
var (
	envelopeSchema = sync.OnceValue(func() *schema { return mustBase("EntityEnvelope") })
	entitySchema   = sync.OnceValue(func() *schema { return mustBase("Entity") })
)

func mustBase(id string) *schema {
	set, err := baseSchemas()
	if err != nil {
		panic(err)
	}
	s, err := set.compile(id)
	if err != nil {
		panic(err)
	}
	return s
}

// ValidateEnvelope checks the little that makes a document an entity at all: apiVersion, kind and metadata.name. It is
// a TypeError in the reference.
func ValidateEnvelope(e entity.Entity) error { return firstViolation(envelopeSchema(), e) }

// ValidateEntity checks the schema that every entity obeys. It is a TypeError in the reference.
func ValidateEntity(e entity.Entity) error { return firstViolation(entitySchema(), e) }

func firstViolation(s *schema, e entity.Entity) error {
	if v := s.validate(map[string]any(e)); len(v) > 0 {
		return apierror.New(apierror.TypeErr, v[0].String())
	}
	return nil
}

// Policies applies the entity policies in the reference's order: schema, default namespace, no foreign root fields,
// field formats. The result has metadata.namespace filled in; e itself is not changed. The error is an Error, to be
// wrapped as [PolicyError] does.
func Policies(e entity.Entity) (entity.Entity, error) {
	if v := entitySchema().validate(map[string]any(e)); len(v) > 0 {
		return nil, apierror.New(apierror.Generic, "Malformed envelope, "+v[0].where()+" "+v[0].message)
	}
	e = withNamespace(e)
	for _, field := range sortedKeys(e) {
		if !inputField(field) {
			return nil, apierror.New(apierror.Generic, "Unknown field "+field)
		}
	}
	if err := entity.CheckFields(e); err != nil {
		return nil, err
	}
	return e, nil
}

// PolicyError is how the pipeline reports an error of [Policies].
func PolicyError(e entity.Entity, err error) error {
	return apierror.Wrap(apierror.Input, "Policy check failed for "+e.Ref().String(), err)
}

// Check runs the stages that need nothing but the entity, with the errors that validate-entity answers: the envelope's
// TypeError as it is, everything after it as an InputError. The result is the entity as the policies leave it.
func (r Registry) Check(e entity.Entity) (entity.Entity, error) {
	if err := ValidateEnvelope(e); err != nil {
		return nil, err
	}
	out, err := Policies(e)
	if err != nil {
		return nil, PolicyError(e, err)
	}
	return out, r.Validate(out)
}

// inputField reports whether a root field may be written by hand; relations and status are the catalog's.
func inputField(name string) bool {
	switch name {
	case "apiVersion", "kind", "metadata", "spec":
		return true
	}
	return false
}

// withNamespace copies only what it changes.
func withNamespace(e entity.Entity) entity.Entity {
	meta := e.Metadata()
	if ns, _ := meta["namespace"].(string); ns != "" {
		return e
	}
	out := make(entity.Entity, len(e))
	maps.Copy(out, e)
	filled := make(map[string]any, len(meta)+1)
	maps.Copy(filled, meta)
	filled["namespace"] = entity.DefaultNamespace
	out["metadata"] = filled
	return out
}
