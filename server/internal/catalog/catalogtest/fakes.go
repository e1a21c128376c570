package catalogtest

import (
	"context"
	"errors"
	"sync"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog"
)

// ProviderFake is the plainest provider: what it is told to have, it provides.
type ProviderFake struct {
	ID string

	mu     sync.Mutex
	conn   catalog.ProviderConnection
	broken error
	docs   []entity.Entity
}

// Name implements [catalog.EntityProvider].
func (p *ProviderFake) Name() string { return p.ID }

// Connect implements [catalog.EntityProvider].
func (p *ProviderFake) Connect(_ context.Context, conn catalog.ProviderConnection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = conn
	return nil
}

// Set provides exactly docs.
func (p *ProviderFake) Set(ctx context.Context, docs ...entity.Entity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs = docs
	return p.apply(ctx)
}

func (p *ProviderFake) apply(ctx context.Context) error {
	if p.broken != nil {
		return p.broken
	}
	m := catalog.Mutation{Full: true}
	for _, e := range p.docs {
		m.Added = append(m.Added, catalog.DeferredEntity{Entity: e.Clone(), LocationKey: p.ID})
	}
	return p.conn.ApplyMutation(ctx, m)
}

// Behaviour is what a processor under test does. Functions that are nil are stages that it does not have.
type Behaviour struct {
	Version  string
	Kinds    []string
	Pre      func(e entity.Entity) (entity.Entity, error)
	Validate func(e entity.Entity) (bool, error)
	Post     func(e entity.Entity) (Emission, error)
}

// Emission is what a post-processor emits.
type Emission struct {
	Relations []Relation
	Entities  []entity.Entity
}

// Relation is one emitted edge.
type Relation struct{ Source, Type, Target string }

// ProcessorFake is a processor in this process with a behaviour that can be taken down and exchanged.
type ProcessorFake struct {
	ID string

	mu     sync.Mutex
	does   Behaviour
	down   bool
	missed []entity.Canonical
	conn   catalog.ProcessorConnection
}

// NewProcessorFake makes one.
func NewProcessorFake(id string, b Behaviour) *ProcessorFake { return &ProcessorFake{ID: id, does: b} }

// Name implements [catalog.Processor].
func (p *ProcessorFake) Name() string { return p.ID }

// Declare implements [catalog.DeclaringProcessor].
func (p *ProcessorFake) Declare() catalog.Declaration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return catalog.Declaration{Version: p.does.Version, Kinds: p.does.Kinds}
}

// Run implements [catalog.RunningProcessor].
func (p *ProcessorFake) Run(ctx context.Context, conn catalog.ProcessorConnection) {
	p.mu.Lock()
	p.conn = conn
	p.mu.Unlock()
	<-ctx.Done()
}

// Down takes the processor down, or up again.
func (p *ProcessorFake) Down(ctx context.Context, down bool) error {
	p.mu.Lock()
	p.down = down
	missed, conn := p.missed, p.conn
	p.mu.Unlock()
	if down || conn == nil {
		return nil
	}
	return conn.Reprocess(ctx, missed)
}

// Become exchanges the behaviour, as an upgrade does.
func (p *ProcessorFake) Become(ctx context.Context, b Behaviour) error {
	p.mu.Lock()
	p.does = b
	conn := p.conn
	p.mu.Unlock()
	return conn.Changed(ctx)
}

var errDown = errors.New("it is down")

func (p *ProcessorFake) present(ref entity.Canonical) (Behaviour, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		p.missed = append(p.missed, ref)
		return Behaviour{}, catalog.Unavailable(errDown)
	}
	return p.does, nil
}

// PreProcess implements [catalog.PreProcessor].
func (p *ProcessorFake) PreProcess(_ context.Context, _ *catalog.Processing, e entity.Entity) (entity.Entity, error) {
	b, err := p.present(e.Ref().Canonical())
	if err != nil || b.Pre == nil {
		return e, err
	}
	return b.Pre(e.Clone())
}

// ValidateKind implements [catalog.KindValidator].
func (p *ProcessorFake) ValidateKind(_ context.Context, e entity.Entity) (bool, error) {
	b, err := p.present(e.Ref().Canonical())
	if err != nil || b.Validate == nil {
		return false, err
	}
	return b.Validate(e)
}

// PostProcess implements [catalog.PostProcessor].
func (p *ProcessorFake) PostProcess(_ context.Context, run *catalog.Processing, e entity.Entity) (entity.Entity, error) {
	b, err := p.present(e.Ref().Canonical())
	if err != nil || b.Post == nil {
		return e, err
	}
	emission, err := b.Post(e)
	if err != nil {
		return nil, err
	}
	for _, r := range emission.Relations {
		source, err := entity.ParseRef(r.Source, entity.Defaults{})
		if err != nil {
			return nil, err
		}
		target, err := entity.ParseRef(r.Target, entity.Defaults{})
		if err != nil {
			return nil, err
		}
		if err := run.Relation(source, r.Type, target); err != nil {
			return nil, err
		}
	}
	for _, child := range emission.Entities {
		run.Emit(entity.Location{Type: "url", Target: "https://test.example/emitted.yaml"}, child, 0)
	}
	return e, nil
}

var (
	_ catalog.EntityProvider     = (*ProviderFake)(nil)
	_ catalog.PreProcessor       = (*ProcessorFake)(nil)
	_ catalog.KindValidator      = (*ProcessorFake)(nil)
	_ catalog.PostProcessor      = (*ProcessorFake)(nil)
	_ catalog.DeclaringProcessor = (*ProcessorFake)(nil)
	_ catalog.RunningProcessor   = (*ProcessorFake)(nil)
)
