package catalog

import (
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
	text, typ := string(appendCanonical(nil, v)), "object"
	switch v.(type) {
	case map[string]any:
		text = "[object Object]"
	case []any:
		text = strings.NewReplacer("[", "", "]", "", `"`, "").Replace(text)
	case bool:
		typ = "boolean"
	default:
		typ = "number"
	}
	return apierror.TypeErrorf("Unable to parse location ref '%s', unexpected argument %s", text, typ)
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
