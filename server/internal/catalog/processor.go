package catalog

import (
	"context"

	"github.com/callboard/callboard/sdk/entity"
)

// Processor takes part in the processing of entities. It implements one or more of the stages below; the engine looks
// for them once, at start.
//
// Laws for every stage: called from several goroutines at once, for different entities; the entity passed in may be
// changed only by a stage that returns it; ctx ends when the engine stops or the stage's time is over; an error fails
// this entity alone, named "Processor <Name> threw an error while …". A panic is such an error. Results must depend only
// on the entity and on what the processor reads, since an unchanged result is not written again. A processor that cannot
// do its part for reasons that are not the entity's answers with an [UnavailableError]. It may say more about itself as a
// [DeclaringProcessor]. Package catalogtest holds these laws as a suite.
type Processor interface {
	// Name identifies the processor in catalog.processorOptions and in errors. Unique.
	Name() string
}

// PreProcessor changes an entity before it is validated. Returning the same entity is fine.
type PreProcessor interface {
	Processor
	PreProcess(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error)
}

// KindValidator recognises kinds. It returns (true, nil) for an entity that is its own and valid, (false, nil) for one of
// a kind it does not know, and an error for one of its kinds that is wrong.
type KindValidator interface {
	Processor
	ValidateKind(ctx context.Context, e entity.Entity) (bool, error)
}

// LocationReader reads the targets of Location entities. The first reader that returns true has handled it, with
// whatever it emitted; false passes the location on.
type LocationReader interface {
	Processor
	ReadLocation(ctx context.Context, p *Processing, loc LocationTarget) (bool, error)
}

// PostProcessor sees an entity that is complete and valid, to emit relations and further entities.
type PostProcessor interface {
	Processor
	PostProcess(ctx context.Context, p *Processing, e entity.Entity) (entity.Entity, error)
}

// LocationTarget is one target of a Location entity, made absolute.
type LocationTarget struct {
	Type, Target string
	Optional     bool // presence: optional; nothing found is not an error
}
