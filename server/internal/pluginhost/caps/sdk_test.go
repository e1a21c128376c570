package caps

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/widgettest"
)

// list is what the upstream has, as an author's provider lists it.
func (u *upstream) list(context.Context) iter.Seq2[sdk.Entity, error] {
	return func(yield func(sdk.Entity, error) bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, e := range u.docs {
			if !yield(e, nil) {
				return
			}
		}
		if u.broken != nil {
			yield(nil, u.broken)
		}
	}
}

func TestProviders_OfThePluginSDK(t *testing.T) {
	catalogtest.Providers(t, func(t *testing.T) *catalogtest.ProviderUnderTest {
		t.Helper()
		u, plugin := &upstream{}, sdk.New("hello")
		plugin.EntityProvider("things", time.Hour, u.list)
		p := Provider("hello", "things", one(NewClient(plugintest.Start(t, plugin).Conn(), options("1"))), ProviderOptions{Poll: quick, Logger: silent()})
		return &catalogtest.ProviderUnderTest{
			Provider: p, Set: u.set, Break: u.breakDown,
			Refresh: func() error { return p.Trigger(t.Context()) },
		}
	})
}

// authored is a plugin with a processor that has the behaviour.
func authored(b catalogtest.Behaviour) *sdk.Plugin {
	s := sdk.Stages{Name: "seer", Kinds: b.Kinds}
	if b.Pre != nil {
		s.PreProcess = func(_ context.Context, _ *sdk.Processing, e sdk.Entity) (sdk.Entity, error) { return b.Pre(e) }
	}
	if b.Validate != nil {
		s.Validate = func(_ context.Context, e sdk.Entity) (bool, error) { return b.Validate(e) }
	}
	if b.Post != nil {
		s.PostProcess = func(_ context.Context, run *sdk.Processing, e sdk.Entity) (sdk.Entity, error) {
			emission, err := b.Post(e)
			for _, child := range emission.Entities {
				run.Emit(child)
			}
			for _, r := range emission.Relations {
				run.Relate(r.Source, r.Type, r.Target)
			}
			return e, err
		}
	}
	plugin := sdk.New("hello")
	plugin.StagedProcessor(s)
	return plugin
}

func TestProcessors_OfThePluginSDK(t *testing.T) {
	catalogtest.Processors(t, func(t *testing.T, b catalogtest.Behaviour) *catalogtest.ProcessorUnderTest {
		t.Helper()
		start := func(b catalogtest.Behaviour) *Client {
			return NewClient(plugintest.Start(t, authored(b)).Conn(), options(b.Version))
		}
		plugin := one(start(b))
		return &catalogtest.ProcessorUnderTest{
			Processor: Processor("hello", "seer", plugin, ProcessorOptions{Poll: quick, Logger: silent()}),
			Down:      plugin.set,
			Become:    func(b catalogtest.Behaviour) { plugin.replace(start(b)) },
		}
	})
}

func TestWidgets_OfThePluginSDK(t *testing.T) {
	widgettest.Widgets(t, func(t *testing.T, d widget.Description, answer widgettest.Answer) widget.Widget {
		t.Helper()
		plugin := sdk.New("hello")
		w := sdk.Widget{ID: "test", Title: d.Title, Description: d.Description, View: sdk.View(d.View), For: d.AppliesTo.String(),
			Refresh: d.Refresh, Permission: d.Permission, Stream: authoredFrames(answer)}
		if d.ArgsSchema != nil {
			t.Skip("the SDK makes the schema from a struct")
		}
		plugin.Widget(w)
		registry := widget.NewRegistry()
		announce(t, Widgets(registry, WidgetOptions{ImporterOptions: often()}), one(NewClient(plugintest.Start(t, plugin).Conn(), options("1"))), func(p *manifest.Provides) { p.Widgets = []string{"test"} })
		eventually(t, "the widget is registered", func() bool { return len(registry.List()) == 1 })
		return registry.List()[0]
	})
}

func authoredFrames(answer widgettest.Answer) func(context.Context, sdk.WidgetQuery) iter.Seq2[*frame.Frame, error] {
	return func(ctx context.Context, q sdk.WidgetQuery) iter.Seq2[*frame.Frame, error] {
		return func(yield func(*frame.Frame, error) bool) {
			frames, err := answer(ctx, widget.Query{Entity: q.Entity, From: q.From, To: q.To, MaxPoints: q.MaxPoints,
				Args: q.Args, Locale: q.Locale, TimeZone: q.TimeZone, User: q.User})
			for _, f := range frames {
				if !yield(f, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
}
