package catalog

import (
	"context"
	"fmt"
	"sync"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// connection is one provider's [ProviderConnection].
type connection struct {
	engine   *Engine
	provider string

	mu      sync.RWMutex
	retired bool
}

func newConnection(e *Engine, provider string) *connection {
	return &connection{engine: e, provider: provider}
}

// retire waits for the mutation that runs and refuses all others: a provider that ends late must not bring back what
// was removed.
func (c *connection) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
}

func (c *connection) ApplyMutation(ctx context.Context, m Mutation) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.retired {
		return apierror.Conflictf("The entity provider %s is no longer part of the catalog", c.provider)
	}
	added := make([]emitted, len(m.Added))
	for i, d := range m.Added {
		if err := cataloginfo.ValidateEnvelope(d.Entity); err != nil {
			return apierror.TypeErrorf("Malformed entity envelope, %s", apierror.Describe(err))
		}
		ref := d.Entity.Ref().Canonical()
		if err := checkStorable(string(ref)); err != nil {
			return apierror.TypeErrorf("Malformed entity envelope, %s", apierror.Describe(err))
		}
		added[i] = newEmitted(ref, d.Entity, d.LocationKey, 0, nil)
	}
	e := c.engine
	conflicts, changes, err := e.db.applyMutation(ctx, e.now().UnixMilli(), c.provider, m.Full, added, m.Removed)
	if err != nil {
		return fmt.Errorf("store what %s provides: %w", c.provider, err)
	}
	e.report(ctx, conflicts, changes)
	e.announce()
	e.wake()
	return nil
}

func (c *connection) Refresh(ctx context.Context, keys []string) error {
	if err := c.engine.db.refreshKeys(ctx, keys); err != nil {
		return fmt.Errorf("refresh for %s: %w", c.provider, err)
	}
	c.engine.wake()
	return nil
}

func newEmitted(ref entity.Canonical, e entity.Entity, locationKey string, line int, order *cataloginfo.Order) emitted {
	data := appendEntity(make([]byte, 0, 1024), e, order)
	return emitted{ref: ref, json: string(data), hash: hashOf(data), locationKey: locationKey, line: line}
}

// connectProviders connects every provider, and removes what belongs to providers that are no longer there.
func (e *Engine) connectProviders(ctx context.Context) error {
	for _, p := range e.providers {
		if err := p.Connect(ctx, newConnection(e, p.Name())); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			e.trouble("provider "+p.Name(), fmt.Errorf("connect: %w", err))
		}
	}
	if e.keepProviders {
		return nil
	}
	return e.evictProviders(ctx)
}

// evictProviders leaves alone what belongs to extensions, there or not: whether those are gone for good, only
// [Engine.Retract] and [Engine.Installed] tell.
func (e *Engine) evictProviders(ctx context.Context) error {
	if err := e.extended.lock(ctx); err != nil {
		return err
	}
	defer e.extended.unlock()
	names, err := e.db.providersWithEntities(ctx)
	if err != nil {
		return fmt.Errorf("list entity providers: %w", err)
	}
	installed := map[string]bool{}
	for _, p := range e.providers {
		installed[p.Name()] = true
	}
	for name := range e.extended.known.providers {
		installed[name] = true
	}
	for _, name := range names {
		if installed[name] {
			continue
		}
		e.log.Warn("removing the entities of a provider that is no longer installed", "provider", name)
		if err := newConnection(e, name).ApplyMutation(ctx, Mutation{Full: true}); err != nil {
			return err
		}
	}
	return nil
}
