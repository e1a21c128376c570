package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// pipeline runs entities through the stages, in the reference's order. It is stateless and safe for concurrent use.
type pipeline struct {
	processors   []participant
	integrations Integrations
	rules        rules
	allowedTypes []string // of locations that a Location of another type may name
	annotations  []ReadAnnotation
}

// outcome is what processing made of one entity.
type outcome struct {
	*Processing
	ok bool
	// skipped: everything read is unchanged since the last good round, so there is nothing else in here.
	skipped   bool
	completed entity.Entity
}

// run processes one entity. e is changed; the caller gives it away. ancestors are the entities above it.
func (pl *pipeline) run(ctx context.Context, e entity.Entity, cache *processorCache, fresh bool, ancestors []entity.Canonical) outcome {
	if fresh || e.Kind() != "Location" || pl.foreign("location") {
		return pl.attempt(ctx, e, cache, true, ancestors)
	}
	out := pl.attempt(ctx, e.Clone(), cache, false, ancestors)
	if out.unchanged == 0 {
		return out
	}
	if out.ok && out.changed == 0 && len(out.refreshKeys) == 0 && len(out.children) == 0 {
		out.skipped = true
		return out
	}
	cache.after = nil
	return pl.attempt(ctx, e, cache, true, ancestors)
}

func (pl *pipeline) attempt(ctx context.Context, e entity.Entity, cache *processorCache, fresh bool, ancestors []entity.Canonical) (out outcome) {
	p := &Processing{cache: cache, fresh: fresh, ancestors: ancestors, refreshKeys: map[string]struct{}{}, emitted: map[entity.Canonical]int{}}
	out.Processing = p
	defer func() {
		if r := recover(); r != nil {
			out.ok = false
			p.Error(apierror.Newf(apierror.Generic, "Processor %s panicked: %v", p.processor, r))
		}
	}()
	completed, err := pl.stages(ctx, p, e)
	var placed *placedError
	switch {
	case errors.As(err, &placed):
		p.fail(placed.error, placed.line)
	case err != nil:
		p.Error(err)
	}
	out.completed, out.ok = completed, len(p.failures) == 0
	return out
}

func (pl *pipeline) stages(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	if err := cataloginfo.ValidateEnvelope(e); err != nil {
		return nil, apierror.Wrap(apierror.Input, "Entity envelope failed validation before processing", err)
	}
	p.Ref = e.Ref().Canonical()
	p.kind = kindOf(p.Ref)
	var err error
	if p.Location, p.Origin, err = entityLocations(e); err != nil {
		return nil, err
	}
	if e, err = pl.preProcess(ctx, p, e); err != nil {
		return nil, err
	}
	if e, err = pl.policies(e); err != nil {
		return nil, err
	}
	if err := pl.validate(ctx, p, e); err != nil {
		return nil, err
	}
	if e.Kind() == "Location" {
		if err := pl.readTargets(ctx, p, e); err != nil {
			return nil, err
		}
	}
	if e, err = pl.postProcess(ctx, p, e); err != nil {
		return nil, err
	}
	return e, pl.enforceRules(p)
}

func (pl *pipeline) preProcess(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	for _, proc := range pl.processors {
		stage, ok := proc.Processor.(PreProcessor)
		if !ok || !proc.sees(p.kind) {
			continue
		}
		p.processor = proc.Name()
		next, err := stage.PreProcess(ctx, p, e)
		switch {
		case p.withheld(err):
			continue
		case err != nil:
			return nil, apierror.Wrap(apierror.Input, fmt.Sprintf("Processor %s threw an error while preprocessing", proc.Name()), err)
		}
		e = next
	}
	return e, nil
}

func (pl *pipeline) policies(e entity.Entity) (entity.Entity, error) {
	ref := e.Ref()
	e, err := cataloginfo.Policies(e)
	if err != nil {
		return nil, apierror.Wrap(apierror.Input, "Policy check failed for "+ref.String(), err)
	}
	return e, nil
}

func (pl *pipeline) validate(ctx context.Context, p *Processing, e entity.Entity) error {
	if e.Ref().Canonical() != p.Ref {
		return apierror.Conflictf("Fatal: The entity kind, namespace, or name changed during processing")
	}
	if err := cataloginfo.ValidateEntity(e); err != nil {
		return apierror.Wrap(apierror.Conflict, fmt.Sprintf("Entity envelope for %s failed validation after preprocessing", p.Ref), err)
	}
	claimed := false
	for _, proc := range pl.processors {
		stage, ok := proc.Processor.(KindValidator)
		if !ok || !proc.sees(p.kind) {
			continue
		}
		p.processor = proc.Name()
		mine, err := stage.ValidateKind(ctx, e)
		switch {
		case p.withheld(err):
			continue
		case err != nil:
			return apierror.Wrap(apierror.Input, fmt.Sprintf("Processor %s threw an error while validating the entity %s", proc.Name(), p.Ref), err)
		}
		claimed = claimed || mine
	}
	if !claimed && len(p.unavailable) > 0 {
		return apierror.Inputf("No processor recognized the entity %s as valid; %s, and may know its kind", p.Ref, p.missing())
	}
	if !claimed {
		return apierror.Inputf("No processor recognized the entity %s as valid, possibly caused by a foreign kind or apiVersion", p.Ref)
	}
	return nil
}

// readTargets reads what a Location entity names. Problems of one target are collected; a reader that breaks ends it.
func (pl *pipeline) readTargets(ctx context.Context, p *Processing, e entity.Entity) error {
	p.reads = true
	if len(p.ancestors) >= maxLocationDepth {
		return apierror.Inputf("Locations are nested more than %d levels deep", maxLocationDepth)
	}
	spec := e.Spec()
	typ, ok := spec["type"].(string)
	if !ok {
		typ = p.Location.Type
	}
	if typ != p.Location.Type && !slices.Contains(pl.allowedTypes, typ) {
		p.Error(notAllowedType(pl.allowedTypes))
		return nil
	}
	presence, _ := spec["presence"].(string)
	for _, target := range locationTargets(spec) {
		if typ == fileLocation && strings.HasSuffix(target, string(filepath.Separator)) {
			p.Error(apierror.Inputf("LocationEntityProcessor cannot handle %s type location with target %s that ends with a path separator", typ, p.Location.Target))
			continue
		}
		loc := LocationTarget{Type: typ, Target: pl.absoluteTarget(p.Location, typ, target), Optional: presence == "optional"}
		if err := pl.readTarget(ctx, p, loc); err != nil {
			return err
		}
	}
	return nil
}

func locationTargets(spec map[string]any) []string {
	var targets []string
	if t, _ := spec["target"].(string); t != "" {
		targets = append(targets, t)
	}
	list, _ := spec["targets"].([]any)
	for _, t := range list {
		if t, ok := t.(string); ok {
			targets = append(targets, t)
		}
	}
	return targets
}

func (pl *pipeline) readTarget(ctx context.Context, p *Processing, loc LocationTarget) error {
	for _, proc := range pl.processors {
		stage, ok := proc.Processor.(LocationReader)
		if !ok {
			continue
		}
		p.processor = proc.Name()
		before := p.unchanged
		handled, err := stage.ReadLocation(ctx, p, loc)
		if err != nil {
			return apierror.Wrap(apierror.Input, fmt.Sprintf("Processor %s threw an error while reading %s:%s", proc.Name(), loc.Type, loc.Target), err)
		}
		if handled {
			if p.unchanged == before {
				p.changed++
			}
			return nil
		}
	}
	return apierror.Inputf("No processor was able to handle reading of %s:%s", loc.Type, loc.Target)
}

func (pl *pipeline) absoluteTarget(base entity.Location, typ, target string) string {
	if base.Type != typ {
		return target
	}
	switch {
	case typ == fileLocation && strings.HasPrefix(target, "."):
		return filepath.Join(filepath.Dir(base.Target), target)
	case typ == urlLocation && pl.integrations != nil:
		if resolved, err := pl.integrations.ResolveURL(target, base.Target); err == nil {
			return resolved
		}
	}
	return target
}

func (pl *pipeline) postProcess(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error) {
	for _, proc := range pl.processors {
		stage, ok := proc.Processor.(PostProcessor)
		if !ok || !proc.sees(p.kind) {
			continue
		}
		p.processor = proc.Name()
		next, err := stage.PostProcess(ctx, p, e)
		switch {
		case p.withheld(err):
			continue
		case err != nil:
			return nil, apierror.Wrap(apierror.Input, fmt.Sprintf("Processor %s threw an error while postprocessing", proc.Name()), err)
		}
		e = next
	}
	return e, nil
}

// enforceRules checks every emitted entity against the rules of the root that led here: one that is not allowed fails
// its parent as a whole.
func (pl *pipeline) enforceRules(p *Processing) error {
	for _, c := range p.children {
		if pl.rules.allow(c.entity, p.Origin) {
			continue
		}
		err := apierror.NotAllowedf("Entity %s at %s, originated at %s, is not of an allowed kind for that location", c.ref, p.Location, p.Origin)
		return &placedError{err, c.line}
	}
	return nil
}

// placedError carries the line that an error is about to where failures are recorded.
type placedError struct {
	error
	line int
}

func notAllowedType(allowed []string) error {
	list, _ := json.Marshal(allowed)
	return apierror.Inputf("Registered locations must be of an allowed type %s", list)
}

func asObject(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func asInt(v any) (int, error) {
	switch v := v.(type) {
	case json.Number:
		return strconv.Atoi(v.String())
	case int64:
		return int(v), nil
	case float64:
		return int(v), nil
	}
	return 0, errors.New("not a number")
}
