package task

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func eachDatabase(b *testing.B, bench func(b *testing.B, db *store.DB)) {
	b.Run("SQLite", func(b *testing.B) { bench(b, storetest.SQLite(b)) })
	b.Run("PostgreSQL", func(b *testing.B) { bench(b, storetest.PostgreSQL(b)) })
}

// BenchmarkTasks is a task of one step from its creation to its end, many at a time.
func BenchmarkTasks(b *testing.B) {
	eachDatabase(b, func(b *testing.B, db *store.DB) {
		ended := make(chan string, 1000)
		e, stop := newRig(b, db).engine(Options{Concurrency: DefaultConcurrency, Run: succeed, Publish: func(_ context.Context, _ string, payload any) {
			if p := payload.(map[string]any); p["status"] == Completed {
				ended <- p["id"].(string)
			}
		}})
		defer stop()
		b.ResetTimer()
		go func() {
			for range b.N {
				if _, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage(oneStep), Initiator: ann}); err != nil {
					b.Error(err)
				}
			}
		}()
		for range b.N {
			<-ended
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
	})
}

// BenchmarkEventLatency is from a line that a step logs to the reader who follows the task.
func BenchmarkEventLatency(b *testing.B) {
	eachDatabase(b, func(b *testing.B, db *store.DB) {
		next := make(chan bool)
		e, stop := newRig(b, db).engine(Options{Run: func(ctx context.Context, _ workflow.Run, j workflow.Journal) (json.RawMessage, error) {
			for range next {
				if err := j.Log(ctx, line("x")); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}})
		defer stop()
		made := create(b, e, oneStep)
		got := make(chan bool)
		go func() {
			for events, err := range e.Follow(context.Background(), made.ID, 0) {
				if err != nil {
					b.Error(err)
					close(got)
					return
				}
				for range events {
					got <- true
				}
				if events[len(events)-1].Last() {
					return
				}
			}
		}()
		var worst time.Duration
		for b.Loop() {
			b.StopTimer()
			time.Sleep(flushAfter) // a line after a pause, as somebody sees it who watches
			b.StartTimer()
			begun := time.Now()
			next <- true
			<-got
			worst = max(worst, time.Since(begun))
		}
		b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
		close(next)
		<-got // the completion
	})
}

// BenchmarkLog is a line of a step that logs as fast as it can.
func BenchmarkLog(b *testing.B) {
	eachDatabase(b, func(b *testing.B, db *store.DB) {
		done := make(chan time.Duration, 1)
		e, stop := newRig(b, db).engine(Options{Run: func(ctx context.Context, _ workflow.Run, j workflow.Journal) (json.RawMessage, error) {
			begun := time.Now()
			for range b.N {
				if err := j.Log(ctx, line("Writing file src/main.go to template output path with mode 33188.")); err != nil {
					return nil, err
				}
			}
			err := j.(*journal).flush(ctx)
			done <- time.Since(begun)
			return nil, err
		}})
		defer stop()
		create(b, e, oneStep)
		b.ReportMetric(float64(b.N)/(<-done).Seconds(), "lines/s")
	})
}
