package caps

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// EntityProcessor is a processor of a plugin as the catalog sees it. The catalog hands it one entity at a time, on many
// goroutines; what waits at the same moment goes to the plugin as one batch for each stage: at most 100 entities (fewer
// while they take it too long) and 200 KiB, collected for at most 2 ms.
//
// When the plugin cannot do its part (it is down, hangs, breaks, or answers against the rules), the outage withholds
// nothing:
//
//   - an entity that is word for word one that the plugin has answered before gets that answer again, from a bounded
//     memory;
//   - any other is left to the catalog's policy for an [catalog.UnavailableError]: what is stored stays when the document
//     has not changed, else the entity goes on as it is; a kind that only this plugin validates keeps its stored state;
//   - every entity that was passed over in an outage is scheduled as soon as the plugin answers again. After an outage it
//     is left alone for a second, then for longer; then one entity tries.
//
// An error that the plugin states for an entity is no outage: it fails that entity, and no other of its batch. A batch
// that breaks as a whole is halved until it is known which entity breaks it: that one goes on without the plugin.
//
// A plugin may change what it likes of an entity but its identity, where it was read, and the targets of a Location:
// else it could have the host read files in its place.
type EntityProcessor struct {
	plugin  manifest.ID
	name    string
	source  Source
	options ProcessorOptions
	log     *slog.Logger
	stages  map[pluginv1.ProcessorStage]*batcher
	last    *lastAnswers

	declared atomic.Pointer[declared]
	// silent is until when the plugin is left alone after it has not answered, in Unix nanoseconds.
	silent atomic.Int64

	mu      sync.Mutex
	outages int                           // in a row
	passed  map[entity.Canonical]struct{} // entities to be scheduled when the plugin answers again
}

// ProcessorOptions are a processor's own.
type ProcessorOptions struct {
	Logger *slog.Logger // nil = slog.Default()
	// Poll is how often it is looked whether the plugin has come up or was replaced; 0 = 1 s.
	Poll time.Duration
	// Remember bounds the memory of earlier answers, in bytes; 0 = 8 MiB.
	Remember int
}

// declared is what the plugin says about the processor.
type declared struct {
	client  *Client
	version string
	kinds   []string
	stages  []pluginv1.ProcessorStage
}

const (
	batchItems = 100
	batchBytes = 200 << 10
	batchWait  = 2 * time.Millisecond
	// passedLimit bounds how many entities are scheduled at once after an outage; the rest comes in its own time.
	passedLimit = 50_000
)

// Processor makes the proxy of one processor of a plugin.
func Processor(plugin manifest.ID, name string, s Source, o ProcessorOptions) *EntityProcessor {
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Remember = cmp.Or(o.Remember, 8<<20)
	p := &EntityProcessor{
		plugin: plugin, name: name, source: s, options: o, last: newLastAnswers(o.Remember), passed: map[entity.Canonical]struct{}{},
		log: cmp.Or(o.Logger, slog.Default()).With("plugin", string(plugin), "processor", name),
	}
	p.stages = map[pluginv1.ProcessorStage]*batcher{}
	for _, stage := range []pluginv1.ProcessorStage{preProcess, validate, postProcess} {
		p.stages[stage] = &batcher{call: func(ctx context.Context, items []*pluginv1.ProcessItem) []verdict {
			return p.call(ctx, stage, items)
		}}
	}
	return p
}

const (
	preProcess  = pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS
	validate    = pluginv1.ProcessorStage_PROCESSOR_STAGE_VALIDATE
	postProcess = pluginv1.ProcessorStage_PROCESSOR_STAGE_POST_PROCESS
)

// Name implements [catalog.Processor]: "plugin:<id>/<name>", also the key in catalog.processorOptions.
func (p *EntityProcessor) Name() string { return qualified(p.plugin, p.name) }

// Declare implements [catalog.DeclaringProcessor]. Before the plugin has been reached it knows nothing.
func (p *EntityProcessor) Declare() catalog.Declaration {
	d := p.declared.Load()
	if d == nil {
		return catalog.Declaration{Unknown: true}
	}
	return catalog.Declaration{Version: d.version, Kinds: d.kinds}
}

// PreProcess implements [catalog.PreProcessor].
func (p *EntityProcessor) PreProcess(ctx context.Context, run *catalog.Processing, e entity.Entity) (entity.Entity, error) {
	return p.change(ctx, preProcess, run, e)
}

// PostProcess implements [catalog.PostProcessor].
func (p *EntityProcessor) PostProcess(ctx context.Context, run *catalog.Processing, e entity.Entity) (entity.Entity, error) {
	return p.change(ctx, postProcess, run, e)
}

// ValidateKind implements [catalog.KindValidator].
func (p *EntityProcessor) ValidateKind(ctx context.Context, e entity.Entity) (bool, error) {
	location, origin := e.Annotation(entity.AnnotationLocation), e.Annotation(entity.AnnotationOriginLocation)
	r, err := p.ask(ctx, validate, e, location, origin)
	if r == nil || err != nil {
		return false, err
	}
	if err := stated(r); err != nil {
		return false, err
	}
	return r.GetRecognized(), nil
}

// change runs one of the stages that return an entity.
func (p *EntityProcessor) change(ctx context.Context, stage pluginv1.ProcessorStage, run *catalog.Processing, e entity.Entity) (entity.Entity, error) {
	r, err := p.ask(ctx, stage, e, run.Location.String(), run.Origin.String())
	if r == nil || err != nil {
		return e, err
	}
	if err := stated(r); err != nil {
		return nil, err
	}
	next, err := p.apply(run, e, r)
	if err != nil {
		return e, &catalog.UnavailableError{Err: err, Alone: true}
	}
	return next, nil
}

// ask gets the plugin's answer for one entity, an earlier one when there is none to be had. nil without an error: the
// stage is not the plugin's.
func (p *EntityProcessor) ask(ctx context.Context, stage pluginv1.ProcessorStage, e entity.Entity, location, origin string) (*pluginv1.ProcessResult, error) {
	d := p.declared.Load()
	if d == nil {
		p.pass(e.Ref().Canonical())
		return nil, catalog.Unavailable(p.unmet(ctx))
	}
	if !slices.Contains(d.stages, stage) {
		return nil, nil
	}
	data, err := writeEntity(e)
	if err != nil {
		return nil, err
	}
	item := &pluginv1.ProcessItem{EntityJson: data, Location: location, OriginLocation: origin}
	key := answerKey(stage, d, item)
	r, err := p.stages[stage].ask(ctx, item)
	switch {
	case err == nil:
		p.last.keep(key, r)
		return r, nil
	case ctx.Err() != nil:
		return nil, err
	}
	if isOutage(err) {
		p.pass(e.Ref().Canonical())
	}
	if r := p.last.of(key); r != nil {
		return r, nil
	}
	return nil, &catalog.UnavailableError{Err: err, Alone: !isOutage(err)}
}

func answerKey(stage pluginv1.ProcessorStage, d *declared, item *pluginv1.ProcessItem) answerID {
	h := sha256.New()
	fmt.Fprintf(h, "%d\x00%s\x00%s\x00%s\x00", stage, d.version, item.GetLocation(), item.GetOriginLocation())
	h.Write(item.GetEntityJson())
	return answerID(h.Sum(nil))
}

// unmet is why it is not known yet what the processor does.
func (p *EntityProcessor) unmet(ctx context.Context) error {
	if _, err := p.source.Client(ctx); err != nil {
		return err
	}
	return apierror.Newf(apierror.ServiceUnavailable, "Plugin %s has not said yet what its processor %s does", p.plugin, p.name)
}

// pass notes an entity that has to be looked at again when the plugin answers.
func (p *EntityProcessor) pass(ref entity.Canonical) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.passed) < passedLimit {
		p.passed[ref] = struct{}{}
	}
}

// call hands one batch to the plugin, and halves it when the plugin breaks on it.
func (p *EntityProcessor) call(ctx context.Context, stage pluginv1.ProcessorStage, items []*pluginv1.ProcessItem) []verdict {
	results, err := p.process(ctx, stage, items)
	verdicts := make([]verdict, len(items))
	switch {
	case err == nil:
		for i, r := range results {
			verdicts[i].result = r
		}
	case len(items) > 1 && !isOutage(err) && ctx.Err() == nil:
		half := len(items) / 2
		return append(p.call(ctx, stage, items[:half]), p.call(ctx, stage, items[half:])...)
	default:
		for i := range verdicts {
			verdicts[i].err = err
		}
	}
	return verdicts
}

// isOutage tells a plugin that does not answer from one that answers badly: another try, later, may help.
func isOutage(err error) bool {
	return apierror.Has(err, apierror.ServiceUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// callName is what its calls are in errors, and what their failures count against.
func (p *EntityProcessor) callName() string { return "ProcessEntities " + p.name }

func (p *EntityProcessor) process(ctx context.Context, stage pluginv1.ProcessorStage, items []*pluginv1.ProcessItem) ([]*pluginv1.ProcessResult, error) {
	c, err := p.source.Client(ctx)
	if err != nil {
		return nil, err
	}
	if time.Now().UnixNano() < p.silent.Load() {
		return nil, c.unavailable("did not answer and is left alone for a moment", nil)
	}
	call := p.callName()
	began := time.Now()
	answer, err := unary(ctx, c, call, c.limits.Batch, func(ctx context.Context, r *pluginv1.ProcessEntitiesRequest, o ...callOption) (*pluginv1.ProcessEntitiesResponse, error) {
		answer, err := pluginv1.NewCatalogProcessorServiceClient(c.conn).ProcessEntities(ctx, r, o...)
		if err == nil && len(answer.GetResults()) != len(items) {
			return nil, c.wrong(call, "%d results for %d entities", len(answer.GetResults()), len(items))
		}
		return answer, err
	}, &pluginv1.ProcessEntitiesRequest{Processor: p.name, Stage: stage, Items: items})
	if ctx.Err() == nil {
		p.end(err)
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		p.stages[stage].learn(len(items), time.Since(began), c.limits.Batch)
	}
	return answer.GetResults(), err
}

// end notes how a call ended. After an outage the plugin is left alone: a second, then twice as long each time, up to 32.
// Without this an outage would cost the catalog a deadline for each batch.
func (p *EntityProcessor) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil || !isOutage(err):
		p.outages = 0
	case time.Now().UnixNano() >= p.silent.Load():
		p.silent.Store(time.Now().Add(time.Second << min(p.outages, 5)).UnixNano())
		p.outages++
	}
}

// Run implements [catalog.RunningProcessor]: it learns what the plugin declares when it comes up and when it is replaced,
// and schedules what was passed over while it was away.
func (p *EntityProcessor) Run(ctx context.Context, conn catalog.ProcessorConnection) {
	tick := time.NewTicker(p.options.Poll)
	defer tick.Stop()
	trouble := ""
	for {
		err := p.look(ctx, conn)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			trouble = ""
		case err.Error() != trouble && !apierror.Has(err, apierror.ServiceUnavailable):
			trouble = err.Error()
			p.log.Warn("the processor cannot be used", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *EntityProcessor) look(ctx context.Context, conn catalog.ProcessorConnection) error {
	c, err := p.source.Client(ctx)
	if err != nil {
		return err
	}
	if d := p.declared.Load(); d == nil || d.client != c {
		if err := p.meet(ctx, c, conn); err != nil {
			return err
		}
	}
	if c.rests(p.callName()) || time.Now().UnixNano() < p.silent.Load() {
		return nil
	}
	passed := p.due()
	if err := conn.Reprocess(ctx, passed); err != nil {
		for _, ref := range passed {
			p.pass(ref)
		}
		return err
	}
	return nil
}

// due takes what is to be scheduled now: everything that was passed over once the plugin answers, one entity to find out
// whether it does.
func (p *EntityProcessor) due() []entity.Canonical {
	p.mu.Lock()
	defer p.mu.Unlock()
	var refs []entity.Canonical
	for ref := range p.passed {
		refs = append(refs, ref)
		delete(p.passed, ref)
		if p.outages > 0 {
			break
		}
	}
	return refs
}

// meet learns what a new instance says of the processor.
func (p *EntityProcessor) meet(ctx context.Context, c *Client, conn catalog.ProcessorConnection) error {
	listed, err := unary(ctx, c, "ListProcessors", c.limits.Quick, pluginv1.NewCatalogProcessorServiceClient(c.conn).ListProcessors, &pluginv1.ListProcessorsRequest{})
	if err != nil {
		return err
	}
	for _, l := range listed.GetProcessors() {
		if l.GetName() != p.name {
			continue
		}
		if len(l.GetKinds()) > 100 {
			return c.tooMuch("ListProcessors", "%d kinds of %q, at most 100 are allowed", len(l.GetKinds()), p.name)
		}
		before := p.declared.Swap(&declared{client: c, version: c.version, kinds: l.GetKinds(), stages: l.GetStages()})
		p.end(nil) // it answers
		p.silent.Store(0)
		if err := conn.Changed(ctx); err != nil {
			p.declared.Store(before)
			return err
		}
		return nil
	}
	return c.wrong("ListProcessors", "no processor named %q, which the manifest promises", p.name)
}

var (
	_ catalog.PreProcessor       = (*EntityProcessor)(nil)
	_ catalog.KindValidator      = (*EntityProcessor)(nil)
	_ catalog.PostProcessor      = (*EntityProcessor)(nil)
	_ catalog.DeclaringProcessor = (*EntityProcessor)(nil)
	_ catalog.RunningProcessor   = (*EntityProcessor)(nil)
)
