package apidocs

import (
	"context"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/principal"
)

// Entities answers which entities a viewer may read.
type Entities interface {
	// Visible answers the entity, false when there is none or p may not read it.
	Visible(ctx context.Context, p *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error)
}

// Engine answers documents to viewers. What it has read stays for those who come next, mistakes too: a document that
// cannot be shown is not read again for each who tries.
type Engine struct {
	entities Entities
	read     *otter.Cache[source, *outcome]
	reading  singleflight.Group
	turns    chan struct{}
}

// source is the text of a document. Most of what the document holds are parts of the text, so that it costs no memory of
// its own as a key; looking it up takes a hash of the text, a millisecond for the largest.
type source struct{ kind, text string }

// Limits of what is kept and done at once.
const (
	// weighed is about how many bytes the documents may take together.
	weighed = 256 << 20
	// atOnce is how many documents are read at the same time: the largest take a second and half a gigabyte while they are.
	atOnce = 2
)

// NewEngine makes an engine.
func NewEngine(entities Entities) *Engine {
	return &Engine{
		entities: entities,
		turns:    make(chan struct{}, atOnce),
		read: otter.Must(&otter.Options[source, *outcome]{
			MaximumWeight: weighed,
			Weigher:       func(_ source, o *outcome) uint32 { return o.weight() },
		}),
	}
}

// outcome is what came of reading one text.
type outcome struct {
	doc *spec.Document
	err error
}

func (o *outcome) weight() uint32 {
	if o.err != nil {
		return 1 << 10
	}
	return uint32(min(o.doc.Weight(), weighed))
}

// Widget is what an embedding page must be allowed to show documents of APIs.
const Widget = "api-docs/reference"

// visible is an entity that the viewer may read. An embedding page must be allowed to show the widget and the entity too;
// for it, what is not allowed is not there.
func visible(ctx context.Context, entities Entities, p *principal.Principal, widget string, ref entity.Ref) (entity.Entity, error) {
	if !p.Embed.AllowsWidget(widget) {
		return nil, apierror.NotAllowedf("This page may not show the widget %q", widget)
	}
	var found entity.Entity
	ok, err := p.Embed.AllowsEntity(ref.String()), error(nil)
	if ok {
		found, ok, err = entities.Visible(ctx, p, ref.Canonical())
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, apierror.NotFoundf("No entity %q found", ref)
	}
	return found, nil
}

// Document answers the document of an entity, if the viewer may read it, and the entity.
func (e *Engine) Document(ctx context.Context, p *principal.Principal, ref entity.Ref) (*spec.Document, entity.Entity, error) {
	found, err := visible(ctx, e.entities, p, Widget, ref)
	if err != nil {
		return nil, nil, err
	}
	doc, err := e.Of(ctx, found)
	return doc, found, err
}

// Of answers the document of an entity that the viewer may read, which the caller has made sure of.
func (e *Engine) Of(ctx context.Context, found entity.Entity) (*spec.Document, error) {
	text, _ := found.Spec()["definition"].(string)
	kind, _ := found.Spec()["type"].(string)
	if text == "" {
		return nil, apierror.NotFoundf("Entity %q has no spec.definition to show", found.Ref())
	}
	o, err := e.outcome(ctx, kind, text)
	if err != nil {
		return nil, err
	}
	if o.err != nil {
		return nil, apierror.Inputf("spec.definition of %q: %v", found.Ref(), o.err)
	}
	return o.doc, nil
}

// outcome answers what is known of a text, and reads it when that is nothing. Who asks for a text that is being read
// waits for it.
func (e *Engine) outcome(ctx context.Context, kind, text string) (*outcome, error) {
	key := source{kind, text}
	if o, ok := e.read.GetIfPresent(key); ok {
		return o, nil
	}
	o, err, _ := e.reading.Do(kind+":"+text, func() (any, error) {
		select {
		case e.turns <- struct{}{}:
			defer func() { <-e.turns }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		o := &outcome{}
		o.doc, o.err = spec.Read(kind, text)
		e.read.Set(key, o)
		return o, nil
	})
	switch {
	case err == nil:
		known, _ := o.(*outcome)
		return known, nil
	case ctx.Err() == nil: // the one who was to read it has gone
		return e.outcome(ctx, kind, text)
	default:
		return nil, err
	}
}
