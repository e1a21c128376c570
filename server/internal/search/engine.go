package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

const locationField = "location"

// Options is what an [Engine] is made of.
type Options struct {
	Types      []Type
	Authorizer permission.Authorizer
	Logger     *slog.Logger
	// Interval is how often sources are asked whether they changed; 0 = twice a second.
	Interval time.Duration
}

// Engine holds the indexes and answers queries. It is safe for concurrent use.
type Engine struct {
	indexes   atomic.Pointer[[]*index] // replaced as a whole when types come and go
	authorize permission.Authorizer
	log       *slog.Logger
	interval  time.Duration
	scratch   scratchPool
	// The tags around what matched are unlikely to occur in a text, and the same for the life of the engine.
	preTag, postTag string

	mu sync.Mutex
	// follow keeps an index up to date until Run ends; nil while the engine does not run.
	follow func(*index)
}

// New prepares the engine. Nothing is indexed before [Engine.Run] or [Engine.Update]; until then queries find nothing.
func New(o Options) (*Engine, error) {
	tag := uuid.NewString()
	e := &Engine{
		authorize: o.Authorizer, log: o.Logger, interval: o.Interval,
		preTag: "<" + tag + ">", postTag: "</" + tag + ">",
	}
	if e.interval <= 0 {
		e.interval = 500 * time.Millisecond
	}
	e.indexes.Store(&[]*index{})
	return e, e.Set("", o.Types)
}

// Set makes types all that source has, before Run or during it. Types that are the same as before, by name and Source,
// keep their index. A name that is taken is a ConflictError, and nothing changes then. Documents of a new type are found
// as soon as its source has been read; those of a type that is gone no longer.
func (e *Engine) Set(source string, types []Type) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var next, fresh, gone []*index
	mine := map[string]*index{}
	for _, ix := range *e.indexes.Load() {
		if ix.source != source {
			next = append(next, ix)
		} else {
			mine[ix.typ.Name] = ix
		}
	}
	for _, t := range types {
		if !slices.Contains(t.Fields, locationField) {
			return fmt.Errorf("search type %s: has no field %q", t.Name, locationField)
		}
		if slices.ContainsFunc(next, func(ix *index) bool { return ix.typ.Name == t.Name }) {
			return apierror.Conflictf("search type %s is registered twice", t.Name)
		}
		ix := mine[t.Name]
		if ix == nil || ix.typ.Source != t.Source {
			ix = newIndex(t, e.log)
			ix.source = source
			fresh = append(fresh, ix)
		} else {
			delete(mine, t.Name)
		}
		next = append(next, ix)
	}
	for _, ix := range mine {
		gone = append(gone, ix)
	}
	e.indexes.Store(&next)
	for _, ix := range gone {
		ix.end()
	}
	if e.follow != nil {
		for _, ix := range fresh {
			e.follow(ix)
		}
	}
	return nil
}

// Remove takes away the types of source, and waits until nobody reads its documents.
func (e *Engine) Remove(source string) { _ = e.Set(source, nil) } // nothing can be in conflict

// TypeNames lists the registered types in the order of registration.
func (e *Engine) TypeNames() []string {
	var names []string
	for _, ix := range *e.indexes.Load() {
		names = append(names, ix.typ.Name)
	}
	return names
}

// Run keeps the indexes up to date until ctx ends, and returns when all of its goroutines have ended.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	e.mu.Lock()
	e.follow = func(ix *index) {
		own, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		ix.end = func() { cancel(); <-done }
		wg.Go(func() {
			defer close(done)
			defer cancel()
			e.keepUp(own, ix)
		})
	}
	for _, ix := range *e.indexes.Load() {
		e.follow(ix)
	}
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	e.follow = nil
	e.mu.Unlock()
	wg.Wait()
}

// maxRetryPause is how rarely a source that fails is asked again.
const maxRetryPause = 30 * time.Second

// keepUp updates one index. After a long update it pauses longer, so that a source which changes all the time costs at
// most a fifth of one processor; after failures too.
func (e *Engine) keepUp(ctx context.Context, ix *index) {
	pause := e.interval
	for {
		began := time.Now()
		if err := ix.update(ctx); err == nil {
			pause = max(e.interval, 4*time.Since(began))
		} else if ctx.Err() == nil {
			pause = min(2*pause, maxRetryPause)
			e.log.Error("search index not updated", "type", ix.typ.Name, "retryIn", pause, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Update brings all indexes up to date now. It must not be used while [Engine.Run] runs.
func (e *Engine) Update(ctx context.Context) error {
	var errs []error
	for _, ix := range *e.indexes.Load() {
		errs = append(errs, ix.update(ctx))
	}
	return errors.Join(errs...)
}

// Documents is the number of indexed documents by type, for metrics and the console.
func (e *Engine) Documents() map[string]int {
	n := map[string]int{}
	for _, ix := range *e.indexes.Load() {
		n[ix.typ.Name] = ix.current.Load().docs
	}
	return n
}

// Results is one page. Total is absent for callers who do not see every document.
type Results struct {
	Total    *int
	Next     *Page
	Previous *Page
	Results  []Result
}

// Result is one document that was found.
type Result struct {
	Type      string
	Fields    []string
	Document  Document
	Rank      int
	Highlight []Highlighted
}

// Highlighted is the text of a field with tags around what matched.
type Highlighted struct{ Field, Text string }

// access is what a caller may see of one type.
type access struct {
	index   *index
	visible func(resourceRef string) bool // nil = everything
}

// Query answers q for p.
func (e *Engine) Query(ctx context.Context, p *principal.Principal, q Query) (Results, error) {
	allowed, partial, err := e.access(ctx, p, q.Types)
	if err != nil {
		return Results{}, err
	}
	if len(allowed) == 0 {
		return Results{}, nil
	}
	size := float64(q.Limit)
	offset := float64(q.Page) * size
	hits, total, err := e.find(ctx, q, allowed, offset+size)
	if err != nil {
		return Results{}, err
	}
	r := Results{}
	if !partial {
		r.Total = &total
	}
	if next := q.Page + 1; float64(total) > offset+size {
		r.Next = &next
	}
	if previous := q.Page - 1; q.Page > 0 {
		r.Previous = &previous
	}
	if offset >= 0 && offset < float64(len(hits)) {
		for i, h := range hits[int(offset):] {
			r.Results = append(r.Results, e.result(h, int(offset)+i+1))
		}
	}
	return r, nil
}

// access asks for each requested type whether p may see it. partial says that some documents are hidden.
func (e *Engine) access(ctx context.Context, p *principal.Principal, types []string) (allowed []access, partial bool, err error) {
	for _, ix := range *e.indexes.Load() {
		if types != nil && !slices.Contains(types, ix.typ.Name) {
			continue
		}
		if mayAll, err := e.mayAll(ctx, p, ix.typ); err != nil || !mayAll {
			if err != nil {
				return nil, false, err
			}
			continue
		}
		a := access{index: ix}
		if ix.typ.Permission != nil {
			d, err := e.authorize.Authorize(ctx, p, *ix.typ.Permission)
			switch {
			case err != nil:
				return nil, false, fmt.Errorf("authorize %s for search type %s: %w", ix.typ.Permission.Name, ix.typ.Name, err)
			case d.Result == permission.Conditional:
				partial = true
				if a.visible, err = ix.visible(ctx, p, d.Conditions); err != nil {
					return nil, false, err
				}
			case d.Result != permission.Allow:
				continue
			}
		}
		allowed = append(allowed, a)
	}
	return allowed, partial, nil
}

// mayAll asks for the further permissions of a type. A conditional decision about them has no resource to speak of.
func (e *Engine) mayAll(ctx context.Context, p *principal.Principal, t Type) (bool, error) {
	for _, needed := range t.Needs {
		d, err := e.authorize.Authorize(ctx, p, needed)
		if err != nil {
			return false, fmt.Errorf("authorize %s for search type %s: %w", needed.Name, t.Name, err)
		}
		if d.Result != permission.Allow {
			return false, nil
		}
	}
	return true, nil
}

func (ix *index) visible(ctx context.Context, p *principal.Principal, c *permission.Criteria) (func(string) bool, error) {
	if ix.typ.Conditions == nil || c == nil {
		return func(string) bool { return false }, nil
	}
	visible, err := ix.typ.Conditions(ctx, p, c)
	if err != nil {
		return nil, fmt.Errorf("conditions on search type %s: %w", ix.typ.Name, err)
	}
	// As in the reference, a document that stands for no resource is not hidden by conditions on resources.
	return func(ref string) bool { return ref == "" || visible(ref) }, nil
}

// hit is one match with what is needed to show it.
type hit struct {
	match
	index *index
	order int // of the type
	terms *expansion
}

// find merges the best matches of all types. Only those before position end are kept.
func (e *Engine) find(ctx context.Context, q Query, allowed []access, end float64) (hits []hit, total int, err error) {
	n := 0
	if end > 0 { // false for NaN
		n = int(min(end, math.MaxInt32))
	}
	for order, a := range allowed {
		p, ok := newPlan(q, a.index.typ.Fields)
		if !ok {
			continue
		}
		f, err := a.index.current.Load().find(ctx, &p, a.visible, n, &e.scratch)
		if err != nil {
			return nil, 0, err
		}
		total += f.total
		for _, m := range f.best {
			hits = append(hits, hit{match: m, index: a.index, order: order, terms: f.terms})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.order == b.order {
			return compareMatches(a.match, b.match)
		}
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return a.order - b.order
	})
	return hits[:min(len(hits), n)], total, nil
}

func (e *Engine) result(h hit, rank int) Result {
	d := h.doc()
	return Result{
		Type: h.index.typ.Name, Fields: h.index.typ.Fields, Document: d.Document, Rank: rank,
		Highlight: e.highlight(h, d),
	}
}

// highlight walks the tokens of the document beside its text.
func (e *Engine) highlight(h hit, d *doc) []Highlighted {
	var all []Highlighted
	segment := slices.IndexFunc(h.terms.snapshot.segments, func(v segmentView) bool { return v.segment == h.segment.segment })
	for f, text := range d.Values {
		at := int(h.id)*h.segment.fields + f
		ids := h.segment.forward[h.segment.forwardFrom[at]:h.segment.forwardFrom[at+1]]
		if !slices.ContainsFunc(ids, func(id termID) bool { return h.terms.matches(segment, id, f) }) {
			continue
		}
		var b strings.Builder
		b.Grow(len(text) + 2*(len(e.preTag)+len(e.postTag)))
		end, i := 0, 0
		for s := range spans(text) {
			if h.terms.matches(segment, ids[i], f) {
				b.WriteString(text[end:s.from])
				b.WriteString(e.preTag)
				b.WriteString(text[s.from:s.to])
				b.WriteString(e.postTag)
				end = s.to
			}
			i++
		}
		b.WriteString(text[end:])
		all = append(all, Highlighted{Field: h.index.typ.Fields[f], Text: b.String()})
	}
	return all
}

// matches reports whether the query looks for that term in that field.
func (x *expansion) matches(segment int, id termID, field int) bool {
	if id == noTerm || len(x.byTerm) == 0 {
		return false
	}
	w := x.byTerm[x.snapshot.segments[segment].terms[id]]
	return w != nil && w.in(field) > 0
}
