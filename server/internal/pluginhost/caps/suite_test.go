package caps

import (
	"sync"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
)

// upstream is what a provider's plugin reads.
type upstream struct {
	mu     sync.Mutex
	docs   []entity.Entity
	broken error
}

func (u *upstream) set(docs ...entity.Entity) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.docs = docs
}

func (u *upstream) breakDown(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.broken = err
}

// refresh sends everything in messages of a few entities, and breaks only after the first.
func (u *upstream) refresh(_ *pluginv1.RefreshProviderRequest, send func(*pluginv1.RefreshProviderResponse) error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for rest := u.docs; len(rest) > 0; {
		m := &pluginv1.RefreshProviderResponse{}
		for _, e := range rest[:min(len(rest), 50)] {
			m.Upserts = append(m.Upserts, document(e))
		}
		rest = rest[len(m.GetUpserts()):]
		if err := send(m); err != nil {
			return err
		}
		if u.broken != nil {
			return u.broken
		}
	}
	return send(&pluginv1.RefreshProviderResponse{Full: true})
}

func TestProviders_OfAPlugin(t *testing.T) {
	catalogtest.Providers(t, func(t *testing.T) *catalogtest.ProviderUnderTest {
		t.Helper()
		u := &upstream{}
		conn := serve(t, (&providerService{interval: 3600, refresh: u.refresh}).register)
		p := Provider("hello", "things", one(NewClient(conn, options("1"))), ProviderOptions{Poll: quick, Logger: silent()})
		return &catalogtest.ProviderUnderTest{
			Provider: p, Set: u.set, Break: u.breakDown,
			Refresh: func() error { return p.Trigger(t.Context()) },
		}
	})
}

func TestProcessors_OfAPlugin(t *testing.T) {
	catalogtest.Processors(t, func(t *testing.T, b catalogtest.Behaviour) *catalogtest.ProcessorUnderTest {
		t.Helper()
		service := &processorService{does: b}
		conn := serve(t, service.register)
		plugin := one(NewClient(conn, options(b.Version)))
		return &catalogtest.ProcessorUnderTest{
			Processor: Processor("hello", "seer", plugin, ProcessorOptions{Poll: quick, Logger: silent()}),
			Down:      plugin.set,
			Become: func(b catalogtest.Behaviour) {
				service.become(b)
				plugin.replace(NewClient(conn, options(b.Version)))
			},
		}
	})
}
