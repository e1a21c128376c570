package widget

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// library has one entity of a size, which everybody may read.
type library struct{ entity Entity }

func (l library) Read(context.Context, *principal.Principal, entity.Canonical) (Entity, bool, error) {
	return l.entity, true, nil
}

func (library) Authorize(context.Context, *principal.Principal, permission.Permission) (permission.Decision, error) {
	return permission.Decision{Result: permission.Allow}, nil
}

// BenchmarkData_Remembered is a question whose answer is there, about a small entity and about one with a description of a
// megabyte: both should take the same.
func BenchmarkData_Remembered(b *testing.B) {
	for name, size := range map[string]int{"1 KB": 1 << 10, "1 MB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			definition := strings.Repeat("  description: a line of a \"document\"\n", size/30+1)[:size]
			books := library{Entity{entity.Entity{"kind": "API", "metadata": map[string]any{"name": "shop", "namespace": "default"},
				"spec": map[string]any{"definition": definition}}, "1"}}
			applies, err := ParseAppliesTo("kind:api")
			if err != nil {
				b.Fatal(err)
			}
			w := &scripted{d: Description{ID: "cost/spend", View: Stat, AppliesTo: applies}, answer: func(context.Context, Query) ([]*frame.Frame, error) {
				return []*frame.Frame{frame.New("spend", frame.Numbers("usd", 1))}, nil
			}}
			registry := NewRegistry()
			if err := registry.Set("cost", []Widget{w}); err != nil {
				b.Fatal(err)
			}
			e := NewEngine(Options{Registry: registry, Entities: books, Authorizer: books, Logger: slog.New(slog.DiscardHandler),
				Permission: func(string, string) (permission.Permission, bool) { return permission.Permission{}, false }})
			p := &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Data(b.Context(), p, Request{ID: "cost/spend", Entity: "api:default/shop"}); err != nil {
					b.Fatal(err)
				}
			}
			if n := w.asked.Load(); n != 1 {
				b.Errorf("the widget was asked %d times", n)
			}
		})
	}
}
