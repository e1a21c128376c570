package catalog

import (
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// The location types with readers of our own.
const (
	fileLocation = "file"
	urlLocation  = "url"
)

// entityLocations reads the two annotations that say where e was read and which root brought it there.
func entityLocations(e entity.Entity) (own, origin entity.Location, err error) {
	if own, err = annotatedLocation(e, entity.AnnotationLocation); err != nil {
		return own, origin, err
	}
	origin, err = annotatedLocation(e, entity.AnnotationOriginLocation)
	return own, origin, err
}

func annotatedLocation(e entity.Entity, annotation string) (entity.Location, error) {
	said := asObject(e.Metadata()["annotations"])[annotation]
	ref, ok := said.(string)
	if !ok && !falsy(said) {
		return entity.Location{}, notText(said)
	}
	if ref == "" {
		return entity.Location{}, apierror.Inputf("Entity '%s' does not have the annotation %s", e.Ref(), annotation)
	}
	return entity.ParseLocation(ref)
}

// notText names the value and its type as JavaScript does.
func notText(v any) error {
	typ := "object"
	switch v.(type) {
	case bool:
		typ = "boolean"
	case float64, json.Number:
		typ = "number"
	}
	return apierror.TypeErrorf("Unable to parse location ref '%s', unexpected argument %s", coerced(v), typ)
}

// coerced is what JavaScript makes of a value where a text is asked for.
func coerced(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "[object Object]"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = coerced(item)
		}
		return strings.Join(items, ",")
	case nil:
		return ""
	case string:
		return v
	}
	return string(appendCanonical(nil, v))
}

// locationEntityRef is the ref of the Location entity that stands for a configured or registered location.
func locationEntityRef(l entity.Location) string {
	return entity.Ref{Kind: "Location", Name: locationEntityName(l)}.String()
}

func locationEntityName(l entity.Location) string { return "generated-" + hashOf([]byte(l.String())) }

// locationEntity is the root entity of a location. name is kept when a registered location is pointed elsewhere.
func locationEntity(l entity.Location, name, presence string) entity.Entity {
	spec := map[string]any{"type": l.Type, "target": l.Target}
	if presence != "" {
		spec["presence"] = presence
	}
	return entity.Entity{
		"apiVersion": "backstage.io/v1alpha1",
		"kind":       "Location",
		"metadata": map[string]any{
			"name": name,
			"annotations": map[string]any{
				entity.AnnotationLocation:       l.String(),
				entity.AnnotationOriginLocation: l.String(),
			},
		},
		"spec": spec,
	}
}
