package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestBulkhead_WaitsAsLongAsItMayAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(1, 2, 100*time.Millisecond)
		ctx := t.Context()
		began := time.Now()
		if in, err := b.enter(ctx); !in || err != nil {
			t.Fatal(in, err)
		}
		if in, err := b.enter(ctx); in || err != nil || time.Since(began) != 100*time.Millisecond {
			t.Error(in, err, time.Since(began))
		}
		go func() { time.Sleep(30 * time.Millisecond); b.leave() }()
		began = time.Now()
		if in, err := b.enter(ctx); !in || err != nil || time.Since(began) != 30*time.Millisecond {
			t.Error(in, err, time.Since(began))
		}
		waited := make(chan bool, 2)
		for range 2 {
			go func() { in, _ := b.enter(ctx); waited <- in }()
		}
		synctest.Wait()
		began = time.Now()
		if in, err := b.enter(ctx); in || err != nil || time.Since(began) != 0 {
			t.Error("the queue is full:", in, err, time.Since(began))
		}
		if first, second := <-waited, <-waited; first || second {
			t.Error("got in")
		}
		gone, cancel := context.WithCancel(ctx)
		go func() { time.Sleep(time.Millisecond); cancel() }()
		if in, err := b.enter(gone); in || err == nil {
			t.Error(in, err)
		}
		b.leave()
		if b.inside() != 0 || b.waiting.Load() != 0 {
			t.Error(b.inside(), b.waiting.Load())
		}
	})
}
