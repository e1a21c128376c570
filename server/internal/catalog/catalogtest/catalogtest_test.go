package catalogtest

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/entity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProviders_InThisProcess(t *testing.T) {
	Providers(t, func(t *testing.T) *ProviderUnderTest {
		t.Helper()
		p := &ProviderFake{ID: "fake"}
		return &ProviderUnderTest{
			Provider: p,
			Set:      func(docs ...entity.Entity) { p.mu.Lock(); p.docs = docs; p.mu.Unlock() },
			Break:    func(err error) { p.mu.Lock(); p.broken = err; p.mu.Unlock() },
			Refresh:  func() error { p.mu.Lock(); defer p.mu.Unlock(); return p.apply(t.Context()) },
		}
	})
}

func TestProcessors_InThisProcess(t *testing.T) {
	Processors(t, func(t *testing.T, b Behaviour) *ProcessorUnderTest {
		t.Helper()
		p := NewProcessorFake("fake", b)
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		return &ProcessorUnderTest{
			Processor: p,
			Down:      func(down bool) { must(p.Down(t.Context(), down)) },
			Become:    func(b Behaviour) { must(p.Become(t.Context(), b)) },
		}
	})
}
