package caps

import (
	"errors"
	"fmt"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
)

// stated is the error that the plugin states for the entity, nil = none.
func stated(r *pluginv1.ProcessResult) error {
	for _, d := range r.GetDiagnostics() {
		if d.GetSeverity() != pluginv1.Diagnostic_SEVERITY_ERROR {
			continue
		}
		text := excerpt.Short(d.GetSummary())
		if d.GetPath() != "" {
			text = excerpt.Short(d.GetPath()) + ": " + text
		}
		if d.GetDetail() != "" {
			text += "; " + excerpt.Short(d.GetDetail())
		}
		return apierror.New(apierror.Input, text)
	}
	return nil
}

// apply takes over what a stage has answered, after all of it was found good.
func (p *EntityProcessor) apply(run *catalog.Processing, e entity.Entity, r *pluginv1.ProcessResult) (entity.Entity, error) {
	a, err := p.readAnswer(e, r, p.declared.Load().client.limits)
	if err != nil {
		return nil, &OutputError{Plugin: p.plugin, Call: "ProcessEntities " + p.name, Rule: err.Error() + " for " + string(run.Ref)}
	}
	for _, child := range a.emitted {
		run.Emit(child.location, child.entity, 0)
	}
	for _, rel := range a.relations {
		if err := run.Relation(rel.source, rel.typ, rel.target); err != nil {
			return nil, err
		}
	}
	for _, key := range r.GetRefreshKeys() {
		run.RefreshKey(key)
	}
	for _, d := range r.GetDiagnostics() {
		run.Note(apierror.New(apierror.Generic, excerpt.Short(d.GetSummary())))
	}
	return a.entity, nil
}

type answer struct {
	entity    entity.Entity
	emitted   []child
	relations []relation
}

type child struct {
	entity   entity.Entity
	location entity.Location
}

type relation struct {
	source, target entity.Ref
	typ            string
}

func (p *EntityProcessor) readAnswer(e entity.Entity, r *pluginv1.ProcessResult, l Limits) (answer, error) {
	a := answer{entity: e}
	for what, n := range map[string]int{"entities": len(r.GetEmittedEntities()), "relations": len(r.GetRelations()), "refresh keys": len(r.GetRefreshKeys())} {
		if n > l.Emitted {
			return a, fmt.Errorf("%d %s, at most %d are allowed", n, what, l.Emitted)
		}
	}
	if len(r.GetEntityJson()) > 0 {
		next, err := readEntity(r.GetEntityJson(), l)
		if err != nil {
			return a, err
		}
		if err := sameThing(e, next); err != nil {
			return a, err
		}
		a.entity = next
	}
	for _, doc := range r.GetEmittedEntities() {
		emitted, err := readEntity(doc.GetJson(), l)
		if err != nil {
			return a, err
		}
		a.emitted = append(a.emitted, child{emitted, p.childLocation(doc.GetLocationKey())})
	}
	for _, rel := range r.GetRelations() {
		source, err := readRef(rel.GetSourceRef())
		if err != nil {
			return a, err
		}
		target, err := readRef(rel.GetTargetRef())
		if err != nil {
			return a, err
		}
		if rel.GetType() == "" || len(rel.GetType()) > 100 {
			return a, fmt.Errorf("a relation of type %q", excerpt.Short(rel.GetType()))
		}
		a.relations = append(a.relations, relation{source, target, rel.GetType()})
	}
	return a, nil
}

// childLocation is where an emitted entity is said to come from: a URL that the plugin names, else the plugin.
func (p *EntityProcessor) childLocation(key string) entity.Location {
	own := source(p.plugin, p.name)
	if l, err := entity.ParseLocation(key); err == nil && l.Type == "url" && len(key) <= 2000 {
		return l
	}
	return own
}

// sameThing refuses a changed entity that is another one, or that would have the host read something else.
func sameThing(before, after entity.Entity) error {
	if before.Ref().Canonical() != after.Ref().Canonical() || before.Kind() != after.Kind() {
		return fmt.Errorf("another entity, %s, in its place", excerpt.Short(after.Ref().String()))
	}
	for _, key := range []string{entity.AnnotationLocation, entity.AnnotationOriginLocation} {
		if before.Annotation(key) != after.Annotation(key) {
			return fmt.Errorf("another annotation %s", key)
		}
	}
	if before.Kind() == "Location" && normal(before.Spec()) != normal(after.Spec()) {
		return errors.New("another spec of a Location")
	}
	return nil
}

// normal is a value as it is after a trip through JSON, so that 1 equals json.Number("1").
func normal(spec map[string]any) string {
	data, err := writeEntity(spec)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
