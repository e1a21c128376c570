package catalog

import (
	"context"
	"maps"
	"regexp"

	"github.com/callboard/callboard/sdk/entity"
)

// annotateLocation writes where an entity comes from into its annotations. What the entity says itself stays.
type annotateLocation struct{ integrations Integrations }

// commitHash finds a URL that is pinned to a commit: such a file cannot be edited.
var commitHash = regexp.MustCompile(`\b[0-9a-f]{40,}\b`)

func (annotateLocation) Name() string { return "AnnotateLocationEntityProcessor" }

func (a annotateLocation) PreProcess(_ context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	found := map[string]string{
		entity.AnnotationLocation:       p.Location.String(),
		entity.AnnotationOriginLocation: p.Origin.String(),
	}
	if p.Location.Type == urlLocation {
		found[entity.AnnotationViewURL] = p.Location.Target
		if a.integrations != nil {
			a.pages(found, p.Location.Target)
		}
	}
	own := e.Metadata()["annotations"]
	if own != nil && asObject(own) == nil {
		return e, nil // the policies say what is wrong with it
	}
	annotations := map[string]any{}
	for k, v := range found {
		if v != "" {
			annotations[k] = v
		}
	}
	maps.Copy(annotations, asObject(own))
	return withMetadata(e, "annotations", annotations), nil
}

func (a annotateLocation) pages(found map[string]string, target string) {
	if !commitHash.MatchString(target) {
		found[entity.AnnotationEditURL] = a.integrations.EditURL(target)
	}
	if folder := a.integrations.SourceURL(target); folder != "" {
		found[entity.AnnotationSourceLocation] = entity.Location{Type: urlLocation, Target: folder}.String()
	}
}

var _ PreProcessor = annotateLocation{}
