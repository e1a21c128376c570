package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// Extension is what a source outside the catalog, such as a plugin, adds to it while it runs. Names are unique in the
// whole catalog and stable over restarts: a provider's name owns its entities, a processor's name owns what is known
// about it.
type Extension struct {
	Providers  []EntityProvider
	Processors []Processor
	// Annotations of entities that the source reads, for people who describe something new; see [Engine.Annotations].
	Annotations []string
}

// Extend adds what source has, before Run or at any time during it, and replaces what the same source brought before:
// providers and processors that it no longer has are forgotten as by [Engine.Retract]. New ones are connected at once
// when the engine runs, else when it starts. Entities that a new processor sees, or one whose version is another than the
// last known, are processed again. A name that is taken is a ConflictError, and nothing changes then.
//
// What [catalog.processorOptions] and [catalog.providerOptions] disable is not extended.
func (e *Engine) Extend(ctx context.Context, source string, x Extension) error {
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	next := e.extended.enabled(source, x)
	if err := e.checkNames(next); err != nil {
		return err
	}
	before := e.extended.bySource[source]
	e.extended.bySource[source] = next
	e.pipeline.Store(e.composed())
	if err := e.reconcile(ctx, next); err != nil {
		e.extended.restore(source, before)
		e.pipeline.Store(e.composed())
		return fmt.Errorf("extend the catalog by %s: %w", source, err)
	}
	before.stop()
	if e.extended.start != nil {
		e.extended.start(next)
	}
	e.wake()
	return nil
}

// Retract ends what source brought: its providers and processors are told to end and waited for. With forget it is gone
// for good: its providers' entities are removed (unless catalog.orphanProviderStrategy is keep), and entities that its
// processors saw are processed without them. Without, everything stays as it is until the source comes back, as when a
// plugin is stopped: entities keep what its processors made of them.
func (e *Engine) Retract(ctx context.Context, source string, forget bool) error {
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	e.extended.bySource[source].stop()
	delete(e.extended.bySource, source)
	if !forget {
		e.pipeline.Store(e.composed())
		return nil
	}
	if err := e.forget(ctx, source); err != nil {
		return fmt.Errorf("remove what %s brought to the catalog: %w", source, err)
	}
	return nil
}

// Installed tells which sources there are, running or not. What others left behind, while the host was down or before, is
// forgotten as by [Engine.Retract]. Sources that extend the engine at present count as installed.
func (e *Engine) Installed(ctx context.Context, sources []string) error {
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	there := map[string]bool{}
	for _, s := range sources {
		there[s] = true
	}
	for s := range e.extended.bySource {
		there[s] = true
	}
	for _, s := range e.extended.known.sources() {
		if there[s] {
			continue
		}
		if err := e.forget(ctx, s); err != nil {
			return fmt.Errorf("remove what %s left in the catalog: %w", s, err)
		}
	}
	return nil
}

// extensions is who extends the engine, and what is known of those who did. All of it is guarded by lock.
type extensions struct {
	held     chan struct{} // a lock that gives up with a context: an extension that ends may be waiting for it
	section  *config.Section
	bySource map[string]*extension
	known    known
	// start connects an extension; nil while the engine does not run.
	start func(*extension)
}

func newExtensions(ctx context.Context, db database, section *config.Section) (*extensions, error) {
	k, err := db.known(ctx)
	if err != nil {
		return nil, err
	}
	return &extensions{held: make(chan struct{}, 1), section: section, bySource: map[string]*extension{}, known: k}, nil
}

func (x *extensions) lock(ctx context.Context) error {
	select {
	case x.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *extensions) unlock() { <-x.held }

func (x *extensions) restore(source string, before *extension) {
	if before == nil {
		delete(x.bySource, source)
		return
	}
	x.bySource[source] = before
}

// enabled is an extension without what the configuration disables.
func (x *extensions) enabled(source string, all Extension) *extension {
	next := &extension{source: source}
	next.Annotations = slices.Clone(all.Annotations)
	next.Providers = enabledProviders(x.section, slices.Clone(all.Providers))
	for _, p := range all.Processors {
		if !option(x.section, "processorOptions", p.Name()).Bool("disabled", false) {
			next.Processors = append(next.Processors, p)
		}
	}
	return next
}

// inOrder lists the extensions by source: the order in which they came must not matter.
func (x *extensions) inOrder() []*extension {
	all := make([]*extension, 0, len(x.bySource))
	for _, source := range slices.Sorted(maps.Keys(x.bySource)) {
		all = append(all, x.bySource[source])
	}
	return all
}

// extension is one source's part, and the goroutines that run for it.
type extension struct {
	Extension
	source string

	cancel      context.CancelFunc // nil = never started
	running     sync.WaitGroup
	connections []*connection
}

// stop ends an extension and waits for it. What it applies afterwards is refused.
func (x *extension) stop() {
	if x == nil || x.cancel == nil {
		return
	}
	x.cancel()
	for _, c := range x.connections {
		c.retire()
	}
	x.running.Wait()
}

// checkNames refuses names that somebody else has.
func (e *Engine) checkNames(next *extension) error {
	providers, processors := map[string]string{}, map[string]string{}
	for _, p := range e.providers {
		providers[p.Name()] = "the catalog itself"
	}
	for _, p := range e.base.processors {
		processors[p.Name()] = "the catalog itself"
	}
	for source, x := range e.extended.bySource {
		if source != next.source {
			x.claim(providers, processors)
		}
	}
	for _, p := range next.Providers {
		if owner, taken := providers[p.Name()]; taken {
			return apierror.Conflictf("%s cannot add the entity provider %q: %s has one of that name", next.source, p.Name(), owner)
		}
		providers[p.Name()] = next.source
	}
	for _, p := range next.Processors {
		if owner, taken := processors[p.Name()]; taken {
			return apierror.Conflictf("%s cannot add the processor %q: %s has one of that name", next.source, p.Name(), owner)
		}
		processors[p.Name()] = next.source
	}
	return nil
}

func (x *extension) claim(providers, processors map[string]string) {
	for _, p := range x.Providers {
		providers[p.Name()] = x.source
	}
	for _, p := range x.Processors {
		processors[p.Name()] = x.source
	}
}

// startExtensions connects what is there, and everything that comes until ctx ends.
func (e *Engine) startExtensions(ctx context.Context) error {
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	e.extended.start = func(x *extension) { e.startExtension(ctx, x) }
	for _, x := range e.extended.inOrder() {
		x.stop() // a start that is repeated
		e.extended.start(x)
	}
	return nil
}

// stopExtensions waits for everything that runs for extensions; the engine's context has ended.
func (e *Engine) stopExtensions() {
	if e.extended.lock(context.Background()) != nil {
		return
	}
	defer e.extended.unlock()
	e.extended.start = nil
	for _, x := range e.extended.bySource {
		x.stop()
	}
}

func (e *Engine) startExtension(ctx context.Context, x *extension) {
	ctx, x.cancel = context.WithCancel(ctx)
	x.connections = nil
	for _, p := range x.Providers {
		c := newConnection(e, p.Name())
		x.connections = append(x.connections, c)
		if err := p.Connect(ctx, c); err != nil {
			e.trouble("provider "+p.Name(), fmt.Errorf("connect: %w", err))
			continue
		}
		e.trouble("provider "+p.Name(), nil)
		if r, ok := p.(RunningProvider); ok && e.enabled {
			x.running.Go(func() { r.Run(ctx) })
		}
	}
	for _, p := range x.Processors {
		if r, ok := p.(RunningProcessor); ok && e.enabled {
			x.running.Go(func() { r.Run(ctx, processorConnection{e, x}) })
		}
	}
}
