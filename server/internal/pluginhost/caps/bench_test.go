package caps

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
)

// BenchmarkCall is one small capability call over a unix socket: bare gRPC, and through the client with its guards.
func BenchmarkCall(b *testing.B) {
	conn := serve(b, (&taskService{run: func(context.Context, string) error { return nil }}).register)
	c := NewClient(conn, options("1"))
	rpc := pluginv1.NewTasksServiceClient(conn)
	for name, call := range map[string]func() error{
		"bare": func() error { _, err := rpc.RunTask(b.Context(), &pluginv1.RunTaskRequest{Id: "x"}); return err },
		"client": func() error {
			_, err := unary(b.Context(), c, "RunTask x", c.limits.Quick, rpc.RunTask, &pluginv1.RunTaskRequest{Id: "x"})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := call(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkProcessor is the way of one entity to a plugin and back, alone and beside 255 others.
func BenchmarkProcessor(b *testing.B) {
	m := &moody{}
	service := &processorService{batch: m.batch}
	p := Processor("hello", "seer", one(NewClient(serve(b, service.register), options("1"))), ProcessorOptions{Logger: silent()})
	if err := p.meet(b.Context(), p.source.(*switchboard).client, nothing{}); err != nil {
		b.Fatal(err)
	}
	e := catalogtest.NewEntity("Component", "a")
	for _, callers := range []int{1, 256} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			var all sync.WaitGroup
			work := make(chan struct{}, callers)
			for range callers {
				all.Go(func() {
					for range work {
						if _, err := p.ask(b.Context(), preProcess, e, "url:https://a.test", "url:https://a.test"); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entities/s")
		})
	}
}

// nothing is a ProcessorConnection that does nothing.
type nothing struct{}

func (nothing) Changed(context.Context) error                       { return nil }
func (nothing) Reprocess(context.Context, []entity.Canonical) error { return nil }

// BenchmarkIngest is 10,000 entities from a provider until all are visible, without and with a plugin that changes each.
func BenchmarkIngest(b *testing.B) {
	const n = 10_000
	docs := make([]entity.Entity, n)
	for i := range docs {
		docs[i] = catalogtest.NewEntity("Component", "c"+strconv.Itoa(i))
		docs[i].Metadata()["description"] = "Handles what customers ask for, and keeps records of it for as long as they may be needed"
		docs[i].Metadata()["tags"] = []any{"go", "tier-1"}
	}
	for name, processed := range map[string]bool{"none": false, "remote": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m := &moody{}
				service := &processorService{does: catalogtest.Behaviour{Kinds: []string{"component"}}, batch: m.batch}
				w, entities := m.begin(b, one(NewClient(serve(b, service.register), options("1"))))
				if !processed {
					w.Extend(catalog.Extension{Providers: []catalog.EntityProvider{entities}})
				}
				b.StartTimer()
				if err := entities.Set(b.Context(), docs...); err != nil {
					b.Fatal(err)
				}
				w.Wait("all are visible", func() bool { return w.Index().Snapshot().Len() == n })
				b.StopTimer()
				if processed && !isSeen(w, "c777") {
					b.Fatal("they are visible without the plugin's change")
				}
				w.Retract(true)
				b.StartTimer()
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "entities/s")
		})
	}
}
