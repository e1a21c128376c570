package catalog

import (
	"cmp"
	"context"
	"slices"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// process runs one claimed entity through the pipeline and prepares what is to be stored. It returns nil when that is
// what is stored already. It runs on a worker: no SQL in here.
func (e *Engine) process(ctx context.Context, it item) *result {
	r := &result{item: it}
	cache := decodeCache(it.cache)
	doc, err := decodeEntity(it.unprocessed)
	if err != nil {
		return e.failed(r, []failure{{err: apierror.Wrap(apierror.Input, "The stored document cannot be read", err)}}, nil)
	}
	location, _ := entity.ParseLocation(doc.Annotation(entity.AnnotationLocation))
	fresh := it.forced || it.failing || !it.finished() || it.conflicts > 0 || it.references != it.children
	bounded, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	pipeline := e.pipeline.Load()
	out := pipeline.run(bounded, doc, cache, fresh, it.ancestors)
	if ctx.Err() != nil || out.skipped {
		return nil
	}
	e.reportUnavailable(pipeline, it.ref, out.unavailable)
	if len(out.unavailable) > 0 && !out.reads && it.unchanged() {
		return nil // what is stored was made with everybody's help
	}
	r.newCache = cache.encode(out.ok)
	r.polled = out.reads || pipeline.foreign(kindOf(it.ref))
	r.problems = describe(append(out.failures, out.notes...), location, it.ref, doc, it.line)
	if len(out.failures) > 0 {
		e.publishErrors(ctx, it.ref, location, out.failures)
		return e.failed(r, out.failures, &out)
	}
	return e.succeeded(r, &out)
}

func (e *Engine) failed(r *result, failures []failure, out *outcome) *result {
	r.errors = serializedErrors(failures)
	r.newHash = hashOf([]byte(r.errors))
	if out == nil {
		r.polled = false
		r.problems = describe(failures, entity.Location{}, r.ref, nil, r.line)
	}
	return e.unlessStored(r)
}

func (e *Engine) succeeded(r *result, out *outcome) *result {
	r.ok = true
	var order *cataloginfo.Order
	if keepsOrder(r.ref) {
		order = orderOf([]byte(r.unprocessed))
	}
	completed := appendEntity(make([]byte, 0, 2*len(r.unprocessed)), out.completed, order)
	r.completed = string(completed)
	r.relations = sortedRelations(out.relations)
	for key := range out.refreshKeys {
		r.refreshKeys = append(r.refreshKeys, key)
	}
	slices.Sort(r.refreshKeys)
	r.emitted = make([]emitted, len(out.children))
	for i, c := range out.children {
		r.emitted[i] = newEmitted(c.ref, c.entity, c.locationKey, c.line, c.order)
	}
	sum := completed
	for _, c := range r.emitted {
		sum = append(append(append(sum, c.ref...), c.hash...), c.locationKey...)
	}
	for _, rel := range r.relations {
		sum = append(append(append(append(sum, '\n'), rel.source...), rel.typ...), rel.target...)
	}
	for _, key := range r.refreshKeys {
		sum = append(append(sum, '\n'), key...)
	}
	r.newHash = hashOf(sum)
	return e.unlessStored(r)
}

// unlessStored is nil when a result is what the database holds, and only the cache when nothing else has changed.
func (e *Engine) unlessStored(r *result) *result {
	pace := e.pace()
	r.next = pace.next(true, r.polled).UnixMilli()
	if r.newHash != r.resultHash || r.conflicts > 0 || r.references != r.children {
		return r
	}
	if r.newCache == r.cache {
		return nil
	}
	r.cacheOnly = true
	return r
}

func sortedRelations(rs []relation) []relation {
	slices.SortFunc(rs, func(a, b relation) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.typ, b.typ), cmp.Compare(a.target, b.target))
	})
	return slices.Compact(rs)
}

// The event topics of the reference.
const (
	errorsTopic   = "experimental.catalog.errors"
	conflictTopic = "experimental.catalog.conflict"
)

func (e *Engine) publishErrors(ctx context.Context, ref entity.Canonical, location entity.Location, failures []failure) {
	if e.events == nil {
		return
	}
	list := make([]any, len(failures))
	for i, f := range failures {
		list[i] = serializedError(f.err)
	}
	e.events.Publish(ctx, errorsTopic, map[string]any{"entity": string(ref), "location": location.String(), "errors": list})
}

// report tells people and listeners what a write has found.
func (e *Engine) report(ctx context.Context, conflicts []conflict, changes []problemChange) {
	e.logProblems(changes)
	if e.events == nil {
		return
	}
	for _, c := range conflicts {
		doc, err := decodeEntity(c.json)
		if err != nil {
			continue
		}
		e.events.Publish(ctx, conflictTopic, map[string]any{
			"unprocessedEntity": doc, "entityRef": string(c.ref), "newLocationKey": c.locationKey, "existingLocationKey": c.existingKey,
			"lastConflictAt": e.now().UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		})
	}
}
