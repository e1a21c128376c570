package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
)

// Declaration is what a processor says about itself, so that the engine leaves alone what it does not concern.
type Declaration struct {
	// Version is compared with the last known one: when it is another, the entities that the processor sees are processed
	// again.
	Version string
	// Kinds, in lower case, are those that the processor sees, in every stage; none = all. What becomes of these entities
	// depends on more than their own documents: they are processed every catalog.processingInterval.
	Kinds []string
	// Unknown: the processor does not know yet, because it has not been reached. What was known last counts until it
	// says [ProcessorConnection.Changed].
	Unknown bool
}

// DeclaringProcessor tells more about itself than a name. Declare must not block; it is asked when the processor is
// added and after each Changed. Other processors are taken to see every kind.
type DeclaringProcessor interface {
	Processor
	Declare() Declaration
}

// RunningProcessor is a processor of an [Extension] with work of its own. The engine calls Run on a goroutine that it
// owns, once for each time that the processor is added, and waits for it after ctx has ended.
type RunningProcessor interface {
	Processor
	Run(ctx context.Context, conn ProcessorConnection)
}

// ProcessorConnection is a processor's way to say that its results are other than before. Safe for concurrent use.
type ProcessorConnection interface {
	// Changed has the engine ask the processor for its declaration again. Entities that it sees now, or saw before, are
	// processed again when the version or the kinds have changed.
	Changed(ctx context.Context) error
	// Reprocess schedules entities for processing now; refs of entities that do not exist are ignored.
	Reprocess(ctx context.Context, refs []entity.Canonical) error
}

// UnavailableError is a processor's answer that it cannot do its part at present: a service that it asks is down. It
// says nothing about the entity. The engine's policy, so that nobody's outage withholds entities:
//
//   - an entity whose document has not changed, and that reads nothing, keeps what is stored of it, as it is;
//   - any other goes on without the processor; a kind that nobody else recognises stays as it was, with an error;
//   - the entity is due again after catalog.processingInterval at the latest, and a processor that recovers schedules it
//     earlier by [ProcessorConnection.Reprocess].
//
// A stage that answers so must leave the entity as it was passed in. What stops the processor as a whole is kept among
// the catalog's problems until it works again; what concerns one entity alone is a problem of that entity.
type UnavailableError struct {
	Err   error
	Alone bool // the processor can do its part for other entities
}

// Unavailable is an [UnavailableError] for err.
func Unavailable(err error) error { return &UnavailableError{Err: err} }

func (e *UnavailableError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// participant is one processor of a pipeline.
type participant struct {
	Processor
	declared Declaration
	kinds    map[string]bool // nil = all
	foreign  bool            // not one of this package: its results depend on more than the entity
}

func newParticipant(p Processor, d Declaration) participant {
	m := participant{Processor: p, declared: d, foreign: true}
	if len(d.Kinds) > 0 {
		m.kinds = map[string]bool{}
		for _, k := range d.Kinds {
			m.kinds[strings.ToLower(k)] = true
		}
	}
	return m
}

func declarationOf(p Processor) Declaration {
	if d, ok := p.(DeclaringProcessor); ok {
		return d.Declare()
	}
	return Declaration{}
}

func (m participant) sees(kind string) bool { return m.kinds == nil || m.kinds[kind] }

// foreign reports whether entities of the kind depend on processors outside this package.
func (pl *pipeline) foreign(kind string) bool {
	return slices.ContainsFunc(pl.processors, func(m participant) bool { return m.foreign && m.sees(kind) })
}

// kindOf is the kind of a canonical ref.
func kindOf(ref entity.Canonical) string {
	kind, _, _ := strings.Cut(string(ref), ":")
	return kind
}

// composed is the pipeline of the built-in processors, the extensions', and of stand-ins for processors that are known
// but not there.
func (e *Engine) composed() *pipeline {
	pl := *e.base
	members := slices.Clone(e.base.processors)
	there := map[string]bool{}
	for _, x := range e.extended.inOrder() {
		for _, key := range x.Annotations {
			pl.annotations = append(pl.annotations, ReadAnnotation{key, x.source})
		}
		for _, p := range x.Processors {
			there[p.Name()] = true
			members = append(members, newParticipant(p, e.extended.known.declaration(p)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.extended.known.processors)) {
		if k := e.extended.known.processors[name]; !there[name] {
			members = append(members, newParticipant(absent{name, k.Source}, k.declaration()))
		}
	}
	pl.processors = orderProcessors(e.extended.section, members)
	return &pl
}

// ReadAnnotation is the key of an annotation, and the source that reads it.
type ReadAnnotation struct{ Key, Source string }

// Annotations are what extensions read of entities at present, by source.
func (e *Engine) Annotations() []ReadAnnotation { return e.pipeline.Load().annotations }

// absent stands for a processor whose source is installed but does not extend the engine at present.
type absent struct{ name, source string }

func (a absent) Name() string { return a.name }

func (a absent) unavailable() error {
	return Unavailable(fmt.Errorf("processor %s of %s is not there", a.name, a.source))
}

func (a absent) PreProcess(_ context.Context, _ *Processing, _ entity.Entity) (entity.Entity, error) {
	return nil, a.unavailable()
}

func (a absent) ValidateKind(context.Context, entity.Entity) (bool, error) {
	return false, a.unavailable()
}

// reportUnavailable keeps among the problems which processors cannot do their part.
func (e *Engine) reportUnavailable(pl *pipeline, ref entity.Canonical, unavailable map[string]*UnavailableError) {
	for name, err := range unavailable {
		if !err.Alone {
			e.trouble("processor "+name, err)
		}
	}
	if !e.troubled() {
		return
	}
	for _, m := range pl.processors {
		if u := unavailable[m.Name()]; m.foreign && m.sees(kindOf(ref)) && (u == nil || u.Alone) {
			e.trouble("processor "+m.Name(), nil)
		}
	}
}

// processorConnection is one extension's [ProcessorConnection].
type processorConnection struct {
	engine *Engine
	of     *extension
}

func (c processorConnection) Changed(ctx context.Context) error {
	e := c.engine
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	if e.extended.bySource[c.of.source] != c.of {
		return nil
	}
	e.pipeline.Store(e.composed())
	if err := e.reconcile(ctx, c.of); err != nil {
		return fmt.Errorf("take what %s declares: %w", c.of.source, err)
	}
	e.wake()
	return nil
}

func (c processorConnection) Reprocess(ctx context.Context, refs []entity.Canonical) error {
	if len(refs) == 0 {
		return nil
	}
	if err := c.engine.db.reprocess(ctx, c.engine.now().UnixMilli(), refs); err != nil {
		return fmt.Errorf("schedule entities for %s: %w", c.of.source, err)
	}
	c.engine.wake()
	return nil
}

var (
	_ PreProcessor  = absent{}
	_ KindValidator = absent{}
)
