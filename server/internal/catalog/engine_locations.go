package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Location is one location registered by the API.
type Location struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Target    string `json:"target"`
	EntityRef string `json:"entityRef"`
}

// LocationSpec is what a caller registers. Presence is "", "required" or "optional".
type LocationSpec struct {
	Type     string `json:"type"`
	Target   string `json:"target"`
	Presence string `json:"presence,omitempty"`
}

// OnConflict says what registering a known location does.
type OnConflict string

// The conflict strategies. The empty one is catalog.defaultLocationConflictStrategy.
const (
	RejectConflict    OnConflict = "reject"
	RefreshOnConflict OnConflict = "refresh"
)

// Locations lists the registered locations in the order of their ids. Configured locations are not among them.
func (e *Engine) Locations(ctx context.Context) ([]Location, error) {
	rows, err := e.db.locations(ctx, "", 0)
	list := make([]Location, len(rows))
	for i, r := range rows {
		list[i] = r.Location
	}
	return list, err
}

// Location is the location with that id. NotFoundError "Found no location with ID <id>".
func (e *Engine) Location(ctx context.Context, id string) (Location, error) {
	row, err := e.db.location(ctx, e.db.db.Read(), id)
	return row.Location, err
}

// LocationByEntity is the registered location that the entity originates from. NotFoundError when there is no such
// entity ("found no entity for ref <ref>") or its origin is not registered ("Found no location with type …").
func (e *Engine) LocationByEntity(ctx context.Context, ref entity.Ref) (Location, error) {
	origin, found, err := e.db.originOf(ctx, ref.String())
	switch {
	case err != nil:
		return Location{}, err
	case !found:
		return Location{}, apierror.NotFoundf("found no entity for ref %s", ref)
	case origin == "":
		return Location{}, apierror.NotFoundf("found no origin annotation for ref %s", ref)
	}
	l, err := entity.ParseLocation(origin)
	if err != nil {
		return Location{}, err
	}
	row, found, err := locationAt(ctx, e.db.db.Read(), l)
	if err == nil && !found {
		err = apierror.NotFoundf("Found no location with type %s and target %s", l.Type, l.Target)
	}
	return row.Location, err
}

// CreateLocation registers a location; nothing is read, its entities come by processing. InputError for a type that is
// not allowed, ConflictError "Location <type>:<target> already exists", NotAllowedError in read-only mode.
func (e *Engine) CreateLocation(ctx context.Context, spec LocationSpec, onConflict OnConflict) (Location, error) {
	if err := e.checkWritable(); err != nil {
		return Location{}, err
	}
	if err := e.checkLocation(spec); err != nil {
		return Location{}, err
	}
	if onConflict == "" {
		onConflict = e.onConflict
	}
	row, existed, err := e.db.addLocation(ctx, spec)
	if err != nil {
		return Location{}, err
	}
	if existed && onConflict != RefreshOnConflict {
		return Location{}, alreadyExists(spec)
	}
	err = e.registered().ApplyMutation(ctx, Mutation{Added: []DeferredEntity{row.deferred()}})
	if err == nil && existed {
		err = e.db.refresh(ctx, []string{row.EntityRef})
		e.wake()
	}
	return row.Location, err
}

// registered is the connection of the location store.
func (e *Engine) registered() *connection { return newConnection(e, storeProviderName) }

func (e *Engine) checkWritable() error {
	if e.readonly {
		return apierror.NotAllowedf("This operation not allowed in readonly mode")
	}
	return nil
}

func (e *Engine) checkLocation(spec LocationSpec) error {
	if !slices.Contains(e.pipeline.Load().allowedTypes, spec.Type) {
		return notAllowedType(e.pipeline.Load().allowedTypes)
	}
	if spec.Target != strings.TrimSpace(spec.Target) || len(spec.Target) > maxTarget {
		return apierror.Inputf("The target of a location must have at most %d characters and no space around it", maxTarget)
	}
	if err := checkStorable(strings.ToValidUTF8(spec.Target[:min(len(spec.Target), 500)], "")); err != nil {
		return apierror.Inputf("The target of a location must not hold NUL characters")
	}
	if _, err := entity.ParseLocation(spec.location().String()); err != nil {
		return apierror.New(apierror.Input, messageOf(err))
	}
	return nil
}

// maxTarget is longer than any URL that servers accept.
const maxTarget = 8192

// DryRun is the answer to registering a location without doing so.
type DryRun struct {
	Exists   bool            `json:"exists"`
	Location Location        `json:"location"`
	Entities []entity.Entity `json:"entities"` // the Location entity first
}

// Limits of a dry run: it is done while the caller waits.
const maxDryRunEntities = 1000

// DryRunLocation reads and processes everything below spec and writes nothing. The first entity that fails is an
// InputError with all its messages.
func (e *Engine) DryRunLocation(ctx context.Context, spec LocationSpec) (DryRun, error) {
	if err := e.checkLocation(spec); err != nil {
		return DryRun{}, err
	}
	l := spec.location()
	_, exists, err := locationAt(ctx, e.db.db.Read(), l)
	if err != nil {
		return DryRun{}, err
	}
	run := DryRun{Exists: exists, Location: Location{l.String(), l.Type, l.Target, locationEntityRef(l)}}
	seen := map[entity.Canonical]bool{}
	for todo := []entity.Entity{locationEntity(l, locationEntityName(l), "")}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		out := e.pipeline.Load().run(ctx, next, &processorCache{}, true, nil)
		if ctx.Err() != nil {
			return DryRun{}, ctx.Err()
		}
		if !out.ok {
			return DryRun{}, apierror.New(apierror.Input, joinFailures(out.failures))
		}
		if seen[out.Ref] {
			return DryRun{}, apierror.Inputf("Duplicate nested entity: %s", out.Ref)
		}
		seen[out.Ref] = true
		run.Entities = append(run.Entities, out.completed)
		for _, c := range out.children {
			todo = append(todo, c.entity)
		}
		if len(run.Entities)+len(todo) > maxDryRunEntities {
			return DryRun{}, apierror.Inputf("The location brings more than %d entities, too many for a dry run", maxDryRunEntities)
		}
	}
	return run, nil
}

func joinFailures(failures []failure) string {
	list := make([]string, len(failures))
	for i, f := range failures {
		list[i] = apierror.Describe(f.err)
	}
	return strings.Join(list, ", ")
}

// UpdateLocation points a registered location at something else; its entity ref stays.
func (e *Engine) UpdateLocation(ctx context.Context, id string, spec LocationSpec) (Location, error) {
	if err := e.checkWritable(); err != nil {
		return Location{}, err
	}
	if err := e.checkLocation(spec); err != nil {
		return Location{}, err
	}
	row, err := e.db.moveLocation(ctx, id, spec)
	if err != nil {
		return Location{}, err
	}
	if err := e.registered().ApplyMutation(ctx, Mutation{Added: []DeferredEntity{row.deferred()}}); err != nil {
		return Location{}, err
	}
	return row.Location, e.follower.catchUp(ctx)
}

// DeleteLocation removes a registered location and every entity that only it brought; they are gone when it returns.
// NotFoundError for an unknown id.
func (e *Engine) DeleteLocation(ctx context.Context, id string) error {
	if err := e.checkWritable(); err != nil {
		return err
	}
	row, err := e.db.removeLocation(ctx, id)
	if err != nil {
		return err
	}
	if err := e.registered().ApplyMutation(ctx, Mutation{Removed: []entity.Canonical{entity.Canonical(row.EntityRef)}}); err != nil {
		return err
	}
	return e.follower.catchUp(ctx)
}
